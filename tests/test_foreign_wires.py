"""Devices that speak formats of others, end to end: from their topic to what is stored and who is alerted."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from gyrophare.kernel.clock import ManualClock
from gyrophare.kernel.observations import Wire
from gyrophare.server import Server
from tests.department import Department

IMEI = "9173802145"
PHONE = "michelot/telephone"


def position(clock: ManualClock, *, late_s: float = 0, **attributes: Any) -> dict[str, Any]:
    """As a Traccar server forwards it; 10 knots."""
    at = (clock.now() - timedelta(seconds=late_s)).isoformat()
    place = {"latitude": 47.3215, "longitude": 5.0415, "speed": 10.0, "accuracy": 12.0, "valid": True}
    return {
        "position": {"deviceTime": at, "fixTime": at, "deviceId": 7, "attributes": attributes, **place},
        "device": {"id": 7, "uniqueId": IMEI},
    }


async def test_traccar_position_is_stored_in_our_units(
    server: Server, department: Department, clock: ManualClock
) -> None:
    await department.register("serveur-1", Wire.TRACCAR, "gateway")
    device_id = await department.on_shift(IMEI, wire=Wire.TRACCAR)
    clock.advance(10)
    body = position(clock, batteryLevel=83, sat=9)
    body["position"]["outdated"] = True
    await department.publish("traccar/serveur-1/positions", body)
    [fix] = await department.until_rows(1, "select * from fix")
    assert fix["device_id"] == device_id
    assert (round(fix["speed_mps"], 3), fix["battery_pct"], fix["doubts"]) == (5.144, 83, ["outdated_fix"])
    assert fix["extra"] == {"attributes": {"sat": 9}}


async def test_late_sos_of_a_watch_behind_traccar_is_one_alert_however_it_comes(
    server: Server, department: Department, clock: ManualClock
) -> None:
    await department.register("serveur-1", Wire.TRACCAR, "gateway")
    await department.on_shift(IMEI, wire=Wire.TRACCAR)
    clock.advance(7_200)
    body = position(clock, late_s=3_600, alarm="lowBattery,sos")
    raised = {"type": "alarm", "eventTime": body["position"]["deviceTime"], "attributes": {"alarm": "sos"}}
    await department.publish("traccar/serveur-1/positions", body)
    await department.until_rows(2, "select from event")
    await department.publish("traccar/serveur-1/events", {**body, "event": raised})
    await department.publish("traccar/serveur-1/events", {"event": {"type": "deviceOnline"}, "device": body["device"]})
    await department.until_rows(1, "select from event where kind = 'online'")
    [alert] = await department.rows("select * from alert")
    assert (alert["kind"], alert["received_late_s"], alert["latitude_deg"]) == ("sos", 3_600, 47.3215)
    assert [row["kind"] for row in await department.rows("select kind from event order by kind")] == [
        *("low_battery", "online", "sos")
    ]


async def test_gateway_that_nobody_registered_speaks_for_nobody_but_who_calls_for_help(
    server: Server, department: Department, clock: ManualClock
) -> None:
    await department.on_shift(IMEI, wire=Wire.TRACCAR)
    clock.advance(10)
    await department.publish("traccar/serveur-9/positions", position(clock, alarm="sos"))
    await department.until_rows(1, "select from alert where kind = 'sos'")
    assert await department.rows("select from fix") == []
    [kept] = await department.until_rows(1, "select * from rejected")
    assert kept["reason"] == "unknown_device"
    assert "'serveur-9'" in kept["detail"]


async def test_sos_of_a_phone_without_a_place_is_an_alert(
    server: Server, department: Department, clock: ManualClock
) -> None:
    await department.on_shift("48241179", wire=Wire.TRANSISTORSOFT)
    body = {"location": "unavailable", "alarm": "sos", "device_id": "48241179"}
    await department.publish("transistorsoft/48241179/locations", body)
    [alert] = await department.until_rows(1, "select * from alert")
    assert (alert["kind"], alert["subject"], alert["latitude_deg"]) == ("sos", "Martin Lefèvre", None)
    [kept] = await department.until_rows(1, "select * from rejected")
    assert (kept["reason"], kept["body"]) == ("malformed", json.dumps(body).encode())


async def test_phone_that_speaks_for_another_is_kept_aside(server: Server, department: Department) -> None:
    for name in ("48241179", "658765"):
        await department.on_shift(name, wire=Wire.TRANSISTORSOFT)
    body = {"location": {"alarm": "sos"}, "device_id": "658765"}
    await department.publish("transistorsoft/48241179/locations", body)
    await department.until_rows(1, "select from rejected where reason = 'identity_mismatch'")
    assert await department.rows("select from event") == []
    [alert] = await department.until_rows(1, "select * from alert")  # it may have been an SOS: somebody must look
    assert alert["kind"] == "technical"


async def test_phone_whose_last_will_comes_is_offline(
    server: Server, department: Department, clock: ManualClock
) -> None:
    await department.on_shift(PHONE, wire=Wire.OWNTRACKS)
    connected_s = int(clock.now().timestamp())
    clock.advance(3_600)
    await department.publish(f"owntracks/{PHONE}", {"_type": "lwt", "tst": connected_s})
    [event] = await department.until_rows(1, "select * from event")
    assert (event["kind"], event["occurred_at"], event["detail"]) == ("offline", clock.now(), {"tst": connected_s})
