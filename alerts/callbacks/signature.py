"""Whether a request comes from the provider: `X-Twilio-Signature`, which only who knows the account's token can make.

Signed are the public URL, with its query, and every field of the form. Pure.
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Iterable, Sequence
from urllib.parse import urlsplit

Fields = Sequence[tuple[str, str]]
"""Names and values of a form as they came; a name may stand there several times."""

_DEFAULT_PORT = {"http": 80, "https": 443}


def sign(token: str, url: str, fields: Fields) -> str:
    """The signature of a form that is posted to `url`: names sorted, of each name the sorted set of its values."""
    text = url + "".join(name + value for name, value in sorted(set(fields)))
    digest = hmac.digest(token.encode(), text.encode(errors="surrogatepass"), "sha1")
    return base64.b64encode(digest).decode()


def is_signed(tokens: Iterable[str], url: str, fields: Fields, signature: str | None) -> bool:
    """Whether one of `tokens` made `signature`; two are valid while a token is being changed.

    `url` is the public one, from our settings: of the Host header anybody can write anything.
    """
    if not signature:
        return False
    given = signature.encode(errors="replace")
    wanted = [sign(token, spelling, fields).encode() for token in tokens for spelling in _spellings(url)]
    return any(hmac.compare_digest(given, one) for one in wanted)


def _spellings(url: str) -> Sequence[str]:
    """With its port and without: the provider is not consistent about which of them it signs."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition(":")[0] if parts.port is not None else parts.netloc
    port = parts.port or _DEFAULT_PORT[parts.scheme]
    return tuple(
        {url: None, parts._replace(netloc=host).geturl(): None, parts._replace(netloc=f"{host}:{port}").geturl(): None}
    )
