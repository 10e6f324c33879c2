"""`gyrophare agents`, `contacts` and `shifts` as an operator meets them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from gyrophare.commands.named import NamedError, next_instant
from tests.operated import Operator, gyrophare, here

__all__ = ["gyrophare", "here"]


@pytest.fixture
def zoe(gyrophare: Operator) -> str:
    gyrophare("devices", "add", "w-07", "--label", "Montre 07")
    gyrophare("agents", "add", "Zoé Martin", "--device", "w-07", "--email", "zoe@cotedor.example")
    return "Zoé Martin"


def test_agents_are_registered_with_their_watches(gyrophare: Operator, zoe: str) -> None:
    assert "has no watch" in gyrophare("agents", "add", "Luc [été]")
    rows = {row["name"]: row for row in gyrophare.json("agents", "list")}
    assert (rows[zoe]["watch"], rows[zoe]["email"]) == ("Montre 07", "zoe@cotedor.example")
    assert rows["Luc [été]"]["watch"] is None
    assert "Luc [été]" in gyrophare("agents", "list")
    assert "Zoé Martin's" in gyrophare.refused("agents", "add", "Luc [été]", "--device", "native/w-07")
    gyrophare("agents", "add", "zoé martin", "--no-watch")
    assert gyrophare.json("agents", "add", "Luc [été]", "--device", "native/w-07")["watch"] == "Montre 07"
    gyrophare("devices", "revoke", "w-07")
    assert "Montre 07 (revoked)" in gyrophare("agents", "list")
    assert len(gyrophare.json("agents", "list")) == 2


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("agents", "add", "Luc", "--device", "w-99"), "No device is named 'w-99'"),
        (("agents", "add", "Luc", "--device", "van-1"), "is a van"),
        (("agents", "add", "Luc", "--device", "w-00"), "was revoked"),
        (("agents", "add", "Luc", "--email", "luc"), "e-mail address"),
        (("agents", "add", "Luc", "--email", "ZOE@cotedor.example"), "Zoé Martin's"),
        (("agents", "add", " "), "printable"),
        (("agents", "add", "Luc\x07"), "printable"),
        (("contacts", "add", "1", "Astreinte", "06 12 34 56 78"), "+33612345678"),
        (("contacts", "add", "1", "\x07", "+33612345678"), "printable"),
        (("shifts", "start", "Zoe Martin"), "Did you mean 'Zoé Martin'?"),
        (("shifts", "start", "Zoé Martin", "--until", "25:00"), "HH:MM"),
        (("shifts", "end", "Zoé Martin"), "not on shift"),
        (("shifts", "pause", "Zoé Martin"), "not on shift"),
        (("shifts", "import", "nowhere.ics"), "cannot be read"),
    ],
)
def test_refusal_is_a_sentence_and_changes_nothing(
    gyrophare: Operator, zoe: str, words: tuple[str, ...], said: str
) -> None:
    gyrophare("devices", "add", "van-1", "--kind", "van")
    gyrophare("devices", "add", "w-00")
    gyrophare("devices", "revoke", "w-00")
    assert said in gyrophare.refused(*words)
    assert [row["name"] for row in gyrophare.json("agents", "list")] == [zoe]
    assert gyrophare.json("contacts", "list") == gyrophare.json("shifts", "list")["open"] == []


def test_contacts_are_told_in_the_order_of_their_ranks(gyrophare: Operator) -> None:
    assert "contacts add 1" in gyrophare("contacts", "list")
    gyrophare("contacts", "add", "2", "Chef de centre", "+33 6 00 00 00 02")
    gyrophare("contacts", "add", "1", "Quelqu'un", "+33600000009")
    gyrophare("contacts", "add", "1", "Astreinte", "+33600000001", "--email", "astreinte@cotedor.example")
    assert "expected name@domain" in gyrophare.refused("contacts", "add", "3", "X", "+33600000003", "--email", "x")
    assert gyrophare.json("contacts", "list") == [
        {"rank": 1, "name": "Astreinte", "phone": "+33600000001", "email": "astreinte@cotedor.example"},
        {"rank": 2, "name": "Chef de centre", "phone": "+33600000002", "email": None},
    ]


def test_shift_is_started_paused_and_ended(gyrophare: Operator, zoe: str) -> None:
    said = gyrophare("shifts", "start", zoe, "--mission", "Fauchage RD 70", "--until", "23:59", "--profile", "mowing")
    assert "Montre 07 protects Zoé Martin" in said
    assert "NOBODY WOULD HEAR AN ALARM" in said  # no server runs
    [shift] = gyrophare.json("shifts", "list")["open"]
    assert (shift["mission"], shift["profile"], shift["started_by"]) == ("Fauchage RD 70", "mowing", "cli")
    assert shift["planned_end_at"] > shift["started_at"]
    assert "on shift" in gyrophare.refused("shifts", "start", zoe)
    gyrophare("shifts", "pause", "zoe@cotedor.example")
    assert "in a pause since" in gyrophare("shifts", "list")
    assert "paused already" in gyrophare.refused("shifts", "pause", zoe)
    gyrophare("shifts", "resume", zoe)
    assert "not paused" in gyrophare.refused("shifts", "resume", zoe)
    gyrophare("shifts", "end", zoe)
    assert gyrophare.json("shifts", "list")["open"] == []


def test_start_says_that_somebody_hears(gyrophare: Operator, zoe: str, database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute("insert into channel_presence (instance, channels, seen_at) values ('a', '{sms}', now())")
    assert gyrophare.json("shifts", "start", zoe)["reachable"] is False  # a provider, and nobody to write to
    gyrophare("shifts", "end", zoe)
    gyrophare("contacts", "add", "1", "Astreinte", "+33600000001")
    assert gyrophare.json("shifts", "start", zoe)["reachable"] is True


def test_agent_without_a_watch_takes_one(gyrophare: Operator, zoe: str) -> None:
    gyrophare("agents", "add", "Luc")
    assert "has no watch" in gyrophare.refused("shifts", "start", "Luc")
    assert gyrophare.json("shifts", "start", "Luc", "--device", "w-07")["shift"]["watch"] == "Montre 07"
    assert "protects Luc" in gyrophare.refused("shifts", "start", zoe)


def test_revoked_watch_begins_nothing(gyrophare: Operator, zoe: str) -> None:
    gyrophare("devices", "revoke", "w-07")
    assert "Montre 07, which was revoked" in gyrophare.refused("shifts", "start", zoe)


def calendar(day: datetime, *, cancelled: bool = False) -> str:
    return "\r\n".join(
        [
            "BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//test//", "BEGIN:VEVENT", "UID:1@cotedor.example",
            f"DTSTAMP:{day:%Y%m%d}T000000Z", f"DTSTART;TZID=Europe/Paris:{day:%Y%m%d}T080000",
            f"DTEND;TZID=Europe/Paris:{day:%Y%m%d}T120000", "SUMMARY:Zoé Martin: Élagage",
            *(["STATUS:CANCELLED"] if cancelled else []),
            "END:VEVENT", "BEGIN:VEVENT", "UID:2@cotedor.example", f"DTSTAMP:{day:%Y%m%d}T000000Z",
            f"DTSTART;VALUE=DATE:{day:%Y%m%d}", "SUMMARY:Zoé Martin: congés", "END:VEVENT", "END:VCALENDAR", "",
        ]
    )  # fmt: skip


def test_calendar_is_imported_again_and_again(gyrophare: Operator, zoe: str, here: Path) -> None:
    file, day = here / "plan.ics", datetime.now(UTC) + timedelta(days=3)
    file.write_text(calendar(day), encoding="utf-8")
    said = gyrophare("shifts", "import", str(file), "--dry-run")
    assert said.startswith("Would be: 1 planned")
    assert "congés: it takes the whole day" in said
    assert gyrophare.json("shifts", "list")["planned"] == []
    assert gyrophare.json("shifts", "import", str(file))["added"] == 1
    [planned] = gyrophare.json("shifts", "list")["planned"]
    assert (planned["agent"], planned["mission"]) == (zoe, "Élagage")
    assert gyrophare.json("shifts", "import", str(file))["same"] == 1
    file.write_text(calendar(day, cancelled=True), encoding="utf-8")
    assert gyrophare.json("shifts", "import", str(file))["cancelled"] == 1
    assert gyrophare.json("shifts", "list")["planned"] == []
    file.write_bytes(b"\xff\xfe nonsense")
    assert "no calendar" in gyrophare.refused("shifts", "import", str(file))


@pytest.mark.parametrize(
    ("now", "clock_time", "at"),
    [
        ("2026-01-14T07:42:03", "17:30", "2026-01-14T16:30:00"),
        ("2026-01-14T16:30:00", "17:30", "2026-01-15T16:30:00"),
        ("2026-03-28T23:30:00", "06:00", "2026-03-29T04:00:00"),  # summer time begins in that night
        ("2026-10-24T22:30:00", "06:00", "2026-10-25T05:00:00"),
        ("2026-01-14T22:30:00", "23:00", "2026-01-15T22:00:00"),  # in Paris it is half past eleven
    ],
)
def test_time_of_day_is_the_next_in_paris(now: str, clock_time: str, at: str) -> None:
    assert next_instant(clock_time, datetime.fromisoformat(f"{now}+00:00")) == datetime.fromisoformat(f"{at}+00:00")


@pytest.mark.parametrize("nonsense", ["", "8", "8h30", "24:00", "08:60", "noon"])
def test_no_time_of_day_is_refused(nonsense: str) -> None:
    with pytest.raises(NamedError, match="HH:MM"):
        next_instant(nonsense, datetime(2026, 1, 14, tzinfo=UTC))
