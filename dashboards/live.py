"""The live console's fan-out: one look at the database a tick, whoever watches; only committed facts are pushed."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta

import psycopg
from aiohttp import WSCloseCode, web

from dashboards import presence, read_models
from dashboards.protection import ENGINE_STOPPED_AFTER
from dashboards.read_models import Json, Viewer
from dashboards.rota import Rota
from gyrophare.kernel.clock import Clock
from gyrophare.kernel.ids import OrganisationId
from gyrophare.platform.db import Pool

log = logging.getLogger(__name__)

_POLL_S = 0.5
_AT_MOST_EVERY_S = 0.25
_EVERYTHING_EVERY_S = 5.0  # states change with time alone; and the heartbeat that consoles wait for
_SEND_TIMEOUT_S = 5.0
_CLOSE_TIMEOUT_S = 1.0
_BEHIND_MAX = 16  # messages, some four seconds: what is older must not pass for now
# Transactions commit out of the order of their instants: look back a little and send only what differs.
_OVERLAP = timedelta(seconds=10)
_RECENT = timedelta(minutes=15)  # what wearers answered while a page was away must not pass unseen


class Console:
    """One open page and what it has not taken yet: a page that does not read makes nobody else wait.

    One that falls behind is cut off; it will ask for a snapshot again.
    """

    def __init__(self, socket: web.WebSocketResponse, transport: asyncio.WriteTransport) -> None:
        self._socket = socket
        self._transport = transport
        self._waiting: asyncio.Queue[str] = asyncio.Queue(_BEHIND_MAX)

    def push(self, text: str) -> None:
        """Have it sent, behind what waits."""
        try:
            self._waiting.put_nowait(text)
        except asyncio.QueueFull:
            self._transport.abort()

    async def run(self) -> None:
        """Send until cancelled, or until the page is gone."""
        try:
            while True:
                text = await self._waiting.get()
                async with asyncio.timeout(_SEND_TIMEOUT_S):
                    await self._socket.send_str(text)
        except (TimeoutError, ConnectionError, RuntimeError):
            self._transport.abort()  # not closed: that would wait for an answer

    async def close(self) -> None:
        """Say that the server goes: the page comes back by itself. One that does not answer is cut off."""
        try:
            async with asyncio.timeout(_CLOSE_TIMEOUT_S):
                await self._socket.close(code=WSCloseCode.GOING_AWAY)
        except (TimeoutError, ConnectionError, RuntimeError):
            self._transport.abort()


class Live:
    """Pushes what changed to every open page of one organisation."""

    def __init__(
        self,
        pool: Pool,
        clock: Clock,
        viewer: Viewer,
        instance: str,
        rota: Callable[[OrganisationId], Awaitable[Rota]],
    ) -> None:
        self._pool = pool
        self._clock = clock
        self._viewer = viewer
        self._instance = instance
        self._rota = rota
        self._consoles: set[Console] = set()
        self._wake = asyncio.Event()
        self._pushing = asyncio.Lock()
        self._sent: dict[tuple[str, int], str] = {}
        self._everything_due = True
        self._shown: set[int] = set()

    def wake(self) -> None:
        """Something was committed that dispatchers wait for."""
        self._wake.set()

    async def join(self, console: Console) -> None:
        """Give a page the whole picture, then keep it up to date.

        Nothing is pushed between its snapshot and its place among the others: so it misses nothing, and they need not
        be sent everything again.
        """
        async with self._pushing:
            if not self._consoles:
                self._sent.clear()  # nobody has listened since
            console.push(await self._snapshot())
            self._consoles.add(console)
        self.refresh()

    def refresh(self) -> None:
        """Something was committed that no device has said: look at everything again."""
        self._everything_due = True
        self._wake.set()

    def leave(self, console: Console) -> None:
        self._consoles.discard(console)

    async def close(self) -> None:
        """Send every page away."""
        await asyncio.gather(*(console.close() for console in self._consoles))

    async def run(self) -> None:
        """Push until cancelled."""
        last_everything_s = last_look_s = float("-inf")
        since: datetime | None = None
        while True:
            await self._pause(last_look_s)
            last_look_s = self._clock.monotonic_s()
            everything = self._everything_due or last_look_s - last_everything_s >= _EVERYTHING_EVERY_S
            self._everything_due = False
            now = self._clock.now()
            try:
                if self._consoles:
                    async with self._pushing:
                        await self._push_changes(None if everything or since is None else since - _OVERLAP, now)
                    since = now
                if everything:
                    await self._push_heartbeat(now)
                    last_everything_s = last_look_s
                    if self._consoles:
                        await self._push_on_call(now)
            except psycopg.OperationalError as error:
                # The pages notice: no heartbeat, no lie.
                log.warning("The database cannot be read for the consoles: %s", error, extra={"action": "live"})
                await asyncio.sleep(1)
            except Exception:
                log.exception("A push to the consoles failed and goes on", extra={"action": "live"})
                await asyncio.sleep(1)

    async def _pause(self, last_look_s: float) -> None:
        try:
            async with asyncio.timeout(_POLL_S):
                await self._wake.wait()
        except TimeoutError:
            return
        too_soon_s = last_look_s + _AT_MOST_EVERY_S - self._clock.monotonic_s()
        if too_soon_s > 0:
            await asyncio.sleep(too_soon_s)
        self._wake.clear()

    async def _snapshot(self) -> str:
        now = self._clock.now()
        async with self._pool.connection() as connection:
            devices = await read_models.devices(connection, self._viewer.organisation_id, now)
            alerts = await read_models.alerts(connection, self._viewer.organisation_id)
            commands = await read_models.commands_since(connection, self._viewer.organisation_id, now - _RECENT)
        return json.dumps(
            {
                "type": "snapshot",
                "server_at": read_models.instant(now),
                "organisation": {"id": self._viewer.organisation_id, "name": self._viewer.organisation_name},
                "account": {"id": self._viewer.account_id, "name": self._viewer.account_name},
                "devices": devices,
                "alerts": alerts,
                "commands": commands,
            },
            ensure_ascii=False,
        )

    async def _push_changes(self, since: datetime | None, now: datetime) -> None:
        async with self._pool.connection() as connection:
            devices = await read_models.devices(connection, self._viewer.organisation_id, now, since)
            alerts = await read_models.alerts(connection, self._viewer.organisation_id, since or now - _OVERLAP)
            commands = await read_models.commands_since(
                connection, self._viewer.organisation_id, since or now - _OVERLAP
            )
        if since is None:  # all of them: who has gone off shift must leave the pages too
            ids = {device["id"] for device in devices}
            gone, self._shown = self._shown - ids, ids
            if gone:
                self._broadcast(await self._snapshot())
            self._forget_commands({command["id"] for command in commands})
        devices = self._new("device", devices)
        alerts = self._new("alert", alerts)
        commands = self._new("command", commands)
        if devices or alerts or commands:
            delta = {
                "type": "delta",
                "server_at": read_models.instant(now),
                "devices": devices,
                "alerts": alerts,
                "commands": commands,
            }
            self._broadcast(json.dumps(delta, ensure_ascii=False))

    async def _push_heartbeat(self, now: datetime) -> None:
        async with self._pool.connection() as connection:
            age_s = await read_models.tick_age_s(connection, now)
            not_heard_since_at = await read_models.not_heard_since_at(connection)
            if self._consoles:
                organisation_id = self._viewer.organisation_id
                await presence.tell_consoles(connection, self._instance, organisation_id, len(self._consoles), now)
        beat = {
            "type": "heartbeat",
            "server_at": read_models.instant(now),
            "tick_age_s": age_s,
            "engine_ok": age_s is not None and age_s <= ENGINE_STOPPED_AFTER.total_seconds(),
            "not_heard_since_at": read_models.instant(not_heard_since_at),
        }
        self._broadcast(json.dumps(beat))

    async def _push_on_call(self, now: datetime) -> None:
        """Time alone changes who is on call."""
        rota = await self._rota(self._viewer.organisation_id)
        roles = [role.said for role in rota.roles]
        said = {"type": "on_call", "server_at": read_models.instant(now), "roles": roles}
        self._broadcast(json.dumps(said, ensure_ascii=False))

    def _new(self, kind: str, objects: Sequence[Json]) -> list[Json]:
        changed = []
        for one in objects:
            text = json.dumps(one, default=str)
            if self._sent.get((kind, one["id"])) != text:
                self._sent[kind, one["id"]] = text
                changed.append(one)
        return changed

    def _forget_commands(self, changed: set[int]) -> None:
        """What changed too long ago to be looked at again need not be told apart any more."""
        self._sent = {key: text for key, text in self._sent.items() if key[0] != "command" or key[1] in changed}

    def _broadcast(self, text: str) -> None:
        for console in self._consoles:
            console.push(text)
