"""The tables contact and policy: who can be told, and who is told of what."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime

from alerts.model import AlertKind, Contact, Step
from alerts.policy import Policy
from alerts.rota import Duty, KnownDuty
from gyrophare.kernel.ids import ContactId, OrganisationId
from gyrophare.platform import sql
from gyrophare.platform.db import Connection

QUERIES = sql.load(__file__)


async def put_contact(
    connection: Connection,
    organisation_id: OrganisationId,
    rank: int,
    name: str,
    phone_e164: str,
    email: str | None = None,
) -> None:
    """Say who is told at `rank`."""
    parameters = {
        "organisation_id": organisation_id,
        "rank": rank,
        "name": name,
        "phone_e164": phone_e164,
        "email": email,
    }
    await connection.execute(QUERIES["insert_contact"], parameters)


async def list_contacts(connection: Connection, organisation_id: OrganisationId) -> Sequence[Contact]:
    """Everybody whom steps of that organisation may tell, the first first."""
    return (await find_contacts(connection, {organisation_id})).get(organisation_id, ())


async def find_contacts(
    connection: Connection, organisation_ids: Collection[OrganisationId]
) -> Mapping[OrganisationId, Sequence[Contact]]:
    """The contacts of each organisation, the first first."""
    parameters = {"organisation_ids": list(organisation_ids)}
    rows = await (await connection.execute(QUERIES["find_contacts"], parameters)).fetchall()
    found: dict[OrganisationId, list[Contact]] = defaultdict(list)
    for row in rows:
        found[OrganisationId(row.pop("organisation_id"))].append(Contact(**row))
    return found


async def find_on_duty(
    connection: Connection, organisation_ids: Collection[OrganisationId], now: datetime
) -> Mapping[tuple[OrganisationId, str], Sequence[ContactId]]:
    """Who is on call now, by organisation and role."""
    parameters = {"organisation_ids": list(organisation_ids), "now": now}
    rows = await (await connection.execute(QUERIES["find_on_duty"], parameters)).fetchall()
    found: dict[tuple[OrganisationId, str], list[ContactId]] = defaultdict(list)
    for row in rows:
        found[OrganisationId(row["organisation_id"]), row["role"]].append(ContactId(row["contact_id"]))
    return found


async def find_duties(connection: Connection, organisation_id: OrganisationId, now: datetime) -> list[KnownDuty]:
    """Every duty that is not over, by role and time."""
    parameters = {"organisation_id": organisation_id, "now": now}
    rows = await (await connection.execute(QUERIES["find_duties"], parameters)).fetchall()
    return [KnownDuty(**row) for row in rows]


async def add_duties(connection: Connection, organisation_id: OrganisationId, duties: Sequence[Duty]) -> None:
    """Put these beside what there is."""
    parameters = {
        "organisation_id": organisation_id,
        "roles": [duty.role for duty in duties],
        "contact_ids": [duty.contact_id for duty in duties],
        "starts_at": [duty.starts_at for duty in duties],
        "ends_at": [duty.ends_at for duty in duties],
        "uids": [duty.uid for duty in duties],
    }
    await connection.execute(QUERIES["insert_duties"], parameters)


async def end_duty(connection: Connection, duty_id: int, now: datetime) -> None:
    """It ends now; one that has not begun is forgotten."""
    parameters = {"duty_id": duty_id, "now": now}
    await connection.execute(QUERIES["cut_duty"], parameters)
    await connection.execute(QUERIES["forget_duty"], parameters)


async def remove_duties(
    connection: Connection, organisation_id: OrganisationId, role: str, now: datetime, *, all_of_them: bool
) -> int:
    """Forget what a calendar said of the time to come, or everything. Return how many there were."""
    parameters = {"organisation_id": organisation_id, "role": role, "now": now, "all": all_of_them}
    return (await connection.execute(QUERIES["remove_duties"], parameters)).rowcount


async def find_organisations(connection: Connection) -> list[OrganisationId]:
    """Everybody who may have policies; not the canary."""
    rows = await (await connection.execute(QUERIES["find_organisations"])).fetchall()
    return [OrganisationId(row["id"]) for row in rows]


async def find_policies(connection: Connection, organisation_id: OrganisationId) -> list[Policy]:
    """The policies of an organisation, that of everything else first."""
    parameters = {"organisation_id": organisation_id}
    rows = await (await connection.execute(QUERIES["find_policies"], parameters)).fetchall()
    return [
        Policy(
            name=row["name"],
            kinds=None if row["kinds"] is None else tuple(AlertKind(kind) for kind in row["kinds"]),
            steps=tuple(Step.read(step) for step in row["steps"]),
            repeat=row["repeat"],
            repeat_after_s=row["repeat_after_s"],
            lapse_after_s=row["lapse_after_s"],
        )
        for row in rows
    ]


async def replace_policies(connection: Connection, organisation_id: OrganisationId, policies: Sequence[Policy]) -> None:
    """These and no others from the next alert on; what is under way keeps the steps that it was raised with."""
    await connection.execute(QUERIES["remove_policies"], {"organisation_id": organisation_id})
    parameters = {
        "organisation_id": organisation_id,
        "policies": json.dumps([asdict(policy) for policy in policies]),
    }
    await connection.execute(QUERIES["insert_policies"], parameters)
