"""An SOS by mesh radio and by LoRaWAN, through a real broker and a real server."""

from __future__ import annotations

from typing import Any

from gyrophare.kernel.observations import Wire
from gyrophare.server import Server
from tests.department import Department

NODE, NODE_NAME = 0x25D6E474, "!25d6e474"
EUI = "70b3d57ed0051234"
APPLICATION = "application/17c82e96-be03-4f38-aef3-f83d48582d97"


async def hear(department: Department, gateway: str, packet: int, kind: str, payload: dict[str, Any]) -> None:
    heard = {"id": packet, "from": NODE, "sender": gateway, "timestamp": 1768376523, "type": kind, "payload": payload}
    await department.publish(f"msh/EU_868/2/json/LongFast/{gateway}", heard)


async def uplink(department: Department, **fields: Any) -> None:
    body = {"deduplicationId": "3ac7e3c4", "time": "2026-01-14T07:42:03Z", "deviceInfo": {"devEui": EUI}, **fields}
    await department.publish(f"{APPLICATION}/device/{EUI}/event/up", body)


async def test_sos_by_mesh_through_two_gateways_is_one_alert_with_the_last_place(
    server: Server, department: Department
) -> None:
    await department.on_shift(NODE_NAME, wire=Wire.MESHTASTIC)
    place = {"latitude_i": 473215000, "longitude_i": 50415000, "time": 1768376523}
    for gateway in ("!ae614908", "!00000002"):
        await department.register(gateway, Wire.MESHTASTIC, "gateway")
        await hear(department, gateway, 1, "position", place)
        await department.until_rows(1, "select from fix")  # by the other lane: an SOS does not wait for it
        await hear(department, gateway, 2, "text", {"text": "Au secours"})
        await hear(department, gateway, 3, "text", {"text": "près du pont"})
    await department.until_rows(1, "select from event where kind = 'reply'")
    await hear(department, "!00000002", 4, "text", {"text": "fini"})
    await department.until_rows(2, "select from event where kind = 'reply'")
    assert await department.rows("select kind, detail->>'text' as text from event order by kind, text") == [
        {"kind": "reply", "text": "fini"},
        {"kind": "reply", "text": "près du pont"},
        {"kind": "sos", "text": "Au secours"},
    ]
    [alert] = await department.rows("select kind, latitude_deg from alert")
    assert alert == {"kind": "sos", "latitude_deg": 47.3215}
    assert len(await department.rows("select from fix")) == 1


async def test_gateway_that_says_to_be_another_is_refused(server: Server, department: Department) -> None:
    await department.on_shift(NODE_NAME, wire=Wire.MESHTASTIC)
    heard = {"id": 1, "from": NODE, "sender": "!00000002", "type": "text", "payload": {"text": "SOS"}}
    await department.publish("msh/EU_868/2/json/LongFast/!ae614908", heard)
    assert await department.until_rows(1, "select reason from rejected") == [{"reason": "identity_mismatch"}]
    assert await department.rows("select from event") == []


async def test_sos_button_on_lorawan_is_an_alert(server: Server, department: Department) -> None:
    await department.on_shift(EUI, wire=Wire.CHIRPSTACK)
    info = {"devEui": EUI, "deviceProfileName": "Milesight WS101 SOS"}
    await uplink(department, deviceInfo=info, object={"button_event": {"status": "long press"}})
    assert await department.until_rows(1, "select kind from alert") == [{"kind": "sos"}]


async def test_uplink_that_no_codec_decoded_may_be_an_sos_so_somebody_must_look(
    server: Server, department: Department
) -> None:
    await department.on_shift(EUI, wire=Wire.CHIRPSTACK)
    await uplink(department, data="AtHnPACZzA8=", fPort=2)
    assert await department.until_rows(1, "select kind from alert") == [{"kind": "technical"}]
    assert await department.rows("select reason from rejected") == [{"reason": "undecoded"}]
