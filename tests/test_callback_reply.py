"""What is a yes among the texts that people write."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.callbacks.reply import Yes, read
from gyrophare.kernel.ids import AlertId

NEWEST = Yes(alert_id=None)
A17 = Yes(alert_id=AlertId(17))


@pytest.mark.parametrize("text", ["1", " 1 ", "1.", "1 !", "oui", "OUI", "Oui.", "ok", "１", "1\n", "\u00a01"])
def test_yes_takes_the_newest(text: str) -> None:
    assert read(text) == NEWEST


@pytest.mark.parametrize(
    "text",
    ["1 A17", "1a17", "a17", "A17", "A 17", "#A17", "#A17-2", "1 #A17-2", "oui a17", "Oui, A17.", "1:A17", "1-A17"],
)
def test_yes_takes_the_one_it_names(text: str) -> None:
    assert read(text) == A17


@pytest.mark.parametrize(
    "text",
    ["", " ", "non", "0", "2", "11", "17", "1 17", "oui non", "1 non", "A0", "A", "#", "!", "A17 A18", "ouia17", "oka1",
     "STOP", "je ne peux pas", "pas 1", "1A", "A" + "9" * 30, "1" * 41, "A١٧", "A-17", "1" + " " * 50],
)  # fmt: skip
def test_anything_else_takes_nothing(text: str) -> None:
    assert read(text) is None


@given(st.text())
def test_any_text_is_read(text: str) -> None:
    meant = read(text)
    assert meant is None or meant.alert_id is None or 0 < meant.alert_id < 10**18


@given(
    st.sampled_from(["1", "oui", "Oui", "OK", "ok"]),
    st.sampled_from([" ", "  ", ", ", "\t"]),
    st.integers(1, 10**18 - 1),
    st.sampled_from(["A{}", "a{}", "#A{}", "a {}", "#a{}-1"]),
)
def test_named_alert_is_the_one_taken(yes: str, between: str, number: int, how: str) -> None:
    assert read(f"{yes}{between}{how.format(number)}") == Yes(alert_id=AlertId(number))
