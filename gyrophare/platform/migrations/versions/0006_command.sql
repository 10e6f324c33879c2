-- The outbox to the watches: one row is one command to one device. After `expires_at` it is never sent: a watch that
-- comes back into coverage an hour later must not vibrate for a pre-alarm of then.
create table command (
    id               bigint generated always as identity primary key,
    organisation_id  bigint not null references organisation,
    device_id        bigint not null references device,
    shift_id         bigint references shift,
    kind             text not null check (kind in ('prealarm', 'prealarm_cancel', 'checkin', 'message', 'locate')),
    number           integer,               -- which pre-alarm of its episode
    topic            text not null,
    body             jsonb not null,        -- as on the wire; its id and its instants are added when it is sent
    account_id       bigint references account,  -- who asked; null: the rules did
    alert_id         bigint references alert,
    episode_at       timestamptz,           -- last evidence of movement before a pre-alarm
    created_at       timestamptz not null,
    expires_at       timestamptz not null,
    state            text not null default 'pending'
                     check (state in ('pending', 'sending', 'sent', 'delivered', 'answered', 'expired', 'failed')),
    attempts         integer not null default 0,
    lease_token      uuid,
    leased_until     timestamptz,
    sent_at          timestamptz,           -- the broker has it
    delivered_at     timestamptz,           -- the watch has it: it vibrates or shows it
    answered_at      timestamptz,
    answer           text,
    changed_at       timestamptz not null,
    -- A pre-alarm of an episode is queued once, whoever ticks. Those without an episode never meet here.
    unique (device_id, kind, episode_at, number),
    check (state <> 'sending' or (lease_token is not null and leased_until is not null)),
    check (state <> 'sent' or sent_at is not null),
    check (state not in ('delivered', 'answered') or delivered_at is not null),
    check ((state = 'answered') = (answered_at is not null) and (answered_at is null) = (answer is null))
);
create index command_unsent on command (id) where state in ('pending', 'sending');
create index command_open on command (expires_at) where state in ('pending', 'sending', 'sent');
create index command_device on command (device_id, id desc);
create index command_changed on command (changed_at);

-- When the watch had "PC prévenu, on arrive"; the broker's word alone is `sent_at`.
alter table notification add column delivered_at timestamptz;
