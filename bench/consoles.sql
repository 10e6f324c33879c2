-- What the bench of the consoles knows of the product's tables: all of it is here.

-- name: open_alerts
select id from alert where state = 'triggered' and kind = 'sos' order by id

-- name: commits
-- Of each alert the instant of the commit that took it: its history is never changed after.
select alert_id, pg_xact_commit_timestamp(xmin) as at from alert_event where kind = 'acknowledged'
