"""Mail and webhooks from the settings to the channel, and what the doctor finds before anything has to be sent."""

from __future__ import annotations

import asyncio
import traceback
from pathlib import Path

import pytest
from pydantic import SecretStr

from gyrophare import doctor_channels, outgoing
from gyrophare.channel_settings import EmailSettings, WebhookSettings
from gyrophare.finding import Finding
from gyrophare.kernel.clock import SystemClock
from gyrophare.kernel.errors import SettingsError
from gyrophare.settings import CallbacksSettings, Settings, SmsSettings, effective, load
from tests.callbacks import CALLBACKS
from tests.certificate import make_certificate, server_context
from tests.mail_desk import Act, MailDesk

SECRET = "hunter2-never-shown"
EMAIL = {"HOST": "smtp.cotedor.example", "SENDER": "gyrophare@cotedor.example"}
TARGET = "https://cta.cotedor.example/gyrophare/"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of its own, where a gyrophare.toml may be put."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def refusal() -> str:
    with pytest.raises(SettingsError) as refused:
        load()
    assert SECRET not in "".join(traceback.format_exception(refused.value))
    return str(refused.value)


def given(monkeypatch: pytest.MonkeyPatch, section: str, keys: dict[str, str]) -> None:
    for key, value in keys.items():
        monkeypatch.setenv(f"GYROPHARE_{section}_{key}", value)


def test_nothing_is_configured_by_default() -> None:
    settings, clock = load(), SystemClock()
    assert outgoing.email_channel(settings.email, clock) is None
    assert outgoing.webhook_channel(settings.webhook, clock) is None
    assert list(doctor_channels.look(settings)) == []


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ({"HOST": "smtp"}, "email: email is half configured: sender missing"),
        ({"SENDER": "a@b.fr"}, "email: email is half configured: host missing"),
        ({"PASSWORD": SECRET}, "email: email is half configured: host missing"),
        (EMAIL | {"PASSWORD": SECRET}, "give username and password, or neither"),
        (EMAIL | {"USERNAME": "gyrophare"}, "give username and password, or neither"),
        (EMAIL | {"USERNAME": "u", "PASSWORD": SECRET, "SECURITY": "none"}, "not sent in the clear"),
        (EMAIL | {"SENDER": "nobody"}, "email.sender = 'nobody': expected an address"),
        (EMAIL | {"SENDER": "a@b.fr\r\nBcc: c@d.fr"}, "expected an address"),
        (EMAIL | {"SECURITY": "ssl"}, "email.security = 'ssl': Input should be 'none', 'starttls' or 'tls'"),
        (EMAIL | {"PORT": "70000"}, "email.port = '70000'"),
        (EMAIL | {"PASSWORT": SECRET}, "Did you mean GYROPHARE_EMAIL_PASSWORD?"),
    ],
)
def test_wrong_email_is_refused_with_what_was_expected(
    monkeypatch: pytest.MonkeyPatch, keys: dict[str, str], expected: str
) -> None:
    given(monkeypatch, "EMAIL", keys)
    assert expected in refusal()


@pytest.mark.parametrize(("security", "port"), [("starttls", 587), ("tls", 465), ("none", 25)])
def test_port_follows_from_the_security(monkeypatch: pytest.MonkeyPatch, security: str, port: int) -> None:
    given(monkeypatch, "EMAIL", EMAIL | {"SECURITY": security})
    server = outgoing.mail_server(load().email)
    assert server is not None
    assert (server.host, server.port, server.local_name) == ("smtp.cotedor.example", port, "cotedor.example")


def test_password_in_the_clear_is_for_this_machine_only(monkeypatch: pytest.MonkeyPatch) -> None:
    given(monkeypatch, "EMAIL", EMAIL | {"USERNAME": "u", "PASSWORD": SECRET, "SECURITY": "none", "HOST": "localhost"})
    assert load().email.configured


def webhook_toml(here: Path, target: str = TARGET, more: str = "", secret: str = SECRET, name: str = "cta") -> None:
    text = f'[webhook]\nsecret = "{secret}"\nallowed_hosts = ["CTA.cotedor.example", "localhost"]\n{more}\n'
    (here / "gyrophare.toml").write_text(f'{text}[webhook.targets]\n{name} = "{target}"\n', encoding="utf-8")


async def test_webhook_targets_are_a_table_and_the_url_stays_as_it_is(here: Path) -> None:
    webhook_toml(here, more="private_networks = true")
    settings = load()
    assert settings.webhook.targets == {"cta": TARGET}
    assert outgoing.webhook_policy(settings.webhook).private_networks
    channel = outgoing.webhook_channel(settings.webhook, SystemClock())
    assert channel is not None
    await channel.aclose()
    assert SECRET not in repr(effective(settings))


def test_webhook_targets_can_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    given(
        monkeypatch,
        "WEBHOOK",
        {"TARGETS": f'{{"cta": "{TARGET}"}}', "ALLOWED_HOSTS": '["cta.cotedor.example"]', "SECRET": SECRET},
    )
    assert load().webhook.targets == {"cta": TARGET}


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        (f"https://u:{SECRET}@cta.cotedor.example/", "cta: no user, password"),
        (f"https://cta.cotedor.example/?token={SECRET}", "cta: no user, password"),
        (f"https://cta.cotedor.example/#{SECRET}", "cta: no user, password"),
        ("ftp://cta.cotedor.example/", "cta: expected https://"),
        ("cta.cotedor.example", "cta: expected https://"),
        ("https://[cta/", "cta: expected https://"),
        ("https://cta.cotedor.example:99999/", "cta: expected https://"),
        ("https://cta.cotedor.example/é", "cta: expected https://"),
        ("https://other.example/", "the host of target cta is not in allowed_hosts"),
        ("https://cta.cotedor.example.evil.example/", "the host of target cta is not in allowed_hosts"),
        ("http://cta.cotedor.example/", "use https://, or set plain_http"),
    ],
)
def test_wrong_target_is_refused_and_its_url_not_shown(here: Path, target: str, expected: str) -> None:
    webhook_toml(here, target)
    said = refusal()
    assert said.startswith("webhook")
    assert expected in said
    assert target not in said


def test_target_needs_a_name_and_a_secret_of_some_length(here: Path) -> None:
    webhook_toml(here, secret="short")
    assert "webhook.secret: Value should have at least 16" in refusal()
    webhook_toml(here, name='"Le CTA"')
    assert "small letters, digits and hyphens" in refusal()
    (here / "gyrophare.toml").write_text(
        f'[webhook]\nallowed_hosts = ["cta.cotedor.example"]\n[webhook.targets]\ncta = "{TARGET}"\n', encoding="utf-8"
    )
    assert "secret missing" in refusal()


def test_authority_that_cannot_be_read_is_a_sentence(here: Path) -> None:
    (here / "empty.pem").write_text("", encoding="ascii")
    for ca_file in (here / "nowhere.pem", here / "empty.pem"):
        email = EmailSettings(host="smtp", sender="a@b.fr", ca_file=ca_file)
        with pytest.raises(SettingsError, match="cannot be read"):
            outgoing.mail_server(email)
        [finding] = doctor_channels.look(Settings(email=email))
        assert (finding.verdict, "cannot be read" in finding.found) == ("fault", True)
        webhook = WebhookSettings(
            targets={"cta": "https://127.0.0.1/"},
            secret=SecretStr(SECRET),
            allowed_hosts=("127.0.0.1",),
            private_networks=True,
            ca_file=ca_file,
        )
        with pytest.raises(SettingsError, match="cannot be read"):
            outgoing.webhook_channel(webhook, SystemClock())
        assert [one.verdict for one in doctor_channels.look(Settings(webhook=webhook))] == ["fault", "ok"]


async def examined(settings: Settings) -> list[Finding]:
    """As `gyrophare doctor` does it, in a thread: it has a loop of its own."""
    return await asyncio.to_thread(lambda: list(doctor_channels.look(settings)))


async def test_doctor_greets_the_mail_server_and_sends_nothing(tmp_path: Path) -> None:
    make_certificate(tmp_path)
    desk = MailDesk(server_context(tmp_path), password=SECRET)
    await desk.start()

    def settings(**more: object) -> Settings:
        email = {"host": "localhost", "port": desk.port, "sender": "gyrophare@cotedor.example", **more}
        return Settings(email=EmailSettings.model_validate(email))

    proved = {"ca_file": tmp_path / "gyrophare.crt", "username": "gyrophare", "password": SecretStr(SECRET)}
    [ok] = await examined(settings(**proved))
    [unproved] = await examined(settings(verify=False))
    [untrusted] = await examined(settings())
    desk.faults["GREETING"] = Act.CUT
    [cut] = await examined(settings(**proved))
    desk.faults["GREETING"] = "554 5.7.1 gyrophare@cotedor.example is not welcome"
    [kept_out] = await examined(settings(**proved))
    await desk.stop()
    assert (ok.verdict, ok.found) == ("ok", f"localhost:{desk.port} answers, over TLS")
    assert unproved.verdict == "warning"
    assert (untrusted.verdict, "not trusted" in untrusted.found) == ("fault", True)
    assert cut.verdict == "fault"
    assert (kept_out.verdict, "554 5.7.1" in kept_out.found, "not welcome" in kept_out.found) == ("fault", True, False)
    assert not {"AUTH", "MAIL"} & set(desk.steps)


async def test_doctor_says_which_webhook_leads_nowhere_or_where_it_must_not() -> None:
    webhook = WebhookSettings(
        targets={"here": "http://localhost:1/", "lost": "https://cta.invalid/", "own": "https://127.0.0.1/"},
        secret=SecretStr(SECRET),
        allowed_hosts=("localhost", "cta.invalid", "127.0.0.1"),
    )
    found = {finding.name: finding for finding in await examined(Settings(webhook=webhook))}
    assert {name: finding.verdict for name, finding in found.items()} == dict.fromkeys(
        ("webhook here", "webhook lost", "webhook own"), "fault"
    )
    assert "private_networks" in found["webhook here"].found
    assert "does not resolve" in found["webhook lost"].found
    opened = webhook.model_copy(update={"private_networks": True})
    found = {finding.name: finding for finding in await examined(Settings(webhook=opened))}
    assert found["webhook own"] == Finding(name="webhook own", verdict="ok", found="allowed, at 127.0.0.1")


@pytest.mark.parametrize(("callbacks", "verdict"), [(CallbacksSettings(), "warning"), (CALLBACKS, "ok")])
async def test_doctor_says_whether_somebody_who_is_called_can_answer(
    callbacks: CallbacksSettings, verdict: str
) -> None:
    sms = SmsSettings(
        base_url="https://sms.example.fr",
        account_sid="AC" + "0" * 32,
        api_key="SK" + "1" * 32,
        api_secret=SecretStr("secret"),
        from_number="+33380000000",
        voice=True,
    )
    [found] = await examined(Settings(sms=sms, callbacks=callbacks))
    assert (found.name, found.verdict) == ("voice", verdict)
    assert await examined(Settings(sms=sms.model_copy(update={"voice": False}))) == []
