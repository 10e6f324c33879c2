"""systemd is told by real datagrams, and only the engine's turning feeds its watchdog."""

from __future__ import annotations

import asyncio
import itertools
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from gyrophare.flows import escalation_tick
from gyrophare.kernel.clock import ManualClock
from gyrophare.platform.pulse import Pulse
from gyrophare.platform.schedule import Ticker
from gyrophare.platform.systemd import Supervisor
from tests.conftest import START_AT, StartServer
from tests.department import until

_number = itertools.count()


class Systemd:
    """The other end of the socket."""

    def __init__(self, address: str) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(address.replace("@", "\0", 1))
        self.socket.setblocking(False)

    def heard(self) -> list[str]:
        """What has come since the last look."""
        said = []
        while True:
            try:
                said.append(self.socket.recv(4096).decode())
            except BlockingIOError:
                return said

    async def hear(self, word: str) -> None:
        async def there() -> bool | None:
            return word in self.heard() or None

        await until(there)


@pytest.fixture(params=["path", "abstract"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return str(tmp_path / "notify") if request.param == "path" else f"@gyrophare-{os.getpid()}-{next(_number)}"


@pytest.fixture
def systemd(address: str) -> Iterator[Systemd]:
    systemd = Systemd(address)
    yield systemd
    systemd.socket.close()


def test_systemd_hears_each_word_as_one_datagram(systemd: Systemd, address: str) -> None:
    supervisor = Supervisor(address)
    supervisor.ready("the console is on\nWATCHDOG=1")
    supervisor.alive()
    supervisor.status("the audit finds nothing")
    supervisor.stopping()
    supervisor.close()
    supervisor.alive()  # what comes late must not raise
    assert systemd.heard() == [
        "READY=1\nSTATUS=the console is on WATCHDOG=1",
        "WATCHDOG=1",
        "STATUS=the audit finds nothing",
        "STOPPING=1",
    ]


@pytest.mark.parametrize("nobody", [None, "", "/nothing/here", "@nobody-listens-here"])
def test_nobody_who_listens_stops_nothing(nobody: str | None) -> None:
    supervisor = Supervisor(nobody)
    supervisor.ready("ready")
    supervisor.alive()
    supervisor.close()


def test_full_socket_stops_nothing(systemd: Systemd, address: str) -> None:
    supervisor = Supervisor(address)
    for _ in range(5_000):  # far more than a socket keeps
        supervisor.alive()
    supervisor.close()
    assert systemd.heard()


async def test_stuck_tick_starves_the_watchdog(
    systemd: Systemd, address: str, start_server: StartServer, monkeypatch: pytest.MonkeyPatch, clock: ManualClock
) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", address)
    server = await start_server()
    assert [said.splitlines()[0] for said in systemd.heard()] == ["READY=1"]

    stuck, goes_on = asyncio.Event(), asyncio.Event()
    true_tick = escalation_tick.tick

    async def hang(*arguments: object) -> escalation_tick.Ticked:
        stuck.set()
        await goes_on.wait()
        return escalation_tick.Ticked(raised=0, escalated=0)

    ticker = Ticker(clock)
    ticker.every(0.01, "escalation", server.tick)
    ticker.start()
    await systemd.hear("WATCHDOG=1")
    monkeypatch.setattr(escalation_tick, "tick", hang)
    await stuck.wait()
    systemd.heard()
    for _ in range(20):  # the loop turns, the database answers, everything but the engine lives
        async with server.pool.connection() as connection:
            await connection.execute("select 1")
    assert systemd.heard() == []

    monkeypatch.setattr(escalation_tick, "tick", true_tick)
    goes_on.set()
    await systemd.hear("WATCHDOG=1")
    ticker.stop()
    await server.stop()
    assert systemd.heard()[-1] == "STOPPING=1"


async def test_failed_turn_has_ended_but_is_no_success() -> None:
    clock = ManualClock(START_AT)
    ends: list[str] = []
    pulse = Pulse(clock, ended=lambda: ends.append("ended"))
    clock.advance(4)
    assert (pulse.ended_age_s, pulse.succeeded_age_s) == (4, float("inf"))
    with pytest.raises(OSError, match="away"), pulse.turn():
        raise OSError("away")
    assert (pulse.ended_age_s, pulse.succeeded_age_s) == (0, float("inf"))
    with pulse.turn():
        pass
    clock.advance(2)
    assert (pulse.ended_age_s, pulse.succeeded_age_s, ends) == (2, 2, ["ended"] * 2)


async def test_cancelled_turn_is_none() -> None:
    ends: list[str] = []
    pulse = Pulse(ManualClock(START_AT), ended=lambda: ends.append("ended"))
    with pytest.raises(asyncio.CancelledError), pulse.turn():
        raise asyncio.CancelledError
    assert ends == []


async def test_who_waits_for_a_turn_hears_the_next_good_one_and_one_who_gives_up_disturbs_nobody() -> None:
    pulse = Pulse(ManualClock(START_AT))
    waiting = [asyncio.ensure_future(pulse.next_success()) for _ in range(2)]
    await asyncio.sleep(0)
    waiting[0].cancel()
    await asyncio.sleep(0)
    with pytest.raises(OSError, match="away"), pulse.turn():
        raise OSError("away")
    await asyncio.sleep(0)
    assert not waiting[1].done()
    with pulse.turn():
        pass
    await waiting[1]
