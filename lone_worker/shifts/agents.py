"""The table agent: who is protected, and whose watch it is when a watch says that its wearer begins."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass

from gyrophare.kernel.errors import GyrophareError
from gyrophare.kernel.ids import AgentId, DeviceId, OrganisationId
from gyrophare.platform import sql
from gyrophare.platform.db import Connection

QUERIES = sql.load(__file__, "agents.sql")
_NAME_MAX = 100


class AgentError(GyrophareError):
    """An agent cannot be found, or cannot be given what was asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Agent:
    """A person, and the watch that is theirs, with its label; `revoked`: that watch may not speak any more."""

    id: AgentId
    organisation_id: OrganisationId
    name: str
    email: str | None
    device_id: DeviceId | None
    label: str | None
    revoked: bool


async def insert_agent(connection: Connection, organisation_id: OrganisationId, name: str) -> AgentId:
    """Register a person."""
    if not 0 < len(name) <= _NAME_MAX or not name.isprintable() or name != name.strip():
        raise AgentError(f"The name {name[:_NAME_MAX]!r} was given; expected 1 to {_NAME_MAX} printable characters.")
    parameters = {"organisation_id": organisation_id, "name": name}
    rows = await (await connection.execute(QUERIES["insert_agent"], parameters)).fetchall()
    return AgentId(rows[0]["id"])


async def find_agents(connection: Connection, organisation_id: OrganisationId, named: str) -> list[Agent]:
    """Everybody of that name or e-mail address, locked until the commit."""
    parameters = {"organisation_id": organisation_id, "named": named.strip()}
    rows = await (await connection.execute(QUERIES["find_agents"], parameters)).fetchall()
    return [Agent(**row) for row in rows]


async def the_agent(connection: Connection, organisation_id: OrganisationId, named: str) -> Agent:
    """The agent of that name or e-mail address, locked. Raise AgentError when there is none, or more than one."""
    found = await find_agents(connection, organisation_id, named)
    if len(found) == 1:
        return found[0]
    if found:
        raise AgentError(f"{len(found)} agents are named {named!r}. Expected one; name the e-mail address instead.")
    known = [agent.name for agent in await list_agents(connection, organisation_id)]
    near = difflib.get_close_matches(named, known, n=1)
    hint = f"Did you mean {near[0]!r}?" if near else "See `gyrophare agents list`, or add one: `gyrophare agents add`."
    raise AgentError(f"There is no agent {named!r}. Expected a name or an e-mail address of the registry. {hint}")


async def list_agents(connection: Connection, organisation_id: OrganisationId | None = None) -> list[Agent]:
    """Everybody, by name."""
    parameters = {"organisation_id": organisation_id}
    rows = await (await connection.execute(QUERIES["list_agents"], parameters)).fetchall()
    return [Agent(**row) for row in rows]


async def agent_by_id(connection: Connection, agent_id: AgentId) -> Agent | None:
    """The agent of that number."""
    row = await (await connection.execute(QUERIES["agents_by_id"], {"agent_id": agent_id})).fetchone()
    return None if row is None else Agent(**row)


async def find_owners(connection: Connection, device_ids: Iterable[DeviceId]) -> dict[DeviceId, AgentId]:
    """Whose watches these are, where they are somebody's."""
    rows = await (await connection.execute(QUERIES["owners"], {"device_ids": list(device_ids)})).fetchall()
    return {row["device_id"]: row["id"] for row in rows}


async def give_watch(connection: Connection, agent: Agent, device_id: DeviceId | None, label: str = "") -> None:
    """Say which watch is theirs; None: they have none. Raise AgentError when it is somebody else's."""
    if device_id is not None:
        rows = await (await connection.execute(QUERIES["owners"], {"device_ids": [device_id]})).fetchall()
        for row in rows:
            if row["id"] != agent.id:
                raise AgentError(
                    f"The watch {label} is {row['name']}'s. Expected one that is nobody's. Take it from them first: "
                    f"`gyrophare agents add {row['name']!r} --no-watch`."
                )
    await connection.execute(QUERIES["give_watch"], {"agent_id": agent.id, "device_id": device_id})


async def set_email(connection: Connection, agent: Agent, email: str) -> None:
    """Say by which address calendars name them. Raise AgentError when it is none, or somebody else's."""
    user, at, host = email.partition("@")
    if not (user and at and "." in host) or not email.isprintable() or " " in email:
        raise AgentError(f"The e-mail address {email!r} was given; expected one as martin@cotedor.example.")
    for other in await find_agents(connection, agent.organisation_id, email):
        if other.id != agent.id:
            raise AgentError(f"The address {email} is {other.name}'s. Expected one that is nobody's. Give another.")
    await connection.execute(QUERIES["set_email"], {"agent_id": agent.id, "email": email})
