-- name: find_heads
select version_num from alembic_version
