"""A CAP folder on a share that is away: a write to it never ends, and hinders nothing but the folder."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path

from alerts.channels import Outcome, OutgoingText
from alerts.channels.cap import CapChannel
from alerts.channels.sms import SmsChannel
from alerts.dispatcher import Dispatcher
from gyrophare.kernel.clock import ManualClock
from gyrophare.platform.db import Pool, connect
from gyrophare.sim.sms_provider import SmsProvider
from tests.department import SMS_KEY, SMS_SECRET, SMS_SID, Department
from tests.test_alert_documents import RAISED
from tests.test_cap_xml import SENDER
from tests.test_dispatch_loops import queue

TEXTS = [json.dumps(RAISED | {"reference": f"A{number}"}) for number in range(1, 7)]
NAMES = [f"A{number}-raised-20260114T074203Z.xml" for number in range(1, 7)]
_CLOSING = """
import asyncio, sys
from pathlib import Path
from alerts.channels import OutgoingText
from alerts.channels.cap import CapChannel

async def main():
    channel = CapChannel(sender=sys.argv[1], folder=Path(sys.argv[2]), url=None, folder_s=0.1)
    message = OutgoingText(notification_id=1, reference="#A1-1", to="SDIS 21", text=sys.argv[3])
    print((await channel.send(message)).outcome)
    await channel.aclose()

asyncio.run(main())
"""


@contextmanager
def away(folder: Path) -> Iterator[None]:
    """As long as this lasts whoever writes one of the files waits: opening a pipe waits for a reader."""
    pipes = [folder / f".{name}.part" for name in NAMES]
    for pipe in pipes:
        os.mkfifo(pipe)
    try:
        yield
    finally:
        for pipe in pipes:
            reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
            pipe.unlink()
            os.close(reader)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@asynccontextmanager
async def channel_to(folder: Path) -> AsyncIterator[CapChannel]:
    channel = CapChannel(sender=SENDER, folder=folder, url=None, folder_s=0.2)
    yield channel
    await channel.aclose()


def message(number: int = 0) -> OutgoingText:
    return OutgoingText(notification_id=7, reference="#A1-1", to="SDIS 21", text=TEXTS[number])


async def test_message_to_a_folder_that_is_away_is_ambiguous_and_written_when_it_is_back(tmp_path: Path) -> None:
    async with channel_to(tmp_path) as channel:
        with away(tmp_path):
            results = [await channel.send(message(number)) for number in (0, 0, 1)]
        assert {(result.outcome, result.detail) for result in results} == {
            (Outcome.AMBIGUOUS, "the folder does not answer in time")
        }
        assert (await channel.send(message())).outcome is Outcome.SENT
    assert names(tmp_path) == [NAMES[0]]  # and nothing of what was given up before its turn


async def test_sms_to_a_host_by_its_name_goes_while_the_folder_is_away(
    pool: Pool, clock: ManualClock, database_url: str, provider: SmsProvider, tmp_path: Path
) -> None:
    """The accident: as many hung writes as the loop has threads, and no host name was resolved any more."""
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(max_workers=2))
    sms = SmsChannel(
        base_url=provider.base_url.replace("127.0.0.1", "localhost"),
        account_sid=SMS_SID,
        api_key=SMS_KEY,
        api_secret=SMS_SECRET,
        from_number="+33380000000",
    )
    async with channel_to(tmp_path) as cap, await connect(database_url) as connection:
        office = Department(connection, None, clock)
        running = asyncio.create_task(Dispatcher(pool, clock, [cap, sms]).run())
        with away(tmp_path):
            await queue(connection, clock, "cap", *TEXTS)
            await office.until_rows(len(TEXTS), "select from notification where channel = 'cap' and attempts > 0")
            await queue(connection, clock, "sms", "+33600000001")
            await office.until_rows(1, "select from notification where channel = 'sms' and state = 'sent'")
            await office.until_rows(len(TEXTS), "select from notification where state = 'ambiguous'")
        clock.advance(5)
        await office.until_rows(len(TEXTS), "select from notification where channel = 'cap' and state = 'sent'")
        running.cancel()
        await asyncio.wait([running])
    assert names(tmp_path) == NAMES
    await sms.aclose()


async def test_process_ends_while_the_folder_is_away(tmp_path: Path) -> None:
    with away(tmp_path):
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", _CLOSING, SENDER, str(tmp_path), TEXTS[0], stdout=asyncio.subprocess.PIPE
        )
        try:
            async with asyncio.timeout(30):
                said, _ = await process.communicate()
        finally:
            with suppress(ProcessLookupError):
                process.kill()
    assert (said, process.returncode) == (b"ambiguous\n", 0)
