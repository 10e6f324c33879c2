-- name: tell_channels
insert into channel_presence (instance, channels, seen_at) values (%(instance)s, %(channels)s, %(now)s)
on conflict (instance) do update set channels = excluded.channels, seen_at = excluded.seen_at

-- name: find_reach
-- How many could be told by telephone, and when a server last ran that can tell them.
select (select count(*) from contact where organisation_id = %(organisation_id)s) as contacts,
       (select max(seen_at) from channel_presence where channels && array['sms', 'voice', 'gammu']) as carried_at

-- name: begin_outage
insert into dispatch_outage (organisation_id, since_at) values (%(organisation_id)s, %(now)s)
on conflict do nothing
returning since_at

-- name: find_outages
select organisation_id from dispatch_outage order by organisation_id for update skip locked

-- name: end_outage
delete from dispatch_outage where organisation_id = %(organisation_id)s
