-- name: be_sealer
-- Several servers may run; one writes the chain. What the others would have sealed, they find sealed.
select pg_try_advisory_xact_lock(%(key)s) as alone

-- name: hold_sealer
select pg_advisory_xact_lock(%(key)s)

-- name: look_at_one_instant
set transaction isolation level repeatable read

-- name: find_ends
select c.installation, s.number, s.hash
from audit_chain c
left join lateral (select number, hash from alert_seal order by number desc limit 1) s on true

-- name: find_unsealed
-- A transaction may commit after events with higher numbers were sealed, so some numbers back are looked at again.
with since as materialized (select coalesce(max(event_id), 0) - %(look_back)s::bigint as id from alert_seal)
select e.id
from alert_event e
where e.id > (select id from since)
  and not exists (select from alert_seal s where s.event_id = e.id and s.event_id > (select id from since))
order by e.id
limit %(most)s

-- name: count_unsealed
select count(*) as events, min(at) as oldest_at
from alert_event e
where not exists (select from alert_seal s where s.event_id = e.id)

-- name: read_events
-- What an alert says is said where it was raised and where it was erased. The order of its columns is part of the proof,
-- and so is how they are written: instants in seconds since 1970, floats as their bytes, which no setting rounds.
select e.id, e.alert_id, e.at, e.kind, e.account_id, e.detail::text as detail, t.salt,
       case when a.id is not null then jsonb_build_array(
           a.organisation_id, a.kind, a.device_id, a.shift_id, a.subject, a.mission, a.reply_topic, a.episode,
           extract(epoch from a.episode_at), extract(epoch from a.triggered_at), extract(epoch from a.raised_at),
           encode(float4send(a.received_late_s), 'hex'), a.heard_after_episode,
           encode(float8send(a.latitude_deg), 'hex'), encode(float8send(a.longitude_deg), 'hex'),
           encode(float4send(a.accuracy_m), 'hex'), extract(epoch from a.fixed_at), a.vital, a.detail, a.policy)::text
       end as statement,
       case when t.salt is null then exists (
           select from alert_event later where later.alert_id = e.alert_id and later.kind = 'erased' and later.id > e.id)
       else false end as erased
from alert_event e
left join alert_salt t on t.event_id = e.id
left join alert a on a.id = e.alert_id and e.kind in ('raised', 'erased')
where e.id = any(%(event_ids)s)
order by e.id

-- name: insert_seals
with new as (
    select *
    from unnest(%(number)s::bigint[], %(event_id)s::bigint[], %(previous)s::bytea[], %(commitment)s::bytea[],
                %(hash)s::bytea[], %(salt)s::bytea[]) as new (number, event_id, previous, commitment, hash, salt)
), salted as (
    insert into alert_salt (event_id, salt) select event_id, salt from new
)
insert into alert_seal (number, event_id, previous, commitment, hash, sealed_at)
select number, event_id, previous, commitment, hash, %(now)s from new

-- name: walk_seals
select number, event_id, previous, commitment, hash, sealed_at from alert_seal order by number

-- name: find_erasable
select a.id
from alert a
where a.state = 'closed' and a.closed_at < %(before)s
  and not exists (select from alert_event e where e.alert_id = a.id and e.kind = 'erased')
order by a.id

-- name: lock_erasable
select a.id
from alert a
where a.id = any(%(alert_ids)s) and a.state = 'closed'
  and not exists (select from alert_event e where e.alert_id = a.id and e.kind = 'erased')
order by a.id
for update

-- name: erase_alerts
update alert
set subject = %(subject)s, mission = null, reply_topic = null, latitude_deg = null, longitude_deg = null,
    accuracy_m = null, fixed_at = null, detail = '{}', outcome = null, changed_at = greatest(changed_at, %(now)s)
where id = any(%(alert_ids)s)

-- name: erase_notifications
-- What still waited is not sent: nobody needs it, and it says nothing any more.
update notification
set text = '', address = '', contact_id = null, device_id = null, recipient = null, distance_m = null,
    answered_at = null, answer = null, lease_token = null, leased_until = null,
    state = case when state in ('pending', 'sending', 'ambiguous') then 'cancelled' else state end,
    changed_at = greatest(changed_at, %(now)s)
where alert_id = any(%(alert_ids)s)

-- name: erase_attempts
update attempt t set detail = null
from notification n
where n.id = t.notification_id and n.alert_id = any(%(alert_ids)s) and t.detail is not null

-- name: erase_events
update alert_event set detail = '{}' where alert_id = any(%(alert_ids)s) and detail <> '{}'

-- name: erase_salts
delete from alert_salt t using alert_event e where e.id = t.event_id and e.alert_id = any(%(alert_ids)s)

-- name: record_erased
insert into alert_event (alert_id, at, kind) select unnest(%(alert_ids)s::bigint[]), %(now)s, 'erased'
