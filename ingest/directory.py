"""The table `device` as messages read it: who speaks, and what the gate needs of what they said before."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from operator import itemgetter
from typing import Literal

from psycopg.rows import tuple_row

from gyrophare.kernel.geo import Position
from gyrophare.kernel.ids import DeviceId, OrganisationId
from gyrophare.kernel.observations import Fix, Sender, Wire
from gyrophare.platform import sql
from gyrophare.platform.db import Connection
from ingest.gate import Known

QUERIES = sql.load(__file__)
_DEVICES_MAX = 200_000  # rows of the registry, made into objects once each


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """A registered device."""

    id: DeviceId
    organisation_id: OrganisationId
    kind: Literal["watch", "van", "gateway"]
    sender: Sender
    label: str


async def find_devices(connection: Connection, senders: Iterable[Sender]) -> dict[Sender, tuple[Device, Known]]:
    """The registered, unrevoked devices among `senders`, and what they told before."""
    asked = set(senders)
    parameters = {"wires": sql.texts(wire for wire, _ in asked), "names": sql.texts(name for _, name in asked)}
    async with connection.cursor(row_factory=tuple_row, binary=True) as cursor:
        rows = await (await cursor.execute(QUERIES["find_devices"], parameters)).fetchall()
    found = {}
    for (
        *identity,
        heard_at,
        sent_at,
        fixed_at,
        latitude_deg,
        longitude_deg,
        accuracy_m,
        speed_mps,
        steps,
        skews,
    ) in rows:
        device = _device(*identity)
        fix = None
        if fixed_at is not None:
            fix = fix_of(fixed_at, latitude_deg, longitude_deg, accuracy_m, speed_mps)
        found[device.sender] = device, Known(heard_at, sent_at, fix, steps, tuple(skews) if skews else ())
    return found


@lru_cache(maxsize=_DEVICES_MAX)
def _device(
    device_id: DeviceId,
    organisation_id: OrganisationId,
    kind: Literal["watch", "van", "gateway"],
    wire: str,
    wire_name: str,
    label: str,
) -> Device:
    sender = Sender(wire=Wire(wire), name=wire_name)
    return Device(id=device_id, organisation_id=organisation_id, kind=kind, sender=sender, label=label)


async def register_device(
    connection: Connection,
    organisation_id: OrganisationId,
    kind: Literal["watch", "van", "gateway"],
    sender: Sender,
    label: str,
    now: datetime,
) -> DeviceId:
    """Add a device, or give the one that has this name at its wire a new label."""
    parameters = {
        "organisation_id": organisation_id,
        "kind": kind,
        "wire": str(sender.wire),
        "wire_name": sender.name,
        "label": label,
        "now": now,
    }
    rows = await (await connection.execute(QUERIES["register_device"], parameters)).fetchall()
    return DeviceId(rows[0]["id"])


async def devices_by_id(connection: Connection, device_ids: Iterable[DeviceId]) -> dict[DeviceId, Device]:
    """The devices of these numbers."""
    rows = await (await connection.execute(QUERIES["devices_by_id"], {"device_ids": list(device_ids)})).fetchall()
    identity = itemgetter("id", "organisation_id", "kind", "wire", "wire_name", "label")
    return {DeviceId(row["id"]): _device(*identity(row)) for row in rows}


def fix_of(
    fixed_at: datetime, latitude_deg: float, longitude_deg: float, accuracy_m: float | None, speed_mps: float | None
) -> Fix:
    """A fix as a row holds it."""
    position = Position(latitude_deg, longitude_deg)
    return Fix(fixed_at=fixed_at, position=position, accuracy_m=accuracy_m, speed_mps=speed_mps)
