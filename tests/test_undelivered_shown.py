"""What the console knows of an alert's messages: which never arrived and why, and who is told next."""

from __future__ import annotations

from datetime import timedelta

import pytest

import alerts.store
from alerts import policy_store
from alerts.callbacks.status import StatusSaid
from alerts.channels import Outcome
from alerts.dispatcher import Dispatcher
from alerts.model import Step
from alerts.policy import Policy
from dashboards import read_models
from gyrophare.flows import escalation_tick, provider_said
from gyrophare.kernel.clock import ManualClock
from gyrophare.kernel.ids import AlertId
from gyrophare.platform.db import Connection, Pool
from tests.department import ORGANISATION, Department, OneConnection
from tests.test_alert_lifecycle import DISPATCHER, raised
from tests.test_alert_queries import Postbox

SMS_1 = Step(after_s=0, channel="sms", to="rank 1")
SMS_2 = Step(after_s=60, channel="sms", to="rank 2", days="lun-ven", between="07:00-19:00")
SMS_DUTY = Step(after_s=90, channel="sms", to="duty astreinte")


@pytest.fixture
async def office(schema_connection: Connection, clock: ManualClock) -> Department:
    """Two contacts, and a policy that calls them and then nobody."""
    office = Department(schema_connection, None, clock)
    await office.with_contacts("+33600000001", "+33600000002")
    steps = (SMS_1, SMS_2, SMS_DUTY)
    await policy_store.replace_policies(schema_connection, ORGANISATION, [Policy(name="u", kinds=None, steps=steps)])
    return office


@pytest.fixture
def pool(schema_connection: Connection) -> Pool:
    return OneConnection.pool(schema_connection)


async def shown(office: Department) -> read_models.Json:
    [alert] = await read_models.alerts(office.connection, ORGANISATION)
    return alert


async def test_message_that_the_provider_lost_says_when_to_whom_and_why(
    office: Department, pool: Pool, clock: ManualClock
) -> None:
    await raised(office)
    sent_at = clock.now()
    await Dispatcher(pool, clock, [Postbox()]).dispatch_due()
    clock.advance(7)
    for word, code in (("sent", None), ("undelivered", "30008")):
        said = StatusSaid(channel="sms", provider_id="p1", status=word, error_code=code)
        await provider_said.status(pool, clock, said)
    [message] = (await shown(office))["notifications"]
    assert {key: message[key] for key in ("contact", "state", "provider_status", "error_code")} == {
        "contact": "Astreinte 1",
        "state": "failed",
        "provider_status": "undelivered",
        "error_code": "30008",
    }
    assert (message["since"], message["changed_at"]) == (wire(sent_at), wire(clock.now()))


def wire(at: object) -> str:
    return str(at).replace(" ", "T")


async def test_message_that_was_refused_at_once_says_why(office: Department, pool: Pool, clock: ManualClock) -> None:
    await raised(office)
    postbox = Postbox()
    postbox.outcome, postbox.error_code = Outcome.PERMANENT, "21614"
    await Dispatcher(pool, clock, [postbox]).dispatch_due()
    [message] = (await shown(office))["notifications"]
    assert (message["state"], message["error_code"], message["http_status"]) == ("failed", "21614", 201)
    assert message["provider_status"] is None


async def test_next_step_is_shown_until_nobody_is_left_or_somebody_has_the_alert(
    office: Department, pool: Pool, clock: ManualClock
) -> None:
    alert_id = await raised(office)
    step = (await shown(office))["next_step"]
    assert step == {
        "at": wire(clock.now() + timedelta(seconds=60)),
        "channel": "sms",
        "to": "rank 2",
        "contact": "Astreinte 2",
        "days": "lun-ven",
        "between": "07:00-19:00",
    }
    clock.advance(60)
    await escalation_tick.tick(pool, clock, "test")
    step = (await shown(office))["next_step"]
    assert (step["to"], step["contact"], step["days"]) == ("duty astreinte", None, None)
    clock.advance(30)
    await escalation_tick.tick(pool, clock, "test")
    alert = await shown(office)
    assert alert["next_step"] is None
    assert {news["kind"] for news in alert["history"]} == {"steps_exhausted", "step_reaches_nobody"}
    assert alert["unreached"] == [{"step": 3, "channel": "sms", "to": "duty astreinte", "at": wire(clock.now())}]
    await alerts.store.acknowledge(
        office.connection, await locked(office, alert_id), clock.now(), account_id=DISPATCHER
    )
    clock.advance(900)  # nothing was done: the steps begin anew
    await escalation_tick.tick(pool, clock, "test")
    assert (await shown(office))["next_step"]["to"] == "rank 2"


async def locked(office: Department, alert_id: AlertId) -> alerts.store.LockedAlert:
    alert = await alerts.store.lock_alert(office.connection, alert_id)
    assert alert is not None
    return alert


@pytest.mark.parametrize(
    ("policy", "to"),
    [
        ('[{"after_s": 0, "channel": "sms", "rank": 2}]', "rank 2"),
        ('[{"after_s": 0, "channel": "console", "rank": null}]', "console"),
        ("[]", None),
    ],
)
async def test_next_step_of_an_alert_of_an_earlier_release(office: Department, policy: str, to: str | None) -> None:
    await raised(office)
    await office.rows("update alert set policy = %(policy)s::jsonb, next_step = 0 returning id", policy=policy)
    step = (await shown(office))["next_step"]
    assert (step and step["to"]) == to
