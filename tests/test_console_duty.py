"""The on-call rota at the console: who would be called now, who is put on call, and what only a calendar can change."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

import aiohttp
import pytest

from alerts import policy_store
from alerts.model import Contact, Step
from alerts.on_call import on_call
from alerts.policy import Policy
from alerts.rota import Duty, KnownDuty
from gyrophare.kernel.clock import ManualClock
from gyrophare.kernel.ids import ContactId
from gyrophare.server import Server
from tests.conftest import START_AT
from tests.department import ORGANISATION, Department
from tests.test_console_http import next_of

OURS = {"X-Gyrophare": "test"}
HOUR = timedelta(hours=1)
ANNE = Contact(id=ContactId(1), rank=1, name="Anne Petit", phone_e164="+33600000001", email="anne@example.org")
PAUL = Contact(id=ContactId(2), rank=2, name="Paul Roy", phone_e164="+33600000002")
SMS = Step(after_s=0, channel="sms", to="duty astreinte")
MAIL = Step(after_s=0, channel="email", to="duty astreinte")


def on_duty(number: int, contact: Contact, from_h: float, until_h: float, role: str = "astreinte") -> KnownDuty:
    """So many hours after the start."""
    starts_at, ends_at = (START_AT + timedelta(hours=hours) for hours in (from_h, until_h))
    return KnownDuty(id=number, role=role, contact_id=contact.id, starts_at=starts_at, ends_at=ends_at)


def policy(*steps: Step) -> Policy:
    return Policy(name="urgence", kinds=None, steps=steps)


def test_who_is_on_call_and_who_comes_next() -> None:
    duties = [on_duty(1, ANNE, -1, 1), on_duty(2, PAUL, 1, 2), on_duty(3, ANNE, 2, 3)]
    [now] = on_call([policy(SMS)], [ANNE, PAUL], duties, START_AT)
    assert (now.role, now.called, now.unreached) == ("astreinte", True, ())
    assert ([duty.id for duty in now.now], now.next) == ([1], duties[1])
    [later] = on_call([policy(SMS)], [ANNE, PAUL], duties[1:], START_AT + HOUR)
    assert ([duty.id for duty in later.now], later.next) == ([2], duties[2])


@pytest.mark.parametrize(
    ("steps", "duties", "unreached"),
    [
        ((SMS,), [], ("sms",)),
        ((SMS,), [on_duty(1, PAUL, 1, 2)], ("sms",)),  # not yet
        ((SMS,), [on_duty(1, PAUL, -1, 1, role="direction")], ("sms",)),
        ((SMS, MAIL), [on_duty(1, PAUL, -1, 1)], ("email",)),  # he has no address
        ((SMS, MAIL), [on_duty(1, PAUL, -1, 1), on_duty(2, ANNE, -1, 1)], ()),  # she has one
        ((Step(after_s=0, channel="sms", to="duty astreinte", between="18:00-07:30"),), [], ()),  # it is 08:42 in Paris
        ((Step(after_s=0, channel="sms", to="duty astreinte", between="07:30-18:00"),), [], ("sms",)),
    ],
)
def test_step_that_would_tell_nobody_now_is_named(
    steps: tuple[Step, ...], duties: list[KnownDuty], unreached: tuple[str, ...]
) -> None:
    found = {one.role: one.unreached for one in on_call([policy(*steps)], [ANNE, PAUL], duties, START_AT)}
    assert found["astreinte"] == unreached


def test_role_that_no_step_names_calls_nobody() -> None:
    [found] = on_call(
        [policy(Step(after_s=0, channel="sms", to="rank 1"))], [ANNE], [on_duty(1, ANNE, -1, 1)], START_AT
    )
    assert (found.called, found.unreached) == (False, ())


@pytest.fixture
async def browser(server: Server) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(base_url=server.console_url) as session:
        yield session


@pytest.fixture
async def rota(department: Department) -> Department:
    """Two contacts, and a policy that calls whoever is on call."""
    await department.with_contacts("+33600000001", "+33600000002")
    await policy_store.replace_policies(department.connection, ORGANISATION, [policy(SMS)])
    return department


async def post(browser: aiohttp.ClientSession, path: str, body: Any) -> tuple[int, dict[str, Any]]:
    async with browser.post(path, json=body, headers=OURS) as answer:
        return answer.status, await answer.json()


def asked(contact_id: object = 1, from_at: datetime = START_AT, until_at: datetime = START_AT + HOUR) -> dict[str, Any]:
    return {
        "role": "astreinte",
        "contact_id": contact_id,
        "from": from_at.isoformat(),
        "until": until_at.isoformat(),
    }


async def test_somebody_is_put_on_call_seen_by_every_page_and_ended(
    rota: Department, browser: aiohttp.ClientSession, clock: ManualClock
) -> None:
    async with browser.ws_connect("/api/v1/live") as socket:
        [role] = (await next_of(socket, "on_call"))["roles"]
        assert role == {"name": "astreinte", "called": True, "now": [], "next": None, "unreached": ["sms"]}
        status, said = await post(browser, "/api/v1/duty", asked())
        [entry] = said["entries"]
        assert (status, entry) == (
            201,
            {
                "id": entry["id"],
                "role": "astreinte",
                "contact": "Astreinte 1",
                "from": "2026-01-14T07:42:03.000Z",
                "until": "2026-01-14T08:42:03.000Z",
                "by_hand": True,
            },
        )
        assert said["contacts"] == [{"id": 1, "name": "Astreinte 1"}, {"id": 2, "name": "Astreinte 2"}]
        while role["unreached"]:
            [role] = (await next_of(socket, "on_call"))["roles"]
        assert (role["now"], role["next"]) == ([entry], None)
        assert (await post(browser, "/api/v1/duty", asked()))[0] == 409  # pressed twice
        clock.advance(60)
        status, said = await post(browser, f"/api/v1/duty/{entry['id']}/end", {})
        assert (status, said["entries"], said["roles"][0]["unreached"]) == (200, [], ["sms"])
        while not role["unreached"]:
            [role] = (await next_of(socket, "on_call"))["roles"]
    [kept] = await rota.rows("select ends_at from duty")
    assert kept["ends_at"] == clock.now()  # that somebody was on call until now stays known
    status, refused = await post(browser, f"/api/v1/duty/{entry['id']}/end", {})
    assert (status, set(refused["error"])) == (404, {"what", "expected", "do"})


async def test_duty_that_has_not_begun_is_forgotten(rota: Department, browser: aiohttp.ClientSession) -> None:
    _, said = await post(browser, "/api/v1/duty", asked(from_at=START_AT + HOUR, until_at=START_AT + 2 * HOUR))
    [role] = said["roles"]
    assert (role["now"], role["next"]) == ([], said["entries"][0])
    status, said = await post(browser, f"/api/v1/duty/{said['entries'][0]['id']}/end", {})
    assert (status, said["entries"]) == (200, [])
    assert await rota.rows("select from duty") == []


async def test_duty_of_a_calendar_is_not_ended_here(rota: Department, browser: aiohttp.ClientSession) -> None:
    duty = Duty(role="astreinte", contact_id=ContactId(1), starts_at=START_AT, ends_at=START_AT + HOUR, uid="a")
    await policy_store.add_duties(rota.connection, ORGANISATION, [duty])
    async with browser.get("/api/v1/duty") as answer:
        [entry] = (await answer.json())["entries"]
    assert entry["by_hand"] is False
    status, refused = await post(browser, f"/api/v1/duty/{entry['id']}/end", {})
    assert (status, "calendrier" in refused["error"]["what"]) == (409, True)
    assert len(await rota.rows("select from duty where ends_at = %(at)s", at=duty.ends_at)) == 1


@pytest.mark.parametrize(
    ("body", "status", "what"),
    [
        (asked() | {"role": "direction"}, 404, "Aucune consigne n'appelle ce rôle"),
        (asked() | {"role": "\0"}, 404, "Aucune consigne n'appelle ce rôle"),
        (asked(contact_id=99), 404, "Ce contact n'existe pas"),
        (asked(until_at=START_AT - HOUR), 409, "La fin vient avant le début"),
        (asked(until_at=START_AT), 409, "La fin vient avant le début"),
        (asked(from_at=START_AT - 2 * HOUR, until_at=START_AT), 409, "Cette astreinte serait déjà finie"),
        (asked(until_at=START_AT + timedelta(days=16)), 409, "Cette astreinte est trop longue"),
        (asked(contact_id="1"), 400, "Demande illisible"),
        (asked(contact_id=True), 400, "Demande illisible"),
        (asked(contact_id=2**63), 400, "Demande illisible"),
        (asked() | {"role": 7}, 400, "Demande illisible"),
        (asked() | {"from": "2026-01-14T07:42:03"}, 400, "Demande illisible"),
        (asked() | {"until": None}, 400, "Demande illisible"),
        ({}, 400, "Demande illisible"),
        ([], 400, "Demande illisible"),
        ("astreinte", 400, "Demande illisible"),
    ],
)
async def test_nonsense_puts_nobody_on_call(
    rota: Department, browser: aiohttp.ClientSession, body: object, status: int, what: str
) -> None:
    answered, refused = await post(browser, "/api/v1/duty", body)
    assert (answered, refused["error"]["what"]) == (status, what)
    assert await rota.rows("select from duty") == []


async def test_foreign_page_sees_and_changes_no_rota(rota: Department, browser: aiohttp.ClientSession) -> None:
    for path in ("/api/v1/duty", "/api/v1/duty/1/end"):
        for headers in ({}, OURS | {"Origin": "https://evil.example"}):
            async with browser.post(path, json=asked(), headers=headers) as answer:
                assert answer.status == 403
    async with browser.get("/api/v1/duty", headers={"Origin": "null"}) as answer:
        assert answer.status == 403
    assert await rota.rows("select from duty") == []


async def test_other_organisation_has_a_rota_of_its_own(rota: Department, browser: aiohttp.ClientSession) -> None:
    await post(browser, "/api/v1/duty", asked())
    await rota.rows("insert into organisation (slug, name) values ('dole', 'Dole') returning id")
    [duty] = await rota.rows("update duty set organisation_id = 2 returning id")
    assert (await post(browser, f"/api/v1/duty/{duty['id']}/end", {}))[0] == 404
    await rota.rows("update contact set organisation_id = 2 returning id")
    await rota.rows("update duty set organisation_id = 1 returning id")
    async with browser.get("/api/v1/duty") as answer:
        [role] = (await answer.json())["roles"]
    assert (role["now"], role["unreached"]) == ([], ["sms"])  # whom no step of ours calls
    status, refused = await post(browser, "/api/v1/duty", asked())
    assert (status, refused["error"]["what"]) == (404, "Ce contact n'existe pas")
