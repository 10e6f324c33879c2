"""`gyrophare bench`: what this machine does in a second, beside what it could do at most."""

from __future__ import annotations

import asyncio
import json
from dataclasses import asdict
from enum import StrEnum
from typing import Annotated

import typer
from rich.console import Console

app = typer.Typer(help="Measure what this machine can bear.", no_args_is_help=True)
_out = Console(highlight=False, soft_wrap=True)
_err = Console(stderr=True, highlight=False, soft_wrap=True)


AsJson = Annotated[bool, typer.Option("--json", help="Print the figures as JSON on standard output.")]


class BrokerKind(StrEnum):
    """Which broker to measure with."""

    AUTO = "auto"
    MOSQUITTO = "mosquitto"
    EMBEDDED = "embedded"


@app.command()
def ingest(
    messages: Annotated[int, typer.Option(min=2_000, help="Messages of one report, in each measurement.")] = 20_000,
    fixes: Annotated[int, typer.Option(min=200_000, help="Fixes in arrays of 100.")] = 1_000_000,
    many: Annotated[int, typer.Option(min=2_000, help="Watches of a large department.")] = 100_000,
    broker: Annotated[BrokerKind, typer.Option(help="auto: Mosquitto where it is installed.")] = BrokerKind.AUTO,
    as_json: AsJson = False,
) -> None:
    """How many messages a second are stored and receipted, beside the machine's own limits in the same run.

    Everything runs on this machine in a folder that is removed afterwards; a configured database or broker is not
    touched. It takes about two minutes and both processors: compare ratios, and only runs on a quiet machine.
    """
    from bench.ingest import measure

    with _err.status("") as status:
        result = asyncio.run(
            measure(messages=messages, fixes=fixes, many=many, broker_kind=broker.value, say=status.update)
        )
    _show(asdict(result), as_json)


@app.command()
def alerts(
    agents: Annotated[list[int] | None, typer.Option(min=1, help="On shift; repeat it. [1000, 10000, 100000]")] = None,
    alarms: Annotated[int, typer.Option(min=1, max=1_000, help="Agents that fall due, at random instants.")] = 500,
    seconds: Annotated[float, typer.Option(min=1, max=600, help="In how many seconds they do.")] = 30,
    rate: Annotated[float, typer.Option(min=1, help="Messages a second that arrive meanwhile.")] = 200,
    broker: Annotated[BrokerKind, typer.Option(help="auto: Mosquitto where it is installed.")] = BrokerKind.AUTO,
    as_json: AsJson = False,
) -> None:
    """How late alarms are and what a tick costs, with ever more agents on shift; and a thousand due at one instant.

    Everything runs on this machine in a folder that is removed afterwards. A number of agents takes about a minute.
    """
    from bench.alerts import measure

    with _err.status("") as status:
        result = asyncio.run(
            measure(
                agents=agents or [1_000, 10_000, 100_000],
                alarms=alarms,
                seconds=seconds,
                rate_per_s=rate,
                broker_kind=broker.value,
                say=status.update,
            )
        )
    if as_json:
        _show(asdict(result), as_json)
        return
    head, runs = asdict(result), [asdict(run) for run in result.runs]
    del head["runs"]
    _show(head, as_json)
    for name in runs[0]:
        _out.print(f"{name:>32}  " + "  ".join(f"{run[name]:>10}" for run in runs))


@app.command()
def dispatch(
    alarms: Annotated[int, typer.Option(min=1, max=2_000, help="Presses of SOS, at random instants.")] = 300,
    seconds: Annotated[float, typer.Option(min=1, max=600, help="In how many seconds.")] = 10,
    answer_ms: Annotated[float, typer.Option(min=0, max=5_000, help="How long the provider takes to answer.")] = 100,
    broker: Annotated[BrokerKind, typer.Option(help="auto: Mosquitto where it is installed.")] = BrokerKind.AUTO,
    as_json: AsJson = False,
) -> None:
    """How soon the SMS provider hears of an alarm, from its commit to its first request; and of a plain program.

    The provider is a stand-in in a process of its own: no text leaves this machine.
    """
    from bench.dispatch import measure

    with _err.status("") as status:
        result = asyncio.run(
            measure(alarms=alarms, seconds=seconds, answer_ms=answer_ms, broker_kind=broker.value, say=status.update)
        )
    _show(asdict(result), as_json)


@app.command()
def consoles(
    consoles: Annotated[int, typer.Option(min=1, max=500, help="Open at one server.")] = 50,
    devices: Annotated[int, typer.Option(min=1, max=5_000, help="On shift, each reports every 5 s.")] = 300,
    alerts: Annotated[int, typer.Option(min=2, max=300, help="Open; half of them taken at once.")] = 30,
    rounds: Annotated[int, typer.Option(min=1, max=20, help="How often so many are raised and taken.")] = 4,
    broker: Annotated[BrokerKind, typer.Option(help="auto: Mosquitto where it is installed.")] = BrokerKind.AUTO,
    as_json: AsJson = False,
) -> None:
    """How soon every console shows that an alarm was taken, at the same server and at another; and a bare server's.

    Everything runs on this machine in a folder that is removed afterwards. It takes about a minute.
    """
    from bench.consoles import measure

    with _err.status("") as status:
        result = asyncio.run(
            measure(
                consoles=consoles,
                devices=devices,
                alerts=min(alerts, devices),
                rounds=rounds,
                broker_kind=broker.value,
                say=status.update,
            )
        )
    _show(asdict(result), as_json)


@app.command()
def start(as_json: AsJson = False) -> None:
    """How soon a server is there, and the memory it takes when nobody speaks."""
    from bench.start import measure

    with _err.status("starting a server twice"):
        result = asyncio.run(measure())
    _show(asdict(result), as_json)


def _show(figures: dict[str, object], as_json: bool) -> None:
    if as_json:
        _out.print(json.dumps(figures, indent=2, ensure_ascii=False))
    else:
        for name, value in figures.items():
            _out.print(f"{name:>32}  {value}")
