"""What must hold of alerting whatever dies, freezes or fails: what its receivers and people have, against the database.

"At least once, duplicates recognisable and counted; an alert ends only by a human, or by having run through every step,
visibly." Who has lost his lease changes nothing, and what a person was heard to answer is not lost.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import pairwise

from psycopg.rows import DictRow

from tests.chaos.dispatch_history import RECEIVED, Answered, History, Taken, posted, reference

LATE_S = 10.0  # what was due so long ago does not move any more
_SHOWN = 5
_CLOCK = timedelta(seconds=1)  # the processes share one, and the log is written at once
_OVERTAKEN = timedelta(seconds=2)  # a busy provider takes a text only when the next attempt has begun
_NEVER_ARRIVES = frozenset({"failed", "undelivered", "canceled", "busy", "no-answer"})
_FINAL = _NEVER_ARRIVES | {"delivered", "completed"}
_MACHINES = frozenset({"webhook", "cap", "dc09"})
_TOOK = frozenset({"acknowledged", "too_late"})
_ASKS = 6  # of a provider that says nothing, before it is over
# Into `sending` by a claim, out of it by its result; beside that only what people and the provider say.
_MOVES = frozenset(
    {
        *((state, "sending") for state in ("pending", "ambiguous", "sending")),
        *(("sending", state) for state in ("sent", "failed", "ambiguous", "pending", "cancelled")),
        ("pending", "cancelled"),
        ("ambiguous", "sent"),
        ("sent", "failed"),
    }
)
_MOVES_BY_CHANNEL = {
    "console": frozenset({("pending", "sent"), ("cancelled", "sent"), ("pending", "cancelled")}),
    "watch": _MOVES | {("ambiguous", "cancelled")},  # a discreet SOS silences it
}


def faults(history: History, now: datetime) -> list[str]:
    """Every promise that is broken, as sentences; none when all is well."""
    return [
        *_steps(history, now),
        *_ends(history, now),
        *_arrivals(history),
        *_keys(history),
        *_leases(history),
        *_stops(history),
        *_answers(history, now),
        *_endings(history),
    ]


def _steps(history: History, now: datetime) -> list[str]:
    """Each step that was due left a message, or an event that says why not."""
    told = {(n["alert_id"], n["step"], n["channel"]) for n in history.notifications if n["step"] is not None}
    explained = {
        (event["alert_id"], event["detail"]["step"] - 1)
        for event in history.events
        if event["kind"] in {"step_reaches_nobody", "step_outside_its_hours", "step_withheld"}
    }
    missing = []
    for alert in history.alerts:
        left_alone_s = 0.0
        if (alert["id"], "acknowledged") not in history.happened:
            left_alone_s = (now - alert["raised_at"]).total_seconds() - LATE_S
        missing += [
            (f"A{alert['id']}", f"step {number + 1}")
            for number, step in enumerate(alert["policy"])
            if (number < alert["next_step"] or step["after_s"] <= left_alone_s or step["after_s"] == 0)
            and (alert["id"], number, step["channel"]) not in told
            and (alert["id"], number) not in explained
        ]
    return _shown("step was due and left nothing", missing)


def _ends(history: History, now: datetime) -> list[str]:
    """Each message is at an end that something explains, or will move soon. The console waits for people."""
    stuck, unseen, unproven, unknown, unheard, unasked = [], [], [], [], [], []
    logged = {message.sid: message for message in history.log if message.sid}
    for n in history.notifications:
        name, taken = _name(n), history.taken[n["id"]]
        moves_at = n["leased_until"] if n["state"] == "sending" else n["due_at"]
        if n["state"] == "pending" and n["held"]:  # a cap counts no longer than a day
            if (n["alert_id"], "held_back") not in history.happened:
                unseen.append(name)
            moves_at = max(moves_at, n["held_at"] + timedelta(days=1))
        if n["state"] in {"pending", "ambiguous", "sending"}:
            if n["channel"] != "console" and moves_at < now - timedelta(seconds=LATE_S):
                stuck.append(name)
            continue
        outcomes = {attempt["outcome"] for attempt in history.attempts[n["id"]]}
        message = logged.get(n["provider_id"])
        failed = "permanent" in outcomes or n["provider_status"] in _NEVER_ARRIVES
        # Of a call whose answer was lost the provider says by its callback that it has it.
        known = "sent" in outcomes or n["channel"] == "console" or (n["channel"] == "voice" and message in taken)
        if (n["state"] == "failed" and not failed) or (n["state"] == "sent" and not known):
            unproven.append(name)
        if n["channel"] not in RECEIVED:
            continue
        acknowledged = (n["alert_id"], "acknowledged") in history.happened
        # A receiver of webhooks that says "again later" may have taken it all the same.
        perhaps = {None, "ambiguous", "temporary"} if n["channel"] in _MACHINES else {None, "ambiguous"}
        if n["state"] == "cancelled" and (not acknowledged or (taken and not outcomes & perhaps)):
            unproven.append(name)
        if (n["provider_id"] is not None and message not in taken) or (n["state"] == "sent" and not taken):
            unknown.append(name)
        given_up = n["provider_final_at"] is not None and n["provider_asks"] > _ASKS
        if message is not None and message.status in _NEVER_ARRIVES and n["state"] == "sent" and not given_up:
            unheard.append(name)
        said = n["provider_status"] in _FINAL or n["state"] == "failed"
        if n["provider_final_at"] is not None and not (said or given_up):
            unasked.append(name)
    return [
        *_shown("message does not move any more", stuck),
        *_shown("held back, and its alert does not say so", unseen),
        *_shown("message ended and nothing says why", unproven),
        *_shown("said to be with its receiver, who has not got it", unknown),
        *_shown("provider says that it never arrives, and nobody knows", unheard),
        *_shown("given up though the provider was not asked often enough", unasked),
    ]


def _arrivals(history: History) -> list[str]:
    """Each message that arrived is one that an alert asked for, once for each attempt that could not know better."""
    unasked, beyond, known_twice, blindly = [], [], [], []
    for n in history.received.values():
        attempts, taken, name = history.attempts[n["id"]], history.taken[n["id"]], _name(n)
        if any(message.at < attempts[0]["started_at"] - _CLOCK if attempts else True for message in taken):
            unasked.append(name)
        elif len(taken) > sum(_may_have_sent(n, attempt) for attempt in attempts):
            beyond.append(name)
        if sum(posted(n, attempt) and attempt["outcome"] == "sent" for attempt in attempts) > 1:
            known_twice.append(name)
        if n["channel"] == "sms" and _was_listed(history, attempts, taken):
            blindly.append(name)
    nameless = [message.sid or message.key for message in history.strays if not message.names]
    return [
        *_shown("message without a reference", nameless),
        *_shown("message that no alert asked for", [stray.names for stray in history.strays if stray.names]),
        *_shown("message taken before anybody tried to send it", unasked),
        *_shown("message taken more often than was tried in doubt", beyond),
        *_shown("sent again, though it was known to be sent", known_twice),
        *_shown("sent again, though the provider's list had it", blindly),
    ]


def _keys(history: History) -> list[str]:
    """What comes twice has the same key, which nothing else has: so its receiver drops it."""
    owners: dict[tuple[str, str], set[tuple[str, ...]]] = defaultdict(set)
    keys: dict[tuple[str, str, tuple[str, ...]], set[str]] = defaultdict(set)
    for message in history.log:
        if message.channel in {"email", "webhook"}:
            owners[message.channel, message.key].add((message.to, *message.names))
            keys[message.channel, message.to, message.names].add(message.key)
    return [
        *_shown(
            "duplicate that its receiver cannot know by its key", [m for m, known in keys.items() if len(known) > 1]
        ),
        *_shown(
            "different messages of one key", [key for key, theirs in owners.items() if len(theirs) > 1 or not key[1]]
        ),
    ]


def _leases(history: History) -> list[str]:
    """One at a time tries a message, and only he writes what became of it."""
    channels = {n["id"]: n["channel"] for n in history.notifications}
    unleased = [
        (moved["notification_id"], moved["was"], moved["became"])
        for moved in history.witnessed
        if (moved["was"], moved["became"])
        not in _MOVES_BY_CHANNEL.get(channels.get(moved["notification_id"], ""), _MOVES)
    ]
    crowded, late = [], []
    for notification_id, attempts in history.attempts.items():
        for one, following in pairwise(attempts):
            if one["finished_at"] is not None and one["finished_at"] > following["started_at"]:
                late.append(notification_id)
            alone_until = one["started_at"] + timedelta(seconds=history.lease_s)
            if one["finished_at"] is None and following["started_at"] < alone_until:
                crowded.append(notification_id)
    return [
        *_shown("written by somebody who had no lease", unleased),
        *_shown("tried by two at once", crowded),
        *_shown("result written though another was trying", late),
    ]


def _stops(history: History) -> list[str]:
    """While somebody has an alert nobody else is called for it; what was in doubt then may be found out."""
    called, again = [], []
    for n in history.notifications:
        if n["step"] is None or n["channel"] == "console":
            continue
        attempts = history.attempts[n["id"]]
        spans = list(_in_hand(history, n["alert_id"]))
        for before, attempt in zip([None, *attempts], attempts, strict=False):
            if not any(since + _CLOCK < attempt["started_at"] < until for since, until in spans):
                continue
            if before is None:
                called.append(_name(n))
            elif before["outcome"] == "temporary" and n["channel"] not in _MACHINES:
                again.append(_name(n))
    return [
        *_shown("called although somebody had taken the alert", called),
        *_shown("tried again although somebody had taken the alert", again),
    ]


def _in_hand(history: History, alert_id: int) -> Iterator[tuple[datetime, datetime]]:
    """From when until when somebody had the alert; what is closed he has for good."""
    since: datetime | None = None
    for event in history.events:
        if event["alert_id"] != alert_id:
            continue
        if event["kind"] == "acknowledged":
            since = event["at"]
        elif event["kind"] == "lapsed" and since is not None:
            yield since, event["at"]
            since = None
    if since is not None:
        yield since, since + timedelta(days=1)


def _answers(history: History, now: datetime) -> list[str]:
    """What the provider was told that we have heard is written, worked on, and has taken its alert."""
    heard = {(said.channel, said.sid): said for said in history.answers if said.heard}
    lost, idle, in_vain, foreign, guessed = [], [], [], [], []
    for key, said in heard.items():
        row = history.callbacks.get(key)
        if row is None:
            lost.append(key)
        elif row["verdict"] in {"new", "acknowledging"}:
            if row["received_at"] < now - timedelta(seconds=LATE_S):
                idle.append(key)
        else:
            meant = _meant(history, said)
            if row["verdict"] in _TOOK and (row["alert_id"], "acknowledged") not in history.happened:
                in_vain.append(key)
            if meant is not None and (row["verdict"] not in _TOOK or row["alert_id"] != meant):
                foreign.append((*key, row["verdict"]))
            if meant is None and row["verdict"] in _TOOK and not _told_alone(history, said, row["alert_id"]):
                guessed.append(key)
    return [
        *_shown("answer that was heard is not written", lost),
        *_shown("answer was heard and nobody works on it", idle),
        *_shown("answer was heard, and its alert was never taken", in_vain),
        *_shown("answer was not understood as the alert that it names", foreign),
        *_shown("answer took one of several alerts, and named none", guessed),
    ]


def _told_alone(history: History, said: Answered, alert_id: int) -> bool:
    """Whether that telephone got an alarm about that alert and no other."""
    return any(
        message.to == said.phone_e164 and len(message.names) == 1
        for n in history.notifications
        if n["alert_id"] == alert_id and n["channel"] == said.channel and n["occasion"] == "raised"
        for message in history.taken[n["id"]]
    )


def _meant(history: History, said: Answered) -> int | None:
    """The alert that an answer names; None: the newest."""
    if said.notification_id is None:
        return said.alert_id
    return next((n["alert_id"] for n in history.notifications if n["id"] == said.notification_id), None)


def _endings(history: History) -> list[str]:
    """Each alert was taken by somebody, or ran through all its steps and says so."""
    answered = {(said.phone_e164, _meant(history, said)) for said in history.answers if not said.refused}
    lost = [act for act in history.acts if act not in history.happened]
    nobody = []
    for event in history.events:
        act = event["alert_id"], event["kind"]
        if act[1] in {"acknowledged", "closed"} and act not in history.acts:
            phone = history.phones.get((event["detail"] or {}).get("contact_id"))
            if not answered & {(phone, act[0]), (phone, None)}:
                nobody.append(act)
    silent, early = [], []
    for alert in history.alerts:
        name, exhausted = f"A{alert['id']}", (alert["id"], "steps_exhausted") in history.happened
        if alert["state"] != "triggered":
            if (alert["id"], alert["state"]) not in history.happened:
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


def _was_listed(history: History, attempts: Sequence[DictRow], taken: Sequence[Taken]) -> bool:
    """Whether one was sent again by an attempt that began when the provider's list had one already.

    How long that attempt took says nothing: on a busy machine its text comes long after its look.
    """
    lag = timedelta(seconds=history.listed_after_s) + _CLOCK
    in_order = sorted(taken, key=lambda message: message.at)
    return any(_begun_at(attempts, again) > before.at + lag for before, again in pairwise(in_order))


def _begun_at(attempts: Sequence[DictRow], text: Taken) -> datetime:
    """When the attempt began that sent it; where no answer says which did, hardly before the last that may have."""
    answered = [t["started_at"] for t in attempts if t["provider_id"] == text.sid and t["http_status"] is not None]
    return max(
        answered or [t["started_at"] - _OVERTAKEN for t in attempts if t["started_at"] <= text.at], default=text.at
    )


def _may_have_sent(notification: DictRow, attempt: DictRow) -> bool:
    """A receiver of webhooks that says "again later" may have the document all the same: it knows it by its key."""
    heard = notification["channel"] == "webhook" and attempt["http_status"] is not None
    return heard or posted(notification, attempt) or attempt["outcome"] in {None, "ambiguous"}


def _name(notification: DictRow) -> tuple[int, str, str]:
    return notification["id"], notification["channel"], reference(notification)


def _shown(fault: str, cases: Sequence[object]) -> list[str]:
    if not cases:
        return []
    return [f"{fault}: {len(cases)}, e.g. {', '.join(map(str, cases[:_SHOWN]))}"]
