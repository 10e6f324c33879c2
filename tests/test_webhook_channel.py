"""What the webhook channel makes of every answer, and where it does not let itself be led."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from aiohttp import web

from alerts.channels import Channel, Outcome, OutgoingText, SendResult
from alerts.channels.webhook import WebhookChannel, classify
from alerts.channels.webhook_policy import WebhookPolicy
from alerts.channels.webhook_signature import verify
from alerts.channels.webhook_transport import PinnedTransport, Resolve, allowed_addresses
from gyrophare.kernel.clock import ManualClock
from gyrophare.platform.tls import client_context
from tests.certificate import make_certificate, server_context

SECRET = "shared with the receiver"
START_AT = datetime(2026, 1, 14, 7, 42, 3, tzinfo=UTC)
DOCUMENT = '{"version":1,"reference":"A17","occasion":"raised","what":"IMMOBILE","subject":"Hélène Bœuf","test":false}'
MESSAGE = OutgoingText(notification_id=17, reference="#A17-2", to="cta", text=DOCUMENT)
POLICY = WebhookPolicy(allowed_hosts=frozenset({"127.0.0.1", "localhost"}), private_networks=True)
HOST = "cta.cotedor.example"
SHORT_S = 0.3
LONG_S = 10.0

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Receiver:
    """A real receiver on loopback; `handle` is what it does with a document, and may be changed."""

    def __init__(self) -> None:
        self.taken: list[tuple[web.Request, bytes]] = []
        self.handle: Handler = self.take
        self.ended = asyncio.Event()
        self.port = 0

    async def take(self, _request: web.Request) -> web.StreamResponse:
        return web.Response(status=204)

    @contextlib.asynccontextmanager
    async def open(
        self, host: str = "127.0.0.1", port: int = 0, tls_dir: Path | None = None
    ) -> AsyncIterator[Receiver]:
        async def receive(request: web.Request) -> web.StreamResponse:
            self.taken.append((request, await request.read()))
            return await self.handle(request)

        app = web.Application()
        app.router.add_route("*", "/{path:.*}", receive)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        tls = None if tls_dir is None else server_context(tls_dir)
        await web.TCPSite(runner, host, port, ssl_context=tls).start()
        self.port = runner.addresses[0][1]
        try:
            yield self
        finally:
            self.ended.set()
            await runner.cleanup()


@contextlib.asynccontextmanager
async def channel_to(
    url: str,
    *,
    policy: WebhookPolicy = POLICY,
    resolve: Resolve | None = None,
    ca_file: Path | None = None,
    limit_s: float = LONG_S,
) -> AsyncIterator[WebhookChannel]:
    channel = WebhookChannel(
        targets={"cta": url},
        secret=SECRET,
        policy=policy,
        tls=client_context(ca_file),
        clock=ManualClock(START_AT),
        resolve=resolve,
        limit_s=limit_s,
    )
    yield channel
    await channel.aclose()


def resolving(*answers: list[str]) -> tuple[Resolve, list[str]]:
    """A resolver that gives these answers in turn, the last for ever; and the list of what it was asked."""
    asked: list[str] = []

    async def resolve(host: str, port: int) -> list[str]:
        asked.append(host)
        return answers[min(len(asked), len(answers)) - 1]

    return resolve, asked


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with Receiver().open() as receiver:
        yield receiver


async def sent_to(receiver: Receiver, *, limit_s: float = LONG_S) -> SendResult:
    async with channel_to(f"http://127.0.0.1:{receiver.port}/alerts", limit_s=limit_s) as channel:
        return await channel.send(MESSAGE)


async def test_document_goes_as_it_is_and_the_receiver_can_prove_it(receiver: Receiver) -> None:
    async with channel_to(f"http://127.0.0.1:{receiver.port}/alerts/") as channel:
        as_port: Channel = channel
        result = await as_port.send(MESSAGE)
        assert await as_port.find_sent(MESSAGE, since=START_AT) is None
    assert (result.outcome, result.http_status) == (Outcome.SENT, 204)
    [(request, body)] = receiver.taken
    assert (request.method, request.path, body.decode()) == ("POST", "/alerts/", DOCUMENT)
    assert request.headers["Content-Type"] == "application/json"
    assert request.headers["Gyrophare-Reference"] == "#A17-2"
    timestamp, signature = request.headers["Gyrophare-Timestamp"], request.headers["Gyrophare-Signature"]
    assert int(timestamp) == START_AT.timestamp()
    assert verify(SECRET, timestamp, signature, body, now_s=START_AT.timestamp())


async def test_each_attempt_has_the_same_key_and_no_other_document_has_it(receiver: Receiver) -> None:
    closed = OutgoingText(notification_id=17, reference="#A17-2", to="cta", text='{"occasion":"closed"}')
    async with channel_to(f"http://127.0.0.1:{receiver.port}/") as channel:
        for message in (MESSAGE, MESSAGE, closed):
            await channel.send(message)
    first, again, other = (request.headers["Idempotency-Key"] for request, _ in receiver.taken)
    assert first.startswith("n17-")
    assert first == again != other


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        *((status, Outcome.SENT) for status in (200, 201, 202, 204, 299)),
        *((status, Outcome.TEMPORARY) for status in (408, 425, 429, 500, 501, 503, 504, 599)),
        *((status, Outcome.PERMANENT) for status in (400, 401, 403, 404, 409, 410, 413, 422)),
        *((status, Outcome.PERMANENT) for status in (301, 302, 303, 307, 308)),
    ],
)
async def test_status_decides(receiver: Receiver, status: int, outcome: Outcome) -> None:
    async def answer(_request: web.Request) -> web.StreamResponse:
        return web.Response(status=status, text="Hélène Bœuf")

    receiver.handle = answer
    result = await sent_to(receiver)
    assert (result.outcome, result.http_status) == (outcome, status)
    assert "Hélène" not in result.detail


async def test_redirect_is_not_followed_even_to_an_allowed_host(receiver: Receiver) -> None:
    async def elsewhere(_request: web.Request) -> web.StreamResponse:
        return web.Response(status=307, headers={"Location": f"http://127.0.0.1:{receiver.port}/admin"})

    receiver.handle = elsewhere
    result = await sent_to(receiver)
    assert (result.outcome, "redirect" in result.detail) == (Outcome.PERMANENT, True)
    assert [request.path for request, _ in receiver.taken] == ["/alerts"]


async def test_receiver_that_never_answers_costs_no_more_than_the_limit(receiver: Receiver) -> None:
    async def hang(_request: web.Request) -> web.StreamResponse:
        await receiver.ended.wait()
        return web.Response()

    receiver.handle = hang
    started_s = asyncio.get_running_loop().time()
    result = await sent_to(receiver, limit_s=SHORT_S)
    assert result.outcome is Outcome.AMBIGUOUS
    assert asyncio.get_running_loop().time() - started_s < LONG_S / 2
    receiver.handle = receiver.take
    assert (await sent_to(receiver)).outcome is Outcome.SENT


async def test_answer_without_end_is_not_read(receiver: Receiver) -> None:
    """The status is all that is wanted; the rest may be gigabytes, or a byte a minute."""
    written = 0

    async def flood(request: web.Request) -> web.StreamResponse:
        nonlocal written
        response = web.StreamResponse(status=200)
        await response.prepare(request)
        with contextlib.suppress(ConnectionError):
            while not receiver.ended.is_set():
                await response.write(b"x" * 65536)
                written += 65536
        return response

    receiver.handle = flood
    assert (await sent_to(receiver)).outcome is Outcome.SENT
    assert written < 64 * 2**20  # what the kernel's buffers hold


async def raw(
    answer: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]], *, limit_s: float = LONG_S
) -> SendResult:
    """What comes of a receiver that is no HTTP server."""
    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with channel_to(f"http://127.0.0.1:{port}/", limit_s=limit_s) as channel:
        result = await channel.send(MESSAGE)
    server.close()
    return result


async def test_connection_reset_before_the_answer_leaves_it_open() -> None:
    async def reset(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.transport.abort()

    assert (await raw(reset)).outcome is Outcome.AMBIGUOUS


@pytest.mark.parametrize("said", [b"SSH-2.0-OpenSSH\r\n", b"HTTP/1.1 999999 x\r\n\r\n", b"\0" * 100, b""])
async def test_what_is_no_answer_leaves_it_open(said: bytes) -> None:
    async def babble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(said)
        writer.close()

    assert (await raw(babble)).outcome is Outcome.AMBIGUOUS


async def test_headers_without_end_cost_no_more_than_the_limit() -> None:
    ended = asyncio.Event()

    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\n")
        with contextlib.suppress(ConnectionError):
            while not writer.is_closing():
                writer.write(b"X: y\r\n")
                await writer.drain()
                await asyncio.sleep(SHORT_S / 10)
        writer.close()
        ended.set()

    assert (await raw(drip, limit_s=SHORT_S)).outcome is Outcome.AMBIGUOUS
    await ended.wait()


async def test_nothing_listens() -> None:
    with socket.socket() as bound:  # bound and not listening: every connection is refused
        bound.bind(("127.0.0.1", 0))
        async with channel_to(f"http://127.0.0.1:{bound.getsockname()[1]}/") as channel:
            result = await channel.send(MESSAGE)
    assert (result.outcome, result.http_status) == (Outcome.TEMPORARY, None)


async def test_unknown_target_is_permanent(receiver: Receiver) -> None:
    message = OutgoingText(notification_id=1, reference="#A1-1", to="http://127.0.0.1/", text="{}")
    async with channel_to(f"http://127.0.0.1:{receiver.port}/") as channel:
        assert (await channel.send(message)).outcome is Outcome.PERMANENT
    assert receiver.taken == []


# Where a name may try to lead us: to this machine, to the cloud's credentials, into the private network.
@pytest.mark.parametrize(
    "addresses",
    [["127.0.0.1"], ["::1"], ["169.254.169.254"], ["10.0.0.1"], ["::ffff:127.0.0.1"], ["93.184.216.34", "127.0.0.1"]],
)
async def test_name_that_leads_where_it_must_not_is_refused_before_any_connection(
    receiver: Receiver, addresses: list[str]
) -> None:
    policy = WebhookPolicy(allowed_hosts=frozenset({HOST}), plain_http=True)
    resolve, _ = resolving(addresses)
    async with channel_to(f"http://{HOST}:{receiver.port}/", policy=policy, resolve=resolve) as channel:
        result = await channel.send(MESSAGE)
    assert (result.outcome, result.http_status) == (Outcome.PERMANENT, None)
    assert result.detail.startswith(f"not sent: {HOST} resolves to ")
    assert receiver.taken == []


@pytest.mark.parametrize("url", ["http://127.0.0.1:{port}/", "http://localhost:{port}/"])
async def test_this_machine_is_refused_by_default(receiver: Receiver, url: str) -> None:
    policy = WebhookPolicy(allowed_hosts=POLICY.allowed_hosts)
    async with channel_to(url.format(port=receiver.port), policy=policy) as channel:
        assert (await channel.send(MESSAGE)).outcome is Outcome.PERMANENT
    assert receiver.taken == []


async def test_host_that_is_not_allowed_is_not_even_looked_up() -> None:
    resolve, asked = resolving(["93.184.216.34"])
    async with channel_to("https://other.example/", resolve=resolve) as channel:
        assert (await channel.send(MESSAGE)).outcome is Outcome.PERMANENT
    assert asked == []


async def test_name_that_changes_its_mind_leads_to_what_was_judged() -> None:
    """DNS rebinding: asked again, the name would lead to the second receiver, which nobody has judged."""
    async with Receiver().open("127.0.0.1") as judged, Receiver().open("127.0.0.2", judged.port) as other:
        resolve, asked = resolving(["127.0.0.1"], ["127.0.0.2"])
        async with channel_to(f"http://localhost:{judged.port}/", resolve=resolve) as channel:
            assert (await channel.send(MESSAGE)).outcome is Outcome.SENT
            assert asked == ["localhost"]
            assert (await channel.send(MESSAGE)).outcome is Outcome.SENT  # judged anew, on a new connection
        assert (len(judged.taken), len(other.taken), len(asked)) == (1, 1, 2)
        assert judged.taken[0][0].host == f"localhost:{judged.port}"


async def test_each_request_is_judged_anew() -> None:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(204)

    policy = WebhookPolicy(allowed_hosts=frozenset({HOST}))
    resolve, _ = resolving(["93.184.216.34"], ["127.0.0.1"])
    transport = PinnedTransport(policy, httpx.MockTransport(answer), resolve, timeout_s=1)
    async with httpx.AsyncClient(transport=transport) as http:
        await http.post(f"https://{HOST}/alerts", content=b"{}")
        with pytest.raises(httpx.TransportError, match="never allowed"):
            await http.post(f"https://{HOST}/alerts", content=b"{}")
    [request] = seen
    assert (request.url.host, request.headers["Host"]) == ("93.184.216.34", HOST)
    assert request.extensions["sni_hostname"] == HOST


async def test_second_address_is_tried_when_nobody_answers_at_the_first(receiver: Receiver) -> None:
    resolve, asked = resolving(["127.0.0.3", "127.0.0.1"])  # an IPv6 address without a route, in most networks
    async with channel_to(f"http://localhost:{receiver.port}/", resolve=resolve) as channel:
        assert (await channel.send(MESSAGE)).outcome is Outcome.SENT
    assert (len(receiver.taken), len(asked)) == (1, 1)


async def test_certificate_must_be_of_the_name_and_not_of_the_address(tmp_path: Path) -> None:
    make_certificate(tmp_path)
    ca_file = tmp_path / "gyrophare.crt"
    async with Receiver().open(tls_dir=tmp_path) as receiver:
        async with channel_to(f"https://localhost:{receiver.port}/", ca_file=ca_file) as channel:
            assert (await channel.send(MESSAGE)).outcome is Outcome.SENT
        async with channel_to(f"https://localhost:{receiver.port}/") as channel:
            assert (await channel.send(MESSAGE)).outcome is Outcome.TEMPORARY  # signed by nobody we trust
        other = WebhookPolicy(allowed_hosts=frozenset({"127.0.0.2"}), private_networks=True)
        resolve, _ = resolving(["127.0.0.1"])
        async with channel_to(
            f"https://127.0.0.2:{receiver.port}/", policy=other, resolve=resolve, ca_file=ca_file
        ) as channel:
            assert (await channel.send(MESSAGE)).outcome is Outcome.TEMPORARY  # of 127.0.0.1, where it did arrive
    assert len(receiver.taken) == 1


async def test_name_server_that_never_answers_is_temporary() -> None:
    async def never(host: str, port: int) -> list[str]:
        await asyncio.Event().wait()
        return []

    policy = WebhookPolicy(allowed_hosts=frozenset({HOST}))
    with pytest.raises(httpx.ConnectTimeout):
        await allowed_addresses(policy, never, httpx.URL(f"https://{HOST}/"), timeout_s=0.05)


@pytest.mark.parametrize("host", ["cta.invalid", "a" * 64 + ".example"])
async def test_name_that_does_not_resolve_is_temporary(host: str) -> None:
    async with channel_to(f"https://{host}/", policy=WebhookPolicy(allowed_hosts=frozenset({host}))) as way:
        assert (await way.send(MESSAGE)).outcome is Outcome.TEMPORARY


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (httpx.ConnectTimeout(""), Outcome.TEMPORARY),
        (httpx.PoolTimeout(""), Outcome.TEMPORARY),
        (httpx.WriteError(""), Outcome.AMBIGUOUS),
        (httpx.ReadTimeout(""), Outcome.AMBIGUOUS),
        (httpx.RemoteProtocolError(""), Outcome.AMBIGUOUS),
        (TimeoutError(), Outcome.AMBIGUOUS),
    ],
)
def test_classify_when_there_is_no_answer(error: httpx.HTTPError | TimeoutError, outcome: Outcome) -> None:
    assert classify(error).outcome is outcome


async def test_nothing_personal_and_no_secret_is_logged(receiver: Receiver, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    result = await sent_to(receiver)
    written = caplog.text + repr(MESSAGE) + repr(result)
    assert "Hélène" not in written
    assert SECRET not in written
    assert "/alerts" not in written
