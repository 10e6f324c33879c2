-- Who is told of which alerts, when, by which way, and how often: several policies, each of some kinds.
alter table contact add column email text check (email ~ '^[^@\s]+@[^@\s]+$');

alter table policy drop constraint policy_organisation_id_key;
alter table policy add column name text not null default 'urgence';
alter table policy alter column name drop default;
alter table policy add constraint policy_name unique (organisation_id, name);
alter table policy add column kinds text[];   -- null: every alert in which somebody may be in danger, and no other names
alter table policy add column repeat integer not null default 0 check (repeat between 0 and 20);
alter table policy add column repeat_after_s integer not null default 300 check (repeat_after_s >= 30);
create unique index policy_of_all_others on policy (organisation_id) where kinds is null;

alter table alert add column repeat integer not null default 0;
alter table alert add column repeat_after_s integer not null default 300;

-- A step says whom it tells in words: console, rank 1, person NAME, target NAME.
alter table policy drop constraint policy_steps_readable;
update policy set steps = (
    select coalesce(jsonb_agg(jsonb_build_object(
        'after_s', step -> 'after_s', 'channel', step -> 'channel',
        'to', case when step ->> 'rank' is null then 'console' else 'rank ' || (step ->> 'rank') end) order by number), '[]')
    from jsonb_array_elements(steps) with ordinality as one (step, number)
);
-- A step that cannot be read would stop the tick, and so every other organisation's alarms.
alter table policy add constraint policy_steps_readable check (not steps @?
    '$[*] ? (!(@.after_s.type() == "number") || !(@.channel.type() == "string") || !(@.to.type() == "string"))');
