"""What goes wrong with a watch, and when. All by seed: a question is answered the same whenever, and in any order.

The times are short, so that a run of a minute or two meets each of the faults.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from gyrophare.kernel.errors import SettingsError


class Fault(StrEnum):
    """The faults that can be asked for."""

    WHITE_ZONE = "white-zone"
    DUPLICATES = "duplicates"
    REORDER = "reorder"
    SKEW = "skew"
    DRIFT = "drift"
    UNSET_CLOCK = "unset-clock"
    REBOOT = "reboot"
    LOST_RECEIPTS = "lost-receipts"
    BATTERY = "battery"
    SOS = "sos"
    MAN_DOWN = "man-down"


ALARMS = frozenset({Fault.SOS, Fault.MAN_DOWN})
"""These make somebody's telephone ring, so that `all` leaves them out."""

MEANINGS = {
    Fault.WHITE_ZONE: "once a minute 20 s without network, then what was buffered, in arrays",
    Fault.DUPLICATES: "one message in ten is sent twice",
    Fault.REORDER: "one message in five is overtaken by later ones, and what was buffered comes newest first",
    Fault.SKEW: "each watch's clock is off by up to ten minutes",
    Fault.DRIFT: "each watch's clock runs up to 1 % fast or slow",
    Fault.UNSET_CLOCK: "for 10 s after its start a watch believes it is 1970, and has no fix",
    Fault.REBOOT: "each 90 s a watch starts anew, with a new boot and numbers from 1",
    Fault.LOST_RECEIPTS: "one receipt in three never arrives",
    Fault.BATTERY: "begins at 16 to 30 %, loses 12 points a minute, and dies",
    Fault.SOS: "one watch in twenty: its wearer presses SOS, 10 to 40 s after the start (raises alarms)",
    Fault.MAN_DOWN: "one watch in twenty: its wearer lies still from 10 to 40 s after the start on (raises alarms)",
}

_ZONE_EVERY_S, _ZONE_S = 60.0, 20.0
_DUPLICATES, _DUPLICATE_AFTER_S = 0.1, 2.0
_OVERTAKEN, _OVERTAKEN_S = 0.2, 3.0
_SKEW_MAX_S, _DRIFT_MAX = 600.0, 0.01
_UNSET_S = 10.0
_REBOOT_EVERY_S = 90.0
_RECEIPTS_LOST = 1 / 3
_DAY_H = 14.0  # an ordinary battery's
_BATTERY_FULL_PCT, _BATTERY_LOW_PCT = (70.0, 100.0), (16.0, 30.0)
_BATTERY_LOSS_PCT_PER_S = 12.0 / 60
_REACTS_FROM_S, _REACTS_TO_S = 2.0, 12.0
_STRICKEN = 1 / 20
_STRICKEN_FROM_S, _STRICKEN_TO_S = 10.0, 40.0


def chosen(words: str) -> frozenset[Fault]:
    """The faults in a list such as `reorder,skew`; `all` is all but the alarms. Raise SettingsError at any other."""
    found: set[Fault] = set()
    for word in filter(None, (word.strip() for word in words.split(","))):
        if word == "all":
            found |= set(Fault) - ALARMS
        elif word in set(Fault):
            found.add(Fault(word))
        else:
            raise SettingsError(f"fault {word!r}: no such fault. Expected all, or some of {', '.join(Fault)}.")
    return frozenset(found)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fate:
    """What happens to the watch `name` from `since` on, `faults` allowing."""

    name: str
    since: datetime
    faults: Collection[Fault] = frozenset()
    seed: int = 0
    _battery_first_pct: float = field(init=False, repr=False)
    _battery_loss_pct_per_s: float = field(init=False, repr=False)

    def __post_init__(self) -> None:
        runs_down = Fault.BATTERY in self.faults
        least_pct, most_pct = _BATTERY_LOW_PCT if runs_down else _BATTERY_FULL_PCT
        loss_pct_per_s = _BATTERY_LOSS_PCT_PER_S if runs_down else 100.0 / (_DAY_H * 3600)
        object.__setattr__(self, "_battery_first_pct", least_pct + (most_pct - least_pct) * self._share("battery"))
        object.__setattr__(self, "_battery_loss_pct_per_s", loss_pct_per_s)

    def covered(self, at: datetime) -> bool:
        """Whether there is a network."""
        if Fault.WHITE_ZONE not in self.faults:
            return True
        phase_s = _ZONE_EVERY_S * self._share("white zone")
        return (self._elapsed_s(at) + phase_s) % _ZONE_EVERY_S >= _ZONE_S

    def repeats_after_s(self, what: str) -> float | None:
        """How long after it the message `what` comes a second time, or None."""
        if Fault.DUPLICATES not in self.faults or self._share("twice", what) >= _DUPLICATES:
            return None
        return _DUPLICATE_AFTER_S * self._share("twice after", what)

    def held_s(self, what: str) -> float:
        """How long the message `what` is under way, while others overtake it."""
        if Fault.REORDER not in self.faults or self._share("late", what) >= _OVERTAKEN:
            return 0.0
        return _OVERTAKEN_S * self._share("how late", what)

    @property
    def newest_first(self) -> bool:
        """Whether what was buffered comes in the wrong order."""
        return Fault.REORDER in self.faults

    def clock(self, at: datetime) -> datetime:
        """What the watch's own clock shows at `at`, when it has been set."""
        error_s = 0.0
        if Fault.SKEW in self.faults:
            error_s += _SKEW_MAX_S * (2 * self._share("skew") - 1)
        if Fault.DRIFT in self.faults:
            error_s += self._elapsed_s(at) * _DRIFT_MAX * (2 * self._share("drift") - 1)
        return at + timedelta(seconds=error_s) if error_s else at

    def clock_set(self, at: datetime, booted_at: datetime) -> bool:
        """Whether the receiver has found the time, and with it the place."""
        return Fault.UNSET_CLOCK not in self.faults or (at - booted_at).total_seconds() >= _UNSET_S

    def reboots(self, at: datetime) -> int:
        """How often the watch has started anew up to `at`."""
        if Fault.REBOOT not in self.faults:
            return 0
        return int((self._elapsed_s(at) + _REBOOT_EVERY_S * self._share("reboot")) // _REBOOT_EVERY_S)

    def loses_receipt(self, what: str) -> bool:
        return Fault.LOST_RECEIPTS in self.faults and self._share("receipt", what) < _RECEIPTS_LOST

    def reacts_after_s(self, what: str) -> float:
        """How long its wearer takes to answer `what`."""
        return _REACTS_FROM_S + (_REACTS_TO_S - _REACTS_FROM_S) * self._share("reacts", what)

    def battery_pct(self, at: datetime) -> float:
        """What is left at `at`. At 0 the watch is silent."""
        return max(0.0, self._battery_first_pct - self._battery_loss_pct_per_s * self._elapsed_s(at))

    def presses_sos_at(self) -> datetime | None:
        return self._stricken(Fault.SOS)

    def lies_from(self) -> datetime | None:
        return self._stricken(Fault.MAN_DOWN)

    def _stricken(self, fault: Fault) -> datetime | None:
        if fault not in self.faults or self._share(fault) >= _STRICKEN:
            return None
        after_s = _STRICKEN_FROM_S + (_STRICKEN_TO_S - _STRICKEN_FROM_S) * self._share(fault, "when")
        return self.since + timedelta(seconds=after_s)

    def _elapsed_s(self, at: datetime) -> float:
        return max(0.0, (at - self.since).total_seconds())

    def _share(self, *what: str) -> float:
        """0 to 1, by the seed: a lot drawn once for each thing that may happen."""
        text = "\x1f".join((str(self.seed), self.name, *what))
        return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=7).digest()) / 2**56
