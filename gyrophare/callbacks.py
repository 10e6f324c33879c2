"""What the provider says after it took our messages and calls: heard where [callbacks] says so, else asked for."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from functools import partial

import psycopg
from prometheus_client import Counter

from alerts.callbacks.audit import Audit
from alerts.callbacks.server import CALL_STATUS_PATH, KEY_PATH, STATUS_PATH, CallbacksServer
from gyrophare.flows import provider_asked, provider_said
from gyrophare.flows.provider_asked import FetchStatus
from gyrophare.flows.provider_said import Acknowledge
from gyrophare.kernel.clock import Clock
from gyrophare.platform.db import Pool
from gyrophare.settings import CallbacksSettings

log = logging.getLogger(__name__)


def status_url(settings: CallbacksSettings) -> str | None:
    """Where the provider is to say what becomes of a message; None: nowhere."""
    return None if settings.public_url is None else settings.public_url + STATUS_PATH


def call_status_url(settings: CallbacksSettings) -> str | None:
    """Where the provider is to say what becomes of a call; None: nowhere."""
    return None if settings.public_url is None else settings.public_url + CALL_STATUS_PATH


def key_url(settings: CallbacksSettings) -> str | None:
    """Where the provider is to say which key was pressed during a call; None: nowhere."""
    return None if settings.public_url is None else settings.public_url + KEY_PATH


class Callbacks:
    """One server's ear for the provider. `fetches` asks it, by channel; `unknown` counts what it never says."""

    def __init__(
        self,
        settings: CallbacksSettings,
        pool: Pool,
        clock: Clock,
        acknowledge: Acknowledge,
        fetches: Mapping[str, FetchStatus],
        unknown: Counter,
    ) -> None:
        self.audit = Audit(pool, clock)
        self.port: int | None = None
        self._settings = settings
        self._pool = pool
        self._clock = clock
        self._acknowledge = acknowledge
        self._fetches = fetches
        self._unknown = unknown
        self._server: CallbacksServer | None = None

    async def start(self) -> None:
        """Listen, if that is configured. Raise NotReadyError if the port is taken."""
        settings = self._settings
        if settings.port is None or settings.public_url is None:
            return
        self._server = CallbacksServer(
            public_url=settings.public_url,
            tokens=settings.tokens,
            note_status=partial(provider_said.status, self._pool, self._clock),
            note_reply=partial(provider_said.reply, self._pool, self._clock, self._acknowledge),
            note_key=partial(provider_said.key, self._pool, self._clock, self._acknowledge),
            audit=self.audit,
        )
        self.port = await self._server.start(settings.host, settings.port)
        log.info("The SMS provider is heard on port %s", self.port, extra={"action": "callbacks_ready"})

    async def stop(self) -> None:
        """Hear nothing more. What was counted and cannot be written any more is lost."""
        if self._server is None:
            return
        await self._server.stop()
        try:
            await self.audit.write()
        except psycopg.Error as error:
            log.warning("Some refused callbacks stay uncounted: %s", type(error).__name__, extra={"action": "audit"})

    async def follow_up(self) -> None:
        """Match what was said with what we have stored since."""
        await self.audit.write()
        await provider_said.catch_up(self._pool, self._clock, self._acknowledge)

    async def ask(self) -> None:
        """Ask where nothing was said."""
        await provider_asked.ask(self._pool, self._clock, self._fetches, self._unknown)
