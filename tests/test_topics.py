"""Who speaks on a topic; what is none of ours is refused, and nobody can speak for somebody else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gyrophare.kernel.errors import WireError
from gyrophare.kernel.observations import Sender, Wire
from ingest import topics
from ingest.formats import Decode, native, owntracks, traccar, transistorsoft

names = st.text(st.characters(exclude_characters="/\0"), min_size=1, max_size=95)


@pytest.mark.parametrize(
    ("topic", "wire", "name", "decode"),
    [
        ("gyrophare/v1/watches/w-07/fixes", Wire.NATIVE, "w-07", native.decode_reports),
        ("gyrophare/v1/watches/w-07/events", Wire.NATIVE, "w-07", native.decode_event),
        ("gyrophare/v1/watches/w-07/status", Wire.NATIVE, "w-07", native.decode_status),
        ("gyrophare/v1/vans/van-1/fixes", Wire.NATIVE, "vans/van-1", native.decode_reports),
        ("gyrophare/v1/vans/van-1/events", Wire.NATIVE, "vans/van-1", native.decode_event),
        ("owntracks/michelot/telephone", Wire.OWNTRACKS, "michelot/telephone", owntracks.decode),
        ("owntracks/michelot/telephone/event", Wire.OWNTRACKS, "michelot/telephone", owntracks.decode),
        ("owntracks/michelot/telephone/status", Wire.OWNTRACKS, "michelot/telephone", owntracks.decode),
        ("owntracks/michelot/telephone/waypoint", Wire.OWNTRACKS, "michelot/telephone", owntracks.decode),
        ("owntracks/michelot/telephone/waypoints", Wire.OWNTRACKS, "michelot/telephone", owntracks.decode),
        ("owntracks/michelot/events", Wire.OWNTRACKS, "michelot/events", owntracks.decode),  # a device so named
        ("traccar/serveur-1/positions", Wire.TRACCAR, "serveur-1", traccar.decode_positions),
        ("traccar/serveur-1/events", Wire.TRACCAR, "serveur-1", traccar.decode_events),
        ("transistorsoft/48241179/locations", Wire.TRANSISTORSOFT, "48241179", transistorsoft.decode),
        ("gyrophare/v1/watches/" + "w" * 100 + "/fixes", Wire.NATIVE, "w" * 100, native.decode_reports),  # the longest
    ],
)
def test_parse_when_the_topic_is_ours(topic: str, wire: Wire, name: str, decode: Decode) -> None:
    address = topics.parse(topic)
    assert (address.sender, address.route.decode) == (Sender(wire=wire, name=name), decode)


@pytest.mark.parametrize(
    "topic",
    [
        "",
        "/",
        "gyrophare/v1/watches//fixes",  # nobody
        "gyrophare/v1/watches/w-07",
        "gyrophare/v1/watches/w-07/fixes/",
        "gyrophare/v1/watches/w-07/fixes\n",
        "gyrophare/v1/watches/a/b/fixes",
        "gyrophare/v1/watches/w-07/receipts",  # our own words must not come back in
        "gyrophare/v1/watches/w-07/commands",
        "gyrophare/v2/watches/w-07/fixes",
        "Gyrophare/v1/watches/w-07/fixes",
        "x/gyrophare/v1/watches/w-07/fixes",
        "owntracks/michelot",
        "owntracks/michelot/telephone/events",
        "owntracks/michelot/telephone/cmd",  # what we say to it
        "owntracks/michelot/telephone/dump",  # holds passwords
        "owntracks/michelot/telephone/info",
        "owntracks//telephone",
        "gyrophare/v1/watches/w\0/fixes",  # PostgreSQL's text holds no NUL
        "gyrophare/v1/watches/" + "w" * 101 + "/fixes",
        "traccar/positions",
        "traccar/serveur-1/position",
        "transistorsoft/a/b/locations",
        "$SYS/broker/uptime",
    ],
)
def test_parse_when_the_topic_is_none_of_ours(topic: str) -> None:
    with pytest.raises(WireError) as refused:
        topics.parse(topic)
    assert refused.value.reason == "unknown_topic"
    assert "\0" not in refused.value.detail


@given(st.text())
def test_parse_when_the_topic_is_anything_answers_or_refuses(topic: str) -> None:
    try:
        address = topics.parse(topic)
    except WireError as refused:
        assert refused.reason == "unknown_topic"
    else:
        assert address.sender.name in topic


@given(names)
def test_watch_never_has_the_name_of_a_van(name: str) -> None:
    watch = topics.parse(f"gyrophare/v1/watches/{name}/events").sender
    van = topics.parse(f"gyrophare/v1/vans/{name}/events").sender
    assert watch != van


@given(names, st.sampled_from(["watches", "vans"]))
def test_answers_go_to_the_device_that_spoke(name: str, group: str) -> None:
    sender = topics.parse(f"gyrophare/v1/{group}/{name}/events").sender
    assert topics.receipts(sender.name) == f"gyrophare/v1/{group}/{name}/receipts"
    assert topics.commands(sender.name) == f"gyrophare/v1/{group}/{name}/commands"
    assert topics.commanded(topics.commands(sender.name)) == sender


def _takes(subscription: str, topic: str) -> bool:
    """MQTT's own rule for `+`, which takes exactly one level."""
    wanted, got = subscription.split("/"), topic.split("/")
    return len(wanted) == len(got) and all(w in {"+", g} for w, g in zip(wanted, got, strict=True))


@pytest.mark.parametrize("lane", [topics.EVENT_TOPICS, topics.FIX_TOPICS])
def test_everything_subscribed_to_is_understood(lane: tuple[str, ...]) -> None:
    for subscription in lane:
        assert "x" in topics.parse(subscription.replace("+", "x")).sender.name


@pytest.mark.parametrize("group", ["watches", "vans"])
@pytest.mark.parametrize(
    ("kind", "lane"), [("events", topics.EVENT_TOPICS), ("status", topics.EVENT_TOPICS), ("fixes", topics.FIX_TOPICS)]
)
def test_each_kind_comes_by_one_lane_only(group: str, kind: str, lane: tuple[str, ...]) -> None:
    topic = f"gyrophare/v1/{group}/x/{kind}"
    assert [s for s in topics.EVENT_TOPICS + topics.FIX_TOPICS if _takes(s, topic)] == [
        s for s in lane if _takes(s, topic)
    ]
    assert any(_takes(subscription, topic) for subscription in lane)
