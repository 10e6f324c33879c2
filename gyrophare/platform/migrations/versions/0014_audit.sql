-- The history of alerts proves itself (ADR 16): nobody changes it by mistake, and who changes it on purpose is found.

-- What the chain begins with: made once for each installation, so that no chain can be passed off as another's.
create table audit_chain (
    one           boolean primary key default true check (one),
    installation  uuid not null
);
insert into audit_chain (installation) values (gen_random_uuid());

-- Written beside, by the sealer: to hash when an event is inserted would make an SOS wait for a tick.
create table alert_seal (
    number      bigint primary key check (number > 0),   -- 1, 2, 3, … without a gap
    event_id    bigint not null unique references alert_event,
    previous    bytea not null check (octet_length(previous) = 32),
    commitment  bytea not null check (octet_length(commitment) = 32),
    hash        bytea not null check (octet_length(hash) = 32),
    sealed_at   timestamptz not null
);

-- What makes a commitment unguessable. It goes when what was said is erased; the commitment stays.
create table alert_salt (
    event_id  bigint primary key references alert_event,
    salt      bytea not null check (octet_length(salt) = 16)
);

-- Whether a salt is missing because its alert was erased; no other event is in it.
create index alert_event_erased on alert_event (alert_id, id) where kind = 'erased';

create function refuse_history_change() returns trigger language plpgsql as $$
begin
    raise exception '% of % was asked for, which is kept as it was written. Expected nothing but inserts; personal data '
        'of closed alerts goes by `gyrophare audit erase`.', lower(tg_op), tg_table_name using errcode = 'restrict_violation';
end $$;

create function is_closed_alert(asked_id bigint) returns boolean stable language sql as
    $$ select exists (select from alert where id = asked_id and state = 'closed') $$;

-- The erasure: of a closed alert, what was said may be emptied, and nothing else changed.
create function allow_erasure_alone() returns trigger language plpgsql as $$
begin
    if tg_table_name = 'alert_event' then
        if tg_op = 'UPDATE' and new.detail = '{}' and to_jsonb(new) - 'detail' = to_jsonb(old) - 'detail'
           and is_closed_alert(old.alert_id) then
            return new;
        end if;
    elsif tg_op = 'DELETE' and is_closed_alert((select alert_id from alert_event where id = old.event_id)) then
        return old;
    end if;
    raise exception '% of % was asked for, which is kept as it was written. Expected nothing but inserts; personal data '
        'of closed alerts goes by `gyrophare audit erase`.', lower(tg_op), tg_table_name using errcode = 'restrict_violation';
end $$;

create trigger alert_event_kept before update or delete on alert_event
    for each row execute function allow_erasure_alone();
create trigger alert_event_whole before truncate on alert_event
    for each statement execute function refuse_history_change();
create trigger alert_salt_kept before update or delete on alert_salt
    for each row execute function allow_erasure_alone();
create trigger alert_salt_whole before truncate on alert_salt
    for each statement execute function refuse_history_change();
create trigger alert_seal_kept before update or delete on alert_seal
    for each row execute function refuse_history_change();
create trigger alert_seal_whole before truncate on alert_seal
    for each statement execute function refuse_history_change();
create trigger audit_chain_kept before update or delete on audit_chain
    for each row execute function refuse_history_change();
create trigger audit_chain_whole before truncate on audit_chain
    for each statement execute function refuse_history_change();

create function refuse_reopening() returns trigger language plpgsql as $$
begin
    raise exception 'alert % is closed, % was asked for. Expected it to stay closed: a new danger is a new alert.',
        old.id, new.state using errcode = 'restrict_violation';
end $$;

create trigger alert_stays_closed before update of state on alert
    for each row when (old.state = 'closed' and new.state <> 'closed') execute function refuse_reopening();
