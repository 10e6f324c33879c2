"""What a message says: French, Paris time, the reference last."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts import wording
from alerts.channels.gsm_text import ONE_PART_SEPTETS, septets, to_gsm7, to_gsm7_within
from alerts.model import AlertKind, Escalation, reference
from gyrophare.kernel.ids import AlertId, OrganisationId

ALERT = Escalation(
    alert_id=AlertId(17),
    organisation_id=OrganisationId(1),
    organisation="Département de la Côte-d'Or",
    kind=AlertKind.STILLNESS,
    priority=3,
    subject="Martin Lefèvre",
    mission="Fauchage RD 70",
    episode_at=datetime(2026, 1, 14, 7, 42, 3, tzinfo=UTC),
    raised_at=datetime(2026, 1, 14, 7, 45, 3, tzinfo=UTC),
    received_late_s=None,
    heard_after_episode=True,
    latitude_deg=47.3215,
    longitude_deg=5.0415,
    accuracy_m=6.5,
    fixed_at=datetime(2026, 1, 14, 7, 42, 3, tzinfo=UTC),
    detail={},
    policy=(),
    repeat=0,
    repeat_after_s=300,
    next_step=0,
    next_step_at=datetime(2026, 1, 14, 7, 45, 3, tzinfo=UTC),
)


def test_sms_says_how_to_answer_where_one_can_and_where_there_is_room() -> None:
    text = wording.sms(ALERT, 1, answerable=True)
    assert text == ("IMMOBILE: Martin Lefèvre, Fauchage RD 70, depuis 08h42, 47.32150,5.04150 1=je prends #A17-2")
    crowded = replace(ALERT, mission="x" * 200)
    text = wording.sms(crowded, 1, answerable=True)
    assert "47.32150,5.04150 1=je prends #A17-2" in text
    assert septets(to_gsm7(text)) == ONE_PART_SEPTETS
    long_name = replace(ALERT, subject="y" * 110, mission=None)
    assert wording.sms(long_name, 1, answerable=True) == wording.sms(long_name, 1)


def test_sms_when_an_agent_lies_still() -> None:
    assert wording.sms(ALERT, 1) == "IMMOBILE: Martin Lefèvre, Fauchage RD 70, depuis 08h42, 47.32150,5.04150 #A17-2"


@pytest.mark.parametrize(
    ("kind", "heard_after_episode", "word"),
    [
        (AlertKind.SOS, None, "SOS"),
        (AlertKind.FALL, None, "CHUTE"),
        (AlertKind.TECHNICAL, None, "ALERTE TECHNIQUE"),
        (AlertKind.STILLNESS, True, "IMMOBILE"),
        # The watch itself is silent: nobody knows whether the agent moves.
        (AlertKind.STILLNESS, False, "SANS NOUVELLES"),
        (AlertKind.STILLNESS, None, "IMMOBILE"),
        # Who presses SOS and is not heard again has still pressed SOS.
        (AlertKind.SOS, False, "SOS"),
    ],
)
def test_sms_begins_with_the_most_urgent_word(kind: AlertKind, heard_after_episode: bool | None, word: str) -> None:
    text = wording.sms(replace(ALERT, kind=kind, heard_after_episode=heard_after_episode), 0)
    assert text.startswith(f"{word}: Martin Lefèvre, ")


@pytest.mark.parametrize("kind", list(AlertKind))
def test_sms_of_every_kind_has_words(kind: AlertKind) -> None:
    assert wording.sms(replace(ALERT, kind=kind), 0).split(":")[0].isupper()


@pytest.mark.parametrize(
    ("at", "said"),
    [
        (datetime(2026, 1, 14, 7, 42, tzinfo=UTC), "08h42"),  # winter
        (datetime(2026, 7, 14, 7, 42, tzinfo=UTC), "09h42"),  # summer
        (datetime(2026, 3, 29, 0, 59, tzinfo=UTC), "01h59"),  # the last minute of winter time
        (datetime(2026, 3, 29, 1, 0, tzinfo=UTC), "03h00"),  # one minute later
        (datetime(2026, 10, 25, 0, 59, tzinfo=UTC), "02h59"),  # the last minute of summer time
        (datetime(2026, 10, 25, 1, 0, tzinfo=UTC), "02h00"),  # one minute later
        (datetime(2026, 1, 14, 23, 5, tzinfo=UTC), "00h05"),  # tomorrow in Paris
    ],
)
def test_sms_says_since_when_in_paris(at: datetime, said: str) -> None:
    assert f", depuis {said}, " in wording.sms(replace(ALERT, episode_at=at), 0)


@pytest.mark.parametrize(
    ("late_s", "said"),
    [
        (None, None),
        (0, None),
        (59.9, None),  # as usual as a mobile network
        (60, "reçu avec 1 min de retard"),
        (1_200, "reçu avec 20 min de retard"),
        (3 * 3_600, "reçu avec 3 h de retard"),
        (7 * 86_400, "reçu avec 7 j de retard"),
    ],
)
def test_sms_says_when_it_is_late(late_s: float | None, said: str | None) -> None:
    text = wording.sms(replace(ALERT, kind=AlertKind.SOS, received_late_s=late_s), 0)
    if said is None:
        assert "retard" not in text
    else:
        assert f", {said}, " in text


@pytest.mark.parametrize(("latitude_deg", "longitude_deg"), [(None, None), (47.3215, None), (None, 5.0415)])
def test_sms_says_when_the_position_is_unknown(latitude_deg: float | None, longitude_deg: float | None) -> None:
    text = wording.sms(replace(ALERT, latitude_deg=latitude_deg, longitude_deg=longitude_deg), 0)
    assert text.endswith(", position inconnue #A17-1")
    assert "None" not in text


@pytest.mark.parametrize(
    ("latitude_deg", "longitude_deg", "said"),
    [
        (47.3215, 5.0415, "47.32150,5.04150"),
        (0.0, 5.0415, "0.00000,5.04150"),  # the equator is a place
        (-21.1, -0.5, "-21.10000,-0.50000"),
    ],
)
def test_sms_says_where(latitude_deg: float, longitude_deg: float, said: str) -> None:
    assert said in wording.sms(replace(ALERT, latitude_deg=latitude_deg, longitude_deg=longitude_deg), 0)


def test_sms_when_there_is_no_mission_says_nothing_of_it() -> None:
    text = wording.sms(replace(ALERT, subject="Fourgon 1", mission=None, kind=AlertKind.TECHNICAL), 0)
    assert text == "ALERTE TECHNIQUE: Fourgon 1, depuis 08h42, 47.32150,5.04150 #A17-1"


LONG = replace(
    ALERT,
    subject="Jean-Baptiste Charpentier-Delaunay",
    mission="Déneigement RD 971 Saulieu",
    alert_id=AlertId(123_456),
    received_late_s=1_200,
)
REMARKS: dict[AlertKind, dict[str, object]] = {
    AlertKind.STILLNESS: {"prealarm": "not_delivered"},
    AlertKind.DEVICE_ALARM: {"alarm": "highTemperatureProbe1"},
    AlertKind.INFRASTRUCTURE: {"agents": 300},
    AlertKind.VAN_HAZARD: {"range_m": 1000, "beside": 12},
}


@pytest.mark.parametrize("kind", list(AlertKind))
@pytest.mark.parametrize("mission_max", [None, 26, 200])
def test_sms_of_every_kind_says_where_in_one_part(kind: AlertKind, mission_max: int | None) -> None:
    mission = None if mission_max is None else (f"{LONG.mission} et retour par la forêt de Cîteaux " * 5)[:mission_max]
    text = wording.sms(replace(LONG, kind=kind, mission=mission, detail=REMARKS.get(kind, {})), 11)
    assert septets(to_gsm7(text)) <= ONE_PART_SEPTETS
    assert to_gsm7_within(text, keep_end="#A123456-12") == to_gsm7(text)
    assert "Jean-Baptiste Charpentier-Delaunay" in text
    assert ("47.32150,5.04150" in text) is (kind is not AlertKind.INFRASTRUCTURE)
    assert text.endswith(" #A123456-12")


@pytest.mark.parametrize(
    ("kind", "detail", "said"),
    [
        (
            AlertKind.DURESS,
            {},
            "SOS DISCRET: Martin Lefèvre, Fauchage RD 70, depuis 08h42, ne pas faire sonner la montre",
        ),
        (
            AlertKind.STILLNESS,
            {"prealarm": "not_delivered"},
            "IMMOBILE: Martin Lefèvre, Fauchage RD 70, depuis 08h42, pré-alarme non délivrée",
        ),
        (AlertKind.STILLNESS, {"prealarm": "delivered"}, "IMMOBILE: Martin Lefèvre, Fauchage RD 70, depuis 08h42"),
        (
            AlertKind.DEVICE_ALARM,
            {"alarm": "medical"},
            "ALARME DE LA MONTRE: Martin Lefèvre, Fauchage RD 70, depuis 08h42, medical",
        ),
        (
            AlertKind.VAN_HAZARD,
            {"range_m": 82, "beside": 1},
            "VÉHICULE EN APPROCHE: Martin Lefèvre, Fauchage RD 70, depuis 08h42, à 82 m, peut-être 1 agent",
        ),
        (AlertKind.CHECK_MISSED, {}, "SANS RÉPONSE AU CONTRÔLE: Martin Lefèvre, Fauchage RD 70, depuis 08h42"),
        (AlertKind.LEFT_AREA, {}, "HORS ZONE: Martin Lefèvre, Fauchage RD 70, depuis 08h42"),
        (AlertKind.RESTARTED, {}, "MONTRE REDÉMARRÉE PENDANT UNE ALERTE: Martin Lefèvre, Fauchage RD 70, depuis 08h42"),
    ],
)
def test_sms_says_what_else_must_be_known(kind: AlertKind, detail: dict[str, str], said: str) -> None:
    text = wording.sms(replace(ALERT, kind=kind, detail=detail), 0)
    assert text == f"{said}, 47.32150,5.04150 #A17-1"


def test_sms_when_nobody_is_heard_speaks_of_no_place() -> None:
    nobody = replace(
        ALERT,
        kind=AlertKind.INFRASTRUCTURE,
        subject="Réception des montres",
        mission=None,
        latitude_deg=None,
        longitude_deg=None,
        detail={"agents": 300},
    )
    text = wording.sms(nobody, 0)
    assert text == "ALERTE SYSTÈME: Réception des montres, depuis 08h42, 300 en service #A17-1"


@given(st.text(max_size=200), st.none() | st.text(max_size=200), st.integers(1, 10**9), st.integers(0, 20))
def test_sms_ends_with_its_reference_even_when_it_is_cut(
    subject: str, mission: str | None, alert_id: int, step: int
) -> None:
    alert = replace(ALERT, alert_id=AlertId(alert_id), subject=subject, mission=mission)
    text = wording.sms(alert, step)
    mark = wording.sms_reference(alert_id, step)
    assert text.endswith(f" {mark}")
    assert to_gsm7_within(text, keep_end=mark).endswith(mark)


def test_references_differ_by_alert_and_by_step() -> None:
    pairs = [(alert_id, step) for alert_id in (1, 11, 17) for step in range(12)]
    assert len({wording.sms_reference(*pair) for pair in pairs}) == len(pairs)
    assert wording.sms_reference(17, 0) == "#A17-1"
    assert reference(17) == "A17"


def test_acknowledgement_tells_the_wearer_that_somebody_comes() -> None:
    said = wording.alarm_acknowledged(17)
    assert json.loads(said) == {"command": "alarm_acknowledged", "alert": "A17", "text": "PC prévenu, on arrive"}
    assert "é" in said  # a small watch shows what stands there
