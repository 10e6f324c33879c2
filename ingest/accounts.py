"""Which account a device has at the broker, and what that account may publish and read there. Pure.

One name is one device: the account's name is the name in the topic, so that the broker ties the one to the other.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from gyrophare.kernel.errors import GyrophareError
from gyrophare.kernel.observations import Sender, Wire

Kind = Literal["watch", "van", "gateway"]
NATIVE_WRITES = ("fixes", "events", "status")
NATIVE_READS = ("receipts", "commands")
_VANS = "vans/"
_NAME_MAX = 100
# No + # / of a topic, no : of a password file, no white space; and never a name of our own servers.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_RESERVED = re.compile(r"gyrophare.*", re.IGNORECASE)


class RegistryError(GyrophareError):
    """The registry cannot do what was asked; the text says what is, what was expected and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A name at the broker and its rights: topic filters it may publish to, and read from."""

    username: str
    writes: tuple[str, ...]
    reads: tuple[str, ...] = ()


def wire_name(kind: Kind, wire: Wire, name: str) -> str:
    """The name on the wire of what an operator calls `name`.

    A native van `van-1` is `vans/van-1` there, and a Meshtastic node has an exclamation mark before its number.
    """
    if wire is Wire.NATIVE and kind == "van":
        return f"{_VANS}{name.removeprefix(_VANS)}"
    if wire is Wire.MESHTASTIC and kind == "gateway":
        return f"!{name.removeprefix('!')}"
    return name


def account_of(kind: Kind, sender: Sender) -> Account | None:
    """The account of a device; None when it has none of its own: it speaks through a gateway, or not by MQTT.

    Raise RegistryError when its name cannot be one at the broker, or when no such kind of device speaks that format.
    """
    if kind == "gateway":
        if sender.wire not in _GATEWAYS:
            raise RegistryError(
                f"A gateway does not speak {sender.wire}; expected one of {_words(_GATEWAYS)}. Use --wire, or --kind."
            )
        return _GATEWAYS[sender.wire](sender.name)
    if sender.wire is Wire.NATIVE:
        return _native(sender.name, "vans" if kind == "van" else "watches")
    if sender.wire in _DEVICES:
        return _DEVICES[sender.wire](sender.name)
    if not 0 < len(sender.name) <= _NAME_MAX or not sender.name.isprintable():
        raise _bad_name(sender.name, f"1 to {_NAME_MAX} printable characters")
    return None


def _native(name: str, group: str) -> Account:
    username = _checked(name.removeprefix(_VANS) if group == "vans" else name)
    base = f"gyrophare/v1/{group}/{username}"
    return Account(
        username=username,
        writes=tuple(f"{base}/{what}" for what in NATIVE_WRITES),
        reads=tuple(f"{base}/{what}" for what in NATIVE_READS),
    )


def _owntracks(name: str) -> Account:
    username, slash, device = name.partition("/")
    if not slash:
        raise _bad_name(name, "USER/DEVICE, as OwnTracks has them in its topic, for instance martin/montre")
    base = f"owntracks/{_checked(username)}/{_checked(device)}"
    return Account(username=username, writes=(f"{base}/#",), reads=(f"{base}/cmd",))


def _transistorsoft(name: str) -> Account:
    return Account(username=_checked(name), writes=(f"transistorsoft/{name}/#",))


def _traccar(name: str) -> Account:
    return Account(username=_checked(name), writes=(f"traccar/{name}/#",))


def _meshtastic(name: str) -> Account:
    if not re.fullmatch(r"![0-9a-f]{8}", name):
        raise _bad_name(name, "the node's number as it stands in its topic, for instance !a1b2c3d4")
    # With and without a region in the topic; `stat` is its Last Will.
    roots = ("msh", "msh/+", "msh/+/+")
    return Account(
        username=name,
        writes=tuple(f"{root}/2/{kind}/{name}" for root in roots for kind in ("json/+", "stat")),
    )


def _chirpstack(name: str) -> Account:
    return Account(
        username=_checked(name),
        writes=("application/+/device/+/event/+",),
        reads=("application/+/device/+/command/down",),
    )


_DEVICES: Mapping[Wire, Callable[[str], Account]] = {
    Wire.OWNTRACKS: _owntracks,
    Wire.TRANSISTORSOFT: _transistorsoft,
}
_GATEWAYS: Mapping[Wire, Callable[[str], Account]] = {
    Wire.TRACCAR: _traccar,
    Wire.MESHTASTIC: _meshtastic,
    Wire.CHIRPSTACK: _chirpstack,
}


def _checked(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise _bad_name(name, "1 to 64 letters, digits, dots, hyphens or underscores, the first a letter or a digit")
    if _RESERVED.fullmatch(name):
        raise _bad_name(name, "a name that does not begin with gyrophare: those are the servers' own")
    return name


def _bad_name(name: str, expected: str) -> RegistryError:
    return RegistryError(
        f"{name[:100]!r} cannot be the name of such a device. Expected {expected}. Choose another name."
    )


def _words(wires: Mapping[Wire, object]) -> str:
    return ", ".join(sorted(wires))
