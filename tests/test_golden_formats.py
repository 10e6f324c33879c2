"""What each format makes of the bodies in `tests/golden`, written down beside them from the formats' field tables."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from ingest import topics
from tests.golden_cases import EXPECTED, GOLDEN, PAYLOAD, Case, load, names, outcome

CASES = load()
CASES_MIN = 12


def _keys(case: Case, later: timedelta = timedelta(0)) -> list[int]:
    again = replace(case, received_at=case.received_at + later)
    return [seen.message_key for seen in again.decode().observations]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_payload_when_decoded_is_what_was_written_down(case: Case) -> None:
    assert outcome(case) == case.outcome


@pytest.mark.parametrize("case", [case for case in CASES if case.outcome.get("observations")], ids=str)
def test_payload_when_it_comes_again_has_the_same_keys(case: Case) -> None:
    keys = _keys(case)
    assert all(-(2**63) <= key < 2**63 for key in keys)
    assert (_keys(case, later=timedelta(hours=1)) == keys) is case.repeatable


@pytest.mark.parametrize("case", [case for case in CASES if case.outcome.get("observations")], ids=str)
def test_observation_is_received_when_its_message_was(case: Case) -> None:
    assert {seen.received_at for seen in case.decode().observations} == {case.received_at}
    assert case.received_at.utcoffset() == timedelta(0)


def test_every_case_has_both_its_files_and_nothing_lies_beside_them() -> None:
    assert names(PAYLOAD) == names(EXPECTED)
    assert [
        str(path) for path in GOLDEN.glob("*/*") if not path.name.endswith((PAYLOAD, EXPECTED)) or not path.is_file()
    ] == []


@pytest.mark.parametrize("case", CASES, ids=str)
def test_case_lies_with_its_wire(case: Case) -> None:
    assert topics.parse(case.topic).route.wire == case.wire


@pytest.mark.parametrize("wire", sorted({route.wire for route in topics.ROUTES}))
def test_wire_has_a_dozen_cases(wire: str) -> None:
    assert len([case for case in CASES if case.wire == wire]) >= CASES_MIN
