"""Settings: one TOML file plus environment, read once, checked whole before anything starts.

A key `port` of the section `[http]` is `GYROPHARE_HTTP_PORT` in the environment, which wins over the file. The file is
`gyrophare.toml` in the current folder, or the one that `GYROPHARE_CONFIG` or `--config` names.
"""

from __future__ import annotations

import difflib
import os
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

import platformdirs
from pydantic import AfterValidator, BaseModel, Field, SecretStr, ValidationError, model_validator
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource
from pydantic_settings import SettingsError as UnreadableSource

from gyrophare.addresses import Section, http_url, postgresql_url, split
from gyrophare.channel_settings import EmailSettings, WebhookSettings
from gyrophare.handover_settings import CapSettings, Dc09Settings, GammuSettings
from gyrophare.kernel.errors import SettingsError

PREFIX = "GYROPHARE_"
CONFIG_VARIABLE = "GYROPHARE_CONFIG"
SUPERVISOR_VARIABLE = "NOTIFY_SOCKET"
DEFAULT_FILE = Path("gyrophare.toml")
HIDDEN = "********"
_SECTION_FAULTS = {"model_type", "model_attributes_type"}  # a text stands where a section belongs


def _mqtt_url(url: SecretStr) -> SecretStr:
    parts = split(url.get_secret_value())
    if parts.scheme not in {"mqtt", "mqtts"} or not parts.hostname:
        raise ValueError("expected mqtt://user:password@host:1883, or mqtts:// for TLS")
    return url


def _devices_url(url: str) -> str:
    parts = split(_mqtt_url(SecretStr(url)).get_secret_value())
    if parts.username is not None or parts.path not in {"", "/"}:
        raise ValueError("expected mqtts://host:8883, without a user: each device has its own")
    return url.rstrip("/")


def _callbacks_url(url: str) -> str:
    parts = split(http_url(url))
    if parts.query or parts.fragment or "_" in parts.netloc:
        raise ValueError("expected https://host/ with an optional path, no query, and no _ in the name of the host")
    return url.rstrip("/")


def _ping_url(url: SecretStr) -> SecretStr:
    return SecretStr(http_url(url.get_secret_value()))


class DatabaseSettings(Section):
    """PostgreSQL, with TimescaleDB when it is installed there."""

    url: Annotated[SecretStr, AfterValidator(postgresql_url)] | None = Field(
        None, description="postgresql://… ; when absent, an embedded PostgreSQL is started in data_dir"
    )
    pool_size: int = Field(8, ge=2, le=100, description="connections kept for the server's own work")


class MqttSettings(Section):
    """The broker that devices publish to."""

    url: Annotated[SecretStr, AfterValidator(_mqtt_url)] | None = Field(
        None, description="mqtt[s]://user:password@host:port ; when absent, an embedded broker is started"
    )
    port: int = Field(0, ge=0, le=65535, description="port of the embedded broker; 0 takes a free one")
    devices_url: Annotated[str, AfterValidator(_devices_url)] | None = Field(
        None, description="mqtts://host:8883 as devices reach the broker; when absent, the url above without its user"
    )
    accounts_dir: Path | None = Field(
        None, description="where Mosquitto's passwords and rights are written whenever they change; absent: nowhere"
    )
    shared: bool = Field(
        False,
        description="several servers share the fixes among them ($share/gyrophare/…); Mosquitto can, the embedded not",
    )
    receive_maximum: int = Field(
        1500, ge=1, le=10_000, description="messages the broker may hand over before the first is acknowledged"
    )

    @model_validator(mode="after")
    def _shared_by_a_broker_that_can(self) -> MqttSettings:
        if self.shared and self.url is None:
            raise ValueError("shared needs a broker of the department's own: give mqtt.url, or leave it out")
        return self


class HttpSettings(Section):
    """The console and its API."""

    host: str = Field("127.0.0.1", description="loopback only, until dispatchers have accounts")
    port: int = Field(8080, ge=0, le=65535, description="0 takes a free port")


class SmsSettings(Section):
    """A Twilio-compatible REST provider. Give all of the keys below but `voice` and `redact`, or none."""

    base_url: Annotated[str, AfterValidator(http_url)] | None = Field(
        None, description="e.g. https://sms.example.fr/api/laml ; a path prefix is kept"
    )
    account_sid: str | None = Field(None, pattern=r"^AC[0-9a-fA-F]{32}$", description="AC and 32 hexadecimal digits")
    api_key: str | None = Field(None, description="API key, or the account's sid again")
    api_secret: SecretStr | None = Field(None, description="secret of the API key")
    from_number: str | None = Field(None, pattern=r"^\+[1-9][0-9]{6,14}$", description="E.164, e.g. +33380000000")

    voice: bool = Field(False, description="whether it also calls people, from the same number, for steps by voice")
    redact: bool = Field(True, description="whether it is asked to forget the text of each message that has ended")

    @model_validator(mode="after")
    def _all_or_none(self) -> SmsSettings:
        needed = set(type(self).model_fields) - {"voice", "redact"}
        missing = sorted(name for name in needed if getattr(self, name) is None)
        if missing and (self.voice or len(missing) < len(needed)):
            raise ValueError(f"SMS is half configured: {', '.join(missing)} missing; give every key of [sms] or none")
        return self

    @property
    def configured(self) -> bool:
        return self.base_url is not None


class CapsSettings(Section):
    """How many texts and calls go before second messages wait. The first about somebody in danger never waits."""

    per_number_hour: int = Field(
        60, ge=1, le=10_000, description="to one number; one a minute for an hour is more than anybody reads"
    )
    per_day: int = Field(
        1000, ge=1, le=1_000_000, description="to all together: far above a bad day, and what it costs is bounded"
    )


class CallbacksSettings(Section):
    """Where the SMS provider says what becomes of messages, and what contacts answer; behind a proxy with TLS.

    Give port, public_url and auth_token, or none of them.
    """

    host: str = Field("127.0.0.1", description="the address to listen on; 0.0.0.0 for all of this machine's")
    port: int | None = Field(None, ge=0, le=65535, description="when absent, nothing is heard; 0 takes a free one")
    public_url: Annotated[str, AfterValidator(_callbacks_url)] | None = Field(
        None, description="how the provider reaches that port, e.g. https://alertes.example.fr ; a proxy removes a path"
    )
    auth_token: SecretStr | None = Field(None, min_length=1, description="the account's token, which signs callbacks")
    previous_auth_token: SecretStr | None = Field(
        None, min_length=1, description="the token before, valid too while it is being changed"
    )

    @model_validator(mode="after")
    def _all_or_none(self) -> CallbacksSettings:
        needed = ("port", "public_url", "auth_token")
        missing = [name for name in needed if getattr(self, name) is None]
        if missing and (len(missing) < len(needed) or self.previous_auth_token is not None):
            raise ValueError(
                f"callbacks are half configured: {', '.join(missing)} missing; "
                "give port, public_url and auth_token of [callbacks], or none of them"
            )
        return self

    @property
    def tokens(self) -> tuple[str, ...]:
        """Those that a signature may be made with, the present one first."""
        given = (self.auth_token, self.previous_auth_token)
        return tuple(token.get_secret_value() for token in given if token is not None)


class Watch3gSettings(Section):
    """4G SOS watches that speak TCP. They know no credentials: keep the port behind a private APN or a firewall."""

    port: int | None = Field(None, ge=0, le=65535, description="when absent, none are listened for; 0 takes a free one")
    host: str = Field("127.0.0.1", description="the address to listen on; 0.0.0.0 for all of this machine's")


class DeadmanSettings(Section):
    """A dead man's switch on another machine: pinged while the auditor finds nothing, else it calls somebody."""

    url: Annotated[SecretStr, AfterValidator(_ping_url)] | None = Field(
        None, description="https://… fetched while all is well, e.g. a check of Healthchecks; absent: nobody is pinged"
    )
    every_s: int = Field(60, ge=15, le=3600, description="seconds between two pings")


class CanarySettings(Section):
    """A watch that nobody wears presses SOS again and again: whether somebody is told is tried the whole real way."""

    enabled: bool = Field(False, description="whether it does; no dispatcher sees it")
    every_s: int = Field(3600, ge=60, le=86_400, description="seconds between two of its alarms")
    phone: str | None = Field(
        None, pattern=r"^\+[1-9][0-9]{6,14}$", description="E.164; gets its text messages, where [sms] is configured"
    )


class LogSettings(Section):
    """What the process says, and how."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["auto", "text", "json"] = Field("auto", description="auto: text on a terminal, JSON elsewhere")


class Settings(BaseSettings):
    """The effective settings of one process."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_nested_delimiter="_",
        env_nested_max_split=1,
        extra="forbid",
        frozen=True,
        nested_model_default_partial_update=True,
    )

    instance: str = Field(
        "main",
        pattern=r"^[a-z0-9][a-z0-9-]{0,30}$",
        description="this server's name at the broker; two servers of one department need two names",
    )
    data_dir: Path = Field(
        default_factory=lambda: platformdirs.user_data_path("gyrophare"),
        description="where the embedded servers keep their data",
    )
    database: DatabaseSettings = DatabaseSettings()
    mqtt: MqttSettings = MqttSettings()
    http: HttpSettings = HttpSettings()
    sms: SmsSettings = SmsSettings()
    email: EmailSettings = EmailSettings()
    webhook: WebhookSettings = WebhookSettings()
    caps: CapsSettings = CapsSettings()
    callbacks: CallbacksSettings = CallbacksSettings()
    gammu: GammuSettings = GammuSettings()
    cap: CapSettings = CapSettings()
    dc09: Dc09Settings = Dc09Settings()
    watch3g: Watch3gSettings = Watch3gSettings()
    deadman: DeadmanSettings = DeadmanSettings()
    canary: CanarySettings = CanarySettings()
    log: LogSettings = LogSettings()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)


def load(config: Path | None = None, **overrides: Any) -> Settings:
    """Read and check the settings.

    `config` names the TOML file, `overrides` are whole sections or top-level keys that win over file and environment.
    Raise SettingsError with every fault found, each with its key, its value and what is expected.
    """
    named = config or (Path(os.environ[CONFIG_VARIABLE]) if CONFIG_VARIABLE in os.environ else None)
    if named is not None and not named.is_file():
        raise SettingsError(f"The configuration file {named} does not exist. Create it, or unset {CONFIG_VARIABLE}.")
    path = named or DEFAULT_FILE

    class FromFile(Settings):
        model_config = SettingsConfigDict(toml_file=path)

    unknown = _unknown_variables()
    try:
        settings = FromFile(**overrides)
    except ValidationError as error:
        raise SettingsError("\n".join([*_explain(error), *unknown])) from None
    except ValueError as error:  # the TOML itself cannot be parsed, or a whole section given as one variable
        where = "environment" if isinstance(error, UnreadableSource) else path
        raise SettingsError("\n".join([f"{where}: {error}", *unknown])) from None
    if unknown:
        raise SettingsError("\n".join(unknown))
    return settings


def supervisor_address() -> str | None:
    """Where systemd wants to be told how we are; None when nobody supervises us."""
    return os.environ.get(SUPERVISOR_VARIABLE)


@dataclass(frozen=True, kw_only=True)
class Shown:
    """One effective setting, fit to be shown."""

    key: str
    value: str
    variable: str
    meaning: str


def effective(settings: Settings) -> list[Shown]:
    """Every setting with its value, secrets hidden."""
    return [
        Shown(
            key=key,
            value=_shown(attrgetter(key)(settings)),
            variable=_variable(key),
            meaning=field.description or "",
        )
        for key, field in _fields().items()
    ]


def _variable(key: str) -> str:
    return f"{PREFIX}{key.replace('.', '_').upper()}"


def _shown(value: object) -> str:
    if value is None:
        return "(not set)"
    if not isinstance(value, SecretStr):
        return str(value)
    parts = urlsplit(value.get_secret_value())
    if not (parts.scheme and parts.hostname):
        return HIDDEN
    user = f"{parts.username}:{HIDDEN}@" if parts.password else f"{parts.username}@" if parts.username else ""
    port = f":{parts.port}" if parts.port else ""
    path = f"/{HIDDEN}" if parts.scheme in {"http", "https"} else parts.path  # a ping's path is its whole secret
    return f"{parts.scheme}://{user}{parts.hostname}{port}{path}"


def _fields() -> dict[str, FieldInfo]:
    """Every setting by its dotted key."""
    fields: dict[str, FieldInfo] = {}
    for name, field in Settings.model_fields.items():
        section = field.annotation
        if isinstance(section, type) and issubclass(section, BaseModel):
            fields |= {f"{name}.{key}": inner for key, inner in section.model_fields.items()}
        else:
            fields[name] = field
    return fields


def _unknown_variables() -> list[str]:
    known = {CONFIG_VARIABLE} | {_variable(key) for key in _fields()}
    return [_unknown(name, known) for name in sorted(os.environ) if name.startswith(PREFIX) and name not in known]


def _unknown(name: str, known: set[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"Did you mean {near[0]}?" if near else f"Expected one of {', '.join(sorted(known))}."
    return f"{name}: no such setting. {hint}"


def _explain(error: ValidationError) -> list[str]:
    lines = []
    for fault in error.errors():
        key = ".".join(str(part) for part in fault["loc"])
        if fault["type"] == "extra_forbidden":  # it may be a misspelt secret: its value is never shown
            lines.append(_unknown(key, set(_fields())))
            continue
        value = fault["input"]
        whole_section = isinstance(value, dict) or fault["type"] in _SECTION_FAULTS
        secret = whole_section or any(word in key for word in ("secret", "password", "url", "key", "token"))
        got = "" if secret else f" = {value!r}"
        expected = fault["msg"].removeprefix("Value error, ")
        lines.append(f"{key}{got}: {expected} (environment: {_variable(key)})")
    return lines
