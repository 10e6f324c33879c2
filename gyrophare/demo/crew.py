"""The invented crew of the demo: registered, on shift, each with a device that speaks."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import alerts.policy_store
import ingest.directory
import lone_worker.store
from alerts.model import Step
from gyrophare.kernel.ids import OrganisationId
from gyrophare.kernel.observations import Sender, Wire
from gyrophare.server import Server
from gyrophare.sim import cote_dor
from gyrophare.sim.activities import LIE, PARK, Plan, Segment
from gyrophare.sim.body import Body
from gyrophare.sim.connected import ConnectedWatch
from gyrophare.sim.faults import Fate
from gyrophare.sim.reporter import Reporter, Speaks
from gyrophare.sim.spool import Spool
from gyrophare.sim.watch import Watch
from lone_worker.shifts import agents
from lone_worker.shifts import store as shifts
from lone_worker.shifts.spans import Terms

# He started his shift 170 s ago and made his last step 160 s ago: the alarm is due 20 s after everything runs.
SHIFT_BEFORE_S = 170.0
LAST_STEP_BEFORE_S = 160.0
_WORKS_S = SHIFT_BEFORE_S - LAST_STEP_BEFORE_S

ASKS_COLLEAGUES = Step(after_s=0, channel="watch", to="nearby 3")
CONTACTS = ((1, "Astreinte", "+33600000001"), (2, "Chef de centre", "+33600000002"))


def empty_spool(path: Path) -> Spool:
    """The watches' memory. What an earlier play left there is owed to a database that is gone."""
    for part in path.parent.glob(f"{path.name}*"):
        part.unlink()
    return Spool(path)


async def engage(server: Server, spool: Spool) -> dict[str, ConnectedWatch]:
    """Register the crew and begin their shifts; return the devices, the lying man's with his buffer filled."""
    now = server.clock.now()
    organisation_id = OrganisationId(1)
    fleet: dict[str, ConnectedWatch] = {}

    def equip(device: str, body: Body, speaks: Speaks = "native") -> None:
        reporter = Reporter(body, Fate(name=device, since=body.plan.since), speaks=speaks)
        fleet[device] = ConnectedWatch(Watch(reporter, spool), server.mqtt_url, server.clock)

    async with server.pool.connection() as connection, connection.transaction():
        for rank, name, phone_e164 in CONTACTS:
            await alerts.policy_store.put_contact(connection, organisation_id, rank, name, phone_e164)
        policies = await alerts.policy_store.find_policies(connection, organisation_id)
        asking = [replace(policy, steps=(ASKS_COLLEAGUES, *policy.steps)) for policy in policies]
        await alerts.policy_store.replace_policies(connection, organisation_id, asking)
        for seed, member in enumerate(cote_dor.CREW):
            lies = member.device == cote_dor.LIES_STILL
            since = now - timedelta(seconds=SHIFT_BEFORE_S if lies else 0)
            sender = Sender(wire=Wire(member.speaks), name=member.device)
            device_id = await ingest.directory.register_device(
                connection, organisation_id, "watch", sender, member.device, now
            )
            agent_id = await agents.insert_agent(connection, organisation_id, member.agent)
            await shifts.start_shift(connection, device_id, Terms(agent_id=agent_id, mission=member.mission), since)
            segments = [Segment(activity=member.activity)]
            if lies:
                segments = [Segment(activity=member.activity, seconds=_WORKS_S), Segment(activity=LIE)]
            plan = Plan(since=since, segments=segments)
            equip(member.device, Body(route=cote_dor.route(member.device), plan=plan, seed=seed), member.speaks)
        sender = Sender(wire=Wire.NATIVE, name=cote_dor.VAN)
        device_id = await ingest.directory.register_device(
            connection, organisation_id, "van", sender, cote_dor.VAN_NAME, now
        )
        await lone_worker.store.insert_van(connection, organisation_id, cote_dor.VAN_NAME, device_id)
    equip(cote_dor.VAN, Body(route=cote_dor.route(cote_dor.VAN), plan=Plan.only(PARK, now), seed=99))
    return fleet
