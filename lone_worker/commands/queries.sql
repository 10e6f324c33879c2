-- Rows are locked in the order of their number, so that two processes never wait for each other.

-- name: queue_commands
insert into command (organisation_id, device_id, shift_id, kind, number, topic, body, account_id, alert_id, episode_at,
                     created_at, expires_at, changed_at)
select organisation_id, device_id, shift_id, kind, number, topic, body::jsonb, account_id, alert_id, episode_at,
       %(now)s, expires_at, %(now)s
from unnest(
    %(organisation_id)s::bigint[], %(device_id)s::bigint[], %(shift_id)s::bigint[], %(kind)s::text[],
    %(number)s::integer[], %(topic)s::text[], %(body)s::text[], %(account_id)s::bigint[], %(alert_id)s::bigint[],
    %(episode_at)s::timestamptz[], %(expires_at)s::timestamptz[]
) as new (organisation_id, device_id, shift_id, kind, number, topic, body, account_id, alert_id, episode_at, expires_at)
order by device_id, kind, episode_at, number
on conflict (device_id, kind, episode_at, number) do nothing
returning id

-- name: wake
select pg_notify('gyrophare_command', '')

-- name: withdraw
update command c set state = 'expired', changed_at = %(now)s
from (
    select k.id
    from unnest(%(device_id)s::bigint[], %(episode_at)s::timestamptz[]) as asked (device_id, episode_at)
    join command k using (device_id, episode_at)
    where k.kind = 'prealarm' and k.state = 'pending'
    order by k.id
    for update of k skip locked
) as unsent
where c.id = unsent.id

-- name: hush
update command c set state = 'expired', changed_at = %(now)s
from (
    select id from command
    where device_id = any(%(device_ids)s) and state = 'pending' and kind <> 'locate'
    order by id
    for update skip locked
) as unsent
where c.id = unsent.id

-- name: claim
-- A lease that ran out means that its holder died on the way: said twice it does no harm, the watch knows its number.
with due as (
    select id from command
    where (state = 'pending' or (state = 'sending' and leased_until <= %(now)s)) and expires_at > %(now)s
    order by id
    limit %(most)s
    for update skip locked
)
update command c
set state = 'sending', attempts = c.attempts + 1, lease_token = gen_random_uuid(),
    leased_until = %(now)s + make_interval(secs => %(lease_s)s), changed_at = %(now)s
from due where c.id = due.id
returning c.id, c.topic, c.body, c.expires_at, c.lease_token

-- name: settle
-- Fenced. The watch may have answered before us: then only the instant is ours to say.
with mine as (
    select c.id, new.state
    from unnest(%(id)s::bigint[], %(lease_token)s::uuid[], %(state)s::text[]) as new (id, lease_token, state)
    join command c on c.id = new.id and c.lease_token = new.lease_token
    order by c.id
    for update of c
)
update command c
set state = case when c.state = 'sending' then mine.state else c.state end,
    sent_at = case when mine.state = 'sent' then coalesce(c.sent_at, %(now)s) else c.sent_at end,
    lease_token = null, leased_until = null, changed_at = %(now)s
from mine where c.id = mine.id

-- name: expire
-- What was sent and never reached its watch is worth nothing either by now.
update command c set state = 'expired', changed_at = %(now)s
from (
    select id from command
    where state in ('pending', 'sending', 'sent') and expires_at <= %(now)s
    order by id
    limit %(most)s
    for update skip locked
) as over
where c.id = over.id

-- name: note_answers
-- In any order and however often: the first delivery and the first answer count, and only those of the device itself.
with said as (
    select id, device_id, min(at) as delivered_at, min(at) filter (where answer is not null) as answered_at,
           (array_agg(answer order by at, answer) filter (where answer is not null))[1] as answer
    from unnest(%(id)s::bigint[], %(device_id)s::bigint[], %(at)s::timestamptz[], %(answer)s::text[])
        as new (id, device_id, at, answer)
    group by id, device_id
), known as (
    -- A watch whose clock is slow had nothing before it was written.
    select c.id, said.answer, greatest(said.delivered_at, c.created_at) as delivered_at,
           case when said.answered_at is not null then greatest(said.answered_at, c.created_at) end as answered_at
    from said join command c using (id, device_id)
    order by c.id
    for update of c
)
update command c
set delivered_at = least(c.delivered_at, known.delivered_at),
    answered_at = case when known.answered_at is null
                         or (c.answered_at, c.answer) <= (known.answered_at, known.answer)
                       then c.answered_at else known.answered_at end,
    answer = case when known.answered_at is null or (c.answered_at, c.answer) <= (known.answered_at, known.answer)
                  then c.answer else known.answer end,
    state = case when coalesce(c.answered_at, known.answered_at) is null then 'delivered' else 'answered' end,
    changed_at = %(now)s
from known where c.id = known.id

-- name: prealarm_outcomes
select asked.device_id, bool_or(c.delivered_at is not null) as delivered
from unnest(%(device_id)s::bigint[], %(episode_at)s::timestamptz[]) as asked (device_id, episode_at)
join command c on c.device_id = asked.device_id and c.kind = 'prealarm' and c.episode_at = asked.episode_at
group by asked.device_id
