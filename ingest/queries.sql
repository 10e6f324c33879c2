-- Arrays come as text, see gyrophare.platform.sql.array; instants as seconds since 1970, which loses no microsecond.

-- name: find_devices
-- Who speaks, and what the gate needs of what they said before.
select d.id, d.organisation_id, d.kind, d.wire, d.wire_name, d.label,
       l.heard_at, l.sent_at, l.fixed_at, l.latitude_deg, l.longitude_deg, l.accuracy_m, l.speed_mps, l.steps_total,
       l.clock_skews_s
from unnest(%(wires)s::text[], %(names)s::text[]) as asked (wire, wire_name)
join device d using (wire, wire_name)
left join device_latest l on l.device_id = d.id
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
                 course_deg, altitude_m, battery_pct, steps, activity_mg, activity, buffered, doubts, extra, message_key)
select device_id, to_timestamp(fixed_s), to_timestamp(received_s), to_timestamp(sent_s), latitude_deg, longitude_deg,
       accuracy_m, speed_mps, course_deg, altitude_m, battery_pct, steps, activity_mg, activity, buffered,
       coalesce(string_to_array(doubts, ','), '{}'), extra::jsonb, message_key
from unnest(
    %(device_id)s::bigint[], %(fixed_s)s::float8[], %(received_s)s::float8[], %(sent_s)s::float8[],
    %(latitude_deg)s::float8[], %(longitude_deg)s::float8[], %(accuracy_m)s::real[], %(speed_mps)s::real[],
    %(course_deg)s::real[], %(altitude_m)s::real[], %(battery_pct)s::real[], %(steps)s::integer[],
    %(activity_mg)s::real[], %(activity)s::text[], %(buffered)s::boolean[], %(doubts)s::text[], %(extra)s::text[],
    %(message_key)s::bigint[]
) as incoming (device_id, fixed_s, received_s, sent_s, latitude_deg, longitude_deg, accuracy_m, speed_mps, course_deg,
               altitude_m, battery_pct, steps, activity_mg, activity, buffered, doubts, extra, message_key)
on conflict do nothing

-- name: find_repeated
-- Which of these were stored before, or twice just now: theirs is not the reception that the row tells of. The limit, of
-- a key that is unique, has each looked up by itself: as a join TimescaleDB asks every day for each, and unpacks it.
select asked.number
from unnest(%(device_id)s::bigint[], %(fixed_s)s::float8[], %(received_s)s::float8[], %(message_key)s::bigint[])
    with ordinality as asked (device_id, fixed_s, received_s, message_key, number)
cross join lateral (
    select fix.received_at from fix
    where fix.device_id = asked.device_id and fix.fixed_at = to_timestamp(asked.fixed_s)
      and fix.message_key = asked.message_key
      and fix.fixed_at between %(first_at)s and %(last_at)s  -- spares the plan the other days
    limit 1
) f
where f.received_at <> to_timestamp(asked.received_s)

-- name: insert_motion
insert into motion (device_id, at, received_at, steps, activity_mg, activity, buffered, doubts, message_key)
select device_id, to_timestamp(at_s), to_timestamp(received_s), steps, activity_mg, activity, buffered,
       coalesce(string_to_array(doubts, ','), '{}'), message_key
from unnest(
    %(device_id)s::bigint[], %(at_s)s::float8[], %(received_s)s::float8[], %(steps)s::integer[],
    %(activity_mg)s::real[], %(activity)s::text[], %(buffered)s::boolean[], %(doubts)s::text[], %(message_key)s::bigint[]
) as incoming (device_id, at_s, received_s, steps, activity_mg, activity, buffered, doubts, message_key)
on conflict do nothing

-- name: find_reports
-- Everything that was measured since then, with a position or without, by each device's own instant; at most so many,
-- to tell that there are more.
select asked.device_id, r.*
from unnest(%(device_id)s::bigint[], %(since_at)s::timestamptz[]) as asked (device_id, since_at)
cross join lateral (
    (
        select fixed_at as at, received_at, latitude_deg, longitude_deg, accuracy_m, speed_mps, steps, activity_mg,
               activity, buffered, doubts, message_key
        from fix where fix.device_id = asked.device_id and fix.fixed_at >= asked.since_at
        order by fix.fixed_at, fix.message_key
        limit %(most)s
    )
    union all
    (
        select at, received_at, null, null, null, null, steps, activity_mg, activity, buffered, doubts, message_key
        from motion where motion.device_id = asked.device_id and motion.at >= asked.since_at
        order by motion.at, motion.message_key
        limit %(most)s
    )
    order by at, message_key
    limit %(most)s
) r

-- name: note_latest
-- The newest fix wins, whatever the order of arrival; a message without a fix or a battery keeps what was known.
insert into device_latest as known (device_id, heard_at, sent_at, fixed_at, latitude_deg, longitude_deg, accuracy_m,
                                    speed_mps, battery_pct, steps_total)
select device_id, to_timestamp(heard_s), to_timestamp(sent_s), to_timestamp(fixed_s), latitude_deg, longitude_deg,
       accuracy_m, speed_mps, battery_pct, steps_total
from unnest(
    %(device_id)s::bigint[], %(heard_s)s::float8[], %(sent_s)s::float8[], %(fixed_s)s::float8[],
    %(latitude_deg)s::float8[], %(longitude_deg)s::float8[], %(accuracy_m)s::real[], %(speed_mps)s::real[],
    %(battery_pct)s::real[], %(steps_total)s::integer[]
) as incoming (device_id, heard_s, sent_s, fixed_s, latitude_deg, longitude_deg, accuracy_m, speed_mps, battery_pct,
               steps_total)
order by device_id
on conflict (device_id) do update set
    sent_at = case when excluded.heard_at >= known.heard_at then excluded.sent_at else known.sent_at end,
    heard_at = greatest(known.heard_at, excluded.heard_at),
    battery_pct = coalesce(excluded.battery_pct, known.battery_pct),
    steps_total = coalesce(excluded.steps_total, known.steps_total),
    (fixed_at, latitude_deg, longitude_deg, accuracy_m, speed_mps) = (
        select excluded.fixed_at, excluded.latitude_deg, excluded.longitude_deg, excluded.accuracy_m, excluded.speed_mps
        where excluded.fixed_at >= coalesce(known.fixed_at, '-infinity')
        union all
        select known.fixed_at, known.latitude_deg, known.longitude_deg, known.accuracy_m, known.speed_mps
        limit 1
    )

-- name: note_clocks
-- Rare: only of devices whose clock is off, or was.
update device_latest l set clock_skews_s = coalesce(string_to_array(nullif(new.skews, ''), ',')::float8[], '{}')
from unnest(%(device_id)s::bigint[], %(skews)s::text[]) as new (device_id, skews)
where l.device_id = new.device_id

-- name: count_off_shift
insert into off_shift_count as known (device_id, day, fixes)
select device_id, %(day)s, count(*) from unnest(%(device_id)s::bigint[]) as incoming (device_id)
group by device_id
order by device_id
on conflict (device_id, day) do update set fixes = known.fixes + excluded.fixes

-- name: insert_events
insert into event (device_id, kind, occurred_at, received_at, latitude_deg, longitude_deg, accuracy_m, fixed_at,
                   battery_pct, doubts, detail, message_key)
select device_id, kind, to_timestamp(occurred_s), to_timestamp(received_s), latitude_deg, longitude_deg, accuracy_m,
       to_timestamp(fixed_s), battery_pct, coalesce(string_to_array(doubts, ','), '{}'), detail::jsonb, message_key
from unnest(
    %(device_id)s::bigint[], %(kind)s::text[], %(occurred_s)s::float8[], %(received_s)s::float8[],
    %(latitude_deg)s::float8[], %(longitude_deg)s::float8[], %(accuracy_m)s::real[], %(fixed_s)s::float8[],
    %(battery_pct)s::real[], %(doubts)s::text[], %(detail)s::text[], %(message_key)s::bigint[]
) as incoming (device_id, kind, occurred_s, received_s, latitude_deg, longitude_deg, accuracy_m, fixed_s, battery_pct,
               doubts, detail, message_key)
on conflict do nothing
returning device_id, message_key

-- name: commit_sequences
-- What a device may forget, and what of it is new: `fresh` is what this statement added. It locks the boots, ordered, so
-- of two processes with the same message the second waits and finds nothing new.
insert into receipt as known (device_id, boot, committed, fresh, updated_at, first_at)
select device_id, boot, spans::int8multirange, spans::int8multirange, %(now)s, %(now)s
from unnest(%(device_id)s::bigint[], %(boot)s::text[], %(spans)s::text[]) as incoming (device_id, boot, spans)
order by device_id, boot
on conflict (device_id, boot) do update set
    committed = known.committed + excluded.committed, fresh = excluded.committed - known.committed,
    updated_at = excluded.updated_at
returning device_id, boot, known.fresh::text, known.fresh = known.committed as first,
    -- Sequences start at 1 (0 is tolerated): without the first, nothing is contiguous.
    case when lower(known.committed) <= 1 then upper((select r from unnest(known.committed) r limit 1)) - 1 else 0 end
        as up_to

-- name: insert_rejected
insert into rejected as known (topic, reason, detail, size_bytes, sha256, body, first_received_at, last_received_at,
                               times)
select distinct on (sha256, topic, reason) topic, reason, detail, size_bytes, sha256, body,
       min(received_at) over same, max(received_at) over same, sum(times) over same
from unnest(
    %(topic)s::text[], %(reason)s::text[], %(detail)s::text[], %(size_bytes)s::bigint[], %(sha256)s::bytea[],
    %(body)s::bytea[], %(received_at)s::timestamptz[], %(times)s::bigint[]
) as incoming (topic, reason, detail, size_bytes, sha256, body, received_at, times)
window same as (partition by sha256, topic, reason)
order by sha256, topic, reason
on conflict (sha256, topic, reason) do update set
    last_received_at = greatest(known.last_received_at, excluded.last_received_at),
    times = known.times + excluded.times

-- name: drops_chunks
-- TimescaleDB drops whole days by a policy of its own. A delete there would unpack every compressed row it looks at, and
-- fail: 100 000 of them are its limit.
select exists (select from pg_extension where extname = 'timescaledb') as by_policy

-- name: purge_fixes
-- Some at once, so that nobody waits for them; device by device, because so lies the key.
delete from fix where ctid = any(array(
    select old.ctid
    from device d
    cross join lateral (
        select f.ctid from fix f where f.device_id = d.id and f.fixed_at < %(before)s order by f.fixed_at limit %(most)s
    ) as old
    limit %(most)s
))

-- name: purge_motion
delete from motion where ctid = any(array(
    select old.ctid
    from device d
    cross join lateral (
        select m.ctid from motion m where m.device_id = d.id and m.at < %(before)s order by m.at limit %(most)s
    ) as old
    limit %(most)s
))

-- name: purge
with old_event as (update event set latitude_deg = null, longitude_deg = null, accuracy_m = null, fixed_at = null
                   where occurred_at < %(before)s and latitude_deg is not null),
     old_latest as (delete from device_latest where heard_at < %(before)s),
     old_count as (delete from off_shift_count where day < %(before)s)
delete from rejected where last_received_at < %(before)s
