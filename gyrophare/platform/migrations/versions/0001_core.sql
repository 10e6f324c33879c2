-- Everything belongs to an organisation: the Department today, its communes tomorrow.
create table organisation (
    id    bigint generated always as identity primary key,
    slug  text not null unique,
    name  text not null
);
insert into organisation (slug, name) values ('cote-d-or', 'Département de la Côte-d''Or');

-- ingest
-- A device is known by the wire it speaks and its name there: `native` + `w-07`, `owntracks` + `martin/montre`.
create table device (
    id               bigint generated always as identity primary key,
    organisation_id  bigint not null references organisation,
    kind             text not null check (kind in ('watch', 'van')),
    wire             text not null,
    wire_name        text not null,
    label            text not null,
    created_at       timestamptz not null,
    revoked_at       timestamptz,
    unique (wire, wire_name)
);

create table fix (
    device_id      bigint not null references device,
    fixed_at       timestamptz not null,
    received_at    timestamptz not null,
    sent_at        timestamptz,
    latitude_deg   double precision not null check (latitude_deg between -90 and 90),
    longitude_deg  double precision not null check (longitude_deg between -180 and 180),
    accuracy_m     real,
    speed_mps      real,
    course_deg     real,
    altitude_m     real,
    battery_pct    real,
    buffered       boolean not null,
    doubts         text[] not null default '{}',
    -- 64 bits of (boot, seq), or of the content where the format has no sequence: sent twice is stored once.
    message_key    bigint not null,
    primary key (device_id, fixed_at, message_key)
);

-- Which messages of a device are committed: recognises a repetition, and is what receipts say.
create table receipt (
    device_id   bigint not null references device,
    boot        text not null,
    committed   int8multirange not null,
    updated_at  timestamptz not null,
    primary key (device_id, boot)
);

create table event (
    id             bigint generated always as identity primary key,
    device_id      bigint not null references device,
    kind           text not null,
    occurred_at    timestamptz not null,
    received_at    timestamptz not null,
    latitude_deg   double precision,
    longitude_deg  double precision,
    accuracy_m     real,
    fixed_at       timestamptz,
    battery_pct    real,
    detail         jsonb not null default '{}',
    message_key    bigint not null,
    unique (device_id, message_key)
);

-- Where each device was last and when it was last heard: what the map shows. One row a device.
create table device_latest (
    device_id      bigint primary key references device,
    heard_at       timestamptz not null,
    fixed_at       timestamptz,
    latitude_deg   double precision,
    longitude_deg  double precision,
    accuracy_m     real,
    speed_mps      real,
    battery_pct    real
) with (fillfactor = 70);  -- room for updates on the same page

-- What could not be understood, kept with its reason. The same refusal again only counts.
create table rejected (
    id                 bigint generated always as identity primary key,
    topic              text not null,
    reason             text not null,
    detail             text not null,
    size_bytes         bigint not null,
    sha256             bytea not null,
    body               bytea not null,   -- the first 64 KiB
    first_received_at  timestamptz not null,
    last_received_at   timestamptz not null,
    times              bigint not null default 1,
    unique (sha256, topic, reason)
);
create index rejected_last_received_at on rejected (last_received_at);

-- lone_worker
create table agent (
    id               bigint generated always as identity primary key,
    organisation_id  bigint not null references organisation,
    name             text not null
);

create table van (
    id               bigint generated always as identity primary key,
    organisation_id  bigint not null references organisation,
    name             text not null,
    device_id        bigint not null unique references device
);

-- A period in which an agent is protected by a watch; the limits are copied in at its start.
create table shift (
    id                      bigint generated always as identity primary key,
    organisation_id         bigint not null references organisation,
    agent_id                bigint not null references agent,
    device_id               bigint not null references device,
    mission                 text not null,
    stillness_alarm_after_s integer not null check (stillness_alarm_after_s between 10 and 3600),
    started_at              timestamptz not null,
    ended_at                timestamptz check (ended_at >= started_at)
);
create unique index shift_open_per_device on shift (device_id) where ended_at is null;
create unique index shift_open_per_agent on shift (agent_id) where ended_at is null;
create index shift_device_started on shift (device_id, started_at desc);

-- What the stillness rule knows of a watch on shift. `stillness_due_at` is the absolute deadline: the timer only ticks.
create table watch_state (
    device_id               bigint primary key references device,
    shift_id                bigint not null references shift,
    heard_at                timestamptz,
    evidence_at             timestamptz not null,
    evidence                text not null,
    stillness_due_at        timestamptz,   -- null once this episode has its alarm
    anchor_latitude_deg     double precision,
    anchor_longitude_deg    double precision,
    anchor_accuracy_m       real,
    anchor_at               timestamptz,
    away_since_at           timestamptz    -- first fix beyond the radius, still to be confirmed by a second
) with (fillfactor = 70);
create index watch_state_due on watch_state (stillness_due_at) where stillness_due_at is not null;

-- alerts
create table contact (
    id               bigint generated always as identity primary key,
    organisation_id  bigint not null references organisation,
    name             text not null,
    phone_e164       text not null check (phone_e164 ~ '^\+[1-9][0-9]{6,14}$'),
    rank             integer not null check (rank > 0),   -- who is called first
    unique (organisation_id, rank)
);

-- Steps: [{"after_s": 0, "channel": "sms", "rank": 1}, …], seconds after the alert was raised.
create table policy (
    id               bigint generated always as identity primary key,
    organisation_id  bigint not null unique references organisation,
    steps            jsonb not null check (jsonb_typeof(steps) = 'array'),
    -- A step that cannot be read would stop the tick, and so every other organisation's alarms.
    constraint policy_steps_readable check (not steps @?
        '$[*] ? (!(@.after_s.type() == "number") || !(@.channel.type() == "string") || !exists(@.rank))')
);
insert into policy (organisation_id, steps)
select id, '[
    {"after_s": 0,   "channel": "console", "rank": null},
    {"after_s": 0,   "channel": "sms",     "rank": 1},
    {"after_s": 60,  "channel": "sms",     "rank": 2},
    {"after_s": 120, "channel": "sms",     "rank": 1}
]' from organisation;

create table account (
    id               bigint generated always as identity primary key,
    organisation_id  bigint not null references organisation,
    login            text not null unique,
    name             text not null
);
insert into account (organisation_id, login, name) select id, 'supervision', 'Poste de supervision' from organisation;

create table alert (
    id                   bigint generated always as identity primary key,
    organisation_id      bigint not null references organisation,
    kind                 text not null,
    device_id            bigint not null references device,
    shift_id             bigint references shift,
    subject              text not null,        -- who is in danger, as it was known when the alert was raised
    mission              text,
    reply_topic          text,                 -- where the watch hears that somebody is coming; null: it cannot
    episode              text not null,        -- what makes this danger one and the same
    state                text not null default 'triggered' check (state in ('triggered', 'acknowledged', 'closed')),
    episode_at           timestamptz not null, -- last evidence of movement, or the press of the button
    triggered_at         timestamptz not null, -- when it was due
    raised_at            timestamptz not null, -- when we raised it
    received_late_s      real,                 -- how long the news was under way, when that matters
    heard_after_episode  boolean,              -- true: immobile; false: sans nouvelles
    latitude_deg         double precision,
    longitude_deg        double precision,
    accuracy_m           real,
    fixed_at             timestamptz,
    policy               jsonb not null,       -- copied: a later edit changes nothing here
    next_step            integer not null default 0,
    next_step_at         timestamptz,          -- absolute; null when no step is left or somebody took the alert
    acknowledged_at      timestamptz,
    acknowledged_by      bigint references account,
    changed_at           timestamptz not null,
    unique (device_id, kind, episode),         -- one alert per subject and episode, whoever raises it
    check ((acknowledged_at is null) = (acknowledged_by is null)),
    check (state <> 'acknowledged' or acknowledged_at is not null)
);
create index alert_next_step on alert (next_step_at) where next_step_at is not null;
create index alert_open on alert (organisation_id, id) where state <> 'closed';

create table alert_event (
    id          bigint generated always as identity primary key,
    alert_id    bigint not null references alert,
    at          timestamptz not null,
    kind        text not null,
    account_id  bigint references account,
    detail      jsonb not null default '{}'
);
create index alert_event_alert on alert_event (alert_id, id);

-- The outbox: one row is one message to one contact by one channel.
create table notification (
    id            bigint generated always as identity primary key,
    alert_id      bigint not null references alert,
    step          integer,               -- of the policy; null: sent because somebody acknowledged
    channel       text not null,
    contact_id    bigint references contact,
    address       text not null,
    text          text not null,
    due_at        timestamptz not null,
    state         text not null default 'pending'
                  check (state in ('pending', 'sending', 'ambiguous', 'sent', 'failed', 'cancelled')),
    attempts      integer not null default 0,
    lease_token   uuid,
    leased_until  timestamptz,
    provider_id   text,
    sent_at       timestamptz,
    changed_at    timestamptz not null,
    unique nulls not distinct (alert_id, step, channel),
    check (state <> 'sending' or (lease_token is not null and leased_until is not null)),
    check (state <> 'sent' or sent_at is not null)
);
create index notification_due on notification (due_at) where state in ('pending', 'sending', 'ambiguous');

create table attempt (
    id               bigint generated always as identity primary key,
    notification_id  bigint not null references notification,
    number           integer not null,
    started_at       timestamptz not null,
    finished_at      timestamptz,
    outcome          text,
    http_status      integer,
    error_code       text,
    provider_id      text,
    detail           text,
    unique (notification_id, number)
);

-- When the engine of each server last ticked: its age is what doctor and the console watch.
create table engine_tick (
    instance   text primary key,
    ticked_at  timestamptz not null
);

-- dashboards
-- Every look of a person at positions.
create table access_log (
    id          bigint generated always as identity primary key,
    account_id  bigint not null references account,
    at          timestamptz not null,
    what        text not null,
    detail      jsonb not null default '{}'
);

-- One point a minute of each device's trail; TimescaleDB replaces this view by a continuous aggregate.
create view trail_1min as
select device_id,
       date_bin('1 minute', fixed_at, timestamptz '2000-01-01 00:00:00+00') as minute_at,
       (array_agg(latitude_deg order by fixed_at desc))[1] as latitude_deg,
       (array_agg(longitude_deg order by fixed_at desc))[1] as longitude_deg,
       max(speed_mps) as max_speed_mps,
       count(*) as fixes
from fix
group by 1, 2;
