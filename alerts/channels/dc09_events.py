"""What an alarm receiving centre is told: the event of each kind of alert, in both of its languages. Pure.

A centre has a reaction for each code, agreed when it is connected; codes are therefore few and chosen by what somebody
should do, and the rare ones are left out.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from alerts.documents import AlertDocument, Occasion
from alerts.model import AlertKind

ZONES = 999
_REFERENCE = re.compile(r"A([1-9][0-9]{0,17})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """One event: a number of Contact ID, and the two letters of SIA for it and for its end."""

    contact_id: str
    sia: str
    sia_restore: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """What is told of one alert: that it began, or that it is over."""

    code: Code
    restore: bool
    zone: int


_PANIC = Code(contact_id="120", sia="PA", sia_restore="PH")
_DURESS = Code(contact_id="121", sia="HA", sia_restore="HH")  # the code that forbids to call back aloud
_MEDICAL = Code(contact_id="100", sia="MA", sia_restore="MH")  # a fall: somebody is hurt
_EMERGENCY = Code(contact_id="101", sia="QA", sia_restore="QH")  # somebody does not move, or may be run over: send help
# In Contact ID there is a word for it; in SIA it is what it may mean.
_NO_REPORT = Code(contact_id="102", sia="QA", sia_restore="QH")
# An alarm nobody can read, a message that may have been an SOS: "general alarm" makes somebody look.
_GENERAL = Code(contact_id="140", sia="UA", sia_restore="UH")
_COMMUNICATION = Code(contact_id="350", sia="YC", sia_restore="YK")
_SUPERVISION = Code(contact_id="381", sia="UT", sia_restore="UJ")  # one watch is not heard; the rest are
_BATTERY = Code(contact_id="384", sia="XT", sia_restore="XR")  # the battery of a transmitter, not of the panel
_TROUBLE = Code(contact_id="380", sia="UT", sia_restore="UJ")  # a protection is weakened; nobody is in danger yet
_TEST = Code(contact_id="601", sia="RX", sia_restore="RX")

CODES = {
    AlertKind.SOS: _PANIC,
    AlertKind.DURESS: _DURESS,
    AlertKind.FALL: _MEDICAL,
    AlertKind.STILLNESS: _EMERGENCY,
    AlertKind.CHECK_MISSED: _NO_REPORT,
    AlertKind.DEVICE_ALARM: _GENERAL,
    AlertKind.VAN_HAZARD: _EMERGENCY,
    AlertKind.INFRASTRUCTURE: _COMMUNICATION,
    AlertKind.TECHNICAL: _GENERAL,
    AlertKind.SIGNAL_LOST: _SUPERVISION,
    AlertKind.LOW_BATTERY: _BATTERY,
    AlertKind.OVERRUN: _TROUBLE,
    AlertKind.LEFT_AREA: _TROUBLE,
    AlertKind.NOT_WORN: _TROUBLE,
    AlertKind.GNSS_LOST: _TROUBLE,
    AlertKind.CLOCK_UNSAFE: _TROUBLE,
    AlertKind.RESTARTED: _TROUBLE,
    AlertKind.LONG_PAUSE: _TROUBLE,
}


def event_of(document: AlertDocument) -> Event | None:
    """The event to send; None where these languages have no word for the occasion, as for an acknowledgement.

    Raise ValueError when the reference names no alert.
    """
    match = _REFERENCE.fullmatch(document.reference)
    if match is None:
        raise ValueError("the reference names no alert")
    # The zone is the alert's, 1 to 999: with one zone for all, the end of one alert would end every other in the
    # centre's eyes.
    zone = 1 + (int(match[1]) - 1) % ZONES
    if document.occasion is Occasion.ACKNOWLEDGED or (document.test and document.occasion is Occasion.CLOSED):
        return None
    return Event(
        code=_TEST if document.test else CODES[document.kind],
        # A lapsed alert is told as a new one: what is only repeated asks nobody to act.
        restore=document.occasion is Occasion.CLOSED,
        zone=zone,
    )
