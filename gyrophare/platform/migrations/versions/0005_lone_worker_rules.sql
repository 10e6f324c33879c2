-- A department's own figures for a kind of mission; the built-in profiles need no row. Each change is a new row.
create table profile (
    id               bigint generated always as identity primary key,
    organisation_id  bigint not null references organisation,
    name             text not null,
    settings         jsonb not null,
    changed_at       timestamptz not null,
    changed_by       text not null
);
create index profile_name on profile (organisation_id, name, id desc);

-- The whole profile is copied into the shift at its start. Shifts that are under way keep the limit they began with.
alter table shift add column profile jsonb;
update shift set profile = jsonb_build_object(
    'name', 'default',
    'prealarm_after_s', case when stillness_alarm_after_s = 180 then '[150, 170]'::jsonb
                             else jsonb_build_array(ceil(stillness_alarm_after_s * 0.8)::integer) end,
    'alarm_after_s', stillness_alarm_after_s,
    'silence_after_s', stillness_alarm_after_s);
alter table shift alter column profile set not null;
alter table shift drop column stillness_alarm_after_s;
alter table shift add column planned_end_at timestamptz;
alter table shift add column area jsonb;   -- corners [[latitude, longitude], …] of where the mission is; null: anywhere

-- When a boot was first heard: one that is new in the middle of a shift is a restart.
alter table receipt add column first_at timestamptz;

-- One deadline a watch: the next step of the stillness rule, or when the other rules are to be asked again.
drop index watch_state_due;
-- Pre-alarms and the alarm of this episode, as JSON; empty while there are none. It is read and written whole.
alter table watch_state add column episode text not null default '';
alter table watch_state add column memory text not null default '{}';
alter table watch_state add column check_at timestamptz;
alter table watch_state add column protection text not null default '';
update watch_state set check_at = evidence_at;
update watch_state set episode = jsonb_build_object('alarmed', extract(epoch from evidence_at))::text
where stillness_due_at is null;
alter table watch_state add column due_at timestamptz generated always as (least(stillness_due_at, check_at)) stored;
create index watch_state_due on watch_state (due_at) where due_at is not null;

-- Each time a wearer was asked, and what became of it.
create table prealarm (
    device_id   bigint not null references device,
    shift_id    bigint not null references shift,
    episode_at  timestamptz not null,
    first_at    timestamptz not null,
    ended_at    timestamptz,
    outcome     text check (outcome in ('answered', 'moved', 'moved_before', 'alarm', 'paused', 'shift_ended')),
    primary key (device_id, episode_at),
    check ((ended_at is null) = (outcome is null))
);

-- How well each agent was protected from when on: minutes without protection are counted from these.
create table protection_change (
    shift_id  bigint not null references shift,
    at        timestamptz not null,
    level     text not null check (level in ('protected', 'degraded', 'not_protected')),
    reasons   text[] not null,
    primary key (shift_id, at)
);

-- Where the radio does not reach, and for how long one may be silent there.
create table white_zone (
    id               bigint generated always as identity primary key,
    organisation_id  bigint not null references organisation,
    name             text not null,
    area             jsonb not null check (jsonb_array_length(area) >= 3),
    silence_s        integer not null check (silence_s between 1 and 1200),
    unique (organisation_id, name)
);

-- When each server last heard the broker, which is not when it last ticked; and since when nobody did.
alter table engine_tick add column heard_at timestamptz;
update engine_tick set heard_at = ticked_at;
create table outage (
    since_at  timestamptz primary key,
    until_at  timestamptz check (until_at >= since_at)   -- null while it lasts
);

-- What breaks a protection is an alert too, less urgent than a person in danger. An infrastructure alert has no device.
alter table alert add column vital boolean not null default true;
alter table alert add column detail jsonb not null default '{}';
alter table alert alter column device_id drop not null;
alter table alert drop constraint alert_device_id_kind_episode_key;
alter table alert add constraint alert_once unique nulls not distinct (organisation_id, device_id, kind, episode);
create index alert_device on alert (device_id) where state <> 'closed';
