-- name: organisation
select o.id, o.name, a.id as account_id, a.name as account_name
from account a join organisation o on o.id = a.organisation_id
where a.login = %(login)s

-- name: devices
-- With what concerns everybody at once: when any engine last ticked, and since when nobody hears the watches.
-- A pre-alarm belongs to the evidence it began with: another one has ended it.
select d.id, d.kind, d.wire, coalesce(a.name, v.name, d.label) as label, s.mission, s.id is not null as on_shift,
       s.id as shift_id, s.started_at, s.planned_end_at, k.started_at as paused_at, s.profile ->> 'name' as profile,
       l.latitude_deg, l.longitude_deg, l.accuracy_m, l.fixed_at, l.speed_mps, l.battery_pct, l.heard_at,
       w.evidence_at, w.stillness_due_at, w.heard_at as shift_heard_at, w.protection,
       p.first_at as prealarm_at, c.since_at as protection_since_at, e.ticked_at, e.lost_since_at,
       exists (
           select from alert x
           where x.device_id = d.id and x.state <> 'closed' and x.vital and x.kind <> 'technical'
       ) as alarmed
from device d
left join device_latest l on l.device_id = d.id
left join watch_state w on w.device_id = d.id
left join shift s on s.device_id = d.id and s.ended_at is null
left join shift_pause k on k.shift_id = s.id and k.ended_at is null
left join agent a on a.id = s.agent_id
left join van v on v.device_id = d.id
left join lateral (
    -- One look for who was asked, none for the others: the limit keeps the planner from reading all there ever were.
    select q.first_at from prealarm q
    where w.episode <> '' and q.device_id = w.device_id and q.episode_at = w.evidence_at and q.ended_at is null
    limit 1
) p on true
left join lateral (
    select min(now.at) as since_at
    from protection_change now
    where now.shift_id = w.shift_id and now.level = split_part(w.protection, ' ', 1)
      and now.at > coalesce((
          select max(before.at) from protection_change before
          where before.shift_id = w.shift_id and before.level <> split_part(w.protection, ' ', 1)
      ), '-infinity')
) c on true
cross join (
    select (select max(ticked_at) from engine_tick) as ticked_at,
           (select min(since_at) from outage where until_at is null) as lost_since_at
) e
where d.organisation_id = %(organisation_id)s and d.revoked_at is null
  and (d.kind = 'van' or s.id is not null)
  and (%(since)s::timestamptz is null or d.id in (
      select device_id from device_latest where heard_at >= %(since)s
      union all
      select device_id from alert where changed_at >= %(since)s  -- an alarm was raised, taken or closed
      union all
      select q.device_id
      from watch_state y
      join prealarm q on q.device_id = y.device_id and q.episode_at = y.evidence_at
      where y.episode <> '' and q.first_at >= %(since)s
  ))
order by d.id

-- name: alerts
select a.id, a.kind, a.state, a.device_id, a.subject, a.mission, a.latitude_deg, a.longitude_deg, a.accuracy_m,
       a.fixed_at, a.episode_at, a.triggered_at, a.raised_at, a.received_late_s, a.heard_after_episode,
       a.vital, a.priority, coalesce(a.incident, a.id) as incident, a.detail, a.acknowledged_at,
       coalesce(k.name, t.name) as acknowledged_by, a.lapses_at, a.closed_at, z.name as closed_by, a.cause, a.outcome,
       a.reached,
       coalesce((
           select jsonb_agg(jsonb_build_object('at', h.at, 'by', w.name, 'text', h.detail ->> 'text') order by h.id)
           from alert_event h left join account w on w.id = h.account_id
           where h.alert_id = a.id and h.kind = 'note'
       ), '[]') as notes,
       coalesce((
           select jsonb_agg(jsonb_build_object(
                      'kind', h.kind, 'times', h.times, 'first_at', h.first_at, 'last_at', h.last_at) order by h.first_at)
           from (
               select kind, count(*) as times, min(at) as first_at, max(at) as last_at
               from alert_event
               where alert_id = a.id and kind in ('moved_in_alarm', 'rearmed', 'repeated', 'lapsed', 'steps_exhausted',
                                                    'step_reaches_nobody', 'step_withheld', 'well_again')
               group by kind
           ) h
       ), '[]') as history,
       coalesce((
           -- A step by a channel that no server had, until one that has tries its message: then that says what became of it.
           select jsonb_agg(h.detail || jsonb_build_object('at', h.at) order by h.id)
           from alert_event h
           where h.alert_id = a.id and h.kind = 'step_reaches_nobody'
             and not exists (select from notification n
                             where n.alert_id = a.id and n.step + 1 = (h.detail ->> 'step')::integer and n.attempts > 0)
       ), '[]') as unreached,
       coalesce((
           -- A machine's address is its name.
           select jsonb_agg(jsonb_build_object(
                      'id', n.id, 'channel', n.channel,
                      'contact', coalesce(c.name, n.recipient, case when n.channel in ('webhook', 'cap', 'dc09') then n.address end),
                      'state', n.state, 'since', coalesce(t.started_at, n.due_at), 'changed_at', n.changed_at,
                      'sent_at', n.sent_at, 'delivered_at', n.delivered_at, 'attempts', n.attempts, 'distance_m', n.distance_m,
                      'answered_at', n.answered_at, 'answer', n.answer,
                      'held_at', case when n.state = 'pending' and n.held then n.held_at end,
                      'delivery_unknown', n.state = 'sent' and n.provider_final_at is not null
                                          and coalesce(n.provider_status, '') not in ('delivered', 'completed'),
                      'provider_status', n.provider_status, 'http_status', t.http_status,
                      'error_code', coalesce(n.provider_error_code, t.error_code)) order by n.id)
           from notification n
           left join contact c on c.id = n.contact_id
           left join lateral (
               select min(started_at) as started_at,
                      (array_agg(error_code order by number desc))[1] as error_code,
                      (array_agg(http_status order by number desc))[1] as http_status
               from attempt where notification_id = n.id
           ) t on true
           where n.alert_id = a.id
             and not (n.state = 'pending' and n.attempts = 0 and exists (
                 select from alert_event h
                 where h.alert_id = a.id and h.kind = 'step_reaches_nobody' and (h.detail ->> 'step')::integer = n.step + 1))
       ), '[]') as notifications,
       (
           -- A number beyond the policy is of another round. Alerts of an earlier release name a rank.
           select jsonb_build_object('at', a.next_step_at, 'channel', due.step ->> 'channel', 'to', named.named,
                                     'contact', c.name, 'days', due.step ->> 'days', 'between', due.step ->> 'between')
           from (select a.policy -> mod(a.next_step, nullif(jsonb_array_length(a.policy), 0)) as step) due
           cross join lateral (
               select coalesce(due.step ->> 'to', 'rank ' || (due.step ->> 'rank'), 'console') as named
           ) named
           left join contact c on c.organisation_id = a.organisation_id and named.named = 'rank ' || c.rank
           where a.next_step_at is not null and due.step is not null
       ) as next_step
from alert a
left join account k on k.id = a.acknowledged_by
left join contact t on t.id = a.acknowledged_by_contact
left join account z on z.id = a.closed_by
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

-- name: open_outage
select min(since_at) as since_at from outage where until_at is null

-- name: shift_protection
-- Whole shifts that overlap the period. Spans may overlap one another; an instant without protection counts once,
-- whatever the reasons. Before the engine has first looked at a shift, and while it stands still, nobody watches.
with shown as (
    select s.id, a.name as agent, s.mission, s.started_at, s.ended_at,
           tstzrange(s.started_at, coalesce(s.ended_at, greatest(s.started_at, %(now)s))) as lasted
    from shift s
    join agent a on a.id = s.agent_id
    where s.organisation_id = %(organisation_id)s and s.started_at < %(until_at)s
      and coalesce(s.ended_at, %(now)s) > %(from_at)s
), judged as (
    select id as shift_id, started_at as at, 'not_protected' as level, '{engine}'::text[] as reasons, 0 as turn
    from shown
    union all
    select c.shift_id, c.at, c.level, c.reasons, 1 from protection_change c join shown on shown.id = c.shift_id
), known as (
    select shift_id, tstzrange(at, lead(at) over (partition by shift_id order by at, turn)) as span, level, reasons
    from judged
    union all
    select shown.id, tstzrange(o.since_at, o.until_at), 'not_protected', '{not_heard}'
    from shown
    join outage o on tstzrange(o.since_at, o.until_at) && shown.lasted
    union all
    select shown.id, tstzrange(e.ticked_at, null), 'not_protected', '{engine}'
    from shown
    join (select max(ticked_at) as ticked_at from engine_tick) e on e.ticked_at < %(engine_alive_from)s
    where shown.ended_at is null
), spans as (
    select k.shift_id, k.span * shown.lasted as span, k.level, k.reasons
    from known k
    join shown on shown.id = k.shift_id
    where k.level <> 'protected' and not isempty(k.span * shown.lasted)
), united as (
    select shift_id,
           coalesce(range_agg(span) filter (where level = 'not_protected'), '{}') as without,
           coalesce(range_agg(span) filter (where level = 'degraded'), '{}') as partly,
           jsonb_agg(jsonb_build_object(
               'from', lower(span), 'until', upper(span), 'level', level, 'reasons', reasons)
               order by lower(span), upper(span)) as spans
    from spans
    group by shift_id
)
select shown.id, shown.agent, shown.mission, shown.started_at, shown.ended_at, coalesce(u.spans, '[]') as spans,
       (select coalesce(sum(extract(epoch from upper(one) - lower(one))), 0)
        from unnest(u.without) one)::float8 as not_protected_s,
       (select coalesce(sum(extract(epoch from upper(one) - lower(one))), 0)
        from unnest(u.partly - u.without) one)::float8 as degraded_s
from shown
left join united u on u.shift_id = shown.id
order by shown.started_at, shown.id

-- name: newest_tick
select max(ticked_at) as ticked_at from engine_tick

-- name: log_access
insert into access_log (account_id, at, what, detail) values (%(account_id)s, %(now)s, %(what)s, %(detail)s::jsonb)
