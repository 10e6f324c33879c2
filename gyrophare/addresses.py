"""What the sections of the settings share: their base, and addresses, which are checked whole and never shown where a
password may be in them."""

from __future__ import annotations

from urllib.parse import SplitResult, urlsplit

from pydantic import BaseModel, ConfigDict, SecretStr


class Section(BaseModel):
    """One section: an unknown key is refused, and nothing changes once it was read."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def split(url: str) -> SplitResult:
    """The parts of `url`. Raise ValueError when a password may have leaked into another part; the text shows none."""
    try:
        parts = urlsplit(url)
        whole = (parts.port is None or parts.port >= 0) and "@" not in parts.path + parts.query + parts.fragment
    except ValueError:
        whole = False
    if not whole:
        raise ValueError("not a URL; write / ? # @ in a user or password as %2F %3F %23 %40") from None
    return parts


def postgresql_url(url: SecretStr) -> SecretStr:
    """Raise ValueError unless `url` is one of PostgreSQL."""
    if split(url.get_secret_value()).scheme not in {"postgresql", "postgres"}:
        raise ValueError("expected postgresql://user:password@host:5432/database")
    return url


def http_url(url: str) -> str:
    """`url` without a slash at its end. Raise ValueError unless it is one of HTTP without a user."""
    parts = split(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username is not None:
        raise ValueError("expected https://host/ with an optional path, and no user or password")
    return url.rstrip("/")
