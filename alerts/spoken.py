"""What a voice says on the telephone. French, in words that a machine reads well; no coordinates. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from alerts import wording
from alerts.model import PARIS, AlertFacts, AlertKind

LONGEST = 300
"""Characters, some twenty seconds: whoever is woken up hears it twice."""
PRESS_ONE = "Appuyez sur 1 pour prendre en charge."
ALREADY_TAKEN = "Cette alerte est déjà prise en charge."
KEY_NOT_KNOWN = "Touche non reconnue. L'alerte continue."
NOT_TAKEN = "Votre réponse n'a pas pu être prise en compte. L'alerte continue."

_WHAT = {
    AlertKind.SOS: "SOS",
    AlertKind.DURESS: "SOS discret",
    AlertKind.FALL: "chute",
    AlertKind.STILLNESS: "agent immobile",
    AlertKind.CHECK_MISSED: "sans réponse au contrôle",
    AlertKind.DEVICE_ALARM: "alarme de la montre",
    AlertKind.VAN_HAZARD: "véhicule en approche",
    AlertKind.INFRASTRUCTURE: "alerte système",
    AlertKind.OVERRUN: "fin de service dépassée",
    AlertKind.LEFT_AREA: "agent hors zone",
    AlertKind.SIGNAL_LOST: "signal perdu",
    AlertKind.LOW_BATTERY: "batterie faible",
    AlertKind.NOT_WORN: "montre non portée",
    AlertKind.GNSS_LOST: "position perdue",
    AlertKind.CLOCK_UNSAFE: "horloge de la montre fausse",
    AlertKind.RESTARTED: "montre redémarrée pendant une alerte",
    AlertKind.LONG_PAUSE: "pause trop longue",
    AlertKind.TECHNICAL: "alerte technique",
}
_MONTHS = (
    "janvier", "février", "mars", "avril", "mai", "juin",
    "juillet", "août", "septembre", "octobre", "novembre", "décembre",
)  # fmt: skip


def alarm(alert: AlertFacts) -> str:
    """What, who, which mission, since when, and what else matters. Of what is too long the mission goes first."""
    mission = alert.mission or ""
    text = _text(alert, mission)
    too_long = len(text) - LONGEST
    if too_long > 0 and mission:
        text = _text(alert, mission[:-too_long].rstrip())
    return text[:LONGEST]


def you_have_it(alert_id: int) -> str:
    """To whoever pressed the key, and was the first."""
    return f"Vous avez pris en charge l'alerte {_reference(alert_id)}."


def _text(alert: AlertFacts, mission: str) -> str:
    sentences = [f"Alerte {_reference(alert.alert_id)} : {_what(alert)}", alert.subject]
    if mission:
        sentences.append(f"Mission : {mission}")
    late_s = alert.received_late_s or 0
    sentences.append(f"Depuis {_time(alert.episode_at, with_day=late_s >= wording.ANOTHER_DAY_S)}")
    if late_s >= wording.LATE_FROM_S:
        sentences.append(f"Reçu avec {_span(late_s)} de retard")
    sentences += _remarks(alert)
    return "".join(f"{sentence}. " for sentence in sentences).rstrip()


def _what(alert: AlertFacts) -> str:
    if alert.kind is AlertKind.STILLNESS and alert.heard_after_episode is False:
        return "sans nouvelles"
    return _WHAT[alert.kind]


def _remarks(alert: AlertFacts) -> Iterator[str]:
    if alert.kind is AlertKind.DURESS:
        yield "Ne faites pas sonner sa montre"
    if alert.detail.get("prealarm") == "not_delivered":
        yield "La pré-alarme n'a pas été délivrée"
    if "agents" in alert.detail:
        yield f"{alert.detail['agents']} en service"
    if "range_m" in alert.detail:
        yield f"À {alert.detail['range_m']} mètres"
    if "beside" in alert.detail:
        beside = alert.detail["beside"]
        yield f"Peut-être {beside} agent{'s' if beside > 1 else ''} à proximité"
    if alert.kind is not AlertKind.INFRASTRUCTURE and alert.latitude_deg is None:
        yield "Position inconnue"


def _reference(alert_id: int) -> str:
    """`A 17`: a letter, then a number, and no word of its own."""
    return f"A {alert_id}"


def _time(at: datetime, *, with_day: bool) -> str:
    local = at.astimezone(PARIS)
    hours = f"{local.hour} heure{'s' if local.hour > 1 else ''}"
    time = f"{hours} {local.minute}" if local.minute else hours
    if not with_day:
        return time
    return f"le {'premier' if local.day == 1 else local.day} {_MONTHS[local.month - 1]} à {time}"


def _span(seconds: float) -> str:
    minutes = round(seconds / 60)
    if minutes < 120:
        return f"{minutes} minute{'s' if minutes > 1 else ''}"
    return f"{minutes // 60} heures" if minutes < 48 * 60 else f"{minutes // 1440} jours"
