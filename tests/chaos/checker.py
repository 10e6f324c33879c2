"""What must hold whatever dies: a log of what devices sent and were told, against what the database holds at the end.

It shares nothing with the product: neither its decoders nor its keys, only the wire and the names of the tables. A
message is recognised by its device and its instant, of which no two of a device are the same.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

import psycopg

Kind = Literal["fix", "sos"]
_SHOWN = 5  # examples of a fault; a thousand say no more


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One report or one press of SOS, as its device numbered it."""

    device: str
    boot: str
    seq: int
    kind: Kind
    at: datetime
    """`fixed_at` of a report, `occurred_at` of a press."""
    latitude_deg: float | None = None
    """Of a report: what is stored must be what was sent."""

    @property
    def row(self) -> tuple[str, str, datetime]:
        """What one row of the database says of it."""
        return self.device, self.kind, self.at


@dataclass(slots=True)
class Journal:
    """What was sent, and what its devices were told is stored. Each device presses SOS once at most."""

    sent: dict[tuple[str, str, int], Message] = field(default_factory=dict)
    receipted: list[Message] = field(default_factory=list)
    refused: Counter[str] = field(default_factory=Counter)
    """By topic: how many messages were handed to the broker that nobody can read."""

    def note(self, message: Message) -> None:
        """It is about to be sent for the first time."""
        self.sent[message.device, message.boot, message.seq] = message


def unkept(connection: psycopg.Connection, receipted: Iterable[Message]) -> list[str]:
    """I1, at any moment: each of `receipted` that is not stored now is a broken promise."""
    told = list(receipted)
    stored = connection.execute(
        """
        select asked.number from unnest(%(names)s::text[], %(kinds)s::text[], %(at)s::timestamptz[])
            with ordinality as asked (wire_name, kind, at, number)
        join device d using (wire_name)
        where case asked.kind
            when 'fix' then exists (select from fix f where f.device_id = d.id and f.fixed_at = asked.at)
            else exists (select from event e where e.device_id = d.id and e.kind = asked.kind
                                               and e.occurred_at = asked.at)
        end
        """,
        {
            "names": [message.device for message in told],
            "kinds": [message.kind for message in told],
            "at": [message.at for message in told],
        },
    ).fetchall()
    kept = {number for (number,) in stored}
    return _shown("receipted, not stored", [m.row for number, m in enumerate(told, start=1) if number not in kept])


def examine(connection: psycopg.Connection, journal: Journal, *, redelivered: bool) -> list[str]:
    """Every invariant that does not hold, as sentences; none when all is well.

    With `redelivered` a broker may have handed a refused message over twice, which counts twice.
    """
    return [
        *unkept(connection, journal.receipted),
        *_stored_once(connection, journal),
        *_one_alert_a_press(connection, journal),
        *_refusals_explained(connection, journal.refused, redelivered=redelivered),
    ]


def _stored_once(connection: psycopg.Connection, journal: Journal) -> list[str]:
    """I2: no message twice, none that nobody sent, none that was changed."""
    rows = connection.execute(
        """
        select d.wire_name, 'fix', f.fixed_at, f.latitude_deg from fix f join device d on d.id = f.device_id
        union all
        select d.wire_name, e.kind, e.occurred_at, null from event e join device d on d.id = e.device_id
        """
    ).fetchall()
    times = Counter((name, kind, at) for name, kind, at, _ in rows)
    sent = {message.row: message for message in journal.sent.values()}
    changed = [
        (name, kind, at)
        for name, kind, at, latitude_deg in rows
        if (name, kind, at) in sent and latitude_deg != sent[name, kind, at].latitude_deg
    ]
    return [
        *_shown("stored twice", [row for row, count in times.items() if count > 1]),
        *_shown("stored, never sent", [row for row in times if row not in sent]),
        *_shown("stored otherwise than sent", changed),
    ]


def _one_alert_a_press(connection: psycopg.Connection, journal: Journal) -> list[str]:
    """I3: one alert for each press that is stored, and none for anything else."""
    alerts = connection.execute(
        "select d.wire_name, a.episode_at from alert a join device d on d.id = a.device_id where a.kind = 'sos'"
    ).fetchall()
    pressed = connection.execute(
        "select d.wire_name, e.occurred_at from event e join device d on d.id = e.device_id where e.kind = 'sos'"
    ).fetchall()
    raised, expected = Counter(alerts), set(pressed)
    known = {(message.device, message.at) for message in journal.sent.values() if message.kind == "sos"}
    return [
        *_shown("SOS stored, no alert", [row for row in expected if row not in raised]),
        *_shown("SOS alerted more than once", [row for row, count in raised.items() if count > 1]),
        *_shown("alert of an SOS that nobody pressed", [row for row in raised if row not in known]),
    ]


def _refusals_explained(connection: psycopg.Connection, refused: Mapping[str, int], *, redelivered: bool) -> list[str]:
    """I4: each refused message is counted under a reason, and nothing else was refused."""
    rows = connection.execute(
        "select topic, sum(times)::bigint, bool_and(reason <> '' and detail <> '') from rejected group by topic"
    ).fetchall()
    counted = {topic: times for topic, times, _ in rows}
    wrong = [
        (topic, f"{sent} sent, {counted.get(topic, 0)} counted")
        for topic, sent in refused.items()
        if counted.get(topic, 0) < sent or (counted.get(topic, 0) > sent and not redelivered)
    ]
    reasons = connection.execute("select topic, reason, detail from rejected").fetchall()
    return [
        *_shown("refused, and not all of it is counted once", wrong),
        *_shown("refused, though it was in order", [row for row in reasons if row[0] not in refused]),
        *_shown("refused without a reason", [topic for topic, _, explained in rows if not explained]),
    ]


def _shown(fault: str, cases: Sequence[object]) -> list[str]:
    if not cases:
        return []
    return [f"{fault}: {len(cases)}, e.g. {', '.join(map(str, cases[:_SHOWN]))}"]
