"""What watches are told and answer, in words: pure."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gyrophare.kernel.ids import CommandId
from gyrophare.kernel.observations import Event, EventKind, Sender, Wire
from lone_worker.commands import words
from lone_worker.evidence import DELIBERATE
from tests.simulated import SINCE, after


def said(kind: EventKind, **detail: Any) -> Event:
    return Event(
        sender=Sender(wire=Wire.NATIVE, name="w-1"),
        kind=kind,
        received_at=SINCE,
        occurred_at=None,
        sequence=None,
        message_key=1,
        detail=detail,
    )


def test_prealarm_says_until_when_it_is_worth_anything() -> None:
    body = words.prealarm(number=2, episode_at=SINCE, alarm_at=after(180))
    told = json.loads(words.on_the_wire(body, CommandId(123), after(170), after(180)))
    assert told == {
        "command": "prealarm",
        "id": "c123",
        "number": 2,
        "vibrate_s": 3,
        "text": "Tout va bien ? Bougez, ou appuyez sur OK",
        "episode_at": "2026-01-14T07:42:03.000Z",
        "alarm_at": "2026-01-14T07:45:03.000Z",
        "sent_at": "2026-01-14T07:44:53.000Z",
        "expires_at": "2026-01-14T07:45:03.000Z",
    }


@pytest.mark.parametrize(
    ("text", "replies"),
    [
        ("", []),
        ("  ", []),
        ("x" * 161, []),
        ("deux\nlignes", []),
        ("ça va ?", ["1", "2", "3", "4", "5"]),
        ("ça va ?", ["Oui", " Oui "]),
        ("ça va ?", ["Oui", ""]),
        ("ça va ?", ["x" * 21]),
        ("ça va ?", ["o\0ui"]),
    ],
)
def test_message_that_a_watch_cannot_show_is_refused(text: str, replies: list[str]) -> None:
    with pytest.raises(ValueError, match=r"caractères|réponses"):
        words.message(text, replies)


def test_message_keeps_its_words_and_answers() -> None:
    assert words.message(" Rentrez ? ", ["Oui", "Non "]) == {
        "command": "message",
        "vibrate_s": 3,
        "text": "Rentrez ?",
        "replies": ["Oui", "Non"],
    }


@pytest.mark.parametrize(
    "named", [None, 12, "", "c", "c0", "c-1", "c1 ", "n1", "C1", ["c1"], "c" + "9" * 19, "c1\n", "c١"]
)
def test_name_that_is_no_command_is_none(named: object) -> None:
    assert words.referred(said(EventKind.DELIVERED, command=named)) is None


def test_command_is_known_by_its_name() -> None:
    assert words.referred(said(EventKind.DELIVERED, command="c123")) == 123


@pytest.mark.parametrize(
    ("event", "answer"),
    [
        (said(EventKind.DELIVERED, command="c1"), None),
        (said(EventKind.REPLY, command="c1", text=" Oui "), "Oui"),
        (said(EventKind.REPLY, command="c1", text="x" * 500), "x" * 160),
        (said(EventKind.REPLY, command="c1", text=""), None),
        (said(EventKind.REPLY, command="c1", text=7), None),
        (said(EventKind.OK, command="c1"), "OK"),
        (said(EventKind.CHECKIN, command="c1"), "OK"),
        (said(EventKind.WORN, command="c1"), None),
    ],
)
def test_only_what_the_wearer_does_is_an_answer(event: Event, answer: str | None) -> None:
    assert words.answer(event) == answer


def test_delivery_is_no_act_of_the_wearer() -> None:
    assert EventKind.DELIVERED not in DELIBERATE
