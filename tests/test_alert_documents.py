"""The document that machines are told of an alert by: what is written is read again, anything else is refused."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.documents import AlertDocument, Occasion, Place, Told, read, write
from alerts.model import AlertKind

AT = datetime(2026, 1, 14, 7, 42, 3, tzinfo=UTC)
RAISED: dict[str, Any] = {
    "version": 1,
    "reference": "A17",
    "occasion": "raised",
    "kind": "stillness",
    "priority": 3,
    "what": "IMMOBILE",
    "subject": "Martin Lefèvre",
    "mission": "Fauchage RD 70",
    "organisation": "Côte-d'Or",
    "episode_at": "2026-01-14T07:39:03Z",
    "raised_at": "2026-01-14T07:42:03Z",
    "at": "2026-01-14T07:42:03Z",
    "position": {"latitude_deg": 47.3215, "longitude_deg": 5.0415, "accuracy_m": 6.5, "fixed_at": None},
    "received_late_s": None,
    "by": None,
    "cause": None,
    "test": False,
}
instants = st.datetimes(min_value=datetime(2000, 1, 1), max_value=datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
texts = st.text(st.characters(exclude_categories=["Cs"]))
places = st.builds(
    Place,
    latitude_deg=st.floats(-90, 90),
    longitude_deg=st.floats(-180, 180),
    accuracy_m=st.none() | st.floats(0, 1e6),
    fixed_at=st.none() | instants,
)
documents = st.builds(
    AlertDocument,
    version=st.just(1),
    reference=st.integers(1, 2**31).map(lambda number: f"A{number}"),
    occasion=st.sampled_from(Occasion),
    kind=st.sampled_from(AlertKind),
    priority=st.integers(0, 9),
    what=texts,
    subject=texts,
    mission=st.none() | texts,
    organisation=texts,
    episode_at=instants,
    raised_at=instants,
    at=instants,
    position=st.none() | places,
    received_late_s=st.none() | st.floats(0, 1e9),
    by=st.none() | texts,
    cause=st.none() | texts,
    test=st.booleans(),
    earlier=st.lists(st.builds(Told, occasion=st.sampled_from(Occasion), at=instants), max_size=3).map(tuple),
)


def test_what_the_outbox_holds_is_read() -> None:
    found = read(json.dumps(RAISED))
    assert (found.occasion, found.kind, found.raised_at) == (Occasion.RAISED, AlertKind.STILLNESS, AT)
    assert found.position == Place(latitude_deg=47.3215, longitude_deg=5.0415, accuracy_m=6.5)


@given(documents)
def test_what_is_written_is_read_again(document: AlertDocument) -> None:
    assert read(write(document)) == document


def test_keys_of_a_later_writer_are_passed_over() -> None:
    assert read(json.dumps(RAISED | {"weather": "fog"})).reference == "A17"


@pytest.mark.parametrize(
    ("wrong", "key"),
    [
        ({"version": 2}, "version"),
        ({"kind": "flood"}, "kind"),
        ({"at": "2026-01-14T07:42:03"}, "at"),
        ({"subject": None}, "subject"),
        ({"position": {"latitude_deg": 91, "longitude_deg": 5}}, "latitude_deg"),
    ],
)
def test_wrong_document_is_refused_by_the_key(wrong: dict[str, Any], key: str) -> None:
    with pytest.raises(ValueError, match=key):
        read(json.dumps(RAISED | wrong))


@given(st.text())
def test_no_text_is_worse_than_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not an alert document"):
        read(text)


@given(documents)
def test_repr_names_nobody_and_no_place(document: AlertDocument) -> None:
    shown = repr(document)
    for key in ("subject", "mission", "position", "by", "cause"):
        assert f"{key}=" not in shown
