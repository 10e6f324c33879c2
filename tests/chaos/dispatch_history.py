"""What is known of alerting in the end: what receivers and people have in their own logs, beside the database.

It shares nothing with the product: it writes the references out again, and knows the names of the tables.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import LiteralString
from urllib.parse import parse_qs, urlsplit

import psycopg
from psycopg.rows import DictRow, dict_row

_REFERENCE = re.compile(r"#A[1-9][0-9]*-n?[1-9][0-9]*$", re.MULTILINE)
_NAMED = re.compile(r"1 ?A([1-9][0-9]*)")
RECEIVED = frozenset({"sms", "voice", "email", "webhook"})
"""The channels whose receivers keep a log here."""
Act = tuple[int, str]
"""An alert's number, and what a person did with it: `acknowledged`, `closed`."""

# Who writes to the outbox is seen by the database itself: whoever has no lease any more changes nothing.
WITNESS: LiteralString = """
create table witness (
    id bigint generated always as identity primary key, notification_id bigint not null, was text not null,
    became text not null
);
create function bear_witness() returns trigger language plpgsql as $$
begin
    insert into witness (notification_id, was, became) values (new.id, old.state, new.state);
    return null;
end $$;
create trigger bear_witness after update on notification for each row
when (old.state <> new.state or old.sent_at is distinct from new.sent_at
      or old.lease_token is distinct from new.lease_token)
execute function bear_witness();
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A message that its receiver has taken, as the receiver's own log has it."""

    channel: str
    to: str
    at: datetime
    names: tuple[str, ...]
    """What of ours it is: the references it carries, one or several; of a call `n17`, by which it calls back."""
    sid: str = ""
    """By which a provider knows it."""
    status: str = ""
    key: str = ""
    """By which a receiver knows a message that comes twice: Message-ID, Idempotency-Key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """What somebody answered by SMS or by a key, as the provider's log has it."""

    channel: str
    sid: str
    phone_e164: str
    notification_id: int | None
    """Of a key the call; of a text None."""
    alert_id: int | None
    """The alert that a text names."""
    http_statuses: tuple[int | None, ...]

    @classmethod
    def read(cls, url: str, form: Mapping[str, str], http_statuses: tuple[int | None, ...]) -> Answered | None:
        """One callback of the provider; None: it is no answer that takes an alert."""
        if form.get("Digits") == "1":
            said = int(parse_qs(urlsplit(url).query)["n"][0])
            return cls(
                channel="voice",
                sid=form["CallSid"],
                phone_e164=form["To"],
                notification_id=said,
                alert_id=None,
                http_statuses=http_statuses,
            )
        if not form.get("Body", "").startswith("1"):
            return None
        named = _NAMED.fullmatch(form["Body"])
        return cls(
            channel="sms",
            sid=form["MessageSid"],
            phone_e164=form["From"],
            notification_id=None,
            alert_id=int(named[1]) if named else None,
            http_statuses=http_statuses,
        )

    @property
    def heard(self) -> bool:
        """The provider was told that we have it, and does not say it again."""
        return any(status is not None and 200 <= status < 300 for status in self.http_statuses)

    @property
    def refused(self) -> bool:
        """Not signed by the provider: it is nobody's word."""
        return set(self.http_statuses) == {403}


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What there was to be examined."""

    alerts: int
    steps: int
    """Notifications of steps, those at the console too."""
    accepted: int
    named: int
    """References that these carry."""
    bundles: int
    """Texts that tell of several alerts."""
    held: int
    """Second messages that a cap holds back."""
    duplicates: int
    """Messages beyond the first of their reference and receiver."""
    ambiguous: int
    """Attempts that had no clear answer."""
    cut_off: int
    """Attempts whose end nobody wrote down: the server was dead, or came too late."""
    unheard: int
    """Messages that a receiver has taken beyond those of which a server heard it: to be reconciled, or sent again."""
    reconciled: int
    """Attempts that found at the provider what an earlier one had sent."""
    answers: int
    """Of people, each once however often it was said."""
    answers_heard: int
    answers_took: int
    """Alerts that an answer has taken."""


class History:
    """Everything that is known at the end, read once."""

    def __init__(
        self,
        connection: psycopg.Connection,
        log: Sequence[Taken],
        acts: Collection[Act],
        answers: Sequence[Answered] = (),
        *,
        listed_after_s: float = 0,
        lease_s: float = 0,
    ) -> None:
        """`listed_after_s`: how far the provider's list lagged at most; `lease_s`: how long a server had for a try."""
        self.log = log
        self.acts = set(acts)
        self.answers = answers
        self.listed_after_s = listed_after_s
        self.lease_s = lease_s
        with connection.cursor(row_factory=dict_row) as cursor:
            self.alerts = cursor.execute("select * from alert order by id").fetchall()
            self.events = cursor.execute("select * from alert_event order by id").fetchall()
            self.notifications = cursor.execute("select * from notification order by id").fetchall()
            attempts = cursor.execute("select * from attempt order by notification_id, number").fetchall()
            callbacks = cursor.execute("select * from provider_callback").fetchall()
            contacts = cursor.execute("select id, phone_e164 from contact").fetchall()
            self.witnessed = cursor.execute("select * from witness order by id").fetchall()
        self.phones = {row["id"]: row["phone_e164"] for row in contacts}
        self.attempts: dict[int, list[DictRow]] = defaultdict(list)
        for attempt in attempts:
            self.attempts[attempt["notification_id"]].append(attempt)
        self.callbacks = {(row["channel"], row["provider_id"]): row for row in callbacks if row["status"][0] == "("}
        """What contacts answered, as we have it."""
        self.happened = {(event["alert_id"], event["kind"]) for event in self.events}
        self.received = {name: n for n in self.notifications if n["channel"] in RECEIVED for name in _names(n)}
        self.taken: dict[int, list[Taken]] = defaultdict(list)
        """By notification."""
        self.strays: list[Taken] = []
        for message in log:
            found = [self.received.get((message.channel, message.to, name)) for name in message.names]
            if not found or None in found:
                self.strays.append(message)
            for notification in found:
                if notification is not None:
                    self.taken[notification["id"]].append(message)

    def figures(self) -> Figures:
        attempts = [(n, attempt) for n in self.notifications for attempt in self.attempts[n["id"]]]
        return Figures(
            alerts=len(self.alerts),
            steps=sum(n["step"] is not None for n in self.notifications),
            accepted=len(self.log),
            named=sum(len(message.names) for message in self.log),
            bundles=sum(len(message.names) > 1 for message in self.log),
            held=sum(n["state"] == "pending" and n["held"] is True for n in self.notifications),
            duplicates=sum(len(several) - 1 for several in self.taken.values() if several),
            ambiguous=sum(attempt["outcome"] == "ambiguous" for _, attempt in attempts),
            cut_off=sum(attempt["outcome"] is None for _, attempt in attempts),
            unheard=sum(
                max(0, len(self.taken[n["id"]]) - sum(posted(n, attempt) for attempt in self.attempts[n["id"]]))
                for n in self.notifications
            ),
            reconciled=sum(attempt["provider_id"] is not None and not posted(n, attempt) for n, attempt in attempts),
            answers=len({(said.channel, said.sid) for said in self.answers}),
            answers_heard=len({(said.channel, said.sid) for said in self.answers if said.heard}),
            answers_took=sum(
                event["kind"] == "acknowledged" and "contact_id" in event["detail"] for event in self.events
            ),
        )

    def verdicts(self) -> dict[str, int]:
        """How many answers ended how."""
        return dict(Counter(row["verdict"] for row in self.callbacks.values()))


def posted(notification: DictRow, attempt: DictRow) -> bool:
    """It had the receiver's answer that the message was taken; an answer of a provider's list has no status here."""
    if notification["channel"] in {"sms", "voice"}:
        return attempt["http_status"] is not None and attempt["provider_id"] is not None
    return bool(attempt["outcome"] == "sent")


def reference(notification: DictRow) -> str:
    step = notification["step"]
    last = f"n{notification['id']}" if step is None else str(step + 1)
    return f"#A{notification['alert_id']}-{last}"


def references(text: str) -> tuple[str, ...]:
    """Of each alert that a text tells of, at the end of its line."""
    return tuple(_REFERENCE.findall(text))


def in_words(figures: Figures) -> str:
    return ", ".join(f"{count} {name}" for name, count in asdict(figures).items())


def _names(notification: DictRow) -> list[tuple[str, str, str]]:
    """By which channel, receiver and name its messages are known."""
    name = f"n{notification['id']}" if notification["channel"] == "voice" else reference(notification)
    return [(notification["channel"], notification["address"], name)]
