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

Give = Callable[[Sequence[Credential]], bool]
"""Let these log in, and nobody else; whether that was a change."""


async def refresh(pool: Pool, give: Give) -> None:
    """Have the broker's accounts be those of the registry. Where they cannot be written people are protected all the
    same: it is said, and tried again."""
    async with pool.connection() as connection:
        credentials = await ingest.registry.find_credentials(connection)
    try:
        if await asyncio.to_thread(give, credentials):
            log.info("The broker has %d devices' accounts now", len(credentials), extra={"action": "accounts"})
    except RegistryError as error:
        log.error("%s", error, extra={"action": "accounts_failed"})


def plain(credentials: Sequence[Credential], kept: Mapping[str, str]) -> dict[str, str]:
    """For a broker that can be given no hash: those of the `kept` passwords that the registry still stands by."""
    hashes = {one.account.username: one.password_hash for one in credentials}
    return {
        name: password
        for name, password in kept.items()
        if name in hashes and passwords.matches(password, hashes[name])
    }
