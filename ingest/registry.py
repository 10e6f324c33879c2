"""The registry of devices: who may speak, under which name and with which password.

A password is returned once, by the call that made it; the table holds its hash. A revoked device is refused at once by
the server itself, whose every batch asks this table, and by the broker when it has read its accounts again.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

import psycopg

from gyrophare.kernel.ids import DeviceId, OrganisationId
from gyrophare.kernel.observations import Sender, Wire
from gyrophare.platform import sql
from gyrophare.platform.db import Connection
from ingest import passwords
from ingest.accounts import Account, Kind, RegistryError, account_of, wire_name

log = logging.getLogger(__name__)

QUERIES = sql.load(__file__, "registry.sql")
_LABEL_MAX = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """A device as the operator sees it."""

    id: DeviceId
    kind: Kind
    sender: Sender
    label: str
    username: str | None
    credential_at: datetime | None
    revoked_at: datetime | None
    heard_at: datetime | None

    @property
    def credential(self) -> Literal["active", "none", "revoked", "gateway"]:
        """`gateway`: it has no account of its own, whoever speaks for it has."""
        if self.revoked_at is not None:
            return "revoked"
        if self.credential_at is not None:
            return "active"
        return "none" if self.account is not None else "gateway"

    @property
    def account(self) -> Account | None:
        """Its account at the broker, had it a password; None when it needs none, or its name can be none."""
        try:
            return account_of(self.kind, self.sender)
        except RegistryError:
            return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Issued:
    """What is typed into a device. The password exists nowhere else."""

    account: Account
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """Of an account that may log in."""

    sender: Sender
    account: Account
    password_hash: str = field(repr=False)


async def find_organisation(connection: Connection, slug: str | None = None) -> OrganisationId:
    """The organisation of that name, or the only one. Raise RegistryError when it is not there, or not clear."""
    rows = await (await connection.execute(QUERIES["find_organisations"], {"slug": slug})).fetchall()
    if len(rows) == 1:
        return OrganisationId(rows[0]["id"])
    everybody = await (await connection.execute(QUERIES["find_organisations"], {"slug": None})).fetchall()
    known = ", ".join(row["slug"] for row in everybody) or "none"
    found = f"There is no organisation {slug!r}" if slug else f"There are {len(rows)} organisations"
    raise RegistryError(f"{found}. Expected one of: {known}. Name it with --organisation.")


async def list_devices(connection: Connection) -> list[Registered]:
    """All devices, revoked ones too."""
    rows = await (await connection.execute(QUERIES["list_devices"])).fetchall()
    return [_registered(row) for row in rows]


async def add(
    connection: Connection,
    organisation_id: OrganisationId,
    kind: Kind,
    wire: Wire,
    name: str,
    label: str,
    now: datetime,
) -> tuple[Registered, Issued | None]:
    """Register a device, or let a revoked one back in; with a new account where its kind has one.

    Raise RegistryError when the name is taken or cannot be one.
    """
    sender = Sender(wire=wire, name=wire_name(kind, wire, name))
    if not 0 < len(label) <= _LABEL_MAX or not label.isprintable():
        raise RegistryError(
            f"The label {label[:_LABEL_MAX]!r} was given; expected 1 to {_LABEL_MAX} printable characters."
        )
    account = account_of(kind, sender)
    issued = Issued(account=account, password=passwords.generate()) if account is not None else None
    if account is not None:
        await _refuse_taken(connection, sender, account.username)
    parameters = {
        "organisation_id": organisation_id,
        "kind": kind,
        "wire": str(wire),
        "wire_name": sender.name,
        "label": label,
        "now": now,
        "username": account.username if account else None,
        "password_hash": passwords.hashed(issued.password) if issued else None,
        "credential_at": now if issued else None,
    }
    try:
        rows = await (await connection.execute(QUERIES["add_device"], parameters)).fetchall()
    except psycopg.errors.UniqueViolation:
        raise RegistryError(f"The name {name!r} was taken this moment. Look with `gyrophare devices list`.") from None
    if not rows:
        raise RegistryError(
            f"{sender.name!r} is already registered on the {wire} wire. Expected a new name. "
            f"For a new password: `gyrophare devices rotate {name}`."
        )
    return await find(connection, sender.name, wire), issued


async def rotate(connection: Connection, name: str, wire: Wire | None, now: datetime) -> tuple[Registered, Issued]:
    """Give a device a new password; the old one ends. Raise RegistryError when it has no account or was revoked."""
    device = await find(connection, name, wire)
    if device.revoked_at is not None:
        raise RegistryError(
            f"{name!r} was revoked on {device.revoked_at:%Y-%m-%d}. Expected a device that may speak. "
            f"To let it back in: `gyrophare devices add`."
        )
    account = account_of(device.kind, device.sender)
    if account is None:
        raise RegistryError(
            f"{name!r} speaks {device.sender.wire} through a gateway and has no account. Expected the gateway's name."
        )
    await _refuse_taken(connection, device.sender, account.username)
    issued = Issued(account=account, password=passwords.generate())
    parameters = {
        "id": device.id,
        "username": account.username,
        "password_hash": passwords.hashed(issued.password),
        "now": now,
    }
    await connection.execute(QUERIES["set_credential"], parameters)
    return await find(connection, device.sender.name, device.sender.wire), issued


async def revoke(connection: Connection, name: str, wire: Wire | None, now: datetime) -> Registered:
    """End a device's right to speak and its password; what it said before stays. Again: nothing changes."""
    device = await find(connection, name, wire)
    if device.revoked_at is not None:
        return device
    await connection.execute(QUERIES["revoke_device"], {"id": device.id, "now": now})
    return await find(connection, device.sender.name, device.sender.wire)


async def find(connection: Connection, name: str, wire: Wire | None = None) -> Registered:
    """The device of this name on the wire or at the broker. Raise RegistryError unless there is exactly one."""
    parameters = {"name": name, "wire": None if wire is None else str(wire)}
    rows = await (await connection.execute(QUERIES["find_by_name"], parameters)).fetchall()
    if len(rows) == 1:
        return _registered(rows[0])
    if not rows:
        raise RegistryError(f"No device is named {name!r}. Expected a name that `gyrophare devices list` shows.")
    wires = ", ".join(row["wire"] for row in rows)
    raise RegistryError(f"{len(rows)} devices are named {name!r} ({wires}). Expected one: name its wire with --wire.")


async def find_credentials(connection: Connection) -> list[Credential]:
    """Everybody who may log in at the broker, in the order of their names."""
    rows = await (await connection.execute(QUERIES["find_credentials"])).fetchall()
    found = []
    for row in rows:
        sender = Sender(wire=Wire(row["wire"]), name=row["wire_name"])
        try:
            account = account_of(row["kind"], sender)
        except RegistryError as error:  # written by another hand than ours: the others must not wait for it
            log.error("A device gets no account at the broker: %s", error, extra={"action": "accounts"})
            continue
        if account is not None:
            found.append(Credential(sender=sender, account=account, password_hash=row["password_hash"]))
    return found


async def credentials_fingerprint(connection: Connection) -> str:
    """What is another text whenever `find_credentials` would find something else."""
    rows = await (await connection.execute(QUERIES["credentials_fingerprint"])).fetchall()
    return str(rows[0]["fingerprint"])


async def _refuse_taken(connection: Connection, sender: Sender, username: str) -> None:
    parameters = {"wire": str(sender.wire), "wire_name": sender.name, "username": username}
    rows = await (await connection.execute(QUERIES["find_holder"], parameters)).fetchall()
    if rows:
        raise RegistryError(
            f"The account {username!r} belongs to {rows[0]['wire_name']!r} on the {rows[0]['wire']} wire. One name is "
            "one device, a revoked one's too: expected a name nobody else has. Choose another."
        )


def _registered(row: dict[str, Any]) -> Registered:
    return Registered(
        id=DeviceId(row["id"]),
        kind=row["kind"],
        sender=Sender(wire=Wire(row["wire"]), name=row["wire_name"]),
        label=row["label"],
        username=row["username"],
        credential_at=row["credential_at"],
        revoked_at=row["revoked_at"],
        heard_at=row["heard_at"],
    )
