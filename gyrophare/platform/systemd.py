"""What systemd is told (sd_notify): that we are ready, that we stop, and at each turn of the engine that it turns.

One datagram a word to the socket that systemd names in NOTIFY_SOCKET; without one nobody is told.
"""

from __future__ import annotations

import logging
import socket

log = logging.getLogger(__name__)


class Supervisor:
    """systemd, or nobody. What cannot be sent is not sent: to be supervised must never stop the engine."""

    def __init__(self, address: str | None) -> None:
        """`address` is a path, or `@name` in the abstract namespace."""
        self._address = None if not address else f"\0{address[1:]}" if address.startswith("@") else address
        self._socket: socket.socket | None = None
        if self._address is not None:
            self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
            self._socket.setblocking(False)

    def ready(self, status: str) -> None:
        """Everything runs; `status` is a sentence for `systemctl status`."""
        self._tell(f"READY=1\nSTATUS={_line(status)}")

    def status(self, status: str) -> None:
        """How it goes, in a sentence."""
        self._tell(f"STATUS={_line(status)}")

    def alive(self) -> None:
        """The engine has turned: who says so too rarely is killed and started again (WatchdogSec)."""
        self._tell("WATCHDOG=1")

    def stopping(self) -> None:
        """The end is wanted."""
        self._tell("STOPPING=1")

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _tell(self, words: str) -> None:
        if self._socket is None or self._address is None:
            return
        try:
            self._socket.sendto(words.encode(), self._address)
        except OSError as error:
            log.debug("systemd cannot be told: %s", error, extra={"action": "sd_notify"})


def _line(text: str) -> str:
    """A status is one line: a second one would be another assignment."""
    return " ".join(text.splitlines())
