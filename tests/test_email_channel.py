"""What the mail channel makes of every answer, and of no answer, that a mail server and a network can give."""

from __future__ import annotations

import logging
import socket
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Literal

import aiosmtplib
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.channels import Channel, Outcome, OutgoingText, SendResult
from alerts.channels import email as email_channel
from alerts.channels.email import EmailChannel, MailServer, classify, greet
from gyrophare.kernel.clock import ManualClock
from gyrophare.platform.tls import client_context
from tests.certificate import make_certificate, server_context
from tests.mail_desk import SLOW_S, Act, MailDesk

PASSWORD = "of the mail account"
SENDER, TO = "gyrophare@cotedor.example", "astreinte@cotedor.example"
START_AT = datetime(2026, 1, 14, 7, 42, 3, tzinfo=UTC)
TEXT = "IMMOBILE: Hélène Bœuf, Fauchage RD 971, depuis 08h39, 47.32150,5.04150 #A17-2"
MESSAGE = OutgoingText(notification_id=17, reference="#A17-2", to=TO, text=TEXT)
SHORT_S = 0.3


def channel_to(
    desk: MailDesk,
    *,
    security: Literal["none", "starttls", "tls"] = "none",
    host: str = "127.0.0.1",
    ca_file: Path | None = None,
    verify: bool = True,
    password: str | None = None,
    step_timeout_s: float = 5.0,
    limit_s: float = 20.0,
) -> EmailChannel:
    server = MailServer(
        host=host,
        port=desk.port,
        security=security,
        tls=client_context(ca_file, verify=verify),
        local_name="cotedor.example",
        username=None if password is None else "gyrophare",
        password=password,
        step_timeout_s=step_timeout_s,
    )
    return EmailChannel(server, sender=SENDER, clock=ManualClock(START_AT), limit_s=limit_s)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_certificate(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
async def desk() -> AsyncIterator[MailDesk]:
    desk = MailDesk()
    await desk.start()
    yield desk
    await desk.stop()


def kept(desk: MailDesk) -> EmailMessage:
    [envelope] = desk.kept
    assert isinstance(envelope.content, bytes)
    read = message_from_bytes(envelope.content, policy=default)
    assert isinstance(read, EmailMessage)
    return read


async def test_send_when_all_is_well(desk: MailDesk) -> None:
    as_port: Channel = channel_to(desk)
    result = await as_port.send(MESSAGE)
    assert result == SendResult(
        outcome=Outcome.SENT, provider_id=None, http_status=None, error_code=None, detail="taken by the mail server"
    )
    assert desk.steps == ["GREETING", "EHLO", "MAIL", "RCPT", "DATA", "TAKEN", "QUIT"]
    [envelope] = desk.kept
    assert (envelope.mail_from, envelope.rcpt_tos) == (SENDER, [TO])
    mail = kept(desk)
    assert (mail["From"], mail["To"]) == (SENDER, TO)
    assert mail["Subject"] == "IMMOBILE: Hélène Bœuf #A17-2"
    assert mail["Date"].datetime == START_AT
    assert (mail["Auto-Submitted"], mail["Importance"], mail["X-Priority"]) == ("auto-generated", "high", "1 (Highest)")
    assert mail.get_content_type() == "text/plain"
    assert mail.get_content().splitlines() == [
        "IMMOBILE: Hélène Bœuf, Fauchage RD 971, depuis 08h39, 47.32150,5.04150",
        "",
        "Position : geo:47.32150,5.04150",
        "Référence : #A17-2",
        "Envoyé : le 14/01/2026 à 08h42 (heure de Paris)",
        "",
        "Message automatique de Gyrophare. Une réponse à cette adresse n'est lue par personne.",
    ]


# Each row: the step, what the server does there, what became of the mail, the code, and whether the server kept it.
FAULTS = [
    pytest.param("GREETING", "421 too busy", Outcome.TEMPORARY, "421", 0, id="busy"),
    pytest.param("GREETING", "554 5.7.1 not you", Outcome.PERMANENT, "554 5.7.1", 0, id="kept out"),
    pytest.param("GREETING", "what?", Outcome.TEMPORARY, None, 0, id="no SMTP"),
    pytest.param("GREETING", Act.CUT, Outcome.TEMPORARY, None, 0, id="cut at once"),
    pytest.param("GREETING", Act.SILENCE, Outcome.TEMPORARY, None, 0, id="silence at once"),
    pytest.param("EHLO", Act.CUT, Outcome.TEMPORARY, None, 0, id="cut at EHLO"),
    pytest.param("MAIL", "451 4.3.0 later", Outcome.TEMPORARY, "451 4.3.0", 0, id="sender later"),
    pytest.param("MAIL", "553 5.7.1 not yours", Outcome.PERMANENT, "553 5.7.1", 0, id="sender refused"),
    pytest.param("MAIL", Act.SILENCE, Outcome.TEMPORARY, None, 0, id="silence at MAIL"),
    pytest.param("RCPT", f"450 4.2.0 <{TO}> grey", Outcome.TEMPORARY, "450 4.2.0", 0, id="greylisted"),
    pytest.param("RCPT", f"550 5.1.1 <{TO}> unknown", Outcome.PERMANENT, "550 5.1.1", 0, id="unknown recipient"),
    pytest.param("RCPT", Act.CUT, Outcome.TEMPORARY, None, 0, id="cut at RCPT"),
    pytest.param("DATA", "452 full", Outcome.TEMPORARY, "452", 0, id="no room"),
    pytest.param("DATA", "554 no", Outcome.PERMANENT, "554", 0, id="no text wanted"),
    pytest.param("TEXT", Act.CUT, Outcome.AMBIGUOUS, None, 0, id="cut before the last full stop"),
    pytest.param("TEXT", Act.SILENCE, Outcome.AMBIGUOUS, None, 0, id="silence before the last full stop"),
    pytest.param("TAKEN", "451 4.3.0 later", Outcome.TEMPORARY, "451 4.3.0", 1, id="text later"),
    pytest.param("TAKEN", "550 5.7.1 spam", Outcome.PERMANENT, "550 5.7.1", 1, id="taken for spam"),
    pytest.param("TAKEN", "what?", Outcome.AMBIGUOUS, None, 1, id="no SMTP after the last full stop"),
    pytest.param("TAKEN", Act.CUT, Outcome.AMBIGUOUS, None, 1, id="cut after the last full stop"),
    pytest.param("TAKEN", Act.SILENCE, Outcome.AMBIGUOUS, None, 1, id="silence after the last full stop"),
    pytest.param("QUIT", Act.CUT, Outcome.SENT, None, 1, id="cut at the end"),
    pytest.param("QUIT", "500 rude", Outcome.SENT, None, 1, id="rude at the end"),
]


@pytest.mark.parametrize(("step", "fault", "outcome", "code", "count"), FAULTS)
async def test_send_when_something_goes_wrong(
    desk: MailDesk, step: str, fault: str, outcome: Outcome, code: str | None, count: int
) -> None:
    channel = channel_to(desk, step_timeout_s=SHORT_S if fault == Act.SILENCE else 5.0)
    desk.faults[step] = fault
    result = await channel.send(MESSAGE)
    assert (result.outcome, result.error_code) == (outcome, code)
    assert len(desk.kept) == count
    assert TO not in repr(result)  # the server's own words do hold it
    if outcome is Outcome.AMBIGUOUS:
        assert await channel.find_sent(MESSAGE, since=START_AT) is None  # so it is sent again

    desk.faults.clear()
    assert (await channel.send(MESSAGE)).outcome is Outcome.SENT  # no fault leaves the channel broken


async def test_send_when_the_server_does_not_say_goodbye(desk: MailDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(email_channel, "_GOODBYE_S", 0.05)
    desk.faults["QUIT"] = Act.SILENCE
    assert (await channel_to(desk).send(MESSAGE)).outcome is Outcome.SENT


async def test_send_when_every_step_is_slow_costs_no_more_than_the_limit(desk: MailDesk) -> None:
    """Each step keeps short of its own limit: only their sum can stop it."""
    desk.faults |= dict.fromkeys(("GREETING", "EHLO", "MAIL", "RCPT"), Act.SLOW)
    assert (await channel_to(desk, limit_s=2.5 * SLOW_S).send(MESSAGE)).outcome is Outcome.TEMPORARY
    assert "DATA" not in desk.steps
    assert desk.kept == []


async def test_send_when_nothing_listens() -> None:
    with socket.socket() as bound:  # bound and not listening: every connection is refused
        bound.bind(("127.0.0.1", 0))
        nobody = MailDesk()
        nobody.port = bound.getsockname()[1]
        assert (await channel_to(nobody).send(MESSAGE)).outcome is Outcome.TEMPORARY


async def test_send_when_the_name_does_not_resolve(desk: MailDesk) -> None:
    assert (await channel_to(desk, host="smtp.invalid").send(MESSAGE)).outcome is Outcome.TEMPORARY


@pytest.mark.parametrize("security", ["starttls", "tls"])
async def test_password_goes_over_tls_only(certificates: Path, security: Literal["starttls", "tls"]) -> None:
    desk = MailDesk(server_context(certificates), wrapped=security == "tls", password=PASSWORD)
    await desk.start()
    ca_file = certificates / "gyrophare.crt"
    right = await channel_to(desk, security=security, ca_file=ca_file, password=PASSWORD).send(MESSAGE)
    wrong = await channel_to(desk, security=security, ca_file=ca_file, password="wrong").send(MESSAGE)
    desk.faults["AUTH"] = "454 4.7.0 later"
    later = await channel_to(desk, security=security, ca_file=ca_file, password=PASSWORD).send(MESSAGE)
    await desk.stop()
    assert desk.steps.index("AUTH") > (desk.steps.index("STARTTLS") if security == "starttls" else 0)
    assert right.outcome is Outcome.SENT
    assert (wrong.outcome, wrong.detail) == (Outcome.PERMANENT, "the server refuses our user or password")
    assert (later.outcome, later.error_code) == (Outcome.TEMPORARY, "454 4.7.0")
    assert len(desk.kept) == 1


@pytest.mark.parametrize("security", ["starttls", "tls"])
async def test_stranger_in_the_server_s_place_hears_nothing(
    certificates: Path, security: Literal["starttls", "tls"]
) -> None:
    desk = MailDesk(server_context(certificates), wrapped=security == "tls", password=PASSWORD)
    await desk.start()
    result = await channel_to(desk, security=security, password=PASSWORD).send(MESSAGE)
    unproved = await channel_to(desk, security=security, password=PASSWORD, verify=False).send(MESSAGE)
    await desk.stop()
    assert (result.outcome, result.detail) == (Outcome.TEMPORARY, "the server's certificate is not trusted")
    assert unproved.outcome is Outcome.SENT  # what `verify = false` means
    assert len(desk.kept) == 1


async def test_send_when_starttls_is_not_offered_sends_nothing_in_the_clear(desk: MailDesk) -> None:
    desk.password = PASSWORD
    result = await channel_to(desk, security="starttls", password=PASSWORD).send(MESSAGE)
    assert (result.outcome, "STARTTLS" in result.detail) == (Outcome.PERMANENT, True)
    assert not {"AUTH", "MAIL"} & set(desk.steps)


@pytest.mark.parametrize(
    "to",
    [
        "",
        "astreinte",
        "@x",
        "a@",
        "a b@x.fr",
        "a@x.fr\r\nBcc: b@y.fr",
        "a@x.fr>",
        "é@x.fr",
        "a@-x.fr",
        "a" * 250 + "@x.fr",
    ],
)
async def test_what_is_no_address_is_not_even_tried(desk: MailDesk, to: str) -> None:
    message = OutgoingText(notification_id=17, reference="#A17-2", to=to, text=TEXT)
    assert (await channel_to(desk).send(message)).outcome is Outcome.PERMANENT
    assert desk.steps == []


async def test_greet_sends_nothing_and_does_not_log_in(certificates: Path) -> None:
    desk = MailDesk(server_context(certificates), password=PASSWORD)
    await desk.start()
    server = MailServer(
        host="localhost",
        port=desk.port,
        security="starttls",
        tls=client_context(certificates / "gyrophare.crt"),
        local_name="cotedor.example",
        username="gyrophare",
        password=PASSWORD,
    )
    greeted = await greet(server)
    await desk.stop()
    assert greeted.outcome is Outcome.SENT
    assert desk.steps == ["GREETING", "EHLO", "STARTTLS", "EHLO", "QUIT"]
    assert PASSWORD not in repr(server)


@given(st.integers(-1, 999), st.text(), st.booleans())
def test_classify_when_the_answer_is_strange_still_decides(code: int, said: str, handing_over: bool) -> None:
    result = classify(aiosmtplib.SMTPDataError(code, said), handing_over=handing_over)
    assert result.outcome is not Outcome.SENT
    if not 400 <= code < 600:
        assert result.outcome is (Outcome.AMBIGUOUS if handing_over else Outcome.TEMPORARY)


async def test_nothing_personal_is_logged(desk: MailDesk, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    await channel_to(desk).send(MESSAGE)
    desk.faults["RCPT"] = f"550 5.1.1 <{TO}> unknown"
    await channel_to(desk).send(MESSAGE)
    ours = [record.getMessage() for record in caplog.records if record.name != "mail.log"]  # that one is the server's
    written = "\n".join(ours) + repr(MESSAGE)
    assert TO not in written
    assert "Hélène" not in written
