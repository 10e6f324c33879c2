"""The limits of each kind of mission. Pure. A shift copies its profile at its start: no later edit changes it.

The figures are the department's to choose; these are what it gets unless it says otherwise. `pna11` keeps the German
limits for personal alarm devices (DGUV 112-139): stillness within 90 s of which at most 45 s of pre-alarm, a timed
check of 15 minutes, a technical alarm within 30 minutes; by a few seconds, which it takes to tick and to tell.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from functools import lru_cache
from typing import Any

from gyrophare.kernel.errors import ProfileError

DEFAULT = "default"
SILENCE_MAX_S = 1200  # what a white zone may excuse
_ALARM_MIN_S, _ALARM_MAX_S = 10, 3600
_PCT_MAX = 100
_REMEMBERED = 1024  # profiles as they were copied: many shifts share a few


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """When who works so is asked whether all is well, and when somebody else is. All in seconds since what is named."""

    name: str
    prealarm_after_s: tuple[int, ...] = (150, 170)
    """Without movement: the watch vibrates."""
    alarm_after_s: int = 180
    """Without movement: somebody is told."""
    silence_after_s: int = 180
    """Without movement and without being heard either; at least `alarm_after_s`."""
    engine: bool = False
    """A machine shakes the wrist: its vibration is no sign of life."""
    check_every_s: int | None = None
    """Since the last deliberate act; None: never asked."""
    vehicle_check_every_s: int | None = 900
    """The same while in a vehicle, where the body proves nothing."""
    check_notice_s: int = 45
    """Before a timed check is missed: the watch asks."""
    signal_lost_after_s: int = 300
    """Since the watch was last heard."""
    last_will_after_s: int = 120
    """Since the broker said that the watch is gone."""
    not_worn_after_s: int = 60
    gnss_lost_after_s: int = 600
    """Since the last usable position."""
    pause_max_s: int = 3600
    overrun_after_s: int = 900
    """Since the planned end of the shift."""
    low_battery_pct: int = 20

    def __post_init__(self) -> None:
        limits = (*self.prealarm_after_s, self.alarm_after_s)
        if list(limits) != sorted(set(limits)) or limits[0] <= 0:
            raise ProfileError(
                self.name, "prealarm_after_s", f"{limits}", "seconds that grow, all before alarm_after_s"
            )
        if not _ALARM_MIN_S <= self.alarm_after_s <= _ALARM_MAX_S:
            raise ProfileError(self.name, "alarm_after_s", self.alarm_after_s, f"{_ALARM_MIN_S} to {_ALARM_MAX_S}")
        if not self.alarm_after_s <= self.silence_after_s <= max(SILENCE_MAX_S, self.alarm_after_s):
            raise ProfileError(
                self.name, "silence_after_s", self.silence_after_s, f"alarm_after_s to {SILENCE_MAX_S} (20 minutes)"
            )
        for key, every_s in (
            ("check_every_s", self.check_every_s),
            ("vehicle_check_every_s", self.vehicle_check_every_s),
        ):
            if every_s is not None and every_s <= self.check_notice_s:
                raise ProfileError(self.name, key, every_s, f"more than check_notice_s ({self.check_notice_s})")
        if self.low_battery_pct > _PCT_MAX:
            raise ProfileError(self.name, "low_battery_pct", self.low_battery_pct, f"1 to {_PCT_MAX}")

    def as_json(self) -> str:
        """The copy that a shift keeps."""
        return json.dumps(asdict(self), separators=(",", ":"))


@lru_cache(maxsize=_REMEMBERED)
def read(text: str) -> Profile:
    """The profile that a shift has kept. What it does not name is as it is by default. Raise ProfileError."""
    return build(json.loads(text))


def build(given: Mapping[str, Any]) -> Profile:
    """A profile of named figures. Raise ProfileError saying which one cannot be used."""
    name = str(given.get("name", DEFAULT))
    known = {field.name for field in fields(Profile)}
    for key, figure in given.items():
        if key not in known:
            raise ProfileError(name, key, figure, f"one of {', '.join(sorted(known))}")
        if key == "prealarm_after_s":
            if not isinstance(figure, list | tuple) or not all(_is_whole(one) for one in figure):
                raise ProfileError(name, key, figure, "a list of whole seconds")
        elif key == "engine":
            if not isinstance(figure, bool):
                raise ProfileError(name, key, figure, "true or false")
        elif key != "name" and not (_is_whole(figure) or (figure is None and key.endswith("check_every_s"))):
            raise ProfileError(name, key, figure, "a whole number, at least 1")
    return Profile(**{**given, "name": name, "prealarm_after_s": tuple(given.get("prealarm_after_s", (150, 170)))})


def _is_whole(figure: object) -> bool:
    return isinstance(figure, int) and not isinstance(figure, bool) and figure >= 1


PROFILES: Mapping[str, Profile] = {
    profile.name: profile
    for profile in (
        Profile(name=DEFAULT),
        Profile(name="mowing", engine=True),
        Profile(name="snow_clearing", engine=True),
        Profile(name="patrol"),
        Profile(name="chainsaw", engine=True, prealarm_after_s=(60, 80), alarm_after_s=90, silence_after_s=90),
        Profile(name="office", check_every_s=1800, vehicle_check_every_s=None, gnss_lost_after_s=28_800),
        Profile(
            name="pna11",
            prealarm_after_s=(45, 70),
            alarm_after_s=88,
            silence_after_s=88,
            check_every_s=895,
            vehicle_check_every_s=895,
            gnss_lost_after_s=1790,
            overrun_after_s=1790,
            pause_max_s=1790,
        ),
    )
}
"""What every installation has."""

_IN_FRENCH = {
    "par défaut": DEFAULT,
    "fauchage": "mowing",
    "déneigement": "snow_clearing",
    "viabilité hivernale": "snow_clearing",
    "patrouille": "patrol",
    "tronçonneuse": "chainsaw",
    "élagage": "chainsaw",
    "talus": "chainsaw",
    "bureau": "office",
}


def resolve(name: str) -> str:
    """The name of a profile that people may call otherwise."""
    return _IN_FRENCH.get(name.strip().casefold(), name.strip())
