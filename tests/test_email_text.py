"""A mail is one mail whatever a name or a mission holds: no header of theirs, no line that a server would cut."""

from __future__ import annotations

from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from alerts.channels import OutgoingText
from alerts.channels.email_text import compose, is_address

SENDER, TO = "gyrophare@cotedor.example", "astreinte@cotedor.example"
SENT_AT = datetime(2026, 1, 14, 7, 42, 3, tzinfo=UTC)
HEADERS = [
    "From",
    "To",
    "Subject",
    "Date",
    "Message-ID",
    "Auto-Submitted",
    "X-Priority",
    "Importance",
    "Content-Type",
    "Content-Transfer-Encoding",
    "MIME-Version",
]


def mail_of(text: str, *, number: int = 17, to: str = TO, sender: str = SENDER, sent_at: datetime = SENT_AT) -> bytes:
    message = OutgoingText(notification_id=number, reference="#A17-2", to=to, text=text)
    return compose(message, sender=sender, sent_at=sent_at).as_bytes()


def read(mail: bytes) -> EmailMessage:
    parsed = message_from_bytes(mail, policy=default)
    assert isinstance(parsed, EmailMessage)
    return parsed


@given(st.text(max_size=400))
@example("SOS\r\nBcc: somebody@else.example\r\n\r\nbody, x")
@example("SOS\x85Bcc: a@b\u2028Cc: c@d\x0bX: y\x1c\x1d\x1e, x")
@example("." * 200)
@example("=?utf-8?q?SOS=0D=0ABcc:_a=40b?=")
@example("ﷺ" * 400)
def test_no_text_adds_a_header_or_a_long_line(text: str) -> None:
    raw = mail_of(text)
    assert raw.isascii()
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    assert b"\n" not in raw.replace(b"\r\n", b"")
    mail = read(raw)
    assert sorted(mail.keys()) == sorted(HEADERS)
    assert mail.defects == []
    assert mail["Subject"].endswith(" #A17-2")
    lines = mail.get_content().splitlines()
    assert (
        lines[0].split()
        == "".join(c if c.isprintable() else " " for c in text).removesuffix("#A17-2").rstrip(" ,").split()
    )
    assert "Référence : #A17-2" in lines


@pytest.mark.parametrize(
    ("text", "subject"),
    [
        ("SOS: Jean Martin, Fauchage, depuis 08h39, position inconnue #A17-2", "SOS: Jean Martin #A17-2"),
        ("PC prévenu #A17-2", "PC prévenu #A17-2"),
        ("#A17-2", "Alerte #A17-2"),
        ("", "Alerte #A17-2"),
        ("x" * 100, "x" * 69 + "… #A17-2"),
    ],
)
def test_subject_is_the_first_words_and_the_reference(text: str, subject: str) -> None:
    assert read(mail_of(text))["Subject"] == subject


def test_each_attempt_has_the_same_message_id_and_no_other_message_has_it() -> None:
    later = datetime(2026, 1, 14, 7, 50, tzinfo=UTC)
    first = read(mail_of("SOS: Jean Martin"))["Message-ID"]
    assert first.startswith("<gyrophare-n17-")
    assert first.endswith("@cotedor.example>")
    assert read(mail_of("SOS: Jean Martin", sent_at=later))["Message-ID"] == first
    others = [
        mail_of("SOS: Jean Martin", number=18),
        mail_of("SOS: Hélène Bœuf"),  # the 17 of a database made anew
        mail_of("SOS: Jean Martin", to="cadre@cotedor.example"),
    ]
    assert len({first, *(read(other)["Message-ID"] for other in others)}) == 4


def test_message_id_is_whole_whatever_the_length_of_our_domain() -> None:
    domain = ".".join(["d" * 60] * 3)
    raw = mail_of("SOS", sender=f"gyrophare@{domain}")
    assert f"@{domain}>\r\n".encode() in raw
    assert b"=?" not in raw.partition(b"Message-ID:")[2].partition(b"\r\nAuto")[0]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("SOS: Jean, depuis 08h39, 47.32150,5.04150 #A17-2", "geo:47.32150,5.04150"),
        ("SOS: Jean, depuis 08h39, -21.11000,55.53000 #A17-2", "geo:-21.11000,55.53000"),
        ("SOS: 48.00000,2.00000, depuis 08h39, 47.32150,5.04150 #A17-2", "geo:47.32150,5.04150"),
        ("SOS: Jean, depuis 08h39, position inconnue #A17-2", None),
    ],
)
def test_place_is_a_link_that_asks_no_foreign_host(text: str, place: str | None) -> None:
    body = read(mail_of(text)).get_content()
    assert (f"Position : {place}" in body.splitlines()) if place else ("geo:" not in body)
    assert "http" not in body


@given(st.text(max_size=300))
def test_whatever_passes_for_an_address_has_nothing_that_ends_a_command(text: str) -> None:
    if is_address(text):
        assert text.isascii()
        assert not set(text) & set(' <>"\r\n\0')
        assert "@" in text
