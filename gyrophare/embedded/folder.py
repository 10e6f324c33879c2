"""One folder a server, and one owner a folder: the lock that says nothing of an earlier server is left."""

from __future__ import annotations

import fcntl
import logging
import os
import socket
import time
from pathlib import Path

from gyrophare.kernel.errors import NotReadyError

logger = logging.getLogger(__name__)

POLL_S = 0.02
# An earlier process that was killed leaves its server up to 2 s of stopping; a slow disk gets some more.
LOCK_WAIT_S = 6.0


class EmbeddedError(NotReadyError):
    """An embedded server cannot start; the text says what is, what was expected and what to do."""


class FolderLock:
    """The lock of one server's folder.

    The server and each of its children inherit the descriptor, so the lock is free only when the last of them is gone,
    not when their parent is: whoever holds it may start a server without looking for survivors.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._fd: int | None = None

    @property
    def fd(self) -> int:
        if self._fd is None:
            raise RuntimeError(f"the lock of {self.folder} is not held")
        return self._fd

    def acquire(self) -> None:
        """Make the folder and lock it. Raise EmbeddedError if it cannot be written or stays in use for LOCK_WAIT_S."""
        path = self.folder / "lock"
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise EmbeddedError(
                f"The data folder {self.folder} cannot be used ({error.strerror}). A folder was expected in which this "
                "user may write. Change its owner, or choose another folder with the data_dir setting."
            ) from error
        for attempt in range(round(LOCK_WAIT_S / POLL_S)):
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                if attempt == 0:
                    logger.info("The folder %s is in use; waiting up to %.0f s for it", self.folder, LOCK_WAIT_S)
                time.sleep(POLL_S)
            else:
                os.ftruncate(fd, 0)
                os.pwrite(fd, f"{os.getpid()}\n".encode(), 0)
                self._fd = fd
                return
        owner = os.pread(fd, 32, 0).decode(errors="replace").strip() or "unknown"
        os.close(fd)
        raise EmbeddedError(
            f"The data folder {self.folder} is in use by another Gyrophare (process {owner}). One process a folder was "
            "expected. Stop the other one, or give this one a folder of its own with the data_dir setting."
        )

    def release(self) -> None:
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None


def free_port() -> int:
    """A TCP port of 127.0.0.1 nobody listens on. Another program may still take it before the server does."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def tail(path: Path) -> str:
    """The end of a server's first words, for an error text."""
    try:
        return path.read_text(errors="replace")[-1500:].strip() or "it said nothing"
    except OSError:
        return "it said nothing"
