-- A gateway (a Traccar or LoRaWAN server, a Meshtastic node) has an account at the broker and speaks for others.
alter table device drop constraint device_kind_check;
alter table device add constraint device_kind_check check (kind in ('watch', 'van', 'gateway'));
-- The account at the broker. A hash in Mosquitto's own form ($7$…); null: the device cannot log in.
alter table device add column username text unique;
alter table device add column password_hash text;
alter table device add column credential_at timestamptz;
alter table device add constraint device_credential_whole
    check ((password_hash is null) = (credential_at is null) and (password_hash is null or username is not null));

-- What a report says besides its position; `extra`: the keys that no field of ours holds.
alter table fix add column steps integer;
alter table fix add column activity_mg real;
alter table fix add column activity text;
alter table fix add column extra jsonb;

alter table event add column doubts text[] not null default '{}';

-- What the gate needs of a device's last messages.
alter table device_latest add column sent_at timestamptz;         -- of the message heard last
alter table device_latest add column steps_total integer;
-- Received minus sent of the last live messages, newest last; empty while the device's clock is right.
alter table device_latest add column clock_skews_s real[] not null default '{}';

-- What the last commit added: lets one statement tell the new from the repeated.
alter table receipt add column fresh int8multirange not null default '{}';

-- Outside a shift a position is dropped before it is stored, and counted.
create table off_shift_count (
    device_id  bigint not null references device,
    day        date not null,
    fixes      bigint not null,
    primary key (device_id, day)
);
