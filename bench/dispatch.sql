-- What the bench of the dispatcher knows of the product's tables: all of it is here.

-- name: forget_policies
delete from policy

-- name: call_at_once
insert into policy (organisation_id, name, steps)
values (1, 'bench', '[{"after_s": 0, "channel": "console", "to": "console"}, {"after_s": 0, "channel": "sms", "to": "rank 1"}]')

-- name: contact
insert into contact (organisation_id, name, phone_e164, rank) values (1, 'Astreinte 1', '+33600000001', 1)

-- name: commits
-- Of each alarm the instant of the commit that raised it: its history is never changed after.
select '#A' || alert_id || '-2' as reference, pg_xact_commit_timestamp(xmin) as at from alert_event where kind = 'raised'

-- name: plain_target
create table bench_outbox (id bigint primary key);
create table bench_sent (id bigint primary key)

-- name: plain_insert
insert into bench_outbox (id) values (%(id)s)

-- name: plain_due
select id from bench_outbox o where not exists (select from bench_sent s where s.id = o.id) order by id

-- name: plain_sent
insert into bench_sent (id) values (%(id)s)

-- name: plain_commits
select '#P' || id as reference, pg_xact_commit_timestamp(xmin) as at from bench_outbox
