"""Who would be called now by the steps that name a role, who comes next, and where nobody would be. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from alerts.model import Contact
from alerts.policy import Policy, applies
from alerts.rota import KnownDuty

_DUTY = "duty "


@dataclass(frozen=True, slots=True, kw_only=True)
class OnCall:
    """A role at an instant."""

    role: str
    called: bool
    """Whether a step of a policy names it."""
    now: tuple[KnownDuty, ...]
    next: KnownDuty | None
    unreached: tuple[str, ...]
    """The channels of steps that, due now, would tell nobody."""


def on_call(
    policies: Sequence[Policy], contacts: Sequence[Contact], duties: Sequence[KnownDuty], now: datetime
) -> list[OnCall]:
    """Each role that a policy or a duty names, by name. `duties`: those that are not over, by role and start."""
    steps = [step for policy in policies for step in policy.steps if step.to.startswith(_DUTY)]
    called = {step.to.removeprefix(_DUTY) for step in steps}
    found = []
    for role in sorted(called | {duty.role for duty in duties}):
        of_role = [duty for duty in duties if duty.role == role]
        current = tuple(duty for duty in of_role if duty.starts_at <= now)
        ids = {duty.contact_id for duty in current}
        ways = {step.channel for step in steps if step.to == _DUTY + role and applies(step, now)}
        reached = {way for way in ways for one in contacts if one.id in ids and one.address(way) is not None}
        found.append(
            OnCall(
                role=role,
                called=role in called,
                now=current,
                next=next((duty for duty in of_role if duty.starts_at > now), None),
                unreached=tuple(sorted(ways - reached)),
            )
        )
    return found
