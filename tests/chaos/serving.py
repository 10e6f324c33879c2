"""Real `gyrophare serve` processes for the tests, and what they say."""

from __future__ import annotations

import asyncio
import itertools
import os
import re
import signal
import sys
from collections import deque
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

_READY = "Console:"
_START_S = 90.0
_KEPT_LINES = 20_000
_number = itertools.count(1)


def environment(name: str, database_url: str, mqtt_url: str, **more: str) -> dict[str, str]:
    """The settings of a server, and nothing of ours.

    Its instance is its own: a broker that several tests share keeps for another's name what was sent meanwhile.
    """
    return {
        "PATH": os.defpath,
        "PYTHONPATH": str(Path(__file__).parents[2]),
        "GYROPHARE_INSTANCE": f"{name}-{os.getpid()}-{next(_number)}",
        "GYROPHARE_DATABASE_URL": database_url,
        "GYROPHARE_MQTT_URL": mqtt_url,
        "GYROPHARE_HTTP_PORT": "0",
        "GYROPHARE_LOG_LEVEL": "warning",
        **more,
    }


class Words:
    """What a process says on standard error, read all the time so that it never waits for us."""

    def __init__(self, stream: asyncio.StreamReader) -> None:
        self.last: deque[str] = deque(maxlen=_KEPT_LINES)
        self._stream = stream
        self._heard = asyncio.Condition()
        self._unread: list[str] = []
        self._ended = False
        self._reading = asyncio.create_task(self._read())

    async def until(self, beginning: str) -> str:
        """The next line that begins so; those before it are passed over. Raise AssertionError when it does not come."""
        try:
            async with asyncio.timeout(_START_S), self._heard:
                while True:
                    while self._unread:
                        line = self._unread.pop(0)
                        if line.startswith(beginning):
                            return line
                    assert not self._ended, f"it ended and never said {beginning!r}: {list(self.last)[-20:]}"
                    await self._heard.wait()
        except TimeoutError:
            raise AssertionError(f"no {beginning!r} within {_START_S:g} s: {list(self.last)[-20:]}") from None

    def count(self, words: str) -> int:
        """How many of the last lines hold these words."""
        return sum(words in line for line in self.last)

    async def close(self) -> None:
        await self._reading

    async def _read(self) -> None:
        async for raw in self._stream:
            line = raw.decode("utf-8", "replace").rstrip()
            async with self._heard:
                self.last.append(line)
                self._unread.append(line)
                self._heard.notify_all()
        async with self._heard:
            self._ended = True
            self._heard.notify_all()


class Mother:
    """Starts `gyrophare serve` processes one after the other, each at once: see server_mother.py."""

    def __init__(self, process: asyncio.subprocess.Process, words: Words) -> None:
        self._process = process
        self.words = words

    @classmethod
    @asynccontextmanager
    async def of(
        cls, settings: Mapping[str, str], program: str = "server_mother.py", *arguments: str
    ) -> AsyncIterator[Mother]:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            str(Path(__file__).with_name(program)),
            *arguments,
            env=settings,
            stdin=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        assert process.stdin is not None
        assert process.stderr is not None
        words = Words(process.stderr)
        try:
            yield cls(process, words)
        except AssertionError as error:
            error.add_note(f"Its last words: {list(words.last)[-40:]}")
            raise
        finally:
            process.stdin.close()
            await process.wait()
            await words.close()

    async def start(self) -> int:
        """Start a server and return its process id; it is not ready yet."""
        assert self._process.stdin is not None
        self._process.stdin.write(b"\n")
        return int((await self.words.until("started")).split()[1])

    async def ready(self) -> None:
        """Wait until the server that was started last is ready."""
        await self.words.until(_READY)

    async def start_ready(self) -> int:
        """Start a server, wait until it is ready and return its process id."""
        pid = await self.start()
        await self.ready()
        return pid

    async def kill(self, pid: int) -> None:
        """SIGKILL, and wait until it is gone."""
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            raise AssertionError(f"it had ended by itself: {list(self.words.last)[-20:]}") from None
        await self.words.until(f"ended {pid}")


class Served:
    """One `gyrophare serve` process that is ready."""

    def __init__(self, pid: int) -> None:
        self.pid = pid

    @property
    def alive(self) -> bool:
        return Path(f"/proc/{self.pid}").exists()

    @property
    def rss_mb(self) -> float:
        """The memory it has, in MiB."""
        status = Path(f"/proc/{self.pid}/status").read_text(encoding="utf-8")
        found = re.search(r"VmRSS:\s+(\d+) kB", status)
        assert found is not None
        return int(found[1]) / 1024

    @property
    def busy_s(self) -> float:
        """The seconds of a processor it has used."""
        times = Path(f"/proc/{self.pid}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()
        return (int(times[11]) + int(times[12])) / os.sysconf("SC_CLK_TCK")


@asynccontextmanager
async def serve(settings: Mapping[str, str]) -> AsyncIterator[Served]:
    """A `gyrophare serve` process that is ready; it ends with this context, or with the tests whatever ends them."""
    async with Mother.of(settings) as mother:
        yield Served(await mother.start_ready())
