"""All that the rules of movement remember of a wearer: bounded, and as text one column of a row. Pure."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec

from lone_worker.activity import Windows
from lone_worker.displacement import Place
from lone_worker.vehicle import Ride


class Whereabouts(msgspec.Struct, array_like=True, frozen=True):
    """Where the wearer is, whether he rides, what his body did last."""

    place: Place | None = None
    ride: Ride | None = None
    windows: Windows | None = None

    @property
    def vehicle_since_at(self) -> datetime | None:
        """Since when the wearer rides in a vehicle; None: he does not."""
        since_s = None if self.ride is None else self.ride.since_s
        return None if since_s is None else datetime.fromtimestamp(since_s, UTC)

    def pack(self) -> str:
        """As a short text that `unpack` reads: what comes back is equal to the last bit."""
        return _encoder.encode(self).decode()

    @staticmethod
    def unpack(packed: str) -> Whereabouts:
        """Raise ValueError when it is no text of `pack`."""
        return _decoder.decode(packed)


NOWHERE = Whereabouts()
_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Whereabouts)
