"""Mosquitto's password and access files, written from the registry so that it never reads half of one.

Two listeners have a pair each (`deploy/mosquitto/mosquitto.conf`): the devices', whose client id is their name, and our
servers', who need several sessions under one name. No device's password opens the servers' listener, nor theirs the
devices'.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from gyrophare.kernel.observations import Wire
from ingest import passwords
from ingest.accounts import NATIVE_READS, NATIVE_WRITES, RegistryError
from ingest.registry import Credential

DEVICE_ACCESS = "acl"
DEVICE_PASSWORDS = "passwords"
SERVER_ACCESS = "server-acl"
SERVER_PASSWORDS = "server-passwords"
_MODE = 0o640  # Mosquitto reads them as the folder's group
_WATCHES = "gyrophare/v1/watches/"
_HEAD = "# Written by Gyrophare from its registry: a change here is lost at the next one.\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerAccount:
    """Whom our own processes are at the broker."""

    username: str
    password: str = field(repr=False)


def write(folder: Path, credentials: Sequence[Credential], server: ServerAccount | None) -> bool:
    """Bring the files in `folder` up to date; whether anything changed. Raise RegistryError when that cannot be done.

    The devices' passwords are renamed into place last, and whenever anything changed: whoever watches that file and
    then has Mosquitto reload finds the others in place.
    """
    wanted = {DEVICE_ACCESS: device_access(credentials), DEVICE_PASSWORDS: device_passwords(credentials)}
    try:
        if server is not None:
            before = _read(folder / SERVER_PASSWORDS)
            wanted |= {SERVER_ACCESS: server_access(server), SERVER_PASSWORDS: _server_passwords(server, before)}
        if all(_read(folder / name) == text for name, text in wanted.items()):
            return False
        for name in sorted(wanted, key=lambda name: name == DEVICE_PASSWORDS):
            _replace(folder / name, wanted[name])
    except OSError as error:
        raise RegistryError(
            f"The broker's accounts cannot be written to {folder}: {error.strerror}. Expected a folder in which this "
            "user may write and whose group is Mosquitto's: install -d -o gyrophare -g mosquitto -m 2750 that folder."
        ) from error
    return True


def device_passwords(credentials: Iterable[Credential]) -> str:
    """The password file of the devices' listener."""
    return "".join(f"{one.account.username}:{one.password_hash}\n" for one in credentials)


def device_access(credentials: Iterable[Credential]) -> str:
    """The access file of the devices' listener.

    Native watches, which are many, have one pattern for each right. A pattern holds for every account: all others are
    denied the watches' topics, or a van `w-1` could speak for a watch `w-1`.
    """
    lines = [_HEAD, "# Native watches: the account's name stands in the topic.\n"]
    lines += [f"pattern write {_WATCHES}%u/{what}\n" for what in NATIVE_WRITES]
    lines += [f"pattern read {_WATCHES}%u/{what}\n" for what in NATIVE_READS]
    for one in credentials:
        if one.sender.wire is Wire.NATIVE and one.account.writes[0].startswith(_WATCHES):
            continue
        lines.append(f"\nuser {one.account.username}\ntopic deny {_WATCHES}#\n")
        lines += [f"topic write {topic}\n" for topic in one.account.writes]
        lines += [f"topic read {topic}\n" for topic in one.account.reads]
    return "".join(lines)


def server_access(server: ServerAccount) -> str:
    """The access file of our servers' listener: they hear everything and speak only to devices."""
    writes = [f"gyrophare/v1/{group}/+/{what}" for group in ("watches", "vans") for what in NATIVE_READS]
    reads = ["#", "$SYS/#"]  # the second counts what Mosquitto had to drop
    lines = [_HEAD, f"user {server.username}\n"]
    return "".join([*lines, *(f"topic read {topic}\n" for topic in reads), *(f"topic write {one}\n" for one in writes)])


def logins(text: str) -> Mapping[str, str]:
    """The names of a password file with their hashes."""
    return dict(line.split(":", 1) for line in text.splitlines() if ":" in line)


def _server_passwords(server: ServerAccount, before: str | None) -> str:
    """One line. A hash that is right is kept: its salt is new each time, and the file would never be the same."""
    known = logins(before or "").get(server.username)
    if known is None or not passwords.matches(server.password, known):
        known = passwords.hashed(server.password)
    return f"{server.username}:{known}\n"


def _read(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None


def _replace(path: Path, text: str) -> None:
    """Write beside it, save, rename: a reader sees the old file or the new one, after a power cut as well."""
    draft = path.with_name(f".{path.name}.new")
    draft.unlink(missing_ok=True)  # of a process that was killed
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            with contextlib.suppress(PermissionError):  # not our group; then the folder must have the setgid bit
                os.fchown(descriptor, -1, path.parent.stat().st_gid)
            os.fchmod(descriptor, _MODE)
            os.fsync(descriptor)
        draft.rename(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
