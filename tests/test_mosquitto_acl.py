"""A department's Mosquitto, a real one with the committed configuration and our files: who hears what, who is kept out.

Deliveries are looked at, not the answers to subscriptions: Mosquitto grants any subscription and then delivers nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import queue
import re
import socket
import ssl
import time
import warnings
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from pydantic import SecretStr

from gyrophare.kernel.clock import ManualClock, SystemClock
from gyrophare.kernel.observations import Wire
from gyrophare.platform.db import Connection, connect
from gyrophare.platform.mqtt import MqttSession
from gyrophare.server import Server
from gyrophare.settings import CanarySettings, DatabaseSettings, HttpSettings, MqttSettings, Settings
from ingest import mosquitto, registry
from ingest.accounts import Kind
from ingest.mosquitto import ServerAccount
from ingest.registry import Issued
from tests.certificate import make_certificate
from tests.department import ORGANISATION
from tests.mosquitto import Mosquitto, needs_mosquitto

pytestmark = needs_mosquitto
ROOT = Path(__file__).parents[1]
DEPLOYED = ROOT / "deploy" / "mosquitto" / "mosquitto.conf"
SERVER = ServerAccount(username="gyrophare", password="of the server: #@/")
W_A, W_B = "gyrophare/v1/watches/w-a", "gyrophare/v1/watches/w-b"
MARK = "until here"
"""A message that surely comes: what has not come before it will not come."""


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a certificate for localhost that nobody else has signed."""
    return make_certificate(tmp_path_factory.mktemp("certificates"))


def deployed(certificates: Path) -> str:
    """The committed configuration with this test's ports and folders, and nothing else changed."""
    text = DEPLOYED.read_text(encoding="utf-8")
    for there, here in (
        ("listener 8883\n", "listener {port}\n"),
        ("listener 1883 127.0.0.1\n", "listener {other_port} 127.0.0.1\n"),
        ("/etc/mosquitto/certs/", f"{certificates}/"),
        ("/etc/mosquitto/gyrophare/", "{folder}/"),
        ("/var/lib/mosquitto/", "{folder}/"),
        ("log_dest syslog\n", ""),
    ):
        assert there in text
        text = text.replace(there, here)
    return text


@dataclass
class Broker:
    """The running broker with the registry behind it."""

    mosquitto: Mosquitto
    connection: Connection
    certificate: Path
    clock: ManualClock
    logins: dict[str, Issued] = field(default_factory=dict)

    async def add(self, name: str, kind: Kind = "watch", wire: Wire = Wire.NATIVE) -> str:
        """Register a device and let it in; its account's name."""
        _, issued = await registry.add(self.connection, ORGANISATION, kind, wire, name, name, self.clock.now())
        assert issued is not None
        self.logins[issued.account.username] = issued
        await self.tell()
        return issued.account.username

    async def tell(self) -> None:
        """What serve and the path unit do: write the files, have them read."""
        mosquitto.write(self.mosquitto.folder, await registry.find_credentials(self.connection), SERVER)
        self.mosquitto.reload()

    def device(
        self, username: str, password: str | None = None, client_id: str | None = None, *, old: bool = False
    ) -> Client:
        if password is None:
            password = self.logins[username].password
        client_id = username if client_id is None else client_id
        return Client(self.mosquitto.port, username, password, client_id, self.certificate, old=old)

    def server(self, lane: str = "fixes") -> Client:
        return Client(self.mosquitto.other_port, SERVER.username, SERVER.password, f"gyrophare-main-{lane}")


class Client:
    """One connection as any device may make it, in MQTT 3.1.1 where `old`; `heard` is what was delivered."""

    def __init__(
        self,
        port: int,
        username: str | None,
        password: str | None,
        client_id: str,
        certificate: Path | None = None,
        *,
        old: bool = False,
    ) -> None:
        self.heard: queue.Queue[tuple[str, bytes]] = queue.Queue()
        self.answers: queue.Queue[str] = queue.Queue()
        self.ended: queue.Queue[str] = queue.Queue()
        self._subscribed: queue.Queue[None] = queue.Queue()
        self._port = port
        self._old = old
        self._paho = paho.Client(
            CallbackAPIVersion.VERSION2,
            client_id=client_id,
            clean_session=not client_id if old else None,
            protocol=paho.MQTTv311 if old else paho.MQTTv5,
            reconnect_on_failure=False,
        )
        if username is not None:
            self._paho.username_pw_set(username, password)
        if certificate is not None:
            self._paho.tls_set(str(certificate))
        self._paho.on_connect = lambda _client, _data, _flags, reason, _properties: self.answers.put(str(reason))
        self._paho.on_disconnect = lambda _client, _data, _flags, reason, _properties: self.ended.put(str(reason))
        self._paho.on_subscribe = lambda _client, _data, _number, _reasons, _properties: self._subscribed.put(None)
        self._paho.on_message = lambda _client, _data, message: self.heard.put((message.topic, bytes(message.payload)))

    def connect(self, *, clean: bool = True) -> str:
        """The broker's answer."""
        if self._old:
            self._paho.connect("localhost", self._port)
        else:
            properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]  # paho
            properties.SessionExpiryInterval = 3600
            self._paho.connect("localhost", self._port, clean_start=clean, properties=properties)
        self._paho.loop_start()
        return self.answers.get(timeout=10)

    def subscribe(self, *topics: str) -> None:
        """Return when it was answered, whatever the answer."""
        self._paho.subscribe([(topic, 1) for topic in topics])
        self._subscribed.get(timeout=10)

    def publish(self, topic: str, body: bytes = b"{}", *, retain: bool = False) -> None:
        """Return when the broker has acknowledged it, which it does for a refused one as well."""
        self._paho.publish(topic, body, qos=1, retain=retain).wait_for_publish(10)

    def will(self, topic: str) -> None:
        """To be called before `connect`."""
        self._paho.will_set(topic, b"{}", qos=1)

    def drop(self) -> None:
        """End the connection without a word, as a dead radio does: the broker publishes the Last Will."""
        wire = self._paho.socket()
        assert isinstance(wire, ssl.SSLSocket)
        wire.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._paho.disconnect()
        self._paho.loop_stop()

    def heard_until(self, topic: str) -> list[str]:
        """The topics of what was delivered before a message on `topic`."""
        topics = []
        while (latest := self.heard.get(timeout=10)[0]) != topic:
            topics.append(latest)
        return topics


@pytest.fixture
def certificate(certificates: Path) -> Path:
    return certificates / "gyrophare.crt"


@pytest.fixture
async def broker(database_url: str, tmp_path: Path, certificates: Path, clock: ManualClock) -> AsyncIterator[Broker]:
    mosquitto.write(tmp_path, [], SERVER)
    async with await connect(database_url) as connection:
        with Mosquitto(tmp_path, deployed(certificates)) as running:
            broker = Broker(running, connection, certificates / "gyrophare.crt", clock)
            for name in ("w-a", "w-b"):
                await broker.add(name)
            yield broker


@pytest.fixture
def opened() -> Iterator[Callable[..., Client]]:
    """Connect a client, and end it with the test."""
    clients: list[Client] = []

    def connect(client: Client, *, clean: bool = True) -> Client:
        clients.append(client)
        assert client.connect(clean=clean) == "Success"
        return client

    yield connect
    for client in clients:
        client.close()


Opened = Callable[..., Client]


# ---------------------------------------------------------------------- who gets in


async def test_wrong_or_missing_password_is_refused(broker: Broker) -> None:
    for username, password in (
        ("w-a", "wrong"),
        ("w-a", broker.logins["w-b"].password),
        ("w-a", ""),
        ("nobody", "x"),
        (SERVER.username, SERVER.password),  # not at the devices' door
        (None, None),
    ):
        client = Client(broker.mosquitto.port, username, password, "w-a", broker.certificate)
        assert client.connect() == "Not authorized", username
        client.close()
    for username, password in (("w-a", broker.logins["w-a"].password), (None, None), (SERVER.username, "wrong")):
        client = Client(broker.mosquitto.other_port, username, password, "w-a")
        assert client.connect() == "Not authorized", username
        client.close()


async def test_no_door_is_open_without_tls_but_our_own_on_this_machine(broker: Broker) -> None:
    with socket.create_connection(("127.0.0.1", broker.mosquitto.port), timeout=5) as plain:
        plain.sendall(b"\x10\x10\x00\x04MQTT\x05\x02\x00\x3c\x00\x00\x03w-a")
        answer = b""
        with contextlib.suppress(ConnectionResetError):
            answer = plain.recv(100)
        assert answer[:1] in {b"", b"\x15"}  # closed, at most with TLS's own alert: no MQTT was spoken
    assert _listens_on(broker.mosquitto) == {broker.mosquitto.port: "all", broker.mosquitto.other_port: "127.0.0.1"}


async def test_device_that_checks_the_certificate_believes_only_its_own_authority(broker: Broker) -> None:
    strict = ssl.create_default_context()
    with (
        socket.create_connection(("127.0.0.1", broker.mosquitto.port), timeout=5) as plain,
        pytest.raises(ssl.SSLCertVerificationError),
    ):
        strict.wrap_socket(plain, server_hostname="localhost")
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    old.load_verify_locations(broker.certificate)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        old.maximum_version = ssl.TLSVersion.TLSv1_1
    with (
        socket.create_connection(("127.0.0.1", broker.mosquitto.port), timeout=5) as plain,
        pytest.raises(ssl.SSLError),
    ):
        old.wrap_socket(plain, server_hostname="localhost")


# ---------------------------------------------------------------------- who hears what


@pytest.mark.parametrize("old", [False, True], ids=["MQTT 5", "MQTT 3.1.1"])
async def test_device_can_publish_nothing_of_another(broker: Broker, opened: Opened, old: bool) -> None:
    await broker.add("w-v", "van")
    server = opened(broker.server())
    server.subscribe("#")
    device = opened(broker.device("w-a", old=old))
    for topic in (
        f"{W_B}/fixes",
        f"{W_B}/events",
        f"{W_B}/status",
        f"{W_B}/receipts",
        f"{W_B}/commands",
        f"{W_A}/receipts",
        f"{W_A}/commands",
        f"{W_A}/fixes/more",
        "gyrophare/v1/vans/w-a/events",
        "gyrophare/v1/vans/w-v/events",
        "owntracks/w-a/montre",
        "owntracks/w-b/montre",
        "traccar/w-a/positions",
        "application/a/device/b/event/up",
        "w-a",
    ):
        device.publish(topic)
    for what in ("fixes", "events", "status"):
        device.publish(f"{W_A}/{what}")
    device.publish(f"{W_A}/fixes", MARK.encode())
    heard = server.heard_until(f"{W_A}/fixes") + [server.heard.get(timeout=10)[0] for _ in range(3)]
    assert heard == [f"{W_A}/events", f"{W_A}/status", f"{W_A}/fixes"]


async def test_device_hears_its_own_receipts_and_commands_and_nothing_else(broker: Broker, opened: Opened) -> None:
    other = opened(broker.device("w-b"))
    other.publish(f"{W_B}/status", b"online", retain=True)
    device = opened(broker.device("w-a"))
    device.subscribe("#", "$SYS/#", f"{W_B}/#", "gyrophare/v1/watches/+/fixes", f"{W_A}/#", "$share/a/gyrophare/#")
    server = opened(broker.server())
    for what in ("fixes", "events", "status"):
        other.publish(f"{W_B}/{what}")
        device.publish(f"{W_A}/{what}")
    server.publish(f"{W_B}/receipts")
    server.publish(f"{W_B}/commands")
    server.publish(f"{W_A}/receipts")
    server.publish(f"{W_A}/commands")
    assert set(device.heard_until(f"{W_A}/commands")) == {f"{W_A}/receipts"}
    await asyncio.to_thread(_wait_for_sys, broker)
    assert {topic for topic, _ in _drain(device)} <= {f"{W_A}/receipts", f"{W_A}/commands"}


async def test_last_will_reaches_only_the_topics_of_its_device(broker: Broker, opened: Opened) -> None:
    server = opened(broker.server())
    server.subscribe("gyrophare/v1/watches/+/events", "gyrophare/v1/watches/+/status")
    for topic in (f"{W_B}/events", f"{W_A}/status"):
        device = broker.device("w-a")
        device.will(topic)
        if device.connect() == "Success":
            device.drop()
            device.ended.get(timeout=10)
        device.close()
    assert server.heard.get(timeout=10)[0] == f"{W_A}/status"
    assert server.heard.empty()


async def test_server_hears_all_and_speaks_only_to_devices(broker: Broker, opened: Opened) -> None:
    events, fixes = opened(broker.server("events")), opened(broker.server("fixes"))
    fixes.subscribe("$share/gyrophare/gyrophare/v1/watches/+/fixes", "$SYS/broker/version")
    events.subscribe("gyrophare/v1/watches/+/events")
    assert fixes.heard.get(timeout=10)[0] == "$SYS/broker/version"
    watch = opened(broker.device("w-a"))
    for what in ("fixes", "events"):
        watch.publish(f"{W_A}/{what}")
    assert fixes.heard.get(timeout=10)[0] == f"{W_A}/fixes"
    assert events.heard.get(timeout=10)[0] == f"{W_A}/events"
    fixes.publish(f"{W_A}/events")  # whoever has the server's password still cannot press SOS
    watch.publish(f"{W_A}/events", MARK.encode())
    assert events.heard.get(timeout=10)[1] == MARK.encode()


@pytest.mark.parametrize(
    ("kind", "wire", "name", "own", "foreign"),
    [
        (
            "van",
            Wire.NATIVE,
            "van-1",
            ["gyrophare/v1/vans/van-1/events"],
            ["gyrophare/v1/watches/van-1/events", "gyrophare/v1/vans/van-2/events", "gyrophare/v1/vans/van-1/receipts"],
        ),
        (
            "watch",
            Wire.OWNTRACKS,
            "martin/montre",
            ["owntracks/martin/montre", "owntracks/martin/montre/event"],
            ["owntracks/martin/autre", "owntracks/w-a/montre", "gyrophare/v1/watches/martin/events"],
        ),
        (
            "watch",
            Wire.TRANSISTORSOFT,
            "ts-1",
            ["transistorsoft/ts-1/locations"],
            ["transistorsoft/ts-2/locations", "gyrophare/v1/watches/ts-1/events"],
        ),
        (
            "gateway",
            Wire.TRACCAR,
            "main",
            ["traccar/main/positions"],
            ["traccar/other/positions", "gyrophare/v1/watches/main/events"],
        ),
        (
            "gateway",
            Wire.MESHTASTIC,
            "!a1b2c3d4",
            ["msh/EU_868/2/json/LongFast/!a1b2c3d4", "msh/2/json/LongFast/!a1b2c3d4", "msh/EU_868/2/stat/!a1b2c3d4"],
            ["msh/EU_868/2/json/LongFast/!00000000", "gyrophare/v1/watches/!a1b2c3d4/events"],
        ),
        (
            "gateway",
            Wire.CHIRPSTACK,
            "lora",
            ["application/11/device/22/event/up"],
            ["application/11/device/22/command/down", "gyrophare/v1/watches/lora/events"],
        ),
    ],
)
async def test_each_kind_speaks_on_its_own_topics_alone(
    broker: Broker, opened: Opened, kind: Kind, wire: Wire, name: str, own: list[str], foreign: list[str]
) -> None:
    username = await broker.add(name, kind, wire)
    server = opened(broker.server())
    server.subscribe("#")
    device = opened(broker.device(username))
    for topic in [*foreign, f"{W_A}/events", *own]:
        device.publish(topic)
    assert [server.heard.get(timeout=10)[0] for _ in own] == own
    device.subscribe("#")
    opened(broker.device("w-a")).publish(f"{W_A}/events")
    assert server.heard.get(timeout=10)[0] == f"{W_A}/events"
    assert _drain(device) == []


# ---------------------------------------------------------------------- whose session it is


@pytest.mark.parametrize("old", [False, True], ids=["MQTT 5", "MQTT 3.1.1"])
async def test_nobody_takes_the_session_of_another_or_of_the_server(broker: Broker, opened: Opened, old: bool) -> None:
    server, other = opened(broker.server()), opened(broker.device("w-b"))
    server.subscribe(f"{W_B}/fixes")
    for client_id in ("gyrophare-main-fixes", "w-b", ""):
        thief = broker.device("w-a", client_id=client_id, old=old)
        assert thief.connect(clean=False) == "Success"  # as w-a, whatever it calls itself
        thief.subscribe(f"{W_B}/fixes")
        other.publish(f"{W_B}/fixes")
        assert server.heard.get(timeout=10)[0] == f"{W_B}/fixes"
        thief.close()
        assert thief.heard.empty()
    assert server.ended.empty()
    assert other.ended.empty()


async def test_what_came_while_the_server_was_away_waits_even_when_the_broker_is_killed(
    broker: Broker, opened: Opened
) -> None:
    server = opened(broker.server(), clean=False)
    server.subscribe("gyrophare/v1/watches/+/fixes")
    server.close()
    watch = opened(broker.device("w-a"))
    for number in range(1100):
        watch.publish(f"{W_A}/fixes", str(number).encode())
    saved, sent_ns = broker.mosquitto.folder / "mosquitto.db", SystemClock().now().timestamp() * 1e9
    # The configuration saves every five seconds: a broker's own time, which no test can move.
    await asyncio.to_thread(_until, lambda: saved.exists() and saved.stat().st_mtime_ns > sent_ns)
    broker.mosquitto.kill()
    broker.mosquitto.start()
    opened(broker.device("w-a")).publish(f"{W_A}/fixes", MARK.encode())
    server = opened(broker.server(), clean=False)
    bodies = []
    while (body := server.heard.get(timeout=10)[1]) != MARK.encode():
        bodies.append(int(body))
    assert bodies == list(range(1100))


async def test_more_than_a_thousand_wait_for_a_server_that_is_away(broker: Broker, opened: Opened) -> None:
    server = opened(broker.server(), clean=False)
    server.subscribe("gyrophare/v1/watches/+/fixes")
    server.close()
    watch = opened(broker.device("w-a"))
    for number in range(3000):
        watch.publish(f"{W_A}/fixes", str(number).encode())
    server = opened(broker.server(), clean=False)
    assert [int(server.heard.get(timeout=10)[1]) for _ in range(3000)] == list(range(3000))


# ---------------------------------------------------------------------- what ends it


async def test_rotated_password_ends_the_old_one_and_the_connection_that_stands_on_it(
    broker: Broker, opened: Opened
) -> None:
    device, other, server = opened(broker.device("w-a")), opened(broker.device("w-b")), opened(broker.server())
    before = broker.logins["w-a"].password
    _, broker.logins["w-a"] = await registry.rotate(broker.connection, "w-a", None, broker.clock.now())
    await broker.tell()
    device.ended.get(timeout=10)
    refused = broker.device("w-a", before)
    assert refused.connect() == "Not authorized"
    refused.close()
    opened(broker.device("w-a"))
    assert other.ended.empty()
    assert server.ended.empty()


async def test_body_that_is_too_long_ends_only_the_connection_it_came_by(broker: Broker, opened: Opened) -> None:
    server = opened(broker.server())
    server.subscribe("gyrophare/v1/watches/+/fixes")
    device, other = opened(broker.device("w-a")), opened(broker.device("w-b"))
    device.publish(f"{W_A}/fixes", b"x" * 2_000_000)  # is for our own consumer to refuse, and to explain
    assert len(server.heard.get(timeout=20)[1]) == 2_000_000
    device._paho.publish(f"{W_A}/fixes", b"x" * 3_000_000, qos=1)
    device.ended.get(timeout=20)
    other.publish(f"{W_B}/fixes", MARK.encode())
    assert server.heard.get(timeout=10)[1] == MARK.encode()


async def test_watch_is_receipted_until_it_is_revoked_and_then_put_out_within_a_minute(
    broker: Broker, opened: Opened, database_url: str, tmp_path: Path
) -> None:
    """By a real server that ticks, and whoever watches the file as systemd's path unit does."""
    (tmp_path / "data").mkdir()
    url = f"mqtt://{SERVER.username}:of%20the%20server%3A%20%23%40%2F@127.0.0.1:{broker.mosquitto.other_port}"
    server = Server(
        Settings(
            instance="main",
            data_dir=tmp_path / "data",
            database=DatabaseSettings(url=SecretStr(database_url), pool_size=4),
            mqtt=MqttSettings(url=SecretStr(url), accounts_dir=broker.mosquitto.folder),
            http=HttpSettings(port=0),
        )
    )
    await server.start()
    reloading = asyncio.create_task(_reload_at_change(broker))
    try:
        device, other = opened(broker.device("w-a")), opened(broker.device("w-b"))
        device.subscribe(f"{W_A}/receipts")
        device.publish(f"{W_A}/fixes", b'{"boot": "9f3a01c2", "seq": 1, "battery_pct": 83}')
        topic, receipt = await asyncio.to_thread(device.heard.get, timeout=20)
        assert (topic, json.loads(receipt)["up_to"]) == (f"{W_A}/receipts", 1)

        since = time.monotonic()
        await registry.revoke(broker.connection, "w-a", None, broker.clock.now())
        await asyncio.to_thread(device.ended.get, timeout=60)
        took_s = time.monotonic() - since
        refused = broker.device("w-a")
        assert refused.connect() == "Not authorized"
        refused.close()
        assert took_s < 30, took_s  # ten seconds of the tick, and room for a slow machine
        assert other.ended.empty()
        # The server itself was never put out: another session of its account is there still.
        session = MqttSession(url, "gyrophare-doctor", ["gyrophare/v1/watches/w-b/fixes"], clock=broker.clock)
        await session.start()
        other.publish(f"{W_B}/fixes")
        assert (await session.receive(1))[0].topic == f"{W_B}/fixes"
        await session.stop()
    finally:
        reloading.cancel()
        await asyncio.wait([reloading])
        await server.stop()


# ---------------------------------------------------------------------- what is committed


def test_units_watch_the_file_that_is_written_last_and_the_configuration_reads_it() -> None:
    units = ROOT / "deploy" / "systemd"
    watched = re.findall(r"^PathChanged=(.+)$", (units / "gyrophare-accounts.path").read_text(), re.MULTILINE)
    read = re.findall(r"^(?:password|acl)_file (.+)$", DEPLOYED.read_text(), re.MULTILINE)
    folder = "/etc/mosquitto/gyrophare"
    assert watched == [f"{folder}/{mosquitto.DEVICE_PASSWORDS}"]
    assert sorted(read) == sorted(
        f"{folder}/{name}"
        for name in (
            mosquitto.DEVICE_PASSWORDS,
            mosquitto.DEVICE_ACCESS,
            mosquitto.SERVER_PASSWORDS,
            mosquitto.SERVER_ACCESS,
        )
    )


def test_configuration_lets_nobody_in_unnamed() -> None:
    text = DEPLOYED.read_text()
    listeners = re.split(r"^listener ", text, flags=re.MULTILINE)[1:]
    assert len(listeners) == 2
    assert all("\nallow_anonymous false\n" in listener for listener in listeners)
    assert "\nuse_username_as_clientid true\n" in listeners[0]
    assert listeners[1].startswith("1883 127.0.0.1\n")


def _listens_on(broker: Mosquitto) -> dict[int, str]:
    """The ports that the broker's process listens on, and where: 127.0.0.1 or all addresses."""
    process = Path(f"/proc/{broker.pid}")
    sockets = {str(fd.readlink()) for fd in (process / "fd").iterdir()}
    found = {}
    for table in ("tcp", "tcp6"):
        for row in (line.split() for line in (process / "net" / table).read_text().splitlines()[1:]):
            host, port = row[1].split(":")
            if row[3] == "0A" and f"socket:[{row[9]}]" in sockets:
                found[int(port, 16)] = {"0100007F": "127.0.0.1", "0" * len(host): "all"}.get(host, host)
    return found


async def _reload_at_change(broker: Broker) -> None:
    watched = broker.mosquitto.folder / mosquitto.DEVICE_PASSWORDS
    seen = watched.stat().st_ino
    while True:
        await asyncio.sleep(0.05)
        if (now := watched.stat().st_ino) != seen:
            seen = now
            broker.mosquitto.reload()


def _wait_for_sys(broker: Broker) -> None:
    """Until Mosquitto has published its $SYS topics anew, as our own account hears it."""
    client = broker.server("sys")
    client.connect()
    client.subscribe("$SYS/broker/uptime")
    client.heard.get(timeout=10)  # retained
    client.heard.get(timeout=30)  # published
    client.close()


def _until(condition: Callable[[], bool], within_s: float = 10.0) -> None:
    for _ in range(round(within_s / 0.02)):
        if condition():
            return
        time.sleep(0.02)
    raise AssertionError("it did not come to pass")


def _drain(client: Client) -> list[tuple[str, bytes]]:
    heard = []
    while not client.heard.empty():
        heard.append(client.heard.get())
    return heard


async def test_canary_is_heard_through_the_deployed_broker(
    broker: Broker, database_url: str, clock: ManualClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(broker.certificate))  # as the department's own authority is known there
    ourselves = f"{SERVER.username}:{quote(SERVER.password, safe='')}"
    server = Server(
        Settings(
            instance="main",
            data_dir=tmp_path / "data",
            database=DatabaseSettings(url=SecretStr(database_url), pool_size=4),
            mqtt=MqttSettings(
                url=SecretStr(f"mqtt://{ourselves}@127.0.0.1:{broker.mosquitto.other_port}"),
                devices_url=f"mqtts://localhost:{broker.mosquitto.port}",
                accounts_dir=broker.mosquitto.folder,
            ),
            http=HttpSettings(port=0),
            canary=CanarySettings(enabled=True),
        ),
        clock,
        ticking=False,
    )
    await server.start()
    broker.mosquitto.reload()  # what the path unit does
    assert server.canary is not None
    assert await server.canary.sing()
    await server.stop()
