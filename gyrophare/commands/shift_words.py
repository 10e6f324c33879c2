"""What `gyrophare shifts` says: to a person as text and tables, to a program as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from rich.markup import escape
from rich.table import Table

from gyrophare.commands.named import PARIS
from gyrophare.commands.said import say, say_json
from gyrophare.flows.shift_command import Begun
from gyrophare.flows.shift_plan import Imported
from lone_worker.shifts.plan_store import DueShift
from lone_worker.shifts.store import OpenShift

_SHOWN = 20
NOBODY = (
    "NOBODY WOULD HEAR AN ALARM: no console is open, and no contact can be sent a text message. The shift has begun "
    "all the same. Open the console, or name a contact: `gyrophare contacts add`."
)


def say_begun(begun: Begun, *, as_json: bool) -> None:
    if as_json:
        say_json({"shift": _shift_json(begun.shift), "reachable": begun.reachable})
        return
    shift = begun.shift
    end = f", until {_paris(shift.planned_end_at)} as planned" if shift.planned_end_at else ""
    say(escape(f"{shift.label} protects {shift.agent_name} from now on{end}."))
    if not begun.reachable:
        say(f"[bold red]{escape(NOBODY)}[/]")


def say_told(shift: OpenShift, done: str, *, as_json: bool) -> None:
    """`shift` is as it was before."""
    if as_json:
        say_json({"shift_id": shift.id, "agent": shift.agent_name, "watch": shift.label})
    else:
        say(escape(done))


def say_list(shifts: Sequence[OpenShift], planned: Sequence[DueShift], *, as_json: bool) -> None:
    if as_json:
        say_json({"open": [_shift_json(one) for one in shifts], "planned": [_planned_json(one) for one in planned]})
        return
    table = Table("agent", "watch", "since", "planned end", "mission", "profile", "", box=None, padding=(0, 2, 0, 0))
    for one in shifts:
        paused = f"in a pause since {_paris(one.paused_at)}" if one.paused_at else ""
        cells = (one.agent_name, one.label, _paris(one.started_at), _paris(one.planned_end_at), one.mission or "")
        table.add_row(*map(escape, (*cells, one.profile_name or "", paused)))
    say(table if shifts else "Nobody is on shift. Begin one: `gyrophare shifts start AGENT`.")
    if planned:
        say("\nPlanned:")
        say(_planned_table(planned[:_SHOWN]))
    if len(planned) > _SHOWN:
        say(f"… and {len(planned) - _SHOWN} more; see --json.")


def say_imported(imported: Imported, *, dry_run: bool, as_json: bool) -> None:
    if as_json:
        counts = {name: getattr(imported, name) for name in ("added", "changed", "same", "cancelled")}
        refused = [{"what": one.what, "why": one.why} for one in imported.refused]
        say_json({**counts, "refused": refused, "dry_run": dry_run})
        return
    say(
        f"{'Would be: ' if dry_run else ''}{imported.added} planned, {imported.changed} changed, "
        f"{imported.cancelled} cancelled; {imported.same} were as they are."
    )
    for one in imported.refused:
        say(escape(f"Not planned: {one.what}: {one.why}"))


def _planned_table(planned: Sequence[DueShift]) -> Table:
    table = Table("agent", "from", "to", "mission", "profile", "", box=None, padding=(0, 2, 0, 0))
    for one in planned:
        cells = (one.agent_name, _paris(one.starts_at), _paris(one.ends_at), one.mission or "", one.profile_name or "")
        table.add_row(*map(escape, (*cells, "" if one.device_id else "NO WATCH")))
    return table


def _shift_json(shift: OpenShift) -> dict[str, Any]:
    return {
        "id": shift.id,
        "agent_id": shift.agent_id,
        "agent": shift.agent_name,
        "device_id": shift.device_id,
        "watch": shift.label,
        "mission": shift.mission,
        "profile": shift.profile_name,
        "started_at": _iso(shift.started_at),
        "started_by": shift.started_by,
        "planned_end_at": _iso(shift.planned_end_at),
        "paused_at": _iso(shift.paused_at),
    }


def _planned_json(planned: DueShift) -> dict[str, Any]:
    return {
        "agent_id": planned.agent_id,
        "agent": planned.agent_name,
        "device_id": planned.device_id,
        "starts_at": _iso(planned.starts_at),
        "ends_at": _iso(planned.ends_at),
        "mission": planned.mission,
        "profile": planned.profile_name,
    }


def _paris(at: datetime | None) -> str:
    return "" if at is None else f"{at.astimezone(PARIS):%Y-%m-%d %H:%M}"


def _iso(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()
