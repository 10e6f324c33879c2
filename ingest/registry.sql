-- name: find_organisations
-- The canary's is nobody's, unless it is named.
select id, slug from organisation
where case when %(slug)s::text is null then slug <> 'canary' else slug = %(slug)s end
order by id

-- name: list_devices
select d.id, d.kind, d.wire, d.wire_name, d.label, d.username, d.credential_at, d.revoked_at, l.heard_at
from device d
left join device_latest l on l.device_id = d.id
order by d.kind, d.wire, d.wire_name

-- name: find_by_name
-- By the name on the wire or at the broker; locked, so that of two who change it the second sees what the first did.
select d.id, d.kind, d.wire, d.wire_name, d.label, d.username, d.credential_at, d.revoked_at,
       (select l.heard_at from device_latest l where l.device_id = d.id) as heard_at
from device d
where (d.wire_name = %(name)s or d.username = %(name)s) and (%(wire)s::text is null or d.wire = %(wire)s)
order by d.id
for update of d

-- name: find_holder
-- Who else has the account's name, or would have it: one name is one device.
select wire, wire_name from device
where (wire, wire_name) <> (%(wire)s, %(wire_name)s)
  and (username = %(username)s or (wire = 'native' and wire_name in (%(username)s, 'vans/' || %(username)s)))
limit 1

-- name: add_device
-- A revoked device may come back, with a new password; one that is registered stays as it is.
insert into device as known (organisation_id, kind, wire, wire_name, label, created_at, username, password_hash,
                             credential_at)
values (%(organisation_id)s, %(kind)s, %(wire)s, %(wire_name)s, %(label)s, %(now)s, %(username)s, %(password_hash)s,
        %(credential_at)s)
on conflict (wire, wire_name) do update set
    organisation_id = excluded.organisation_id, kind = excluded.kind, label = excluded.label, revoked_at = null,
    username = excluded.username, password_hash = excluded.password_hash, credential_at = excluded.credential_at
    where known.revoked_at is not null
returning id

-- name: set_credential
update device set username = %(username)s, password_hash = %(password_hash)s, credential_at = %(now)s
where id = %(id)s

-- name: revoke_device
-- Its account's name stays its own: nobody else gets it.
update device set revoked_at = %(now)s, password_hash = null, credential_at = null where id = %(id)s

-- name: find_credentials
select kind, wire, wire_name, password_hash from device
where password_hash is not null and revoked_at is null
order by username

-- name: credentials_fingerprint
-- Another number whenever anything of them is another; asked each few seconds, so nothing is sorted and no row sent.
select coalesce(sum(hashtextextended(concat_ws(' ', kind, wire, wire_name, password_hash), 0)), 0)::text as fingerprint
from device
where password_hash is not null and revoked_at is null
