-- Chunks of a day: at 10 000 watches and a fix every 30 s a day is 29 million rows, of which a chunk's index stays in memory.
select create_hypertable('fix', 'fixed_at', chunk_time_interval => interval '1 day', migrate_data => true);

alter table fix set (
    timescaledb.compress,
    timescaledb.compress_segmentby = 'device_id',
    timescaledb.compress_orderby = 'fixed_at desc, message_key'
);
select add_compression_policy('fix', compress_after => interval '7 days');

-- Positions live 60 days (CNIL's yardstick of two months).
select add_retention_policy('fix', drop_after => interval '60 days');

drop view trail_1min;
create materialized view trail_1min with (timescaledb.continuous) as
select device_id,
       time_bucket(interval '1 minute', fixed_at) as minute_at,
       last(latitude_deg, fixed_at) as latitude_deg,
       last(longitude_deg, fixed_at) as longitude_deg,
       max(speed_mps) as max_speed_mps,
       count(*) as fixes
from fix
group by 1, 2
with no data;

-- What is not yet materialised is computed when asked, so that a trail never ends before the last fix.
alter materialized view trail_1min set (timescaledb.materialized_only = false);

-- Two days back: buffers that come out of a white zone late are in.
select add_continuous_aggregate_policy('trail_1min',
    start_offset => interval '2 days', end_offset => interval '2 minutes', schedule_interval => interval '1 minute');
select add_retention_policy('trail_1min', drop_after => interval '60 days');
