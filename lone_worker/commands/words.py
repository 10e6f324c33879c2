"""What a watch is told, on the wire and in the wearer's words, and what it answers. Pure.

A body lacks its `id` and its instants: these are the row's, and are added when it is sent.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

from gyrophare.kernel.clock import instant_text
from gyrophare.kernel.ids import CommandId
from gyrophare.kernel.observations import Event, EventKind
from lone_worker.vibration import VIBRATES_S

TEXT_MAX, REPLIES_MAX, REPLY_MAX = 160, 4, 20  # characters and buttons that a watch's screen has room for
VALID_FOR_S = {"message": 1800, "locate": 120, "checkin": 300}
"""How long what a dispatcher asks for is worth being sent; a pre-alarm is until its alarm."""
_REFERENCE = re.compile(r"c([1-9][0-9]{0,17})")
_ANSWERS = {EventKind.OK: "OK", EventKind.CHECKIN: "OK"}

Body = Mapping[str, Any]


class CommandKind(StrEnum):
    """What a watch can be told; the word on the wire."""

    PREALARM = "prealarm"
    PREALARM_CANCEL = "prealarm_cancel"
    CHECKIN = "checkin"
    MESSAGE = "message"
    LOCATE = "locate"


def prealarm(*, number: int, episode_at: datetime, alarm_at: datetime, vibrate_s: int = VIBRATES_S) -> Body:
    """Vibrate: without a sign of the wearer an alarm rises at `alarm_at`. `number` counts them in an episode."""
    return {
        "command": CommandKind.PREALARM,
        "number": number,
        "vibrate_s": vibrate_s,
        "text": "Tout va bien ? Bougez, ou appuyez sur OK",
        "episode_at": instant_text(episode_at),
        "alarm_at": instant_text(alarm_at),
    }


def prealarm_cancel(*, episode_at: datetime) -> Body:
    """The wearer has moved. A watch that gets a pre-alarm of this episode later must not vibrate for it."""
    return {"command": CommandKind.PREALARM_CANCEL, "episode_at": instant_text(episode_at)}


def checkin() -> Body:
    """The timed check: one question, one button."""
    return {"command": CommandKind.CHECKIN, "vibrate_s": VIBRATES_S, "text": "Ça va ?"}


def message(text: str, replies: Sequence[str]) -> Body:
    """Words of a dispatcher, and what the wearer may answer with one press.

    Raise ValueError, in the dispatcher's language, when a watch cannot show it.
    """
    text, replies = text.strip(), [reply.strip() for reply in replies]
    if not 0 < len(text) <= TEXT_MAX or not text.isprintable():
        raise ValueError(f"un texte de 1 à {TEXT_MAX} caractères, sur une ligne")
    if len(replies) > REPLIES_MAX or len(set(replies)) < len(replies):
        raise ValueError(f"au plus {REPLIES_MAX} réponses, toutes différentes")
    if not all(0 < len(reply) <= REPLY_MAX and reply.isprintable() for reply in replies):
        raise ValueError(f"des réponses de 1 à {REPLY_MAX} caractères")
    return {"command": CommandKind.MESSAGE, "vibrate_s": VIBRATES_S, "text": text, "replies": replies}


def locate() -> Body:
    """Say at once where you are."""
    return {"command": CommandKind.LOCATE}


def on_the_wire(body: Body, command_id: CommandId, sent_at: datetime, expires_at: datetime) -> bytes:
    """The message to publish."""
    told = {
        **body,
        "id": reference(command_id),
        "sent_at": instant_text(sent_at),
        "expires_at": instant_text(expires_at),
    }
    return json.dumps(told, ensure_ascii=False).encode()


def reference(command_id: CommandId) -> str:
    """How a command is named on the wire: `c123`."""
    return f"c{command_id}"


def referred(event: Event) -> CommandId | None:
    """The command that an event of a watch names; None: no command, or none of ours."""
    named = event.detail.get("command")
    match = _REFERENCE.fullmatch(named) if isinstance(named, str) else None
    return CommandId(int(match[1])) if match else None


def answer(event: Event) -> str | None:
    """What the wearer answered by `event`; None when it is no answer, as a delivery is none."""
    if event.kind is EventKind.REPLY:
        text = event.detail.get("text")
        return text.strip()[:TEXT_MAX] if isinstance(text, str) and text.strip() else None
    return _ANSWERS.get(event.kind)
