"""Who may log in at the broker: from the registry to wherever the broker reads it, within seconds of a change."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence

import ingest.registry
from gyrophare.platform.db import Pool
from ingest import passwords
from ingest.accounts import RegistryError
from ingest.registry import Credential

log = logging.getLogger(__name__)

_LOOK_EVERY = 30  # a refresh that looks even so: somebody's other hand may have been at the broker's files

Give = Callable[[Sequence[Credential]], bool]
"""Let these log in, and nobody else; whether that was a change."""


class BrokerAccounts:
    """Keeps the broker's accounts those of the registry; to be refreshed every few seconds."""

    def __init__(self, pool: Pool, give: Give) -> None:
        self._pool = pool
        self._give = give
        self._given: str | None = None
        self._unlooked = 0

    async def refresh(self) -> None:
        """Give the broker what has changed. Where that cannot be written people are protected all the same: it is said,
        and tried again."""
        async with self._pool.connection() as connection:
            fingerprint = await ingest.registry.credentials_fingerprint(connection)
            self._unlooked += 1
            if fingerprint == self._given and self._unlooked < _LOOK_EVERY:
                return
            credentials = await ingest.registry.find_credentials(connection)
        self._unlooked = 0
        self._given = None
        try:
            changed = await asyncio.to_thread(self._give, credentials)
        except RegistryError as error:
            log.error("%s", error, extra={"action": "accounts_failed"})
            return
        self._given = fingerprint
        if changed:
            log.info("The broker has %d devices' accounts now", len(credentials), extra={"action": "accounts"})


def plain(credentials: Sequence[Credential], kept: Mapping[str, str]) -> dict[str, str]:
    """For a broker that can be given no hash: those of the `kept` passwords that the registry still stands by."""
    hashes = {one.account.username: one.password_hash for one in credentials}
    return {
        name: password
        for name, password in kept.items()
        if name in hashes and passwords.matches(password, hashes[name])
    }
