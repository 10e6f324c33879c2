-- name: organisation
select o.id, o.name, a.id as account_id, a.name as account_name
from account a join organisation o on o.id = a.organisation_id
where a.login = %(login)s

-- name: devices
select d.id, d.kind, d.wire, coalesce(a.name, v.name, d.label) as label, s.mission, s.id is not null as on_shift,
       l.latitude_deg, l.longitude_deg, l.accuracy_m, l.fixed_at, l.speed_mps, l.battery_pct, l.heard_at,
       w.evidence_at, w.stillness_due_at, s.id as shift_id, s.planned_end_at, p.started_at as paused_at,
       exists (select from alert x where x.device_id = d.id and x.state <> 'closed' and x.kind <> 'technical') as alarmed
from device d
left join device_latest l on l.device_id = d.id
left join watch_state w on w.device_id = d.id
left join shift s on s.device_id = d.id and s.ended_at is null
left join shift_pause p on p.shift_id = s.id and p.ended_at is null
left join agent a on a.id = s.agent_id
left join van v on v.device_id = d.id
where d.organisation_id = %(organisation_id)s and d.revoked_at is null
  and (d.kind = 'van' or s.id is not null)
  and (%(since)s::timestamptz is null or l.heard_at >= %(since)s)
order by d.id

-- name: alerts
select a.id, a.kind, a.state, a.device_id, a.subject, a.mission, a.latitude_deg, a.longitude_deg, a.accuracy_m,
       a.fixed_at, a.episode_at, a.triggered_at, a.raised_at, a.received_late_s, a.heard_after_episode,
       a.acknowledged_at, k.name as acknowledged_by,
       coalesce((
           select jsonb_agg(jsonb_build_object(
                      'id', n.id, 'channel', n.channel, 'contact', c.name, 'state', n.state, 'sent_at', n.sent_at,
                      'delivered_at', n.delivered_at, 'attempts', n.attempts) order by n.id)
           from notification n left join contact c on c.id = n.contact_id
           where n.alert_id = a.id
       ), '[]') as notifications
from alert a
left join account k on k.id = a.acknowledged_by
where a.organisation_id = %(organisation_id)s
  and (%(alert_id)s::bigint is null or a.id = %(alert_id)s)
  and (%(since)s::timestamptz is null or a.changed_at >= %(since)s)
  and (%(since)s::timestamptz is not null or %(alert_id)s::bigint is not null or a.state <> 'closed')
order by a.id

-- name: commands_of_device
select c.id, c.device_id, c.kind, c.body ->> 'text' as text, coalesce(c.body -> 'replies', '[]') as replies,
       k.name as by, c.state, c.created_at, c.sent_at, c.delivered_at, c.answered_at, c.answer, c.expires_at
from command c
left join account k on k.id = c.account_id
where c.device_id = %(device_id)s and c.organisation_id = %(organisation_id)s
order by c.id desc
limit %(most)s

-- name: command
select c.id, c.device_id, c.kind, c.body ->> 'text' as text, coalesce(c.body -> 'replies', '[]') as replies,
       k.name as by, c.state, c.created_at, c.sent_at, c.delivered_at, c.answered_at, c.answer, c.expires_at
from command c
left join account k on k.id = c.account_id
where c.id = %(command_id)s and c.organisation_id = %(organisation_id)s

-- name: commands_since
select c.id, c.device_id, c.kind, c.body ->> 'text' as text, coalesce(c.body -> 'replies', '[]') as replies,
       k.name as by, c.state, c.created_at, c.sent_at, c.delivered_at, c.answered_at, c.answer, c.expires_at
from command c
left join account k on k.id = c.account_id
where c.changed_at >= %(since)s and c.organisation_id = %(organisation_id)s
order by c.account_id is null, c.id desc
limit %(most)s

-- name: trail
-- From the fixes themselves, not from an aggregate: what a buffer gave back a second ago is in, whatever job is late.
select f.fixed_at as at, f.latitude_deg, f.longitude_deg, f.speed_mps
from device d join fix f on f.device_id = d.id
where d.id = %(device_id)s and d.organisation_id = %(organisation_id)s
  and f.fixed_at >= %(from_at)s and f.fixed_at < %(until_at)s
order by f.fixed_at

-- name: trail_by_minute
select t.minute_at as at, t.latitude_deg, t.longitude_deg, t.max_speed_mps as speed_mps
from device d join trail_1min t on t.device_id = d.id
where d.id = %(device_id)s and d.organisation_id = %(organisation_id)s
  and t.minute_at >= %(from_at)s and t.minute_at < %(until_at)s
order by t.minute_at

-- name: newest_tick
select max(ticked_at) as ticked_at from engine_tick

-- name: log_access
insert into access_log (account_id, at, what, detail) values (%(account_id)s, %(now)s, %(what)s, %(detail)s::jsonb)
