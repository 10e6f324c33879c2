"""What must hold of alerting whatever dies: the SMS provider's own log and what people did, against the database.

"At least once, duplicates recognisable and counted; an alert ends only by a human, or by having run through every step,
visibly." It shares nothing with the product: it writes the references out again, and knows the names of the tables.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import psycopg
from psycopg.rows import DictRow, dict_row

LATE_S = 10.0  # what was due so long ago does not move any more
_SHOWN = 5
_CLOCK = timedelta(seconds=1)  # the processes share one, and the log is written at once
_TRYING = timedelta(seconds=3)  # from a look at the provider's list until it has the text that follows
_REFERENCE = re.compile(r"#A[1-9][0-9]*-n?[1-9][0-9]*$", re.MULTILINE)
_NEVER_ARRIVES = frozenset({"failed", "undelivered", "canceled"})
Act = tuple[int, str]
"""An alert's number, and what a person did with it: `acknowledged`, `closed`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A text that the provider has taken, as its log has it."""

    sid: str
    to: str
    body: str
    status: str
    at: datetime

    @classmethod
    def read(cls, entry: Mapping[str, Any]) -> Taken:
        """One entry of the stand-in's /outbox.json."""
        at = datetime.fromisoformat(entry["received_at"])
        return cls(sid=entry["sid"], to=entry["to"], body=entry["body"], status=entry["status"], at=at)

    @property
    def references(self) -> list[str]:
        """Of each alert that it tells of, at the end of its line."""
        return _REFERENCE.findall(self.body)


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What there was to be examined."""

    alerts: int
    steps: int
    """Notifications of steps, those at the console too."""
    accepted: int
    bundles: int
    """Texts that tell of several alerts."""
    duplicates: int
    """Texts beyond the first of their reference and number."""
    ambiguous: int
    """Attempts that had no clear answer."""
    cut_off: int
    """Attempts whose end nobody wrote down: the server was dead."""
    reconciled: int
    """Attempts that found at the provider what an earlier one had sent."""


class History:
    """Everything that is known at the end, read once."""

    def __init__(
        self, connection: psycopg.Connection, log: Sequence[Taken], acts: Collection[Act], listed_after_s: float = 0
    ) -> None:
        """`listed_after_s`: how far the provider's list lagged at most."""
        self.log = log
        self._lag = timedelta(seconds=listed_after_s)
        self.acts = set(acts)
        with connection.cursor(row_factory=dict_row) as cursor:
            self.alerts = cursor.execute("select * from alert order by id").fetchall()
            self.events = cursor.execute("select * from alert_event order by id").fetchall()
            self.notifications = cursor.execute("select * from notification order by id").fetchall()
            attempts = cursor.execute("select * from attempt order by notification_id, number").fetchall()
        self.attempts: dict[int, list[DictRow]] = defaultdict(list)
        for attempt in attempts:
            self.attempts[attempt["notification_id"]].append(attempt)
        self.happened = {(event["alert_id"], event["kind"]) for event in self.events}
        self.texts = {(n["address"], _reference(n)): n for n in self.notifications if n["channel"] == "sms"}
        self.taken: dict[int, list[Taken]] = defaultdict(list)
        """By notification."""
        self.strays: list[str] = []
        for text in log:
            for reference in text.references:
                notification = self.texts.get((text.to, reference))
                if notification is None:
                    self.strays.append(reference)
                else:
                    self.taken[notification["id"]].append(text)

    def figures(self) -> Figures:
        attempts = [attempt for several in self.attempts.values() for attempt in several]
        return Figures(
            alerts=len(self.alerts),
            steps=sum(n["step"] is not None for n in self.notifications),
            accepted=len(self.log),
            bundles=sum(len(text.references) > 1 for text in self.log),
            duplicates=sum(len(several) - 1 for several in self.taken.values() if several),
            ambiguous=sum(attempt["outcome"] == "ambiguous" for attempt in attempts),
            cut_off=sum(attempt["outcome"] is None for attempt in attempts),
            reconciled=sum(attempt["provider_id"] is not None and not _posted(attempt) for attempt in attempts),
        )

    def faults(self, now: datetime) -> list[str]:
        """Every promise that is broken, as sentences; none when all is well."""
        return [*self._steps(now), *self._ends(now), *self._texts(), *self._endings()]

    def _steps(self, now: datetime) -> list[str]:
        """Each step that was due left a message, or an event that says why not."""
        told = {(n["alert_id"], n["step"], n["channel"]) for n in self.notifications if n["step"] is not None}
        explained = {
            (event["alert_id"], event["detail"]["step"] - 1)
            for event in self.events
            if event["kind"] in {"step_reaches_nobody", "step_outside_its_hours", "step_withheld"}
        }
        missing = []
        for alert in self.alerts:
            left_alone_s = 0.0
            if (alert["id"], "acknowledged") not in self.happened:
                left_alone_s = (now - alert["raised_at"]).total_seconds() - LATE_S
            missing += [
                (f"A{alert['id']}", f"step {number + 1}")
                for number, step in enumerate(alert["policy"])
                if (number < alert["next_step"] or step["after_s"] <= left_alone_s or step["after_s"] == 0)
                and (alert["id"], number, step["channel"]) not in told
                and (alert["id"], number) not in explained
            ]
        return _shown("step was due and left nothing", missing)

    def _ends(self, now: datetime) -> list[str]:
        """Each message is at an end that something explains, or will move soon. The console waits for people."""
        stuck, unproven, unknown, unheard = [], [], [], []
        logged = {text.sid: text for text in self.log}
        for n in self.notifications:
            name, attempts = (n["id"], _reference(n)), self.attempts[n["id"]]
            moves_at = n["leased_until"] if n["state"] == "sending" else n["due_at"]
            if n["state"] in {"pending", "ambiguous", "sending"}:
                if n["channel"] != "console" and moves_at < now - timedelta(seconds=LATE_S):
                    stuck.append(name)
                continue
            outcomes = {attempt["outcome"] for attempt in attempts}
            failed = "permanent" in outcomes or n["provider_status"] in _NEVER_ARRIVES
            known = "sent" in outcomes or n["channel"] == "console"
            if (n["state"] == "failed" and not failed) or (n["state"] == "sent" and not known):
                unproven.append(name)
            if n["channel"] != "sms":
                continue
            if n["state"] == "cancelled" and (
                (n["alert_id"], "acknowledged") not in self.happened or self.taken[n["id"]]
            ):
                unproven.append(name)
            text = logged.get(n["provider_id"])
            if (n["provider_id"] is not None or n["state"] == "sent") and text not in self.taken[n["id"]]:
                unknown.append(name)
            elif text is not None and text.status in _NEVER_ARRIVES and n["state"] == "sent":
                unheard.append(name)
        return [
            *_shown("message does not move any more", stuck),
            *_shown("message ended and nothing says why", unproven),
            *_shown("said to be with the provider, which has not got it", unknown),
            *_shown("provider says that it never arrives, and nobody knows", unheard),
        ]

    def _texts(self) -> list[str]:
        """Each text is one that an alert asked for, once for each attempt that could not know better."""
        unasked, beyond, known_twice, blindly = [], [], [], []
        for n in self.texts.values():
            attempts, taken = self.attempts[n["id"]], self.taken[n["id"]]
            name = (n["id"], _reference(n))
            if any(text.at < attempts[0]["started_at"] - _CLOCK if attempts else True for text in taken):
                unasked.append(name)
            elif len(taken) > sum(
                _posted(attempt) or attempt["outcome"] in {None, "ambiguous"} for attempt in attempts
            ):
                beyond.append(name)
            if sum(_posted(attempt) and attempt["outcome"] == "sent" for attempt in attempts) > 1:
                known_twice.append(name)
            instants = sorted(text.at for text in taken)
            if any(again - before > self._lag + _TRYING for before, again in pairwise(instants)):
                blindly.append(name)
        return [
            *_shown("text without a reference", [text.sid for text in self.log if not text.references]),
            *_shown("text that no alert asked for", self.strays),
            *_shown("text taken before anybody tried to send it", unasked),
            *_shown("text taken more often than was tried in doubt", beyond),
            *_shown("sent again, though it was known to be sent", known_twice),
            *_shown("sent again, though the provider's list had it", blindly),
        ]

    def _endings(self) -> list[str]:
        """Each alert was taken by somebody, or ran through all its steps and says so."""
        lost = [act for act in self.acts if act not in self.happened]
        nobody = [act for act in self.happened if act[1] in {"acknowledged", "closed"} and act not in self.acts]
        silent, early = [], []
        for alert in self.alerts:
            name, exhausted = f"A{alert['id']}", (alert["id"], "steps_exhausted") in self.happened
            if alert["state"] != "triggered":
                if (alert["id"], alert["state"]) not in self.happened:
                    nobody.append((alert["id"], alert["state"]))
            elif not exhausted or alert["next_step_at"] is not None:
                silent.append(name)
            if exhausted and alert["next_step"] < len(alert["policy"]):
                early.append(name)
        return [
            *_shown("what a person did is not written", lost),
            *_shown("ended, and by nobody", nobody),
            *_shown("neither taken nor run through its steps", silent),
            *_shown("said to have run through its steps, and has not", early),
        ]


def _posted(attempt: DictRow) -> bool:
    """It had the provider's answer that the text was taken; an answer of the provider's list has no status here."""
    return attempt["http_status"] is not None and attempt["provider_id"] is not None


def _reference(notification: DictRow) -> str:
    step = notification["step"]
    last = f"n{notification['id']}" if step is None else str(step + 1)
    return f"#A{notification['alert_id']}-{last}"


def _shown(fault: str, cases: Sequence[object]) -> list[str]:
    if not cases:
        return []
    return [f"{fault}: {len(cases)}, e.g. {', '.join(map(str, cases[:_SHOWN]))}"]


def in_words(figures: Figures) -> str:
    return ", ".join(f"{count} {name}" for name, count in asdict(figures).items())
