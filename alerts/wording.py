"""What a message says. French, short, the most urgent word first. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from alerts.channels.gsm_text import ONE_PART_SEPTETS, septets, to_gsm7
from alerts.documents import AlertDocument, Occasion, Place, Told, write
from alerts.model import PARIS, AlertFacts, AlertKind, Cause, Colleague, reference
from gyrophare.kernel.clock import instant_text

LATE_FROM_S = 60  # a shorter delay is how radio works, not news
ANOTHER_DAY_S = 12 * 3600
_REMARK_MAX = 20
ANSWER = "1=je prends"
GOES = "Oui"
"""What a colleague presses who goes."""
_NEARBY_VALID_FOR = timedelta(minutes=10)  # later nobody knows who is near
_WATCH_TEXT_MAX, _VIBRATE_S = 160, 3  # as lone_worker/commands/words.py
_DIRECTIONS = (
    "au nord",
    "au nord-est",
    "à l'est",
    "au sud-est",
    "au sud",
    "au sud-ouest",
    "à l'ouest",
    "au nord-ouest",
)
_WATCH_REFERENCE = re.compile(r"n([1-9][0-9]{0,17})")


def sms_reference(alert_id: int, step: int) -> str:
    """`#A17-2`: the alert and the step, so that a duplicate is recognised by whoever gets it."""
    return f"#{reference(alert_id)}-{step + 1}"


def follow_up_reference(alert_id: int, notification_id: int) -> str:
    """`#A17-n123`: of what is no step."""
    return f"#{reference(alert_id)}-{watch_reference(notification_id)}"


def sms(alert: AlertFacts, step: int, *, answerable: bool = False) -> str:
    """The text of one SMS: what, who, since when, where, how to answer if one can; the reference last.

    Of what does not fit into one part the name of the mission goes first, then the hint: where somebody lies is not cut
    for them.
    """
    mission = alert.mission or ""
    text = _text(alert, step, mission, answerable=answerable)
    too_long = _too_long(text)
    if too_long > 0 and mission:
        text = _text(alert, step, mission[:-too_long].rstrip(), answerable=answerable)
    return sms(alert, step) if answerable and _too_long(text) > 0 else text


def _too_long(text: str) -> int:
    return septets(to_gsm7(text)) - ONE_PART_SEPTETS


def _text(alert: AlertFacts, step: int, mission: str, *, answerable: bool) -> str:
    parts = [f"{_what(alert)}: {alert.subject}"]
    if mission:
        parts.append(mission)
    late_s = alert.received_late_s or 0
    parts.append(f"depuis {_clock(alert.episode_at, with_day=late_s >= ANOTHER_DAY_S)}")
    if late_s >= LATE_FROM_S:
        parts.append(f"reçu avec {_span(late_s)} de retard")
    parts += _remarks(alert)
    if alert.kind is not AlertKind.INFRASTRUCTURE:  # which is nobody's in particular
        parts.append(_place(alert))
    hint = f" {ANSWER}" if answerable else ""
    return f"{', '.join(parts)}{hint} {sms_reference(alert.alert_id, step)}"


def _place(alert: AlertFacts) -> str:
    if alert.latitude_deg is None or alert.longitude_deg is None:
        return "position inconnue"
    return f"{alert.latitude_deg:.5f},{alert.longitude_deg:.5f}"


def document(
    alert: AlertFacts,
    occasion: Occasion,
    at: datetime,
    *,
    by: str | None = None,
    cause: Cause | None = None,
    earlier: Iterable[Told] = (),
) -> str:
    """The alert as machines are told of it."""
    place = None
    if alert.latitude_deg is not None and alert.longitude_deg is not None:
        place = Place(
            latitude_deg=alert.latitude_deg,
            longitude_deg=alert.longitude_deg,
            accuracy_m=alert.accuracy_m,
            fixed_at=alert.fixed_at,
        )
    return write(
        AlertDocument(
            reference=reference(alert.alert_id),
            occasion=occasion,
            kind=alert.kind,
            priority=alert.priority,
            what=_what(alert),
            subject=alert.subject,
            mission=alert.mission,
            organisation=alert.organisation,
            episode_at=alert.episode_at,
            raised_at=alert.raised_at,
            at=at,
            position=place,
            received_late_s=alert.received_late_s,
            by=by,
            cause=None if cause is None else str(cause),
            test=cause is Cause.TEST,
            earlier=tuple(earlier),
        )
    )


def nearby(alert: AlertFacts, colleague: Colleague, now: datetime) -> str:
    """The command that asks a colleague whether he goes. Of what a screen has no room for the mission goes first.

    A watch that knows nothing but text shows where it is in words; one that knows more finds it in numbers.
    """
    way = f"à {_distance(colleague.distance_m)} {_direction(colleague.bearing_deg)}"
    late_s = alert.received_late_s or 0
    late = f", reçu avec {_span(late_s)} de retard" if late_s >= LATE_FROM_S else ""
    head, tail = f"{_what(alert)}: ", f" {way}{late}, {reference(alert.alert_id)}. Y allez-vous ?"
    who = ", ".join(filter(None, (alert.subject, alert.mission)))[: _WATCH_TEXT_MAX - len(head) - len(tail)]
    return _message(
        alert.alert_id,
        f"{head}{who}{tail}",
        replies=(GOES, "Non"),
        kind=alert.kind,
        who=alert.subject,
        distance_m=round(colleague.distance_m),
        bearing_deg=round(colleague.bearing_deg) % 360,
        position={"lat": alert.latitude_deg, "lon": alert.longitude_deg, "accuracy_m": alert.accuracy_m},
        expires_at=instant_text(now + _NEARBY_VALID_FOR),
    )


def watch_message(alert_id: int, text: str) -> str:
    """The command that tells a colleague what became of an alert. It does not expire: he may be on his way."""
    return _message(alert_id, text[:_WATCH_TEXT_MAX])


def _message(alert_id: int, text: str, replies: Sequence[str] = (), **more: Any) -> str:
    told = {
        "command": "message",
        "alert": reference(alert_id),
        "vibrate_s": _VIBRATE_S,
        "text": text,
        "replies": replies,
    }
    return json.dumps(told | more, ensure_ascii=False)


def _distance(distance_m: float) -> str:
    """As one says it: no receiver knows the metres."""
    if distance_m < 995:
        return f"{max(10, round(distance_m, -1)):.0f} m"
    return f"{distance_m / 1000:.1f} km".replace(".", ",")


def _direction(bearing_deg: float) -> str:
    return _DIRECTIONS[round(bearing_deg / 45) % 8]


def alarm_acknowledged(alert_id: int) -> str:
    """The command that tells the wearer that somebody is coming."""
    return json.dumps(
        {"command": "alarm_acknowledged", "alert": reference(alert_id), "text": "PC prévenu, on arrive"},
        ensure_ascii=False,
    )


def taken(alert_id: int, by: str) -> str:
    """To those who were called besides whoever took it."""
    return f"{reference(alert_id)} prise en charge par {by}"


def closed(alert_id: int, cause: Cause) -> str:
    """To all who were called."""
    return f"{reference(alert_id)} close: {_CAUSE[cause]}"


_CAUSE = {
    Cause.REAL: "l'agent est pris en charge",
    Cause.FALSE: "fausse alerte",
    Cause.TEST: "essai",
    Cause.TECHNICAL: "cause technique",
}
_WHAT = {
    AlertKind.SOS: "SOS",
    AlertKind.DURESS: "SOS DISCRET",
    AlertKind.FALL: "CHUTE",
    AlertKind.STILLNESS: "IMMOBILE",
    AlertKind.CHECK_MISSED: "SANS RÉPONSE AU CONTRÔLE",
    AlertKind.DEVICE_ALARM: "ALARME DE LA MONTRE",
    AlertKind.VAN_HAZARD: "VÉHICULE EN APPROCHE",
    AlertKind.INFRASTRUCTURE: "ALERTE SYSTÈME",
    AlertKind.OVERRUN: "FIN DE SERVICE DÉPASSÉE",
    AlertKind.LEFT_AREA: "HORS ZONE",
    AlertKind.SIGNAL_LOST: "SIGNAL PERDU",
    AlertKind.LOW_BATTERY: "BATTERIE FAIBLE",
    AlertKind.NOT_WORN: "MONTRE NON PORTÉE",
    AlertKind.GNSS_LOST: "POSITION PERDUE",
    AlertKind.CLOCK_UNSAFE: "HORLOGE DE LA MONTRE FAUSSE",
    AlertKind.RESTARTED: "MONTRE REDÉMARRÉE PENDANT UNE ALERTE",
    AlertKind.LONG_PAUSE: "PAUSE TROP LONGUE",
    AlertKind.TECHNICAL: "ALERTE TECHNIQUE",
}


def watch_reference(notification_id: int) -> str:
    """How a watch names what it was sent by an alert: `n17`. Commands of the rules begin with another letter."""
    return f"n{notification_id}"


def read_watch_reference(named: object) -> int | None:
    """The notification of that name; None when it is none."""
    match = _WATCH_REFERENCE.fullmatch(named) if isinstance(named, str) else None
    return int(match[1]) if match else None


def _what(alert: AlertFacts) -> str:
    if alert.kind is AlertKind.STILLNESS and alert.heard_after_episode is False:
        return "SANS NOUVELLES"
    return _WHAT[alert.kind]


def _remarks(alert: AlertFacts) -> Iterable[str]:
    """What else whoever answers must know."""
    if alert.kind is AlertKind.DURESS:
        yield "ne pas faire sonner la montre"
    if alert.detail.get("prealarm") == "not_delivered":
        yield "pré-alarme non délivrée"
    if "agents" in alert.detail:
        yield f"{alert.detail['agents']} en service"
    if "range_m" in alert.detail:
        yield f"à {alert.detail['range_m']} m"
    if "beside" in alert.detail:
        yield _agents(alert.detail["beside"])
    if "alarm" in alert.detail:
        yield str(alert.detail["alarm"])[:_REMARK_MAX]


def _agents(beside: int) -> str:
    """How many are not known to be elsewhere; as short as can be, for a place may not be cut."""
    return f"peut-être {beside} agent{'s' if beside > 1 else ''}"


def _clock(at: datetime, *, with_day: bool) -> str:
    return at.astimezone(PARIS).strftime("le %d/%m à %Hh%M" if with_day else "%Hh%M")


def _span(seconds: float) -> str:
    minutes = round(seconds / 60)
    if minutes < 120:
        return f"{minutes} min"
    return f"{minutes // 60} h" if minutes < 48 * 60 else f"{minutes // 1440} j"
