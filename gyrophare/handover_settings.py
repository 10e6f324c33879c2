"""Settings of the ways to hand an alert over to others: a receiving centre, a rescue service, our own modem."""

from __future__ import annotations

import string
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, SecretStr, model_validator

from gyrophare.addresses import Section, http_url, postgresql_url


def _aes_key(key: SecretStr) -> SecretStr:
    digits = key.get_secret_value()
    if len(digits) not in {32, 48, 64} or not set(digits) <= set(string.hexdigits):
        raise ValueError("expected 32, 48 or 64 hexadecimal digits")
    return key


class GammuSettings(Section):
    """Our own GSM modem, served by gammu-smsd with its PostgreSQL backend."""

    url: Annotated[SecretStr, AfterValidator(postgresql_url)] | None = Field(
        None, description="postgresql://… of the database with gammu-smsd's tables; absent: no modem"
    )

    @property
    def configured(self) -> bool:
        return self.url is not None


class CapSettings(Section):
    """Rescue services that take messages of CAP 1.2. Give sender with folder, url or both; or none of the keys."""

    sender: str | None = Field(
        None, pattern=r"^[^\s,<&]+$", description="our name in the messages, e.g. gyrophare@departement.example"
    )
    folder: Path | None = Field(None, description="where each message is put as a file of its own")
    url: Annotated[str, AfterValidator(http_url)] | None = Field(None, description="where each message is posted")
    secret: SecretStr | None = Field(None, description="sent with each post as a bearer token")

    @model_validator(mode="after")
    def _whole_or_none(self) -> CapSettings:
        ways = self.folder is not None or self.url is not None
        if ways and self.sender is None:
            raise ValueError("CAP is half configured: sender missing")
        if not ways and (self.sender is not None or self.secret is not None):
            raise ValueError("CAP is half configured: folder or url missing; or leave out [cap]")
        if self.secret is not None and self.url is None:
            raise ValueError("CAP is half configured: secret is for url, which is missing")
        return self

    @property
    def configured(self) -> bool:
        return self.sender is not None


class Dc09Settings(Section):
    """An alarm receiving centre that speaks SIA DC-09. Give host, port and account, or none of the keys below."""

    host: str | None = Field(None, description="the centre's alarm receiver")
    port: int | None = Field(None, ge=1, le=65535, description="its port; there is no usual one")
    protocol: Literal["tcp", "udp"] = "tcp"
    language: Literal["SIA-DCS", "ADM-CID"] = Field("SIA-DCS", description="event codes; ADM-CID is Contact ID")
    account: str | None = Field(None, pattern=r"^[0-9A-Fa-f]{3,16}$", description="our account there, hexadecimal")
    receiver: str = Field("0", pattern=r"^[0-9A-Fa-f]{1,6}$", description="number of the receiver, hexadecimal")
    line: str = Field("0", pattern=r"^[0-9A-Fa-f]{1,6}$", description="number of the line, hexadecimal")
    key: Annotated[SecretStr, AfterValidator(_aes_key)] | None = Field(
        None, description="32, 48 or 64 hexadecimal digits; without it positions are not sent and anybody may answer"
    )
    supervision_s: int = Field(90, ge=10, le=3600, description="seconds between two signs of life")

    @model_validator(mode="after")
    def _whole_or_none(self) -> Dc09Settings:
        needed = {"host": self.host, "port": self.port, "account": self.account}
        missing = sorted(name for name, value in needed.items() if value is None)
        if missing and (self.model_fields_set or len(missing) < len(needed)):
            raise ValueError(f"DC-09 is half configured: {', '.join(missing)} missing; or leave out [dc09]")
        return self

    @property
    def configured(self) -> bool:
        return self.host is not None
