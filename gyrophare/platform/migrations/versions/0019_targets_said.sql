-- Servers also say which targets they know by name, by channel: {"webhook": ["cta"]}.
alter table channel_presence add column targets jsonb not null default '{}';
