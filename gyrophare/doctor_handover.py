"""What the doctor finds of the ways an alert is handed over by; of those that are not configured it says nothing."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path

import psycopg
from psycopg.rows import dict_row

from alerts.channels import Outcome
from gyrophare import handover_channels
from gyrophare.finding import Finding
from gyrophare.handover_settings import CapSettings
from gyrophare.kernel.clock import SystemClock
from gyrophare.platform import sql
from gyrophare.settings import Settings

QUERIES = sql.load(__file__, "doctor_handover.sql")
_SILENT_S = 180


def look(settings: Settings) -> Iterator[Finding]:
    """The modem, the rescue services and the receiving centre."""
    if settings.gammu.url is not None:
        yield _modem(settings.gammu.url.get_secret_value())
    if settings.cap.sender is not None:
        yield from _cap(settings.cap)
    receiver = handover_channels.dc09(settings.dc09, SystemClock())
    if receiver is not None:
        result = asyncio.run(receiver.supervise())
        answers = result.outcome is Outcome.SENT
        yield Finding(
            name="alarm receiver",
            verdict="ok" if answers else "fault",
            found=f"DC-09 at {settings.dc09.host}:{settings.dc09.port}: {result.detail}",
            do="" if answers else "compare host, port, protocol, account and key of [dc09] with the centre's",
        )
        if settings.dc09.key is None:
            yield Finding(
                name="alarm receiver key",
                verdict="warning",
                found="none: positions are not sent, and anybody on the way may acknowledge an alarm",
                do="ask the centre for an AES key and set GYROPHARE_DC09_KEY",
            )


def _cap(cap: CapSettings) -> Iterator[Finding]:
    if cap.folder is not None:
        writable = _writable(cap.folder)
        yield Finding(
            name="cap folder",
            verdict="ok" if writable else "fault",
            found=f"{cap.folder} {'can' if writable else 'cannot'} be written",
            do="" if writable else "create it, and give it to the user that runs `gyrophare serve`",
        )
    if cap.url is not None:  # whatever is posted there is an alert, so nothing is
        clear = cap.url.startswith("http://")
        yield Finding(
            name="cap endpoint",
            verdict="warning" if clear else "ok",
            found=f"configured: {cap.url}{', which is not encrypted' if clear else ''}",
            do="use https://: the messages say who lies where" if clear else "",
        )


def _writable(folder: Path) -> bool:
    return folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)


def _modem(url: str) -> Finding:
    try:
        with psycopg.connect(url, autocommit=True, connect_timeout=5, row_factory=dict_row) as connection:
            [row] = connection.execute(QUERIES["modem"]).fetchall()
    except psycopg.Error as error:
        return Finding(
            name="modem",
            verdict="fault",
            found=str(error).splitlines()[0],
            do="is GYROPHARE_GAMMU_URL the database of gammu-smsd, and may we read and write its tables?",
        )
    silent = row["silent_s"] is None or row["silent_s"] > _SILENT_S
    if silent or row["late"]:
        said = "no gammu-smsd has said anything for 3 minutes" if silent else "gammu-smsd runs"
        return Finding(
            name="modem",
            verdict="fault",
            found=f"{said}; {row['late']} texts wait longer than a minute",
            do="look at gammu-smsd's log and the modem's signal; keep its StatusFrequency at 60 or less",
        )
    return Finding(name="modem", verdict="ok", found="gammu-smsd lives and no text waits")
