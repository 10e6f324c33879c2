-- name: free_agents
-- Who is not on shift, with their own watch where it is free too.
select a.id, a.name, case when d.revoked_at is null then a.device_id end as device_id
from agent a
left join device d on d.id = a.device_id
where a.organisation_id = %(organisation_id)s
  and not exists (select from shift s where s.agent_id = a.id and s.ended_at is null)
order by lower(a.name), a.id

-- name: free_watches
select d.id, d.label
from device d
where d.organisation_id = %(organisation_id)s and d.kind = 'watch' and d.revoked_at is null
  and not exists (select from shift s where s.device_id = d.id and s.ended_at is null)
order by lower(d.label), d.id
