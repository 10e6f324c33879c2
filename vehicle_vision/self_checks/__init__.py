"""Whether the camera sees: a blind camera must not look like an empty road."""

from vehicle_vision.self_checks.check import Check, CheckKind, Verdict
from vehicle_vision.self_checks.checks import SelfChecks

__all__ = ["Check", "CheckKind", "SelfChecks", "Verdict"]
