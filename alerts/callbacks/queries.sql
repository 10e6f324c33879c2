-- name: note_callback
-- Said again, it is counted; a row is locked until the transaction ends, so that two of the same wait for each other.
insert into provider_callback as known (received_at, channel, provider_id, status, error_code)
values (%(now)s, %(channel)s, %(provider_id)s, %(status)s, %(error_code)s)
on conflict (channel, provider_id, status) do update
    set times = known.times + 1, error_code = coalesce(known.error_code, excluded.error_code)
returning id, verdict, alert_id, contact_id

-- name: settle_callback
update provider_callback set verdict = %(verdict)s where id = %(id)s and verdict <> %(verdict)s

-- name: lock_notifications
-- One message may tell of several alerts. Alerts are locked before them, as by whoever takes or closes them: the other way
-- round each would wait for the other.
with held as (
    select a.id from alert a
    where a.id in (select alert_id from notification where channel = %(channel)s and provider_id = %(provider_id)s)
    order by a.id
    for no key update
)
select n.id, n.alert_id, n.step, n.state, n.provider_status
from notification n join held on held.id = n.alert_id
where n.channel = %(channel)s and n.provider_id = %(provider_id)s
order by n.id
for update of n

-- name: adopt
-- Of a call whose answer we have not got, or not yet, the provider says which of ours it is.
update notification
set provider_id = %(provider_id)s, changed_at = %(now)s,
    sent_at = case when state = 'ambiguous' then %(now)s else sent_at end,
    state = case when state = 'ambiguous' then 'sent' else state end
where id = %(id)s and channel = %(channel)s and provider_id is null and state in ('sending', 'ambiguous')

-- name: set_status
update notification
set provider_status = %(status)s, provider_error_code = %(error_code)s, provider_status_at = %(now)s, changed_at = %(now)s,
    delivered_at = case when %(status)s = 'delivered' then coalesce(delivered_at, %(now)s) else delivered_at end,
    provider_final_at = case when %(final)s then coalesce(provider_final_at, %(now)s) else provider_final_at end,
    state = case when %(fails)s then 'failed' else state end
where id = %(id)s

-- name: set_unknown
-- A final word may have come meanwhile.
update notification set provider_final_at = %(now)s, changed_at = %(now)s
where id = %(id)s and provider_final_at is null

-- name: touch_alert
-- A message that will never arrive: the next step comes at once, if nobody has taken the alert yet; a round begins in its
-- time.
update alert
set changed_at = greatest(changed_at, %(now)s),
    next_step_at = case when %(fails)s and next_step_at > %(now)s
                             and mod(next_step, nullif(jsonb_array_length(policy), 0)) is distinct from 0
                        then %(now)s else next_step_at end
where id = %(alert_id)s

-- name: find_strays
-- What was said of a message before we had stored its id, or before we were cut off.
select c.id, c.channel, c.provider_id, c.status, c.error_code
from provider_callback c
where c.verdict in ('new', 'unknown') and c.received_at > %(since)s and left(c.status, 1) <> '('
  and exists (select from notification n where n.channel = c.channel and n.provider_id = c.provider_id)
order by c.id
limit %(most)s

-- name: find_taken
-- Answers whose alert was chosen and then not taken: who chose it was cut off.
select id, alert_id, contact_id from provider_callback
where verdict = 'acknowledging' and received_at > %(since)s and received_at <= %(until)s
order by id
limit %(most)s

-- name: claim_unheard
-- Each time it is waited twice as long.
update notification
set provider_asks = provider_asks + 1,
    provider_ask_at = %(now)s + make_interval(secs => %(first_after_s)s * 2 ^ least(provider_asks, 10))
where id in (
    select id from notification
    where state = 'sent' and provider_id is not null and provider_final_at is null and channel = %(channel)s
      and coalesce(provider_ask_at, sent_at + make_interval(secs => %(first_after_s)s)) <= %(now)s
    order by sent_at
    limit %(most)s
    for update skip locked
)
returning provider_id, provider_asks

-- name: is_contact
select exists (select from contact where phone_e164 = %(phone_e164)s) as known

-- name: find_told
-- By the number it was sent to as well: a contact's place may have been given to another person since. Whoever names an
-- alert has its message, whatever the provider says; else the last alarm that was sent counts, and whether it told of others
-- too.
select a.id as alert_id, c.id as contact_id, exists (
           select from notification o
           where o.provider_id = n.provider_id and o.channel = n.channel and o.alert_id <> n.alert_id
       ) as among_others
from contact c
join notification n on n.contact_id = c.id
join alert a on a.id = n.alert_id
where c.phone_e164 = %(phone_e164)s and n.channel = %(channel)s and n.address = %(phone_e164)s
  and case when %(alert_id)s::bigint is null then n.state = 'sent' and n.occasion = 'raised'
           else a.id = %(alert_id)s and n.attempts > 0 end
order by a.state = 'triggered' desc, n.sent_at desc nulls last, n.id desc
limit 1

-- name: find_called
-- Whom that call was for, unless his place has been given to another person since.
select n.alert_id, n.contact_id
from notification n join contact c on c.id = n.contact_id and c.phone_e164 = n.address
where n.id = %(id)s and n.channel = %(channel)s and n.attempts > 0

-- name: choose_alert
update provider_callback set verdict = 'acknowledging', alert_id = %(alert_id)s, contact_id = %(contact_id)s
where id = %(id)s

-- name: count_refused
insert into callback_audit as known (minute_at, route, reason, times)
select minute_at, route, reason, times
from unnest(%(minute_at)s::timestamptz[], %(route)s::text[], %(reason)s::text[], %(times)s::bigint[])
    as new (minute_at, route, reason, times)
on conflict (minute_at, route, reason) do update set times = known.times + excluded.times

-- name: purge_audit
delete from callback_audit where minute_at < %(before)s
