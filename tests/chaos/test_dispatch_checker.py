"""Each fault that the checker of alerting looks for is planted, in the database or in a receiver's log, and found."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Literal, LiteralString

import psycopg
import pytest

from alerts import policy_store
from alerts.dispatcher import LEASE_S
from alerts.model import Cause, Step
from alerts.policy import Policy
from gyrophare.flows.alert_desk import Answer
from gyrophare.kernel.clock import ManualClock
from gyrophare.kernel.ids import AccountId, AlertId
from gyrophare.sim.sms_provider import Fault, SmsProvider
from tests.callbacks import CALLBACKS, Proxy
from tests.chaos import dispatch_checker
from tests.chaos.dispatch_history import WITNESS, Act, Answered, History, Taken
from tests.chaos.dispatching import answers_log, provider_log
from tests.conftest import StartServer
from tests.department import ORGANISATION, Department

STEPS = (
    Step(after_s=0, channel="console", to="console"),
    Step(after_s=0, channel="sms", to="rank 1"),
    Step(after_s=5, channel="sms", to="rank 9"),
    Step(after_s=10, channel="sms", to="rank 2"),
)


# Whoever took A1 and closed it told a machine and somebody who has no telephone.
POSTED: LiteralString = """
with told as (
    insert into notification
        (alert_id, occasion, step, channel, address, text, due_at, state, attempts, sent_at, changed_at)
    select 1, 'closed', null, channel, address, 'A1', %(now)s, 'sent', 1, %(now)s, %(now)s
    from (values ('email', 'anne@cotedor.example'), ('webhook', 'cta')) as whom (channel, address)
    returning id, channel, address
), tried as (
    insert into attempt (notification_id, number, started_at, finished_at, outcome, http_status)
    select id, 1, %(now)s, %(now)s, 'sent', case channel when 'webhook' then 202 end from told
)
select * from told order by id
"""


@dataclass
class Story:
    """What happened, as receivers and people saw it."""

    log: list[Taken]
    acts: set[Act]
    answers: list[Answered]
    clock: ManualClock

    def history(self, reader: psycopg.Connection, listed_after_s: float = 0) -> History:
        return History(reader, self.log, self.acts, self.answers, listed_after_s=listed_after_s, lease_s=LEASE_S)

    def faults(self, reader: psycopg.Connection) -> list[str]:
        return dispatch_checker.faults(self.history(reader), self.clock.now())


@pytest.fixture
def reader(database_url: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(database_url, autocommit=True) as connection:
        yield connection


@pytest.fixture
async def story(start_server: StartServer, department: Department, provider: SmsProvider, proxy: Proxy) -> Story:
    """Of A1 the first answer is lost, somebody takes and closes it; A2 runs through its steps; a contact takes A3."""
    await department.connection.execute(WITNESS)
    server = await start_server(callbacks=CALLBACKS)
    proxy.port = server.callbacks.port
    await department.with_contacts("+33600000001", "+33600000002")
    policy = Policy(name="tous", kinds=None, steps=STEPS)
    await policy_store.replace_policies(department.connection, ORGANISATION, [policy])
    provider.faults.append(Fault(http_status=500, stored=True))
    for number, name in enumerate(("w-1", "w-2", "w-3"), start=1):
        await department.on_shift(name, agent=name)
        await department.press(name)
        await department.until_rows(number, "select from attempt where outcome is not null")
    department.clock.advance(5)
    server.dispatcher.wake()
    await department.until_rows(3, "select from notification where channel = 'sms' and state = 'sent'")
    for answer in (
        await server.desk.acknowledge(AlertId(1), AccountId(1)),
        await server.desk.close(AlertId(1), AccountId(1), Cause.TEST, "", reached=True),
    ):
        assert answer is Answer.YES
    assert await provider.answer("+33600000001", "1 A3") == 200
    now = department.clock.now()
    mail, document = await department.rows(POSTED, now=now)
    for _ in STEPS:
        department.clock.advance(5)
        await server.tick()
    await department.until_rows(
        1,
        "select where not exists (select from notification where channel <> 'console' "
        "and state in ('pending', 'sending', 'ambiguous'))",
    )
    posted = [
        Taken(channel=n["channel"], to=n["address"], at=now, names=(f"#A1-n{n['id']}",), key=n["channel"])
        for n in (mail, document)
    ]
    return Story(
        log=provider_log(provider, department.clock) + posted,
        acts={(1, "acknowledged"), (1, "closed")},
        answers=answers_log(provider),
        clock=department.clock,
    )


async def test_nothing_is_found_when_all_is_well(story: Story, reader: psycopg.Connection) -> None:
    figures = story.history(reader).figures()
    assert story.faults(reader) == []
    assert (figures.alerts, figures.ambiguous, figures.reconciled, figures.duplicates) == (3, 1, 1, 0)
    assert (figures.answers, figures.answers_heard, figures.answers_took) == (1, 1, 1)


IN_THE_DATABASE: tuple[tuple[str, LiteralString], ...] = (
    ("step was due and left nothing: 1", "delete from notification where alert_id = 2 and step = 3"),
    (
        "step was due and left nothing: 1",
        "delete from notification where alert_id = 2 and step = 3; update alert set next_step = 1 where id = 2",
    ),
    ("step was due and left nothing: 1", "delete from alert_event where kind = 'step_reaches_nobody'"),
    (
        "message does not move any more: 1",
        "update notification set state = 'pending', due_at = due_at - interval '1 h' where alert_id = 2 and step = 1",
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
        "update notification set state = 'cancelled' where alert_id = 3 and step = 1",
    ),
    (
        "message ended and nothing says why: 1",
        "delete from attempt where notification_id in (select id from notification where alert_id = 2 and step = 1)",
    ),
    (
        "said to be with its receiver, who has not got it: 1",
        "update notification set provider_id = 'SM1' where alert_id = 2 and step = 1",
    ),
    (
        "message taken before anybody tried to send it: 1",
        "delete from attempt where notification_id in (select id from notification where alert_id = 2 and step = 1)",
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
    (
        "written by somebody who had no lease: 1",
        "insert into witness (notification_id, was, became) "
        "select id, 'sent', 'pending' from notification where alert_id = 2 and step = 1",
    ),
    (
        "written by somebody who had no lease: 1",
        "insert into witness (notification_id, was, became) "
        "select id, 'sent', 'sent' from notification where alert_id = 2 and step = 1",
    ),
    (
        "tried by two at once: 1",
        "update attempt set finished_at = null, outcome = null from notification n "
        "where n.id = notification_id and alert_id = 1 and step = 1 and number = 1",
    ),
    (
        "result written though another was trying: 1",
        "update attempt set finished_at = started_at + interval '6 s' from notification n "
        "where n.id = notification_id and alert_id = 1 and step = 1 and number = 1",
    ),
    (
        "called although somebody had taken the alert: 1",
        "insert into alert_event (alert_id, at, kind) select id, raised_at, 'acknowledged' from alert where id = 2",
    ),
    (
        "called although somebody had taken the alert: 1",
        "update alert_event set at = at - interval '1 h' where alert_id = 3 and kind = 'acknowledged'",
    ),
    (
        "tried again although somebody had taken the alert: 1",
        "with refused as (update attempt set outcome = 'temporary' from notification n "
        "where n.id = notification_id and alert_id = 1 and step = 1 and number = 2 "
        "returning notification_id, started_at, attempt.provider_id) "
        "insert into attempt (notification_id, number, started_at, outcome, provider_id) "
        "select notification_id, 3, started_at + interval '20 s', 'sent', provider_id from refused",
    ),
    ("answer that was heard is not written: 1", "delete from provider_callback where status = '(reply)'"),
    (
        "answer was heard and nobody works on it: 1",
        "update provider_callback set verdict = 'acknowledging', received_at = received_at - interval '1 h'",
    ),
    (
        "answer was heard, and its alert was never taken: 1",
        "delete from alert_event where alert_id = 3 and kind = 'acknowledged'",
    ),
    (
        "answer was not understood as the alert that it names: 1",
        "update provider_callback set verdict = 'not_told', alert_id = null, contact_id = null",
    ),
    (
        "answer was not understood as the alert that it names: 1",
        "update provider_callback set alert_id = 2 where status = '(reply)'",
    ),
    (
        "message does not move any more: 1",
        "update notification set state = 'pending', held = true, held_at = due_at - interval '26 h', "
        "due_at = due_at - interval '26 h' where alert_id = 2 and step = 1",
    ),
    (
        "held back, and its alert does not say so: 1",
        "update notification set state = 'pending', held = true, held_at = due_at where alert_id = 2 and step = 1",
    ),
    (
        "given up though the provider was not asked often enough: 1",
        "update notification set provider_status = 'sent', provider_final_at = sent_at, provider_asks = 6 "
        "where alert_id = 2 and step = 1",
    ),
)


async def test_each_fault_planted_in_the_database_is_found(story: Story, reader: psycopg.Connection) -> None:
    missed = []
    for fault, damage in IN_THE_DATABASE:
        with reader.transaction(force_rollback=True):
            reader.execute("set local session_replication_role = replica")  # neither triggers nor foreign keys hinder
            reader.execute(damage)
            if not _found(fault, story.faults(reader)):
                missed.append((fault, damage))
    assert missed == []


Damage = Callable[[list[Taken]], None]


def _changed(channel: str = "sms", **changes: object) -> Damage:
    """Of the newest message by that channel."""

    def change(log: list[Taken]) -> None:
        at, message = _newest(log, channel)
        log[at] = replace(message, **changes)  # type: ignore[arg-type]

    return change


def _added(channel: str = "sms", **changes: object) -> Damage:
    """The same once more, with these changes."""
    return lambda log: log.append(replace(_newest(log, channel)[1], **changes))  # type: ignore[arg-type]


def _lost(channel: str = "sms") -> Damage:
    return lambda log: log.remove(_newest(log, channel)[1])


def _backdated(log: list[Taken]) -> None:
    log[0] = replace(log[0], at=log[0].at - timedelta(hours=1))


def _newest(log: list[Taken], channel: str) -> tuple[int, Taken]:
    return next((at, message) for at, message in enumerate(log) if message.channel == channel)


IN_A_LOG: tuple[tuple[str, Damage], ...] = (
    ("message without a reference: 1", _changed(names=())),
    ("message that no alert asked for: 1", _changed(names=("#A99-2",))),
    ("message that no alert asked for: 1", _changed(names=("#A2-2", "#A99-2"))),
    ("message that no alert asked for: 1", _changed(to="+33699999999")),
    ("message taken before anybody tried to send it: 1", _backdated),
    ("message taken more often than was tried in doubt: 1", _added(sid="SM1")),
    ("message taken more often than was tried in doubt: 1", _added("email")),
    ("message taken more often than was tried in doubt: 1", _added("webhook")),
    ("said to be with its receiver, who has not got it: 1", _lost()),
    ("said to be with its receiver, who has not got it: 1", _lost("email")),
    ("said to be with its receiver, who has not got it: 1", _lost("webhook")),
    ("provider says that it never arrives, and nobody knows: 1", _changed(status="undelivered")),
    ("duplicate that its receiver cannot know by its key: 1", _added("email", key="another")),
    ("duplicate that its receiver cannot know by its key: 1", _added("webhook", key="another")),
    ("different messages of one key: 1", _added("webhook", names=("#A2-n99",))),
    ("different messages of one key: 1", _changed("email", key="")),
)


async def test_each_fault_planted_in_a_log_is_found(story: Story, reader: psycopg.Connection) -> None:
    missed, log = [], story.log
    for fault, damage in IN_A_LOG:
        story.log = log.copy()
        damage(story.log)
        if not _found(fault, story.faults(reader)):
            missed.append((fault, story.log))
    assert missed == []


async def test_alert_that_nobody_took_by_this_answer_is_found(story: Story, reader: psycopg.Connection) -> None:
    [said] = story.answers
    for other in (
        replace(said, http_statuses=(403,)),  # a forged one takes nothing
        replace(said, phone_e164="+33600000002"),
        replace(said, alert_id=2),
    ):
        story.answers = [other]
        assert _found("ended, and by nobody: 1", story.faults(reader))


async def test_answer_that_nobody_heard_may_be_lost(story: Story, reader: psycopg.Connection) -> None:
    story.answers.append(replace(story.answers[0], sid="SM1", http_statuses=(None, 503)))
    assert story.faults(reader) == []


async def test_one_message_may_carry_several_references(story: Story, reader: psycopg.Connection) -> None:
    first, second = [text for text in story.log if text.names in {("#A2-2",), ("#A3-2",)}]
    story.log.remove(first)
    story.log[story.log.index(second)] = replace(second, names=first.names + second.names)
    reader.execute("set session_replication_role = replica")
    reader.execute("update notification set provider_id = %s where provider_id = %s", [second.sid, first.sid])
    assert story.faults(reader) == []
    story.log.remove(story.log[story.log.index(replace(second, names=first.names + second.names))])
    assert _found("said to be with its receiver, who has not got it: 2", story.faults(reader))


async def test_answer_that_names_none_takes_none_of_several(story: Story, reader: psycopg.Connection) -> None:
    story.answers[0] = replace(story.answers[0], alert_id=None)
    assert story.faults(reader) == []
    at, text = next((at, text) for at, text in enumerate(story.log) if text.names == ("#A3-2",))
    story.log[at] = replace(text, names=("#A2-2", "#A3-2"))
    assert _found("answer took one of several alerts, and named none: 1", story.faults(reader))


async def test_provider_that_was_asked_often_enough_may_be_given_up(story: Story, reader: psycopg.Connection) -> None:
    at, text = next((at, text) for at, text in enumerate(story.log) if text.names == ("#A2-2",))
    story.log[at] = replace(text, status="undelivered")
    assert _found("provider says that it never arrives, and nobody knows: 1", story.faults(reader))
    reader.execute(
        "update notification set provider_status = 'sent', provider_final_at = sent_at, provider_asks = 7 "
        "where alert_id = 2 and step = 1"
    )
    assert story.faults(reader) == []


async def test_what_the_history_explains_is_no_fault(story: Story, reader: psycopg.Connection) -> None:
    story.log = [text for text in story.log if text.names != ("#A2-4",)]
    reader.execute("set session_replication_role = replica")
    explained: tuple[LiteralString, ...] = (
        # A cap holds it back, and says so.
        "update notification set state = 'pending', held = true, held_at = due_at, due_at = due_at - interval '1 h' "
        "where alert_id = 2 and step = 3; "
        "insert into alert_event (alert_id, at, kind) select id, raised_at, 'held_back' from alert where id = 2",
        # Colleagues do not hear of a discreet SOS.
        "delete from notification where alert_id = 2 and step = 3; "
        "insert into alert_event (alert_id, at, kind, detail) "
        "select id, raised_at, 'step_withheld', '{\"step\": 4}' from alert where id = 2",
        # A discreet SOS silences a watch.
        "update notification set channel = 'watch' where alert_id = 2 and step = 3; update alert set policy = "
        "jsonb_set(policy, '{3,channel}', '\"watch\"') where id = 2; "
        "insert into witness (notification_id, was, became) "
        "select id, 'ambiguous', 'cancelled' from notification where alert_id = 2 and step = 3",
    )
    for changed in explained:
        with reader.transaction(force_rollback=True):
            reader.execute(changed)
            assert story.faults(reader) == [], changed


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
    [first] = [text for text in story.log if text.names == ("#A1-2",)]
    reader.execute("set session_replication_role = replica")
    reader.execute(
        "update attempt set http_status = 201, provider_id = 'SM1' from notification n "
        "where n.id = notification_id and alert_id = 1 and step = 1 and number = 2"
    )  # it was not found, and sent again
    story.log.append(replace(first, sid="SM1", at=first.at + timedelta(seconds=5)))
    lagging = story.history(reader, listed_after_s=6)
    assert dispatch_checker.faults(lagging, story.clock.now()) == []
    assert lagging.figures().duplicates == 1
    assert _found("sent again, though the provider's list had it: 1", story.faults(reader))
    reader.execute("update attempt set provider_id = null where provider_id = 'SM1'")  # the answer was lost as well
    assert _found("sent again, though the provider's list had it: 1", story.faults(reader))
    story.log[-1] = replace(story.log[-1], at=first.at + timedelta(seconds=20))  # it looked, and was slow
    slow = dispatch_checker.faults(story.history(reader, listed_after_s=4), story.clock.now())
    assert not _found("sent again, though the provider's list had it", slow)


def _found(fault: str, faults: list[str]) -> bool:
    return any(found.startswith(fault) for found in faults)
