-- name: insert_van
insert into van (organisation_id, name, device_id) values (%(organisation_id)s, %(name)s, %(device_id)s)

-- name: lock_states
-- In the order of the device, so that two processes never wait for each other.
select w.device_id, w.shift_id, s.started_at, s.profile_key, w.evidence_at, w.evidence, w.stillness_due_at, w.heard_at,
       w.whereabouts, w.fixed_at, w.body_at, w.body, w.episode, w.memory, w.paused_at, w.resumed_at
from watch_state w
join shift s on s.id = w.shift_id
where w.device_id = any(%(device_ids)s)
order by w.device_id
for update of w

-- name: wait_briefly
set local lock_timeout = '1s'

-- name: find_profiles_of_shifts
select id, profile_key, profile::text as settings from shift where id = any(%(shift_ids)s)

-- name: save_states
-- Instants as seconds since 1970, which loses no microsecond.
update watch_state w set
    heard_at = to_timestamp(heard_s), evidence_at = to_timestamp(evidence_s), evidence = new.evidence,
    stillness_due_at = to_timestamp(due_s), fixed_at = to_timestamp(fixed_s), body_at = to_timestamp(body_s),
    body = new.body, whereabouts = new.whereabouts, episode = coalesce(new.episode, ''),
    memory = coalesce(new.memory, w.memory),
    check_at = least(w.check_at, to_timestamp(check_s))
from unnest(
    %(device_id)s::bigint[], %(heard_s)s::float8[], %(evidence_s)s::float8[], %(evidence)s::text[],
    %(due_s)s::float8[], %(fixed_s)s::float8[], %(body_s)s::float8[], %(body)s::text[], %(whereabouts)s::text[],
    %(episode)s::text[], %(memory)s::text[], %(check_s)s::float8[]
) as new (device_id, heard_s, evidence_s, evidence, due_s, fixed_s, body_s, body, whereabouts, episode, memory, check_s)
where w.device_id = new.device_id

-- name: save_checkpoints
insert into watch_checkpoint as known (device_id, at, fixed_at, moved_at, moved_by, whereabouts)
select device_id, to_timestamp(at_s), to_timestamp(fixed_s), to_timestamp(moved_s), moved_by, whereabouts
from unnest(
    %(device_id)s::bigint[], %(at_s)s::float8[], %(fixed_s)s::float8[], %(moved_s)s::float8[], %(moved_by)s::text[],
    %(whereabouts)s::text[]
) as passed (device_id, at_s, fixed_s, moved_s, moved_by, whereabouts)
on conflict (device_id, at) do update set
    fixed_at = excluded.fixed_at, moved_at = excluded.moved_at, moved_by = excluded.moved_by,
    whereabouts = excluded.whereabouts

-- name: find_checkpoints
-- The last of each device that an instant was still to come at.
select asked.device_id, c.at, c.fixed_at, c.moved_at, c.moved_by, c.whereabouts
from unnest(%(device_id)s::bigint[], %(since_at)s::timestamptz[]) as asked (device_id, since_at)
cross join lateral (
    select * from watch_checkpoint k
    where k.device_id = asked.device_id and k.at <= asked.since_at
    order by k.at desc
    limit 1
) c

-- name: claim_due
-- What is due is taken by whoever ticks first.
select w.device_id, w.due_at
from watch_state w
where w.due_at <= %(now)s
order by w.due_at
limit %(most)s
for update skip locked

-- name: find_facts
-- What the rules need beside the states; the watches are locked. Joined plainly, for five hundred of a hundred thousand
-- watches the planner reads what is known of all of them.
select w.device_id, w.check_at, w.protection, s.organisation_id, s.planned_end_at, s.area, l.latitude_deg, l.longitude_deg,
       l.fixed_at, l.battery_pct, l.clock_skews_s, b.restarted_at
from watch_state w
join shift s on s.id = w.shift_id
left join lateral (select * from device_latest k where k.device_id = w.device_id limit 1) l on true
left join lateral (
    select case when count(*) > 1 then max(r.first_at) end as restarted_at
    from receipt r where r.device_id = w.device_id and r.updated_at >= s.started_at
) b on true
where w.device_id = any(%(device_ids)s)

-- name: save_passed
update watch_state w set evidence_at = to_timestamp(evidence_s), evidence = new.evidence,
                         stillness_due_at = to_timestamp(due_s), episode = new.episode, check_at = to_timestamp(check_s),
                         protection = new.protection
from unnest(%(device_id)s::bigint[], %(evidence_s)s::float8[], %(evidence)s::text[], %(due_s)s::float8[],
            %(episode)s::text[], %(check_s)s::float8[], %(protection)s::text[])
    as new (device_id, evidence_s, evidence, due_s, episode, check_s, protection)
where w.device_id = new.device_id

-- name: look_soon
update watch_state set check_at = least(check_at, %(now)s) where device_id = any(%(device_ids)s)

-- name: put_off
-- What our own fault keeps from being judged, so that it stops nobody else: tried again soon.
update watch_state set check_at = %(until_at)s,
                       stillness_due_at = case when stillness_due_at <= %(now)s then %(until_at)s else stillness_due_at end
where device_id = %(device_id)s

-- name: note_prealarms
insert into prealarm (device_id, shift_id, episode_at, first_at)
select device_id, shift_id, to_timestamp(episode_s), %(now)s
from unnest(%(device_id)s::bigint[], %(shift_id)s::bigint[], %(episode_s)s::float8[])
    as new (device_id, shift_id, episode_s)
on conflict do nothing

-- name: end_prealarms
-- A watch has one that is open, at most.
update prealarm p set ended_at = %(now)s, outcome = new.outcome
from unnest(%(device_id)s::bigint[], %(outcome)s::text[]) as new (device_id, outcome)
where p.device_id = new.device_id and p.ended_at is null
returning p.device_id, p.episode_at

-- name: note_protection
insert into protection_change (shift_id, at, level, reasons)
select shift_id, %(now)s, level, coalesce(string_to_array(nullif(reasons, ''), ','), '{}')
from unnest(%(shift_id)s::bigint[], %(level)s::text[], %(reasons)s::text[]) as new (shift_id, level, reasons)
on conflict (shift_id, at) do update set level = excluded.level, reasons = excluded.reasons

-- name: find_white_zones
select organisation_id, name, area, silence_s from white_zone where organisation_id = any(%(organisation_ids)s)
order by name

-- name: put_white_zone
insert into white_zone (organisation_id, name, area, silence_s)
values (%(organisation_id)s, %(name)s, %(area)s::jsonb, %(silence_s)s)
on conflict (organisation_id, name) do update set area = excluded.area, silence_s = excluded.silence_s

-- name: remove_white_zone
delete from white_zone where organisation_id = %(organisation_id)s and name = %(name)s

-- name: find_own_profile
select settings::text from profile
where organisation_id = %(organisation_id)s and name = %(name)s
order by id desc limit 1

-- name: last_hearing
-- When any server last heard the broker; and whether another one does now.
select max(heard_at) as heard_at,
       coalesce(bool_or(instance <> %(instance)s and heard_at > %(now)s - interval '10 seconds'), false) as another_hears
from engine_tick
where heard_at <= %(now)s  -- before the clock was set back somebody may have heard later than now

-- name: recent_outages
select since_at, until_at from outage
where until_at is null or until_at > %(now)s - make_interval(secs => %(catch_up_s)s)

-- name: note_outage
insert into outage (since_at, until_at) values (%(since_at)s, %(until_at)s)
on conflict do nothing

-- name: end_outage
update outage set until_at = greatest(since_at, %(until_at)s) where until_at is null

-- name: count_on_shift
select s.organisation_id, count(*) as agents
from watch_state w join shift s on s.id = w.shift_id
group by s.organisation_id

-- name: put_profile
insert into profile (organisation_id, name, settings, changed_at, changed_by)
values (%(organisation_id)s, %(name)s, %(settings)s::jsonb, %(now)s, %(changed_by)s)

-- name: find_profiles
select distinct on (name) settings::text as settings, changed_at, changed_by
from profile where organisation_id = %(organisation_id)s
order by name, id desc
