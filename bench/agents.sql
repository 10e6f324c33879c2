-- What the bench of alerts knows of the product's tables: all of it is here.

-- name: engage
-- Watches on shift for an hour. `due_after_s`: their deadlines lie between half of it and the whole; null: they had
-- their alarm, and none is due before they are armed. The other rules look at each as often as at any silent watch.
with device as (
    insert into device (organisation_id, kind, wire, wire_name, label, created_at)
    select 1, 'watch', 'native', name, name, %(now)s from unnest(%(names)s::text[]) as name
    returning id, wire_name
), agent as (
    insert into agent (organisation_id, name) select 1, wire_name from device returning id, name
), begun as (
    insert into shift (organisation_id, agent_id, device_id, mission, profile, started_at)
    select 1, agent.id, device.id, 'bench',
           jsonb_build_object('name', 'bench', 'signal_lost_after_s', 1000000, 'gnss_lost_after_s', 1000000,
                              'prealarm_after_s', jsonb_build_array(coalesce(%(due_after_s)s::integer, 180) - 10),
                              'alarm_after_s', coalesce(%(due_after_s)s::integer, 180),
                              'silence_after_s', coalesce(%(due_after_s)s::integer, 180)),
           %(now)s::timestamptz - interval '1 hour'
    from device join agent on agent.name = device.wire_name
    returning id, device_id, (profile ->> 'alarm_after_s')::integer as after_s
), heard as (
    select begun.*, %(now)s::timestamptz - make_interval(secs => after_s * random() / 2) as evidence_at from begun
), state as (
    insert into watch_state (device_id, shift_id, heard_at, evidence_at, evidence, stillness_due_at, episode, check_at)
    select device_id, id, evidence_at, evidence_at, 'steps',
           case when %(due_after_s)s::integer is not null then evidence_at + make_interval(secs => after_s) end,
           case when %(due_after_s)s::integer is null
                then jsonb_build_object('alarmed', extract(epoch from evidence_at))::text else '' end,
           %(now)s::timestamptz + make_interval(secs => 300 * random())
    from heard
)
select device_id from heard order by device_id

-- name: contacts
insert into contact (organisation_id, name, phone_e164, rank) values (1, 'Astreinte 1', '+33600000001', 1),
                                                                    (1, 'Astreinte 2', '+33600000002', 2)

-- name: arm
-- Each moved last so long before its deadline as its shift allows, and was asked in vain.
update watch_state w
set stillness_due_at = new.due_at, heard_at = new.due_at - interval '180 seconds',
    evidence_at = new.due_at - interval '180 seconds', evidence = 'steps', episode = ''
from unnest(%(device_ids)s::bigint[], %(due_at)s::timestamptz[]) as new (device_id, due_at)
where w.device_id = new.device_id

-- name: raised
select id, triggered_at as due_at, raised_at from alert where kind = 'stillness' and id > %(after)s order by id
