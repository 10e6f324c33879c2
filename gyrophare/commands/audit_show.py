"""`gyrophare audit show`: one alert's story, for whoever must know what happened."""

from __future__ import annotations

import json
import os
import pwd
import re
from datetime import datetime
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from alerts.audit import story
from alerts.audit.story import Row, Story
from alerts.callbacks.status import FINAL
from alerts.model import reference
from dashboards import read_models
from gyrophare import settings
from gyrophare.commands.database import AsJson, ConfigFile, in_transaction
from gyrophare.commands.named import NamedError
from gyrophare.commands.said import say, to_stderr
from gyrophare.kernel.ids import AlertId
from gyrophare.platform.db import Connection


def show(
    alert: Annotated[str, typer.Argument(help="As people name it: A17.", show_default=False)],
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Tell one alert's story in order: what happened, who was told how often, who took it, and the seals.

    The look is written into access_log where somebody has an account by the name of this system's user.
    """
    found = re.fullmatch(r"[Aa]?([0-9]{1,18})", alert)
    if found is None:
        raise NamedError(f"The alert {alert!r} was given; expected its reference, A17.")
    alert_id, who = AlertId(int(found[1])), _system_user()

    async def work(connection: Connection, now: datetime) -> tuple[Story, bool]:
        told = await story.tell(connection, alert_id)
        if told is None:
            raise NamedError(f"There is no alert {reference(alert_id)}. Expected one that was raised here.")
        try:
            viewer = await read_models.viewer(connection, who)
        except LookupError:
            return told, False
        await read_models.log_access(connection, viewer, now, "alert_story", alert_id=alert_id)
        return told, True

    told, logged = in_transaction(settings.load(config), work)
    if not logged:
        to_stderr().print(f"This look is not in access_log: nobody has an account {who!r}.", markup=False)
    if as_json:
        typer.echo(json.dumps(_as_json(told), indent=2, ensure_ascii=False, default=_instant))
    else:
        _say(told)


def _system_user() -> str:
    """Whose process this is; no variable of the environment has a say in it."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())


def _as_json(told: Story) -> dict[str, Any]:
    notifications = [
        row | {"attempts": [one for one in told.attempts if one["notification_id"] == row["id"]]}
        for row in told.notifications
    ]
    return {
        "alert": {"ref": reference(told.alert["id"])} | told.alert,
        "events": told.events,
        "notifications": notifications,
    }


def _instant(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no form in JSON")


def _say(told: Story) -> None:
    alert = told.alert
    about = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    for name, value in alert.items():
        if value is not None and name not in ("id", "kind", "state"):
            about.add_row(name, escape(_words(value)))
    say(f"[bold]{reference(alert['id'])}[/] {escape(alert['kind'])}, {escape(alert['state'])}")
    say(about)
    lines = sorted([*map(_event, told.events), *_tries(told), *_ends(told)], key=lambda line: line[0])
    table = Table("at (UTC)", "what", "who", "", "seal", box=None, padding=(0, 2, 0, 0))
    for at, *rest in lines:
        table.add_row(_words(at), *map(escape, rest))
    say(table)
    tried = {row["notification_id"] for row in told.attempts}
    for row in told.notifications:
        if row["id"] not in tried:
            to = row["contact"] or row["address"]
            say(escape(f"{row['channel']}{' to ' if to else ''}{to}: {row['state']}"))


def _event(row: Row) -> tuple[datetime, str, str, str, str]:
    seal = f"{row['seal']} {row['hash'][:16]}…" if row["seal"] is not None else "not yet"
    return row["at"], row["kind"], row["account"] or "", _words(row["detail"]) if row["detail"] else "", seal


def _tries(told: Story) -> list[tuple[datetime, str, str, str, str]]:
    about = {row["id"]: row for row in told.notifications}
    lines = []
    for row in told.attempts:
        to = about[row["notification_id"]]
        result = [row["outcome"] or "no answer", row["provider_id"], row["error_code"], row["detail"]]
        what = f"{to['channel']}, attempt {row['number']}"
        lines.append((row["started_at"], what, to["contact"] or to["address"], " ".join(filter(None, result)), ""))
    return lines


def _ends(told: Story) -> list[tuple[datetime, str, str, str, str]]:
    """What the provider said in the end of what it took; or that it never did."""
    lines = []
    for row in told.notifications:
        at, status = row["provider_final_at"], row["provider_status"]
        if at is None or (status is None and row["state"] != "sent"):  # refused at once: its attempt says so
            continue
        end = status if status in FINAL else f"unknown, its last word was {status or 'none'}"
        lines.append((at, f"{row['channel']}, end", row["contact"] or row["address"], end, ""))
    return lines


def _words(value: object) -> str:
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S}"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else str(value)
