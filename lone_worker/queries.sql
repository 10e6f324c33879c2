-- name: insert_agent
insert into agent (organisation_id, name) values (%(organisation_id)s, %(name)s) returning id

-- name: insert_van
insert into van (organisation_id, name, device_id) values (%(organisation_id)s, %(name)s, %(device_id)s)

-- name: start_shift
with begun as (
    insert into shift (organisation_id, agent_id, device_id, mission, stillness_alarm_after_s, started_at)
    values (%(organisation_id)s, %(agent_id)s, %(device_id)s, %(mission)s, %(alarm_after_s)s, %(now)s)
    returning id, device_id
), forgotten as (
    delete from watch_checkpoint c using begun where c.device_id = begun.device_id
)
insert into watch_state as known (device_id, shift_id, evidence_at, evidence, stillness_due_at)
select device_id, id, %(now)s, 'shift_start', %(now)s + make_interval(secs => %(alarm_after_s)s) from begun
on conflict (device_id) do update set
    shift_id = excluded.shift_id, evidence_at = excluded.evidence_at, evidence = excluded.evidence,
    stillness_due_at = excluded.stillness_due_at, heard_at = null, away_since_at = null, fixed_at = null,
    anchor_latitude_deg = null, anchor_longitude_deg = null, anchor_accuracy_m = null, anchor_at = null,
    body_at = null, body = null
returning shift_id

-- name: end_shift
with ended as (
    update shift set ended_at = greatest(started_at, %(now)s)
    where device_id = %(device_id)s and ended_at is null
    returning id
)
delete from watch_state using ended where watch_state.shift_id = ended.id

-- name: find_shifts
-- Shifts that may hold something said between `since` and now: a buffer may come out after the shift's end.
select s.id, s.device_id, s.started_at, s.ended_at
from shift s
where s.device_id = any(%(device_ids)s) and (s.ended_at is null or s.ended_at >= %(since)s)

-- name: lock_states
-- In the order of the device, so that two processes never wait for each other.
select w.device_id, w.shift_id, s.started_at, s.stillness_alarm_after_s, w.evidence_at, w.evidence, w.stillness_due_at, w.heard_at,
       w.anchor_latitude_deg, w.anchor_longitude_deg, w.anchor_accuracy_m, w.anchor_at, w.away_since_at, w.fixed_at,
       w.body_at, w.body
from watch_state w
join shift s on s.id = w.shift_id
where w.device_id = any(%(device_ids)s)
order by w.device_id
for update of w

-- name: save_states
-- Instants as seconds since 1970, which loses no microsecond.
update watch_state w set
    heard_at = to_timestamp(heard_s), evidence_at = to_timestamp(evidence_s), evidence = new.evidence,
    stillness_due_at = to_timestamp(due_s), anchor_latitude_deg = latitude_deg, anchor_longitude_deg = longitude_deg,
    anchor_accuracy_m = accuracy_m, anchor_at = to_timestamp(anchor_s), away_since_at = to_timestamp(away_since_s),
    fixed_at = to_timestamp(fixed_s), body_at = to_timestamp(body_s), body = new.body
from unnest(
    %(device_id)s::bigint[], %(heard_s)s::float8[], %(evidence_s)s::float8[], %(evidence)s::text[],
    %(due_s)s::float8[], %(latitude_deg)s::float8[], %(longitude_deg)s::float8[], %(accuracy_m)s::real[],
    %(anchor_s)s::float8[], %(away_since_s)s::float8[], %(fixed_s)s::float8[], %(body_s)s::float8[], %(body)s::text[]
) as new (device_id, heard_s, evidence_s, evidence, due_s, latitude_deg, longitude_deg, accuracy_m, anchor_s,
          away_since_s, fixed_s, body_s, body)
where w.device_id = new.device_id

-- name: save_checkpoints
insert into watch_checkpoint as known (device_id, at, fixed_at, moved_at, anchor_latitude_deg, anchor_longitude_deg,
                                       anchor_accuracy_m, anchor_at, away_since_at)
select device_id, to_timestamp(at_s), to_timestamp(fixed_s), to_timestamp(moved_s), latitude_deg, longitude_deg,
       accuracy_m, to_timestamp(anchor_s), to_timestamp(away_since_s)
from unnest(
    %(device_id)s::bigint[], %(at_s)s::float8[], %(fixed_s)s::float8[], %(moved_s)s::float8[],
    %(latitude_deg)s::float8[], %(longitude_deg)s::float8[], %(accuracy_m)s::real[], %(anchor_s)s::float8[],
    %(away_since_s)s::float8[]
) as passed (device_id, at_s, fixed_s, moved_s, latitude_deg, longitude_deg, accuracy_m, anchor_s, away_since_s)
on conflict (device_id, at) do update set
    fixed_at = excluded.fixed_at, moved_at = excluded.moved_at, anchor_latitude_deg = excluded.anchor_latitude_deg,
    anchor_longitude_deg = excluded.anchor_longitude_deg, anchor_accuracy_m = excluded.anchor_accuracy_m,
    anchor_at = excluded.anchor_at, away_since_at = excluded.away_since_at

-- name: find_checkpoints
-- The last of each device that an instant was still to come at.
select asked.device_id, c.at, c.fixed_at, c.moved_at, c.anchor_latitude_deg, c.anchor_longitude_deg, c.anchor_accuracy_m,
       c.anchor_at, c.away_since_at
from unnest(%(device_id)s::bigint[], %(since_at)s::timestamptz[]) as asked (device_id, since_at)
cross join lateral (
    select * from watch_checkpoint k
    where k.device_id = asked.device_id and k.at <= asked.since_at
    order by k.at desc
    limit 1
) c

-- name: claim_due
-- What is due is taken by whoever ticks first. Taking it disarms the rule until new evidence: one alarm per episode.
update watch_state w set stillness_due_at = null
from (
    select due.device_id, due.stillness_due_at
    from watch_state due
    where due.stillness_due_at <= %(now)s
    order by due.stillness_due_at
    limit %(most)s
    for update skip locked
) as claimed, shift s
where w.device_id = claimed.device_id and s.id = w.shift_id
returning w.device_id, w.shift_id, w.evidence_at, w.heard_at, claimed.stillness_due_at as due_at

-- name: current_shifts
select s.id, s.device_id, a.name as agent_name, s.mission
from shift s join agent a on a.id = s.agent_id
where s.device_id = any(%(device_ids)s) and s.ended_at is null
