"""The messages that a device makes of what it measures: the native format, or OwnTracks as a telephone speaks it.

Pure but for its count: the same body, fate and boot asked for the same instants give the same bytes.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Literal

from gyrophare.sim.body import Body
from gyrophare.sim.faults import Fate
from gyrophare.sim.spool import Kept

Speaks = Literal["native", "owntracks"]

_KMH_PER_MPS = 3.6
_CLOCK_BEGINS_AT = datetime(1970, 1, 1, tzinfo=UTC)


def topic(name: str, speaks: Speaks) -> str:
    """What a device's topics begin with. `name` is its own: `w-07`, `vans/van-1`, `user/device` for OwnTracks."""
    if speaks == "owntracks":
        return f"owntracks/{name}"
    return f"gyrophare/v1/{name if name.startswith('vans/') else f'watches/{name}'}"


class Reporter:
    """Numbers the messages of one device, from 1 at each `start`."""

    def __init__(self, body: Body, fate: Fate, *, speaks: Speaks = "native") -> None:
        self.body = body
        self.fate = fate
        self.boot = ""
        self.speaks = speaks
        self._booted_at = fate.since
        self._number = 0
        self._steps_said = 0

    def start(self, at: datetime, times: int) -> None:
        """The device starts for the `times`-th time. Its boot tells this start from any other."""
        text = f"{self.fate.seed} {self.fate.name} {self.fate.since.isoformat()} {times}"
        self.boot = hashlib.blake2b(text.encode(), digest_size=4).hexdigest()
        self._booted_at = at
        self._number = 0
        self._steps_said = self.body.steps(at)

    def report(self, at: datetime) -> Kept:
        """What is so at `at`: to be asked in the order of time, as steps are those since the last report."""
        self._number += 1
        steps, self._steps_said = self._steps_said, self.body.steps(at)
        if self.speaks == "owntracks":
            return Kept(self.boot, self._number, event=False, body=self._location(at))
        has_fix = self.fate.clock_set(at, self._booted_at)
        # Written by hand: json.dumps takes a third of the time that a thousand watches have.
        text = (
            f'{{"boot":"{self.boot}","seq":{self._number},"sent_at":"{self._clock(at)}",'
            f"{self._fix(at) if has_fix else ''}"
            f'"motion":{{"steps":{self._steps_said - steps},"activity_mg":{self.body.activity_mg(at):.0f}}},'
            f'"battery_pct":{self.fate.battery_pct(at):.0f}}}'
        )
        return Kept(self.boot, self._number, event=False, body=text.encode())

    def event(self, kind: str, at: datetime, detail: Mapping[str, object]) -> Kept:
        """`kind` happens at `at`: one of the native format's words for events, with what else it says."""
        self._number += 1
        has_fix = self.fate.clock_set(at, self._booted_at)
        text = (
            f'{{"boot":"{self.boot}","seq":{self._number},"kind":{json.dumps(kind)},'
            f"{self._fix(at) if has_fix else ''}"
            f"{''.join(f'{json.dumps(key)}:{json.dumps(value)},' for key, value in detail.items())}"
            f'"occurred_at":"{self._clock(at)}","battery_pct":{self.fate.battery_pct(at):.0f}}}'
        )
        return Kept(self.boot, self._number, event=True, body=text.encode())

    def _clock(self, at: datetime) -> str:
        if not self.fate.clock_set(at, self._booted_at):
            return _iso(_CLOCK_BEGINS_AT + (at - self._booted_at))
        return _iso(self.fate.clock(at))

    def _fix(self, at: datetime) -> str:
        measured = self.body.measured(at)
        course = "" if measured.course_deg is None else f',"course_deg":{measured.course_deg:.0f}'
        return (
            f'"fix":{{"fixed_at":"{_iso(at)}","lat":{measured.position.latitude_deg:.6f},'
            f'"lon":{measured.position.longitude_deg:.6f},"accuracy_m":{measured.accuracy_m:.1f},'
            f'"speed_mps":{measured.speed_mps:.2f}{course}}},'
        )

    def _location(self, at: datetime) -> bytes:
        measured = self.body.measured(at)
        location: Mapping[str, object] = {
            "_type": "location",
            "tst": int(at.timestamp()),
            "created_at": int(self.fate.clock(at).timestamp()),  # a telephone has the time from its network
            "lat": round(measured.position.latitude_deg, 6),
            "lon": round(measured.position.longitude_deg, 6),
            "acc": round(measured.accuracy_m),
            "vel": round(measured.speed_mps * _KMH_PER_MPS),
            "cog": round(measured.course_deg or 0),
            "batt": round(self.fate.battery_pct(at)),
            "t": "t",
        }
        # As its phones do: what is zero is left out.
        return json.dumps({key: value for key, value in location.items() if value != 0}).encode()


def late(body: bytes) -> bytes:
    """A report as it is sent when it is no longer news."""
    return body.removesuffix(b"}") + b',"buffered":true}'


def _iso(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
