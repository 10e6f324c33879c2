-- name: audit
-- Everything that should move and does not; the rows of a kind count, and ten of their alerts are named.
-- What a screen has not shown is not sent by us, and a channel that no server has ever had moves nowhere: `doctor` says so.
with found as (
    select 'step_overdue' as kind, id as alert_id
    from alert
    where state = 'triggered' and next_step_at < %(now)s - make_interval(secs => %(step_late_s)s)
    union all
    select 'lapse_overdue', id
    from alert
    where lapses_at < %(now)s - make_interval(secs => %(step_late_s)s)
    union all
    select 'escalation_stopped', id
    from alert
    where state = 'triggered' and next_step_at is null
      and (mod(next_step, jsonb_array_length(policy)) <> 0 or next_step < jsonb_array_length(policy) * (repeat + 1))
    union all
    -- Every step left a message, or a word that there was nobody to send it to.
    select 'step_without_message', a.id
    from alert a
    where a.state = 'triggered' and a.next_step_at is null and a.next_step >= jsonb_array_length(a.policy)
      and (select count(distinct n.step) from notification n where n.alert_id = a.id)
        + (select count(*) from alert_event e
           where e.alert_id = a.id and e.kind in ('step_reaches_nobody', 'step_outside_its_hours', 'step_withheld'))
        < a.next_step
    union all
    select 'message_not_taken', n.alert_id
    from notification n
    where n.state in ('pending', 'ambiguous') and n.due_at < %(now)s - make_interval(secs => %(message_late_s)s)
      and n.channel in (select unnest(channels) from channel_presence) and n.held is not true
    union all
    -- Caps count a day at most: what waits longer is forgotten, not held back.
    select 'message_held', n.alert_id
    from notification n
    where n.state = 'pending' and n.held and n.held_at < %(now)s - make_interval(secs => %(held_late_s)s)
    union all
    select 'sending_stuck', n.alert_id
    from notification n
    where n.state = 'sending' and n.leased_until < %(now)s - make_interval(secs => %(message_late_s)s)
    union all
    -- With the provider, and neither at its end nor asked about. Who was asked in vain often enough is at its end too.
    select 'status_missing', n.alert_id
    from notification n
    where n.state = 'sent' and n.provider_id is not null and n.provider_final_at is null
      and n.channel in ('sms', 'voice', 'gammu')
      and coalesce(n.provider_ask_at, n.sent_at) < %(now)s - make_interval(secs => %(status_late_s)s)
      and n.channel in (select unnest(channels) from channel_presence)
    union all
    select 'engine_stopped', null
    where not exists (
        select from engine_tick where ticked_at >= %(now)s - make_interval(secs => %(tick_late_s)s)
    )
)
select kind, count(*)::integer as count, (array_agg(distinct alert_id))[1:10] as alert_ids
from found
group by kind
order by kind
