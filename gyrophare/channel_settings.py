"""The sections of the settings for the ways out besides SMS: mail and webhooks."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, model_validator

from alerts.channels.email_text import is_address
from gyrophare.addresses import Section

LOOPBACK_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})


def _target_urls(targets: dict[str, str]) -> dict[str, str]:
    """URLs by name. The texts show no URL: whoever put a secret into one would find it in the log."""
    for name, url in targets.items():
        if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,62}", name):
            raise ValueError("the name of a target is made of small letters, digits and hyphens")
        if set(url) & set("@?#"):
            raise ValueError(f"{name}: no user, password, ? or # in it; the signature says who we are")
        try:
            parts = urlsplit(url)
            whole = parts.scheme in {"http", "https"} and bool(parts.hostname) and (parts.port or 1) > 0
        except ValueError:
            whole = False
        if not (whole and url.isascii() and url.isprintable() and " " not in url):
            raise ValueError(f"{name}: expected https://host/path in ASCII") from None
    return targets


def _mail_address(address: str) -> str:
    if not is_address(address):
        raise ValueError("expected an address in ASCII, e.g. gyrophare@cotedor.example")
    return address


class EmailSettings(Section):
    """The department's own mail server. Without host and sender no mail is sent."""

    host: str | None = Field(None, min_length=1, description="e.g. smtp.cotedor.example")
    port: int | None = Field(None, ge=1, le=65535, description="absent: 587 for starttls, 465 for tls, 25 for none")
    security: Literal["none", "starttls", "tls"] = Field(
        "starttls", description="starttls and tls never send in the clear; none is for a server on this machine"
    )
    username: str | None = Field(None, min_length=1, description="with password, or neither: then nobody logs in")
    password: SecretStr | None = Field(None, description="of that user")
    sender: Annotated[str, AfterValidator(_mail_address)] | None = Field(
        None, description="the address alarms come from, one that the server lets us use"
    )
    verify: bool = Field(True, description="false: whoever answers is believed to be the server; for a test only")
    ca_file: Path | None = Field(
        None, description="PEM file of the authority that signed the server's certificate; absent: this system's"
    )

    @model_validator(mode="after")
    def _whole_or_absent(self) -> EmailSettings:
        if self.host is None and self.model_fields_set - {"host"}:
            raise ValueError("email is half configured: host missing; give host and sender, or no key of [email]")
        if self.host is not None and self.sender is None:
            raise ValueError("email is half configured: sender missing; give host and sender, or no key of [email]")
        if (self.username is None) != (self.password is None):
            raise ValueError("email is half configured: give username and password, or neither")
        if self.username is not None and self.security == "none" and self.host not in LOOPBACK_HOSTS:
            raise ValueError("a password is not sent in the clear: security must be starttls or tls")
        return self

    @property
    def configured(self) -> bool:
        return self.host is not None

    @property
    def effective_port(self) -> int:
        return self.port or {"none": 25, "starttls": 587, "tls": 465}[self.security]


class WebhookSettings(Section):
    """Other systems of the department that are told of alerts. Without targets nothing is posted."""

    targets: Annotated[dict[str, str], AfterValidator(_target_urls)] = Field(
        default_factory=dict, description="a table: the name that an alert's policy uses, and the URL to post to"
    )
    secret: SecretStr | None = Field(
        None, min_length=16, description="what the receivers know us by; 16 characters at least"
    )
    allowed_hosts: tuple[str, ...] = Field((), description="the hosts that targets may name, and no other")
    plain_http: bool = Field(False, description="allow http:// to another machine than this one")
    private_networks: bool = Field(
        False, description="allow receivers at 10/8, 172.16/12, 192.168/16, fc00::/7 and on this machine"
    )
    ca_file: Path | None = Field(
        None, description="PEM file of the authority that signed the receivers' certificates; absent: this system's"
    )

    @model_validator(mode="after")
    def _allowed_and_signed(self) -> WebhookSettings:
        if self.targets and self.secret is None:
            raise ValueError("webhooks are half configured: secret missing; without it no receiver can know us")
        for name, url in self.targets.items():
            parts = urlsplit(url)
            if parts.hostname not in self.hosts:
                raise ValueError(f"the host of target {name} is not in allowed_hosts")
            if parts.scheme == "http" and not (self.plain_http or parts.hostname in LOOPBACK_HOSTS):
                raise ValueError(f"target {name} is http://: use https://, or set plain_http")
        return self

    @property
    def hosts(self) -> frozenset[str]:
        return frozenset(host.lower() for host in self.allowed_hosts)
