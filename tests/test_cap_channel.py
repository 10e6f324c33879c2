"""CAP messages delivered: whole files in a folder, posts to an endpoint, and what each answer means."""

from __future__ import annotations

import asyncio
import json
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiohttp import web
from lxml import etree

from alerts.channels import Channel, Outcome, OutgoingText
from alerts.channels.cap import CapChannel, classify
from tests.test_alert_documents import RAISED
from tests.test_cap_xml import SCHEMA, SENDER

NAME = "A17-raised-20260114T074203Z.xml"


def message(**changed: Any) -> OutgoingText:
    return OutgoingText(notification_id=7, reference="#A17-1", to="SDIS 21", text=json.dumps(RAISED | changed))


def names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


@asynccontextmanager
async def channel_to(
    *, folder: Path | None = None, url: str | None = None, read_timeout_s: float = 5.0
) -> AsyncIterator[Channel]:
    channel = CapChannel(sender=SENDER, folder=folder, url=url, token="not-a-secret", read_timeout_s=read_timeout_s)
    yield channel
    await channel.aclose()


@asynccontextmanager
async def endpoint(status: int | None = 200) -> AsyncIterator[tuple[str, list[tuple[str, str, bytes]]]]:
    """An endpoint's URL and what was posted to it; without a status it never answers."""
    posted: list[tuple[str, str, bytes]] = []

    async def take(request: web.Request) -> web.Response:
        posted.append((request.content_type, request.headers["Authorization"], await request.read()))
        if status is None:
            await asyncio.Event().wait()
        return web.Response(status=status or 200, headers={"Location": "http://127.0.0.1:1/elsewhere"})

    application = web.Application()
    application.router.add_post("/cap", take)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}/cap", posted
    await runner.cleanup()


async def test_message_is_a_whole_file_in_the_folder(tmp_path: Path) -> None:
    async with channel_to(folder=tmp_path) as channel:
        result = await channel.send(message())
        again = await channel.send(message())
    assert (result.outcome, again.outcome) == (Outcome.SENT, Outcome.SENT)
    assert names(tmp_path) == [NAME]  # sent again, it replaces itself
    SCHEMA.assertValid(etree.fromstring((tmp_path / NAME).read_bytes()))


async def test_reader_of_the_folder_never_sees_half_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[list[str]] = []
    synced = os.fsync

    def look(number: int) -> None:
        seen.append([path.name for path in tmp_path.glob("*.xml") if not path.name.startswith(".")])
        synced(number)

    monkeypatch.setattr(os, "fsync", look)
    async with channel_to(folder=tmp_path) as channel:
        await channel.send(message())
    assert seen == [[], [NAME]]  # written to the disk before it has its name, then the name


async def test_folder_that_is_not_there_is_temporary(tmp_path: Path) -> None:
    async with channel_to(folder=tmp_path / "nowhere") as channel:
        result = await channel.send(message())
    assert result.outcome is Outcome.TEMPORARY
    assert str(tmp_path) not in result.detail


async def test_message_is_posted() -> None:
    async with endpoint() as (url, posted), channel_to(url=url) as channel:
        result = await channel.send(message())
    [(kind, authorization, body)] = posted
    assert (result.outcome, result.http_status) == (Outcome.SENT, 200)
    assert (kind, authorization) == ("application/cap+xml", "Bearer not-a-secret")
    SCHEMA.assertValid(etree.fromstring(body))


async def test_both_ways_are_taken(tmp_path: Path) -> None:
    async with endpoint(503) as (url, posted), channel_to(folder=tmp_path, url=url) as channel:
        result = await channel.send(message())
    assert (result.outcome, len(posted)) == (Outcome.AMBIGUOUS, 1)
    assert (tmp_path / NAME).exists()


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (202, Outcome.SENT),
        (302, Outcome.PERMANENT),
        (400, Outcome.PERMANENT),
        (401, Outcome.PERMANENT),
        (408, Outcome.AMBIGUOUS),
        (429, Outcome.TEMPORARY),
        (500, Outcome.AMBIGUOUS),
    ],
)
async def test_answer_says_what_became_of_it(status: int, outcome: Outcome) -> None:
    async with endpoint(status) as (url, posted), channel_to(url=url) as channel:
        result = await channel.send(message())
    assert (result.outcome, result.http_status, len(posted)) == (outcome, status, 1)


async def test_no_answer_is_ambiguous() -> None:
    async with endpoint(None) as (url, _), channel_to(url=url, read_timeout_s=0.1) as channel:
        assert (await channel.send(message())).outcome is Outcome.AMBIGUOUS


async def test_nobody_there_is_temporary() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, not listening
        async with channel_to(url=f"http://127.0.0.1:{taken.getsockname()[1]}/cap") as channel:
            assert (await channel.send(message())).outcome is Outcome.TEMPORARY


def test_total_time_that_runs_out_is_ambiguous() -> None:
    assert classify(TimeoutError()).outcome is Outcome.AMBIGUOUS
    assert classify(httpx.ConnectTimeout("")).outcome is Outcome.TEMPORARY


async def test_document_that_cannot_be_read_is_permanent(tmp_path: Path) -> None:
    async with channel_to(folder=tmp_path) as channel:
        assert (await channel.send(message(version=2))).outcome is Outcome.PERMANENT
    assert names(tmp_path) == []


async def test_nothing_personal_is_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    async with endpoint(500) as (url, _), channel_to(folder=tmp_path, url=url) as channel:
        result = await channel.send(message())
    for secret in ("Martin", "Fauchage", "47.3", "not-a-secret"):
        assert secret not in caplog.text + repr(result)
