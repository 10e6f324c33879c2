"""The port that anybody may reach: what is not signed is refused and counted, and nothing brings it down."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import NoReturn
from urllib.parse import urlencode

import aiohttp
import httpx
import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from alerts.callbacks.audit import Audit
from alerts.callbacks.forms import KeySaid, ReplySaid
from alerts.callbacks.server import AT_ONCE, BODY_MAX_BYTES, FIELDS_MAX, CallbacksServer
from alerts.callbacks.signature import sign
from alerts.callbacks.status import StatusSaid
from alerts.callbacks.store import Verdict
from gyrophare.kernel.clock import ManualClock
from gyrophare.kernel.errors import NotReadyError
from gyrophare.kernel.ids import AlertId
from gyrophare.platform.db import Pool, open_pool
from tests.callbacks import OLD_TOKEN, PUBLIC_URL, TOKEN

STATUS = {"MessageSid": "SM" + "a" * 32, "MessageStatus": "delivered", "To": "+33612345678", "ErrorCode": "30003"}
REPLY = {"MessageSid": "SM" + "b" * 32, "From": "+33612345678", "Body": "1", "NumMedia": "0"}
CALL = {"CallSid": "CA" + "c" * 32, "CallStatus": "no-answer", "To": "+33612345678"}
KEY = {"CallSid": "CA" + "c" * 32, "Digits": "1", "To": "+33612345678"}
ROUTES = {"/sms/status": "status", "/sms/reply": "reply", "/voice/status": "call status", "/voice/key": "key"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[Pool]:
    pool = await open_pool(database_url, 2)
    yield pool
    await pool.close()


class Listening:
    """A server, what it was told, and a way to it."""

    def __init__(self, pool: Pool, clock: ManualClock) -> None:
        self.heard: list[StatusSaid | ReplySaid | KeySaid] = []
        self.verdict: Verdict | Exception = Verdict.APPLIED
        self.audit = Audit(pool, clock)
        self.server = CallbacksServer(
            public_url=PUBLIC_URL,
            tokens=(TOKEN, OLD_TOKEN),
            note_status=self._note,
            note_reply=self._note,
            note_key=self._note_key,
            audit=self.audit,
        )
        self.http: httpx.AsyncClient
        self._pool = pool

    async def _note_key(self, said: KeySaid) -> tuple[Verdict, AlertId | None]:
        return await self._note(said), AlertId(17)

    async def _note(self, said: StatusSaid | ReplySaid | KeySaid) -> Verdict:
        self.heard.append(said)
        if isinstance(self.verdict, Exception):
            raise self.verdict
        return self.verdict

    async def post(
        self, path: str, form: dict[str, str] | bytes, *, token: str | None = TOKEN, url: str | None = None
    ) -> httpx.Response:
        body = urlencode(form).encode() if isinstance(form, dict) else form
        fields = list(form.items()) if isinstance(form, dict) else []
        signed = {} if token is None else {"X-Twilio-Signature": sign(token, url or PUBLIC_URL + path, fields)}
        return await self.http.post(path, content=body, headers=FORM | signed)

    async def audited(self) -> dict[tuple[str, str], int]:
        await self.audit.write()
        async with self._pool.connection() as connection:
            rows = await (await connection.execute("select * from callback_audit order by minute_at")).fetchall()
        return {(row["route"], row["reason"]): row["times"] for row in rows}


@pytest.fixture
async def listening(pool: Pool, clock: ManualClock) -> AsyncIterator[Listening]:
    listening = Listening(pool, clock)
    port = await listening.server.start("127.0.0.1", 0)
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as listening.http:
        yield listening
    await listening.server.stop()


@pytest.mark.parametrize("token", [TOKEN, OLD_TOKEN])
async def test_signed_status_is_heard(listening: Listening, token: str) -> None:
    answer = await listening.post("/sms/status?n=1", STATUS, token=token)
    assert (answer.status_code, answer.content) == (204, b"")
    assert listening.heard == [
        StatusSaid(channel="sms", provider_id="SM" + "a" * 32, status="delivered", error_code="30003")
    ]
    assert await listening.audited() == {}


async def test_signed_reply_is_heard_and_answered_by_nothing(listening: Listening) -> None:
    answer = await listening.post("/sms/reply", REPLY)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/xml; charset=utf-8")
    assert answer.text == '<?xml version="1.0" encoding="UTF-8"?><Response></Response>'
    [said] = listening.heard
    assert isinstance(said, ReplySaid)
    assert (said.from_e164, said.text) == ("+33612345678", "1")
    assert "+336" not in repr(said)


async def test_signed_call_status_is_heard_with_the_notification_of_its_url(listening: Listening) -> None:
    for query, notification_id in (("?n=17", 17), ("", None), ("?n=0", None), ("?n=1e3", None)):
        assert (await listening.post(f"/voice/status{query}", CALL)).status_code == 204
        assert listening.heard.pop() == StatusSaid(
            channel="voice",
            provider_id="CA" + "c" * 32,
            status="no-answer",
            error_code=None,
            notification_id=notification_id,
        )


@pytest.mark.parametrize(
    ("verdict", "said"),
    [
        (Verdict.ACKNOWLEDGED, "Vous avez pris en charge l'alerte A 17."),
        (Verdict.TOO_LATE, "Cette alerte est déjà prise en charge."),
        (Verdict.NOT_UNDERSTOOD, "Touche non reconnue. L'alerte continue."),
        (Verdict.NOT_TOLD, "Votre réponse n'a pas pu être prise en compte. L'alerte continue."),
    ],
)
async def test_whoever_pressed_a_key_hears_what_became_of_it(listening: Listening, verdict: Verdict, said: str) -> None:
    listening.verdict = verdict
    answer = await listening.post("/voice/key?n=17", KEY)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/xml; charset=utf-8")
    root = etree.fromstring(answer.content)
    assert [(one.tag, one.text) for one in root] == [("Say", said), ("Hangup", None)]
    assert listening.heard == [KeySaid(channel="voice", provider_id="CA" + "c" * 32, notification_id=17, key="1")]


@pytest.mark.parametrize("digits", ["", "12", "w", "١", "\x00"])
async def test_key_that_no_telephone_has_is_none(listening: Listening, digits: str) -> None:
    assert (await listening.post("/voice/key?n=17", KEY | {"Digits": digits})).status_code == 200
    [said] = listening.heard
    assert isinstance(said, KeySaid)
    assert said.key == ""


@pytest.mark.parametrize("sender", ["", "36180", "INFO", "+33\x00612345678", "+336123456780123456"])
async def test_reply_from_what_is_no_number_is_nobody_s(listening: Listening, sender: str) -> None:
    assert (await listening.post("/sms/reply", REPLY | {"From": sender})).status_code == 200
    [said] = listening.heard
    assert isinstance(said, ReplySaid)
    assert said.from_e164 == ""


@pytest.mark.parametrize("path", ["/sms/status", "/sms/reply", "/voice/status", "/voice/key"])
@pytest.mark.parametrize(
    ("token", "url", "reason"),
    [
        (None, None, "unsigned"),
        ("nobody's", None, "forged"),
        (TOKEN, "https://console.internal/sms/status", "forged"),  # of the Host header, as a proxy has it
    ],
)
async def test_request_that_the_provider_has_not_signed_is_refused_and_counted(
    listening: Listening, path: str, token: str | None, url: str | None, reason: str
) -> None:
    for _ in range(3):
        assert (await listening.post(path, STATUS | REPLY, token=token, url=url)).status_code == 403
    assert listening.heard == []
    assert await listening.audited() == {(ROUTES[path], reason): 3}


async def test_two_signatures_are_none(listening: Listening) -> None:
    made = sign(TOKEN, f"{PUBLIC_URL}/sms/status", list(STATUS.items()))
    headers = [(b"X-Twilio-Signature", made.encode()), (b"X-Twilio-Signature", b"x")]
    answer = await listening.http.post("/sms/status", data=STATUS, headers=headers)
    assert answer.status_code == 403


@pytest.mark.parametrize(
    ("path", "form", "http_status", "reason"),
    [
        ("/sms/status", {}, 400, "no_message_id"),
        ("/sms/status", STATUS | {"MessageSid": "../etc"}, 400, "no_message_id"),
        ("/sms/status", STATUS | {"MessageStatus": "Délivré!"}, 400, "no_status"),
        ("/sms/reply", REPLY | {"MessageSid": "a" * 65}, 400, "no_message_id"),
        ("/sms/status", {f"f{number}": "" for number in range(FIELDS_MAX + 1)}, 400, "no_form"),
        ("/sms/status", b"\xff\xfe=1", 400, "no_form"),
        ("/sms/reply", b"Body=" + b"1" * BODY_MAX_BYTES, 413, "too_large"),
        ("/voice/status?n=17", STATUS, 400, "no_message_id"),
        ("/voice/status?n=17", CALL | {"CallStatus": "?"}, 400, "no_status"),
        ("/voice/key", KEY, 400, "no_notification"),
        ("/voice/key?n=-1", KEY, 400, "no_notification"),
        ("/voice/key?n=" + "9" * 19, KEY, 400, "no_notification"),
        ("/voice/key?n=17", STATUS, 400, "no_message_id"),
    ],
)
async def test_what_is_no_callback_is_refused(
    listening: Listening, path: str, form: dict[str, str] | bytes, http_status: int, reason: str
) -> None:
    assert (await listening.post(path, form)).status_code == http_status
    assert await listening.audited() == {(ROUTES[path.partition("?")[0]], reason): 1}
    assert listening.heard == []


async def test_unknown_message_is_not_found_and_counted(listening: Listening) -> None:
    listening.verdict = Verdict.UNKNOWN
    assert (await listening.post("/sms/status", STATUS)).status_code == 404
    assert await listening.audited() == {("status", "unknown"): 1}


@pytest.mark.parametrize("verdict", [Verdict.NOT_A_CONTACT, Verdict.NOT_TOLD, Verdict.NOT_UNDERSTOOD])
async def test_answer_that_changes_nothing_is_counted(listening: Listening, verdict: Verdict) -> None:
    listening.verdict = verdict
    assert (await listening.post("/sms/reply", REPLY)).status_code == 200  # the provider has done its part
    assert await listening.audited() == {("reply", verdict): 1}


@pytest.mark.parametrize("error", [psycopg.OperationalError("value +33612345678"), RuntimeError("+33612345678")])
async def test_what_cannot_be_stored_is_to_be_said_again(
    listening: Listening, caplog: pytest.LogCaptureFixture, error: Exception
) -> None:
    caplog.set_level(logging.DEBUG)
    listening.verdict = error
    for path, form in (
        ("/sms/status", STATUS),
        ("/sms/reply", REPLY),
        ("/voice/status", CALL),
        ("/voice/key?n=17", KEY),
    ):
        assert (await listening.post(path, form)).status_code == 503
    assert "612345678" not in caplog.text


async def test_a_flood_is_one_row_a_minute(listening: Listening, pool: Pool, clock: ManualClock) -> None:
    for _ in range(2):
        await asyncio.gather(*(listening.post("/sms/status", STATUS, token=None) for _ in range(150)))
        clock.advance(60)
    await listening.audit.write()
    async with pool.connection() as connection:
        rows = await (await connection.execute("select times from callback_audit order by minute_at")).fetchall()
    assert [row["times"] for row in rows] == [150, 150]


async def test_a_storm_of_callbacks_leaves_the_database_to_the_alarms(listening: Listening) -> None:
    at_work = most = 0
    all_wait = asyncio.Event()

    async def slow(_said: StatusSaid) -> Verdict:
        nonlocal at_work, most
        at_work += 1
        most = max(most, at_work)
        await all_wait.wait()
        at_work -= 1
        return Verdict.APPLIED

    listening.server._note_status = slow
    posts = [asyncio.create_task(listening.post("/sms/status", STATUS)) for _ in range(20)]
    while at_work < AT_ONCE:  # noqa: ASYNC110  # a look at others at work
        await asyncio.sleep(0)
    assert (await listening.post("/sms/status", STATUS, token=None)).status_code == 403  # whoever is refused waits not
    all_wait.set()
    assert {answer.status_code for answer in await asyncio.gather(*posts)} == {204}
    assert most == AT_ONCE


async def test_audit_waits_for_a_database_that_is_away(
    database_url: str, clock: ManualClock, listening: Listening
) -> None:
    """Nothing counted is lost, and the request is refused all the same."""
    gone = await open_pool(database_url, 2)
    await gone.close()
    audit = Audit(gone, clock)
    await audit.note("status", "forged")
    with pytest.raises(psycopg.Error):
        await audit.write()
    audit._pool = listening.audit._pool
    await audit.write()
    assert await listening.audited() == {("status", "forged"): 1}


async def test_slow_sender_does_not_hold_the_port(listening: Listening, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("alerts.callbacks.server.BODY_TIMEOUT_S", 0.05)
    reader, writer = await asyncio.open_connection(listening.http.base_url.host, listening.http.base_url.port)
    writer.write(b"POST /sms/status HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\nMessageSid=")
    assert b" 408 " in await reader.readline()
    writer.close()
    assert await listening.audited() == {("status", "cut_short"): 1}


async def test_port_that_is_taken_is_said(listening: Listening, pool: Pool, clock: ManualClock) -> None:
    second = Listening(pool, clock).server
    with pytest.raises(NotReadyError, match="GYROPHARE_CALLBACKS_PORT"):
        await second.start("127.0.0.1", listening.http.base_url.port or 0)
    await second.stop()


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    path=st.sampled_from(
        ["/sms/status", "/sms/reply", "/sms/status?%zz", "/sms", "/", "/voice/status?n=%zz", "/voice/key?n=17"]
    ),
    body=st.binary(max_size=200),
    signature=st.none() | st.text(st.characters(codec="latin-1", exclude_categories=["Cc"]), max_size=40),
)
def test_no_bytes_end_in_a_500(path: str, body: bytes, signature: str | None) -> None:
    async def send() -> int:
        async def note(_said: object) -> NoReturn:
            raise AssertionError("nothing of this is signed")

        class Silent(Audit):
            async def note(self, route: str, reason: str) -> None:
                pass

        server = CallbacksServer(
            public_url=PUBLIC_URL,
            tokens=(TOKEN,),
            note_status=note,
            note_reply=note,
            note_key=note,
            audit=Silent.__new__(Silent),
        )
        port = await server.start("127.0.0.1", 0)
        headers = FORM | ({} if signature is None else {"X-Twilio-Signature": signature})
        async with (
            aiohttp.ClientSession() as http,
            http.post(f"http://127.0.0.1:{port}{path}", data=body, headers=headers) as answer,
        ):
            status = answer.status
        await server.stop()
        return status

    assert asyncio.run(send()) in {400, 403, 404}
