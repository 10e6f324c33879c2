-- name: clock
select clock_timestamp() as now

-- name: newest_tick
select instance, ticked_at from engine_tick order by ticked_at desc limit 1

-- name: contacts
-- The canary's is nobody's.
select o.slug, count(c.id) as n from organisation o left join contact c on c.organisation_id = o.id
where o.slug <> 'canary'
group by o.id order by o.id

-- name: late_notifications
select count(*) filter (where not waits) as late, count(*) filter (where waits) as held
from (
    select state = 'pending' and held is true as waits
    from notification
    where channel <> 'console' and state in ('pending', 'ambiguous', 'sending') and due_at < now() - interval '1 minute'
) late

-- name: unsealed_events
select count(*) as events, extract(epoch from now() - min(at))::float8 as oldest_s
from alert_event e
where not exists (select from alert_seal s where s.event_id = e.id)

-- name: timescaledb_jobs
-- Each job that must be there, and how it fares; a job that is missing has only its name.
select wanted.job, wanted.relation, j.job_id is not null as there, j.scheduled, s.total_runs, s.last_run_status,
       -- While it runs, and after it was cut short, its next start is minus infinity.
       s.job_status <> 'Running' and greatest(s.next_start, s.last_run_started_at) < now() - interval '1 hour' as overdue,
       (select e.err_message from timescaledb_information.job_errors e
        where e.job_id = j.job_id order by e.start_time desc limit 1) as error
from (values ('policy_compression', 'fix'), ('policy_retention', 'fix'),
             ('policy_compression', 'motion'), ('policy_retention', 'motion'),
             ('policy_refresh_continuous_aggregate', 'trail_1min'), ('policy_retention', 'trail_1min'))
    as wanted (job, relation)
left join timescaledb_information.jobs j on j.proc_name = wanted.job and j.hypertable_name = wanted.relation
left join timescaledb_information.job_stats s on s.job_id = j.job_id
