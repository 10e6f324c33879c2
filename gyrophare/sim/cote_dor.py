"""An invented crew on a working day in the Côte-d'Or. The routes follow the roads that the console's map draws."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from gyrophare.kernel.geo import Position
from gyrophare.sim.activities import MOW, PLOUGH, RIDE, WALK, Activity
from gyrophare.sim.reporter import Speaks


@dataclass(frozen=True, slots=True, kw_only=True)
class CrewMember:
    """Somebody, the work, and the device that protects."""

    device: str
    agent: str
    mission: str
    activity: Activity = WALK
    speaks: Speaks = "native"


CREW = (
    CrewMember(device="w-01", agent="Martin Lefèvre", mission="Fauchage RD 70", activity=MOW),
    CrewMember(device="w-02", agent="Sophie Garnier", mission="Fauchage RD 996", activity=MOW),
    CrewMember(device="w-03", agent="Karim Benali", mission="Patrouille RD 974", activity=RIDE),
    CrewMember(device="w-04", agent="Élodie Perrin", mission="Curage de fossés RD 973"),
    CrewMember(device="w-05", agent="Jean-Noël Rossignol", mission="Débroussaillage RD 18", activity=MOW),
    CrewMember(
        device="michelot/telephone",
        agent="Thomas Michelot",
        mission="Patrouille RD 905",
        activity=RIDE,
        speaks="owntracks",
    ),
    CrewMember(device="w-07", agent="Nadia Colin", mission="Fauchage RD 980", activity=MOW),
    CrewMember(device="w-08", agent="Luc Thévenot", mission="Déneigement RD 971", activity=PLOUGH),
    CrewMember(device="w-09", agent="Aurélie Monnet", mission="Déneigement RD 965", activity=PLOUGH),
    CrewMember(device="w-10", agent="Pascal Brocard", mission="Élagage RD 928"),
    CrewMember(device="w-11", agent="Inès Duval", mission="Balisage RD 968"),
    CrewMember(device="w-12", agent="Bruno Jacquot", mission="Fauchage RD 109", activity=MOW),
)
VAN = "vans/van-1"
VAN_NAME = "Fourgon 1"
LIES_STILL = "w-01"
PRESSES_SOS = "w-10"


def route(device: str) -> list[Position]:
    """The places along the road where that device works."""
    routes = json.loads(Path(__file__).with_name("routes.json").read_text(encoding="utf-8"))
    return [Position(latitude_deg, longitude_deg) for latitude_deg, longitude_deg in routes[device]]
