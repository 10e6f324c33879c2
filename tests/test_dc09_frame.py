"""Frames of DC-09: ours are well formed, and of what a receiver sends only what is whole and meant for us counts."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.channels import dc09_frame as frames
from alerts.channels.dc09_events import CODES, Event, event_of
from alerts.channels.dc09_frame import Account, Answer
from alerts.documents import AlertDocument, Occasion, read
from alerts.model import AlertKind
from tests.alarm_receiver import framed
from tests.test_alert_documents import RAISED, documents

AT = datetime(2026, 1, 14, 7, 42, 3, tzinfo=UTC)
PLAIN = Account(number="1234")
ENCRYPTED = Account(number="1234", key=b"0123456789abcdef")


@pytest.mark.parametrize(
    ("crc", "body"),
    [  # as real panels sent them
        (0xF92F, b'"ADM-CID"0020R7896L7896#3456[#3456|1407 00 001]_17:01:14,07-26-2024'),
        (0xD730, b'"NULL"0000R7896L7896#3456[]_17:01:26,07-26-2024'),
        (0x13B1, b'"NULL"0000R000001L010000#2104814[]_09:31:47,05-27-2026'),
    ],
)
def test_checksum_is_that_of_real_panels(crc: int, body: bytes) -> None:
    assert frames.checksum(body) == crc


def test_plain_frame_is_as_the_standard_has_it() -> None:
    account = Account(number="3456", receiver="7896", line="7896")
    at = datetime(2024, 7, 26, 17, 1, 14, tzinfo=UTC)
    written = frames.write(account, "ADM-CID", 20, "#3456|1407 00 001", (), at)
    assert written == b'\nF92F0043"ADM-CID"0020R7896L7896#3456[#3456|1407 00 001]_17:01:14,07-26-2024\r'


@given(st.text(alphabet="abcNPA|#0123456789", max_size=60), st.sampled_from([16, 24, 32]))
def test_encrypted_frame_is_whole_blocks_and_holds_nothing_readable(data: str, size: int) -> None:
    account = Account(number="1234", key=bytes(range(size)))
    written = frames.write(account, "SIA-DCS", 7, data, ("H",), AT)
    head, _, rest = written.decode().strip().partition("[")
    assert head.endswith('"*SIA-DCS"0007R0L0#1234')
    assert len(bytes.fromhex(rest)) % 16 == 0
    assert len(bytes.fromhex(rest)) > len(data)


@pytest.mark.parametrize(
    ("degrees", "written"),
    [(5.0415, "X005E02.490"), (-93.391, "X093W23.460"), (0.0, "X000E00.000"), (179.9999999, "X180E00.000")],
)
def test_longitude_is_degrees_and_minutes(degrees: float, written: str) -> None:
    assert frames.longitude(degrees) == written


def test_latitude_is_degrees_and_minutes() -> None:
    assert (frames.latitude(47.3215), frames.latitude(-0.5)) == ("Y47N19.290", "Y00S30.000")


def test_answers_are_read() -> None:
    found = frames.read(framed('"ACK"0007R0L0#1234[]'), PLAIN)
    assert found is not None
    assert (found.answer, found.sequence, found.account, found.at) == (Answer.ACK, 7, "1234", None)
    refused = frames.read(framed('"NAK"0000R0L0A0[]_07:42:03,01-14-2026'), PLAIN)
    assert refused is not None
    assert (refused.answer, refused.at) == (Answer.NAK, AT)


@pytest.mark.parametrize(
    "damaged",
    [
        framed('"ACK"0007R0L0#1234[]').replace(b"#1234", b"#1235"),
        framed('"ACK"0007R0L0#1234[]')[:5] + b"0099" + framed('"ACK"0007R0L0#1234[]')[9:],
        framed('"ACK"0007R0L0#1234['),
        framed('"RSP"0007R0L0#1234[]'),
        framed('"ACK"007R0L0#1234[]'),
        framed('"*ACK"0007R0L0#1234[00]'),
        b'"ACK"',
        b"\n\r",
    ],
)
def test_damaged_answer_is_none(damaged: bytes) -> None:
    assert frames.read(damaged, PLAIN) is None
    assert frames.read(damaged, ENCRYPTED) is None


def test_only_the_answer_to_our_frame_is_for_us() -> None:
    def for_us(body: str, account: Account = PLAIN) -> bool:
        reply = frames.read(framed(body), account)
        return reply is not None and reply.is_for(account, 7)

    assert for_us('"ACK"0007R0L0#1234[]')
    assert for_us('"DUH"0007R0L0#1234[]', ENCRYPTED)
    assert not for_us('"ACK"0008R0L0#1234[]')
    assert not for_us('"ACK"0007R0L0#1235[]')
    assert not for_us('"ACK"0007R0L0[]')


def test_stranger_without_the_key_cannot_acknowledge() -> None:
    plain = frames.read(framed('"ACK"0007R0L0#1234[]_07:42:03,01-14-2026'), ENCRYPTED)
    assert plain is not None
    assert not plain.is_for(ENCRYPTED, 7)
    other = Account(number="1234", key=b"fedcba9876543210")
    assert frames.read(frames.write(other, "ACK", 7, "", (), AT), ENCRYPTED) is None
    ours = frames.read(frames.write(ENCRYPTED, "ACK", 7, "", (), AT), ENCRYPTED)
    assert ours is not None
    assert ours.is_for(ENCRYPTED, 7)


@given(st.binary(max_size=200))
def test_no_bytes_crash_the_reader(noise: bytes) -> None:
    for account in (PLAIN, ENCRYPTED):
        frames.read(noise, account)


@given(st.text(st.characters(max_codepoint=255), max_size=120))
def test_no_well_framed_text_crashes_the_reader(noise: str) -> None:
    for account in (PLAIN, ENCRYPTED):
        for head in ("", '"ACK"0001R0L0#1234[', '"*ACK"0001#1234[', '"NAK"0000R0L0A0[]'):
            frames.read(framed(head + noise), account)


def test_every_kind_has_its_code() -> None:
    assert set(CODES) == set(AlertKind)


@given(documents)
def test_event_is_that_of_the_alert(document: AlertDocument) -> None:
    event = event_of(document)
    if event is None:
        assert document.occasion is Occasion.ACKNOWLEDGED or document.test
    else:
        assert 1 <= event.zone <= 999
        assert event.restore is (document.occasion is Occasion.CLOSED)


def test_end_of_an_alert_is_told_in_its_own_zone() -> None:
    raised = read(json.dumps(RAISED))
    began, ended = event_of(raised), event_of(replace(raised, occasion=Occasion.CLOSED))
    other = event_of(replace(raised, reference="A18"))
    assert isinstance(began, Event)
    assert isinstance(ended, Event)
    assert isinstance(other, Event)
    assert (began.zone, began.restore, ended.zone, ended.restore) == (17, False, 17, True)
    assert other.zone != began.zone
