-- Colleagues near an alert are told by their watches: several in one step, and none of them is a contact.
alter table notification
    add column device_id bigint references device,   -- whose it is; null: a contact's, or the watch of whoever is in danger
    add column recipient text,                       -- the colleague's name, or the van's, as it was then
    add column distance_m real,                      -- from there to whoever is in danger, when it was queued
    add column answered_at timestamptz,
    add column answer text,
    add constraint notification_answer_whole check ((answered_at is null) = (answer is null));

-- What was erased has neither contact nor address left that would tell it from its neighbour.
drop index notification_step;
create unique index notification_step on notification (alert_id, step, channel, contact_id, address) nulls not distinct
    where step is not null and (address <> '' or channel = 'console');
