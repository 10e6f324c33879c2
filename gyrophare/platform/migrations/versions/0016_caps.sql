-- How much is sent to whom, and which second messages wait for it (ADR 20).

-- Of a second message: whether a cap holds it back; null: nobody has looked yet, or nothing is capped.
alter table notification add column held boolean, add column held_at timestamptz;   -- since when, the last time
alter table notification add constraint notification_held_since check (held is not true or held_at is not null);

-- What the providers were given, one row an alert: those of one message have the same `message`.
create view handed_over as
    select channel, address, coalesce(provider_id, id::text) as message, sent_at as at
    from notification where sent_at is not null
    union all
    select channel, address, lease_token::text, changed_at
    from notification where state = 'sending';
create index notification_sent on notification (channel, sent_at) include (address, provider_id, id)
    where sent_at is not null;
