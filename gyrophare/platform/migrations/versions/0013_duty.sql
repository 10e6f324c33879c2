-- Who is on call in which role. Several at once are all told.
create table duty (
    id               bigint generated always as identity primary key,
    organisation_id  bigint not null references organisation,
    role             text not null,
    contact_id       bigint not null references contact,
    starts_at        timestamptz not null,
    ends_at          timestamptz not null check (ends_at > starts_at),
    -- What a calendar calls it; null: said by somebody at the keyboard.
    uid              text
);
create index duty_ends on duty (organisation_id, role, ends_at);
