"""The forms that the provider does not take, and its numbers for trying out what it refuses."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from aiohttp import web

from gyrophare.sim.sms_provider.calls import is_spoken

BODY_LIMIT = 1600
_E164 = re.compile(r"\+[1-9][0-9]{6,14}")
_HOST = re.compile(r"[A-Za-z0-9.:\[\]-]+")  # no underscore
_MAGIC_TO = {
    "+15005550001": (21211, "Invalid 'To' Phone Number"),
    "+15005550002": (21612, "The 'To' phone number is not currently reachable"),
    "+15005550003": (21408, "Permission to send an SMS has not been enabled for the region"),
    "+15005550004": (21610, "Attempt to send to unsubscribed recipient"),
    "+15005550009": (21614, "'To' number is not a valid mobile number"),
}
_MAGIC_FROM = {
    "+15005550001": (21212, "Invalid 'From' Phone Number"),
    "+15005550007": (21606, "The 'From' phone number is not a valid, SMS-capable inbound phone number"),
    "+15005550008": (21611, "This 'From' number has exceeded the maximum number of queued messages"),
}
_MAGIC_CALLED = {
    "+15005550001": (21217, "Phone number does not appear to be valid"),
    "+15005550002": (21214, "'To' phone number cannot be reached"),
    "+15005550003": (21215, "Account not authorized to call"),
    "+15005550004": (21216, "Account not allowed to call"),
}
_MAGIC_CALLER = {"+15005550001": (21212, "Invalid 'From' Phone Number")}


def refusal(form: Mapping[str, str]) -> web.Response | None:
    """The provider's answer to a form it cannot take; None if it can."""
    to, sender, body, callback = (form.get(name, "") for name in ("To", "From", "Body", "StatusCallback"))
    code_and_text: tuple[int, str] | None = None
    if not to:
        code_and_text = 21604, "A 'To' phone number is required."
    elif not _E164.fullmatch(to):
        code_and_text = 21211, f"Invalid 'To' Phone Number: {to}"
    elif not sender:
        code_and_text = 21603, "A 'From' phone number is required."
    elif not body:
        code_and_text = 21602, "Message body is required."
    elif len(body) > BODY_LIMIT:
        code_and_text = 21617, f"The concatenated message body exceeds the {BODY_LIMIT} character limit."
    elif callback and not _can_be_called(callback):
        code_and_text = 21609, "Invalid 'StatusCallback' URL."
    else:
        code_and_text = _MAGIC_TO.get(to) or _MAGIC_FROM.get(sender)
    return error(400, *code_and_text) if code_and_text else None


def call_refusal(form: Mapping[str, str]) -> web.Response | None:
    """The provider's answer to a call it cannot make; None if it can."""
    to, sender, twiml, callback = (form.get(name, "") for name in ("To", "From", "Twiml", "StatusCallback"))
    code_and_text: tuple[int, str] | None = None
    if not to:
        code_and_text = 21201, "No 'To' number is specified"
    elif not _E164.fullmatch(to):
        code_and_text = 21211, f"Invalid 'To' Phone Number: {to}"
    elif not sender:
        code_and_text = 21213, "'From' phone number is required"
    elif not is_spoken(twiml):
        code_and_text = 21205, "Url or Twiml parameter is required"
    elif callback and not _can_be_called(callback):
        code_and_text = 21609, "Invalid 'StatusCallback' URL."
    elif not form.get("Timeout", "60").isdecimal():
        code_and_text = 20001, "Invalid parameter value."
    else:
        code_and_text = _MAGIC_CALLED.get(to) or _MAGIC_CALLER.get(sender)
    return error(400, *code_and_text) if code_and_text else None


def error(status: int, code: int | None, message: str, *, headers: Mapping[str, str] | None = None) -> web.Response:
    """The body that every refusal of this API has."""
    more_info = f"https://www.twilio.com/docs/errors/{code}"
    body = {"code": code, "message": message, "more_info": more_info, "status": status}
    return web.json_response(body, status=status, headers=headers)


def _can_be_called(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and _HOST.fullmatch(parts.netloc) is not None
