-- Whose watch it is when a watch says that its wearer begins.
alter table agent add column device_id bigint unique references device;
alter table agent add column email text;
create unique index agent_email on agent (organisation_id, lower(email));

alter table shift alter column mission drop not null;
alter table shift
    add column started_by text not null default 'cli' check (started_by in ('watch', 'console', 'plan', 'cli')),
    add column started_by_account bigint references account,
    add column ended_by text check (ended_by in ('watch', 'console', 'plan', 'cli')),
    add column ended_by_account bigint references account;
-- Whoever takes another watch than the one that lies in the van is protected by it; that there are two is an alert.
drop index shift_open_per_agent;
create index shift_open_agent on shift (agent_id) where ended_at is null;

-- What was said about a watch's shifts, and by whom. The rows of shift and shift_pause are what all of it amounts to, in
-- whatever order it was heard.
create table shift_act (
    device_id       bigint not null references device,
    at              timestamptz not null,
    kind            text not null check (kind in ('start', 'end', 'pause', 'resume')),
    said_by         text not null check (said_by in ('watch', 'console', 'plan', 'cli')),
    account_id      bigint references account,
    heard_at        timestamptz not null,
    -- Of a start; no agent: a watch that is nobody's, which begins nothing.
    agent_id        bigint references agent,
    mission         text,
    profile         jsonb,                 -- whole, as it was then
    planned_end_at  timestamptz,
    area            jsonb,
    primary key (device_id, at, kind),
    check ((agent_id is null) = (profile is null))
);
insert into shift_act (device_id, at, kind, said_by, heard_at, agent_id, mission, profile)
select device_id, started_at, 'start', 'cli', started_at, agent_id, mission, profile from shift;
insert into shift_act (device_id, at, kind, said_by, heard_at)
select device_id, ended_at, 'end', 'cli', ended_at from shift where ended_at is not null
on conflict do nothing;

create table shift_pause (
    shift_id    bigint not null references shift,
    started_at  timestamptz not null,
    ended_at    timestamptz check (ended_at >= started_at),
    primary key (shift_id, started_at)
);
create unique index shift_pause_open on shift_pause (shift_id) where ended_at is null;
-- The last pause of the shift beside what is known of its watch, so that both are read and locked as one.
alter table watch_state add column paused_at timestamptz;
alter table watch_state add column resumed_at timestamptz;

-- Out of a calendar. `uid` and `occurrence` are the calendar's own names for it: imported again it is the same.
create table planned_shift (
    id               bigint generated always as identity primary key,
    organisation_id  bigint not null references organisation,
    uid              text not null,
    occurrence       text not null,        -- of a series; empty: the event stands alone
    agent_id         bigint not null references agent,
    starts_at        timestamptz not null,
    ends_at          timestamptz not null check (ends_at > starts_at),
    mission          text,
    profile_name     text,
    state            text not null default 'planned' check (state in ('planned', 'begun', 'missed', 'cancelled')),
    shift_id         bigint references shift,
    changed_at       timestamptz not null,
    unique (organisation_id, uid, occurrence, agent_id),
    check ((state = 'begun') = (shift_id is not null))
);
create index planned_shift_due on planned_shift (starts_at) where state = 'planned';

-- When a page of the console was last open, and which channels carried messages: whether anybody would hear an alarm.
create table console_presence (
    instance         text not null,
    organisation_id  bigint not null references organisation,
    consoles         integer not null check (consoles > 0),
    seen_at          timestamptz not null,
    primary key (instance, organisation_id)
);
create table channel_presence (
    instance  text primary key,
    channels  text[] not null,
    seen_at   timestamptz not null
);
-- Since when nobody would hear: one alert each.
create table dispatch_outage (
    organisation_id  bigint primary key references organisation,
    since_at         timestamptz not null
);
