"""A simulated watch that is killed owes what it had sent, and its next start sends it until it is stored, once."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from pathlib import Path

import pytest

from gyrophare.embedded import MqttBroker
from gyrophare.kernel.clock import ManualClock
from gyrophare.server import Server
from gyrophare.sim.connected import ConnectedWatch
from gyrophare.sim.history import Done, History, Message
from gyrophare.sim.spool import Spool
from tests.department import Department, until
from tests.simulated import SINCE, after, native_key, said, simulated_watch

ROOT = Path(__file__).parent.parent


async def killed_after(lines: int, path: Path) -> list[tuple[str, int, bool]]:
    """What a watch had sent when it was killed, some `lines` after it began."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(ROOT / "tests/dying_watch.py"),
        str(path),
        env={"PYTHONPATH": str(ROOT)},
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(60):
            read = [await process.stdout.readline() for _ in range(lines)]
    finally:
        process.kill()
    rest = (await process.stdout.read()).splitlines(keepends=True)
    assert await process.wait() == -signal.SIGKILL
    whole = [line for line in [*read, *rest] if line.endswith(b"\n")]
    return [(boot, number, event) for boot, number, event in map(json.loads, whole)]


@pytest.mark.parametrize("lines", [1, 9, 137, 500])
async def test_killed_watch_owes_everything_it_had_sent(lines: int, tmp_path: Path) -> None:
    path = tmp_path / "spool.sqlite3"
    sent = await killed_after(lines, path)
    spool = Spool(path)
    owed = spool.owed("w-1", 100_000)
    assert set(sent) <= {(kept.boot, kept.number, kept.event) for kept in owed}
    assert any(event for _, _, event in sent) or lines < 9
    again = simulated_watch(spool)
    resent = {(one["boot"], one["seq"]) for one in said(again.outgoing(after(9_000)))}
    assert resent == {(kept.boot, kept.number) for kept in owed[:2_000]}
    again.measure(after(9_000))
    assert {kept.boot for kept in spool.owed("w-1", 100_000)} - {sent[0][0]}  # of a boot of its own
    spool.close()


async def test_killed_watch_has_everything_stored_once_after_its_next_start(
    server: Server, department: Department, broker: MqttBroker, clock: ManualClock, tmp_path: Path
) -> None:
    del server  # it runs
    path, history = tmp_path / "spool.sqlite3", History()
    await department.on_shift("w-1")
    assert clock.now() == SINCE
    sent = await killed_after(120, path)
    spool = Spool(path)
    owed = {Message("w-1", kept.boot, kept.number) for kept in spool.owed("w-1", 100_000)}
    clock.advance(3_600)
    device = ConnectedWatch(simulated_watch(spool, history=history, since=clock.now()), broker.url, clock)
    running = asyncio.create_task(device.run())

    async def receipted() -> bool | None:
        """Of what it measures meanwhile something may be owed at any moment."""
        if running.done():
            running.result()  # why it ended
        clock.advance(1)
        return owed <= set(history.messages(Done.RECEIPTED)) or None

    await until(receipted, 75)
    running.cancel()
    await asyncio.wait([running])
    spool.close()

    assert {Message("w-1", boot, number) for boot, number, _ in sent} <= owed
    stored = await department.rows("select message_key from fix union all select message_key from event")
    verdict = history.check([("w-1", row["message_key"]) for row in stored], native_key)
    assert verdict.sound, verdict
    [alerts] = await department.rows("select count(*) from alert where kind = 'sos'")
    assert alerts["count"] == 1


def test_checker_finds_what_is_lost_what_is_twice_and_what_nobody_sent() -> None:
    history = History()
    for number in (1, 2, 3, 4, 5):
        history.note("w-1", "b", number, Done.MADE | Done.SENT | Done.STORABLE)
    for number in (1, 2, 3):
        history.note("w-1", "b", number, Done.RECEIPTED)
    history.note("w-1", "b", 6, Done.MADE | Done.SENT | Done.RECEIPTED)  # a sign of life: no row tells of it

    def key_of(boot: str, number: int) -> int:
        return 100 + number

    sound = history.check([("w-1", 101), ("w-1", 102), ("w-1", 103), ("w-1", 104)], key_of)
    assert sound.sound
    found = history.check([("w-1", 101), ("w-1", 101), ("w-1", 103), ("w-1", 999), ("w-2", 102)], key_of)
    assert found.lost == [Message("w-1", "b", 2)]
    assert found.twice == [Message("w-1", "b", 1)]
    assert found.phantoms == [("w-1", 999), ("w-2", 102)]
    assert not found.sound


def test_history_is_read_again_as_it_was_written(tmp_path: Path) -> None:
    history = History()
    history.note("w-1", "b", 3, Done.MADE | Done.STORABLE)
    history.note("sim-0010/phone", "c", 700, Done.SENT)
    history.save(tmp_path / "history")
    again = History.load(tmp_path / "history")
    for done in Done:
        assert list(again.messages(done)) == list(history.messages(done))
    assert list(again.messages(Done.MADE | Done.STORABLE)) == [Message("w-1", "b", 3)]
    assert again.count(Done.SENT) == 1
