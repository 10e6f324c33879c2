"""Who signs a callback is judged as the official library of the provider judges it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import MultiDict
from twilio.request_validator import RequestValidator  # type: ignore[import-untyped]

from alerts.callbacks.signature import is_signed, sign
from alerts.channels.twilio import HOW_OFTEN
from gyrophare.sim.sms_provider.callbacks import signature as signed_by_the_stand_in

TOKEN, OLD_TOKEN = "12345", "54321"
URL = "https://alertes.example.fr/gyrophare/sms/status"
FIELDS = [("MessageSid", "SM1"), ("MessageStatus", "delivered"), ("To", "+33612345678"), ("Empty", "")]

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
forms = st.lists(st.tuples(texts | st.sampled_from(["To", "to", "Body"]), texts), max_size=8)
urls = st.builds(
    "{}://{}{}/{}".format,
    st.sampled_from(["http", "https"]),
    st.sampled_from(["alertes.example.fr", "10.1.2.3", "h"]),
    st.sampled_from(["", ":80", ":443", ":8443"]),
    st.from_regex(r"[a-z/]{0,9}(\?[a-z]=[a-z%20]{0,5})?", fullmatch=True),
)


@given(urls, forms, st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20))
def test_signature_is_that_of_the_official_library(url: str, form: list[tuple[str, str]], token: str) -> None:
    official = RequestValidator(token)
    assert sign(token, url, form) == official.compute_signature(url, MultiDict(form))


@given(urls, urls, forms)
def test_a_request_is_taken_where_the_official_library_takes_it(
    signed_url: str, url: str, form: list[tuple[str, str]]
) -> None:
    """Also where the provider signs the address with its port, or without."""
    given_signature = sign(TOKEN, signed_url, form)
    taken = RequestValidator(TOKEN).validate(url, MultiDict(form), given_signature)
    # Of the settings' own spelling the library knows nothing: a path left out where it adds none.
    assert is_signed([TOKEN], url, form, given_signature) == (taken or url == signed_url)


@given(st.dictionaries(texts, texts, max_size=6))
def test_stand_in_signs_as_the_official_library(form: dict[str, str]) -> None:
    assert signed_by_the_stand_in(TOKEN, URL, form) == RequestValidator(TOKEN).compute_signature(URL, form)


@pytest.mark.parametrize(
    ("url", "fields"),
    [
        (URL + "?x=1", FIELDS),
        (URL.replace("https", "http"), FIELDS),
        (URL.replace("alertes", "ailleurs"), FIELDS),
        (URL + HOW_OFTEN, FIELDS),  # how often to call is told to the provider, and not signed by it
        (URL, FIELDS[:-1]),
        (URL, [*FIELDS, ("MessageStatus", "failed")]),
        (URL, [("MessageSid", "SM2"), *FIELDS[1:]]),
    ],
)
def test_whoever_changes_anything_is_found_out(url: str, fields: list[tuple[str, str]]) -> None:
    made = sign(TOKEN, URL, FIELDS)
    assert is_signed([TOKEN], URL, FIELDS[::-1], made)  # the order of the fields is the network's
    assert not is_signed([TOKEN], url, fields, made)


def test_two_tokens_are_valid_while_one_is_being_changed() -> None:
    for token in (TOKEN, OLD_TOKEN):
        assert is_signed([TOKEN, OLD_TOKEN], URL, FIELDS, sign(token, URL, FIELDS))
    assert not is_signed([TOKEN], URL, FIELDS, sign(OLD_TOKEN, URL, FIELDS))
    assert not is_signed([], URL, FIELDS, sign(TOKEN, URL, FIELDS))


@given(st.none() | st.text() | st.sampled_from(["", " ", "=", "é", "\udce9"]))
def test_any_other_header_is_refused(header: str | None) -> None:
    assert not is_signed([TOKEN], URL, FIELDS, header)
