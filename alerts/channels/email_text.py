"""One alarm as a mail: the line that a text message would carry, and what a screen has room for beside it. Pure."""

from __future__ import annotations

import re
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from alerts.channels import OutgoingText
from alerts.channels.identity import stable_key
from alerts.model import PARIS

_SUBJECT_MAX = 70
_ADDRESS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]+@[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?")
_PLACE = re.compile(r"(?P<latitude>-?\d{1,2}\.\d{5}),(?P<longitude>-?\d{1,3}\.\d{5})")  # how alerts.wording writes it


def is_address(text: str) -> bool:
    """Whether `text` is a mail address in ASCII without quotes or comments: what every server takes."""
    return len(text) <= 254 and _ADDRESS.fullmatch(text) is not None


def compose(message: OutgoingText, *, sender: str, sent_at: datetime) -> EmailMessage:
    """The mail for `message`, plain text in UTF-8 that a 7-bit server carries too.

    Each attempt has the same Message-ID, so that a mail program shows a duplicate once.
    Nothing that `text` holds can become a header: what would end a line is a space in the subject.
    """
    text = _one_line(message.text).removesuffix(message.reference).rstrip(" ,")
    mail = EmailMessage(policy=SMTP)
    mail["From"] = sender
    mail["To"] = message.to
    mail["Subject"] = f"{_first_words(text)} {message.reference}"
    mail["Date"] = format_datetime(sent_at)
    mail["Message-ID"] = f"<gyrophare-{stable_key(message)}@{sender.rpartition('@')[2]}>"
    mail["Auto-Submitted"] = "auto-generated"  # whoever is on holiday does not answer it
    mail["X-Priority"] = "1 (Highest)"
    mail["Importance"] = "high"
    mail.set_content("\n".join(_lines(text, message.reference, sent_at)), cte="quoted-printable")
    return mail


def _lines(text: str, reference: str, sent_at: datetime) -> list[str]:
    lines = [text, ""]
    # Of what looks like a place the last is ours: the others are in somebody's name or mission.
    if places := list(_PLACE.finditer(text)):
        place = places[-1]
        lines.append(f"Position : geo:{place['latitude']},{place['longitude']}")
    return [
        *lines,
        f"Référence : {reference}",
        f"Envoyé : {sent_at.astimezone(PARIS):le %d/%m/%Y à %Hh%M} (heure de Paris)",
        "",
        "Message automatique de Gyrophare. Une réponse à cette adresse n'est lue par personne.",
        "",
    ]


def _one_line(text: str) -> str:
    """`text` without anything that a mail program could take for the end of a line, or would not show."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())


def _first_words(text: str) -> str:
    """What comes before the first comma, at most 70 letters of it.

    Python's header reads `=?utf-8?q?=0D=0ABcc:…?=` as what it encodes, line ends and all: no word begins like that.
    """
    words = text.partition(",")[0].strip().replace("=?", "= ?") or "Alerte"
    return words if len(words) <= _SUBJECT_MAX else f"{words[: _SUBJECT_MAX - 1].rstrip()}…"
