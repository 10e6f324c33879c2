"""The doctor's look at the registry of devices, and at what the broker was told of it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping

from gyrophare.finding import Finding
from gyrophare.platform import db
from gyrophare.settings import Settings
from ingest import mosquitto, registry
from ingest.registry import Credential, Registered


def look(settings: Settings, database_url: str) -> Iterator[Finding]:
    """Devices that nobody could tell from a stranger, and accounts that should have ended."""
    devices, credentials = asyncio.run(_registry(database_url))
    bare = [device.sender.name for device in devices if device.credential == "none"]
    if bare:
        shown = ", ".join(bare[:5]) + (", …" if len(bare) > 5 else "")
        yield Finding(
            name="devices",
            verdict="warning",
            found=f"{len(bare)} without a password: {shown}",
            do="`gyrophare devices rotate NAME`, and type the password into the device",
        )
    else:
        yield Finding(name="devices", verdict="ok", found=f"{len(credentials)} with a password, none without")
    yield _accounts(settings, {one.account.username: one.password_hash for one in credentials})


def _accounts(settings: Settings, wanted: Mapping[str, str]) -> Finding:
    """Whether the broker's accounts are the registry's: a revoked one that is still there is open to whoever has it."""
    name, folder = "broker accounts", settings.mqtt.accounts_dir
    if settings.mqtt.url is None:
        return Finding(
            name=name,
            verdict="warning",
            found="embedded: it checks passwords, but lets every account publish and read every topic",
            do="for a department: Mosquitto, see deploy/mosquitto/mosquitto.conf",
        )
    if folder is None:
        return Finding(
            name=name,
            verdict="warning",
            found="nobody writes them: a revoked device keeps its account at the broker",
            do="set accounts_dir in [mqtt], or `gyrophare devices export DIR` after each change",
        )
    try:
        found = mosquitto.logins((folder / mosquitto.DEVICE_PASSWORDS).read_text(encoding="utf-8"))
    except OSError as error:
        return Finding(
            name=name,
            verdict="fault",
            found=f"{folder / mosquitto.DEVICE_PASSWORDS} cannot be read: {error.strerror}",
            do="start `gyrophare serve`, or `gyrophare devices export`, as a user who may write there",
        )
    if found == wanted:
        return Finding(name=name, verdict="ok", found=f"{len(wanted)} in {folder}, as in the registry")
    ended = sum(1 for username in found if username not in wanted)
    new = sum(1 for username in wanted if username not in found)
    other = sum(1 for username in wanted if username in found and found[username] != wanted[username])
    return Finding(
        name=name,
        verdict="fault",
        found=f"older than the registry in {folder}: {ended} that ended, {new} missing, {other} with an old password",
        do="start `gyrophare serve`, or `gyrophare devices export` and `systemctl reload mosquitto`",
    )


async def _registry(url: str) -> tuple[list[Registered], list[Credential]]:
    async with await db.connect(url) as connection:
        return await registry.list_devices(connection), await registry.find_credentials(connection)
