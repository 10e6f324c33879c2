"""Each fault that the checker of alerting looks for is planted, in the database or in the provider's log, and found."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Literal, LiteralString

import httpx
import psycopg
import pytest

from alerts import policy_store
from alerts.model import Cause, Step
from alerts.policy import Policy
from gyrophare.flows.alert_desk import Answer
from gyrophare.kernel.clock import ManualClock
from gyrophare.kernel.ids import AccountId, AlertId
from gyrophare.server import Server
from gyrophare.sim.sms_provider import Fault, SmsProvider
from tests.chaos.dispatch_checker import Act, History, Taken
from tests.department import ORGANISATION, Department

STEPS = (
    Step(after_s=0, channel="console", to="console"),
    Step(after_s=0, channel="sms", to="rank 1"),
    Step(after_s=5, channel="sms", to="rank 9"),
    Step(after_s=10, channel="sms", to="rank 2"),
)


@dataclass
class Story:
    """What happened, as the provider and the people saw it."""

    log: list[Taken]
    acts: set[Act]
    clock: ManualClock

    def faults(self, reader: psycopg.Connection) -> list[str]:
        return History(reader, self.log, self.acts).faults(self.clock.now())


@pytest.fixture
def reader(database_url: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(database_url, autocommit=True) as connection:
        yield connection


@pytest.fixture
async def story(server: Server, department: Department, provider: SmsProvider) -> Story:
    """Of A1 the first answer is lost, and somebody takes and closes it; A2 runs through its steps."""
    await department.with_contacts("+33600000001", "+33600000002")
    policy = Policy(name="tous", kinds=None, steps=STEPS)
    await policy_store.replace_policies(department.connection, ORGANISATION, [policy])
    provider.faults.append(Fault(http_status=500, stored=True))
    for number, name in enumerate(("w-1", "w-2"), start=1):
        await department.on_shift(name, agent=name)
        await department.press(name)
        await department.until_rows(number, "select from attempt where outcome is not null")
    department.clock.advance(5)
    server.dispatcher.wake()
    await department.until_rows(2, "select from notification where channel = 'sms' and state = 'sent'")
    for answer in (
        await server.desk.acknowledge(AlertId(1), AccountId(1)),
        await server.desk.close(AlertId(1), AccountId(1), Cause.TEST, "", reached=True),
    ):
        assert answer is Answer.YES
    for _ in STEPS:
        department.clock.advance(5)
        await server.tick()
    await department.until_rows(
        1,
        "select where not exists (select from notification where channel <> 'console' "
        "and state in ('pending', 'sending', 'ambiguous'))",
    )
    async with httpx.AsyncClient(trust_env=False) as http:
        entries = (await http.get(f"{provider.base_url}/outbox.json")).json()
    acts: set[Act] = {(1, "acknowledged"), (1, "closed")}
    return Story(log=[Taken.read(entry) for entry in entries], acts=acts, clock=department.clock)


async def test_nothing_is_found_when_all_is_well(story: Story, reader: psycopg.Connection) -> None:
    figures = History(reader, story.log, story.acts).figures()
    assert story.faults(reader) == []
    assert (figures.alerts, figures.ambiguous, figures.reconciled, figures.duplicates) == (2, 1, 1, 0)


@pytest.mark.parametrize(
    ("fault", "damage"),
    [
        ("step was due and left nothing: 1", "delete from notification where alert_id = 2 and step = 3"),
        (
            "step was due and left nothing: 1",
            "delete from notification where alert_id = 2 and step = 3; update alert set next_step = 1 where id = 2",
        ),
        ("step was due and left nothing: 1", "delete from alert_event where kind = 'step_reaches_nobody'"),
        (
            "message does not move any more: 1",
            "update notification set state = 'pending', due_at = due_at - interval '1 h' "
            "where alert_id = 2 and step = 1",
        ),
        (
            "message does not move any more: 1",
            "update notification set state = 'sending', lease_token = gen_random_uuid(), "
            "leased_until = due_at - interval '1 h' where alert_id = 2 and step = 1",
        ),
        (
            "message ended and nothing says why: 1",
            "update notification set state = 'failed' where alert_id = 2 and step = 1",
        ),
        (
            "message ended and nothing says why: 1",
            "update notification set state = 'cancelled' where alert_id = 1 and step = 1",
        ),
        (
            "message ended and nothing says why: 1",
            "delete from attempt where notification_id in "
            "(select id from notification where alert_id = 2 and step = 1)",
        ),
        (
            "said to be with the provider, which has not got it: 1",
            "update notification set provider_id = 'SM1' where alert_id = 2 and step = 1",
        ),
        (
            "text taken before anybody tried to send it: 1",
            "delete from attempt where notification_id in "
            "(select id from notification where alert_id = 2 and step = 1)",
        ),
        (
            "sent again, though it was known to be sent: 1",
            "insert into attempt (notification_id, number, started_at, outcome, http_status, provider_id) "
            "select n.id, 2, started_at, outcome, http_status, t.provider_id from attempt t "
            "join notification n on n.id = t.notification_id where alert_id = 2 and step = 1",
        ),
        ("what a person did is not written: 1", "delete from alert_event where kind = 'closed'"),
        (
            "ended, and by nobody: 1",
            "update alert set state = 'acknowledged', acknowledged_at = raised_at, acknowledged_by = 1 where id = 2",
        ),
        ("neither taken nor run through its steps: 1", "delete from alert_event where kind = 'steps_exhausted'"),
        (
            "neither taken nor run through its steps: 1",
            "update alert set next_step_at = raised_at + interval '1 year' where id = 2",
        ),
        ("said to have run through its steps, and has not: 1", "update alert set next_step = 2 where id = 2"),
    ],
)
async def test_fault_planted_in_the_database_is_found(
    story: Story, reader: psycopg.Connection, fault: str, damage: LiteralString
) -> None:
    reader.execute("set session_replication_role = replica")  # neither triggers nor foreign keys hinder
    reader.execute(damage)
    assert _found(fault, story.faults(reader))


def _doubled(log: list[Taken]) -> None:
    log.append(replace(log[0], sid="SM1"))


def _changed(**changes: object) -> Callable[[list[Taken]], None]:
    def change(log: list[Taken]) -> None:
        log[0] = replace(log[0], **changes)  # type: ignore[arg-type]

    return change


def _backdated(log: list[Taken]) -> None:
    log[0] = replace(log[0], at=log[0].at - timedelta(hours=1))


def _lost(log: list[Taken]) -> None:
    del log[0]


@pytest.mark.parametrize(
    ("fault", "damage"),
    [
        ("text without a reference: 1", _changed(body="SOS")),
        ("text that no alert asked for: 1", _changed(body="SOS #A99-2")),
        ("text that no alert asked for: 1", _changed(to="+33699999999")),
        ("text taken before anybody tried to send it: 1", _backdated),
        ("text taken more often than was tried in doubt: 1", _doubled),
        ("said to be with the provider, which has not got it: 1", _lost),
        ("provider says that it never arrives, and nobody knows: 1", _changed(status="undelivered")),
    ],
)
async def test_fault_planted_in_the_log_is_found(
    story: Story, reader: psycopg.Connection, fault: str, damage: Callable[[list[Taken]], None]
) -> None:
    damage(story.log)
    assert _found(fault, story.faults(reader))


@pytest.mark.parametrize(
    ("fault", "act", "done"),
    [("ended, and by nobody: 1", "closed", False), ("what a person did is not written: 1", "acknowledged", True)],
)
async def test_fault_planted_in_what_people_did_is_found(
    story: Story, reader: psycopg.Connection, fault: str, act: Literal["closed", "acknowledged"], *, done: bool
) -> None:
    if done:
        story.acts.add((2, act))
    else:
        story.acts.remove((1, act))
    assert _found(fault, story.faults(reader))


async def test_second_text_in_doubt_is_counted_and_a_fault_only_where_the_list_had_the_first(
    story: Story, reader: psycopg.Connection
) -> None:
    [first] = [text for text in story.log if text.references == ["#A1-2"]]
    reader.execute("set session_replication_role = replica")
    reader.execute(
        "update attempt set http_status = 201 from notification n "
        "where n.id = notification_id and alert_id = 1 and step = 1 and number = 2"
    )  # it was not found, and sent again
    story.log.append(replace(first, sid="SM1", at=first.at + timedelta(seconds=5)))
    lagging = History(reader, story.log, story.acts, listed_after_s=6)
    assert lagging.faults(story.clock.now()) == []
    assert lagging.figures().duplicates == 1
    assert _found("sent again, though the provider's list had it: 1", story.faults(reader))


def _found(fault: str, faults: list[str]) -> bool:
    return any(found.startswith(fault) for found in faults)
