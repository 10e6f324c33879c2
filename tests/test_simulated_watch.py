"""A simulated watch owes what it measured until a receipt names it, and says so to its wearer."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from gyrophare.sim.faults import Fault
from gyrophare.sim.history import Done, History
from gyrophare.sim.spool import Kept, Spool
from tests.simulated import after, numbers, receipt, said, simulated_watch

RECEIPTS, COMMANDS = "gyrophare/v1/watches/w-1/receipts", "gyrophare/v1/watches/w-1/commands"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "spool.sqlite3"


@pytest.fixture
def spool(path: Path) -> Iterator[Spool]:
    spool = Spool(path)
    yield spool
    spool.close()


def test_report_goes_out_alone_and_at_once(spool: Spool) -> None:
    watch = simulated_watch(spool)
    watch.measure(after(5))
    [message] = watch.outgoing(after(5))
    assert message.topic == "gyrophare/v1/watches/w-1/fixes"
    [report] = said([message])
    assert report["sent_at"] == report["fix"]["fixed_at"] == "2026-01-14T07:42:08.000Z"
    assert report["seq"] == 1
    assert report["motion"]["steps"] == 8
    assert "buffered" not in report
    assert watch.outgoing(after(6)) == []


def test_receipt_deletes_what_it_names_and_nothing_else(spool: Spool) -> None:
    watch = simulated_watch(spool)
    for second in range(10):
        watch.measure(after(second))
    boot = said(watch.outgoing(after(10)))[0]["boot"]
    watch.hear(RECEIPTS, receipt(boot, 3, also=[5, 9]), after(11))
    assert [kept.number for kept in spool.owed("w-1", 100)] == [4, 6, 7, 8, 10]
    watch.hear(RECEIPTS, receipt("another-boot", 10), after(11))
    watch.hear("gyrophare/v1/watches/w-2/receipts", receipt("another-boot", 10), after(11))
    assert watch.owed == 5
    assert (watch.receipts, watch.receipted) == (3, 5)
    watch.hear(RECEIPTS, receipt(boot, 10), after(12))
    assert watch.owed == 0
    assert watch.outgoing(after(500)) == []


def test_watches_that_share_a_file_owe_each_their_own(spool: Spool) -> None:
    one, other = simulated_watch(spool, "w-1"), simulated_watch(spool, "w-2")
    for watch in (one, other):
        watch.measure(after(1))
        watch.measure(after(2))
    [boot] = {report["boot"] for report in said(one.outgoing(after(2)))}
    one.hear(RECEIPTS, receipt(boot, 2), after(3))
    assert (one.owed, other.owed) == (0, 2)


def test_without_a_receipt_it_sends_again_with_growing_patience(spool: Spool) -> None:
    watch = simulated_watch(spool)
    watch.measure(after(0))
    sent_at_s = [second for second in range(800) if watch.outgoing(after(second))]
    assert sent_at_s == [0, 10, 30, 70, 150, 310, 470, 630, 790]
    assert watch.resent == 8


def test_what_is_sent_again_is_an_array_that_says_so(spool: Spool) -> None:
    watch = simulated_watch(spool)
    watch.measure(after(0))
    watch.measure(after(1))
    first = said(watch.outgoing(after(1)))
    [again] = watch.outgoing(after(11))
    assert again.reports == 2
    assert said([again]) == [report | {"buffered": True} for report in first]


def test_receipt_after_a_silence_ends_the_patience(spool: Spool) -> None:
    watch = simulated_watch(spool)
    for second in (0, 200):
        watch.measure(after(second))
        for tick in range(200):
            watch.outgoing(after(second + tick))
    [boot] = {kept.boot for kept in spool.owed("w-1", 9)}
    watch.hear(RECEIPTS, receipt(boot, 0, also=[2]), after(400))
    assert numbers(watch.outgoing(after(400))) == [1]
    assert watch.outgoing(after(419)) == []
    assert numbers(watch.outgoing(after(420))) == [1]


def test_sos_is_spooled_and_sent_again_until_it_is_receipted(spool: Spool, path: Path) -> None:
    watch = simulated_watch(spool)
    watch.press("sos", after(0))
    elsewhere = sqlite3.connect(path)
    assert elsewhere.execute("select event, number from spooled").fetchall() == [(1, 1)]  # before anything was sent
    elsewhere.close()
    sent = {second: watch.outgoing(after(second)) for second in range(31)}
    assert [second for second, messages in sent.items() if messages] == [0, 5, 10, 15, 20, 25, 30]
    assert all(messages == sent[0] for messages in sent.values() if messages)
    [press] = said(sent[0])
    assert (press["kind"], press["occurred_at"]) == ("sos", "2026-01-14T07:42:03.000Z")
    assert sent[0][0].topic == "gyrophare/v1/watches/w-1/events"
    watch.hear(RECEIPTS, receipt(press["boot"], 1), after(31))
    assert watch.outgoing(after(600)) == []


def test_sos_goes_before_reports_measured_earlier(spool: Spool) -> None:
    watch = simulated_watch(spool)
    watch.measure(after(0))
    watch.measure(after(1))
    watch.press("sos", after(1))
    assert numbers(watch.outgoing(after(1))) == [3, 1, 2]
    assert numbers(watch.outgoing(after(11))) == [3, 1, 2]


def test_what_was_measured_without_network_comes_in_arrays_of_500(spool: Spool) -> None:
    watch = simulated_watch(spool)
    for second in range(1_200):
        watch.measure(after(second))
        assert watch.outgoing(after(second), online=False) == []
    messages = watch.outgoing(after(1_200))
    assert [message.reports for message in messages] == [500, 500, 200]
    assert numbers(messages) == list(range(1, 1_201))
    assert all(report["buffered"] is True for report in said(messages))


def test_long_backlog_waits_for_the_receipts_of_its_beginning(spool: Spool) -> None:
    watch = simulated_watch(spool)
    for second in range(3_000):
        watch.measure(after(second))
    first = watch.outgoing(after(3_010))
    assert numbers(first) == list(range(1, 2_001))
    assert watch.outgoing(after(3_011)) == []
    watch.hear(RECEIPTS, receipt(said(first)[0]["boot"], 2_000), after(3_012))
    assert numbers(watch.outgoing(after(3_012))) == list(range(2_001, 3_001))


def test_watch_without_a_receipt_for_its_limit_shows_that_it_protects_nobody(spool: Spool) -> None:
    watch = simulated_watch(spool)
    watch.measure(after(0))
    [report] = said(watch.outgoing(after(0)))
    assert watch.screen(after(0)) == "non protégé"  # nobody has ever answered
    watch.hear(RECEIPTS, receipt(report["boot"], 1), after(1))
    assert watch.screen(after(1)) == watch.screen(after(60)) == "protégé"
    assert watch.screen(after(61)) == "non protégé"
    watch.hear(RECEIPTS, receipt(report["boot"], 1), after(70))
    assert watch.protected(after(70))


def test_restart_begins_a_boot_and_sends_at_once_what_the_last_one_owed(spool: Spool) -> None:
    watch = simulated_watch(spool)
    watch.measure(after(0))
    watch.press("sos", after(1))
    before = said(watch.outgoing(after(1)))
    again = simulated_watch(spool)
    again.measure(after(2))
    reports = said(again.outgoing(after(2)))
    assert [(report["boot"], report["seq"]) for report in reports if report["boot"] == before[0]["boot"]] == [
        (before[0]["boot"], 2),
        (before[0]["boot"], 1),
    ]
    [new] = [report for report in reports if report["boot"] != before[0]["boot"]]
    assert new["seq"] == 1
    again.hear(RECEIPTS, receipt(before[0]["boot"], 2), after(3))
    assert [kept.boot for kept in spool.owed("w-1", 9)] == [new["boot"]]


def test_full_spool_lets_the_oldest_reports_go_and_never_an_event(path: Path) -> None:
    spool, history = Spool(path, reports_max=1_000), History()
    watch = simulated_watch(spool, history=history)
    watch.press("sos", after(0))
    for second in range(1_001):
        watch.measure(after(second))
    assert watch.dropped == 500
    assert watch.owed == 502
    kept = spool.owed("w-1", 9)
    assert (kept[0].event, kept[0].number) == (True, 1)
    assert kept[1].number == 502
    assert [message.number for message in history.messages(Done.DROPPED)] == list(range(2, 502))
    spool.close()


def test_spool_counts_again_what_it_finds(path: Path) -> None:
    spool = Spool(path)
    spool.add("w-1", Kept("b", 1, event=False, body=b"{}"))
    spool.add("w-1", Kept("b", 2, event=True, body=b"{}"))
    spool.add("w-2", Kept("b", 1, event=False, body=b"{}"))
    spool.close()
    again = Spool(path)
    assert [again.count(name) for name in ("w-1", "w-2", "w-3")] == [2, 1, 0]
    assert again.events("w-1") == 1
    again.close()


def test_event_is_synced_to_the_disk_and_a_report_is_not(spool: Spool) -> None:
    done: list[str] = []
    spool._file.set_trace_callback(done.append)
    spool.add("w-1", Kept("b", 1, event=False, body=b"{}"))
    spool.add("w-1", Kept("b", 2, event=True, body=b"{}"))
    spool.add("w-1", Kept("b", 3, event=False, body=b"{}"))
    spool.commit()
    words = [statement.split()[0].lower() for statement in done]
    assert words == [
        "begin",
        "insert",
        "commit",
        "pragma",
        "begin",
        "insert",
        "commit",
        "pragma",
        "begin",
        "insert",
        "commit",
    ]
    assert [statement for statement in done if "pragma" in statement] == [
        "pragma synchronous = full",
        "pragma synchronous = normal",
    ]
    assert spool._file.execute("pragma journal_mode").fetchone() == ("wal",)


def test_telephone_speaks_owntracks_and_trusts_the_broker(spool: Spool) -> None:
    phone = simulated_watch(spool, "michelot/telephone", speaks="owntracks")
    phone.measure(after(0))
    [message] = phone.outgoing(after(0))
    assert message.topic == "owntracks/michelot/telephone"
    [location] = said([message])
    assert location["_type"] == "location"
    assert location["tst"] == location["created_at"] == 1768376523
    assert location["vel"] == 4  # km/h
    assert phone.owed == 0
    assert phone.heard == []
    with pytest.raises(ValueError, match="speaks OwnTracks"):
        phone.press("sos", after(1))


def test_telephone_without_network_sends_each_location_alone_when_it_is_back(spool: Spool) -> None:
    phone = simulated_watch(spool, "michelot/telephone", speaks="owntracks")
    for second in range(10):
        phone.measure(after(second))
        phone.outgoing(after(second), online=False)
    messages = phone.outgoing(after(10))
    assert [location["tst"] for location in said(messages)] == [1768376523 + second for second in range(10)]
    assert len(messages) == 10
    assert phone.owed == 0


def test_commands_are_heard(spool: Spool) -> None:
    watch = simulated_watch(spool)
    watch.hear(COMMANDS, b'{"command": "prealarm"}', after(0))
    assert watch.commands == [{"command": "prealarm"}]


def test_dead_battery_is_silence(spool: Spool) -> None:
    watch = simulated_watch(spool, faults={Fault.BATTERY})
    kinds = []
    for second in range(0, 200, 5):
        watch.measure(after(second))
        kinds += [one.get("kind", round(one["battery_pct"])) for one in said(watch.outgoing(after(second)))]
        watch.hear(RECEIPTS, receipt(watch._reporter.boot, 10_000), after(second))
    levels = [kind for kind in kinds if kind != "low_battery"]
    assert levels == sorted(levels, reverse=True)
    assert 16 <= levels[0] <= 30
    assert kinds.count("low_battery") == 1
    assert len(levels) < 32  # not to the end
    watch.press("sos", after(200))
    assert watch.owed == 0
