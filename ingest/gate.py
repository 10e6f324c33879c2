"""Admission: what of an understood report may be believed. Pure; every reason that fired is named."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from gyrophare.kernel.observations import Report
from ingest.formats import Refusal

FUTURE_MAX = timedelta(seconds=120)


def admit(report: Report) -> tuple[Report, Refusal | None]:
    """The report with what can be believed of it, and what was taken out.

    A fix from the future is taken out: believed, it would push the stillness deadline away from a person in danger.
    """
    fix = report.fix
    if fix is None or fix.fixed_at <= report.received_at + FUTURE_MAX:
        return report, None
    ahead_s = (fix.fixed_at - report.received_at).total_seconds()
    refusal = Refusal(
        reason="fix_in_future",
        detail=f"fixed_at is {ahead_s:.0f} s ahead of our clock; expected at most {FUTURE_MAX.total_seconds():.0f} s",
    )
    return replace(report, fix=None, doubts=(*report.doubts, refusal.reason)), refusal
