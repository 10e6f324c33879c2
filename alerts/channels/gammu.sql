-- name: insert_text
-- Until the day's very end, not a second before it; the shortest validity that GSM knows is five minutes.
insert into outbox ("DestinationNumber", "TextDecoded", "Coding", "CreatorID", "DeliveryReport", "RelativeValidity",
                    "SendBefore", "Priority")
values (%(to)s, %(text)s, 'Default_No_Compression', %(creator)s, 'yes', 0, '24:00:00', 100)
returning "ID" as id

-- name: find_text
select "ID" as id, 'Waiting' as status, null::integer as error from outbox where "ID" = %(id)s
union all
select "ID", "Status", nullif("StatusError", -1) from sentitems where "ID" = %(id)s

-- name: find_texts
-- Its instants have no zone: they are read in the database's own, as the daemon writes them.
select "ID" as id, 'Waiting' as status, null::integer as error
from outbox
where "CreatorID" = %(creator)s and "InsertIntoDB" >= %(since)s
union all
select "ID", "Status", nullif("StatusError", -1)
from sentitems
where "CreatorID" = %(creator)s and "InsertIntoDB" >= %(since)s
