"""What a van says of the road: somebody drives at it, and whoever stands beside it is in danger.

The crew has heard the siren before we hear of anything. Here the dispatch centre is told, when an agent may be there.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import alerts.store
import ingest.store
from alerts.model import AlertKind, NewAlert
from gyrophare.flows import due_steps, subjects
from gyrophare.kernel.ids import DeviceId, OrganisationId
from gyrophare.kernel.observations import Event, EventKind, Fix
from gyrophare.platform.db import Connection
from ingest.directory import Device
from lone_worker import beside
from lone_worker.shifts import store as shifts

_RANGE_MAX_M = 1_000.0


async def raise_hazards(connection: Connection, fresh: Iterable[tuple[Device, Event]], now: datetime) -> None:
    """One alert a van: until it is closed, whatever comes at the same van is a repetition of it."""
    hazards = [(device, event) for device, event in fresh if event.kind is EventKind.HAZARD]
    if not hazards:
        return
    who = await subjects.find(connection, {device.id for device, _ in hazards})
    agents = await _places(connection, {device.organisation_id for device, _ in hazards})
    for device, event in hazards:
        subject = who[device.id]
        place = event.fix or subject.last_fix
        beside_it = beside.count(place, agents[subject.organisation_id], event.happened_at)
        if not beside_it:
            continue
        detail = {"beside": beside_it, **_range(event.detail)}
        if await alerts.store.repeat(connection, device.id, None, AlertKind.VAN_HAZARD, detail, now, taken=True):
            continue
        alert = NewAlert(
            organisation_id=subject.organisation_id,
            kind=AlertKind.VAN_HAZARD,
            device_id=device.id,
            shift_id=None,
            subject=subject.name,
            mission=None,
            reply_topic=None,
            episode=str(event.message_key),
            episode_at=event.happened_at,
            triggered_at=event.received_at,
            received_late_s=(event.received_at - event.happened_at).total_seconds(),
            fix=place,
            detail=detail,
        )
        await alerts.store.raise_alerts(connection, [alert], now)
    await due_steps.take(connection, now)


async def _places(
    connection: Connection, organisation_ids: Iterable[OrganisationId]
) -> Mapping[OrganisationId, Sequence[Fix | None]]:
    """Where each agent on shift was last, in a pause too; None: not known since his shift began."""
    places: dict[OrganisationId, list[Fix | None]] = defaultdict(list)
    for organisation_id in organisation_ids:
        on_shift = await shifts.open_shifts(connection, organisation_id=organisation_id)
        latest = await ingest.store.find_latest(connection, [DeviceId(shift.device_id) for shift in on_shift])
        for shift in on_shift:
            fix = latest.get(shift.device_id)
            places[organisation_id].append(fix if fix is not None and fix.fixed_at >= shift.started_at else None)
    return places


def _range(detail: Mapping[str, Any]) -> dict[str, int]:
    """How far the vehicle was, where the van says so in metres."""
    said = detail.get("range_m")
    if isinstance(said, int | float) and not isinstance(said, bool) and 0 <= said <= _RANGE_MAX_M:
        return {"range_m": round(said)}
    return {}
