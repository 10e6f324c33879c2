"""What the doctor says of time: this machine's clock, and whether somebody ticks."""

from __future__ import annotations

import time
from datetime import datetime
from typing import NamedTuple

import psycopg
from psycopg.rows import DictRow

from gyrophare.finding import Finding
from gyrophare.kernel.clock import SystemClock
from gyrophare.platform import sql

QUERIES = sql.load(__file__, "doctor.sql")
_CLOCK_MAX_S = 2.0
_TICK_MAX_S = 5.0
_ANOTHER_TICK_S = 2.5  # an engine that is alive has beaten again
_CLOCK = SystemClock()


class Tick(NamedTuple):
    """When whose engine last ticked, by its own clock."""

    instance: str
    at: datetime


def clock(connection: psycopg.Connection[DictRow]) -> Finding:
    """Whether this machine's clock agrees with the database's."""
    theirs = connection.execute(QUERIES["clock"]).fetchall()[0]["now"]
    apart_s = abs((_CLOCK.now() - theirs).total_seconds())
    if apart_s <= _CLOCK_MAX_S:
        return Finding(name="clock", verdict="ok", found=f"{apart_s:.1f} s from the database's")
    return Finding(
        name="clock",
        verdict="fault",
        found=f"{apart_s:.1f} s from the database's; deadlines would be wrong",
        do="synchronise both machines: `timedatectl set-ntp true`",
    )


def tick(connection: psycopg.Connection[DictRow]) -> Finding:
    """Whether an engine ticks, in the same time as this machine."""
    newest = _newest(connection)
    if newest is not None and -_CLOCK_MAX_S <= _age_s(newest, _CLOCK.now()) <= _TICK_MAX_S:
        return judge(newest, newest, _CLOCK.now())
    time.sleep(_ANOTHER_TICK_S)  # stopped, or alive in another time?
    return judge(newest, _newest(connection), _CLOCK.now())


def judge(before: Tick | None, newest: Tick | None, now: datetime) -> Finding:
    """What two looks at the newest tick tell."""
    if newest is None:
        return Finding(
            name="engine", verdict="fault", found="has never ticked: nobody is protected", do="start `gyrophare serve`"
        )
    age_s = _age_s(newest, now)
    alive = before is not None and newest.at > before.at
    if -_CLOCK_MAX_S <= age_s <= _TICK_MAX_S:
        return Finding(name="engine", verdict="ok", found=f"last tick {age_s:.1f} s ago, by {newest.instance!r}")
    where = f"{abs(age_s):.1f} s {'ago' if age_s > 0 else 'ahead of this clock'}"
    if alive:
        return Finding(
            name="engine",
            verdict="fault",
            found=f"{newest.instance!r} ticks, but in another time: its last tick was {where}",
            do="alarms come in their time, but instants are wrong: set the clock (`timedatectl`), then restart "
            "`gyrophare serve`",
        )
    return Finding(
        name="engine",
        verdict="fault",
        found=f"last tick {where}, by {newest.instance!r}",
        do="start `gyrophare serve`, and read its log"
        if age_s > 0
        else "set the clock (`timedatectl`) before the start",
    )


def _newest(connection: psycopg.Connection[DictRow]) -> Tick | None:
    rows = connection.execute(QUERIES["newest_tick"]).fetchall()
    return Tick(rows[0]["instance"], rows[0]["ticked_at"]) if rows else None


def _age_s(newest: Tick, now: datetime) -> float:
    return (now - newest.at).total_seconds()
