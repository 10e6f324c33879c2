"""What a shift remembers of its watch: the same in whatever order it was told, and as the database keeps it."""

from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gyrophare.kernel.observations import EventKind
from lone_worker.memory import NOTHING, Memory, pack, remember, unpack
from tests.test_stillness import after

instants = st.integers(0, 50_000_000).map(lambda us: after(us / 1_000_000))
said = st.lists(
    st.dictionaries(st.sampled_from(EventKind), instants),
    max_size=8,
)


def told(those: list[dict[EventKind, datetime]]) -> Memory:
    memory = NOTHING
    for events in those:
        memory = remember(memory, events)
    return memory


@given(said, st.data())
def test_memory_is_the_same_in_any_order_and_however_often(
    those: list[dict[EventKind, datetime]], data: st.DataObject
) -> None:
    again = data.draw(st.lists(st.sampled_from(those), max_size=4)) if those else []
    assert told(data.draw(st.permutations([*those, *again]))) == told(those)


@given(said)
def test_memory_comes_back_from_the_database_as_it_was(
    those: list[dict[EventKind, datetime]],
) -> None:
    memory = told(those)
    assert unpack(pack(memory)) == memory


def test_memory_of_a_kind_that_a_later_version_knew_is_left_out() -> None:
    assert unpack('{"telepathy":1768376523.0,"ok":1768376523.0}') == Memory(last={EventKind.OK: after(0)})


@pytest.mark.parametrize(
    ("events", "since_s"),
    [
        ({}, None),
        ({EventKind.PAUSE: 10}, 10),
        ({EventKind.RESUME: 10}, None),
        ({EventKind.PAUSE: 10, EventKind.RESUME: 9}, 10),
        ({EventKind.PAUSE: 10, EventKind.RESUME: 10}, None),
        ({EventKind.PAUSE: 10, EventKind.RESUME: 11}, None),
        ({EventKind.PAUSE: 10, EventKind.SHIFT_START: 11}, None),
        ({EventKind.PAUSE: 10, EventKind.OK: 11}, 10),
    ],
)
def test_pause_holds_until_it_is_ended(events: dict[EventKind, float], since_s: float | None) -> None:
    memory = remember(NOTHING, {kind: after(at_s) for kind, at_s in events.items()})
    assert memory.paused_at == (None if since_s is None else after(since_s))
