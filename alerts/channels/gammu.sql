-- name: insert_text
-- Until the day's very end, not a second before it; the shortest validity that GSM knows is five minutes.
insert into outbox ("DestinationNumber", "TextDecoded", "Coding", "CreatorID", "DeliveryReport", "RelativeValidity",
                    "SendBefore", "Priority")
values (%(to)s, %(text)s, 'Default_No_Compression', %(creator)s, 'yes', 0, '24:00:00', 100)
returning "ID" as id

-- name: find_text
select "ID" as id, "CreatorID" as creator, 'Waiting' as status, null::integer as error
from outbox where "ID" = %(id)s
union all
select "ID", "CreatorID", "Status", nullif("StatusError", -1) from sentitems where "ID" = %(id)s

-- name: find_texts
-- Its instants have no zone: they are read in the database's own, as the daemon writes them.
select "ID" as id, "CreatorID" as creator, 'Waiting' as status, null::integer as error,
       "InsertIntoDB" <= now() - make_interval(secs => %(late_s)s) as late
from outbox
where "CreatorID" = %(creator)s and "InsertIntoDB" >= %(since)s
union all
select "ID", "CreatorID", "Status", nullif("StatusError", -1), false
from sentitems
where "CreatorID" = %(creator)s and "InsertIntoDB" >= %(since)s

-- name: find_sent
select "Status" as status, nullif("StatusError", -1) as error
from sentitems
where "ID" = %(id)s and "CreatorID" = %(creator)s

-- name: withdraw
-- What a modem sends all the same, because it was at it, tells one person more than it would have.
delete from outbox where "ID" = any(%(ids)s)
