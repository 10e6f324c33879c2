"""Whatever a provider says, in whatever order and however often, the same state is left."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from alerts.callbacks.status import NEVER_ARRIVES, further, read_code, read_word

ON_THE_WAY = ("accepted", "scheduled", "queued", "sending", "sent", "partially_delivered")
ENDS = (("delivered", "read"), ("undelivered",), ("failed",), ("canceled",))
CALLED = ("queued", "initiated", "ringing", "in-progress")


def told(words: list[str]) -> str | None:
    known: str | None = None
    for word in words:
        known = further(known, word) or known
    return known


@given(st.data(), st.lists(st.sampled_from([*ON_THE_WAY, "receiving", "received", "teleported"]), max_size=8))
def test_any_order_and_repetition_ends_the_same(data: st.DataObject, way: list[str]) -> None:
    end = data.draw(st.sampled_from(ENDS))
    said = [*way, *data.draw(st.lists(st.sampled_from(end), min_size=1, max_size=3))]
    assert told(data.draw(st.permutations(said))) == end[0]


@given(st.data(), st.lists(st.sampled_from(CALLED), max_size=8))
def test_any_order_of_a_call_s_words_ends_the_same(data: st.DataObject, way: list[str]) -> None:
    end = data.draw(st.sampled_from(["completed", "busy", "no-answer", "failed", "canceled"]))
    assert told(data.draw(st.permutations([*way, end, end]))) == end
    assert (end in NEVER_ARRIVES) is (end != "completed")  # a mailbox completes a call as a person does


@given(st.lists(st.sampled_from([*ON_THE_WAY, *NEVER_ARRIVES, "delivered", "read"]) | st.text(), max_size=12))
def test_a_final_state_stays_and_nothing_goes_back(words: list[str]) -> None:
    for count in range(1, len(words) + 1):
        before, after = told(words[: count - 1]), told(words[:count])
        if before in {"delivered", *NEVER_ARRIVES} or after is None:
            assert after == before
        assert further(after, words[count - 1]) is None  # said again it is no news


def test_ranks_are_those_of_a_message_s_life() -> None:
    assert told(["queued", "sending", "queued"]) == "sending"
    assert told(["sent", "sending"]) == "sent"
    assert told(["delivered", "failed"]) == "delivered"
    assert told(["undelivered", "delivered"]) == "undelivered"
    assert told(["teleported"]) is None


@given(st.none() | st.integers() | st.floats() | st.text() | st.lists(st.text()))
def test_only_short_words_and_digits_are_stored(said: object) -> None:
    word, code = read_word(said), read_code(said)
    assert word is None or (word == said and 1 <= len(word) <= 32 and word.isascii() and word.islower())
    assert code is None or (code == str(said) and code.isascii() and code.isdigit() and len(code) <= 9)
