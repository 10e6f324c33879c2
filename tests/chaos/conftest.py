"""What the chaos tests share: a seed that is told, so that a failure can be repeated, figures, and brokers that die."""

from __future__ import annotations

import os
import secrets
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Protocol, TypeVar

import pytest

from gyrophare.embedded import MqttBroker
from gyrophare.embedded.folder import free_port
from tests.mosquitto import PLAIN, Mosquitto, needs_mosquitto

Tell = Callable[[str], object]
Life = TypeVar("Life")
PATIENCE = 3  # times as many lives as are wanted, before chance is given up
# Saved once a second. To save at each change, all that waits is written each time: after an outage, with 10 000 reports
# waiting, Mosquitto then hands over some 200 a second.
SAVING = PLAIN.replace("autosave_on_changes true\n", "")


def lives(of: Sequence[Life], wanted: int, met: Callable[[], bool]) -> Iterator[Life]:
    """So many of them as are wanted, and more while chance has not yet brought about what the test is there for.

    How often a kill falls between two given lines depends on the machine. Whoever asks asserts afterwards that it was
    `met`: where all of them were used up it may not have been.
    """
    for number, one in enumerate(of):
        if number >= wanted and met():
            return
        yield one


@pytest.fixture
def tell(request: pytest.FixtureRequest) -> Tell:
    """Say a figure: it is seen with a failure, and always with `pytest -s`."""
    return lambda words: sys.stdout.write(f"\n{request.node.name}: {words}\n")


@pytest.fixture
def seed(tell: Tell) -> int:
    """A random one, told with a failure; CHAOS_SEED=… repeats it."""
    seed = int(os.environ.get("CHAOS_SEED") or secrets.randbits(32))
    tell(f"CHAOS_SEED={seed}")
    return seed


class MortalBroker(Protocol):
    """A broker that keeps its port."""

    @property
    def url(self) -> str: ...

    def kill(self) -> None: ...

    def start(self) -> None: ...


class _Embedded(MqttBroker):
    """What it holds is in memory and goes with it."""

    def kill(self) -> None:
        assert self._process is not None
        os.kill(self._process.pid, signal.SIGKILL)
        self.stop()


@pytest.fixture(params=["embedded", pytest.param("mosquitto", marks=needs_mosquitto)])
def mortal_broker(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[MortalBroker]:
    with _Embedded(tmp_path, free_port()) if request.param == "embedded" else Mosquitto(tmp_path, SAVING) as broker:
        yield broker
