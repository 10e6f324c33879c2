"""The same vehicle from frame to frame: in seconds, through missed frames, however small it is."""

from vehicle_vision.tracking.tracker import XYXY, Coasting, Frame, Tracked, Tracker

__all__ = ["XYXY", "Coasting", "Frame", "Tracked", "Tracker"]
