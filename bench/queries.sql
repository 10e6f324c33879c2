-- name: engage
-- Watches on shift, whose stillness disturbs no measurement.
with device as (
    insert into device (organisation_id, kind, wire, wire_name, label, created_at)
    select 1, 'watch', 'native', name, name, %(now)s from unnest(%(names)s::text[]) as name
    returning id, wire_name
), agent as (
    insert into agent (organisation_id, name) select 1, wire_name from device returning id, name
), shift as (
    insert into shift (organisation_id, agent_id, device_id, mission, profile, started_at)
    select 1, agent.id, device.id, 'bench',
           '{"prealarm_after_s": [3500], "alarm_after_s": 3600, "silence_after_s": 3600, "signal_lost_after_s": 1000000, '
           '"gnss_lost_after_s": 1000000}',
           %(now)s::timestamptz - interval '1 hour'
    from device join agent on agent.name = device.wire_name
    returning id, device_id
)
-- Heard a moment ago and judged at any of the next ninety seconds, as in the middle of a day.
insert into watch_state (device_id, shift_id, heard_at, evidence_at, evidence, stillness_due_at, check_at)
select device_id, id, %(now)s, %(now)s, 'shift_start', %(now)s::timestamptz + interval '3500 seconds',
       %(now)s::timestamptz + interval '90 seconds' * (1 + random())
from shift

-- name: vacuum
-- Now, so that the database does not begin to in the middle of a measurement.
vacuum (analyze)

-- name: checkpoint
checkpoint

-- name: committed
select coalesce(sum(upper(span) - lower(span)), 0)::bigint as n
from receipt, unnest(committed) as span

-- name: commits
-- Each commit since then, and how many fixes it brought.
select pg_xact_commit_timestamp(xmin) as at, count(*) as fixes
from fix where received_at >= %(since)s
group by xmin
order by at

-- name: commit_latency_ms
-- From the publisher's clock to the commit's: one machine, one clock.
select percentile_cont(array[0.5, 0.99, 1.0]) within group (
    order by extract(epoch from pg_xact_commit_timestamp(xmin) - sent_at) * 1000
) as p
from fix
where sent_at >= %(since)s

-- name: copy_target
create table bench_copy (like fix including all)

-- name: copy
copy bench_copy (device_id, fixed_at, received_at, sent_at, latitude_deg, longitude_deg, accuracy_m, speed_mps,
                 course_deg, altitude_m, battery_pct, buffered, message_key) from stdin

-- name: naive_target
create table bench_naive (
    watch text not null, boot text not null, seq bigint not null, fixed_at timestamptz not null,
    latitude_deg double precision not null, longitude_deg double precision not null, accuracy_m real, speed_mps real,
    steps integer, battery_pct real, primary key (watch, boot, seq)
)

-- name: naive_insert
insert into bench_naive values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s) on conflict do nothing
