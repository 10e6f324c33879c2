"""Rescue services as a channel: CAP messages put into a folder, posted to an endpoint, or both.

Whoever exchanges by files takes them from the folder; the name of the file is the message's identifier, so that one
written again replaces itself. The contact's address says for people whom the exchange serves.
"""

from __future__ import annotations

import asyncio
import logging
import os
from datetime import datetime
from functools import partial
from pathlib import Path

import httpx

from alerts import documents
from alerts.channels import Outcome, OutgoingText, SendResult
from alerts.channels.cap_xml import cap_xml, identifier
from alerts.channels.own_thread import OwnThread

# At INFO httpx writes the whole URL of each request.
logging.getLogger("httpx").setLevel(logging.WARNING)

CONTENT_TYPE = "application/cap+xml"
CONNECT_TIMEOUT_S = 5.0
READ_TIMEOUT_S = 10.0
FOLDER_S = 10.0  # for a message in the folder; with the post after it less than the dispatcher's lease
_BEFORE_SENDING = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)


def classify(answer: httpx.Response | httpx.HTTPError | TimeoutError) -> SendResult:
    """What became of a posted message. Whatever is not known for certain is AMBIGUOUS."""
    if not isinstance(answer, httpx.Response):
        never_sent = isinstance(answer, _BEFORE_SENDING)
        return _result(
            Outcome.TEMPORARY if never_sent else Outcome.AMBIGUOUS,
            f"{'not connected' if never_sent else 'no answer'}: {type(answer).__name__}",
        )
    status = answer.status_code
    if answer.is_success:
        return _result(Outcome.SENT, "taken by the endpoint", http_status=status)
    if status == httpx.codes.TOO_MANY_REQUESTS:
        outcome = Outcome.TEMPORARY
    elif answer.is_redirect or (answer.is_client_error and status != httpx.codes.REQUEST_TIMEOUT):
        outcome = Outcome.PERMANENT  # where it points to is not where we were told to send names and positions
    else:
        outcome = Outcome.AMBIGUOUS
    return _result(outcome, f"refused with HTTP {status}", http_status=status)


class CapChannel:
    """Delivers into `folder`, to `url`, or both, in the name of `sender`; `token` is sent as a bearer's."""

    name = "cap"

    def __init__(
        self,
        *,
        sender: str,
        folder: Path | None,
        url: str | None,
        token: str | None = None,
        connect_timeout_s: float = CONNECT_TIMEOUT_S,
        read_timeout_s: float = READ_TIMEOUT_S,
        folder_s: float = FOLDER_S,
    ) -> None:
        self._sender, self._folder, self._url = sender, folder, url
        self._headers = {"Content-Type": CONTENT_TYPE} | ({"Authorization": f"Bearer {token}"} if token else {})
        # Alarms are rare: a kept connection is one the endpoint may have closed, and that would look ambiguous.
        self._http = httpx.AsyncClient(limits=httpx.Limits(max_keepalive_connections=0), trust_env=False)
        self._timeout = httpx.Timeout(read_timeout_s, connect=connect_timeout_s)
        self._limit_s = connect_timeout_s + read_timeout_s
        # A share that is away holds a write for as long as it likes. One thread: two would write into one file.
        self._writer = OwnThread("cap-folder")
        self._folder_s = folder_s

    async def aclose(self) -> None:
        self._writer.end()
        await self._http.aclose()

    async def send(self, message: OutgoingText) -> SendResult:
        try:
            document = documents.read(message.text)
        except ValueError as error:
            return _result(Outcome.PERMANENT, str(error))
        name, body = identifier(document), cap_xml(document, self._sender)
        if self._folder is not None:
            try:
                async with asyncio.timeout(self._folder_s):
                    await self._writer.run(partial(_drop, self._folder, f"{name}.xml", body))
            except TimeoutError:
                return _result(Outcome.AMBIGUOUS, "the folder does not answer in time")
            except OSError as error:
                return _result(Outcome.TEMPORARY, f"the folder cannot be written: {os.strerror(error.errno or 0)}")
        if self._url is None:
            return _result(Outcome.SENT, "in the folder", provider_id=name)
        return classify(await self._post(self._url, body))

    async def find_sent(self, message: OutgoingText, *, since: datetime) -> SendResult | None:
        return None  # nobody can be asked; a message sent again has the same identifier

    async def _post(self, url: str, body: bytes) -> httpx.Response | httpx.HTTPError | TimeoutError:
        try:
            async with asyncio.timeout(self._limit_s):  # httpx bounds each read, not their sum
                return await self._http.post(url, content=body, headers=self._headers, timeout=self._timeout)
        except (httpx.HTTPError, TimeoutError) as error:
            return error


def _drop(folder: Path, name: str, body: bytes) -> None:
    """Write a file that is there whole or not at all, even after a power cut. Raise OSError when it cannot be."""
    hidden = folder / f".{name}.part"  # a reader that takes every *.xml never sees half of one
    with hidden.open("wb") as file:
        file.write(body)
        file.flush()
        os.fsync(file.fileno())
    hidden.replace(folder / name)
    directory = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(directory)  # the name too
    finally:
        os.close(directory)


def _result(
    outcome: Outcome, detail: str, *, provider_id: str | None = None, http_status: int | None = None
) -> SendResult:
    return SendResult(outcome=outcome, provider_id=provider_id, http_status=http_status, error_code=None, detail=detail)
