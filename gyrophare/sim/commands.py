"""What a simulated watch does with what it is told, and its wearer with what he feels and reads.

Like the watch it knows no time but what it is told. The same seed has the same wearer take the same time to answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from gyrophare.sim.body import Body
from gyrophare.sim.faults import Fate

PREALARM_REPORTS_S = 5.0
"""While an alarm is about to rise, a watch reports so often: the movement that prevents it must not wait."""
GOES_WITHIN_M = 10_000
"""Who is asked whether he goes to somebody in danger, and has further to go, leaves it to others."""


class Press(NamedTuple):
    """A button that is pressed, or what the watch says by itself."""

    at: datetime
    kind: str
    detail: Mapping[str, Any]


class Commands:
    """The commands of one watch. Each is obeyed once, however often it comes, and never after its time."""

    def __init__(self, body: Body, fate: Fate) -> None:
        self._body = body
        self._fate = fate
        self._obeyed: set[str] = set()
        self._presses: list[Press] = []
        self._prealarms: dict[str, datetime] = {}
        """Until when each vibrates for nothing: its alarm."""
        self._cancelled = ""

    def hear(self, said: Mapping[str, Any], now: datetime) -> bool:
        """A command came. Return whether the watch is to report where it is at once."""
        named, command = said.get("id"), said["command"]
        if named is None or named in self._obeyed or _over(said, now):
            return False
        self._obeyed.add(named)
        if command == "prealarm" and said["episode_at"] <= self._cancelled:
            return False  # overtaken by its own cancellation
        self._presses.append(Press(now, "delivered", {"command": named}))
        match command:
            case "prealarm":
                self._prealarms[named] = datetime.fromisoformat(said["alarm_at"])
                self._answer("ok", named, now)
            case "prealarm_cancel":
                self._cancelled = max(self._cancelled, said["episode_at"])
                self._presses = [press for press in self._presses if not self._silences(press)]
                self._prealarms.clear()
            case "checkin":
                self._answer("checkin", named, now)
            case "message" if said["replies"]:
                goes = said.get("distance_m", 0) <= GOES_WITHIN_M
                self._answer("reply", named, now, text=said["replies"][0 if goes else -1])
        return bool(command == "locate")

    def due(self, now: datetime) -> list[Press]:
        """What was pressed up to `now`, each once. Who lies still presses nothing."""
        due = [press for press in self._presses if press.at <= now]
        self._presses = [press for press in self._presses if press.at > now]
        return [press for press in due if press.kind == "delivered" or self._body.reacts(press.at)]

    def report_due(self, now: datetime, measured_at: datetime | None) -> bool:
        """Whether an alarm is about to rise, and the last report lies too far back."""
        self._prealarms = {named: until for named, until in self._prealarms.items() if now < until}
        waited = measured_at is None or now - measured_at >= timedelta(seconds=PREALARM_REPORTS_S)
        return bool(self._prealarms) and waited

    def forget(self) -> None:
        """The watch starts anew: what its wearer was about to press he presses no more."""
        self._presses.clear()
        self._prealarms.clear()

    def _answer(self, kind: str, named: str, now: datetime, **detail: str) -> None:
        at = now + timedelta(seconds=self._fate.reacts_after_s(named))
        self._presses.append(Press(at, kind, {"command": named, **detail}))

    def _silences(self, press: Press) -> bool:
        """Whether it would only have silenced a vibration that is over."""
        return press.kind == "ok" and press.detail["command"] in self._prealarms


def _over(said: Mapping[str, Any], now: datetime) -> bool:
    """A broker may have kept it longer than it was asked to."""
    expires_at = said.get("expires_at")
    return expires_at is not None and datetime.fromisoformat(expires_at) <= now
