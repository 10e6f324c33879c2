"""A stream of bytes becomes frames, whatever pieces it comes in; what it holds is bounded."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gyrophare.kernel.errors import WireError
from ingest.formats import watch3g_frame
from ingest.formats.watch3g_frame import FRAME_MAX_BYTES
from ingest.gateways.framing import Splitter

LK = b"[3G*8308373902*0002*LK]"
TKQ = b"[3G*8308373902*0003*TKQ]"
# The name of a neighbour's Wi-Fi holds a bracket; the length is right.
SSID = b"[3G*8308373902*0015*UD,1,a]b[c,34:31:c4:c8]"


def split(*pieces: bytes) -> list[bytes]:
    splitter = Splitter()
    return [frame for piece in pieces for frame in splitter.feed(piece)]


@pytest.mark.parametrize(
    ("stream", "frames"),
    [
        (LK, [LK]),
        (LK + TKQ, [LK, TKQ]),
        (b"\r\n" + LK + b"\r\n" + TKQ, [LK, TKQ]),
        (SSID.replace(b"0015", b"%04X" % (len(SSID) - 21)), [SSID.replace(b"0015", b"%04X" % (len(SSID) - 21))]),
        (b"[3G*8308373902*0003*LK]", [b"[3G*8308373902*0003*LK]"]),  # says 3, has 2: it must not wait for another byte
        (b"[3G*8308373902*0001*LK]" + TKQ, [b"[3G*8308373902*0001*LK]", TKQ]),
        (b"[3G*8308373902*0009*AL,14" + LK, [b"[3G*8308373902*0009*AL,14", LK]),  # cut off, and another begins
        (b"[nonsense]" + LK, [b"[nonsense]", LK]),
        (b"[]", [b"[]"]),
        (b"]]]" + LK, [LK]),
        (b"", []),
        (LK[:-1], []),
    ],
)
def test_stream_when_it_comes_at_once(stream: bytes, frames: list[bytes]) -> None:
    assert split(stream) == frames


@given(
    st.lists(st.sampled_from([LK, TKQ, b"[SG*1*0004*LK,0]", b"\r\n"]), max_size=8),
    st.lists(st.integers(0, 200), max_size=20),
)
def test_stream_whatever_pieces_it_comes_in_gives_the_same_frames(parts: list[bytes], cuts: list[int]) -> None:
    stream = b"".join(parts)
    places = sorted({0, len(stream), *(cut for cut in cuts if cut < len(stream))})
    pieces = [stream[start:end] for start, end in pairwise(places)]
    assert split(*pieces) == [part for part in parts if part.startswith(b"[")]


@given(st.lists(st.binary(max_size=3000) | st.sampled_from([b"[", b"]", b"[3G*1*FFFF*", LK]), max_size=30))
def test_stream_of_anything_is_held_within_bounds(pieces: list[bytes]) -> None:
    splitter = Splitter()
    for piece in pieces:
        for frame in splitter.feed(piece):
            assert 0 < len(frame) <= FRAME_MAX_BYTES
            assert frame.startswith(b"[")
        assert len(splitter._held) <= FRAME_MAX_BYTES


def test_frame_when_it_is_too_long_is_cut_and_the_next_is_whole() -> None:
    voice = b"[3G*8308373902*FFFF*TK," + b"x" * 20_000
    pieces = [voice[start : start + 1000] for start in range(0, len(voice), 1000)]
    first, second = split(*pieces, b"xxx]", LK)
    assert (first, second) == (voice[:FRAME_MAX_BYTES], LK)


def test_noise_is_counted_until_a_frame_comes() -> None:
    splitter = Splitter()
    splitter.feed(b"GET / HTTP/1.1\r\n")
    splitter.feed(b"Host: x\r\n")
    assert splitter.noise_bytes == 25
    splitter.feed(LK + b"\n")
    assert splitter.noise_bytes == 1


@pytest.mark.parametrize(
    ("frame", "answer"),
    [
        (LK, b"[3G*8308373902*0002*LK]"),
        (b"[SG*9081000548*000b*LK,0,10,100]", b"[SG*9081000548*0002*LK]"),
        (b"[3G*8308373902*0009*AL,140126]", b"[3G*8308373902*0002*AL]"),
        (b"[3G*8308373902*0009*AL_LTE,14]", b"[3G*8308373902*0002*AL]"),
        (b"[ZJ*014111001332708*0075*0064*AL,040418]", b"[ZJ*014111001332708*0075*0002*AL]"),
        (TKQ, b"[3G*8308373902*0003*TKQ]"),
        (b"[3G*8308373902*0004*INIT]", b"[3G*8308373902*0006*INIT,1]"),
        (b"[3G*8308373902*0009*UD,140126]", None),  # a position waits for nothing
        (b"[3G*8308373902*0008*heart,71]", None),
        (b"[nonsense]", None),
    ],
)
def test_reply_is_what_the_watch_waits_for(frame: bytes, answer: bytes | None) -> None:
    assert watch3g_frame.reply(frame) == answer
    if answer is not None:
        assert split(answer) == [answer]


@given(st.binary(max_size=100))
def test_reply_to_anything_is_a_frame_or_none(frame: bytes) -> None:
    answer = watch3g_frame.reply(b"[3G*1*" + frame)
    assert answer is None or watch3g_frame.parse(answer).id == b"1"


@pytest.mark.parametrize(
    "frame", [b"", b"[]", b"[3G*]", b"[3G**0002*LK]", b"[3g*1*0002*LK]", b"[3G*a b*0002*LK]", LK[1:]]
)
def test_parse_when_it_is_no_frame(frame: bytes) -> None:
    with pytest.raises(WireError, match="expected"):
        watch3g_frame.parse(frame)
