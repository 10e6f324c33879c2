-- name: audit
-- Everything that should move and does not; the rows of a kind count, and ten of their alerts are named.
-- What a screen has not shown is not sent by us, and a channel that no server has ever had moves nowhere: its step says so.
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
      and (select count(*) from (
               select step + 1 from notification where alert_id = a.id and step is not null
               union
               select (detail ->> 'step')::integer from alert_event
               where alert_id = a.id and kind in ('step_reaches_nobody', 'step_outside_its_hours', 'step_withheld')
           ) explained) < a.next_step
    union all
    select 'message_not_taken', n.alert_id
    from notification n
    where n.state in ('pending', 'ambiguous') and n.due_at < %(now)s - make_interval(secs => %(message_late_s)s)
      and n.channel in (select unnest(channels) from channel_presence) and n.held is not true
    union all
    -- The steps behind it came at once, and told nobody either: who looks at this is the last who can hear of it.
    select 'nobody_told', n.alert_id
    from notification n join alert a on a.id = n.alert_id
    where n.state = 'pending' and n.due_at < %(now)s - make_interval(secs => %(message_late_s)s)
      and n.channel <> 'console' and n.channel not in (select unnest(channels) from channel_presence)
      and a.state = 'triggered'
      and not exists (
          select from notification t
          where t.alert_id = a.id and t.occasion = 'raised'
            and (t.state in ('sending', 'ambiguous', 'sent')
                 or (t.state = 'pending' and t.channel in (select unnest(channels) from channel_presence)))
      )
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
