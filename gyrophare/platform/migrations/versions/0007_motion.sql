-- What a report without a position tells of the body: a window of it proves something only beside the next, in order.
-- Like `fix` it is stored without asking for its device once more.
create table motion (
    device_id    bigint not null,
    at           timestamptz not null,  -- sent, or received where the device does not say
    received_at  timestamptz not null,
    steps        integer,
    activity_mg  real,
    activity     text,
    buffered     boolean not null,
    doubts       text[] not null default '{}',
    message_key  bigint not null,
    primary key (device_id, at, message_key)
);

-- All that the rules of movement remember of a wearer, bounded, in the order of lone_worker.whereabouts. Who is on shift
-- now begins anew from his next fix.
alter table watch_state
    drop column anchor_latitude_deg, drop column anchor_longitude_deg, drop column anchor_accuracy_m,
    drop column anchor_at, drop column away_since_at,
    add column whereabouts text;

delete from watch_checkpoint;
alter table watch_checkpoint
    drop column anchor_latitude_deg, drop column anchor_longitude_deg, drop column anchor_accuracy_m,
    drop column anchor_at, drop column away_since_at,
    add column moved_by text,
    add column whereabouts text not null;
