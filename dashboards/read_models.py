"""What the console shows, read from what is committed. Each function is one look at the database."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from dashboards.protection import ENGINE_STOPPED_AFTER, protection, silent
from gyrophare.kernel.ids import AccountId, AlertId, DeviceId, OrganisationId
from gyrophare.kernel.observations import HEARS_COMMANDS
from gyrophare.platform import sql
from gyrophare.platform.db import Connection

QUERIES = sql.load(__file__)
STILL_AFTER = timedelta(seconds=60)
COMMANDS_MAX, COMMANDS_PUSHED_MAX = 20, 200
EVERY_FIX_WITHIN = timedelta(hours=25)  # the longest day, when summer time ends

Json = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Viewer:
    """Who looks, and at whose agents."""

    account_id: AccountId
    account_name: str
    organisation_id: OrganisationId
    organisation_name: str


async def viewer(connection: Connection, login: str) -> Viewer:
    """The account of that login. Raise LookupError when there is none."""
    row = await (await connection.execute(QUERIES["organisation"], {"login": login})).fetchone()
    if row is None:
        raise LookupError(f"There is no account {login!r}; run `gyrophare migrate`")
    return Viewer(
        account_id=AccountId(row["account_id"]),
        account_name=row["account_name"],
        organisation_id=OrganisationId(row["id"]),
        organisation_name=row["name"],
    )


async def devices(
    connection: Connection, organisation_id: OrganisationId, now: datetime, since: datetime | None = None
) -> list[Json]:
    """Watches on shift and vans, those heard from `since` on, or all."""
    parameters = {"organisation_id": organisation_id, "since": since}
    rows = await (await connection.execute(QUERIES["devices"], parameters)).fetchall()
    return [_device(row, now) for row in rows]


async def alerts(connection: Connection, organisation_id: OrganisationId, since: datetime | None = None) -> list[Json]:
    """The alerts that are not closed, or every one that changed from `since` on."""
    parameters = {"organisation_id": organisation_id, "since": since, "alert_id": None}
    rows = await (await connection.execute(QUERIES["alerts"], parameters)).fetchall()
    return [_alert(row) for row in rows]


async def alert(connection: Connection, organisation_id: OrganisationId, alert_id: AlertId) -> Json | None:
    """One alert, or None when the organisation has none of that number."""
    parameters = {"organisation_id": organisation_id, "since": None, "alert_id": alert_id}
    row = await (await connection.execute(QUERIES["alerts"], parameters)).fetchone()
    return None if row is None else _alert(row)


async def commands(connection: Connection, organisation_id: OrganisationId, device_id: DeviceId) -> list[Json]:
    """What a device of the organisation was told last, newest first."""
    parameters = {"organisation_id": organisation_id, "device_id": device_id, "most": COMMANDS_MAX}
    rows = await (await connection.execute(QUERIES["commands_of_device"], parameters)).fetchall()
    return [_command(row) for row in rows]


async def command(connection: Connection, organisation_id: OrganisationId, command_id: int) -> Json:
    """One command of the organisation."""
    parameters = {"organisation_id": organisation_id, "command_id": command_id}
    [row] = await (await connection.execute(QUERIES["command"], parameters)).fetchall()
    return _command(row)


async def commands_since(connection: Connection, organisation_id: OrganisationId, since: datetime) -> list[Json]:
    """The commands that changed from `since` on. When a thousand do at once, people's own come first."""
    parameters = {"organisation_id": organisation_id, "since": since, "most": COMMANDS_PUSHED_MAX}
    rows = await (await connection.execute(QUERIES["commands_since"], parameters)).fetchall()
    return [_command(row) for row in rows]


async def trail(
    connection: Connection, organisation_id: OrganisationId, device_id: DeviceId, from_at: datetime, until_at: datetime
) -> list[Json]:
    """Where a device of the organisation went: every fix of a day, a point a minute of a longer time; oldest first."""
    query = QUERIES["trail"] if until_at - from_at <= EVERY_FIX_WITHIN else QUERIES["trail_by_minute"]
    parameters = {
        "organisation_id": organisation_id,
        "device_id": device_id,
        "from_at": from_at,
        "until_at": until_at,
    }
    rows = await (await connection.execute(query, parameters)).fetchall()
    return [
        {
            "at": instant(row["at"]),
            "lon": row["longitude_deg"],
            "lat": row["latitude_deg"],
            "speed_mps": row["speed_mps"],
        }
        for row in rows
    ]


async def shift_protection(
    connection: Connection, organisation_id: OrganisationId, from_at: datetime, until_at: datetime, now: datetime
) -> list[Json]:
    """How long nobody would have been told in time, for each whole shift that overlaps the period; oldest first.

    An instant counts once, as `not_protected_s` before `degraded_s`; the spans that say why may overlap.
    """
    parameters = {
        "organisation_id": organisation_id,
        "from_at": from_at,
        "until_at": until_at,
        "engine_alive_from": now - ENGINE_STOPPED_AFTER,
        "now": now,
    }
    rows = await (await connection.execute(QUERIES["shift_protection"], parameters)).fetchall()
    return [row | {"started_at": instant(row["started_at"]), "ended_at": instant(row["ended_at"])} for row in rows]


async def tick_age_s(connection: Connection, now: datetime) -> float | None:
    """Seconds since any engine ticked; None when none ever has."""
    row = await (await connection.execute(QUERIES["newest_tick"])).fetchone()
    ticked_at = row["ticked_at"] if row else None
    return None if ticked_at is None else (now - ticked_at).total_seconds()


async def not_heard_since_at(connection: Connection) -> datetime | None:
    """Since when no server hears the watches; None while one does."""
    row = await (await connection.execute(QUERIES["open_outage"])).fetchone()
    return row["since_at"] if row else None


async def log_access(connection: Connection, viewer: Viewer, now: datetime, what: str, **detail: Any) -> None:
    """Every look of a person at positions is written down."""
    parameters = {"account_id": viewer.account_id, "now": now, "what": what, "detail": json.dumps(detail)}
    await connection.execute(QUERIES["log_access"], parameters)


def instant(at: datetime | None) -> str | None:
    """As the wire writes it: UTC, milliseconds, Z."""
    return None if at is None else at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _device(row: Mapping[str, Any], now: datetime) -> Json:
    protected = protection(row, now)
    return {
        "id": row["id"],
        "kind": row["kind"],
        "label": row["label"],
        "tag": _tag(row["label"]),
        "mission": row["mission"],
        "on_shift": row["on_shift"],
        "hears_commands": row["kind"] == "watch" and row["wire"] in HEARS_COMMANDS,
        "state": _state(row, now),
        "protection": {
            "level": protected.level,
            "reasons": list(protected.reasons),
            "since": instant(protected.since_at),
        },
        "profile": row["profile"],
        "planned_end_at": instant(row["planned_end_at"]),
        "prealarm": None if row["prealarm_at"] is None else {"since": instant(row["prealarm_at"])},
        "position": _position(row),
        "speed_mps": row["speed_mps"],
        "battery_pct": row["battery_pct"],
        "last_heard_at": instant(row["heard_at"]),
        "last_evidence_at": instant(row["evidence_at"]),
        "stillness_due_at": instant(row["stillness_due_at"]),
        "shift_id": row["shift_id"],
        "paused_at": instant(row["paused_at"]),
    }


def _alert(row: Mapping[str, Any]) -> Json:
    return {
        "id": row["id"],
        "ref": f"A{row['id']}",
        "kind": row["kind"],
        "state": row["state"],
        "device_id": row["device_id"],
        "agent": row["subject"],
        "mission": row["mission"],
        "position": _position(row),
        "episode_at": instant(row["episode_at"]),
        "triggered_at": instant(row["triggered_at"]),
        "raised_at": instant(row["raised_at"]),
        "received_late_s": row["received_late_s"],
        "heard_after_episode": row["heard_after_episode"],
        "acknowledged_at": instant(row["acknowledged_at"]),
        "acknowledged_by": row["acknowledged_by"],
        "lapses_at": instant(row["lapses_at"]),
        "closed_at": instant(row["closed_at"]),
        "closed_by": row["closed_by"],
        "cause": row["cause"],
        "outcome": row["outcome"],
        "reached": row["reached"],
        "vital": row["vital"],
        "priority": row["priority"],
        "incident": row["incident"],
        "detail": row["detail"],
        "notes": row["notes"],
        "history": row["history"],
        "notifications": row["notifications"],
        "unreached": row["unreached"],
        "next_step": row["next_step"],
    }


def _command(row: Mapping[str, Any]) -> Json:
    return {
        "id": row["id"],
        "device_id": row["device_id"],
        "kind": row["kind"],
        "text": row["text"],
        "replies": row["replies"],
        "by": row["by"],
        "state": row["state"],
        "created_at": instant(row["created_at"]),
        "sent_at": instant(row["sent_at"]),
        "delivered_at": instant(row["delivered_at"]),
        "answered_at": instant(row["answered_at"]),
        "answer": row["answer"],
        "expires_at": instant(row["expires_at"]),
    }


def _position(row: Mapping[str, Any]) -> Json | None:
    if row["latitude_deg"] is None:
        return None
    return {
        "lon": row["longitude_deg"],
        "lat": row["latitude_deg"],
        "accuracy_m": row["accuracy_m"],
        "fixed_at": instant(row["fixed_at"]),
    }


def _state(row: Mapping[str, Any], now: datetime) -> str:
    """One honest word. Silence is not stillness: who is not heard is `silent`, whatever was known before."""
    if row["alarmed"]:
        return "alarm"
    if row["prealarm_at"] is not None:
        return "prealarm"
    if row["paused_at"] is not None:
        return "paused"
    if row["heard_at"] is None:
        return "unknown"
    if silent(row["heard_at"], now):
        return "silent"
    if row["kind"] == "van":
        return "moving" if (row["speed_mps"] or 0) > 1 else "still"
    if row["evidence_at"] is None:
        return "unknown"
    return "still" if now - row["evidence_at"] > STILL_AFTER else "moving"


def _tag(label: str) -> str:
    words = [word for word in label.replace("-", " ").split() if word[0].isalnum()]
    return "".join(word[0] for word in (words if len(words) < 3 else (words[0], words[-1]))).upper()[:2] or "?"
