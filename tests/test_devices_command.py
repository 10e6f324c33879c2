"""`gyrophare devices` as an operator meets it: what to type into a watch, who may speak, and what ends it."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import psycopg
import pytest

from gyrophare import cli, doctor_devices
from gyrophare.doctor import examine
from gyrophare.embedded import MqttBroker, device_passwords
from gyrophare.settings import load
from ingest import mosquitto, passwords


@pytest.fixture(autouse=True)
def here(tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A department's installation: a database and a broker of its own are configured."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GYROPHARE_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("GYROPHARE_DATABASE_URL", database_url)
    monkeypatch.setenv("GYROPHARE_MQTT_URL", "mqtt://gyrophare:of-the-server@127.0.0.1:1883")
    monkeypatch.setenv("GYROPHARE_MQTT_DEVICES_URL", "mqtts://mqtt.cotedor.example:8883")
    return tmp_path


class Said:
    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err

    @property
    def json(self) -> Any:
        assert (self.code, self.err) == (0, "")
        return json.loads(self.out)


class Operator:
    """Types `gyrophare devices …`."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch = monkeypatch
        self._capsys = capsys

    def __call__(self, *words: str) -> Said:
        self._monkeypatch.setattr(sys, "argv", ["gyrophare", "devices", *words])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        said = self._capsys.readouterr()
        assert "Traceback" not in said.err
        return Said(int(ended.value.code or 0), said.out, said.err)


@pytest.fixture
def devices(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Operator:
    return Operator(monkeypatch, capsys)


def test_add_says_what_to_type_into_the_watch(devices: Operator, here: Path) -> None:
    said = devices("add", "w-07", "--label", "Montre 07 [été]")
    assert (said.code, said.err) == (0, "")
    typed = dict(re.findall(r"^ {2}(\S[\w ]*?) {2,}(\S.*?) *$", said.out, re.MULTILINE))
    assert typed["host"] == "mqtt.cotedor.example"
    assert typed["port"] == "8883 (TLS)"
    assert (typed["user"], typed["client id"]) == ("w-07", "w-07")
    assert typed["publishes to"] == "gyrophare/v1/watches/w-07/fixes"
    assert typed["subscribes to"] == "gyrophare/v1/watches/w-07/receipts"
    for topic in ("events", "status", "commands"):
        assert f"gyrophare/v1/watches/w-07/{topic}\n" in re.sub(" +\n", "\n", said.out)
    assert re.fullmatch(r"([a-z2-9]{5}-){4}[a-z2-9]{5}", typed["password"])
    assert typed["password"] not in devices("list").out + devices("list", "--json").out
    assert not (here / "data").exists()  # a broker that takes hashes: no password is kept anywhere


def test_list_shows_kind_wire_name_label_last_heard_and_password(devices: Operator, database_url: str) -> None:
    for words in (
        ("w-07", "--label", "Montre 07 [été]"),
        ("van-1", "--kind", "van", "--label", "Fourgon 1"),
        ("main", "--kind", "gateway", "--wire", "traccar"),
        ("865209", "--wire", "traccar"),
    ):
        assert devices("add", *words).code == 0
    devices("revoke", "van-1")
    with psycopg.connect(database_url) as connection:
        connection.execute(
            "insert into device_latest (device_id, heard_at) select id, '2026-01-14 07:42:03+00' from device"
            " where wire_name = 'w-07'"
        )
        connection.execute(
            "insert into device (organisation_id, kind, wire, wire_name, label, created_at)"
            " values (1, 'watch', 'native', 'w-00', 'Vieille montre', now())"
        )
    rows = {row["name"]: row for row in devices("list", "--json").json}
    assert {name: (row["kind"], row["wire"], row["credential"]) for name, row in rows.items()} == {
        "main": ("gateway", "traccar", "active"),
        "vans/van-1": ("van", "native", "revoked"),
        "w-00": ("watch", "native", "none"),
        "w-07": ("watch", "native", "active"),
        "865209": ("watch", "traccar", "gateway"),
    }
    assert rows["w-07"]["last_heard_at"] == "2026-01-14T07:42:03+00:00"
    assert rows["vans/van-1"]["revoked_at"]
    shown = [re.split(r" {2,}", line.strip()) for line in devices("list").out.splitlines()]
    assert shown[0] == ["kind", "wire", "name", "label", "last heard", "password"]
    watch = next(row for row in shown if "w-07" in row)
    assert watch[:5] == ["watch", "native", "w-07", "Montre 07 [été]", "2026-01-14 07:42:03 UTC"]
    assert watch[5].startswith("since ")
    assert next(row for row in shown if "w-00" in row)[4:] == ["never", "none: `gyrophare devices rotate`"]


def test_empty_registry_says_how_to_begin(devices: Operator) -> None:
    assert "gyrophare devices add w-01" in devices("list").out
    assert devices("list", "--json").json == []


def test_rotate_shows_a_new_password_and_revoke_ends_it(devices: Operator, database_url: str) -> None:
    first = devices("add", "w-07", "--json").json
    second = devices("rotate", "w-07", "--json").json
    assert second["device"]["id"] == first["device"]["id"]
    assert second["login"] | {"password": ""} == first["login"] | {"password": ""}
    with psycopg.connect(database_url) as connection:
        ((password_hash,),) = connection.execute("select password_hash from device").fetchall()
    assert passwords.matches(second["login"]["password"], password_hash)
    assert not passwords.matches(first["login"]["password"], password_hash)
    assert devices("revoke", "w-07", "--json").json["device"]["credential"] == "revoked"
    refused = devices("rotate", "w-07")
    assert (refused.code, refused.out) == (2, "")
    assert "was revoked" in refused.err
    assert devices("add", "w-07", "--json").json["login"]["password"] != second["login"]["password"]


def test_device_behind_a_gateway_needs_no_password(devices: Operator) -> None:
    assert devices("add", "865209", "--wire", "traccar", "--json").json["login"] is None
    assert "through a gateway" in devices("add", "865210", "--wire", "traccar").out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("add", "a/b"), "cannot be the name"),
        (("add", "gyrophare-main-events"), "servers' own"),
        (("add", "x", "--organisation", "dole"), "Expected one of: cote-d-or"),
        (("revoke", "w-99"), "No device is named 'w-99'"),
        (("export",), "accounts_dir"),
        (("export", "nowhere"), "install -d"),
    ],
)
def test_refusal_is_a_sentence_and_changes_nothing(devices: Operator, words: tuple[str, ...], said: str) -> None:
    refused = devices(*words)
    assert (refused.code, refused.out) == (2, "")
    assert said in refused.err
    assert "xpected" in refused.err
    assert devices("list", "--json").json == []


def test_export_writes_what_mosquitto_reads(devices: Operator, here: Path) -> None:
    login = devices("add", "w-07", "--json").json["login"]
    folder = here / "accounts"
    folder.mkdir()
    assert devices("export", str(folder), "--json").json == {
        "folder": str(folder),
        "accounts": 1,
        "server": True,
        "changed": True,
    }
    known = mosquitto.logins((folder / "passwords").read_text())
    assert passwords.matches(login["password"], known["w-07"])
    ours = mosquitto.logins((folder / "server-passwords").read_text())
    assert passwords.matches("of-the-server", ours["gyrophare"])
    again = devices("export", str(folder))
    assert "1 accounts were already in" in again.out


def test_export_says_so_when_the_server_has_no_account(
    devices: Operator, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GYROPHARE_MQTT_URL", "mqtt://127.0.0.1:1883")
    monkeypatch.setenv("GYROPHARE_MQTT_ACCOUNTS_DIR", str(here))
    said = devices("export")
    assert "GYROPHARE_MQTT_URL a user and a password" in said.out
    assert not (here / "server-passwords").exists()


def test_add_says_so_when_only_our_own_address_is_known(devices: Operator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GYROPHARE_MQTT_DEVICES_URL")
    said = devices("add", "w-07").out
    assert "set devices_url in the section [mqtt]" in said
    assert "of-the-server" not in said


def test_embedded_broker_gets_the_plain_password_in_its_own_folder(
    devices: Operator, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GYROPHARE_MQTT_URL")
    monkeypatch.delenv("GYROPHARE_MQTT_DEVICES_URL")
    data_dir = here / "data"
    first = devices("add", "w-07", "--json").json["login"]
    assert (first["host"], first["port"]) == (None, None)  # nobody knows the port of a broker that does not run
    second = devices("rotate", "w-07", "--json").json["login"]
    assert device_passwords.kept(data_dir) == {"w-07": second["password"]}
    assert (data_dir / "mqtt" / "device-passwords.json").stat().st_mode & 0o777 == 0o600
    with MqttBroker(data_dir, accounts={}) as broker:
        van = devices("add", "van-1", "--kind", "van", "--json").json["login"]
        assert f"mqtt://{van['host']}:{van['port']}" == broker.devices_url
    devices("revoke", "w-07")
    assert device_passwords.kept(data_dir) == {"van-1": van["password"]}


def test_older_schema_is_a_sentence(devices: Operator, database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute("drop schema public cascade; create schema public")
    said = devices("list")
    assert said.code == 2
    assert "`gyrophare migrate`" in said.err


def test_database_that_is_not_there_is_a_sentence(devices: Operator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GYROPHARE_DATABASE_URL", "postgresql://u:secret@127.0.0.1:1/x")
    said = devices("list")
    assert said.code == 2
    assert "GYROPHARE_DATABASE_URL" in said.err
    assert "secret" not in said.err


# ---------------------------------------------------------------------- what the doctor finds


def found(name: str) -> tuple[str, str]:
    loaded = load()
    assert loaded.database.url is not None
    findings = list(doctor_devices.look(loaded, loaded.database.url.get_secret_value()))
    assert [one.name for one in findings] == ["devices", "broker accounts"]
    finding = next(one for one in findings if one.name == name)
    assert finding.verdict == "ok" or finding.do
    return finding.verdict, finding.found


def test_doctor_names_devices_without_a_password(devices: Operator, database_url: str) -> None:
    devices("add", "w-07")
    devices("add", "865209", "--wire", "traccar")  # its gateway's business
    assert found("devices") == ("ok", "1 with a password, none without")
    with psycopg.connect(database_url) as connection:
        connection.execute(
            "insert into device (organisation_id, kind, wire, wire_name, label, created_at)"
            " select 1, 'watch', 'native', 'old-' || n, 'Montre', now() from generate_series(1, 6) n"
        )
    assert found("devices") == ("warning", "6 without a password: old-1, old-2, old-3, old-4, old-5, …")
    for number in range(1, 7):
        devices("revoke", f"old-{number}")
    assert found("devices")[0] == "ok"


def test_doctor_finds_accounts_that_are_older_than_the_registry(
    devices: Operator, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert found("broker accounts") == (
        "warning",
        "nobody writes them: a revoked device keeps its account at the broker",
    )
    monkeypatch.setenv("GYROPHARE_MQTT_ACCOUNTS_DIR", str(here))
    assert found("broker accounts")[0] == "fault"
    for name in ("w-07", "w-08", "w-09"):
        devices("add", name)
    devices("export")
    assert found("broker accounts") == ("ok", f"3 in {here}, as in the registry")
    devices("revoke", "w-07")
    devices("rotate", "w-08")
    devices("add", "w-10")
    assert found("broker accounts") == (
        "fault",
        f"older than the registry in {here}: 1 that ended, 1 missing, 1 with an old password",
    )
    devices("export")
    assert found("broker accounts")[0] == "ok"


def test_doctor_says_that_the_embedded_broker_knows_no_rights(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GYROPHARE_MQTT_URL")
    monkeypatch.delenv("GYROPHARE_MQTT_DEVICES_URL")
    verdict, words = next((one.verdict, one.found) for one in examine(load()) if one.name == "broker accounts")
    assert verdict == "warning"
    assert "every account publish and read every topic" in words
