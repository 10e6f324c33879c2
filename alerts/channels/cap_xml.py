"""An alert as a message of the Common Alerting Protocol, version 1.2 (OASIS). Pure.

Identifiers follow from the alert and the occasion: each message can point back at those before it, and one sent again
is the same message.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from xml.etree import ElementTree as ET

from alerts.documents import AlertDocument, Occasion, Told
from alerts.model import AlertKind

NAMESPACE = "urn:oasis:names:tc:emergency:cap:1.2"
REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
# Everything that XML 1.0 has no place for, not even as a reference.
_ILLEGAL = re.compile("[^\t\n -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_MESSAGE_TYPE = {
    Occasion.RAISED: "Alert",
    Occasion.ACKNOWLEDGED: "Update",
    Occasion.LAPSED: "Update",
    Occasion.CLOSED: "Cancel",
}
# Never Public: a message says who lies where. Private would need the addresses of all who may read it; whom it reaches
# is configured here and decided there, so the message states the rule instead.
_SCOPE = "Restricted"
_RESTRICTION = "Données personnelles d'un agent : secours et encadrement de l'astreinte seulement"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Meaning:
    event: str
    category: str
    urgency: str
    severity: str
    certainty: str


def _person(event: str, certainty: str, severity: str = "Extreme") -> _Meaning:
    """Somebody may be in danger of death."""
    return _Meaning(event=event, category="Rescue", urgency="Immediate", severity=severity, certainty=certainty)


def _weaker(event: str) -> _Meaning:
    """A protection is weakened, which is certain and threatens nobody yet."""
    return _Meaning(event=event, category="Safety", urgency="Expected", severity="Minor", certainty="Observed")


_MEANINGS = {
    AlertKind.SOS: _person("Appel au secours d'un agent isolé", "Observed"),
    AlertKind.DURESS: _person("Appel au secours discret d'un agent isolé", "Observed"),
    AlertKind.FALL: _person("Chute d'un agent isolé", "Likely"),
    AlertKind.STILLNESS: _person("Agent isolé immobile", "Likely"),
    AlertKind.CHECK_MISSED: _person("Agent isolé sans réponse au contrôle", "Possible", "Severe"),
    AlertKind.DEVICE_ALARM: _person("Alarme de la montre d'un agent isolé", "Likely", "Severe"),
    AlertKind.TECHNICAL: _person("Message illisible d'un agent isolé", "Unknown", "Unknown"),
    AlertKind.VAN_HAZARD: _Meaning(
        event="Véhicule en approche d'un fourgon d'intervention",
        category="Transport",
        urgency="Immediate",
        severity="Severe",
        certainty="Observed",
    ),
    AlertKind.INFRASTRUCTURE: _Meaning(
        event="Protection des agents isolés en panne",
        category="Infra",
        urgency="Immediate",
        severity="Moderate",
        certainty="Observed",
    ),
    AlertKind.OVERRUN: _weaker("Fin de service dépassée d'un agent isolé"),
    AlertKind.LEFT_AREA: _weaker("Agent isolé hors de sa zone"),
    AlertKind.SIGNAL_LOST: _weaker("Signal perdu d'un agent isolé"),
    AlertKind.LOW_BATTERY: _weaker("Batterie faible de la montre d'un agent isolé"),
    AlertKind.NOT_WORN: _weaker("Montre non portée par un agent isolé"),
    AlertKind.GNSS_LOST: _weaker("Position perdue d'un agent isolé"),
    AlertKind.CLOCK_UNSAFE: _weaker("Horloge fausse de la montre d'un agent isolé"),
    AlertKind.RESTARTED: _weaker("Montre d'un agent isolé redémarrée"),
    AlertKind.LONG_PAUSE: _weaker("Pause trop longue d'un agent isolé"),
}


def identifier(document: AlertDocument) -> str:
    """The message's own name, without a space or comma: `A17-raised-20260114T074203Z`."""
    return _identifier(document.reference, _told(document))


def cap_xml(document: AlertDocument, sender: str) -> bytes:
    """The message as UTF-8. `sender` names us at whoever receives it: no space, comma, `<` or `&`."""
    alert = ET.Element(f"{{{NAMESPACE}}}alert")
    this = _told(document)
    _add(alert, "identifier", _identifier(document.reference, this))
    _add(alert, "sender", sender)
    _add(alert, "sent", _instant(this.at))
    _add(alert, "status", "Test" if document.test else "Actual")
    _add(alert, "msgType", _MESSAGE_TYPE[document.occasion])
    _add(alert, "scope", _SCOPE)
    _add(alert, "restriction", _RESTRICTION)
    _add(alert, "note", _note(document))
    _add(alert, "references", " ".join(_reference(document, told, sender) for told in _before(document)))
    _add(alert, "incidents", document.reference)
    _add_info(alert, document)
    written: bytes = ET.tostring(alert, encoding="utf-8", xml_declaration=True, default_namespace=NAMESPACE)
    return written


def xml_text(text: str) -> str:
    """`text` as XML 1.0 can hold it: line ends as it reads them, and no character it forbids."""
    return _ILLEGAL.sub(REPLACEMENT, text.replace("\r\n", "\n").replace("\r", "\n"))


def _add_info(alert: ET.Element, document: AlertDocument) -> None:
    meaning, over = _MEANINGS[document.kind], document.occasion is Occasion.CLOSED
    info = ET.SubElement(alert, f"{{{NAMESPACE}}}info")
    _add(info, "language", "fr-FR")
    _add(info, "category", meaning.category)
    _add(info, "event", meaning.event)
    _add(info, "responseType", "AllClear" if over else "Assess")
    _add(info, "urgency", "Past" if over else meaning.urgency)
    _add(info, "severity", meaning.severity)
    _add(info, "certainty", meaning.certainty)
    _add_pair(info, "eventCode", "gyrophare:kind", document.kind)
    _add(info, "onset", _instant(document.episode_at))
    _add(info, "senderName", document.organisation)
    _add(info, "headline", f"{document.what} : {document.subject}")
    _add(info, "description", document.mission)
    _add_pair(info, "parameter", "gyrophare:priority", str(document.priority))
    if document.received_late_s is not None:
        _add_pair(info, "parameter", "gyrophare:received_late_s", f"{document.received_late_s:.0f}")
    _add_area(info, document)


def _add_area(info: ET.Element, document: AlertDocument) -> None:
    """The standard asks for a description in words, whatever is known."""
    area = ET.SubElement(info, f"{{{NAMESPACE}}}area")
    place = document.position
    if place is None:
        _add(area, "areaDesc", f"Position inconnue ({document.organisation})")
        return
    known = "précision inconnue" if place.accuracy_m is None else f"à {place.accuracy_m:.0f} m près"
    since = "" if place.fixed_at is None else f", relevée le {place.fixed_at.astimezone(UTC):%d/%m/%Y à %H:%M:%S} UTC"
    _add(area, "areaDesc", f"Dernière position connue, {known}{since}")
    # A circle is the only way to give a point; the radius is in kilometres, and 0 stands for a point.
    radius_km = (place.accuracy_m or 0) / 1000
    _add(area, "circle", f"{place.latitude_deg:.5f},{place.longitude_deg:.5f} {radius_km:.3f}")


def _add(parent: ET.Element, name: str, text: str | None) -> None:
    """Nothing is written where there is nothing to say."""
    if text:
        ET.SubElement(parent, f"{{{NAMESPACE}}}{name}").text = xml_text(text)


def _add_pair(parent: ET.Element, name: str, value_name: str, value: str) -> None:
    pair = ET.SubElement(parent, f"{{{NAMESPACE}}}{name}")
    _add(pair, "valueName", value_name)
    _add(pair, "value", value)


def _note(document: AlertDocument) -> str | None:
    by = f" par {document.by}" if document.by else ""
    cause = f" : {document.cause}" if document.cause else ""
    match document.occasion:
        case Occasion.RAISED:
            return None
        case Occasion.ACKNOWLEDGED:
            return f"Prise en charge{by}{cause}"
        case Occasion.LAPSED:
            return f"De nouveau sans prise en charge{cause}"
        case Occasion.CLOSED:
            return f"Close{by}{cause}"


def _told(document: AlertDocument) -> Told:
    at = document.raised_at if document.occasion is Occasion.RAISED else document.at
    return Told(occasion=document.occasion, at=at)


def _before(document: AlertDocument) -> list[Told]:
    if document.occasion is Occasion.RAISED:
        return []
    return [Told(occasion=Occasion.RAISED, at=document.raised_at), *document.earlier]


def _identifier(reference: str, told: Told) -> str:
    # With its instant: a department that starts anew has another A17.
    name = re.sub(r"[^\w-]", "_", reference, flags=re.ASCII)
    return f"{name}-{told.occasion}-{told.at.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def _reference(document: AlertDocument, told: Told, sender: str) -> str:
    return f"{sender},{_identifier(document.reference, told)},{_instant(told.at)}"


def _instant(at: datetime) -> str:
    """The standard writes UTC as an offset of minus zero, never as Z."""
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S}-00:00"
