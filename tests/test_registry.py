"""The registry of devices: one name is one device, a password is known once, and a revoked device is nobody."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Awaitable, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gyrophare.flows.broker_accounts import BrokerAccounts
from gyrophare.kernel.clock import ManualClock
from gyrophare.kernel.observations import Sender, Wire
from gyrophare.platform.db import Connection, connect, open_pool
from ingest import mosquitto, passwords, registry, topics
from ingest.accounts import Kind, RegistryError, account_of, wire_name
from ingest.mosquitto import ServerAccount
from ingest.registry import Credential
from tests.department import ORGANISATION, Department

# Made by mosquitto_passwd 2.0.11.
THEIRS = (
    "$7$101$8YOZFG1l8v7FGU5b$ZIDZL4Ji1gilySIzW7QsVR4rxUWL4awJG859K+r20ejtruyxZ/O0y3cKygLlOh9I5K8e/s5FjFT8VNsDG/NnEQ=="
)
SERVER = ServerAccount(username="gyrophare", password="secret of the server")


@pytest.fixture
async def connection(database_url: str) -> AsyncIterator[Connection]:
    async with await connect(database_url) as connection:
        yield connection


# ---------------------------------------------------------------------- passwords


def test_password_matches_its_own_hash_alone() -> None:
    password = passwords.generate()
    password_hash = passwords.hashed(password)
    assert passwords.matches(password, password_hash)
    assert not passwords.matches(passwords.generate(), password_hash)
    assert not passwords.matches(password, passwords.hashed(passwords.generate()))
    assert password not in password_hash
    assert passwords.hashed(password) != password_hash  # a salt of its own each time


def test_hash_of_mosquitto_passwd_is_understood() -> None:
    assert passwords.matches("abcde-fghij", THEIRS)
    assert not passwords.matches("abcde-fghik", THEIRS)


def test_passwords_can_be_typed_and_differ() -> None:
    made = {passwords.generate() for _ in range(200)}
    assert len(made) == 200
    assert {len(one) for one in made} == {29}
    assert not set("".join(made)) & set("lo01IO:@/ ")


_BASE64 = "[A-Za-z0-9+/=]{0,20}"


@given(st.text() | st.from_regex(rf"\$7\$([0-9]{{0,3}}|9{{12}})\${_BASE64}\${_BASE64}", fullmatch=True))
def test_no_text_taken_for_a_hash_raises_or_matches(text: str) -> None:
    assert not passwords.matches("a", text)


# ---------------------------------------------------------------------- accounts


@pytest.mark.parametrize(
    ("kind", "wire", "name", "username", "may_write", "may_not_write", "reads"),
    [
        ("watch", Wire.NATIVE, "w-07", "w-07", "gyrophare/v1/watches/w-07/fixes", "gyrophare/v1/vans/w-07/fixes", 2),
        (
            "van",
            Wire.NATIVE,
            "van-1",
            "van-1",
            "gyrophare/v1/vans/van-1/events",
            "gyrophare/v1/watches/van-1/events",
            2,
        ),
        ("van", Wire.NATIVE, "vans/van-1", "van-1", "gyrophare/v1/vans/van-1/events", "gyrophare/v1/vans/+/events", 2),
        ("watch", Wire.OWNTRACKS, "martin/montre", "martin", "owntracks/martin/montre", "owntracks/martin/autre", 1),
        ("watch", Wire.TRANSISTORSOFT, "ts-1", "ts-1", "transistorsoft/ts-1/locations", "transistorsoft/ts-2/x", 0),
        ("gateway", Wire.TRACCAR, "main", "main", "traccar/main/positions", "traccar/other/positions", 0),
        ("gateway", Wire.MESHTASTIC, "a1b2c3d4", "!a1b2c3d4", "msh/EU_868/2/json/Dir/!a1b2c3d4", "msh/2/json/a/!b", 0),
        ("gateway", Wire.CHIRPSTACK, "lora", "lora", "application/a/device/b/event/up", "application/a/device/b/x", 1),
    ],
)
def test_account_has_the_topics_of_its_own_name(
    kind: Kind, wire: Wire, name: str, username: str, may_write: str, may_not_write: str, reads: int
) -> None:
    account = account_of(kind, Sender(wire=wire, name=wire_name(kind, wire, name)))
    assert account is not None
    assert account.username == username
    assert any(_covers(one, may_write) for one in account.writes)
    assert not any(_covers(one, may_not_write) for one in account.writes)
    assert len(account.reads) == reads


def test_native_account_may_write_every_topic_that_is_read_and_hears_what_is_sent() -> None:
    for kind, name in (("watch", "w-07"), ("van", "vans/van-1")):
        account = account_of(kind, Sender(wire=Wire.NATIVE, name=name))  # type: ignore[arg-type]  # two of the three
        assert account is not None
        ours = {topic for topic in account.writes if topics.parse(topic).sender.name == name}
        assert ours == set(account.writes)
        filters = {one for one in topics.EVENT_TOPICS + topics.FIX_TOPICS if any(_covers(one, it) for it in ours)}
        assert len(filters) == len(ours)
        assert set(account.reads) == {topics.receipts(name), topics.commands(name)}


@pytest.mark.parametrize(
    ("kind", "wire", "name"),
    [
        *(
            ("watch", Wire.NATIVE, name)
            for name in ("", "a/b", "vans/w-1", "a+b", "#", "a:b", "a b", "a\n", "é", "x" * 65)
        ),
        *(("watch", Wire.NATIVE, name) for name in ("gyrophare", "gyrophare-main-events", "Gyrophare-x", "$SYS", "-a")),
        *(("van", Wire.NATIVE, name) for name in ("vans/", "vans/vans/a", "+")),
        *(("watch", Wire.OWNTRACKS, name) for name in ("martin", "martin/", "/montre", "a/b/c", "+/b", "gyrophare/x")),
        *(("gateway", Wire.MESHTASTIC, name) for name in ("!a1b2c3", "+", "!A1B2C3D4", "#")),
        *(("gateway", wire, "gate") for wire in (Wire.NATIVE, Wire.OWNTRACKS, Wire.TRANSISTORSOFT, Wire.WATCH3G)),
        *(("watch", Wire.TRACCAR, name) for name in ("", "a\nb", "x" * 101)),
    ],
)
def test_name_that_would_reach_other_topics_is_refused(kind: Kind, wire: Wire, name: str) -> None:
    with pytest.raises(RegistryError, match=r"[Ee]xpected"):
        account_of(kind, Sender(wire=wire, name=wire_name(kind, wire, name)))


@pytest.mark.parametrize("wire", [Wire.TRACCAR, Wire.MESHTASTIC, Wire.CHIRPSTACK, Wire.WATCH3G])
def test_device_behind_a_gateway_has_no_account(wire: Wire) -> None:
    assert account_of("watch", Sender(wire=wire, name="352656 1")) is None


# ---------------------------------------------------------------------- the table


async def test_added_device_may_log_in_with_the_password_that_was_shown(
    connection: Connection, clock: ManualClock
) -> None:
    device, issued = await registry.add(
        connection, ORGANISATION, "watch", Wire.NATIVE, "w-07", "Montre 07 – l’été", clock.now()
    )
    assert issued is not None
    assert (device.label, device.credential, device.credential_at) == ("Montre 07 – l’été", "active", clock.now())
    assert issued.password not in repr(issued)
    assert issued.password not in str(await _everything(connection))
    (credential,) = await registry.find_credentials(connection)
    assert credential.account == issued.account
    assert passwords.matches(issued.password, credential.password_hash)


async def test_rotated_password_ends_the_old_one(connection: Connection, clock: ManualClock) -> None:
    _, before = await registry.add(connection, ORGANISATION, "van", Wire.NATIVE, "van-1", "Fourgon 1", clock.now())
    clock.advance(60)
    device, after = await registry.rotate(connection, "van-1", None, clock.now())
    assert before is not None
    (credential,) = await registry.find_credentials(connection)
    assert not passwords.matches(before.password, credential.password_hash)
    assert passwords.matches(after.password, credential.password_hash)
    assert device.credential_at == clock.now()


async def test_device_registered_without_an_account_gets_one_by_rotate(
    department: Department, connection: Connection, clock: ManualClock
) -> None:
    await department.register("w-01")
    (before,) = await registry.list_devices(connection)
    assert (before.credential, before.username) == ("none", None)
    after, issued = await registry.rotate(connection, "w-01", None, clock.now())
    assert (after.credential, after.username, issued.account.username) == ("active", "w-01", "w-01")


async def test_revoked_device_has_no_password_and_comes_back_only_with_a_new_one(
    connection: Connection, clock: ManualClock
) -> None:
    add = (connection, ORGANISATION, "watch", Wire.NATIVE, "w-07", "Montre 07", clock.now())
    first, issued = await registry.add(*add)  # type: ignore[arg-type]  # a tuple has lost its Literal
    revoked = await registry.revoke(connection, "w-07", None, clock.now())
    assert (revoked.credential, revoked.revoked_at) == ("revoked", clock.now())
    assert await registry.find_credentials(connection) == []
    clock.advance(60)
    assert await registry.revoke(connection, "w-07", None, clock.now()) == revoked
    with pytest.raises(RegistryError, match=r"was revoked on 2026-01-14.*devices add"):
        await registry.rotate(connection, "w-07", None, clock.now())
    again, anew = await registry.add(*add)  # type: ignore[arg-type]
    assert (again.id, again.revoked_at) == (first.id, None)
    assert issued is not None
    assert anew is not None
    (credential,) = await registry.find_credentials(connection)
    assert passwords.matches(anew.password, credential.password_hash)
    assert not passwords.matches(issued.password, credential.password_hash)


async def test_one_name_is_one_device(department: Department, connection: Connection, clock: ManualClock) -> None:
    async def add(kind: Kind, wire: Wire, name: str) -> None:
        await registry.add(connection, ORGANISATION, kind, wire, name, name, clock.now())

    await add("watch", Wire.NATIVE, "w-07")
    with pytest.raises(RegistryError, match=r"already registered.*devices rotate w-07"):
        await add("watch", Wire.NATIVE, "w-07")
    for kind, wire, name in (
        ("van", Wire.NATIVE, "w-07"),
        ("gateway", Wire.TRACCAR, "w-07"),
        ("watch", Wire.OWNTRACKS, "w-07/montre"),
    ):
        with pytest.raises(RegistryError, match="'w-07' belongs to 'w-07' on the native wire"):
            await add(kind, wire, name)  # type: ignore[arg-type]
    await department.register("w-08")  # has no account yet, but its topic
    with pytest.raises(RegistryError, match="belongs to 'w-08'"):
        await add("van", Wire.NATIVE, "w-08")
    await registry.revoke(connection, "w-07", None, clock.now())
    with pytest.raises(RegistryError, match="belongs to 'w-07'"):
        await add("van", Wire.NATIVE, "w-07")
    await add("watch", Wire.TRACCAR, "w-07")  # behind a gateway: no account, another wire
    assert [device.credential for device in await registry.list_devices(connection)] == ["revoked", "none", "gateway"]


async def test_device_is_found_by_its_name_on_the_wire_or_at_the_broker(
    connection: Connection, clock: ManualClock
) -> None:
    for kind, wire, name in (("van", Wire.NATIVE, "van-1"), ("watch", Wire.TRACCAR, "van-1")):
        await registry.add(connection, ORGANISATION, kind, wire, name, name, clock.now())  # type: ignore[arg-type]
    with pytest.raises(RegistryError, match=r"2 devices are named 'van-1' \(native, traccar\).*--wire"):
        await registry.find(connection, "van-1")
    assert (await registry.find(connection, "van-1", Wire.NATIVE)).sender.name == "vans/van-1"
    assert (await registry.find(connection, "vans/van-1")).kind == "van"
    with pytest.raises(RegistryError, match=r"No device is named 'van-2'.*devices list"):
        await registry.find(connection, "van-2")


async def test_organisation_is_the_only_one_or_named(connection: Connection) -> None:
    assert await registry.find_organisation(connection) == ORGANISATION
    await connection.execute("insert into organisation (slug, name) values ('beaune', 'Ville de Beaune')")
    assert await registry.find_organisation(connection, "cote-d-or") == ORGANISATION
    for slug in (None, "dole"):
        with pytest.raises(RegistryError, match="Expected one of: cote-d-or, beaune"):
            await registry.find_organisation(connection, slug)


@pytest.mark.parametrize("label", ["", "a\nb", "\x1b[2J", "x" * 101])
async def test_label_that_would_spoil_a_screen_is_refused(
    connection: Connection, clock: ManualClock, label: str
) -> None:
    with pytest.raises(RegistryError, match="label"):
        await registry.add(connection, ORGANISATION, "watch", Wire.NATIVE, "w-07", label, clock.now())


# ---------------------------------------------------------------------- Mosquitto's files


async def test_files_say_the_registry_and_are_for_the_broker_alone(
    connection: Connection, clock: ManualClock, tmp_path: Path
) -> None:
    for kind, wire, name in (
        ("watch", Wire.NATIVE, "w-07"),
        ("van", Wire.NATIVE, "van-1"),
        ("watch", Wire.OWNTRACKS, "martin/montre"),
    ):
        await registry.add(connection, ORGANISATION, kind, wire, name, name, clock.now())  # type: ignore[arg-type]
    credentials = await registry.find_credentials(connection)
    assert mosquitto.write(tmp_path, credentials, SERVER)
    files = _files(tmp_path)
    assert set(files) == {"acl", "passwords", "server-acl", "server-passwords"}
    assert {path.stat().st_mode & 0o777 for path in files.values()} == {0o640}
    assert list(mosquitto.logins(files["passwords"].read_text())) == ["martin", "van-1", "w-07"]
    access = files["acl"].read_text().splitlines()
    assert "pattern write gyrophare/v1/watches/%u/fixes" in access
    assert [line for line in access if line.startswith("user ")] == ["user martin", "user van-1"]
    assert access.count("topic deny gyrophare/v1/watches/#") == 2
    (login,) = mosquitto.logins(files["server-passwords"].read_text()).items()
    assert login[0] == "gyrophare"
    assert passwords.matches(SERVER.password, login[1])


async def test_files_are_written_only_for_a_change_and_the_watched_one_at_each(
    connection: Connection, clock: ManualClock, tmp_path: Path
) -> None:
    await registry.add(connection, ORGANISATION, "watch", Wire.NATIVE, "w-07", "Montre", clock.now())
    credentials = await registry.find_credentials(connection)

    def watched() -> int:
        return (tmp_path / "passwords").stat().st_ino

    assert mosquitto.write(tmp_path, credentials, SERVER)
    first = watched()
    assert not mosquitto.write(tmp_path, credentials, SERVER)
    assert watched() == first
    assert mosquitto.write(tmp_path, credentials, ServerAccount(username="gyrophare", password="a new one"))
    assert watched() != first  # whoever watches it has the broker read the others as well
    (tmp_path / "acl").write_text("topic readwrite #\n")  # somebody's other hand
    assert mosquitto.write(tmp_path, credentials, None)
    assert "readwrite" not in (tmp_path / "acl").read_text()


def test_draft_of_a_killed_writer_is_no_obstacle_and_never_stays(tmp_path: Path) -> None:
    (tmp_path / ".acl.new").write_text("half of a fi")
    assert mosquitto.write(tmp_path, [], None)
    assert {path.name for path in tmp_path.iterdir()} == {"acl", "passwords"}


def test_error_says_what_to_do_when_the_folder_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(RegistryError, match=r"cannot be written to .*nowhere.*Expected a folder.*install -d"):
        mosquitto.write(tmp_path / "nowhere", [], SERVER)


def test_old_file_stays_whole_when_the_new_one_cannot_be_saved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mosquitto.write(tmp_path, [], None)
    before = (tmp_path / "acl").read_text()

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    (tmp_path / "acl").write_text(before + "# changed by hand\n")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(RegistryError, match="No space left"):
        mosquitto.write(tmp_path, [], None)
    assert (tmp_path / "acl").read_text() == before + "# changed by hand\n"
    assert {path.name for path in tmp_path.iterdir()} == {"acl", "passwords"}


async def _everything(connection: Connection) -> list[dict[str, object]]:
    return await (await connection.execute("select * from device")).fetchall()


def _files(folder: Path) -> dict[str, Path]:
    return {path.name: path for path in folder.iterdir()}


def _covers(topic_filter: str, topic: str) -> bool:
    """Whether an MQTT filter covers a topic."""
    wanted, given_levels = topic_filter.split("/"), topic.split("/")
    if wanted[-1] == "#":
        wanted = wanted[:-1]
        given_levels = given_levels[: len(wanted)]
    return len(wanted) == len(given_levels) and all(
        one in ("+", other) for one, other in zip(wanted, given_levels, strict=True)
    )


# ---------------------------------------------------------------------- to the broker


async def test_broker_is_told_of_each_change_once(
    database_url: str, connection: Connection, clock: ManualClock
) -> None:
    told: list[list[str]] = []

    def give(credentials: Sequence[Credential]) -> bool:
        told.append([one.account.username for one in credentials])
        return True

    pool = await open_pool(database_url, 2)
    accounts = BrokerAccounts(pool, give)

    async def change(change: Awaitable[object] | None) -> list[list[str]]:
        if change is not None:
            await change
        for _ in range(3):
            await accounts.refresh()
        news, told[:] = told[:], []
        return news

    def add(name: str) -> Awaitable[object]:
        return registry.add(connection, ORGANISATION, "watch", Wire.NATIVE, name, name, clock.now())

    assert await change(None) == [[]]
    assert await change(add("w-1")) == [["w-1"]]
    assert await change(add("w-2")) == [["w-1", "w-2"]]
    # All at one instant of a clock that stands still: what counts is what is so, not when it was said to be.
    assert await change(registry.rotate(connection, "w-1", None, clock.now())) == [["w-1", "w-2"]]
    assert await change(registry.revoke(connection, "w-1", None, clock.now())) == [["w-2"]]
    assert await change(None) == []
    await pool.close()


async def test_broker_that_could_not_be_told_is_told_again(
    database_url: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "not there yet"
    pool = await open_pool(database_url, 2)
    accounts = BrokerAccounts(pool, lambda credentials: mosquitto.write(folder, credentials, SERVER))
    await accounts.refresh()  # a server starts all the same
    assert "cannot be written" in caplog.text
    folder.mkdir()
    await accounts.refresh()
    assert set(_files(folder)) == {"acl", "passwords", "server-acl", "server-passwords"}
    (folder / "acl").unlink()
    for _ in range(30):
        await accounts.refresh()
    assert "acl" in _files(folder)
    await pool.close()
