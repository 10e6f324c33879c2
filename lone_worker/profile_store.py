"""The profiles of an organisation: its own figures where it has put some, ours else. In the caller's transaction.

Each change is a row of its own, with who made it; shifts that are under way keep the copy they began with.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from gyrophare.kernel.errors import ProfileError
from gyrophare.kernel.ids import OrganisationId
from gyrophare.platform.db import Connection
from lone_worker.profiles import DEFAULT, PROFILES, Profile, read, resolve
from lone_worker.store import QUERIES


@dataclass(frozen=True, slots=True, kw_only=True)
class Put:
    """A profile that the organisation has put itself, when, and who did."""

    profile: Profile
    changed_at: datetime
    changed_by: str


async def find_profile(connection: Connection, organisation_id: OrganisationId, name: str | None) -> Profile:
    """The profile of that name, in French too; the default for None. Raise ProfileError when there is none."""
    wanted = resolve(name or DEFAULT)
    parameters = {"organisation_id": organisation_id, "name": wanted}
    row = await (await connection.execute(QUERIES["find_own_profile"], parameters)).fetchone()
    if row is not None:
        return read(row["settings"])
    if wanted not in PROFILES:
        raise ProfileError(wanted, "name", name, f"one of {', '.join(PROFILES)}, or one of your own")
    return PROFILES[wanted]


async def planned_profile(connection: Connection, organisation_id: OrganisationId, name: str | None) -> Profile | None:
    """The profile that a calendar means; None when its word names none, as a calendar's categories may say anything."""
    try:
        return None if name is None else await find_profile(connection, organisation_id, name)
    except ProfileError:
        return None


async def find_profiles(connection: Connection, organisation_id: OrganisationId) -> list[Put]:
    """Those that the organisation has put itself, as they are now."""
    rows = await (await connection.execute(QUERIES["find_profiles"], {"organisation_id": organisation_id})).fetchall()
    return [
        Put(profile=read(row["settings"]), changed_at=row["changed_at"], changed_by=row["changed_by"]) for row in rows
    ]


async def put_profile(
    connection: Connection, organisation_id: OrganisationId, profile: Profile, who: str, now: datetime
) -> None:
    """Let shifts that begin from now on have these figures."""
    parameters = {
        "organisation_id": organisation_id,
        "name": profile.name,
        "settings": profile.as_json(),
        "changed_by": who,
        "now": now,
    }
    await connection.execute(QUERIES["put_profile"], parameters)
