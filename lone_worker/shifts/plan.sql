-- name: put_planned
-- Imported again it is the same; what has begun goes on as it was agreed, and is told only its new end.
insert into planned_shift as known (organisation_id, uid, occurrence, agent_id, starts_at, ends_at, mission, profile_name,
                                    changed_at)
values (%(organisation_id)s, %(uid)s, %(occurrence)s, %(agent_id)s, %(starts_at)s, %(ends_at)s, %(mission)s, %(profile_name)s,
        %(now)s)
on conflict (organisation_id, uid, occurrence, agent_id) do update set
    starts_at = case when known.state = 'begun' then known.starts_at else excluded.starts_at end,
    ends_at = excluded.ends_at, mission = excluded.mission, profile_name = excluded.profile_name,
    state = case when known.state = 'begun' then 'begun' else 'planned' end, changed_at = excluded.changed_at
    where (known.starts_at, known.ends_at, known.mission, known.profile_name, known.state in ('begun', 'planned'))
          is distinct from (excluded.starts_at, excluded.ends_at, excluded.mission, excluded.profile_name, true)
returning state, shift_id, xmax = 0 as added

-- name: move_end
update shift set planned_end_at = %(ends_at)s where id = %(shift_id)s and ended_at is null

-- name: cancel_others
-- What the calendar no longer has of an event that it has: a day taken out of a series, another agent.
update planned_shift p set state = 'cancelled', changed_at = %(now)s
where p.organisation_id = %(organisation_id)s and p.uid = any(%(uids)s) and p.state = 'planned' and p.ends_at > %(now)s
  and p.starts_at < %(until_at)s
  and not exists (
      select from unnest(%(uid)s::text[], %(occurrence)s::text[], %(agent_id)s::bigint[]) as kept (uid, occurrence, agent)
      where kept.uid = p.uid and kept.occurrence = p.occurrence and kept.agent = p.agent_id)
returning p.id

-- name: claim_planned
-- What is due, for whoever ticks first, and the agent's own watch.
select p.id, p.organisation_id, p.agent_id, a.name as agent_name, a.device_id,
       p.starts_at, p.ends_at, p.mission, p.profile_name
from planned_shift p
join agent a on a.id = p.agent_id
where p.state = 'planned' and p.starts_at <= %(now)s and p.id <> all(%(seen)s)
order by p.starts_at, p.id
limit 1
for update of p skip locked

-- name: claim_own
-- What is planned for somebody who begins by himself now, an hour early at most.
select p.id, p.organisation_id, p.agent_id, a.name as agent_name, a.device_id, p.starts_at, p.ends_at, p.mission,
       p.profile_name
from planned_shift p
join agent a on a.id = p.agent_id
where p.state = 'planned' and p.agent_id = %(agent_id)s and p.starts_at <= %(until_at)s and p.ends_at > %(now)s
order by p.starts_at, p.id
limit 1
for update of p skip locked

-- name: settle_planned
update planned_shift set state = %(state)s, shift_id = %(shift_id)s, changed_at = %(now)s where id = %(id)s

-- name: list_planned
select p.id, p.organisation_id, p.agent_id, a.name as agent_name, a.device_id,
       p.starts_at, p.ends_at, p.mission, p.profile_name
from planned_shift p
join agent a on a.id = p.agent_id
where p.state = 'planned' and p.ends_at > %(now)s
  and (%(organisation_id)s::bigint is null or p.organisation_id = %(organisation_id)s)
order by p.starts_at, p.id
limit %(most)s
