alter table watch_state add column fixed_at timestamptz;  -- of the newest fix that counted: an older one was overtaken
-- The last evidence but displacements, where a displacement is the last of all: an overtaken fix may undo that.
alter table watch_state add column body_at timestamptz;
alter table watch_state add column body text;

-- Where the fixes before each quarter of an hour lead, so that a shift need not be followed from its start. Goes with it.
create table watch_checkpoint (
    device_id             bigint not null references watch_state on delete cascade,
    at                    timestamptz not null,
    fixed_at              timestamptz not null,
    moved_at              timestamptz,
    anchor_latitude_deg   double precision,
    anchor_longitude_deg  double precision,
    anchor_accuracy_m     real,
    anchor_at             timestamptz,
    away_since_at         timestamptz,
    primary key (device_id, at)
);

-- A clock that begins at 2020 when its battery was out is years slow, and a second counts.
alter table device_latest alter column clock_skews_s type double precision[];
