"""One reader, checked whole: every fault is named with its key, its value and what is expected; no secret is shown."""

from __future__ import annotations

import traceback
from pathlib import Path

import pytest

from gyrophare import settings
from gyrophare.kernel.errors import SettingsError
from gyrophare.settings import Settings, effective, load

SECRET = "hunter2-never-shown"
SMS = {
    "BASE_URL": "https://sms.example.fr/api/laml/",
    "ACCOUNT_SID": "AC" + "0" * 32,
    "API_KEY": f"key-{SECRET}",
    "API_SECRET": SECRET,
    "FROM_NUMBER": "+33380000000",
}


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of its own, where a gyrophare.toml may be put."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def refusal(config: Path | None = None) -> str:
    with pytest.raises(SettingsError) as refused:
        load(config)
    # Neither in the text nor in the errors behind it: a stack that is printed after all must not show it.
    assert SECRET not in "".join(traceback.format_exception(refused.value))
    return str(refused.value)


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_defaults_need_no_configuration() -> None:
    found = load()
    assert (found.instance, found.http.host, found.http.port) == ("main", "127.0.0.1", 8080)
    assert (found.database.url, found.mqtt.url, found.sms.configured) == (None, None, False)
    assert found.data_dir.is_absolute()


def test_file_is_read_and_the_environment_wins_key_by_key(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(here / "gyrophare.toml", 'instance = "a"\n[http]\nhost = "::1"\nport = 9000\n[database]\npool_size = 3\n')
    monkeypatch.setenv("GYROPHARE_HTTP_PORT", "9001")
    monkeypatch.setenv("GYROPHARE_DATA_DIR", "/srv/gyrophare")
    found = load()
    assert (found.instance, found.http.host, found.http.port, found.database.pool_size) == ("a", "::1", 9001, 3)
    assert found.data_dir == Path("/srv/gyrophare")


def test_overrides_win_over_file_and_environment(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(here / "gyrophare.toml", 'instance = "file"\n')
    monkeypatch.setenv("GYROPHARE_INSTANCE", "environment")
    assert load(instance="said").instance == "said"


@pytest.mark.parametrize("said_by", ["argument", "environment"])
def test_named_file_is_read_instead_of_the_one_here(here: Path, monkeypatch: pytest.MonkeyPatch, said_by: str) -> None:
    write(here / "gyrophare.toml", 'instance = "here"\n')
    named = write(here / "department.toml", 'instance = "named"\n')
    if said_by == "environment":
        monkeypatch.setenv("GYROPHARE_CONFIG", str(named))
    assert load(named if said_by == "argument" else None).instance == "named"


@pytest.mark.parametrize("said_by", ["argument", "environment"])
def test_named_file_that_is_not_there_is_refused(here: Path, monkeypatch: pytest.MonkeyPatch, said_by: str) -> None:
    named = here / "nowhere.toml"
    if said_by == "environment":
        monkeypatch.setenv("GYROPHARE_CONFIG", str(named))
    text = refusal(named if said_by == "argument" else None)
    assert str(named) in text
    assert "does not exist" in text


@pytest.mark.parametrize("text", ["[http", "port = ", "[http]\nport = 1\nport = 2\n", "a = \x01"])
def test_file_that_is_no_toml_is_refused_by_name(here: Path, text: str) -> None:
    path = write(here / "broken.toml", text)
    assert refusal(path).startswith(f"{path}: ")


def test_file_that_is_not_utf8_is_refused_by_name(here: Path) -> None:
    path = here / "latin.toml"
    path.write_bytes('instance = "é"'.encode("latin-1"))
    assert refusal(path).startswith(f"{path}: ")


@pytest.mark.parametrize(
    ("text", "key", "meant"),
    [
        ("[http]\nprot = 8080\n", "http.prot", "http.port"),
        ('instanse = "a"\n', "instanse", "instance"),
        (f'[sms]\napi_sekret = "{SECRET}"\n', "sms.api_sekret", "sms.api_secret"),
        (f'[database]\nuri = "postgresql://u:{SECRET}@h/d"\n', "database.uri", "database.url"),
        (f'[sns]\napi_secret = "{SECRET}"\n', "sns", None),
        (f'password = "{SECRET}"\n', "password", "email.password"),
    ],
)
def test_unknown_key_is_named_with_what_was_meant_and_never_its_value(
    here: Path, text: str, key: str, meant: str | None
) -> None:
    write(here / "gyrophare.toml", text)
    said = refusal()
    assert said.startswith(f"{key}: no such setting. ")
    assert f"Did you mean {meant}?" in said if meant else "http.port" in said


@pytest.mark.parametrize(
    ("variable", "meant"),
    [
        ("GYROPHARE_HTTP_PROT", "GYROPHARE_HTTP_PORT"),
        ("GYROPHARE_SMS_API_SEKRET", "GYROPHARE_SMS_API_SECRET"),
        ("GYROPHARE_DATABASE", "GYROPHARE_DATABASE_URL"),
        ("GYROPHARE_INSTANSE", "GYROPHARE_INSTANCE"),
        ("GYROPHARE_CONFG", "GYROPHARE_CONFIG"),
    ],
)
def test_unknown_variable_is_named_with_what_was_meant_and_never_its_value(
    monkeypatch: pytest.MonkeyPatch, variable: str, meant: str
) -> None:
    monkeypatch.setenv(variable, SECRET)
    assert f"{variable}: no such setting. Did you mean {meant}?" in refusal()


def test_unknown_variable_like_none_of_ours_is_told_all_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GYROPHARE_ZZZZZZZZZZZZZZZZZZZZZZ", "1")
    assert "GYROPHARE_HTTP_PORT" in refusal()


def test_variables_of_others_are_none_of_our_business(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PORT", "x")
    monkeypatch.setenv("GYROPHARESQUE", "x")
    assert load().http.port == 8080


def test_every_fault_is_listed_at_once(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(here / "gyrophare.toml", '[http]\nport = 70000\n[log]\nlevel = "loud"\n[database]\npool_size = 1\nsize = 2\n')
    monkeypatch.setenv("GYROPHARE_INSTANCE", "Dijon Nord")
    monkeypatch.setenv("GYROPHARE_HTTP_PROT", "1")
    said = refusal().splitlines()
    assert "http.port = 70000: Input should be less than or equal to 65535 (environment: GYROPHARE_HTTP_PORT)" in said
    for begin in ("log.level = 'loud': ", "database.pool_size = 1: ", "instance = 'Dijon Nord': ", "database.size: "):
        assert len([line for line in said if line.startswith(begin)]) == 1
    assert "GYROPHARE_HTTP_PROT: no such setting. Did you mean GYROPHARE_HTTP_PORT?" in said


@pytest.mark.parametrize(
    ("variable", "value", "expected"),
    [
        ("DATABASE_URL", f"mysql://u:{SECRET}@h/d", "expected postgresql://"),
        ("DATABASE_URL", SECRET, "expected postgresql://"),
        ("DATABASE_URL", f"postgresql://u:12/{SECRET}@h/d", "%2F"),  # read as the port 12 of a host u
        ("DATABASE_URL", f"postgresql://u:{SECRET}/x@h/d", "%2F"),
        ("DATABASE_URL", f"postgresql://u:12?{SECRET}@h/d", "%3F"),
        ("DATABASE_URL", f"postgresql://u:12#{SECRET}@h/d", "%23"),
        ("DATABASE_URL", f"postgresql://u:[{SECRET}@h/d", "not a URL"),
        ("MQTT_URL", f"http://u:{SECRET}@h", "expected mqtt://"),
        ("MQTT_URL", "mqtt://", "expected mqtt://"),
        ("MQTT_URL", f"mqtt://u:{SECRET}/x@h", "%2F"),
        ("SMS_BASE_URL", f"https://u:{SECRET}@h/", "no user or password"),
        ("SMS_BASE_URL", "sms.example.fr", "expected https://"),
        ("SMS_API_SECRET", SECRET, "half configured"),
        ("CALLBACKS_AUTH_TOKEN", SECRET, "half configured"),
        ("CALLBACKS_AUTH_TOKEN", "", "at least 1"),
        ("CALLBACKS_PUBLIC_URL", f"https://u:{SECRET}@h/", "no user or password"),
        ("CALLBACKS_PUBLIC_URL", "https://h/x?y=1", "no query"),
        ("CALLBACKS_PUBLIC_URL", "https://a_b.example.fr", "no _ in the name"),
        ("SMS", f'"{SECRET}"', "GYROPHARE_SMS: no such setting"),
        ("SMS", SECRET, "GYROPHARE_SMS: no such setting"),
        ("SMS", f'{{"api_secret": "{SECRET}"}}', "half configured"),
        ("HTTP_PORT", "http", "http.port = 'http': Input should be a valid integer"),
        ("SMS_ACCOUNT_SID", "AC12", "sms.account_sid = 'AC12'"),
        ("SMS_FROM_NUMBER", "0380000000", "sms.from_number = '0380000000'"),
        ("LOG_FORMAT", "xml", "log.format = 'xml': Input should be 'auto', 'text' or 'json'"),
        ("MQTT_RECEIVE_MAXIMUM", "0", "mqtt.receive_maximum = '0'"),
    ],
)
def test_wrong_value_is_refused_with_what_was_expected(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, expected: str
) -> None:
    monkeypatch.setenv(f"GYROPHARE_{variable}", value)
    assert expected in refusal()


@pytest.mark.parametrize("line", [f'sms = "{SECRET}"', f'database = ["{SECRET}"]', f'[sms]\napi_secret = ["{SECRET}"]'])
def test_value_of_a_wrong_kind_is_refused_and_not_shown(here: Path, line: str) -> None:
    write(here / "gyrophare.toml", line)
    assert "Input should be a valid" in refusal()


@pytest.mark.parametrize("missing", sorted(SMS))
def test_sms_when_half_configured_says_what_is_missing(monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    for key, value in SMS.items():
        if key != missing:
            monkeypatch.setenv(f"GYROPHARE_SMS_{key}", value)
    said = refusal()
    assert said.startswith(f"sms: SMS is half configured: {missing.lower()} missing; give every key of [sms] or none")


def test_calls_need_the_account_of_sms(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GYROPHARE_SMS_VOICE", "true")
    assert refusal().startswith("sms: SMS is half configured: account_sid, api_key, api_secret, base_url, from_number")
    for key, value in SMS.items():
        monkeypatch.setenv(f"GYROPHARE_SMS_{key}", value)
    assert settings.load().sms.voice


CALLBACKS = {"PORT": "8090", "PUBLIC_URL": "https://alertes.example.fr/", "AUTH_TOKEN": SECRET}


@pytest.mark.parametrize("missing", sorted(CALLBACKS))
def test_callbacks_when_half_configured_say_what_is_missing(monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    for key, value in CALLBACKS.items():
        if key != missing:
            monkeypatch.setenv(f"GYROPHARE_CALLBACKS_{key}", value)
    said = refusal()
    assert said.startswith(
        f"callbacks: callbacks are half configured: {missing.lower()} missing; give port, public_url"
    )
    assert SECRET not in said


def test_callbacks_with_nothing_but_the_token_before_are_half_configured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GYROPHARE_CALLBACKS_PREVIOUS_AUTH_TOKEN", SECRET)
    assert "port, public_url, auth_token missing" in refusal()


def test_callbacks_when_configured_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    for key, value in CALLBACKS.items():
        monkeypatch.setenv(f"GYROPHARE_CALLBACKS_{key}", value)
    assert load().callbacks.tokens == (SECRET,)
    monkeypatch.setenv("GYROPHARE_CALLBACKS_PREVIOUS_AUTH_TOKEN", "before")
    configured = load()
    assert configured.callbacks.tokens == (SECRET, "before")
    assert configured.callbacks.public_url == "https://alertes.example.fr"
    assert SECRET not in repr([shown.value for shown in effective(configured)])


def test_callbacks_are_not_heard_unless_asked_for() -> None:
    assert load().callbacks.port is None
    assert load().callbacks.tokens == ()


def test_sms_when_configured_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    for key, value in SMS.items():
        monkeypatch.setenv(f"GYROPHARE_SMS_{key}", value)
    found = load()
    assert found.sms.configured
    assert found.sms.base_url == "https://sms.example.fr/api/laml"  # the path prefix stays, the last slash goes
    assert found.sms.api_secret is not None
    assert found.sms.api_secret.get_secret_value() == SECRET


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        (f"postgresql://gyro:{SECRET}@db:5432/gyro", "postgresql://gyro:********@db:5432/gyro"),
        (f"postgres://gyro:{SECRET}%2Fx@db/gyro", "postgres://gyro:********@db/gyro"),
        (f"postgresql://db/gyro?user=gyro&password={SECRET}", "postgresql://db/gyro"),
        (f"postgresql:///gyro?host=/run/postgresql&password={SECRET}", "********"),
        ("postgresql://gyro@db/gyro", "postgresql://gyro@db/gyro"),
    ],
)
def test_effective_shows_where_the_database_is_and_no_secret(
    monkeypatch: pytest.MonkeyPatch, url: str, shown: str
) -> None:
    monkeypatch.setenv("GYROPHARE_DATABASE_URL", url)
    [line] = [line for line in effective(load()) if line.key == "database.url"]
    assert (line.value, line.variable) == (shown, "GYROPHARE_DATABASE_URL")


def test_effective_shows_every_setting_once_and_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    for key, value in (SMS | {"API_KEY": "SK" + "1" * 32}).items():
        monkeypatch.setenv(f"GYROPHARE_SMS_{key}", value)
    monkeypatch.setenv("GYROPHARE_MQTT_URL", f"mqtts://gyro:{SECRET}@broker")
    shown = effective(load())
    assert SECRET not in repr(shown)
    values = {line.key: line.value for line in shown}
    assert len(values) == len(shown)
    assert values["sms.api_secret"] == settings.HIDDEN
    assert values["mqtt.url"] == "mqtts://gyro:********@broker"
    assert (values["database.url"], values["http.port"]) == ("(not set)", "8080")


def test_every_setting_shown_can_be_set_by_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    for line in effective(load()):
        with monkeypatch.context() as setting:
            setting.setenv(line.variable, "?")
            said = ""
            try:
                load()
            except SettingsError as refused:
                said = str(refused)
            assert "no such setting" not in said


def test_settings_do_not_change_once_read() -> None:
    found = load()
    with pytest.raises(ValueError, match="frozen"):
        setattr(found, "instance", "other")  # noqa: B010  # mypy would not let us
    with pytest.raises(ValueError, match="frozen"):
        setattr(found.http, "port", 1)  # noqa: B010


@pytest.mark.parametrize("name", ["main", "a", "dijon-2", "0"])
def test_instance_is_a_name_the_broker_takes(name: str) -> None:
    assert Settings(instance=name).instance == name


@pytest.mark.parametrize("name", ["", "-a", "A", "a b", "a/b", "a+", "a" * 32])
def test_instance_when_it_is_none_is_refused(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv("GYROPHARE_INSTANCE", name)
    assert f"instance = {name!r}: " in refusal()


def test_address_of_the_dead_mans_switch_is_shown_without_its_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GYROPHARE_DEADMAN_URL", f"https://checks.example.fr/ping/{SECRET}")
    [shown] = [one for one in effective(load()) if one.key == "deadman.url"]
    assert shown.value == "https://checks.example.fr/********"
    monkeypatch.setenv("GYROPHARE_DEADMAN_URL", f"ftp://checks.example.fr/{SECRET}")
    assert "deadman.url" in refusal()
