-- What a provider called back to say, as it was said: no number and no text. Said again it is counted, not stored again,
-- so that a replayed callback neither changes anything nor fills the disk. Never purged: an answer that nobody remembers
-- could be replayed to take an alert of today.
create table provider_callback (
    id            bigint generated always as identity primary key,
    received_at   timestamptz not null,   -- the first time
    channel       text not null,
    provider_id   text not null,
    status        text not null,          -- the provider's own word; '(reply)': an answer of a contact
    error_code    text,
    verdict       text not null default 'new'
                  check (verdict in ('new', 'unknown', 'applied', 'nothing_new',                 -- of a status
                                     'not_understood', 'not_a_contact', 'not_told',              -- of an answer
                                     'acknowledging', 'acknowledged', 'too_late')),
    times         bigint not null default 1,
    alert_id      bigint references alert,    -- which one an answer takes: the same one when it is heard again
    contact_id    bigint references contact,  -- who answered
    unique (channel, provider_id, status),
    check (verdict not in ('acknowledging', 'acknowledged', 'too_late') or (alert_id is not null and contact_id is not null))
);
-- What is still to be done: said before we had stored the message's id, or cut short by our end.
create index provider_callback_open on provider_callback (received_at)
    where verdict in ('new', 'unknown', 'acknowledging');

-- What was refused, counted by the minute: a flood of forged callbacks is one row a minute.
create table callback_audit (
    minute_at  timestamptz not null,
    route      text not null,
    reason     text not null,
    times      bigint not null,
    primary key (minute_at, route, reason)
);

alter table notification
    add column provider_status text,           -- the furthest that the provider has told us
    add column provider_status_at timestamptz,
    add column provider_asked_at timestamptz;  -- when we last asked it, because it said nothing
create index notification_provider on notification (provider_id) where provider_id is not null;
-- Of whom an answer is: what was this contact told of?
create index notification_contact on notification (contact_id, alert_id) where contact_id is not null;
-- Sent, and nobody has said yet what became of it: a failed one is 'failed', a delivered one has its instant.
create index notification_unheard on notification (sent_at) where state = 'sent' and delivered_at is null;
