"""What is measured: a real `gyrophare serve`, and the broker that a department would run."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg

from bench import machine
from gyrophare.embedded import MqttBroker
from gyrophare.embedded.broker import answers
from gyrophare.embedded.folder import free_port
from gyrophare.kernel.clock import SystemClock
from gyrophare.kernel.errors import NotReadyError

CLOCK = SystemClock()
_LOOK_S = 0.05
_MOSQUITTO = """\
listener {port} 127.0.0.1
allow_anonymous true
persistence false
max_queued_messages 0
max_inflight_messages 0
log_type error
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Serve:
    """A running server, and the seconds until its console answered."""

    process: asyncio.subprocess.Process
    started_s: float
    console_url: str

    @property
    def rss_mb(self) -> float:
        return machine.rss_mb(self.process.pid)

    @property
    def cpu_s(self) -> float:
        return machine.cpu_s(self.process.pid)

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """It stands still meanwhile, so that a load can be laid ready at the broker."""
        self.process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.process.send_signal(signal.SIGCONT)


@contextlib.asynccontextmanager
async def serve(**environment: str) -> AsyncIterator[Serve]:
    """A `gyrophare serve` process with these settings."""
    began_s = CLOCK.monotonic_s()
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "gyrophare.cli",
        "serve",
        env={"PATH": os.defpath, "GYROPHARE_HTTP_PORT": "0", "GYROPHARE_LOG_LEVEL": "warning", **environment},
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stderr is not None  # noqa: S101  # for the type checker
    said = b""
    while b"Console:" not in said:
        line = await process.stderr.readline()
        if not line:
            raise RuntimeError(f"the server ended: {said.decode()}")
        said += line
    started_s = CLOCK.monotonic_s() - began_s
    console_url = said.decode().rpartition("Console: ")[2].split()[0]
    drain = asyncio.create_task(process.stderr.read())
    try:
        yield Serve(process=process, started_s=started_s, console_url=console_url)
    finally:
        process.terminate()
        await process.wait()
        words = (await drain).decode()
        sys.stderr.write("".join(f"serve: {line}\n" for line in words.splitlines() if "NoSmsYet" not in line))


@contextlib.contextmanager
def broker(kind: str, folder: Path) -> Iterator[tuple[str, str]]:
    """The URL of a fresh broker and its name: `mosquitto`, `embedded`, or `auto` for the first of them that is there.

    Raise NotReadyError when it is not installed.
    """
    program = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")
    if kind == "mosquitto" and program is None:
        raise NotReadyError("mosquitto is not installed. Install it (apt-get install mosquitto), or --broker embedded.")
    if kind == "embedded" or program is None:
        with MqttBroker(folder) as embedded:
            yield embedded.url, "embedded (rumqttd)"
        return
    port = free_port()
    config = folder / "mosquitto.conf"
    config.write_text(_MOSQUITTO.format(port=port), encoding="utf-8")
    version = subprocess.run([program, "-h"], capture_output=True, text=True, check=False).stdout.split("\n", 1)[0]
    process = subprocess.Popen([program, "-c", str(config)])
    try:
        while process.poll() is None and not answers(port):
            time.sleep(_LOOK_S)
        if process.poll() is not None:
            raise NotReadyError(f"mosquitto ended at its start with {process.returncode}; its words are above.")
        yield f"mqtt://127.0.0.1:{port}", version
    finally:
        process.terminate()
        process.wait()


def refuse_undurable(database_url: str) -> None:
    """Raise RuntimeError when a commit that was answered could be lost."""
    with psycopg.connect(database_url) as connection:
        [(durable,)] = connection.execute("show synchronous_commit").fetchall()
    if durable != "on":
        raise RuntimeError(f"synchronous_commit is {durable}; a figure without durability says nothing")
