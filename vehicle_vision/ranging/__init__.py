"""Metres, and how far they may be off: from the size of what is seen, and from where it stands on the road."""

from vehicle_vision.ranging.estimate import RangeEstimate
from vehicle_vision.ranging.horizon import DRIVING, PARKED, Mounting
from vehicle_vision.ranging.ranger import Ranger, Seen

__all__ = ["DRIVING", "PARKED", "Mounting", "RangeEstimate", "Ranger", "Seen"]
