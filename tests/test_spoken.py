"""What a telephone says: French that a voice reads well, and XML whatever anybody is called."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from alerts import spoken
from alerts.channels import twiml
from alerts.model import AlertKind
from tests.test_wording import ALERT

URL = "https://alertes.example.test/gyrophare/voice/key?n=123456789012345678#rc=5&rp=all"


def test_alarm_when_an_agent_lies_still() -> None:
    assert spoken.alarm(ALERT) == (
        "Alerte A 17 : agent immobile. Martin Lefèvre. Mission : Fauchage RD 70. Depuis 8 heures 42."
    )


@pytest.mark.parametrize("kind", list(AlertKind))
def test_alarm_of_every_kind_has_words_and_no_coordinates(kind: AlertKind) -> None:
    said = spoken.alarm(replace(ALERT, kind=kind))
    assert said.startswith("Alerte A 17 : ")
    assert "47" not in said
    assert "5.0" not in said


@pytest.mark.parametrize(
    ("at", "late_s", "said"),
    [
        (datetime(2026, 1, 14, 7, 0, tzinfo=UTC), None, "Depuis 8 heures."),
        (datetime(2026, 1, 14, 7, 5, tzinfo=UTC), 59, "Depuis 8 heures 5."),
        (datetime(2026, 7, 14, 23, 30, tzinfo=UTC), None, "Depuis 1 heure 30."),
        (datetime(2026, 1, 14, 23, 1, tzinfo=UTC), None, "Depuis 0 heure 1."),
        (datetime(2026, 1, 14, 7, 42, tzinfo=UTC), 61, "Reçu avec 1 minute de retard."),
        (datetime(2026, 1, 14, 7, 42, tzinfo=UTC), 150 * 60, "Reçu avec 2 heures de retard."),
        (datetime(2026, 3, 1, 7, 42, tzinfo=UTC), 49 * 3600, "Depuis le premier mars à 8 heures 42. Reçu avec 2 jours"),
    ],
)
def test_times_are_said_as_people_say_them(at: datetime, late_s: float | None, said: str) -> None:
    assert said in spoken.alarm(replace(ALERT, episode_at=at, received_late_s=late_s))


def test_remarks_are_said() -> None:
    discreet = replace(ALERT, kind=AlertKind.DURESS, latitude_deg=None, detail={"prealarm": "not_delivered"})
    assert spoken.alarm(discreet).endswith(
        "Ne faites pas sonner sa montre. La pré-alarme n'a pas été délivrée. Position inconnue."
    )
    silent = replace(ALERT, heard_after_episode=False)
    assert "sans nouvelles" in spoken.alarm(silent)
    hazard = replace(ALERT, kind=AlertKind.VAN_HAZARD, detail={"range_m": 82, "beside": 2})
    assert spoken.alarm(hazard).endswith(" À 82 mètres. Peut-être 2 agents à proximité.")
    deaf = replace(ALERT, kind=AlertKind.INFRASTRUCTURE, latitude_deg=None, detail={"agents": 12})
    assert spoken.alarm(deaf).endswith("12 en service.")


@given(st.text(), st.none() | st.text())
def test_any_name_is_said_in_time(subject: str, mission: str | None) -> None:
    said = spoken.alarm(replace(ALERT, subject=subject, mission=mission))
    assert len(said) <= spoken.LONGEST
    if len(subject) <= 100:
        assert subject in said
        assert "Depuis 8 heures 42" in said


@given(st.text() | st.text("&<>\"'\x00\ud800", min_size=300))
def test_any_text_becomes_xml_that_the_provider_takes(text: str) -> None:
    for document in (twiml.alarm(text, key_url=URL), twiml.alarm(text), twiml.last_words(text)):
        assert len(document) <= twiml.LONGEST
        root = etree.fromstring(document.encode())
        assert root.tag == "Response"
        assert {one.get("language") for one in root.iter("Say")} == {"fr-FR"}
        assert {one.tag for one in root.iter()} <= {"Response", "Gather", "Say", "Pause", "Hangup"}


def test_alarm_with_a_key_is_said_inside_what_listens_to_it() -> None:
    root = etree.fromstring(twiml.alarm("Feu & fumée <ici>", key_url=URL).encode())
    gather = root.find("Gather")
    assert gather is not None
    assert (gather.get("action"), gather.get("numDigits"), gather.get("method")) == (URL, "1", "POST")
    assert [one.text for one in gather.iter("Say")] == ["Feu & fumée <ici>"] * 2
    assert list(root) == [gather]


def test_alarm_and_its_key_are_never_cut() -> None:
    longest = f"{'x' * spoken.LONGEST} {spoken.PRESS_ONE}"
    assert len(longest) <= twiml.SPOKEN_MAX
