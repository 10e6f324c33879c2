select create_hypertable('motion', 'at', chunk_time_interval => interval '1 day', create_default_indexes => false);

alter table motion set (
    timescaledb.compress,
    timescaledb.compress_segmentby = 'device_id',
    timescaledb.compress_orderby = 'at desc, message_key'
);
select add_compression_policy('motion', compress_after => interval '7 days');
select add_retention_policy('motion', drop_after => interval '59 days', schedule_interval => interval '1 hour');
