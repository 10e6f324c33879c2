"""A text must fit one part of the GSM 7-bit alphabet and keep its reference, whatever was written into it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.channels.gsm_text import septets, to_gsm7, to_gsm7_within

# The two tables of 3GPP TS 23.038 in their code order, so that an omission in the product shows.
BASIC = (
    "@£$¥èéùìòÇ\nØø\rÅå"
    "Δ_ΦΓΛΩΠΨΣΘΞÆæßÉ"  # 0x1B is the escape
    " !\"#¤%&'()*+,-./"
    "0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNO"
    "PQRSTUVWXYZÄÖÑÜ§"
    "¿abcdefghijklmno"
    "pqrstuvwxyzäöñüà"
)
EXTENSION = "^{}\\[~]|€"

alphabet = st.text(alphabet=BASIC + EXTENSION, max_size=400)
anything = st.text(st.characters(), max_size=400)
references = st.builds("#A{}-{}".format, st.integers(1, 99_999), st.integers(1, 99))


def cost(text: str) -> int:
    return sum(2 if character in EXTENSION else 1 for character in text)


def test_the_basic_table_is_whole() -> None:
    assert len(set(BASIC)) == 127


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        ("Côte-d’Or", "Cote-d'Or"),  # a circumflex and a curly apostrophe
        ("Châtillon", "Chatillon"),
        ("Reçu à Gençay", "Recu à Gencay"),  # ç is missing, à is there
        ("FRANÇOIS, Hélène, Joël, Anaïs", "FRANÇOIS, Hélène, Joel, Anais"),  # Ç is there, ç is not
        ("sœur Œuvre", "soeur OEuvre"),
        ("« Immobile… » – 3 min", '" Immobile... " - 3 min'),  # with no-break spaces below
        ("«\u00a0SOS\u202f»", '" SOS "'),
        ("PR 12 + 300 m², n° 4, 12 €", "PR 12 + 300 m2, no 4, 12 €"),
        ("e\u0301te\u0301", "été"),  # decomposed, as macOS writes it
        ("ÀÂÊËÎÏÔÙÛŸ", "AAEEIIOUUY"),
        ("🚨 SOS\u200d\ufe0f", "? SOS"),  # joiners and variation selectors vanish
        ("\x00\x1b\x07SOS", "SOS"),
        ("Жанна \ud800", "????? ?"),  # half of a pair of surrogates
    ],
)
def test_to_gsm7_when_written_in_french(written: str, sent: str) -> None:
    assert to_gsm7(written) == sent


@given(anything)
def test_to_gsm7_is_always_encodable_and_idempotent(text: str) -> None:
    rewritten = to_gsm7(text)
    assert set(rewritten) <= set(BASIC + EXTENSION)
    assert to_gsm7(rewritten) == rewritten
    assert septets(rewritten) == cost(rewritten)


@given(alphabet)
def test_to_gsm7_when_already_fine_changes_nothing(text: str) -> None:
    assert to_gsm7(text) == text


@given(anything, references)
def test_one_part_is_encodable_short_and_ends_with_the_reference(text: str, reference: str) -> None:
    part = to_gsm7_within(text, keep_end=reference)
    assert set(part) <= set(BASIC + EXTENSION)
    assert cost(part) <= 160
    assert part.endswith(reference)
    assert to_gsm7_within(part, keep_end=reference) == part


@given(alphabet, references)
def test_one_part_when_already_fine_changes_nothing(text: str, reference: str) -> None:
    fine = f"{text[:70]} {reference}"  # 70 characters take at most 140 septets
    assert to_gsm7_within(fine, keep_end=reference) == fine


@given(st.text(alphabet=BASIC + EXTENSION, min_size=160, max_size=400), references)
def test_one_part_when_too_long_says_that_it_was_cut(text: str, reference: str) -> None:
    part = to_gsm7_within(text, keep_end=reference)
    kept = part.removesuffix(f"... {reference}")
    assert kept != part
    assert text.startswith(kept)


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("SOS", "SOS #A17-2"),
        ("SOS #A17-2", "SOS #A17-2"),
        ("SOS\n", "SOS\n#A17-2"),
        ("", "#A17-2"),
        ("€" * 100, "€" * 75 + "... #A17-2"),  # two septets each, cut between characters
        ("a" * 153, "a" * 153 + " #A17-2"),  # 160: the last that fits
        ("a" * 154, "a" * 150 + "... #A17-2"),
        ("un mot " * 40, "un mot " * 21 + "un... #A17-2"),
    ],
)
def test_one_part_at_its_limits(text: str, part: str) -> None:
    assert to_gsm7_within(text, keep_end="#A17-2") == part


def test_one_part_when_the_reference_leaves_no_room() -> None:
    with pytest.raises(ValueError, match="157 septets; at most 156"):
        to_gsm7_within("SOS", keep_end="#" * 157)
