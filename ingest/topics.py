"""The topics of the wire: who speaks, on which lane, in which format. The names are contracts."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from gyrophare.kernel.errors import WireError
from gyrophare.kernel.observations import HEARS_COMMANDS, Sender, Wire
from ingest.formats import Lane, Route, chirpstack, meshtastic, native, owntracks, traccar, transistorsoft, watch3g

ROUTES: tuple[Route, ...] = (
    *native.ROUTES,
    *owntracks.ROUTES,
    *traccar.ROUTES,
    *transistorsoft.ROUTES,
    *meshtastic.ROUTES,
    *chirpstack.ROUTES,
    *watch3g.ROUTES,
)
EVENT_TOPICS = tuple(topic for route in ROUTES if route.lane is Lane.EVENTS for topic in route.filters)
FIX_TOPICS = tuple(topic for route in ROUTES if route.lane is Lane.FIXES for topic in route.filters)
SHARED_FIX_TOPICS = tuple(f"$share/gyrophare/{topic}" for topic in FIX_TOPICS)
"""Each message to one of the servers that subscribe so. Events go to all: whoever is fastest raises the alarm."""
_NAME_MAX = 100
_KNOWN_MAX = 200_000  # topics remembered: two for each of 100 000 watches


@dataclass(frozen=True, slots=True)
class Address:
    """A topic, understood."""

    sender: Sender
    route: Route


@lru_cache(maxsize=_KNOWN_MAX)
def parse(topic: str) -> Address:
    """Who speaks on `topic`, and what. Raise WireError when the topic is none of ours."""
    for route in ROUTES:
        if match := route.pattern.fullmatch(topic):
            name = route.name_prefix + match["name"]
            if len(name) > _NAME_MAX or "\0" in topic:
                raise WireError("unknown_topic", f"a device's name has at most {_NAME_MAX} characters and no NUL")
            return Address(Sender(wire=route.wire, name=name), route)
    raise WireError("unknown_topic", f"expected one of {', '.join(EVENT_TOPICS + FIX_TOPICS)}")


def receipts(wire_name: str) -> str:
    """Where a native device hears what of its messages is stored."""
    return f"gyrophare/v1/{_group(wire_name)}/receipts"


def commands(wire_name: str) -> str:
    """Where a native device hears what it should do."""
    return f"gyrophare/v1/{_group(wire_name)}/commands"


def command_topic(sender: Sender) -> str | None:
    """Where the wearer of that device can be reached; None where its wire has no way back."""
    return commands(sender.name) if sender.wire in HEARS_COMMANDS else None


def commanded(topic: str) -> Sender:
    """Which device hears its commands on that topic."""
    group, _, name = topic.removeprefix("gyrophare/v1/").removesuffix("/commands").partition("/")
    return Sender(wire=Wire.NATIVE, name=name if group == "watches" else f"{group}/{name}")


def _group(wire_name: str) -> str:
    return wire_name if wire_name.startswith("vans/") else f"watches/{wire_name}"
