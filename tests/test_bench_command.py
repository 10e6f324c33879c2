"""The benches run, and what they print are figures of that run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest

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
    assert 0 < figures["second_start_s"] < figures["first_start_s"]
    assert figures["idle_rss_mb"] > 20
