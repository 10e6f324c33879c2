"""The chain on paper: what is hashed is unambiguous, and a walk finds a fault exactly where something was changed."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.audit.chain import Event, Field, Head, Seal, canonical, commit, genesis, seal
from alerts.audit.walk import FAULTS_KEPT, Walk
from gyrophare.kernel.ids import AccountId, AlertId

BEGIN_AT = datetime(2026, 1, 14, 7, 42, 3, tzinfo=UTC)
INSTALLATION = UUID(int=7)
SALT = bytes(16)


@dataclass
class Record:
    """What a database holds: the history, its chain and its salts."""

    installation: UUID
    events: dict[int, Event]
    seals: list[Seal]
    salts: dict[int, bytes]

    @classmethod
    def of(cls, events: list[Event]) -> Record:
        head, seals = genesis(INSTALLATION), []
        for event in events:
            seals.append(seal(head, event, SALT, event.at + timedelta(seconds=1)))
            head = Head(number=seals[-1].number, hash=seals[-1].hash)
        return cls(INSTALLATION, {event.id: event for event in events}, seals, {event.id: SALT for event in events})

    def walk(self, *anchors: bytes) -> Walk:
        walk = Walk(genesis(self.installation), anchors)
        for one in sorted(self.seals, key=lambda one: one.number):
            event = self.events.get(one.event_id)
            erased = event is not None and any(
                other.kind == "erased" and other.alert_id == event.alert_id and other.id > event.id
                for other in self.events.values()
            )
            walk.look(one, event, self.salts.get(one.event_id), erased=erased)
        walk.end()
        return walk


def event(number: int, **other: Any) -> Event:
    return replace(
        Event(
            id=number,
            alert_id=AlertId(1 + number % 3),
            at=BEGIN_AT + timedelta(seconds=number),
            kind="acknowledged",
            account_id=None,
            detail='{"rank": 1}',
            statement=None,
        ),
        **other,
    )


def record(count: int = 9) -> Record:
    return Record.of([event(number) for number in range(1, count + 1)])


def faults(walk: Walk) -> list[str]:
    return [f"{fault.kind} {fault.number}" for fault in walk.faults]


fields: st.SearchStrategy[Field] = st.one_of(
    st.none(),
    st.text(),
    st.binary(),
    st.integers(),
    st.datetimes(timezones=st.just(UTC)),
)
rows = st.lists(fields, max_size=4)


@given(rows, rows)
def test_two_different_rows_never_have_the_same_bytes(one: list[Field], other: list[Field]) -> None:
    def typed(row: list[Field]) -> list[tuple[type, Field]]:
        return [(type(field), field) for field in row]

    assert (canonical("x", *one) == canonical("x", *other)) is (typed(one) == typed(other))


def test_text_that_looks_like_a_border_is_none() -> None:
    """Every short row of the letters of the types themselves, with which plain joining would be ambiguous."""
    texts = [None, *("".join(made) for length in range(3) for made in itertools.product("sn", repeat=length))]
    made = [row for length in range(4) for row in itertools.product(texts, repeat=length)]
    assert len({canonical("x", *row) for row in made}) == len(made) == 585


def test_what_is_hashed_for_one_purpose_is_nothing_else() -> None:
    assert len({canonical(label, b"1") for label in ("genesis", "commitment", "seal")}) == 3
    assert canonical("x", "1") != canonical("x", 1) != canonical("x", b"1")
    assert canonical("x", BEGIN_AT) == canonical("x", BEGIN_AT.astimezone(UTC))


def test_form_stays_as_it_was_written_down() -> None:
    """Every chain of the past is checked with it: who changes it gives it another version."""
    at = datetime(2026, 1, 14, tzinfo=UTC)
    assert canonical("x", None, "é", b"\0", 12, at) == (
        b"\1s\0\0\0\1xn\0\0\0\0s\0\0\0\2\xc3\xa9b\0\0\0\1\0i\0\0\0\x0212t\0\0\0\x101768348800000000"
    )
    assert genesis(INSTALLATION).hash == sha256(b"\x01s\0\0\0\7genesisb\0\0\0\x10" + INSTALLATION.bytes).digest()
    assert record(1).seals[0].hash.hex() == "8b9c95e90b9767abc99177a17c8b96b33e30854140e122205c03102a075e51f8"


def test_commitment_hides_what_it_stands_for() -> None:
    """Who has neither salt nor detail cannot try details until one fits."""
    assert commit(SALT, event(1)) != commit(b"\1" * 16, event(1))
    assert commit(SALT, event(1)) == commit(SALT, event(1, id=2, kind="raised"))
    assert commit(SALT, event(1, statement="[]")) != commit(SALT, event(1))


def test_untouched_chain_is_whole() -> None:
    whole = record()
    walk = whole.walk(whole.seals[4].hash, whole.seals[-1].hash, genesis(INSTALLATION).hash)
    assert (walk.faults, walk.head.number, walk.erased, walk.sealed_late) == ([], 9, 0, 0)
    assert Record.of([]).walk(genesis(INSTALLATION).hash).faults == []


def test_seal_long_after_its_event_is_counted() -> None:
    late = Record.of([event(1)])
    late.seals = [seal(genesis(INSTALLATION), event(1), SALT, BEGIN_AT + timedelta(minutes=3))]
    assert late.walk().sealed_late == 1


def change(number: int, /, **to: Any) -> Callable[[Record], None]:
    def apply(of: Record) -> None:
        of.events[number] = replace(of.events[number], **to)

    return apply


def change_seal(number: int, /, **to: Any) -> Callable[[Record], None]:
    def apply(of: Record) -> None:
        of.seals[number - 1] = replace(of.seals[number - 1], **to)

    return apply


def swap(of: Record) -> None:
    """The fourth and the seventh, as if they had happened in the other order."""
    of.seals[3], of.seals[6] = replace(of.seals[6], number=4), replace(of.seals[3], number=7)


def put_in(of: Record) -> None:
    """An event before the fifth, sealed like the others and all numbers after it one higher."""
    of.events[99] = event(99)
    forged = seal(Head(number=4, hash=of.seals[3].hash), of.events[99], SALT, of.seals[4].sealed_at)
    of.salts[99] = SALT
    of.seals[4:] = [forged, *(replace(one, number=one.number + 1) for one in of.seals[4:])]


def forge_tail(of: Record) -> None:
    """All from the fifth on, written anew without a mistake."""
    change(5, kind="closed")(of)
    head = Head(number=4, hash=of.seals[3].hash)
    for place in range(4, len(of.seals)):
        of.seals[place] = seal(head, of.events[place + 1], SALT, of.seals[place].sealed_at)
        head = Head(number=of.seals[place].number, hash=of.seals[place].hash)


@pytest.mark.parametrize(
    ("tamper", "found"),
    [
        (change(5, kind="closed"), ["event_edited 5"]),
        (change(5, at=BEGIN_AT), ["event_edited 5"]),
        (change(5, alert_id=AlertId(1)), ["event_edited 5"]),
        (change(5, account_id=AccountId(1)), ["event_edited 5"]),
        (change(5, detail="{}"), ["content_edited 5"]),
        (change(5, statement="[]"), ["content_edited 5"]),
        (change_seal(5, sealed_at=BEGIN_AT), ["event_edited 5"]),
        (change_seal(5, commitment=bytes(32)), ["event_edited 5", "content_edited 5"]),
        (change_seal(5, hash=bytes(32)), ["event_edited 5", "seal_misplaced 6"]),
        (change_seal(5, previous=bytes(32)), ["seal_misplaced 5", "event_edited 5"]),
        (change_seal(1, number=-4), ["foreign_genesis -4", "event_edited -4", "seal_missing -3"]),
        (lambda of: of.events.pop(5), ["event_missing 5"]),
        (lambda of: of.seals.pop(4), ["seal_missing 5"]),
        (lambda of: of.seals.pop(0), ["seal_missing 1"]),
        (lambda of: of.salts.pop(5), ["salt_missing 5"]),
        (lambda of: of.salts.update({5: b"\1" * 16}), ["content_edited 5"]),
        (lambda of: setattr(of, "installation", UUID(int=8)), ["foreign_genesis 1"]),
        (swap, [f"{kind} {number}" for number in (4, 7) for kind in ("seal_misplaced", "event_edited")]),
        (put_in, ["seal_misplaced 6", *(f"event_edited {number}" for number in range(6, 11))]),
        (lambda of: of.seals.pop(), ["anchor_missing None"]),
        (forge_tail, ["anchor_missing None"]),
    ],
)
def test_change_is_found_and_named(tamper: Callable[[Record], object], found: list[str]) -> None:
    forged = record()
    anchor = forged.seals[-1].hash
    tamper(forged)
    named = faults(forged.walk(anchor))
    assert set(found) <= set(named)
    assert {name.split()[0] for name in named} == {name.split()[0] for name in found}


def test_cut_or_rewritten_tail_needs_an_anchor_kept_elsewhere() -> None:
    cut = record()
    anchor = cut.seals[6].hash
    del cut.seals[5:]
    assert faults(cut.walk()) == []
    assert [str(fault) for fault in cut.walk(anchor).faults] == [
        f"anchor {anchor.hex()}: no seal has this hash: the chain was cut before it, or written anew"
    ]


def test_erased_content_is_counted_and_an_emptied_one_without_its_salt_is_not_taken_for_it() -> None:
    closed = Record.of([event(1, alert_id=AlertId(1)), event(2, alert_id=AlertId(1), kind="erased", detail="{}")])
    del closed.salts[1]
    assert faults(closed.walk()) == ["content_edited 1"]  # the erasure left nothing of it
    change(1, detail="{}")(closed)
    walk = closed.walk()
    assert (walk.faults, walk.erased) == ([], 1)
    change(2, alert_id=AlertId(2))(closed)  # of another alert
    assert faults(closed.walk()) == ["salt_missing 1", "event_edited 2"]


def test_fault_is_a_sentence_that_names_what_it_is_about() -> None:
    gap = record()
    change(8, kind="closed")(gap)
    del gap.seals[2:5]
    assert [str(fault) for fault in gap.walk().faults] == [
        "seals 3 to 5: gone",
        "seal 8, event 8, alert A3: its event, or the seal itself, was edited",
    ]


def test_chain_of_nothing_but_faults_takes_no_more_memory() -> None:
    forged = record(FAULTS_KEPT + 10)
    forged.salts.clear()
    walk = forged.walk()
    assert (len(walk.faults), walk.faults_in_all) == (FAULTS_KEPT, FAULTS_KEPT + 10)


events = st.builds(
    Event,
    id=st.just(0),
    alert_id=st.integers(1, 3).map(AlertId),
    at=st.datetimes(timezones=st.just(UTC)),
    kind=st.sampled_from(["raised", "presented", "acknowledged", "closed"]),
    account_id=st.none() | st.integers(1, 2).map(AccountId),
    detail=st.sampled_from(["{}", '{"rank": 1}', '{"rank": 2}']),
    statement=st.none() | st.sampled_from(['["Zoé"]', '["Zoe"]']),
)
histories = st.lists(events, min_size=1, max_size=8).map(
    lambda made: [replace(one, id=number) for number, one in enumerate(made, start=1)]
)
_EVENT = ("alert_id", "at", "kind", "account_id", "detail", "statement")
_SEAL = ("number", "event_id", "previous", "commitment", "hash", "sealed_at")


def tamper(of: Record, data: st.DataObject) -> None:
    """Something that a person with every right could do to the tables; sometimes it changes nothing."""
    place = data.draw(st.integers(0, len(of.seals) - 1), label="where")
    other = data.draw(st.integers(0, len(of.seals) - 1), label="and where")
    this, that = of.seals[place], of.seals[other]
    match data.draw(st.sampled_from(["event", "seal", "delete", "unseal", "cut", "swap", "salt", "nothing"])):
        case "event" if {this.event_id, that.event_id} <= of.events.keys():
            name = data.draw(st.sampled_from(_EVENT))
            change(this.event_id, **{name: getattr(of.events[that.event_id], name)})(of)
        case "seal":
            name = data.draw(st.sampled_from(_SEAL[2:]))
            of.seals[place] = replace(this, **{name: getattr(that, name)})
        case "delete":
            of.events.pop(this.event_id, None)
        case "unseal" if len(of.seals) > 1:
            del of.seals[place]
        case "cut":
            del of.seals[place + 1 :]
        case "swap":
            of.seals[place] = replace(that, number=this.number)
            of.seals[other] = replace(this, number=that.number)
        case "salt":
            of.salts[this.event_id] = data.draw(st.sampled_from([SALT, b"\1" * 16]))


@given(histories, st.data())
def test_fault_is_found_if_and_only_if_something_was_changed(history: list[Event], data: st.DataObject) -> None:
    before, after = Record.of(history), Record.of(history)
    for _ in range(data.draw(st.integers(0, 3), label="how often")):
        tamper(after, data)
    assert bool(after.walk(before.seals[-1].hash).faults_in_all) is (before != after)


def test_numbers_of_seals_follow_each_other() -> None:
    assert [one.number for one in record().seals] == list(itertools.islice(itertools.count(1), 9))
