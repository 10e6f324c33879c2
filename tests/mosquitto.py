"""A real Mosquitto for the tests that need one: any configuration, stopped or killed or started again at will."""

from __future__ import annotations

import getpass
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest

from gyrophare.embedded import guard
from gyrophare.embedded.broker import answers
from gyrophare.embedded.folder import free_port

PROGRAM = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")
needs_mosquitto = pytest.mark.skipif(
    PROGRAM is None, reason="no program mosquitto on this machine; Debian: apt-get install mosquitto"
)
PLAIN = """\
listener {port} 127.0.0.1
allow_anonymous true
persistence true
persistence_location {folder}/
autosave_on_changes true
autosave_interval 1
max_queued_messages 1000000
"""
_START_WAIT_S = 15.0
_POLL_S = 0.02
_PORT_ATTEMPTS = 5


class Mosquitto:
    """One broker in `folder`; it keeps its ports when it is started again, and ends with the tests whatever ends them.

    In `config`, `{port}` and `{other_port}` are free ports of 127.0.0.1 and `{folder}` is the folder.
    """

    def __init__(self, folder: Path, config: str = PLAIN) -> None:
        self.folder = folder
        self.config = config
        self.port = 0
        self.other_port = 0
        self._log = folder / "mosquitto.log"
        self._guard: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Of the first listener, without TLS."""
        return f"mqtt://127.0.0.1:{self.port}"

    @property
    def log(self) -> str:
        """What it has said since it was made, all starts together."""
        return self._log.read_text(errors="replace")

    @property
    def pid(self) -> int:
        """The broker's own process. Raise RuntimeError when it does not run."""
        guarding = self._guard.pid if self._guard is not None else None
        try:
            return int(Path(f"/proc/{guarding}/task/{guarding}/children").read_text().split()[0])
        except (OSError, IndexError):
            raise RuntimeError("Mosquitto does not run: call start() first") from None

    def start(self) -> None:
        """Start it; return when it listens. Raise RuntimeError with its own words when it does not."""
        first = not self.port
        for attempt in range(1, _PORT_ATTEMPTS + 1):
            if first:
                self.port, self.other_port = free_port(), free_port()
            if self._serve():
                return
            if not first or attempt == _PORT_ATTEMPTS or "Address already in use" not in self.log:
                raise RuntimeError(f"Mosquitto did not start: {self.log[-1500:]}")

    def stop(self) -> None:
        """Stop it in good order: it saves its sessions. Again or before a start: nothing happens."""
        self._end(b"\n")

    def kill(self) -> None:
        """SIGKILL, as a power cut for the process: it saves nothing."""
        os.kill(self.pid, signal.SIGKILL)
        self._end(b"")

    def reload(self) -> None:
        """Have it read its configuration, passwords and access rights again, as `systemctl reload` does."""
        os.kill(self.pid, signal.SIGHUP)

    def freeze(self) -> None:
        """It stands still with all its connections open, until `thaw`."""
        os.kill(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        os.kill(self.pid, signal.SIGCONT)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    def _serve(self) -> bool:
        assert PROGRAM is not None
        path = self.folder / "mosquitto.conf"
        text = self.config.format(port=self.port, other_port=self.other_port, folder=self.folder)
        # As root it would become the user mosquitto, to whom the tests' folders are closed.
        path.write_text(f"{text}\nuser {getpass.getuser()}\n")
        with self._log.open("ab") as words:
            self._guard = subprocess.Popen(
                [sys.executable, "-I", "-S", guard.__file__, "-1", "-1", "", PROGRAM, "-c", str(path)],
                stdin=subprocess.PIPE,
                stdout=words,
                stderr=words,
                bufsize=0,
                start_new_session=True,
            )
        for _ in range(round(_START_WAIT_S / _POLL_S)):
            if self._guard.poll() is not None:
                break
            if answers(self.port):
                return True
            time.sleep(_POLL_S)
        self._end(b"")
        return False

    def _end(self, word: bytes) -> None:
        process, self._guard = self._guard, None
        if process is None or process.stdin is None:
            return
        try:
            if word and process.poll() is None:
                process.stdin.write(word)
        except BrokenPipeError:
            pass  # it had ended by itself
        finally:
            process.stdin.close()
        process.wait(guard.ORDERLY_S + guard.FORCED_S + 2)
