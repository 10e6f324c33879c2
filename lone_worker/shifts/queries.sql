-- name: lock_watches
-- Who tells of a watch's shifts has it to himself until the commit; in the order of the watch, before any watch_state.
select id from device where id = any(%(device_ids)s) order by id for no key update

-- name: lock_state
-- Who stores what this watch measured holds it: what that was is to be seen before it is decided what may stay.
select from watch_state where device_id = %(device_id)s for update

-- name: after_all
select greatest(%(now)s, max(at) + interval '1 microsecond') as at from shift_act where device_id = %(device_id)s

-- name: insert_acts
insert into shift_act (device_id, at, kind, said_by, account_id, heard_at, agent_id, mission, profile,
                       planned_end_at, area)
values (%(device_id)s, %(at)s, %(kind)s, %(by)s, %(account_id)s, %(now)s, %(agent_id)s, %(mission)s, %(profile)s::jsonb,
        %(planned_end_at)s, %(area)s::jsonb)
on conflict do nothing

-- name: find_acts
-- From the last start before `since_at` on: there nobody was on shift yet, so what came before changes nothing.
select at, kind, said_by, account_id, agent_id, mission, profile::text as profile, planned_end_at, area
from shift_act
where device_id = %(device_id)s
  and at >= coalesce((
      select max(started_at) from shift where device_id = %(device_id)s and started_at <= %(since_at)s), '-infinity')

-- name: find_known
select id, started_at from shift
where device_id = %(device_id)s
  and started_at >= coalesce((
      select max(started_at) from shift where device_id = %(device_id)s and started_at <= %(since_at)s), '-infinity')
order by started_at

-- name: update_shift
update shift set started_at = %(started_at)s, started_by = %(started_by)s, started_by_account = %(started_by_account)s,
                 ended_at = %(ended_at)s, ended_by = %(ended_by)s, ended_by_account = %(ended_by_account)s
where id = %(id)s

-- name: insert_shift
insert into shift (organisation_id, agent_id, device_id, mission, profile, planned_end_at, area,
                   started_at, started_by, started_by_account, ended_at, ended_by, ended_by_account)
select organisation_id, id, %(device_id)s, %(mission)s, %(profile)s::jsonb, %(planned_end_at)s, %(area)s::jsonb,
       %(started_at)s, %(started_by)s, %(started_by_account)s, %(ended_at)s, %(ended_by)s, %(ended_by_account)s
from agent where id = %(agent_id)s
returning id

-- name: forget_pauses
delete from shift_pause where shift_id = any(%(shift_ids)s)

-- name: insert_pause
insert into shift_pause (shift_id, started_at, ended_at) values (%(shift_id)s, %(started_at)s, %(ended_at)s)

-- name: forget_state
-- Who was asked need not answer any more.
with over as (
    update prealarm set ended_at = %(now)s, outcome = 'shift_ended' where device_id = %(device_id)s and ended_at is null
)
delete from watch_state where device_id = %(device_id)s

-- name: keep_state
-- An end that was heard late made two shifts of one: what the wearer did in the second is known already.
update watch_state set shift_id = %(shift_id)s
where device_id = %(device_id)s and shift_id <> %(shift_id)s and evidence_at >= %(started_at)s

-- name: forget_checkpoints
delete from watch_checkpoint c using watch_state w
where w.device_id = %(device_id)s and c.device_id = w.device_id and w.shift_id <> %(shift_id)s

-- name: begin_state
-- Of a start that is heard long after it was said the reports come behind it: the wearer is asked first, and has half a
-- minute.
insert into watch_state as known (device_id, shift_id, evidence_at, evidence, stillness_due_at, check_at, episode)
select device_id, id, started_at, 'shift_start', case when late then %(now)s else due_at end, started_at,
       case when late then jsonb_build_object('grace', extract(epoch from %(now)s::timestamptz) + 30)::text else '' end
from shift
cross join lateral (
    select started_at + make_interval(secs => (profile -> 'prealarm_after_s' ->> 0)::float8) as due_at,
           started_at + make_interval(secs => (profile ->> 'alarm_after_s')::float8) <= %(now)s as late
) as limits
where id = %(shift_id)s
on conflict (device_id) do update set
    shift_id = excluded.shift_id, evidence_at = excluded.evidence_at, evidence = excluded.evidence,
    stillness_due_at = excluded.stillness_due_at, check_at = excluded.check_at, heard_at = null, whereabouts = null,
    fixed_at = null, body_at = null, body = null, episode = excluded.episode, memory = '{}', protection = ''
    where known.shift_id <> excluded.shift_id

-- name: note_pause
-- Whoever locks the state has its last pause with it. The rules are to be asked: it may have begun, or ended.
update watch_state set paused_at = %(paused_at)s, resumed_at = %(resumed_at)s, check_at = least(check_at, %(now)s)
where device_id = %(device_id)s

-- name: find_spans
-- Shifts that may hold something said between `since` and now: a buffer may come out after the shift's end.
select s.id, s.device_id, s.started_at, s.ended_at, p.started_at as paused_at, p.ended_at as resumed_at
from shift s
left join shift_pause p on p.shift_id = s.id
where s.device_id = any(%(device_ids)s) and (s.ended_at is null or s.ended_at >= %(since)s)
order by s.device_id, s.started_at, p.started_at

-- name: current_shifts
select s.id, s.device_id, a.name as agent_name, s.mission
from shift s join agent a on a.id = s.agent_id
where s.device_id = any(%(device_ids)s) and s.ended_at is null

-- name: open_shifts
select s.id, s.organisation_id, s.agent_id, a.name as agent_name, s.device_id, d.label, s.mission, s.profile ->> 'name' as profile_name,
       s.started_at, s.started_by, s.planned_end_at, p.started_at as paused_at
from shift s
join agent a on a.id = s.agent_id
join device d on d.id = s.device_id
left join shift_pause p on p.shift_id = s.id and p.ended_at is null
where s.ended_at is null
  and (%(organisation_id)s::bigint is null or s.organisation_id = %(organisation_id)s)
  and (%(agent_id)s::bigint is null or s.agent_id = %(agent_id)s)
  and (%(device_id)s::bigint is null or s.device_id = %(device_id)s)
  and (%(shift_id)s::bigint is null or s.id = %(shift_id)s)
order by s.started_at, s.id

-- name: note_plan
-- A plan says what a shift that had begun already does not: what was agreed at its start stays.
update shift set planned_end_at = coalesce(planned_end_at, %(planned_end_at)s), mission = coalesce(mission, %(mission)s),
                 profile = case when profile ->> 'name' = 'default' then coalesce(%(profile)s::jsonb, profile) else profile end
where id = %(shift_id)s
