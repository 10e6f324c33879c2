-- name: forget_fixes
delete from fix f using unnest(%(from_at)s::timestamptz[], %(until_at)s::timestamptz[]) as private (from_at, until_at)
where f.device_id = %(device_id)s and f.fixed_at > private.from_at
  and (private.until_at is null or f.fixed_at < private.until_at)
  and f.fixed_at > %(first_at)s  -- spares the plan the other days

-- name: forget_motion
delete from motion m using unnest(%(from_at)s::timestamptz[], %(until_at)s::timestamptz[]) as private (from_at, until_at)
where m.device_id = %(device_id)s and m.at > private.from_at and (private.until_at is null or m.at < private.until_at)
  and m.at > %(first_at)s

-- name: forget_events
update event e set latitude_deg = null, longitude_deg = null, accuracy_m = null, fixed_at = null
from unnest(%(from_at)s::timestamptz[], %(until_at)s::timestamptz[]) as private (from_at, until_at)
where e.device_id = %(device_id)s and e.kind <> all(%(kept)s) and e.fixed_at > private.from_at
  and (private.until_at is null or e.fixed_at < private.until_at)

-- name: forget_latest
-- Whose newest position was private, was last seen where they were before.
update device_latest l set (fixed_at, latitude_deg, longitude_deg, accuracy_m, speed_mps) = (
    select f.fixed_at, f.latitude_deg, f.longitude_deg, f.accuracy_m, f.speed_mps from fix f
    where f.device_id = l.device_id
    order by f.fixed_at desc limit 1
)
from unnest(%(from_at)s::timestamptz[], %(until_at)s::timestamptz[]) as private (from_at, until_at)
where l.device_id = %(device_id)s and l.fixed_at > private.from_at
  and (private.until_at is null or l.fixed_at < private.until_at)
  and not exists (
      select from event e where e.device_id = l.device_id and e.kind = any(%(kept)s) and e.fixed_at = l.fixed_at)
