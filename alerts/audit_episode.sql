-- name: lock
-- Of several servers that audit, one at a time looks and tells.
select pg_advisory_xact_lock(hashtextextended('gyrophare audit episode', 0))

-- name: find_told
select a.id, a.episode_at
from alert a
where a.device_id is null and a.kind = 'infrastructure' and a.episode like %(prefix)s || '%%'
  and not exists (select from alert_event e where e.alert_id = a.id and e.kind = %(ended)s)
order by a.id

-- name: touch
update alert set changed_at = greatest(changed_at, %(now)s) where id = any(%(alert_ids)s)
