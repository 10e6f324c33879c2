-- Every message that a provider took comes to an end: it is told, asked for, or known that nobody knows. Then its text is
-- forgotten there.
alter table notification
    add column provider_final_at timestamptz,                -- since when nothing more is to be asked
    add column provider_asks smallint not null default 0,    -- how often the provider was asked what became of it
    add column provider_ask_at timestamptz,                  -- when it is asked again; null: it has not been asked yet
    add column redact_tries smallint not null default 0,     -- how often it was asked to forget the text
    add column redacted_at timestamptz;                      -- since when it has
alter table notification drop column provider_asked_at;
-- Whoever was asked about for an hour before is not asked about again.
update notification set provider_final_at = coalesce(provider_status_at, delivered_at, changed_at)
where state = 'failed'
   or (state = 'sent' and channel in ('sms', 'voice')
       and (delivered_at is not null or provider_status = 'completed' or sent_at < now() - interval '1 hour'));

drop index notification_unheard;
create index notification_unheard on notification (channel, sent_at)
    where state = 'sent' and provider_id is not null and provider_final_at is null;
-- At the end, and never one whose text is still to be sent.
create index notification_unredacted on notification (provider_final_at)
    where channel = 'sms' and provider_id is not null and redacted_at is null and redact_tries < 2
      and (state = 'failed' or provider_status in ('sent', 'delivered'));
