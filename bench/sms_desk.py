"""The stand-in SMS provider as a process of its own, so that what is measured does not wait for it, nor it for that.

`python -m bench.sms_desk MS` says its address on standard output and answers each text MS milliseconds later; the end
of standard input ends it.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import httpx

from bench.servers import CLOCK
from gyrophare.sim.sms_provider import SmsProvider

ACCOUNT, KEY, SECRET = "AC" + "0" * 32, "SK" + "1" * 32, "of no account"
FROM_E164 = "+33380000000"


@dataclass(frozen=True, slots=True, kw_only=True)
class SmsDesk:
    """The provider at that URL."""

    url: str

    @property
    def settings(self) -> Mapping[str, str]:
        """The environment of a server that sends through it."""
        return {
            "GYROPHARE_SMS_BASE_URL": self.url,
            "GYROPHARE_SMS_ACCOUNT_SID": ACCOUNT,
            "GYROPHARE_SMS_API_KEY": KEY,
            "GYROPHARE_SMS_API_SECRET": SECRET,
            "GYROPHARE_SMS_FROM_NUMBER": FROM_E164,
        }

    async def arrivals(self) -> dict[str, datetime]:
        """Of each reference, the last word of a line of its text, when the first such text arrived."""
        async with httpx.AsyncClient(trust_env=False) as http:
            texts: list[dict[str, Any]] = (await http.get(f"{self.url}/outbox.json")).json()  # the newest first
        return {
            line.rsplit(" ", 1)[-1]: datetime.fromisoformat(text["received_at"])
            for text in texts
            for line in text["body"].splitlines()
        }


@contextlib.asynccontextmanager
async def sms_desk(answer_ms: float) -> AsyncIterator[SmsDesk]:
    """A provider that answers after so long."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "bench.sms_desk",
        str(answer_ms),
        env={"PATH": os.defpath},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdin is not None  # noqa: S101  # for the type checker
    assert process.stdout is not None  # noqa: S101
    try:
        yield SmsDesk(url=(await process.stdout.readline()).decode().strip())
    finally:
        process.stdin.close()
        await process.wait()


async def _run(answer_s: float) -> None:
    provider = SmsProvider(account_sid=ACCOUNT, api_key=KEY, api_secret=SECRET, clock=CLOCK, answer_after_s=answer_s)
    await provider.start()
    sys.stdout.write(f"{provider.base_url}\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.read)
    await provider.stop()


if __name__ == "__main__":
    asyncio.run(_run(float(sys.argv[1]) / 1000))
