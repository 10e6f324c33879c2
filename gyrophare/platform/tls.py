"""Whom we believe to be who they say, when we call a server over TLS."""

from __future__ import annotations

import ssl
from pathlib import Path

from gyrophare.kernel.errors import SettingsError


def client_context(ca_file: Path | None = None, *, verify: bool = True) -> ssl.SSLContext:
    """TLS 1.2 or newer, trusting `ca_file` alone where it is given, else this system's authorities.

    Without `verify` nobody's name is checked. Raise SettingsError when `ca_file` holds no certificate that can be read.
    """
    try:
        context = ssl.create_default_context(cafile=ca_file)
    except OSError as error:  # what ssl says itself is one of these
        raise SettingsError(f"The certificates in {ca_file} cannot be read: {error.strerror or error}.") from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
