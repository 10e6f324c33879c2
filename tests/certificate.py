"""A certificate for this machine that nobody else has signed; whoever trusts it trusts nobody else."""

from __future__ import annotations

import shutil
import ssl
import subprocess
from pathlib import Path

import pytest


def make_certificate(folder: Path) -> Path:
    """Write `gyrophare.crt` and `gyrophare.key` for localhost and 127.0.0.1 into `folder`; return it."""
    if shutil.which("openssl") is None:
        pytest.skip("no program openssl on this machine; Debian: apt-get install openssl")
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    command += ["-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    command += ["-keyout", str(folder / "gyrophare.key"), "-out", str(folder / "gyrophare.crt")]
    subprocess.run(command, check=True, capture_output=True, timeout=30)
    return folder


def server_context(folder: Path) -> ssl.SSLContext:
    """What a server needs to show the certificate in `folder`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "gyrophare.crt", folder / "gyrophare.key")
    return context
