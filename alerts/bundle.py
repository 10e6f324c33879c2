"""Several alerts in one text message, when so many are due that a telephone would ring without end. Pure.

Each alert has a line of its own with its own reference: whoever looks for one of them at the provider finds it in
whatever text it went out, and a duplicate is recognised however it was put together the second time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from alerts.channels import OutgoingText
from alerts.channels.gsm_text import ELLIPSIS, room_septets, septets, to_gsm7, to_gsm7_within
from alerts.wording import ANSWER

TOGETHER = 10
"""At most so many in one text: there is room for who and what of each."""
_PARTS = 3


def bundle(messages: Sequence[OutgoingText]) -> OutgoingText:
    """One text for all of them, the first first; a lone one stays as it is.

    All are for the same address; at least one, at most TOGETHER.
    """
    if len(messages) == 1:
        return messages[0]
    plain = [message.text.removesuffix(message.reference).rstrip() for message in messages]
    asked = any(text.endswith(ANSWER) for text in plain)
    named = messages[0].reference.removeprefix("#").partition("-")[0]
    head = f"{len(messages)} ALERTES" + (f". Pour en prendre une: 1 {named}" if asked else "")
    each = (room_septets(_PARTS) - septets(to_gsm7(head))) // len(messages) - 1  # the end of the line before
    lines = [
        _line(text.removesuffix(ANSWER).rstrip(), message.reference, each)
        for text, message in zip(plain, messages, strict=True)
    ]
    last = messages[-1].reference
    return replace(messages[0], text="\n".join([to_gsm7(head), *lines]), reference=last, parts=_PARTS)


def _line(text: str, reference: str, room: int) -> str:
    """`text` in so many septets with its reference; of what happened is cut before of whom it happened to."""
    what, colon, rest = " ".join(to_gsm7(text).split()).partition(": ")
    whom = colon + rest.partition(",")[0]
    spare = room - septets(whom) - septets(f"{ELLIPSIS} {reference}")
    if colon and septets(what) > spare > 0:
        what = to_gsm7_within(what, keep_end="", septets_at_most=spare)
    return to_gsm7_within(f"{what}{colon}{rest}", keep_end=reference, septets_at_most=room)
