"""Is it in the axis of the van, and will its path end there."""

from vehicle_vision.corridor.body import Body, place
from vehicle_vision.corridor.corridor import Corridor, Place, State, look
from vehicle_vision.corridor.usual import RoadAxis, UsualPath

__all__ = ["Body", "Corridor", "Place", "RoadAxis", "State", "UsualPath", "look", "place"]
