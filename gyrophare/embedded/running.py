"""Where the embedded servers of another process can be reached: what `doctor` asks."""

from __future__ import annotations

import tomllib
from pathlib import Path

from gyrophare.embedded.broker import MqttBroker, answers
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
    """The URL of the broker that runs in `data_dir`; None when none does."""
    config = MqttBroker(data_dir).folder / "rumqttd.toml"
    try:
        listen = tomllib.loads(config.read_text())["v5"]["1"]["listen"]
    except OSError:
        return None
    port = int(listen.rsplit(":", 1)[1])
    return f"mqtt://127.0.0.1:{port}" if answers(port) else None
