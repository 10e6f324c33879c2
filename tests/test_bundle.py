"""Several alerts in one text: each named, each findable, none of it too long; and how one of them is taken."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.bundle import TOGETHER, bundle
from alerts.channels import OutgoingText
from alerts.channels.gsm_text import room_septets, septets, to_gsm7

TO = "+33600000001"


def text(number: int, said: str) -> OutgoingText:
    return OutgoingText(notification_id=number, reference=f"#A{number}-2", to=TO, text=said)


def alarm(number: int, what: str = "SOS", whom: str = "Martin Lefèvre") -> OutgoingText:
    said = f"{what}: {whom}, Fauchage RD 70, depuis 09h42, 47.32150,5.04150 1=je prends #A{number}-2"
    return text(number, said)


def test_lone_message_stays_as_it_is() -> None:
    assert bundle([alarm(17)]) is not None
    assert bundle([alarm(17)]) == alarm(17)


def test_each_alert_has_its_line_and_the_first_says_how_one_is_taken() -> None:
    made = bundle([alarm(17), alarm(18, "CHUTE", "Zoé Petit"), text(9, "A9 prise en charge par Anne")])
    assert made.text == (
        "3 ALERTES. Pour en prendre une: 1 A17\n"
        "SOS: Martin Lefèvre, Fauchage RD 70, depuis 09h42, 47.32150,5.04150 #A17-2\n"
        "CHUTE: Zoé Petit, Fauchage RD 70, depuis 09h42, 47.32150,5.04150 #A18-2\n"
        "A9 prise en charge par Anne #A9-2"
    )
    assert (made.reference, made.to, made.parts) == ("#A9-2", TO, 3)


def test_nobody_is_asked_to_answer_where_nobody_hears_it() -> None:
    assert bundle([text(1, "SOS: Zoé #A1-2"), text(2, "SOS: Noé #A2-2")]).text.startswith("2 ALERTES\n")


@pytest.mark.parametrize("what", ["SOS", "SANS RÉPONSE AU CONTRÔLE", "MONTRE REDÉMARRÉE PENDANT UNE ALERTE"])
def test_whom_it_is_about_is_not_cut_for_what_it_is(what: str) -> None:
    made = bundle([alarm(10_000 + number, what, "Jean-Marc Bœuf") for number in range(TOGETHER)])
    lines = made.text.splitlines()[1:]
    assert len(lines) == TOGETHER
    assert all("Jean-Marc Boeuf" in line and line.startswith(to_gsm7(what)[:3]) for line in lines)


@given(st.lists(st.tuples(st.integers(1, 10**12), st.text(max_size=300)), min_size=2, max_size=TOGETHER))
def test_whatever_it_says_fits_and_names_every_reference_at_the_end_of_a_line(said: list[tuple[int, str]]) -> None:
    made = bundle([text(number, words) for number, words in said])
    assert septets(made.text) <= room_septets(made.parts)
    assert to_gsm7(made.text) == made.text
    assert [line.split()[-1] for line in made.text.split("\n")[1:]] == [f"#A{number}-2" for number, _ in said]
