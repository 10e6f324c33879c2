"""Whether policies reach anybody: found when a policy is written, not when somebody lies in a ditch. Pure.

A grave finding is a step that tells nobody; the others are weaknesses that an operator may want.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from alerts.model import PARIS, AlertKind, Carried, Contact, Step
from alerts.policy import NAMED, NOBODY_SURELY, TARGETED, Policy, applies
from alerts.rota import Duty, gaps

_MONDAY = datetime(2026, 6, 1, tzinfo=PARIS)  # a week without a change of clocks
_GRAIN = timedelta(minutes=15)
_WEEK = timedelta(days=7)
_START = {"voice": "configure voice = true in [sms], and start it", "watch": "start one: `gyrophare serve`"}
_PROVIDERS = {"voice": "sms"}  # calls go by the provider of the texts; of the other channels each has its own
_DAYS = ("lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche")


@dataclass(frozen=True, slots=True, kw_only=True)
class Flaw:
    """What is wrong, where, and what to do."""

    where: str
    grave: bool
    what: str
    do: str


def check(
    policies: Sequence[Policy],
    contacts: Sequence[Contact],
    carried: Carried,
    duties: Sequence[Duty] = (),
    now: datetime = _MONDAY,
) -> list[Flaw]:
    """Every flaw of `policies`. `carried`: what the servers that run send by; `duties` from `now` on."""
    flaws = []
    if not any(policy.kinds is None for policy in policies):
        flaws.append(
            Flaw(
                where="policies",
                grave=True,
                what="no policy is for everything else: alerts that none names only ring at the console",
                do="leave `kinds` out of one of them",
            )
        )
    for policy in policies:
        where = f"policy {policy.name!r}"
        told = [step for step in policy.steps if step.channel not in NOBODY_SURELY]
        for number, step in enumerate(policy.steps, start=1):
            flaws += _of_step(f"{where}, step {number}", step, contacts, carried, duties, now)
        if AlertKind.DURESS in (policy.kinds or ()) and any(step.colleagues for step in policy.steps):
            flaws.append(
                Flaw(
                    where=where,
                    grave=True,
                    what="no colleague is told of a discreet SOS: a watch that rings would betray the wearer",
                    do="give duress a policy of its own",
                )
            )
        if not told:
            flaws.append(_flaw(where, f"nobody is told but {_perhaps(policy)}", "add a step by sms, say"))
        elif (only := _only_way(policy)) is not None:
            what = f"only {only} tells anybody: where that fails, nobody is told but {_perhaps(policy)}"
            flaws.append(_flaw(where, what, "add a step by another channel: email or gammu, say"))
        if told and (since := _uncovered(told)) is not None:
            flaws.append(
                _flaw(where, f"from {since} on nobody is told but who watches the console", "widen days or between")
            )
    return flaws


def _of_step(
    where: str,
    step: Step,
    contacts: Sequence[Contact],
    carried: Carried,
    duties: Sequence[Duty],
    now: datetime,
) -> list[Flaw]:
    if step.channel == "console":
        return []
    flaws = []
    kind, _, name = step.to.partition(" ")
    if kind == "duty":
        flaws += _of_duty(where, name, step, contacts, duties, now)
    elif step.channel not in TARGETED and not step.colleagues:
        contact = next((one for one in contacts if name == (str(one.rank) if kind == "rank" else one.name)), None)
        if contact is None:
            flaws.append(
                Flaw(where=where, grave=True, what=f"there is no {step.to}", do="see `gyrophare contacts list`")
            )
        elif contact.address(step.channel) is None:
            flaws.append(
                Flaw(
                    where=where,
                    grave=True,
                    what=f"{step.to} has no address for {step.channel}",
                    do="give it with `gyrophare contacts add`",
                )
            )
    if not carried.carries(step.channel):
        do = _START.get(step.channel, f"configure [{step.channel}], and start it")
        unchecked = f": whether there is a {step.to} could not be checked" if step.channel in NAMED else ""
        flaws.append(_flaw(where, f"no server that runs sends by {step.channel}{unchecked}", do))
    elif not carried.knows(step):
        known = ", ".join(sorted(carried.targets[step.channel])) or "none"
        do = f"name one of [{step.channel}.targets], which servers that run know: {known}"
        flaws.append(Flaw(where=where, grave=True, what=f"no server knows a {step.to} for {step.channel}", do=do))
    return flaws


def _of_duty(
    where: str, role: str, step: Step, contacts: Sequence[Contact], duties: Sequence[Duty], now: datetime
) -> list[Flaw]:
    reached = {contact.id for contact in contacts if contact.address(step.channel) is not None}
    of_role = [duty for duty in duties if duty.role == role and duty.contact_id in reached]
    holes = gaps(of_role, now, now + _WEEK)
    if not holes:
        return []
    since = holes[0][0].astimezone(PARIS)
    return [
        Flaw(
            where=where,
            grave=not of_role,
            what=f"nobody who has an address for {step.channel} is on call as {role} from {since:%d/%m %H:%M} on",
            do="see `gyrophare duty list`",
        )
    ]


def _only_way(policy: Policy) -> str | None:
    """The one way by which a policy tells anybody who does not look at the console; None: there are two.

    Where nobody is in danger whoever looks at the console is a second one.
    """
    told = dict.fromkeys(step.channel for step in policy.steps if step.channel not in NOBODY_SURELY)
    vital = policy.kinds is None or any(kind.vital for kind in policy.kinds)
    shown = any(step.channel == "console" for step in policy.steps)
    one_provider = len({_PROVIDERS.get(channel, channel) for channel in told}) == 1
    if not one_provider or (shown and not vital):
        return None
    return " and ".join(told) if len(told) == 1 else f"the provider of {' and '.join(told)}"


def _perhaps(policy: Policy) -> str:
    """Whom a policy that surely tells nobody may tell."""
    near = " and colleagues, where any are near" if any(step.colleagues for step in policy.steps) else ""
    return f"who watches the console{near}"


def _flaw(where: str, what: str, do: str) -> Flaw:
    return Flaw(where=where, grave=False, what=what, do=do)


def _uncovered(steps: Sequence[Step]) -> str | None:
    """The first moment of the week at which none of them applies; None: there is always one."""
    at = _MONDAY
    while at < _MONDAY + _WEEK:
        if not any(applies(step, at) for step in steps):
            return f"{_DAYS[at.weekday()]} {at:%H:%M}"
        at += _GRAIN
    return None
