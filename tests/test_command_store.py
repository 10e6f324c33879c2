"""What becomes of a command's row: in any order, however often, and only by the word of its own watch."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import pytest

import lone_worker.commands.store as commands
from gyrophare.kernel.clock import ManualClock
from gyrophare.kernel.ids import CommandId, DeviceId
from gyrophare.platform.db import connect
from lone_worker.commands.store import Answer, Claimed, PrealarmOutcome
from tests.commanded import a_message, a_prealarm, queued
from tests.department import Department, until

ROW = "select state, delivered_at, answered_at, answer from command"


@pytest.fixture
async def office(database_url: str, clock: ManualClock) -> AsyncIterator[Department]:
    """A department without a broker: nobody sends but the test."""
    async with await connect(database_url) as connection:
        yield Department(connection, None, clock)


@pytest.fixture
async def device_id(office: Department) -> DeviceId:
    return await office.on_shift("w-1")


async def sent(office: Department, device_id: DeviceId) -> CommandId:
    """A message that the broker has."""
    [command_id] = await queued(office, a_message(device_id, office.clock.now()))
    claims = await commands.claim(office.connection, office.clock.now(), 10)
    await commands.settle(office.connection, claims, [], office.clock.now())
    return command_id


async def test_first_delivery_and_first_answer_count_in_whatever_order_they_come(
    office: Department, device_id: DeviceId, clock: ManualClock
) -> None:
    now = clock.now()

    def at(second: int) -> datetime:
        return now + timedelta(seconds=second)

    orders = list(itertools.permutations([(at(2), None), (at(5), "Oui"), (at(9), "Non"), (at(2), None)]))
    for order in orders:
        command_id = await sent(office, device_id)
        for when, text in order:
            answer = Answer(command_id=command_id, device_id=device_id, at=when, text=text)
            await commands.note_answers(office.connection, [answer], now)
    outcome = {"state": "answered", "delivered_at": at(2), "answered_at": at(5), "answer": "Oui"}
    assert await office.rows(ROW) == [outcome] * len(orders)


async def test_delivery_and_answers_of_one_batch_are_told_apart(
    office: Department, device_id: DeviceId, clock: ManualClock
) -> None:
    one, other, now = await sent(office, device_id), await sent(office, device_id), clock.now()
    said = [
        Answer(command_id=one, device_id=device_id, at=now, text="Oui"),
        Answer(command_id=one, device_id=device_id, at=now, text="Non"),
        Answer(command_id=other, device_id=device_id, at=now),
    ]
    await commands.note_answers(office.connection, said, now)
    assert await office.rows("select state, answer from command order by id") == [
        {"state": "answered", "answer": "Non"},  # of one instant the first by the alphabet
        {"state": "delivered", "answer": None},
    ]


@pytest.mark.parametrize("answer_first", [True, False])
async def test_neither_word_is_lost_when_two_processes_note_them_at_once(
    office: Department, device_id: DeviceId, database_url: str, clock: ManualClock, answer_first: bool
) -> None:
    command_id, now = await sent(office, device_id), clock.now()
    delivery = Answer(command_id=command_id, device_id=device_id, at=now)
    reply = Answer(command_id=command_id, device_id=device_id, at=now + timedelta(seconds=4), text="Oui")
    first, second = (reply, delivery) if answer_first else (delivery, reply)
    async with await connect(database_url) as other:
        async with office.connection.transaction():
            await commands.note_answers(office.connection, [first], now)
            waiting = asyncio.create_task(commands.note_answers(other, [second], now))

            async def blocked() -> bool | None:
                return await office.rows("select from pg_locks where not granted") != [] or None

            await until(blocked)
        await waiting
    [row] = await office.rows(ROW)
    assert (row["state"], row["delivered_at"], row["answer"]) == ("answered", now, "Oui")


async def test_word_of_another_watch_is_not_believed(
    office: Department, device_id: DeviceId, clock: ManualClock
) -> None:
    command_id, other = await sent(office, device_id), await office.on_shift("w-2", agent="Zoé")
    for stranger in (Answer(command_id=command_id, device_id=other, at=clock.now(), text="Oui"),
                     Answer(command_id=CommandId(10**18 - 1), device_id=device_id, at=clock.now())):  # fmt: skip
        await commands.note_answers(office.connection, [stranger], clock.now())
    assert await office.rows(ROW) == [{"state": "sent", "delivered_at": None, "answered_at": None, "answer": None}]


async def test_nothing_was_delivered_before_it_was_written(
    office: Department, device_id: DeviceId, clock: ManualClock
) -> None:
    written_at, command_id = clock.now(), await sent(office, device_id)
    clock.advance(60)
    long_ago = written_at - timedelta(days=365)
    said = Answer(command_id=command_id, device_id=device_id, at=long_ago, text="Oui")
    await commands.note_answers(office.connection, [said], clock.now())
    [row] = await office.rows(ROW)
    assert (row["delivered_at"], row["answered_at"]) == (written_at, written_at)


async def test_late_word_is_believed_of_a_command_that_was_given_up(
    office: Department, device_id: DeviceId, clock: ManualClock
) -> None:
    """The watch had it in time and was out of coverage when it said so."""
    command_id = await sent(office, device_id)
    had_at = clock.now() + timedelta(seconds=9)
    clock.advance(3600)
    assert await commands.expire(office.connection, clock.now(), 10) == 1
    assert await commands.expire(office.connection, clock.now(), 10) == 0
    said = Answer(command_id=command_id, device_id=device_id, at=had_at)
    await commands.note_answers(office.connection, [said], clock.now())
    [row] = await office.rows(ROW)
    assert (row["state"], row["delivered_at"]) == ("delivered", had_at)
    assert await commands.expire(office.connection, clock.now(), 10) == 0


async def claimed(office: Department, device_id: DeviceId) -> list[Claimed]:
    await queued(office, a_message(device_id, office.clock.now()))
    return await commands.claim(office.connection, office.clock.now(), 10)


async def test_sender_says_only_when_it_went_if_the_watch_was_faster(
    office: Department, device_id: DeviceId, clock: ManualClock
) -> None:
    [claim] = await claimed(office, device_id)
    said = Answer(command_id=claim.id, device_id=device_id, at=clock.now())
    await commands.note_answers(office.connection, [said], clock.now())
    await commands.settle(office.connection, [claim], [], clock.now())
    assert await office.rows("select state, sent_at from command") == [{"state": "delivered", "sent_at": clock.now()}]


async def test_command_that_no_broker_takes_has_failed(
    office: Department, device_id: DeviceId, clock: ManualClock
) -> None:
    claims = await claimed(office, device_id)
    await commands.settle(office.connection, [], claims, clock.now())
    clock.advance(commands.LEASE_S)
    assert await commands.claim(office.connection, clock.now(), 10) == []
    assert await office.rows("select state, sent_at from command") == [{"state": "failed", "sent_at": None}]


async def test_prealarm_that_nobody_has_begun_to_send_is_withdrawn_when_its_wearer_moves(
    office: Department, device_id: DeviceId, clock: ManualClock
) -> None:
    episode_at = clock.now()
    await queued(office, a_prealarm(device_id, episode_at))
    [under_way] = await commands.claim(office.connection, clock.now(), 10)
    await queued(office, a_prealarm(device_id, episode_at, 2), a_prealarm(device_id, clock.now() + timedelta(hours=1)))
    await commands.withdraw(office.connection, {device_id: episode_at}, clock.now())
    states = await office.rows("select state from command order by id")
    assert [row["state"] for row in states] == ["sending", "expired", "pending"]
    await commands.settle(office.connection, [under_way], [], clock.now())
    assert await office.rows("select state from command order by id limit 1") == [{"state": "sent"}]


async def test_alarm_learns_what_became_of_its_prealarms(
    office: Department, device_id: DeviceId, clock: ManualClock
) -> None:
    silent, phone = await office.on_shift("w-2", agent="Zoé"), await office.on_shift("w-3", agent="Noé")
    episode_at = clock.now()
    [had, *_] = await queued(office, a_prealarm(device_id, episode_at), a_prealarm(device_id, episode_at, 2))
    await queued(office, a_prealarm(silent, episode_at))
    [before] = await queued(office, a_prealarm(silent, episode_at - timedelta(hours=1)))
    said = [Answer(command_id=had, device_id=device_id, at=episode_at)]
    said += [Answer(command_id=before, device_id=silent, at=episode_at)]
    await commands.note_answers(office.connection, said, clock.now())
    episodes = dict.fromkeys((device_id, silent, phone), episode_at)
    assert await commands.prealarm_outcomes(office.connection, episodes) == {
        device_id: PrealarmOutcome.DELIVERED,
        silent: PrealarmOutcome.NOT_DELIVERED,
        phone: PrealarmOutcome.IMPOSSIBLE,
    }
