"""One frame of a 4G SOS watch, `[3G*<id>*<length>*<content>]`: taken apart, and what the watch waits for. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from gyrophare.kernel.errors import WireError

FRAME_MAX_BYTES = 8 * 1024  # the longest position has some 1 KB; of voice and pictures the head is enough
# Some makers put a running number between the id and the length.
HEADER = re.compile(
    rb"\[(?P<maker>[0-9A-Z]{2})\*(?P<id>[0-9A-Za-z]{1,20})\*(?:(?P<index>[0-9A-Za-z]{1,8})\*)?(?P<length>[0-9A-Fa-f]{4})\*"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """A frame, taken apart. `content` is the type and its fields."""

    maker: bytes
    id: bytes
    index: bytes | None
    content: bytes

    @property
    def type(self) -> str:
        return self.content.split(b",", 1)[0].decode("ascii", "replace")


def parse(frame: bytes) -> Frame:
    """Take a frame apart; one that was too long has no bracket at its end. Raise WireError when it is none."""
    head = HEADER.match(frame)
    if head is None:
        raise WireError("malformed", f"{frame[:20]!r} begins no frame; expected [3G*<id>*<length>*<type>,…]")
    content = frame[head.end() :].removesuffix(b"]")
    return Frame(maker=head["maker"], id=head["id"], index=head["index"], content=content)


def reply(frame: bytes) -> bytes | None:
    """What the watch waits for when `frame` is stored, or None. A position outside an alarm is not answered."""
    try:
        said = parse(frame)
    except WireError:
        return None
    match said.type:
        case "LK" | "TKQ" | "TKQ2":
            answer = said.type.encode()
        case "INIT":
            answer = b"INIT,1"
        case alarm if alarm.startswith("AL"):
            answer = b"AL"
        case _:
            return None
    head = [said.maker, said.id, *([said.index] if said.index is not None else []), b"%04x" % len(answer), answer]
    return b"[" + b"*".join(head) + b"]"


def topic(name: str) -> str:
    """The topic of the watch that calls itself `name`, within our own process."""
    return f"watch3g/{name}"
