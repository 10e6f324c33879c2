-- name: tell_consoles
insert into console_presence (instance, organisation_id, consoles, seen_at)
values (%(instance)s, %(organisation_id)s, %(consoles)s, %(now)s)
on conflict (instance, organisation_id) do update set consoles = excluded.consoles, seen_at = excluded.seen_at

-- name: consoles_seen_at
select max(seen_at) as seen_at from console_presence where organisation_id = %(organisation_id)s
