"""OwnTracks JSON as its phones and watches publish it to `owntracks/<user>/<device>`.

Only `location` so far. `vel` is km/h; `acc`, `alt`, `cog` and `vel` are left out when zero, but also when unknown, so
their absence is unknown. Field table: the OwnTracks booklet, tech/json.
"""

from __future__ import annotations

import re
from datetime import datetime

from gyrophare.kernel.errors import WireError
from gyrophare.kernel.geo import Position
from gyrophare.kernel.observations import Fix, Report, Sender, Wire
from ingest.formats import Decoded, Lane, Route, message_key, read_json
from ingest.formats.fields import gnss_instant, instant, number

_MPS_PER_KMH = 1 / 3.6
_IGNORED = frozenset({"card", "cmd", "status", "waypoint", "waypoints", "transition", "lwt", "steps", "beacon"})


def decode(body: bytes, sender: Sender, received_at: datetime) -> Decoded:
    """One message of an OwnTracks device. Raise WireError when it cannot be read."""
    value = read_json(body)
    if not isinstance(value, dict) or "_type" not in value:
        raise WireError("malformed", "expected an OwnTracks object with a _type")
    kind = str(value["_type"])[:40]
    if kind in _IGNORED:
        return Decoded()
    if kind == "encrypted":
        raise WireError("encrypted", "the payload is encrypted; expected a device without a payload key, over TLS")
    if kind != "location":
        raise WireError("unknown_type", f"_type = {kind!r}; expected location")

    fixed_at = gnss_instant(value.get("tst"), "tst")
    latitude_deg = number(value, "lat", low=-90, high=90)
    longitude_deg = number(value, "lon", low=-180, high=180)
    if fixed_at is None or latitude_deg is None or longitude_deg is None or latitude_deg == longitude_deg == 0:
        raise WireError("bad_fix", "a location needs tst, lat and lon, and 0/0 is none")
    speed_kmh = number(value, "vel", low=0, high=700, unknown=-1)
    sent_at = instant(value.get("created_at"), "created_at") or fixed_at
    report = Report(
        sender=sender,
        received_at=received_at,
        sent_at=sent_at,
        sequence=None,
        message_key=message_key(fixed_at, latitude_deg, longitude_deg, value.get("t")),
        fix=Fix(
            fixed_at=fixed_at,
            position=Position(latitude_deg, longitude_deg),
            accuracy_m=number(value, "acc", low=0, high=100_000, unknown=-1),
            speed_mps=None if speed_kmh is None else speed_kmh * _MPS_PER_KMH,
            course_deg=number(value, "cog", low=0, high=360, unknown=-1),
            altitude_m=number(value, "alt", low=-500, high=20_000),
        ),
        battery_pct=number(value, "batt", low=0, high=100, unknown=-1),
    )
    return Decoded(observations=(report,))


ROUTES = (
    Route(
        wire=Wire.OWNTRACKS,
        lane=Lane.FIXES,
        filters=("owntracks/+/+",),
        pattern=re.compile(r"owntracks/(?P<name>[^/]+/[^/]+)"),
        decode=decode,
    ),
)
