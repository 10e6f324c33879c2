-- name: put_organisation
-- Its own: no dispatcher's screen and nobody's contact ever sees it.
insert into organisation (slug, name) values ('canary', 'Canari')
on conflict (slug) do update set name = excluded.name
returning id

-- name: put_account
-- Who ends its alerts.
insert into account (organisation_id, login, name) values (%(organisation_id)s, 'canary', 'Canari')
on conflict (login) do nothing

-- name: put_policy
insert into policy (organisation_id, name, steps) values (%(organisation_id)s, 'canari', %(steps)s::jsonb)
on conflict (organisation_id, name) do update set steps = excluded.steps

-- name: find_told
-- Its alert since then, and which messages of it are queued and sent.
select coalesce(bool_or(n.id is not null), false) as queued,
       coalesce(bool_or(n.channel = 'sms' and n.state = 'sent'), false) as texted
from alert a
left join notification n on n.alert_id = a.id
where a.device_id = %(device_id)s and a.kind = 'sos' and a.raised_at >= %(since_at)s and a.state <> 'closed'
group by a.id

-- name: close
-- Whatever is open of it, with what is not sent yet.
with closed as (
    update alert
    set state = 'closed', next_step_at = null, lapses_at = null, changed_at = %(now)s, acknowledged_by_contact = null,
        acknowledged_at = coalesce(acknowledged_at, %(now)s), acknowledged_by = (select id from account where login = 'canary'),
        closed_at = %(now)s, closed_by = (select id from account where login = 'canary'), cause = 'test', reached = true
    where device_id = %(device_id)s and state <> 'closed'
    returning id
), cancelled as (
    update notification n set state = 'cancelled', changed_at = %(now)s
    from closed where n.alert_id = closed.id and n.state = 'pending'
)
insert into alert_event (alert_id, at, kind, detail) select id, %(now)s, 'closed', '{"cause": "test"}' from closed
