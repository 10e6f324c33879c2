"""Escalation policies as people write them: who is told of which alerts, when, by which way, and how often. Pure.

A file of policies is TOML:

    [[policy]]
    name = "urgence"           # kinds left out: every alert in which somebody may be in danger
    lapse_after_s = 900        # taken and nothing done since: the steps go on
    repeat = 1                 # the steps begin anew once, if nobody takes it
    repeat_after_s = 300

    [[policy.step]]
    after_s = 0
    channel = "console"
    to = "console"

    [[policy.step]]
    after_s = 60
    channel = "sms"
    to = "rank 1"
    days = "lun-ven"
    between = "18:00-07:30"
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, time
from typing import Any

from alerts.model import PARIS, AlertKind, Step
from gyrophare.kernel.errors import GyrophareError

CHANNELS = ("console", "sms", "voice", "email", "webhook", "cap", "dc09", "gammu", "watch")
TARGETED = frozenset({"webhook", "cap", "dc09"})
"""These tell machines, which have names of their own and no contact."""
NAMED = frozenset({"webhook"})
"""Of these machines a server knows several, by name; of the others one, whatever a step calls it."""
NOBODY_SURELY = frozenset({"console", "watch"})
"""Nobody may sit there, and nobody may be near."""
STEPS_MAX, AFTER_MAX_S, REPEAT_MAX = 50, 86_400, 20
LAPSE_S = (60, 86_400)
_DAYS = ("lun", "mar", "mer", "jeu", "ven", "sam", "dim")
_TO = re.compile(r"console|rank [1-9][0-9]{0,3}|nearby (?:[1-9]|1[0-9]|20)|(?:person|duty|target) \S.{0,199}")
_TO_PEOPLE = "rank 1, person NAME or duty ROLE"
_TO_OF = {"console": "console", "watch": "nearby 3", **dict.fromkeys(TARGETED, "target NAME")}
"""What a step by one of these tells; by any other it tells people who are contacts."""
_BETWEEN = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])-([01][0-9]|2[0-3]):([0-5][0-9])")


class PolicyError(GyrophareError):
    """A policy that cannot be used; the text says which value, and what was expected."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """One policy; `kinds` None: of every alert in which somebody may be in danger and that no other policy names."""

    name: str
    kinds: tuple[AlertKind, ...] | None
    steps: tuple[Step, ...]
    repeat: int = 0
    repeat_after_s: int = 300
    lapse_after_s: int = 900


def read_file(text: str) -> list[Policy]:
    """The policies of a TOML file. Raise PolicyError for the first value that cannot be used."""
    try:
        given = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise PolicyError(f"not a TOML file: {error}") from None
    tables = given.get("policy")
    if set(given) != {"policy"} or not isinstance(tables, list) or not tables:
        raise PolicyError(f"got {', '.join(sorted(given)) or 'nothing'}; expected tables [[policy]] and nothing else")
    policies = [_policy(table) for table in tables]
    names = [policy.name for policy in policies]
    kinds = [kind for policy in policies for kind in policy.kinds or ("everything else",)]
    for what, all_of in (("name", names), ("kinds", kinds)):
        twice = next((one for one in all_of if all_of.count(one) > 1), None)
        if twice is not None:
            raise PolicyError(f"{what} {twice!r} stands in two policies; expected it in one")
    return policies


def _policy(table: Any) -> Policy:
    if not isinstance(table, dict):
        raise PolicyError(f"policy {table!r}; expected a table [[policy]]")
    name = table.get("name")
    if not isinstance(name, str) or not name.strip() or not name.isprintable() or len(name) > 100:
        raise PolicyError(f"policy name {name!r}; expected printable characters, at most 100")
    where = f"policy {name!r}"
    _only(where, table, {"name", "kinds", "step", "repeat", "repeat_after_s", "lapse_after_s"})
    kinds = table.get("kinds")
    if kinds is not None:
        if not isinstance(kinds, list) or not kinds:
            raise PolicyError(f"{where}: kinds {kinds!r}; expected a list of kinds, or leave it out for all the others")
        unknown = next((kind for kind in kinds if kind not in {str(one) for one in AlertKind}), None)
        if unknown is not None:
            raise PolicyError(f"{where}: kind {unknown!r}; expected one of {', '.join(map(str, AlertKind))}")
    steps = table.get("step")
    if not isinstance(steps, list) or not 1 <= len(steps) <= STEPS_MAX:
        raise PolicyError(f"{where}: expected 1 to {STEPS_MAX} tables [[policy.step]]")
    read = tuple(_step(f"{where}, step {number}", step) for number, step in enumerate(steps, start=1))
    for number in range(1, len(read)):
        if read[number].after_s < read[number - 1].after_s:
            raise PolicyError(
                f"{where}, step {number + 1}: after_s {read[number].after_s}; expected steps in their order"
            )
    return Policy(
        name=name.strip(),
        kinds=None if kinds is None else tuple(AlertKind(kind) for kind in kinds),
        steps=read,
        repeat=_whole(where, table, "repeat", 0, 0, REPEAT_MAX),
        repeat_after_s=_whole(where, table, "repeat_after_s", 300, 30, AFTER_MAX_S),
        lapse_after_s=_whole(where, table, "lapse_after_s", 900, *LAPSE_S),
    )


def _step(where: str, table: Any) -> Step:
    if not isinstance(table, dict):
        raise PolicyError(f"{where}: {table!r}; expected a table [[policy.step]]")
    _only(where, table, {"after_s", "channel", "to", "days", "between"})
    channel, to = table.get("channel"), table.get("to")
    if channel not in CHANNELS:
        raise PolicyError(f"{where}: channel {channel!r}; expected one of {', '.join(CHANNELS)}")
    if not isinstance(to, str) or not _TO.fullmatch(to) or not to.isprintable():
        raise PolicyError(f"{where}: to {to!r}; expected console, {_TO_PEOPLE}, nearby 1 to nearby 20, or target NAME")
    expected = _TO_OF.get(channel, _TO_PEOPLE)
    if to.partition(" ")[0] not in expected.split():
        raise PolicyError(f"{where}: to {to!r} by {channel}; expected {expected}")
    days, between = table.get("days"), table.get("between")
    if days is not None and (not isinstance(days, str) or _days(days) is None):
        raise PolicyError(f"{where}: days {days!r}; expected lun-ven or sam,dim")
    if between is not None and (not isinstance(between, str) or not _BETWEEN.fullmatch(between)):
        raise PolicyError(f"{where}: between {between!r}; expected 18:00-07:30")
    after_s = _whole(where, table, "after_s", None, 0, AFTER_MAX_S)
    return Step(after_s=after_s, channel=channel, to=to, days=days, between=between)


def _only(where: str, table: Mapping[str, Any], known: set[str]) -> None:
    unknown = sorted(set(table) - known)
    if unknown:
        raise PolicyError(f"{where}: {unknown[0]} is none of {', '.join(sorted(known))}")


def _whole(where: str, table: Mapping[str, Any], key: str, usual: int | None, least: int, most: int) -> int:
    value = table.get(key, usual)
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise PolicyError(f"{where}: {key} {value!r}; expected a whole number from {least} to {most}")
    return value


def write_file(policies: Sequence[Policy]) -> str:
    """As `read_file` reads it."""
    lines: list[str] = []
    for policy in policies:
        lines += ["[[policy]]", f"name = {_quoted(policy.name)}"]
        if policy.kinds is not None:
            lines.append(f"kinds = [{', '.join(_quoted(kind) for kind in policy.kinds)}]")
        lines += [f"{key} = {getattr(policy, key)}" for key in ("lapse_after_s", "repeat", "repeat_after_s")]
        for step in policy.steps:
            lines += ["", "[[policy.step]]"]
            lines += [
                f"{key} = {value if isinstance(value, int) else _quoted(value)}"
                for key, value in asdict(step).items()
                if value is not None
            ]
        lines.append("")
    return "\n".join(lines)


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def applies(step: Step, now: datetime) -> bool:
    """Whether the step's days and hours are now, in Paris. A span over midnight belongs to the day it began."""
    local = now.astimezone(PARIS)
    day, at = local.weekday(), local.time()
    if step.between is not None:
        match = _BETWEEN.fullmatch(step.between)
        if match is not None:
            begin, end = time(int(match[1]), int(match[2])), time(int(match[3]), int(match[4]))
            if begin <= end:
                if not begin <= at < end:
                    return False
            elif at < end:
                day = (day - 1) % 7
            elif at < begin:
                return False
    days = None if step.days is None else _days(step.days)
    return days is None or day in days


def _days(text: str) -> set[int] | None:
    """The numbers of the days, Monday 0; None when they are none. `ven-lun` goes over the end of the week."""
    found: set[int] = set()
    for part in text.split(","):
        ends = part.strip().split("-")
        if len(ends) > 2 or any(end not in _DAYS for end in ends):
            return None
        first, last = _DAYS.index(ends[0]), _DAYS.index(ends[-1])
        found |= {(first + offset) % 7 for offset in range((last - first) % 7 + 1)}
    return found
