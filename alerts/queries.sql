-- name: raise_alerts
-- The unique key decides whose alert it is when two processes raise the same; the position is what is known now.
insert into alert (organisation_id, kind, device_id, shift_id, subject, mission, reply_topic, episode, episode_at,
                   triggered_at, raised_at, received_late_s, heard_after_episode, latitude_deg, longitude_deg,
                   accuracy_m, fixed_at, vital, priority, detail, policy, lapse_after_s, repeat,
                   repeat_after_s, next_step_at, changed_at, incident)
select new.organisation_id, new.kind, new.device_id, new.shift_id, new.subject, new.mission, new.reply_topic,
       new.episode, new.episode_at, new.triggered_at, %(now)s, new.received_late_s, new.heard_after_episode,
       new.latitude_deg, new.longitude_deg, new.accuracy_m, new.fixed_at, new.vital, new.priority, new.detail::jsonb,
       plan.steps, coalesce(p.lapse_after_s, 900), coalesce(p.repeat, 0), coalesce(p.repeat_after_s, 300),
       %(now)s + make_interval(secs => (plan.steps -> 0 ->> 'after_s')::float8), %(now)s,
       (select min(coalesce(o.incident, o.id)) from alert o
        where o.device_id = new.device_id and o.state <> 'closed' and o.vital and new.vital)
from unnest(
    %(organisation_id)s::bigint[], %(kind)s::text[], %(device_id)s::bigint[], %(shift_id)s::bigint[],
    %(subject)s::text[], %(mission)s::text[], %(reply_topic)s::text[], %(episode)s::text[],
    %(episode_at)s::timestamptz[], %(triggered_at)s::timestamptz[], %(received_late_s)s::real[],
    %(heard_after_episode)s::boolean[], %(latitude_deg)s::float8[], %(longitude_deg)s::float8[],
    %(accuracy_m)s::real[], %(fixed_at)s::timestamptz[], %(vital)s::boolean[], %(priority)s::smallint[],
    %(detail)s::text[]
) as new (organisation_id, kind, device_id, shift_id, subject, mission, reply_topic, episode, episode_at,
          triggered_at, received_late_s, heard_after_episode, latitude_deg, longitude_deg, accuracy_m, fixed_at,
          vital, priority, detail)
left join lateral (
    select * from policy q
    where q.organisation_id = new.organisation_id and (new.kind = any(q.kinds) or (q.kinds is null and new.vital))
    order by q.kinds is null, q.id
    limit 1
) p on true
-- An organisation that has written no policy, or an empty one, still has a console to ring. Where only a protection is
-- broken nobody is called out of bed before the console had five minutes.
cross join lateral (
    select coalesce(nullif(p.steps, '[]'), case
        when new.vital then '[{"after_s": 0, "channel": "console", "to": "console"}]'
        else '[{"after_s": 0, "channel": "console", "to": "console"}, {"after_s": 300, "channel": "sms", "to": "rank 1"}]'
    end::jsonb) as steps
) as plan
on conflict (organisation_id, device_id, kind, episode) do nothing
returning id, device_id, kind, episode

-- name: record_events
insert into alert_event (alert_id, at, kind, account_id, detail)
select alert_id, %(now)s, %(kind)s, %(account_id)s, detail::jsonb
from unnest(%(alert_ids)s::bigint[], %(details)s::text[]) as new (alert_id, detail)

-- name: find_organisations_told
-- By the key that makes an alert one; raised again in vain it would use up its number.
select o.id as organisation_id from organisation o
where exists (select from alert a
              where a.organisation_id = o.id and a.device_id is null and a.kind = %(kind)s and a.episode = %(episode)s)

-- name: find_standing
select id from alert
where device_id = %(device_id)s and shift_id is not distinct from %(shift_id)s and kind = %(kind)s
  and (state = 'triggered' or (state = 'acknowledged' and %(taken)s))
order by id desc limit 1

-- name: touch_repeated
-- Where every step has passed and nobody answered they begin anew.
update alert
set changed_at = greatest(changed_at, %(now)s),
    next_step_at = case when state = 'triggered' then coalesce(next_step_at, %(now)s) end
where id = %(alert_id)s

-- name: claim_escalations
select a.id as alert_id, a.organisation_id, o.name as organisation, a.kind, a.priority, a.subject, a.mission, a.episode_at,
       a.raised_at, a.received_late_s, a.heard_after_episode, a.latitude_deg, a.longitude_deg, a.accuracy_m, a.fixed_at,
       a.detail, a.policy, a.repeat, a.repeat_after_s, a.next_step, a.next_step_at
from alert a join organisation o on o.id = a.organisation_id
where a.next_step_at <= %(now)s
order by a.priority, a.next_step_at, a.id
limit %(most)s
for update of a skip locked

-- name: find_contacts
select id, organisation_id, rank, name, phone_e164, email from contact
where organisation_id = any(%(organisation_ids)s)
order by rank

-- name: advance_escalations
update alert a set next_step = new.next_step, next_step_at = new.next_step_at, changed_at = %(now)s
from unnest(%(alert_ids)s::bigint[], %(next_step)s::integer[], %(next_step_at)s::timestamptz[])
    as new (id, next_step, next_step_at)
where a.id = new.id

-- name: queue_notifications
insert into notification (alert_id, occasion, step, channel, contact_id, address, device_id, recipient, distance_m, text,
                          priority, due_at, changed_at)
select alert_id, occasion, step, channel, contact_id, address, device_id, recipient, distance_m, text, priority,
       %(now)s, %(now)s
from unnest(%(alert_ids)s::bigint[], %(occasions)s::text[], %(steps)s::integer[], %(channels)s::text[],
            %(contact_ids)s::bigint[], %(addresses)s::text[], %(device_ids)s::bigint[], %(recipients)s::text[],
            %(distances_m)s::real[], %(texts)s::text[], %(priorities)s::smallint[])
    as new (alert_id, occasion, step, channel, contact_id, address, device_id, recipient, distance_m, text, priority)
on conflict do nothing

-- name: lock_alert
select a.id as alert_id, a.organisation_id, o.name as organisation, a.kind, a.priority, a.subject, a.mission, a.episode_at,
       a.raised_at, a.received_late_s, a.heard_after_episode, a.latitude_deg, a.longitude_deg, a.accuracy_m, a.fixed_at,
       a.detail, a.device_id, a.state, a.reply_topic
from alert a join organisation o on o.id = a.organisation_id
where a.id = %(alert_id)s
for update of a

-- name: acknowledge
update alert set state = 'acknowledged', acknowledged_at = %(now)s, acknowledged_by = %(account_id)s,
                 acknowledged_by_contact = %(contact_id)s, next_step_at = null, changed_at = %(now)s,
                 lapses_at = case when vital then %(now)s + make_interval(secs => lapse_after_s) end
where id = %(alert_id)s

-- name: act
-- Whoever has it does something.
update alert set changed_at = %(now)s,
                 lapses_at = case when lapses_at is not null then %(now)s + make_interval(secs => lapse_after_s) end
where id = %(alert_id)s and state <> 'closed'
returning id

-- name: act_for_devices
update alert set changed_at = %(now)s, lapses_at = %(now)s + make_interval(secs => lapse_after_s)
where device_id = any(%(device_ids)s) and lapses_at is not null

-- name: lapse
-- The escalation goes on where it was, or begins anew.
with idle as (
    select id, acknowledged_by, acknowledged_by_contact from alert
    where lapses_at <= %(now)s
    order by lapses_at
    limit %(most)s
    for update skip locked
)
update alert a set state = 'triggered', acknowledged_at = null, acknowledged_by = null, acknowledged_by_contact = null,
                   lapses_at = null, next_step_at = %(now)s, changed_at = %(now)s
from idle where a.id = idle.id
returning a.id, idle.acknowledged_by, idle.acknowledged_by_contact

-- name: close
update alert set state = 'closed', closed_at = %(now)s, closed_by = %(account_id)s, cause = %(cause)s,
                 outcome = %(outcome)s, reached = %(reached)s, next_step_at = null, lapses_at = null, changed_at = %(now)s
where id = %(alert_id)s

-- name: cancel_notifications
-- What is under way stays: whether it was sent must be found out.
update notification set state = 'cancelled', changed_at = %(now)s
where alert_id = %(alert_id)s and state = 'pending'

-- name: find_told
-- Who was told of an alert by which way, and so must hear what becomes of it. Not whose own watch must not ring now.
select distinct on (channel, address) channel, contact_id, address, device_id, recipient
from notification n
where alert_id = %(alert_id)s and occasion = 'raised' and channel <> 'console'
  and state in ('sending', 'ambiguous', 'sent')
  and not exists (select from alert d where d.device_id = n.device_id and d.state <> 'closed' and d.kind = 'duress')
order by channel, address, id

-- name: find_turns
-- What became of an alert until now, for those whose standard points back at each message.
select kind, at from alert_event where alert_id = %(alert_id)s and kind in ('acknowledged', 'lapsed') order by id

-- name: find_person
select coalesce((select name from account where id = %(account_id)s), (select name from contact where id = %(contact_id)s))
    as name

-- name: present
-- The console's own notification is sent when a dispatcher's screen has shown it.
update notification set state = 'sent', sent_at = %(now)s, changed_at = %(now)s, attempts = attempts + 1
where alert_id = %(alert_id)s and channel = 'console' and state in ('pending', 'cancelled')
returning alert_id

-- name: touch_alert
update alert set changed_at = greatest(changed_at, %(now)s) where id = %(alert_id)s

-- name: wake
select pg_notify('gyrophare_alert', ''), pg_notify('gyrophare_outbox', '')

-- name: claim_notifications
-- A lease that ran out means that its holder died on the way: whether it was sent must be found out first. One lease is one
-- message at the provider. An address that had `few` within a minute is left alone for `pause_s` after each, and what is due
-- then goes together, `together` in one; null: this channel sends each by itself. What is in doubt goes with its like: to ask
-- the provider takes time. It stays in doubt until it is found, whatever was answered since: the provider's list may lag. Of
-- second messages only those that no cap holds back.
with recent as (
    select address, count(distinct message) as messages, max(at) as last_at
    from handed_over
    where channel = %(channel)s and at > %(now)s::timestamptz - interval '1 minute' and %(few)s::integer is not null
    group by address
), due as (
    select n.id, n.address, n.in_doubt, row_number() over (order by n.priority, n.due_at, n.id) as rank
    from (
        select id, address, priority, due_at, state <> 'pending' or (attempts > 0 and exists (
                   select from attempt t
                   where t.notification_id = n.id and (t.outcome is null or t.outcome = 'ambiguous')
               )) as in_doubt
        from notification n
        where channel = %(channel)s
          and ((state in ('pending', 'ambiguous') and due_at <= %(now)s) or (state = 'sending' and leased_until <= %(now)s))
          and (not %(capped)s::boolean or priority <= %(first)s or state <> 'pending' or held is false)
          and not exists (
              select from recent r
              where r.address = n.address and r.messages >= %(few)s
                and r.last_at > %(now)s::timestamptz - make_interval(secs => %(pause_s)s)
          )
        order by priority, due_at, id
        limit %(most)s::integer * %(together)s::integer
        for update skip locked
    ) n
), beside as (
    select due.*, count(*) over alike as alike, (row_number() over (alike order by rank) - 1) / %(together)s::integer as turn
    from due
    window alike as (partition by address, in_doubt)
), grouped as (
    select b.*, min(rank) over (
               partition by address, in_doubt,
                            case when alike = 1 or alike + coalesce(r.messages, 0) <= coalesce(%(few)s::integer, alike)
                                 then rank else -turn end) as lead
    from beside b left join recent r using (address)
), message as (
    select lead, gen_random_uuid() as lease_token from (
        select distinct lead from grouped order by lead limit %(most)s
    ) first
), claimed as (
    update notification n
    set state = 'sending', attempts = n.attempts + 1, lease_token = m.lease_token,
        leased_until = %(now)s + make_interval(secs => %(lease_s)s), changed_at = %(now)s
    from grouped g join message m using (lead)
    where n.id = g.id
    returning n.id, n.alert_id, n.step, n.channel, n.address, n.text, n.attempts, n.lease_token, g.in_doubt, g.rank
), noted as (
    insert into attempt (notification_id, number, started_at) select id, attempts, %(now)s from claimed
)
select c.*, coalesce((select min(started_at) from attempt t where t.notification_id = c.id), %(now)s) as first_started_at,
       c.step is not null and a.state <> 'triggered' as taken
from claimed c join alert a on a.id = c.alert_id
order by c.rank

-- name: hold_back
-- Second messages that are due and may not go yet, or may again: more than the caps allow went to their number within the
-- hour, or to all within the day. An alarm only where that number has been told of it: to anybody else it is the first.
-- Alerts are locked before their notifications; one that somebody has waits for the next look.
with due as (
    select n.id, n.alert_id, n.address, n.held, exists (
               select from notification t
               where t.alert_id = n.alert_id and t.occasion = 'raised' and t.state = 'sent' and t.channel in ('sms', 'voice', 'gammu')
                 and (t.address = n.address or n.occasion <> 'raised')
           ) as told
    from notification n
    where n.channel = %(channel)s and n.state = 'pending' and n.due_at <= %(now)s and n.priority > %(first)s
      and n.held is distinct from false
), spent as (
    select address, count(distinct message) filter (where at > %(now)s::timestamptz - interval '1 hour') as in_hour,
           count(distinct message) as in_day
    from handed_over
    where channel = any(%(counted)s) and at > %(now)s::timestamptz - interval '1 day'
    group by address
), judged as (
    select d.id, d.alert_id, d.held as was_held,
           d.told and (coalesce(s.in_hour, 0) >= %(per_number_hour)s
                       or coalesce((select sum(in_day) from spent), 0) >= %(per_day)s) as held
    from due d left join spent s using (address)
), changed as (
    select * from judged where held is distinct from was_held
), locked as (
    select a.id from alert a where a.id in (select alert_id from changed)
    order by a.id
    for no key update skip locked
), written as (
    update notification n
    set held = c.held, held_at = case when c.held then %(now)s else n.held_at end, changed_at = %(now)s
    from changed c join locked on locked.id = c.alert_id
    where n.id = c.id and n.state = 'pending'
    returning n.alert_id, n.held
), noted as (
    insert into alert_event (alert_id, at, kind, detail)
    select alert_id, %(now)s, 'held_back', jsonb_build_object('channel', %(channel)s::text, 'messages', count(*))
    from written where held
    group by alert_id
), touched as (
    update alert a set changed_at = greatest(a.changed_at, %(now)s)
    where a.id in (select alert_id from written where held)
)
select count(*) filter (where held) as held, count(*) filter (where not held) as free from written

-- name: settle_notification
-- Of all that one message names. Fenced: a process that froze and wakes up after its lease changes nothing. No clear answer,
-- but the provider has called back about it meanwhile: it has it. A person who is known not to have it is not called any more
-- once somebody has taken the alert; a machine is told all the same. Alerts are locked before their notifications, as by
-- whoever takes or closes them: the other way round each would wait for the other.
with held as (
    select a.id, a.state <> 'triggered' as taken from alert a
    where a.id in (select alert_id from notification where id = any(%(ids)s))
    order by a.id
    for no key update
), settled as (
    update notification n
    set state = case when %(state)s = 'ambiguous' and n.provider_id is not null then 'sent'
                     when %(state)s = 'pending' and held.taken and n.step is not null
                          and n.channel <> all(%(machines)s) then 'cancelled'
                     else %(state)s end,
        due_at = %(due_at)s, provider_id = coalesce(%(provider_id)s, n.provider_id),
        sent_at = case when %(state)s = 'sent' or (%(state)s = 'ambiguous' and n.provider_id is not null) then %(now)s
                       else n.sent_at end,
        provider_final_at = case when %(state)s = 'failed' then %(now)s else n.provider_final_at end,
        lease_token = null, leased_until = null, changed_at = %(now)s
    from held
    where n.id = any(%(ids)s) and n.lease_token = %(lease_token)s and n.alert_id = held.id
    returning n.id, n.alert_id, n.attempts, n.channel
), noted as (
    update attempt t
    set finished_at = %(now)s, outcome = %(outcome)s, http_status = %(http_status)s, error_code = %(error_code)s,
        provider_id = %(provider_id)s, detail = %(detail)s
    from settled where t.notification_id = settled.id and t.number = settled.attempts
)
update alert a
-- A person who will never be told: the next step comes at once, if nobody has taken the alert yet; a round begins in its
-- time. A machine answers nobody.
set changed_at = %(now)s,
    next_step_at = case when %(state)s = 'failed' and a.next_step_at is not null
                             and mod(a.next_step, nullif(jsonb_array_length(a.policy), 0)) is distinct from 0
                             and settled.channel <> all(%(machines)s)
                        then %(now)s else a.next_step_at end
from settled where a.id = settled.alert_id
returning a.id

-- name: note_reached
-- The first time counts, and only for a watch that the message was for. Alerts are locked before their notifications.
with said as (
    select id, device_id, min(at) as at, min(at) filter (where answer is not null) as answered_at,
           (array_agg(answer order by at, answer) filter (where answer is not null))[1] as answer
    from unnest(%(id)s::bigint[], %(device_id)s::bigint[], %(at)s::timestamptz[], %(answer)s::text[])
        as new (id, device_id, at, answer)
    group by id, device_id
), held as (
    select a.id, a.raised_at, a.acknowledged_at, a.device_id from alert a
    where a.id in (select n.alert_id from said join notification n on n.id = said.id and n.channel = 'watch')
    order by a.id
    for no key update
), mine as (
    select n.id, n.alert_id, n.recipient, n.distance_m, greatest(said.at, told.at) as at,
           case when n.occasion = 'raised' and n.answer is null then said.answer end as answer,
           greatest(said.answered_at, told.at) as answered_at
    from said
    join notification n on n.id = said.id and n.channel = 'watch'
    join held on held.id = n.alert_id and coalesce(n.device_id, held.device_id) = said.device_id
    cross join lateral (
        select case when n.occasion = 'raised' then held.raised_at else held.acknowledged_at end as at) told
    order by n.id
    for update of n
), noted as (
    update notification n
    set delivered_at = least(n.delivered_at, mine.at), changed_at = %(now)s,
        answer = coalesce(n.answer, mine.answer),
        answered_at = coalesce(n.answered_at, case when mine.answer is not null then mine.answered_at end)
    from mine where n.id = mine.id
), written as (
    insert into alert_event (alert_id, at, kind, detail)
    select alert_id, %(now)s, 'colleague_answered',
           jsonb_build_object('by', recipient, 'distance_m', distance_m, 'answer', answer)
    from mine where answer is not null
)
update alert a set changed_at = greatest(a.changed_at, %(now)s)
from mine where a.id = mine.alert_id

-- name: beat
-- Once a second: a tick that has nothing to write costs no commit. When it hears nothing, when it last did stays: by that
-- an outage is found.
insert into engine_tick as known (instance, ticked_at, heard_at)
select %(instance)s, %(now)s::timestamptz, case when %(hearing)s then %(now)s::timestamptz end
where not exists (
    select from engine_tick
    where instance = %(instance)s and (heard_at is not distinct from ticked_at) = %(hearing)s::boolean
      and ticked_at > %(now)s::timestamptz - interval '1 second' and ticked_at <= %(now)s
)
on conflict (instance) do update set ticked_at = excluded.ticked_at, heard_at = coalesce(excluded.heard_at, known.heard_at)

-- name: find_help
-- A technical alert may be our own fault.
select device_id, min(triggered_at) as since_at
from alert
where device_id = any(%(device_ids)s) and state <> 'closed' and vital and kind <> 'technical'
group by device_id

-- name: find_discreet
select distinct device_id from alert
where device_id = any(%(device_ids)s) and state <> 'closed' and kind = 'duress'

-- name: find_discreet_alerts
-- Which of these alerts are of a wearer whose discreet SOS is open.
select a.id from alert a
where a.id = any(%(alert_ids)s)
  and exists (select from alert d where d.device_id = a.device_id and d.state <> 'closed' and d.kind = 'duress')

-- name: hush
-- By these watches, or of their wearers: nobody is to hear of them, and what waits may still be stopped.
with unsent as (
    select n.id, n.alert_id
    from notification n join alert a on a.id = n.alert_id
    where n.channel = 'watch' and n.state in ('pending', 'ambiguous')
      and (n.device_id = any(%(device_ids)s) or (n.step is not null and a.device_id = any(%(device_ids)s)))
), held as (
    select a.id from alert a where a.id in (select alert_id from unsent)
    order by a.id
    for no key update
)
update notification n set state = 'cancelled', changed_at = %(now)s
from unsent join held on held.id = unsent.alert_id
where n.id = unsent.id and n.state in ('pending', 'ambiguous')

-- name: annotate
with open as (
    select distinct on (a.device_id, a.kind) a.id, new.note
    from unnest(%(device_id)s::bigint[], %(kind)s::text[], %(note)s::text[]) as new (device_id, kind, note)
    join alert a on a.device_id = new.device_id and a.kind = new.kind and a.state <> 'closed'
    order by a.device_id, a.kind, a.id desc
), noted as (
    insert into alert_event (alert_id, at, kind) select id, %(now)s, note from open
)
update alert a set changed_at = %(now)s from open where a.id = open.id

-- name: find_newest_beat
select max(ticked_at) as ticked_at from engine_tick

-- name: insert_contact
insert into contact (organisation_id, name, phone_e164, email, rank)
values (%(organisation_id)s, %(name)s, %(phone_e164)s, %(email)s, %(rank)s)
on conflict (organisation_id, rank) do update set name = excluded.name, phone_e164 = excluded.phone_e164,
                                                  email = excluded.email

-- name: find_on_duty
-- Who is on call now: of each role the contacts, whoever came first.
select d.organisation_id, d.role, d.contact_id from duty d
where d.organisation_id = any(%(organisation_ids)s) and d.starts_at <= %(now)s and d.ends_at > %(now)s
order by d.starts_at, d.id

-- name: find_duties
select id, role, contact_id, starts_at, ends_at, uid from duty
where organisation_id = %(organisation_id)s and ends_at > %(now)s
order by role, starts_at, id

-- name: insert_duties
insert into duty (organisation_id, role, contact_id, starts_at, ends_at, uid)
select %(organisation_id)s, role, contact_id, starts_at, ends_at, uid
from unnest(%(roles)s::text[], %(contact_ids)s::bigint[], %(starts_at)s::timestamptz[], %(ends_at)s::timestamptz[],
            %(uids)s::text[]) as new (role, contact_id, starts_at, ends_at, uid)

-- name: cut_duty
update duty set ends_at = %(now)s where id = %(duty_id)s and starts_at < %(now)s and ends_at > %(now)s

-- name: forget_duty
delete from duty where id = %(duty_id)s and starts_at >= %(now)s

-- name: remove_duties
-- What a calendar had said of the time to come; what somebody said at the keyboard stays, unless all is to go.
delete from duty
where organisation_id = %(organisation_id)s and role = %(role)s and ends_at > %(now)s and (uid is not null or %(all)s)

-- name: find_organisations
-- The canary's is nobody's.
select id from organisation where slug <> 'canary' order by id

-- name: find_policies
select name, kinds, steps, repeat, repeat_after_s, lapse_after_s from policy
where organisation_id = %(organisation_id)s
order by kinds is not null, id

-- name: remove_policies
delete from policy where organisation_id = %(organisation_id)s

-- name: insert_policies
insert into policy (organisation_id, name, kinds, steps, repeat, repeat_after_s, lapse_after_s)
select %(organisation_id)s, p.name, p.kinds, p.steps, p.repeat, p.repeat_after_s, p.lapse_after_s
from jsonb_to_recordset(%(policies)s::jsonb)
    as p (name text, kinds text[], steps jsonb, repeat integer, repeat_after_s integer, lapse_after_s integer)
