"""Where the embedded servers of another process can be reached: what `doctor` asks."""

from __future__ import annotations

import tomllib
from pathlib import Path

from gyrophare.embedded.broker import OURSELVES, MqttBroker, answers
from gyrophare.embedded.postgres import PostgresServer


def running_database(data_dir: Path) -> str | None:
    """The URL of the PostgreSQL that runs in `data_dir`; None when none does, or when its folder may not be read."""
    server = PostgresServer(data_dir)
    try:
        lines = (server.cluster / "postmaster.pid").read_text().split("\n")
        password = server.password_file.read_text().strip()
    except OSError:
        return None
    port = int(lines[3]) if len(lines) > 7 and lines[7].strip() == "ready" else 0
    return server.url_on(port, password) if port and answers(port) else None


def running_broker(data_dir: Path) -> str | None:
    """The URL of the broker that runs in `data_dir`, secret included; None when none does, or it may not be read."""
    config = MqttBroker(data_dir).folder / "rumqttd.toml"
    try:
        listener = tomllib.loads(config.read_text(encoding="utf-8"))["v5"]["1"]
    except OSError:
        return None
    port = int(listener["listen"].rsplit(":", 1)[1])
    secret = listener["connections"].get("auth", {}).get(OURSELVES)
    return f"mqtt://{f'{OURSELVES}:{secret}@' if secret else ''}127.0.0.1:{port}" if answers(port) else None
