"""The faults of simulated watches do what they say, and the same seed gives the same messages."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

import pytest

from gyrophare.kernel.errors import SettingsError
from gyrophare.kernel.observations import Doubt, Report, Sender, Wire
from gyrophare.sim.faults import ALARMS, MEANINGS, Fate, Fault, chosen
from gyrophare.sim.fleet import Crew, Fleet, Loaded, load
from gyrophare.sim.spool import Spool
from gyrophare.sim.watch import Publication
from ingest import topics
from ingest.formats import BODY_MAX_BYTES
from tests.simulated import SINCE, after, numbers, receipt, said, simulated_watch

EVERYTHING = frozenset(Fault)
RECEIPTS = "gyrophare/v1/watches/w-1/receipts"


def fate(*faults: Fault, name: str = "w-1", seed: int = 0) -> Fate:
    return Fate(name=name, since=SINCE, faults=frozenset(faults), seed=seed)


def played(crew: Crew, seconds: int = 120) -> list[Publication]:
    """What a crew sends when nobody ever answers."""
    spool = Spool(None)
    fleet = Fleet(crew, SINCE, spool)
    sent = [message for second in range(seconds) for message in fleet.tick(after(second))]
    spool.close()
    return sent


# ------------------------------------------------------------------ repeatable


@pytest.mark.parametrize("faults", [frozenset(), EVERYTHING], ids=["no fault", "every fault"])
def test_same_seed_gives_the_same_messages(faults: frozenset[Fault]) -> None:
    crew = Crew(count=30, interval_s=3, seed=7, faults=faults)
    sent = played(crew)
    assert len(sent) > 1_000
    assert sent == played(crew)


def test_another_seed_gives_others() -> None:
    one, other = (played(Crew(count=10, seed=seed), 20) for seed in (1, 2))
    assert {message.device for message in one} == {message.device for message in other}
    assert not {message.payload for message in one} & {message.payload for message in other}


def test_every_boot_is_another_one() -> None:
    """What was sent in an earlier run, of the same seed too, must not be taken for what this one sends."""
    runs = [Fleet(Crew(count=5, phones=0), since, Spool(None)) for since in (SINCE, after(1))]
    boots = [
        report["boot"]
        for fleet, second in zip(runs, (0, 1), strict=True)
        for report in said(fleet.tick(after(second + 10)))
    ]
    assert len(set(boots)) == 10


def test_load_is_the_same_each_time_and_numbers_each_device_from_one() -> None:
    crew = Crew(count=20, interval_s=2, seed=3, faults=chosen("skew"))

    def first(rounds: int) -> list[list[Loaded]]:
        return list(itertools.islice(load(crew, SINCE), rounds))

    assert first(5) == first(5)
    assert [{loaded.number for loaded in those} for those in first(3)] == [{1}, {2}, {3}]
    assert [len({loaded.topic for loaded in those}) for those in first(2)] == [20, 20]


def test_server_understands_every_word_of_a_crew() -> None:
    """Of all faults only the unset clock is something to refuse."""
    sent = played(Crew(count=40, interval_s=2, seed=5, faults=EVERYTHING))
    refused: Counter[str] = Counter()
    for message in sent:
        address = topics.parse(message.topic)
        decoded = address.route.decode(message.payload, address.sender, after(120))
        assert decoded.observations
        assert len(message.payload) < BODY_MAX_BYTES
        refused.update(refusal.reason for refusal in decoded.refusals)
    assert set(refused) == {Doubt.CLOCK_NOT_SET}


def test_steps_of_all_reports_add_up_to_those_of_the_wearer() -> None:
    crew = Crew(count=10, phones=0, interval_s=4)
    steps: Counter[str] = Counter()
    bodies = {reporter.fate.name: reporter.body for reporter in crew.reporters(SINCE)}
    last_at: dict[str, datetime] = {}
    for those in itertools.islice(load(crew, SINCE), 200):
        for loaded in those:
            sender: Sender = topics.parse(loaded.topic).sender
            [report] = topics.parse(loaded.topic).route.decode(loaded.body, sender, after(0)).observations
            assert isinstance(report, Report)
            assert report.steps is not None
            assert report.sent_at is not None
            steps[sender.name] += report.steps
            last_at[sender.name] = report.sent_at
    assert {name: bodies[name].steps(at) for name, at in last_at.items()} == steps
    assert max(steps.values()) > 500


def test_share_of_telephones_is_what_was_asked_for() -> None:
    for phones, expected in ((0.0, 0), (0.1, 10), (0.25, 25), (1.0, 100)):
        members = Crew(count=100, phones=phones).members()
        assert sum(speaks == "owntracks" for _, speaks in members) == expected
        assert len({name for name, _ in members}) == 100


# ------------------------------------------------------------------ each fault


def test_white_zone_is_20_s_a_minute_and_what_it_held_comes_in_one_message() -> None:
    lived = fate(Fault.WHITE_ZONE)
    covered = [lived.covered(after(second)) for second in range(600)]
    assert covered.count(False) == 200
    assert sum(one != other for one, other in itertools.pairwise(covered)) in {19, 20}

    watch = simulated_watch(Spool(None), faults={Fault.WHITE_ZONE})
    for second in range(120):
        watch.measure(after(second))
        messages = watch.outgoing(after(second))
        if not covered[second]:
            assert messages == []
        elif second and not covered[second - 1]:
            sizes = [message.reports for message in messages]
            assert max(sizes) == min(second, 20)
            late = [report for report in said(messages) if report.get("buffered")]
            assert len(late) == max(sizes)
        watch.hear(RECEIPTS, receipt(watch._reporter.boot, 10_000), after(second))


def test_in_a_white_zone_nothing_is_heard() -> None:
    watch = simulated_watch(Spool(None), faults={Fault.WHITE_ZONE})
    lived = fate(Fault.WHITE_ZONE)
    dark, light = (next(second for second in range(60) if lived.covered(after(second)) is lit) for lit in (False, True))
    watch.measure(after(0))
    watch.hear(RECEIPTS, receipt(watch._reporter.boot, 1), after(dark))
    assert watch.owed == 1
    watch.hear(RECEIPTS, receipt(watch._reporter.boot, 1), after(light))
    assert watch.owed == 0


def sent_by_one(faults: Collection[Fault], seconds: int = 1_000) -> list[tuple[int, list[int]]]:
    """Of a watch that measures each second and is receipted at once: the second and the numbers of each message."""
    watch = simulated_watch(Spool(None), faults=faults)
    sent = []
    for second in range(seconds):
        watch.measure(after(second))
        sent += [(second, numbers([message])) for message in watch.outgoing(after(second))]
        watch.hear(RECEIPTS, receipt(watch._reporter.boot, 10_000), after(second))
    return sent


def test_duplicates_are_one_message_in_ten_sent_twice() -> None:
    times = Counter(number for _, those in sent_by_one({Fault.DUPLICATES}) for number in those)
    assert set(times.values()) == {1, 2}
    assert 60 <= sum(count == 2 for count in times.values()) <= 140


def test_reordered_messages_are_overtaken_and_all_arrive() -> None:
    arrived = [number for _, those in sent_by_one({Fault.REORDER}) for number in those]
    assert sorted(arrived[:-5])[:900] == list(range(1, 901))
    assert len(arrived) == len(set(arrived))
    overtaken = sum(number < max(arrived[:place], default=0) for place, number in enumerate(arrived))
    assert 100 <= overtaken <= 300


def test_with_reorder_what_was_buffered_comes_newest_first() -> None:
    watch = simulated_watch(Spool(None), faults={Fault.REORDER})
    for second in range(700):
        watch.measure(after(second))
    arrived = [numbers([message]) for message in watch.outgoing(after(710))]
    arrived += [numbers([message]) for message in watch.outgoing(after(714))]
    assert sorted(arrived) == [list(range(500, 0, -1)), list(range(700, 500, -1))]


def test_skewed_clock_is_off_by_the_same_all_day_and_the_receiver_knows_better() -> None:
    errors_s = set()
    for seed in range(50):
        watch = simulated_watch(Spool(None), faults={Fault.SKEW}, seed=seed)
        for second in (0, 3_600):
            watch.measure(after(second))
        first, last = said(watch.outgoing(after(3_600)))
        skews = {
            datetime.fromisoformat(report["sent_at"]) - datetime.fromisoformat(report["fix"]["fixed_at"])
            for report in (first, last)
        }
        [skew] = skews
        errors_s.add(skew.total_seconds())
    assert len(errors_s) == 50
    assert -600 <= min(errors_s) < -300 < 300 < max(errors_s) <= 600


def test_drifting_clock_loses_or_gains_up_to_one_per_cent() -> None:
    drifts = [(fate(Fault.DRIFT, seed=seed).clock(after(1_000)) - after(1_000)).total_seconds() for seed in range(50)]
    assert -10 <= min(drifts) < -5 < 5 < max(drifts) <= 10
    assert fate(Fault.DRIFT).clock(SINCE) == SINCE


def test_unset_clock_is_1970_without_a_fix_for_ten_seconds_after_each_start() -> None:
    watch = simulated_watch(Spool(None), faults={Fault.UNSET_CLOCK})
    for second in (0, 4, 9, 10, 11):
        watch.measure(after(second))
    reports = said(watch.outgoing(after(11)))
    by_number: dict[int, dict[str, Any]] = {report["seq"]: report for report in reports}
    assert [by_number[number]["sent_at"][:19] for number in range(1, 6)] == [
        "1970-01-01T00:00:00",
        "1970-01-01T00:00:04",
        "1970-01-01T00:00:09",
        "2026-01-14T07:42:13",
        "2026-01-14T07:42:14",
    ]
    assert ["fix" in by_number[number] for number in range(1, 6)] == [False, False, False, True, True]


def test_reboot_begins_a_new_boot_with_number_one_each_90_s() -> None:
    watch = simulated_watch(Spool(None), faults={Fault.REBOOT})
    boots: dict[str, list[int]] = {}
    for second in range(0, 450, 2):
        watch.measure(after(second))
        for report in said(watch.outgoing(after(second))):
            boots.setdefault(report["boot"], []).append(report["seq"])
        watch.hear(RECEIPTS, receipt(watch._reporter.boot, 10_000), after(second))
    assert len(boots) == 6
    assert all(those == list(range(1, len(those) + 1)) for those in boots.values())
    assert [len(those) for those in boots.values()][1:-1] == [45] * 4


def test_one_receipt_in_three_is_lost_and_the_next_does_its_work() -> None:
    watch = simulated_watch(Spool(None), faults={Fault.LOST_RECEIPTS})
    for second in range(300):
        watch.measure(after(second))
        watch.outgoing(after(second))
        watch.hear(RECEIPTS, receipt(watch._reporter.boot, second + 1), after(second))
    assert 70 <= 300 - watch.receipts <= 130
    assert watch.owed < 15


def test_stricken_are_one_in_twenty_and_raise_alarms_only_when_asked_for() -> None:
    crew = Crew(count=400, phones=0, faults=frozenset(ALARMS))
    fates = [reporter.fate for reporter in crew.reporters(SINCE)]
    presses_at = [at for at in (fate.presses_sos_at() for fate in fates) if at is not None]
    lies_from = [at for at in (fate.lies_from() for fate in fates) if at is not None]
    for instants in (presses_at, lies_from):
        assert 8 <= len(instants) <= 35
        assert timedelta(seconds=10) <= min(instants) - SINCE <= max(instants) - SINCE <= timedelta(seconds=40)
    assert chosen("all") == frozenset(Fault) - {Fault.SOS, Fault.MAN_DOWN}
    assert fate().presses_sos_at() is fate().lies_from() is None


def test_sos_of_a_stricken_is_sent_once_and_the_man_down_lies_still() -> None:
    crew = Crew(count=100, phones=0, interval_s=5, faults=frozenset(ALARMS))
    spool = Spool(None)
    fleet = Fleet(crew, SINCE, spool)
    sent = [message for second in range(60) for message in fleet.tick(after(second)) if message.event]
    assert {event["kind"] for event in said(sent)} == {"sos"}
    owed = {watch.name: sum(kept.event for kept in spool.owed(watch.name, 99)) for watch in fleet}
    stricken = {reporter.fate.name for reporter in crew.reporters(SINCE) if reporter.fate.presses_sos_at()}
    assert {name: count for name, count in owed.items() if count} == dict.fromkeys(stricken, 1)
    assert {message.device for message in sent} == stricken
    spool.close()
    for reporter in crew.reporters(SINCE):
        lies_from = reporter.fate.lies_from()
        if lies_from is not None:
            assert reporter.body.plan.activity(lies_from + timedelta(hours=3)).name == "lie"
            assert reporter.body.position(lies_from) == reporter.body.position(lies_from + timedelta(hours=9))


def test_nobody_else_lies_or_rests_so_long_that_it_is_an_alarm() -> None:
    for reporter in Crew(count=40, phones=0).reporters(SINCE):
        resting_s = 0.0
        for part in reporter.body.plan.segments[:-1]:
            resting_s = resting_s + part.seconds if part.activity.pace_mps == 0 else 0.0
            assert resting_s <= 120
        assert "lie" not in {part.activity.name for part in reporter.body.plan.segments}


def test_faults_are_chosen_by_name() -> None:
    assert chosen("") == frozenset()
    assert chosen(" reorder, skew,") == {Fault.REORDER, Fault.SKEW}
    assert chosen("all,sos") == frozenset(Fault) - {Fault.MAN_DOWN}
    with pytest.raises(SettingsError, match="fault 'whitezone': no such fault"):
        chosen("skew,whitezone")


def test_every_fault_has_a_meaning() -> None:
    assert set(MEANINGS) == set(Fault)


def test_wire_names_are_those_of_the_server() -> None:
    for name, speaks in Crew(count=20).members():
        wire = Wire(speaks)
        topic = f"owntracks/{name}" if wire is Wire.OWNTRACKS else f"gyrophare/v1/watches/{name}/fixes"
        assert topics.parse(topic).sender == Sender(wire=wire, name=name)
