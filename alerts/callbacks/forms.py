"""What the provider's forms say. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from alerts.callbacks.status import StatusSaid, read_code, read_word

Form = Mapping[str, str]

_E164 = re.compile(r"\+[1-9][0-9]{6,14}")
_PROVIDER_ID = re.compile(r"[A-Za-z0-9-]{1,64}")
_NUMBER = re.compile(r"[1-9][0-9]{0,17}")
_KEY = re.compile(r"[0-9*#]")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplySaid:
    """A text message that came in. Its repr holds no number and no text."""

    channel: str
    provider_id: str
    from_e164: str = field(repr=False)
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeySaid:
    """A key that was pressed during a call of ours; no key: it was none that a telephone has."""

    channel: str
    provider_id: str
    notification_id: int
    key: str


class RefusedError(Exception):
    """Why a request is not looked at any further."""

    def __init__(self, reason: str, http_status: int) -> None:
        super().__init__(reason)
        self.reason = reason
        self.http_status = http_status


def read_message_status(form: Form) -> StatusSaid:
    return StatusSaid(
        channel="sms",
        provider_id=_id(form, "MessageSid"),
        status=_status(form, "MessageStatus"),
        error_code=read_code(form.get("ErrorCode")),
    )


def read_call_status(form: Form, named: str | None) -> StatusSaid:
    """`named` is the notification in the URL that was called."""
    return StatusSaid(
        channel="voice",
        provider_id=_id(form, "CallSid"),
        status=_status(form, "CallStatus"),
        error_code=read_code(form.get("ErrorCode")),
        notification_id=_number(named),
    )


def read_reply(form: Form) -> ReplySaid:
    sender = form.get("From", "")
    return ReplySaid(
        channel="sms",
        provider_id=_id(form, "MessageSid"),
        from_e164=sender if _E164.fullmatch(sender) else "",  # a name or a short number is nobody's
        text=form.get("Body", ""),
    )


def read_key(form: Form, named: str | None) -> KeySaid:
    """`named` is the notification in the URL that was called."""
    notification_id = _number(named)
    if notification_id is None:
        raise RefusedError("no_notification", 400)
    key = form.get("Digits", "")
    return KeySaid(
        channel="voice",
        provider_id=_id(form, "CallSid"),
        notification_id=notification_id,
        key=key if _KEY.fullmatch(key) else "",
    )


def _status(form: Form, name: str) -> str:
    word = read_word(form.get(name))
    if word is None:
        raise RefusedError("no_status", 400)
    return word


def _id(form: Form, name: str) -> str:
    provider_id = form.get(name, "")
    if not _PROVIDER_ID.fullmatch(provider_id):
        raise RefusedError("no_message_id", 400)
    return provider_id


def _number(named: str | None) -> int | None:
    return int(named) if named is not None and _NUMBER.fullmatch(named) else None
