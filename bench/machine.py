"""What a bench ran on, and what a process used of it."""

from __future__ import annotations

import os
import platform
import re
from pathlib import Path


def described() -> str:
    """The machine in one line."""
    memory_gib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{os.cpu_count()} × {_processor()}, {memory_gib:.0f} GiB, Python {platform.python_version()}"


def rss_mb(pid: int) -> float:
    """Resident memory of a process, in MiB."""
    found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text(encoding="utf-8"))
    if found is None:
        raise RuntimeError(f"process {pid} says nothing of its memory")
    return int(found[1]) / 1024


def cpu_s(pid: int) -> float:
    """Processor time a process has used, in seconds."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    user, system = int(fields[11]), int(fields[12])
    return (user + system) / os.sysconf("SC_CLK_TCK")


def family_cpu_s(pid: int) -> float:
    """Processor time of a process and of its children, those that have ended included, in seconds."""
    total_s = 0.0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text(encoding="utf-8").rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue  # it ended just now: its parent has its time
        if int(stat.parent.name) == pid:
            total_s += sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")
        elif int(fields[1]) == pid:
            total_s += sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK")
    return total_s


def _processor() -> str:
    found = re.search(r"model name\s*: (.+)", Path("/proc/cpuinfo").read_text(encoding="utf-8"))
    return found[1] if found else platform.machine()
