-- The index that a hypertable takes by itself costs each row 40 bytes, and a quarter more WAL. Only the refresh reads a day
-- by time, and fixes lie in that order: a summary of each stretch of pages is enough.
drop index fix_fixed_at_idx;
create index fix_fixed_at on fix using brin (fixed_at) with (pages_per_range = 32, autosummarize = on);

-- Whole days go, so the oldest position is 60 days old when its day goes, whatever its hour.
select remove_retention_policy('fix');
select add_retention_policy('fix', drop_after => interval '59 days', schedule_interval => interval '1 hour');

-- Days here too, not the ten that an aggregate takes by itself: a trail must not outlive its fixes.
select set_chunk_time_interval('trail_1min', interval '1 day');
select remove_retention_policy('trail_1min');
select add_retention_policy('trail_1min', drop_after => interval '59 days', schedule_interval => interval '1 hour');

-- As far back as fixes are kept: what a watch sends after three days in a white zone must reach its trail. Only what was
-- touched since is computed again, a day a transaction.
select remove_continuous_aggregate_policy('trail_1min');
select add_continuous_aggregate_policy('trail_1min',
    start_offset => interval '58 days', end_offset => interval '10 minutes', schedule_interval => interval '10 minutes',
    buckets_per_batch => 1440, max_batches_per_execution => 0);
