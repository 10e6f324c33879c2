-- name: find_nearest
-- Of each alert the nearest who could go there. A person counts once, by the watch whose position is the freshest, and
-- whoever is in danger himself is left in peace. A place is a point of the unit sphere too (x, y, z): who is nearest is
-- found by the chord between two, which takes no trigonometry for each pair.
with asked as (
    select a.id, a.organisation_id, a.device_id, a.latitude_deg, a.longitude_deg, new.most,
           coalesce(s.agent_id, w.id) as agent_id, cosd(a.latitude_deg) * cosd(a.longitude_deg) as x,
           cosd(a.latitude_deg) * sind(a.longitude_deg) as y, sind(a.latitude_deg) as z
    from unnest(%(alert_ids)s::bigint[], %(most)s::integer[]) as new (alert_id, most)
    join alert a on a.id = new.alert_id and a.latitude_deg is not null
    left join shift s on s.id = a.shift_id
    left join agent w on w.device_id = a.device_id
), helpless as (
    select x.device_id, coalesce(s.agent_id, w.id) as agent_id
    from alert x
    left join shift s on s.id = x.shift_id
    left join agent w on w.device_id = x.device_id
    where x.organisation_id in (select organisation_id from asked)
      and x.state <> 'closed' and x.vital and x.kind <> 'technical'
), able as materialized (
    select distinct on (coalesce(s.agent_id, -d.id)) d.organisation_id, d.id as device_id, d.wire, d.wire_name,
           s.agent_id, coalesce(a.name, v.name, d.label) as name, l.latitude_deg, l.longitude_deg,
           cosd(l.latitude_deg) * cosd(l.longitude_deg) as x, cosd(l.latitude_deg) * sind(l.longitude_deg) as y,
           sind(l.latitude_deg) as z
    from device d
    join device_latest l on l.device_id = d.id
    left join shift s on s.device_id = d.id and s.ended_at is null
    left join shift_pause p on p.shift_id = s.id and p.ended_at is null
    left join agent a on a.id = s.agent_id
    left join van v on v.device_id = d.id
    where d.organisation_id in (select organisation_id from asked) and d.revoked_at is null and d.wire = any(%(wires)s)
      and (d.kind = 'van' or (s.id is not null and p.shift_id is null))
      and l.heard_at >= %(heard_since_at)s and l.fixed_at >= %(fixed_since_at)s
      and not exists (select from helpless h where h.device_id = d.id)
      and not exists (select from helpless h where h.agent_id = s.agent_id)
    order by coalesce(s.agent_id, -d.id), l.fixed_at desc
)
select asked.id as alert_id, near.device_id, near.wire, near.wire_name, near.name, way.distance_m, way.bearing_deg
from asked
cross join lateral (
    select b.*,
           (b.x - asked.x) * (b.x - asked.x) + (b.y - asked.y) * (b.y - asked.y) + (b.z - asked.z) * (b.z - asked.z)
               as chord_squared
    from able b
    where b.organisation_id = asked.organisation_id and b.device_id is distinct from asked.device_id
      and (b.agent_id <> asked.agent_id) is not false  -- unknown: a van is nobody's
    order by chord_squared, b.device_id
    limit asked.most
) near
cross join lateral (
    -- The bearing is the one to set out by.
    select 2 * %(earth_radius_m)s * asin(least(1, sqrt(near.chord_squared) / 2)) as distance_m,
           atan2d(sind(asked.longitude_deg - near.longitude_deg) * cosd(asked.latitude_deg),
                  cosd(near.latitude_deg) * sind(asked.latitude_deg) - sind(near.latitude_deg) * cosd(asked.latitude_deg)
                      * cosd(asked.longitude_deg - near.longitude_deg)) as bearing_deg
) way
where way.distance_m <= %(within_m)s
order by asked.id, way.distance_m, near.device_id
