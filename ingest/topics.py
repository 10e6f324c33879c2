"""The topics of the wire: who speaks, on which lane, in which format. The names are contracts."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from gyrophare.kernel.errors import WireError
from gyrophare.kernel.observations import Sender, Wire

# Two lanes, two MQTT sessions: an event never waits behind fixes.
EVENT_TOPICS = (
    "gyrophare/v1/watches/+/events",
    "gyrophare/v1/watches/+/status",
    "gyrophare/v1/vans/+/events",
    "gyrophare/v1/vans/+/status",
)
FIX_TOPICS = ("gyrophare/v1/watches/+/fixes", "gyrophare/v1/vans/+/fixes", "owntracks/+/+")


class Kind(StrEnum):
    """What a topic carries."""

    NATIVE_FIXES = "fixes"
    NATIVE_EVENTS = "events"
    NATIVE_STATUS = "status"
    OWNTRACKS = "owntracks"


@dataclass(frozen=True, slots=True)
class Address:
    """A topic, understood."""

    sender: Sender
    kind: Kind


_NATIVE = re.compile(r"gyrophare/v1/(?P<group>watches|vans)/(?P<name>[^/]+)/(?P<kind>fixes|events|status)")
_OWNTRACKS = re.compile(r"owntracks/(?P<name>[^/]+/[^/]+)")
_NAME_MAX = 100


def parse(topic: str) -> Address:
    """Who speaks on `topic`, and what. Raise WireError when the topic is none of ours."""
    if match := _NATIVE.fullmatch(topic):
        # A van's name is told apart from a watch's, so that w-1 cannot speak for the van w-1.
        name = match["name"] if match["group"] == "watches" else f"vans/{match['name']}"
        address = Address(Sender(wire=Wire.NATIVE, name=name), Kind(match["kind"]))
    elif match := _OWNTRACKS.fullmatch(topic):
        address = Address(Sender(wire=Wire.OWNTRACKS, name=match["name"]), Kind.OWNTRACKS)
    else:
        raise WireError("unknown_topic", f"expected one of {', '.join(EVENT_TOPICS + FIX_TOPICS)}")
    if len(address.sender.name) > _NAME_MAX or "\0" in topic:
        raise WireError("unknown_topic", f"a device's name has at most {_NAME_MAX} characters and no NUL")
    return address


def receipts(wire_name: str) -> str:
    """Where a native device hears what of its messages is stored."""
    return f"gyrophare/v1/{_group(wire_name)}/receipts"


def commands(wire_name: str) -> str:
    """Where a native device hears what it should do."""
    return f"gyrophare/v1/{_group(wire_name)}/commands"


def _group(wire_name: str) -> str:
    return wire_name if wire_name.startswith("vans/") else f"watches/{wire_name}"
