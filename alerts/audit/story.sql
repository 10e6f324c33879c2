-- name: alert
select a.id, a.kind, a.state, a.vital, a.subject, a.mission, d.wire as device_wire, d.wire_name as device_name, a.shift_id,
       a.latitude_deg, a.longitude_deg, a.accuracy_m, a.fixed_at, a.episode_at, a.triggered_at, a.raised_at,
       a.received_late_s, a.heard_after_episode, a.detail, a.policy, a.acknowledged_at, k.login as acknowledged_by
from alert a
left join device d on d.id = a.device_id
left join account k on k.id = a.acknowledged_by
where a.id = %(alert_id)s

-- name: events
select e.id, e.at, e.kind, k.login as account, e.detail, s.number as seal, encode(s.hash, 'hex') as hash, s.sealed_at
from alert_event e
left join account k on k.id = e.account_id
left join alert_seal s on s.event_id = e.id
where e.alert_id = %(alert_id)s
order by e.at, e.id

-- name: notifications
select n.id, n.step, n.channel, coalesce(c.name, n.recipient) as contact, n.address, n.text, n.due_at, n.state, n.sent_at,
       n.delivered_at, n.provider_id, n.provider_status, n.provider_final_at, n.redacted_at, n.distance_m, n.answered_at, n.answer
from notification n
left join contact c on c.id = n.contact_id
where n.alert_id = %(alert_id)s
order by n.id

-- name: attempts
select t.notification_id, t.number, t.started_at, t.finished_at, t.outcome, t.http_status, t.error_code, t.provider_id,
       t.detail
from attempt t
join notification n on n.id = t.notification_id
where n.alert_id = %(alert_id)s
order by t.started_at, t.id
