-- name: measure
-- What a screen has not shown yet is not under way: it leaves nobody's hands.
with waiting as (
    select n.state, coalesce((select min(t.started_at) from attempt t where t.notification_id = n.id), n.due_at) as since_at
    from notification n
    where n.state in ('pending', 'sending', 'ambiguous') and n.channel <> 'console'
      and not (n.state = 'pending' and n.held is true)
), open as (
    select state, vital, next_step_at from alert where state <> 'closed'
)
select (select count(*) from open where vital and state = 'triggered') as vital_triggered,
       (select count(*) from open where vital and state <> 'triggered') as vital_acknowledged,
       (select count(*) from open where not vital and state = 'triggered') as protection_triggered,
       (select count(*) from open where not vital and state <> 'triggered') as protection_acknowledged,
       (select count(*) from open
        where state = 'triggered' and next_step_at < %(now)s - interval '5 seconds') as escalation_overdue,
       (select count(*) from waiting) as outbox_pending,
       (select count(*) from notification where state = 'pending' and held) as outbox_held,
       (select count(*) from waiting where state = 'ambiguous') as outbox_ambiguous,
       (select extract(epoch from %(now)s - min(since_at))::float8 from waiting) as outbox_oldest_age_s

-- name: follow
-- The newest alerts by their number, which needs no index of its own, and those whose story goes on.
select a.id, a.triggered_at, a.raised_at, a.acknowledged_at,
       (select min(n.sent_at) from notification n where n.alert_id = a.id and n.channel <> 'watch') as first_sent_at
from alert a
where (a.id > (select coalesce(max(id), 0) - 1000 from alert) and a.raised_at >= %(since_at)s)
   or a.id = any(%(followed)s)
