"""The tests' own Mosquitto: it is killed and comes back where it was, and nothing of it stays."""

from __future__ import annotations

import contextlib
from functools import partial
from pathlib import Path

import pytest

from gyrophare.embedded.broker import answers
from gyrophare.kernel.clock import ManualClock
from gyrophare.platform.mqtt import MqttSession
from tests.department import until
from tests.mosquitto import Mosquitto, needs_mosquitto

pytestmark = needs_mosquitto


async def test_broker_comes_back_on_its_port_with_its_sessions_when_killed(tmp_path: Path, clock: ManualClock) -> None:
    with Mosquitto(tmp_path) as broker:
        reader = MqttSession(broker.url, "reader", ["a/#"], clock=clock)
        await reader.start()
        await reader.stop()
        await until(partial(_saved, tmp_path / "mosquitto.db"))
        port, pid = broker.port, broker.pid
        broker.kill()
        assert not answers(port)
        broker.start()
        assert broker.port == port
        assert broker.pid != pid
        writer = MqttSession(broker.url, "writer", [], clock=clock)
        await writer.start()
        await writer.publish("a/b", b"1")
        await reader.start()
        assert [message.payload for message in await reader.receive(1)] == [b"1"]
        await reader.stop()
        await writer.stop()
    assert _commands(tmp_path) == []
    broker.stop()


def test_error_holds_its_words_when_it_cannot_start(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match=r"did not start.*no_such_option"):
        Mosquitto(tmp_path, "listener {port} 127.0.0.1\nno_such_option 1\n").start()
    assert _commands(tmp_path) == []


async def _saved(database: Path) -> bool | None:
    """It saves a moment after it has answered."""
    return _holds(database, b"a/#") or None


def _holds(path: Path, part: bytes) -> bool:
    return path.exists() and part in path.read_bytes()


def _commands(folder: Path) -> list[str]:
    """The command lines of the processes that were started for `folder`."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # gone meanwhile
            command = (process / "cmdline").read_text()
            found += [command] if str(folder) in command else []
    return found
