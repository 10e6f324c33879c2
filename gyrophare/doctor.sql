-- name: clock
select clock_timestamp() as now

-- name: newest_tick
select instance, ticked_at from engine_tick order by ticked_at desc limit 1

-- name: contacts
select count(*) as n from contact

-- name: late_notifications
select count(*) as late
from notification
where channel <> 'console' and state in ('pending', 'ambiguous', 'sending') and due_at < now() - interval '1 minute'
