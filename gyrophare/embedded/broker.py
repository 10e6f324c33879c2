"""An MQTT 5 broker of our own: rumqttd, in a process that ends with ours.

What it holds (sessions, retained and waiting messages) is in memory and goes with it. It knows names and passwords, but
no rights: who has an account may publish to every topic and read every topic (ADR 6).
"""

from __future__ import annotations

import json
import logging
import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Self

from gyrophare.embedded import broker_child
from gyrophare.embedded.folder import POLL_S, EmbeddedError, FolderLock, free_port, tail

logger = logging.getLogger(__name__)

START_WAIT_S = 20.0
STOP_WAIT_S = 3.0
PORT_ATTEMPTS = 5
OURSELVES = "gyrophare"  # no device may be called so

# rumqttd keeps the last 16 x 4 MiB of each subscription filter, read or not; from an unread queue beyond that (some
# 150 000 fixes) it drops the oldest without a word. It sends 100 messages ahead of their acknowledgements, whatever
# max_inflight_count or a client's Receive Maximum say. MQTT 3.1.1 would need a port of its own.
CONFIG = """\
# Written by Gyrophare at each start.
id = 0

[router]
id = 0
max_connections = 2000
max_outgoing_packet_count = 200
max_segment_size = 4194304
max_segment_count = 16

[v5.1]
name = "gyrophare"
listen = "127.0.0.1:{port}"
next_connection_delay_ms = 1

[v5.1.connections]
connection_timeout_ms = 60000
max_payload_size = 4194304
max_inflight_count = 200
"""


class MqttBroker:
    """An MQTT 5 broker on 127.0.0.1 for as long as this object, or its process, lives.

    Without a `port` it takes a free one, which is another one at each start. With `accounts`, passwords by name, nobody
    else may connect but ourselves; without, everybody on this machine may.
    """

    def __init__(self, data_dir: Path, port: int | None = None, accounts: Mapping[str, str] | None = None) -> None:
        self.folder = data_dir.expanduser().absolute() / "mqtt"
        self._wanted_port = port
        self._port: int | None = None
        self._accounts = None if accounts is None else dict(accounts)
        self._secret = secrets.token_urlsafe(32)
        self._words = self.folder / "start.log"
        self._lock = FolderLock(self.folder)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The broker's URL for ourselves, secret included. Raise RuntimeError before `start`."""
        if self._accounts is None:
            return self.devices_url
        return self.devices_url.replace("//", f"//{OURSELVES}:{self._secret}@")

    @property
    def devices_url(self) -> str:
        """Where devices connect, each with its own account if there are any. Raise RuntimeError before `start`."""
        if self._port is None:
            raise RuntimeError("The embedded broker is not running: call start() first.")
        return f"mqtt://127.0.0.1:{self._port}"

    def start(self) -> None:
        """Start the broker; return when it accepts connections. Raise EmbeddedError if it cannot."""
        if self._process is not None:
            return
        if find_spec("iotcore") is None:
            raise EmbeddedError(
                "No broker URL is configured and the wheel iotcore is not installed. Set the URL of an MQTT 5 broker, "
                "or install Gyrophare with its extra: pip install 'gyrophare[embedded]'"
            )
        self._lock.acquire()
        try:
            for attempt in range(1, PORT_ATTEMPTS + 1):
                port = self._wanted_port or free_port()
                if self._serve(port):
                    break
                if self._wanted_port or attempt == PORT_ATTEMPTS:
                    raise EmbeddedError(
                        f"The embedded broker did not start on 127.0.0.1:{port}. A port nobody else listens on was "
                        f"expected. Choose another one. Its words: {tail(self._words)}"
                    )
        except BaseException:
            self.stop()
            raise
        self._port = port
        logger.info("The embedded MQTT broker listens on 127.0.0.1:%d", port)

    def change_accounts(self, accounts: Mapping[str, str]) -> bool:
        """Let these connect from now on, and nobody else; whether that is a change.

        rumqttd reads them at its start alone: it is started again on its port, and every connection ends. Raise
        EmbeddedError when it does not come back; the next call tries again.
        """
        if self._accounts == accounts and self._process is not None:
            return False
        self._accounts = dict(accounts)
        if self._port is not None:
            self._end_process()
            if not self._serve(self._port):
                raise EmbeddedError(
                    f"The embedded broker did not come back on 127.0.0.1:{self._port} with its new accounts. "
                    f"Start Gyrophare again. Its words: {tail(self._words)}"
                )
        return True

    def stop(self) -> None:
        """Stop the broker, at worst after STOP_WAIT_S. Again or before a start: nothing happens."""
        self._port = None
        if self._process is not None:
            self._end_process()
            logger.info("The embedded MQTT broker has stopped")
        self._lock.release()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    def _serve(self, port: int) -> bool:
        """Start the broker on `port`; False if it ended or said nothing on that port."""
        if answers(port):  # rumqttd would say nothing, and somebody else would be taken for it
            self._words.write_text(f"another program listens on 127.0.0.1:{port}\n")
            return False
        config = self.folder / "rumqttd.toml"
        with os.fdopen(os.open(config, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            os.fchmod(file.fileno(), 0o600)  # an earlier version's may be there
            file.write(CONFIG.format(port=port) + self._auth())
        with self._words.open("wb") as words:
            self._process = subprocess.Popen(
                [sys.executable, "-I", broker_child.__file__, str(config)],
                stdin=subprocess.PIPE,
                stdout=words,
                stderr=words,
                bufsize=0,
                pass_fds=[self._lock.fd],
                start_new_session=True,  # Ctrl-C reaches the parent alone, which still has messages to acknowledge
            )
        for _ in range(round(START_WAIT_S / POLL_S)):
            if self._process.poll() is not None:
                break
            if answers(port):
                return True
            time.sleep(POLL_S)
        self._end_process()
        return False

    def _auth(self) -> str:
        if self._accounts is None:
            return ""
        pairs = {**self._accounts, OURSELVES: self._secret}
        lines = [f"{json.dumps(name)} = {json.dumps(password)}" for name, password in pairs.items()]
        return "\n".join(["\n[v5.1.connections.auth]", *lines, ""])

    def _end_process(self) -> None:
        process, self._process = self._process, None
        if process is None or process.stdin is None:
            return
        process.stdin.close()
        try:
            process.wait(STOP_WAIT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def answers(port: int) -> bool:
    """Whether somebody listens on that port of this machine."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
    except OSError:
        return False
