-- name: find_devices
select d.id, d.organisation_id, d.kind, d.wire, d.wire_name, d.label
from device d
join unnest(%(wires)s::text[], %(names)s::text[]) as asked (wire, wire_name) using (wire, wire_name)
where d.revoked_at is null

-- name: devices_by_id
select id, organisation_id, kind, wire, wire_name, label from device where id = any(%(device_ids)s)

-- name: find_latest
select device_id, fixed_at, latitude_deg, longitude_deg, accuracy_m, speed_mps
from device_latest where device_id = any(%(device_ids)s) and fixed_at is not null

-- name: register_device
insert into device (organisation_id, kind, wire, wire_name, label, created_at)
values (%(organisation_id)s, %(kind)s, %(wire)s, %(wire_name)s, %(label)s, %(now)s)
on conflict (wire, wire_name) do update set label = excluded.label, revoked_at = null
returning id

-- name: insert_fixes
insert into fix (device_id, fixed_at, received_at, sent_at, latitude_deg, longitude_deg, accuracy_m, speed_mps,
                 course_deg, altitude_m, battery_pct, buffered, doubts, message_key)
select device_id, fixed_at, received_at, sent_at, latitude_deg, longitude_deg, accuracy_m, speed_mps,
       course_deg, altitude_m, battery_pct, buffered, coalesce(string_to_array(nullif(doubts, ''), ','), '{}'), message_key
from unnest(
    %(device_id)s::bigint[], %(fixed_at)s::timestamptz[], %(received_at)s::timestamptz[], %(sent_at)s::timestamptz[],
    %(latitude_deg)s::float8[], %(longitude_deg)s::float8[], %(accuracy_m)s::real[], %(speed_mps)s::real[],
    %(course_deg)s::real[], %(altitude_m)s::real[], %(battery_pct)s::real[], %(buffered)s::boolean[],
    %(doubts)s::text[], %(message_key)s::bigint[]
) as incoming (device_id, fixed_at, received_at, sent_at, latitude_deg, longitude_deg, accuracy_m, speed_mps,
               course_deg, altitude_m, battery_pct, buffered, doubts, message_key)
on conflict do nothing

-- name: note_latest
-- The newest fix wins, whatever the order of arrival; a heartbeat without a fix or a battery keeps what was known.
insert into device_latest as known (device_id, heard_at, fixed_at, latitude_deg, longitude_deg, accuracy_m, speed_mps,
                                    battery_pct)
select device_id, max(received_at),
       (array_agg(fixed_at order by fixed_at desc nulls last))[1],
       (array_agg(latitude_deg order by fixed_at desc nulls last))[1],
       (array_agg(longitude_deg order by fixed_at desc nulls last))[1],
       (array_agg(accuracy_m order by fixed_at desc nulls last))[1],
       (array_agg(speed_mps order by fixed_at desc nulls last))[1],
       (array_agg(battery_pct order by (battery_pct is null), sent_at desc nulls last))[1]
from unnest(
    %(device_id)s::bigint[], %(received_at)s::timestamptz[], %(sent_at)s::timestamptz[], %(fixed_at)s::timestamptz[],
    %(latitude_deg)s::float8[], %(longitude_deg)s::float8[], %(accuracy_m)s::real[], %(speed_mps)s::real[],
    %(battery_pct)s::real[]
) as incoming (device_id, received_at, sent_at, fixed_at, latitude_deg, longitude_deg, accuracy_m, speed_mps,
               battery_pct)
group by device_id
order by device_id
on conflict (device_id) do update set
    heard_at = greatest(known.heard_at, excluded.heard_at),
    battery_pct = coalesce(excluded.battery_pct, known.battery_pct),
    (fixed_at, latitude_deg, longitude_deg, accuracy_m, speed_mps) = (
        select newest.*
        from (values (known.fixed_at, known.latitude_deg, known.longitude_deg, known.accuracy_m, known.speed_mps),
                     (excluded.fixed_at, excluded.latitude_deg, excluded.longitude_deg, excluded.accuracy_m,
                      excluded.speed_mps)
             ) as newest (fixed_at, latitude_deg, longitude_deg, accuracy_m, speed_mps)
        order by newest.fixed_at desc nulls last
        limit 1
    )

-- name: insert_events
insert into event (device_id, kind, occurred_at, received_at, latitude_deg, longitude_deg, accuracy_m, fixed_at,
                   battery_pct, detail, message_key)
select device_id, kind, occurred_at, received_at, latitude_deg, longitude_deg, accuracy_m, fixed_at, battery_pct,
       detail::jsonb, message_key
from unnest(
    %(device_id)s::bigint[], %(kind)s::text[], %(occurred_at)s::timestamptz[], %(received_at)s::timestamptz[],
    %(latitude_deg)s::float8[], %(longitude_deg)s::float8[], %(accuracy_m)s::real[], %(fixed_at)s::timestamptz[],
    %(battery_pct)s::real[], %(detail)s::text[], %(message_key)s::bigint[]
) as incoming (device_id, kind, occurred_at, received_at, latitude_deg, longitude_deg, accuracy_m, fixed_at,
               battery_pct, detail, message_key)
on conflict do nothing
returning device_id, message_key

-- name: find_repeated
-- Locks the boots it knows, in order: of two processes with the same message, the second sees what the first committed.
with incoming as (
    select * from unnest(%(device_id)s::bigint[], %(boot)s::text[], %(number)s::bigint[])
        as incoming (device_id, boot, number)
), known as (
    select r.device_id, r.boot, r.committed
    from receipt r
    where (r.device_id, r.boot) in (select device_id, boot from incoming)
    order by r.device_id, r.boot
    for update
)
select device_id, boot, number
from incoming join known using (device_id, boot)
where known.committed @> incoming.number

-- name: commit_sequences
-- What a device may forget. Ordered, so that two processes lock a device's rows in the same order.
insert into receipt as known (device_id, boot, committed, updated_at)
select device_id, boot, range_agg(int8range(number, number, '[]')), %(now)s
from unnest(%(device_id)s::bigint[], %(boot)s::text[], %(number)s::bigint[]) as incoming (device_id, boot, number)
group by device_id, boot
order by device_id, boot
on conflict (device_id, boot) do update set
    committed = known.committed + excluded.committed, updated_at = excluded.updated_at
returning device_id, boot,
    -- Sequences start at 1 (0 is tolerated): without the first, nothing is contiguous.
    case when lower(known.committed) <= 1 then upper((select r from unnest(known.committed) r limit 1)) - 1 else 0 end
        as up_to

-- name: insert_rejected
insert into rejected as known (topic, reason, detail, size_bytes, sha256, body, first_received_at, last_received_at)
select distinct on (sha256, topic, reason) topic, reason, detail, size_bytes, sha256, body, received_at, received_at
from unnest(
    %(topic)s::text[], %(reason)s::text[], %(detail)s::text[], %(size_bytes)s::bigint[], %(sha256)s::bytea[],
    %(body)s::bytea[], %(received_at)s::timestamptz[]
) as incoming (topic, reason, detail, size_bytes, sha256, body, received_at)
order by sha256, topic, reason
on conflict (sha256, topic, reason) do update set
    last_received_at = greatest(known.last_received_at, excluded.last_received_at), times = known.times + 1

-- name: purge
-- Plain PostgreSQL has no retention policy; on TimescaleDB this finds nothing left.
with old_fix as (delete from fix where fixed_at < %(before)s),
     old_event as (update event set latitude_deg = null, longitude_deg = null, accuracy_m = null, fixed_at = null
                   where occurred_at < %(before)s and latitude_deg is not null),
     old_latest as (delete from device_latest where heard_at < %(before)s)
delete from rejected where last_received_at < %(before)s
