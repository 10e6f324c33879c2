"""A simulated watch that is told something, and its wearer: who is alive answers, who lies still does not."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

import pytest

from gyrophare.kernel.ids import CommandId
from gyrophare.sim.activities import LIE, WALK, Activity, Plan
from gyrophare.sim.body import Body
from gyrophare.sim.cote_dor import route
from gyrophare.sim.faults import Fate
from gyrophare.sim.reporter import Reporter
from gyrophare.sim.spool import Spool
from gyrophare.sim.watch import Watch
from lone_worker.commands import words
from tests.simulated import SINCE, after, receipt, said

RECEIPTS, COMMANDS = "gyrophare/v1/watches/w-1/receipts", "gyrophare/v1/watches/w-1/commands"


@pytest.fixture
def spool() -> Iterator[Spool]:
    spool = Spool(None)
    yield spool
    spool.close()


def watch_of(spool: Spool, activity: Activity = WALK, seed: int = 0) -> Watch:
    body = Body(route=route("w-01"), plan=Plan.only(activity, SINCE), seed=seed)
    return Watch(Reporter(body, Fate(name="w-1", since=SINCE, seed=seed)), spool)


def tell(watch: Watch, number: int, body: words.Body, at: datetime, expires_at: datetime | None = None) -> None:
    watch.hear(COMMANDS, words.on_the_wire(body, CommandId(number), at, expires_at or after(1000)), at)


def prealarm(number: int = 1, episode: float = 0) -> words.Body:
    return words.prealarm(number=number, episode_at=after(episode), alarm_at=after(episode + 180))


def spoken(watch: Watch, seconds: Iterable[float]) -> Iterator[dict[str, Any]]:
    """What it says at these seconds; all is receipted."""
    for second in seconds:
        for one in said(watch.outgoing(after(second))):
            watch.hear(RECEIPTS, receipt(one["boot"], one["seq"]), after(second))
            yield one


def events(watch: Watch, *seconds: float) -> list[dict[str, Any]]:
    return [one for one in spoken(watch, seconds) if "kind" in one]


def reports(watch: Watch, *seconds: float) -> list[str]:
    return [one["sent_at"] for one in spoken(watch, seconds) if "kind" not in one]


def test_prealarm_is_delivered_at_once_and_answered_by_who_is_alive(spool: Spool) -> None:
    watch = watch_of(spool)
    tell(watch, 7, prealarm(), after(150))
    [delivered] = events(watch, 150)
    assert (delivered["kind"], delivered["command"]) == ("delivered", "c7")
    assert delivered["occurred_at"] == "2026-01-14T07:44:33.000Z"
    [pressed] = events(watch, 151, 165)
    assert (pressed["kind"], pressed["command"]) == ("ok", "c7")
    assert "2026-01-14T07:44:35" <= pressed["occurred_at"] <= "2026-01-14T07:44:45.000Z"
    assert events(watch, 1000) == []


@pytest.mark.parametrize("told", [prealarm(), words.checkin(), words.message("Ça va ?", ["Oui"])])
def test_who_lies_still_answers_nothing(spool: Spool, told: words.Body) -> None:
    watch = watch_of(spool, LIE)
    tell(watch, 1, told, after(150))
    assert [event["kind"] for event in events(watch, 150, 200, 1000)] == ["delivered"]


@pytest.mark.parametrize(
    ("told", "answer"),
    [
        (words.checkin(), [{"kind": "checkin"}]),
        (words.message("On passe à midi ?", ["Oui", "Non"]), [{"kind": "reply", "text": "Oui"}]),
        (words.message("Bon courage", []), []),
        (words.locate(), []),
    ],
)
def test_each_command_has_its_answer(spool: Spool, told: words.Body, answer: list[dict[str, str]]) -> None:
    watch = watch_of(spool)
    tell(watch, 3, told, after(10))
    delivered, *rest = events(watch, 10, 30)
    assert delivered["kind"] == "delivered"
    assert [{key: event[key] for key in ("kind", "text") if key in event} for event in rest] == answer
    assert {event["command"] for event in rest} <= {"c3"}


@pytest.mark.parametrize(("distance_m", "answer"), [(10_000, "Oui"), (10_001, "Non")])
def test_who_is_asked_to_help_goes_where_it_is_near(spool: Spool, distance_m: int, answer: str) -> None:
    watch = watch_of(spool)
    asked = words.message("Y allez-vous ?", ["Oui", "Non"])
    tell(watch, 3, {**asked, "distance_m": distance_m}, after(10))
    assert [event["text"] for event in events(watch, 10, 30) if event["kind"] == "reply"] == [answer]


def test_answer_takes_as_long_by_the_same_seed(spool: Spool) -> None:
    def answered(seed: int) -> str:
        other = Spool(None)
        watch = watch_of(other, seed=seed)
        tell(watch, 3, words.checkin(), after(10))
        at = str(events(watch, 10, 30)[1]["occurred_at"])
        other.close()
        return at

    assert answered(1) == answered(1) != answered(2)


def test_locate_is_answered_by_a_report_of_now(spool: Spool) -> None:
    watch = watch_of(spool)
    watch.measure(after(5))
    watch.outgoing(after(5))
    tell(watch, 1, words.locate(), after(8))
    assert reports(watch, 8) == ["2026-01-14T07:42:11.000Z"]
    watch.measure(after(7))  # its turn came late: what was so later is said already
    assert reports(watch, 9) == []


def test_watch_reports_each_five_seconds_until_the_alarm(spool: Spool) -> None:
    watch = watch_of(spool, LIE)
    watch.measure(after(140))
    assert len(reports(watch, 140)) == 1
    tell(watch, 1, prealarm(), after(150))
    at = [report[17:19] for report in reports(watch, *range(150, 200))]
    assert at == ["33", "38", "43", "48", "53", "58"]  # 07:44:33 is the 150th second, and at the 180th the alarm rises


def test_cancelled_prealarm_is_silent_and_never_begins_again(spool: Spool) -> None:
    watch = watch_of(spool)
    tell(watch, 1, prealarm(), after(150))
    tell(watch, 2, words.prealarm_cancel(episode_at=after(0)), after(151))
    assert [(event["kind"], event["command"]) for event in events(watch, 151)] == [
        ("delivered", "c1"),
        ("delivered", "c2"),
    ]
    tell(watch, 3, prealarm(2), after(152))  # overtaken on the way
    assert events(watch, 152, 180) == []
    assert reports(watch, 157, 170) == []
    tell(watch, 4, prealarm(1, episode=200), after(350))
    assert events(watch, 350)[0]["command"] == "c4"


def test_same_command_is_obeyed_once(spool: Spool) -> None:
    watch = watch_of(spool)
    for second in (10, 40):
        tell(watch, 1, words.checkin(), after(second))
    assert [event["kind"] for event in events(watch, 10, 30, 40, 60)] == ["delivered", "checkin"]


def test_command_whose_time_is_over_is_not_obeyed(spool: Spool) -> None:
    watch = watch_of(spool)
    tell(watch, 1, prealarm(), after(3600), expires_at=after(180))
    assert events(watch, 3600, 3700) == []


def test_answer_to_an_alarm_is_said_to_have_arrived(spool: Spool) -> None:
    """A server of an earlier version gave it no id: then there is nothing to say."""
    watch = watch_of(spool)
    told = {"command": "alarm_acknowledged", "alert": "A1", "text": "PC prévenu, on arrive"}
    watch.hear(COMMANDS, json.dumps(told).encode(), after(1))
    assert events(watch, 1) == []
    watch.hear(COMMANDS, json.dumps(told | {"id": "n5"}).encode(), after(2))
    assert [(event["kind"], event["command"]) for event in events(watch, 2)] == [("delivered", "n5")]
    assert [command["alert"] for command in watch.commands] == ["A1", "A1"]
