-- An alert ends by a human, who says why; and whoever took it and then does nothing is not left alone with it.

-- 1 is told first; see alerts.model.
alter table alert add column priority smallint not null default 8 check (priority between 1 and 9);
update alert set priority = case kind
    when 'sos' then 1 when 'duress' then 1 when 'fall' then 2 when 'device_alarm' then 3
    when 'stillness' then case when heard_after_episode is false then 5 else 3 end
    when 'infrastructure' then 4 when 'check_missed' then 6 when 'technical' then 7 else 8 end;
alter table alert alter column priority drop default;

-- The first alert of the same danger; null: it is that itself. Alerts of one wearer that are open together belong together.
alter table alert add column incident bigint references alert;

-- Since an acknowledgement without any action the escalation goes on. Copied from the policy.
alter table policy add column lapse_after_s integer not null default 900 check (lapse_after_s between 60 and 86400);
alter table alert add column lapse_after_s integer not null default 900;
alter table alert add column lapses_at timestamptz;   -- null: nobody has it, or nobody is in danger
create index alert_lapses on alert (lapses_at) where lapses_at is not null;

-- Taken by a dispatcher, or by a contact who answered.
alter table alert add column acknowledged_by_contact bigint references contact;
alter table alert drop constraint alert_check;
alter table alert add constraint alert_taken_by_one
    check ((acknowledged_at is not null)::integer = num_nonnulls(acknowledged_by, acknowledged_by_contact));

alter table alert add column closed_at timestamptz;
alter table alert add column closed_by bigint references account;
alter table alert add column cause text check (cause in ('real', 'false', 'test', 'technical'));
alter table alert add column outcome text;
alter table alert add column reached boolean;   -- whether the wearer was spoken to, or seen
-- Nothing could close one until now; whoever did so by hand says nothing of why.
update alert set state = case when acknowledged_at is null then 'triggered' else 'acknowledged' end where state = 'closed';
alter table alert add constraint alert_closed_by_a_human check (
    case when state = 'closed' then closed_at is not null and closed_by is not null and cause is not null
         else num_nonnulls(closed_at, closed_by, cause, outcome, reached) = 0 end);
alter table alert add constraint alert_closed_when_reached
    check (state <> 'closed' or kind not in ('sos', 'duress', 'fall', 'stillness') or reached is true);
alter table alert add constraint alert_lapses_while_taken check (lapses_at is null or state = 'acknowledged');

-- What made somebody write: a step of the policy, or that it was taken or closed. Steps are counted on when they begin anew.
alter table notification add column occasion text not null default 'raised'
    check (occasion in ('raised', 'acknowledged', 'lapsed', 'closed'));
update notification set occasion = 'acknowledged' where step is null;
alter table notification add constraint notification_step_of_the_policy check ((step is not null) = (occasion = 'raised'));
alter table notification drop constraint notification_alert_id_step_channel_key;
create unique index notification_step on notification (alert_id, step, channel, contact_id) nulls not distinct
    where step is not null;

-- Who is in danger is told of first, whatever waits.
alter table notification add column priority smallint not null default 8;
update notification n set priority = a.priority from alert a where a.id = n.alert_id;
drop index notification_due;
create index notification_due on notification (channel, priority, due_at)
    where state in ('pending', 'sending', 'ambiguous');

-- What consoles ask for four times a second.
create index alert_changed on alert (changed_at);
