-- name: insert_agent
insert into agent (organisation_id, name) values (%(organisation_id)s, %(name)s) returning id

-- name: find_agents
-- By the name or the e-mail address, whatever their case; locked, so that of two who change one the second sees it.
select a.id, a.organisation_id, a.name, a.email, a.device_id, d.label, d.revoked_at is not null as revoked
from agent a
left join device d on d.id = a.device_id
where a.organisation_id = %(organisation_id)s
  and (lower(a.name) = lower(%(named)s) or lower(a.email) = lower(%(named)s))
order by a.id
for update of a

-- name: list_agents
select a.id, a.organisation_id, a.name, a.email, a.device_id, d.label, d.revoked_at is not null as revoked
from agent a
left join device d on d.id = a.device_id
where %(organisation_id)s::bigint is null or a.organisation_id = %(organisation_id)s
order by lower(a.name), a.id

-- name: agents_by_id
select a.id, a.organisation_id, a.name, a.email, a.device_id, d.label, d.revoked_at is not null as revoked
from agent a
left join device d on d.id = a.device_id
where a.id = %(agent_id)s

-- name: owners
select a.device_id, a.id, a.organisation_id, a.name from agent a where a.device_id = any(%(device_ids)s)

-- name: give_watch
update agent set device_id = %(device_id)s where id = %(agent_id)s

-- name: set_email
update agent set email = %(email)s where id = %(agent_id)s
