"""`gyrophare simulate watches` against a real server and a real broker, as an operator runs it."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from gyrophare.embedded import MqttBroker
from gyrophare.kernel.clock import SystemClock
from gyrophare.kernel.observations import Wire
from gyrophare.sim.fleet import Crew
from gyrophare.sim.history import Done, History
from tests.conftest import StartServer
from tests.department import Department
from tests.simulated import native_key

_number = itertools.count()


@pytest.fixture
def prefix() -> str:
    """Names of this test's own, as the broker is shared."""
    return f"s{os.getpid()}x{next(_number)}"


async def simulate(tmp_path: Path, *arguments: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        Path(sys.executable).with_name("gyrophare"),
        "simulate",
        "watches",
        *arguments,
        cwd=tmp_path,
        env={"PATH": os.defpath, "GYROPHARE_DATA_DIR": str(tmp_path), "LC_ALL": "C.UTF-8"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def ended(process: asyncio.subprocess.Process) -> tuple[int | None, str, str]:
    """Exit code, output and errors."""
    try:
        async with asyncio.timeout(90):
            out, err = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
    return process.returncode, out.decode(), err.decode()


async def simulated(tmp_path: Path, *arguments: str) -> tuple[int | None, dict[str, Any], str]:
    """Exit code, figures and errors of a run with --json."""
    code, out, err = await ended(await simulate(tmp_path, *arguments, "--json"))
    assert out, err
    return code, json.loads(out), err


async def engage(department: Department, crew: Crew) -> None:
    department.clock.set(SystemClock().now())
    for name, speaks in crew.members():
        await department.on_shift(name, agent=name, wire=Wire(speaks))


async def stored(department: Department) -> list[tuple[str, int]]:
    """Of every row that a native device left: its name and its key."""
    rows = await department.rows(
        "select d.wire_name, message_key from fix join device d on d.id = device_id where d.wire = 'native' "
        "union all "
        "select d.wire_name, message_key from event join device d on d.id = device_id where d.wire = 'native'"
    )
    return [(row["wire_name"], row["message_key"]) for row in rows]


async def test_crew_with_every_fault_has_all_it_measured_stored_once(
    start_server: StartServer, department: Department, broker: MqttBroker, prefix: str, tmp_path: Path
) -> None:
    await engage(department, Crew(count=20, prefix=prefix))
    await start_server(None, SystemClock())
    code, figures, err = await simulated(
        tmp_path,
        *("--url", broker.url, "--prefix", prefix, "--count", "20", "--rate", "4", "--seconds", "8"),
        *("--seed", "11", "--faults", "all", "--history", str(tmp_path / "history")),
    )
    assert code == 0, err
    history = History.load(tmp_path / "history")
    native = {message for message in history.messages(Done.MADE) if not message.device.endswith("/phone")}
    assert native == set(history.messages(Done.RECEIPTED))
    assert figures["receipted"] == len(native) > 300
    assert (figures["unreceipted"], figures["lost"], figures["watches"], figures["seed"]) == (0, 0, 20, 11)
    verdict = history.check(await stored(department), native_key)
    assert verdict.sound, verdict
    [phones] = await department.rows(
        "select count(*) as n from fix join device d on d.id = device_id where d.wire = 'owntracks'"
    )
    assert phones["n"] > 20


async def test_each_device_may_have_its_own_session_and_password(
    start_server: StartServer, department: Department, broker: MqttBroker, prefix: str, tmp_path: Path
) -> None:
    """The embedded broker lets everybody in; what is shown is that each of them connects, and hears."""
    crew = Crew(count=4, prefix=prefix, phones=0)
    await engage(department, crew)
    await start_server(None, SystemClock())
    passwords = tmp_path / "passwords.json"
    passwords.write_text(json.dumps({name: "p@ss/word" for name, _ in crew.members()}), encoding="utf-8")
    code, figures, err = await simulated(
        tmp_path,
        *("--url", broker.url, "--prefix", prefix, "--count", "4", "--rate", "5", "--seconds", "2", "--phones", "0"),
        *("--credentials", str(passwords)),
    )
    assert code == 0, err
    assert figures["receipted"] == figures["reports"] > 20


async def test_strangers_get_no_receipt_are_told_why_and_owe_it_to_the_next_run(
    start_server: StartServer, department: Department, broker: MqttBroker, prefix: str, tmp_path: Path
) -> None:
    await start_server(None, SystemClock())
    options = ("--url", broker.url, "--prefix", prefix, "--count", "3", "--phones", "0")
    code, figures, err = await simulated(tmp_path, *options, "--seconds", "1", "--rate", "3", "--wait", "0.5")
    assert code == 1
    assert (figures["receipted"], figures["unprotected"]) == (0, 3)
    assert figures["unreceipted"] == figures["reports"] > 0
    assert f"Register {prefix}-0001" in err

    await engage(department, Crew(count=3, prefix=prefix, phones=0))
    code, later, err = await simulated(tmp_path, *options, "--seconds", "1", "--rate", "0.001")
    assert code == 0, err
    assert later["receipted"] == figures["unreceipted"] + 1
    assert later["unreceipted"] == 0


async def test_interrupt_ends_the_day_and_waits_for_the_last_receipts(
    start_server: StartServer, department: Department, broker: MqttBroker, prefix: str, tmp_path: Path
) -> None:
    await engage(department, Crew(count=3, prefix=prefix))
    await start_server(None, SystemClock())
    process = await simulate(tmp_path, "--url", broker.url, "--prefix", prefix, "--count", "3", "--rate", "5", "--json")
    await department.until_rows(10, "select from fix")
    process.send_signal(signal.SIGINT)
    code, out, err = await ended(process)
    assert code == 0, err
    assert json.loads(out)["unreceipted"] == 0


async def test_names_are_printed_to_be_registered(tmp_path: Path) -> None:
    code, out, err = await ended(await simulate(tmp_path, "--names", "--count", "10"))
    assert (code, err) == (0, "")
    assert out.splitlines() == [f"sim-{number:04d}\tnative" for number in range(1, 10)] + ["sim-0010/phone\towntracks"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((), "No broker is configured"),
        (("--faults", "gremlins"), "fault 'gremlins': no such fault"),
        (("--url", "mqtt://127.0.0.1:9", "--credentials", "none.json"), "none.json cannot be read (FileNotFoundError)"),
        (("--url", "mqtt://127.0.0.1:9", "--credentials", "list.json"), "list.json is not what was expected"),
        (("--url", "mqtt://127.0.0.1:9", "--credentials", "few.json"), "No password for sim-0002, sim-0003"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_what_is_wrong_is_a_sentence_and_exit_code_2(
    arguments: tuple[str, ...], says: str, tmp_path: Path
) -> None:
    (tmp_path / "list.json").write_text('["secret-word"]')
    (tmp_path / "few.json").write_text('{"sim-0001": "secret-word"}')
    code, out, err = await ended(await simulate(tmp_path, "--count", "3", *arguments))
    assert (code, out) == (2, "")
    assert err.startswith("gyrophare: ")
    assert says in err
    assert "Traceback" not in err
    assert "secret-word" not in err


def test_every_fault_is_explained_in_the_help() -> None:
    from gyrophare.sim.faults import Fault

    shown = subprocess.run(
        [Path(sys.executable).with_name("gyrophare"), "simulate", "watches", "--help"],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        env={"PATH": os.defpath, "COLUMNS": "400", "LC_ALL": "C.UTF-8"},
    ).stdout
    assert all(f"{fault}: " in shown for fault in Fault)
