"""Whether the siren sounds: pure, a state and the judgements of one frame give the next state and a verdict."""

from vehicle_vision.hazard.judgement import Judgement, Motion
from vehicle_vision.hazard.policy import Level, Mode, Policy
from vehicle_vision.hazard.step import State, Verdict, pass_time, step

__all__ = ["Judgement", "Level", "Mode", "Motion", "Policy", "State", "Verdict", "pass_time", "step"]
