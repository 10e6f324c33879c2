-- name: tell_carried
insert into channel_presence (instance, channels, targets, seen_at)
values (%(instance)s, %(channels)s, %(targets)s::jsonb, %(now)s)
on conflict (instance) do update set channels = excluded.channels, targets = excluded.targets, seen_at = excluded.seen_at

-- name: find_carried
-- By servers that are there: who said so, or whose engine ticked, within a minute. None is when they come back all at once,
-- from an outage of the database say, and a step is due before they have said so again: then by those that were there last.
with server as (
    select p.channels, p.targets, greatest(p.seen_at, e.ticked_at) as seen_at,
           abs(extract(epoch from p.seen_at - %(now)s)) <= 60
               or coalesce(abs(extract(epoch from e.ticked_at - %(now)s)) <= 60, false) as there
    from channel_presence p left join engine_tick e using (instance)
)
select channels, targets from server
where there
   or (%(or_last)s and not exists (select from server where there)
       and seen_at >= (select max(seen_at) from server) - interval '1 minute')

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
