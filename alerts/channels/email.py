"""Mail through the department's own server.

SMTP says of each step whether it was taken. Only a connection that is lost once the text is on its way leaves us not
knowing; nobody can be asked then, so it is sent again, and the same Message-ID marks the duplicate.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import ssl
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

import aiosmtplib

from alerts.channels import Outcome, OutgoingText, SendResult
from alerts.channels.email_text import compose, is_address
from gyrophare.kernel.clock import Clock

STEP_TIMEOUT_S = 10.0  # for one answer of the server
LIMIT_S = 20.0  # for all of them; less than the dispatcher's lease
_GOODBYE_S = 1.0

_ENHANCED = re.compile(r"[245]\.[0-9]{1,3}\.[0-9]{1,3}(?![0-9])")  # RFC 3463, where the server speaks it
# The server's own words may hold the address, so what a person can act on is told in ours.
_REFUSED: tuple[tuple[type[aiosmtplib.SMTPResponseException], str], ...] = (
    (aiosmtplib.SMTPAuthenticationError, "the server refuses our user or password"),
    (aiosmtplib.SMTPRecipientRefused, "the server refuses the recipient"),
    (aiosmtplib.SMTPSenderRefused, "the server refuses our sender address"),
    (aiosmtplib.SMTPDataError, "the server refuses the message"),
    (aiosmtplib.SMTPConnectResponseError, "the server refuses the connection"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class MailServer:
    """Where mail is handed in, and as whom. Without a user nobody logs in."""

    host: str
    port: int
    security: Literal["none", "starttls", "tls"]
    tls: ssl.SSLContext
    local_name: str
    """How we name ourselves in the greeting; our own host name may not be one that the server accepts."""
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    step_timeout_s: float = STEP_TIMEOUT_S

    def client(self, *, log_in: bool = True) -> aiosmtplib.SMTP:
        """A connection to be opened by `connect`, which also starts TLS and logs in; for one mail."""
        return aiosmtplib.SMTP(
            hostname=self.host,
            port=self.port,
            username=self.username if log_in else None,
            password=self.password if log_in else None,
            local_hostname=self.local_name,
            timeout=self.step_timeout_s,
            use_tls=self.security == "tls",
            start_tls=self.security == "starttls",
            tls_context=self.tls,
        )


def classify(error: Exception, *, handing_over: bool) -> SendResult:
    """Decide what became of a mail from what went wrong: the one place where this is decided.

    `handing_over`: the text may have reached the server.
    """
    if isinstance(error, aiosmtplib.SMTPResponseException) and 400 <= error.code < 600:
        what = next((words for kind, words in _REFUSED if isinstance(error, kind)), "the server refuses")
        enhanced = _ENHANCED.match(error.message)
        return _result(
            Outcome.PERMANENT if error.code >= 500 else Outcome.TEMPORARY,
            what,
            code=f"{error.code} {enhanced[0]}" if enhanced else str(error.code),
        )
    if handing_over:
        return _result(Outcome.AMBIGUOUS, f"no answer to the message: {type(error).__name__}")
    if isinstance(error.__cause__ or error, ssl.SSLCertVerificationError):
        return _result(Outcome.TEMPORARY, "the server's certificate is not trusted")
    if type(error) is aiosmtplib.SMTPException:  # of the library's errors the one that is no fault of the line
        return _result(Outcome.PERMANENT, "the server offers no STARTTLS, or no way to log in that we know")
    return _result(Outcome.TEMPORARY, f"not connected, or cut off before the message: {type(error).__name__}")


class EmailChannel:
    """Sends one mail a connection: alarms are rare, and a kept connection is one the server may have closed."""

    name = "email"

    def __init__(self, server: MailServer, *, sender: str, clock: Clock, limit_s: float = LIMIT_S) -> None:
        self._server = server
        self._sender = sender
        self._clock = clock
        self._limit_s = limit_s

    async def send(self, message: OutgoingText) -> SendResult:
        if not is_address(message.to):
            return _result(Outcome.PERMANENT, "the contact has no address that can be written to")
        mail = compose(message, sender=self._sender, sent_at=self._clock.now()).as_bytes()
        client = self._server.client()
        handing_over = False
        try:
            async with asyncio.timeout(self._limit_s):  # the library bounds each step, not their sum
                await client.connect()
                await client.mail(self._sender)
                await client.rcpt(message.to)
                handing_over = True
                await client.data(mail)
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            return classify(error, handing_over=handing_over)
        else:
            await _say_goodbye(client)
            return _result(Outcome.SENT, "taken by the mail server")
        finally:
            client.close()

    async def find_sent(self, message: OutgoingText, *, since: datetime) -> SendResult | None:
        return None  # a mail server cannot be asked; a mail program recognises the Message-ID


async def greet(server: MailServer) -> SendResult:
    """Connect as for a mail, up to EHLO inside TLS, and hang up: nobody logs in, nothing is sent."""
    client = server.client(log_in=False)
    try:
        async with asyncio.timeout(LIMIT_S):
            await client.connect()
            await client.ehlo()
    except (aiosmtplib.SMTPException, OSError, ValueError) as error:
        return classify(error, handing_over=False)
    else:
        await _say_goodbye(client)
        return _result(Outcome.SENT, "the server answers")
    finally:
        client.close()


async def _say_goodbye(client: aiosmtplib.SMTP) -> None:
    """Polite, and without weight: the mail is taken whatever becomes of it."""
    with contextlib.suppress(aiosmtplib.SMTPException, OSError):
        await client.quit(timeout=_GOODBYE_S)


def _result(outcome: Outcome, detail: str, *, code: str | None = None) -> SendResult:
    return SendResult(outcome=outcome, provider_id=None, http_status=None, error_code=code, detail=detail)
