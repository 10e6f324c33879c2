"""The benches run, and what they print are figures of that run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from bench.alerts import percentile

KEYS = [
    "messages_per_s",
    "receive_limit_per_s",
    "ratio_to_receive_limit",
    "array_fixes_per_s",
    "copy_limit_fixes_per_s",
    "naive_messages_per_s",
    "publish_to_commit_p99_ms",
    "rss_mb",
    "messages_per_s_many_known",
]


def bench(*arguments: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "gyrophare.cli", "bench", *arguments, "--json"]
    done = subprocess.run(command, env={"PATH": os.defpath}, capture_output=True, text=True, check=False, timeout=280)
    assert done.returncode == 0, done.stderr
    figures: dict[str, Any] = json.loads(done.stdout)
    return figures


@pytest.mark.timeout(300)
def test_ingest_is_measured_beside_its_limits() -> None:
    figures = bench("ingest", "--messages", "2000", "--fixes", "200000", "--many", "2000")
    assert all(figures[key] > 0 for key in KEYS)
    assert figures["ratio_to_receive_limit"] == pytest.approx(
        figures["messages_per_s"] / figures["receive_limit_per_s"], abs=0.001
    )
    assert (figures["messages"], figures["fixes"]) == (2000, 200_000)


def test_start_is_measured() -> None:
    figures = bench("start")
    assert min(figures["first_start_s"], figures["second_start_s"]) > 0  # which is the longer is up to the machine here
    assert figures["idle_rss_mb"] > 20


@pytest.mark.timeout(300)
def test_alarms_are_measured_for_each_number_of_agents() -> None:
    arguments = ["--agents", "60", "--agents", "30", "--alarms", "40", "--seconds", "3", "--rate", "20"]
    figures = bench("alerts", *arguments)
    runs = figures["runs"]
    assert [(run["agents"], run["raised"], run["burst_agents"]) for run in runs] == [(30, 30, 30), (60, 40, 60)]
    for run in runs:
        # Seen by another connection, so never before it was due, nor before the engine says to have raised it.
        assert 0 < run["lateness_p50_ms"] <= run["lateness_p99_ms"] <= run["lateness_max_ms"]
        assert 0 < run["raised_at_p99_ms"] < run["lateness_max_ms"]
        assert run["tick_idle_ms"] > 0
        assert run["tick_ms"] > 0
        assert 0 < run["burst_s"] < 30
        assert run["messages_per_s"] > 0
    assert figures["growth"]["agents"] == 2


@pytest.mark.timeout(300)
def test_way_to_the_provider_is_measured_beside_a_plain_program() -> None:
    figures = bench("dispatch", "--alarms", "20", "--seconds", "2", "--answer-ms", "20")
    assert (figures["alarms"], figures["seconds"]) == (20, 2)
    # The provider never hears of an alarm before it is committed.
    assert 0 < figures["to_provider_p50_ms"] <= figures["to_provider_p99_ms"] <= figures["to_provider_max_ms"]
    assert 0 < figures["plain_p50_ms"] <= figures["plain_p99_ms"]


@pytest.mark.timeout(300)
def test_way_to_every_console_is_measured_beside_a_bare_server() -> None:
    figures = bench("consoles", "--consoles", "3", "--devices", "20", "--alerts", "4", "--rounds", "1")
    assert (figures["consoles"], figures["devices"], figures["acknowledgements"]) == (3, 20, 4)
    # No page shows it before it is committed.
    assert 0 < figures["commit_p50_ms"] < figures["request_p50_ms"] <= figures["request_max_ms"]
    assert 0 < figures["burst_p50_ms"] <= figures["burst_max_ms"]
    assert 0 < figures["elsewhere_p50_ms"] <= figures["elsewhere_max_ms"]
    assert figures["ratio_to_plain_p99"] == pytest.approx(figures["request_p99_ms"] / figures["plain_p99_ms"], rel=0.1)


@pytest.mark.parametrize(("pct", "found"), [(50, 5), (99, 10), (100, 10), (1, 1)])
def test_percentile_is_one_of_the_values(pct: float, found: float) -> None:
    assert percentile([10, 1, 9, 2, 8, 3, 7, 4, 6, 5], pct) == found
