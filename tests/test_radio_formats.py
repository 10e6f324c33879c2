"""Meshtastic and ChirpStack beyond their golden cases: what calls for help, what is one message, whose table it is."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gyrophare.kernel.errors import WireError
from gyrophare.kernel.geo import Position, distance_m
from gyrophare.kernel.observations import EventKind, Sender, Wire
from ingest import topics
from ingest.formats import Decoded, Lane, chirpstack, meshtastic
from ingest.formats.distress import SOS_ANYWHERE, SOS_FIRST, calls_for_help
from ingest.formats.lorawan import GENERIC, PROFILES, profile_of

AT = datetime(2026, 1, 14, 7, 42, 5, tzinfo=UTC)
NODE = 0x25D6E474
EUI = "70b3d57ed0051234"


def mesh(gateway: str = "!ae614908", /, **more: Any) -> Decoded:
    packet = {
        "id": 7,
        "from": NODE,
        "sender": gateway,
        "timestamp": 1768376523,
        "type": "text",
        "payload": {"text": "SOS"},
    }
    return meshtastic.decode(json.dumps(packet | more).encode(), Sender(Wire.MESHTASTIC, gateway), AT)


def up(said: dict[str, Any], profile: str = "", /, **more: Any) -> Decoded:
    body = {
        "deduplicationId": "3ac7e3c4",
        "time": "2026-01-14T07:42:04Z",
        "deviceInfo": {"devEui": EUI, "deviceProfileName": profile},
        "object": said,
    }
    return chirpstack.decode_up(json.dumps(body | more).encode(), Sender(Wire.CHIRPSTACK, EUI), AT)


def kinds(decoded: Decoded) -> list[EventKind]:
    return [seen.kind for seen in decoded.observations if not hasattr(seen, "steps")]


@pytest.mark.parametrize(
    "text",
    [
        "SOS",
        "sos!",
        "S.O.S.",
        "Ｓ Ｏ Ｓ",
        "je suis tombé, sos",
        "AU SECOURS",
        "au  secours",
        "Au-secours, la tondeuse",
        "Urgence RD 70",
        "URGENCE",
        "help",
        "Help me",
        "À l'aide",
        "à l’aide !",
        "Aidez-moi",
        "secours",
        "mayday mayday",
        "\u0007SOS",
    ],
)
def test_text_when_it_calls_for_help(text: str) -> None:
    assert calls_for_help(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ok",
        "Pas d'urgence",
        "Sosthène est là",
        "besoin d'un coup de main",
        "helper",
        "no help needed",
        "👍",
        "so s",
        "??",
    ],
)
def test_text_when_it_is_conversation(text: str) -> None:
    assert not calls_for_help(text)


@given(st.sampled_from(SOS_ANYWHERE + SOS_FIRST), st.text(max_size=20))
def test_call_is_heard_whatever_follows(call: str, more: str) -> None:
    assert calls_for_help(f"  {call.upper()}, {more}")


def test_packet_by_two_gateways_is_one_message() -> None:
    one, other = mesh("!ae614908", rssi=-97), mesh("!00000002", rssi=-60, timestamp=1768376529)
    assert [seen.message_key for seen in one.observations] == [seen.message_key for seen in other.observations]
    assert one.observations[0].sender == Sender(Wire.MESHTASTIC, "!25d6e474")


@pytest.mark.parametrize("other", [{"id": 8}, {"type": "detection"}])
def test_packet_that_is_another_has_another_key(other: dict[str, Any]) -> None:
    first, second = mesh(payload={"text": "ok"}), mesh(**{"payload": {"text": "ok"}, **other})
    assert first.observations[0].message_key != second.observations[0].message_key


@pytest.mark.parametrize("signed", [True, False])
@given(number=st.integers(1, 2**32 - 2))
def test_node_is_the_same_signed_or_not(number: int, signed: bool) -> None:
    said = number - 2**32 if signed and number >= 2**31 else number
    assert mesh(**{"from": said}).observations[0].sender.name == f"!{number:08x}"


@pytest.mark.parametrize("nobody", [None, "", "x", True, 0, 2**32 - 1, 2**32, -(2**31) - 1, 1.5, [1], {}])
def test_node_that_is_none_is_refused(nobody: object) -> None:
    with pytest.raises(WireError) as refused:
        mesh(**{"from": nobody})
    assert refused.value.reason == "bad_field"


@given(st.floats(-60, 60), st.floats(-179, 179), st.integers(10, 31))
def test_true_place_is_never_farther_than_a_radius_north_or_south(lat: float, lon: float, bits: int) -> None:
    """The firmware keeps the upper bits and puts the place into the middle of what is left."""
    true = round(lat * 1e7)
    kept = (true >> (32 - bits) << (32 - bits)) + (1 << (31 - bits))
    away_m = distance_m(Position(true / 1e7, lon), Position(kept / 1e7, lon))
    assert away_m <= meshtastic.radius_m(bits) * 1.001 + 0.02


@pytest.mark.parametrize(
    ("name", "names"),
    [
        ("Dragino TrackerD EU868", "trackerd"),
        ("TRACKERD-LS", "trackerd"),
        ("SenseCAP T1000-B", "t1000"),
        ("Milesight WS101-SOS", "ws101"),
        ("Abeeway Micro Tracker V3", "abeeway"),
    ],
)
def test_profile_is_found_by_a_part_of_its_name(name: str, names: str) -> None:
    assert profile_of(name).names == (names,)


@pytest.mark.parametrize("name", ["", "Inconnu", "tracker"])
def test_profile_that_nobody_knows_is_the_generic_one(name: str) -> None:
    assert profile_of(name) is GENERIC


@pytest.mark.parametrize("table", [GENERIC, *PROFILES], ids=lambda table: "/".join(table.names) or "generic")
def test_every_profile_knows_an_sos_and_puts_it_first(table: Any) -> None:
    assert table.alarms[0].kind is EventKind.SOS


@pytest.mark.parametrize("said", [True, 1, 1.0, "TRUE", "on", "pressed", ["left"], {"button": 2}, -1])
def test_alarm_when_it_does_not_plainly_say_no(said: object) -> None:
    assert kinds(up({"sos": said})) == [EventKind.SOS]


@pytest.mark.parametrize("said", [None, False, 0, 0.0, "", "0", "FALSE", "Off", "none", "normal", [], {}, [0, "no"]])
def test_alarm_when_it_says_no(said: object) -> None:
    assert kinds(up({"sos": said})) == []


def test_alarms_in_one_uplink_come_gravest_first_with_keys_of_their_own() -> None:
    decoded = up({"low_battery": 1, "man_down": 1, "tamper": 1, "sos": 1})
    assert kinds(decoded) == [EventKind.SOS, EventKind.FALL, EventKind.REMOVED, EventKind.LOW_BATTERY]
    assert len({seen.message_key for seen in decoded.observations}) == 5


def test_uplink_delivered_twice_has_the_same_keys_and_another_has_others() -> None:
    first, again, other = up({"sos": 1}), up({"sos": 1}), up({"sos": 1}, deduplicationId="4bd8f4d5")
    assert [seen.message_key for seen in first.observations] == [seen.message_key for seen in again.observations]
    assert not {seen.message_key for seen in first.observations} & {seen.message_key for seen in other.observations}


def test_uplink_that_nothing_tells_from_another_is_rather_one_too_many() -> None:
    bare = {"deduplicationId": None, "time": None}
    assert up({"sos": 1}, **bare).observations[0].message_key != up({"sos": 1}, **bare).observations[0].message_key


def test_uplink_without_a_time_has_a_fix_of_now_and_says_so() -> None:
    report = up({"lat": 47, "lon": 5}, time=None).observations[-1]
    assert report.fix is not None
    assert report.fix.fixed_at == AT
    assert report.doubts == ("clock_not_set",)


def test_age_of_a_fix_is_taken_off() -> None:
    report = up({"gpsLatitude": 47, "gpsLongitude": 5, "age": 64}, "Abeeway").observations[-1]
    assert report.fix is not None
    assert report.fix.fixed_at == datetime(2026, 1, 14, 7, 42, 4, tzinfo=UTC) - timedelta(seconds=64)


@pytest.mark.parametrize(
    ("topic", "name", "lane"),
    [
        ("msh/EU_868/2/json/LongFast/!ae614908", "!ae614908", Lane.EVENTS),
        ("msh/2/json/LongFast/!ae614908", "!ae614908", Lane.EVENTS),
        ("msh/EU_868/2/stat/!ae614908", "!ae614908", Lane.EVENTS),
        ("application/17c82e96/device/70b3d57ed0051234/event/up", EUI, Lane.EVENTS),
        ("application/17c82e96/device/70b3d57ed0051234/event/join", EUI, Lane.EVENTS),
        ("application/17c82e96/device/70b3d57ed0051234/event/location", EUI, Lane.FIXES),
        ("application/17c82e96/device/70b3d57ed0051234/event/status", EUI, Lane.FIXES),
        ("watch3g/8308373902", "8308373902", Lane.EVENTS),
    ],
)
def test_topic_names_who_speaks(topic: str, name: str, lane: Lane) -> None:
    address = topics.parse(topic)
    assert (address.sender.name, address.route.lane) == (name, lane)


@pytest.mark.parametrize(
    "topic",
    [
        "msh/EU_868/2/e/LongFast/!ae614908",  # encrypted
        "msh/EU_868/2/json/mqtt/",  # orders to nodes
        "msh/a/b/2/json/LongFast/!ae614908",
        "application/17c82e96/device/70b3d57ed0051234/command/down",
        "application/17c82e96/device/70b3d57ed0051234/event/up/x",
        "watch3g/",
        "watch3g/a/b",
    ],
)
def test_topic_that_is_none_of_ours(topic: str) -> None:
    with pytest.raises(WireError, match="unknown_topic"):
        topics.parse(topic)


def test_3g_watches_are_not_subscribed_to() -> None:
    assert not any("watch3g" in topic for topic in topics.EVENT_TOPICS + topics.FIX_TOPICS)
