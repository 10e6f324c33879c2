"""`gyrophare audit` as an operator meets it, and what the doctor says of the proof."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg.rows import DictRow, dict_row

from alerts.audit import erasure, sealer
from gyrophare import doctor_audit
from gyrophare.commands import audit_show
from gyrophare.kernel.clock import ManualClock
from gyrophare.kernel.ids import AlertId
from gyrophare.platform.db import connect
from tests.audited import raised
from tests.department import OneConnection
from tests.operated import Operator, gyrophare, here

__all__ = ["gyrophare", "here"]


async def seal(url: str, clock: ManualClock) -> int:
    async with await connect(url) as connection:
        return await sealer.seal_newest(OneConnection.pool(connection), clock)


@pytest.fixture
def alert_id(database_url: str, clock: ManualClock) -> AlertId:
    """Zoé's, whom somebody has answered; nothing is sealed yet."""
    return asyncio.run(raised(database_url, clock))


@pytest.fixture
def root(database_url: str) -> Iterator[psycopg.Connection[DictRow]]:
    """Whoever may do anything, and does: no trigger and no foreign key stops it."""
    with psycopg.connect(database_url, autocommit=True, row_factory=dict_row) as connection:
        connection.execute("set session_replication_role = replica")
        yield connection


def test_chain_without_a_seal_is_whole_and_has_a_head(gyrophare: Operator) -> None:
    number, digits = gyrophare("audit", "head").split()
    assert (number, len(digits)) == ("0", 64)
    assert gyrophare("audit", "verify", "--head", digits).startswith("OK: 0 seals, 0 erased")


def test_verify_says_what_it_found(
    gyrophare: Operator, alert_id: AlertId, database_url: str, clock: ManualClock, root: psycopg.Connection[DictRow]
) -> None:
    found = gyrophare.json("audit", "verify")
    assert (found["ok"], found["seals"], found["unsealed"]) == (True, 0, 2)
    assert found["oldest_unsealed_s"] > 0
    assert "2 not sealed yet, the oldest for" in gyrophare("audit", "verify")
    assert asyncio.run(seal(database_url, clock)) == 2
    head = gyrophare.json("audit", "head")
    assert gyrophare.json("audit", "verify", "--head", head["hash"]) == {
        "ok": True,
        "seals": 2,
        "head": head["hash"],
        "erased": 0,
        "sealed_late": 0,
        "unsealed": 0,
        "oldest_unsealed_s": 0.0,
        "faults_in_all": 0,
        "faults": [],
    }
    root.execute("update alert_event set account_id = null where kind = 'acknowledged'")
    out, err = gyrophare.ended(1, "audit", "verify", "--head", head["hash"])
    assert out.splitlines()[0].startswith("fault seal 2, event ")
    assert (out.splitlines()[1].split(":")[0], err) == ("1 faults", "")
    out, _ = gyrophare.ended(1, "audit", "verify", "--json")
    [fault] = json.loads(out)["faults"]
    assert (fault["kind"], fault["number"], fault["alert_id"]) == ("event_edited", 2, alert_id)


def test_cut_end_is_found_by_a_head_that_was_noted(
    gyrophare: Operator, alert_id: AlertId, database_url: str, clock: ManualClock, root: psycopg.Connection[DictRow]
) -> None:
    assert alert_id
    asyncio.run(seal(database_url, clock))
    head = gyrophare.json("audit", "head")["hash"]
    root.execute("delete from alert_seal where number = 2")
    assert gyrophare("audit", "verify").startswith("OK: 1 seals")
    out, _ = gyrophare.ended(1, "audit", "verify", "--head", head)
    assert "the chain was cut before it, or written anew" in out


def test_head_that_is_none_is_refused(gyrophare: Operator) -> None:
    assert "64 hexadecimal digits" in gyrophare.refused("audit", "verify", "--head", "17")


def test_erasure_is_tried_before_it_is_done(
    gyrophare: Operator, alert_id: AlertId, database_url: str, root: psycopg.Connection[DictRow]
) -> None:
    assert gyrophare.json("audit", "erase", "--closed-before", "2026-02-01") == {"erased": False, "alerts": []}
    root.execute(
        "update alert set state = 'closed', closed_at = raised_at, closed_by = 1, cause = 'test', reached = true, "
        "lapses_at = null"
    )
    named = {"erased": False, "alerts": [f"A{alert_id}"]}
    assert gyrophare.json("audit", "erase", "--closed-before", "2026-01-14") == named | {"alerts": []}
    assert gyrophare.json("audit", "erase", "--closed-before", "2026-01-15") == named
    assert "1 alerts closed before 2026-01-15 would be erased" in gyrophare(
        "audit", "erase", "--closed-before", "2026-01-15"
    )
    assert root.execute("select subject from alert").fetchall() == [{"subject": "Zoé"}]
    assert gyrophare("audit", "erase", "--closed-before", "2026-01-15", "--yes").startswith("Erased: 1 alerts")
    assert root.execute("select subject from alert").fetchall() == [{"subject": erasure.ERASED}]
    assert root.execute("select state, text from notification").fetchall() == [{"state": "cancelled", "text": ""}] * 3


def told(gyrophare: Operator, *words: str) -> tuple[str, str]:
    return gyrophare.ended(0, "audit", "show", *words)


def test_story_is_told_in_order_with_its_seals(
    gyrophare: Operator, alert_id: AlertId, database_url: str, clock: ManualClock, root: psycopg.Connection[DictRow]
) -> None:
    asyncio.run(seal(database_url, clock))
    root.execute(
        "insert into attempt (notification_id, number, started_at, outcome, provider_id)"
        " select id, 1, due_at, 'sent', 'SM17' from notification where channel = 'sms'"
    )
    out, err = told(gyrophare, f"A{alert_id}")
    assert "nobody has an account" in err
    assert root.execute("select from access_log").fetchall() == []
    for word in ("Zoé", "raised", "acknowledged", "supervision", "SM17", "Astreinte 1", "sms, attempt 1"):
        assert word in out
    lines = [line.split("  ")[1].strip() for line in out.splitlines() if line.startswith("2026-")]
    assert lines == ["raised", "acknowledged", "sms, attempt 1"]
    found: dict[str, Any] = json.loads(told(gyrophare, f"a{alert_id}", "--json")[0])
    assert (found["alert"]["ref"], found["alert"]["acknowledged_by"]) == (f"A{alert_id}", "supervision")
    assert [(one["kind"], one["seal"], len(one["hash"])) for one in found["events"]] == [
        ("raised", 1, 64),
        ("acknowledged", 2, 64),
    ]
    sms = next(one for one in found["notifications"] if one["channel"] == "sms")
    assert (sms["contact"], sms["attempts"][0]["provider_id"]) == ("Astreinte 1", "SM17")


@pytest.mark.parametrize(
    ("status", "said"),
    [
        ("delivered", "delivered"),
        ("sent", "unknown, its last word was sent"),
        (None, "unknown, its last word was none"),
    ],
)
def test_story_says_how_a_message_ended(
    gyrophare: Operator, alert_id: AlertId, root: psycopg.Connection[DictRow], status: str | None, said: str
) -> None:
    assert "sms, end" not in told(gyrophare, f"A{alert_id}")[0]
    root.execute(
        "update notification set state = 'sent', sent_at = due_at, provider_status = %s, provider_final_at = due_at"
        " where channel = 'sms'",
        [status],
    )
    [line] = [line for line in told(gyrophare, f"A{alert_id}")[0].splitlines() if "sms, end" in line]
    assert said in line
    assert "Astreinte 1" in line


def test_look_at_a_story_is_written_down_where_somebody_has_an_account(
    gyrophare: Operator, alert_id: AlertId, root: psycopg.Connection[DictRow], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit_show, "_system_user", lambda: "supervision")
    _, err = told(gyrophare, str(alert_id))
    assert err == ""
    assert root.execute("select account_id, what, detail from access_log").fetchall() == [
        {"account_id": 1, "what": "alert_story", "detail": {"alert_id": alert_id}}
    ]


@pytest.mark.parametrize(("named", "why"), [("A99", "There is no alert A99"), ("Zoé", "expected its reference, A17")])
def test_story_of_no_alert_is_refused(gyrophare: Operator, named: str, why: str) -> None:
    assert why in gyrophare.refused("audit", "show", named)


def test_doctor_minds_events_that_nobody_seals(
    alert_id: AlertId, database_url: str, clock: ManualClock, root: psycopg.Connection[DictRow]
) -> None:
    assert alert_id
    root.execute("update alert_event set at = now() - interval '50 s'")
    assert doctor_audit.sealed(root).verdict == "ok"
    root.execute("update alert_event set at = now() - interval '70 s'")
    finding = doctor_audit.sealed(root)
    assert (finding.verdict, "2 events have no seal, the oldest since 70 s" in finding.found) == ("fault", True)
    asyncio.run(seal(database_url, clock))
    assert doctor_audit.sealed(root).verdict == "ok"
