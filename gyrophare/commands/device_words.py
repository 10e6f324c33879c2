"""What `gyrophare devices` says: to a person as text and tables, to a program as JSON."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from rich.markup import escape
from rich.table import Table

from gyrophare import embedded
from gyrophare.broker import configured_url, devices_url
from gyrophare.commands.said import say, say_json
from gyrophare.kernel.observations import Wire
from gyrophare.platform.mqtt_address import BrokerAddress
from gyrophare.server import ACCOUNTS_S
from gyrophare.settings import Settings
from ingest.registry import Issued, Registered


def say_login(loaded: Settings, device: Registered, issued: Issued | None, done: str, *, as_json: bool) -> None:
    """What is typed into a device that was registered, or has a new password; `done` says which."""
    if as_json:
        login = None if issued is None else _login_json(loaded, issued)
        say_json({"device": device_json(device), "login": login})
        return
    say(escape(done))
    if issued is None:
        say("It speaks through a gateway and needs no password of its own.")
        return
    say("Type this into the device. The password is shown this once:\n")
    say(_login_table(loaded, device, issued))
    say(f"\n{when_broker_knows(loaded)}")
    if configured_url(loaded) is not None and loaded.mqtt.devices_url is None:
        say("Host and port are our own server's: set devices_url in the section \\[mqtt] to what devices can reach.")


def devices_table(devices: list[Registered]) -> Table:
    table = Table("kind", "wire", "name", "label", "last heard", "password", box=None, padding=(0, 2, 0, 0))
    for device in devices:
        heard = f"{device.heard_at:%Y-%m-%d %H:%M:%S} UTC" if device.heard_at else "never"
        cells = (device.kind, device.sender.wire, device.sender.name, device.label, heard, _credential(device))
        table.add_row(*map(escape, cells))
    return table


def device_json(device: Registered) -> dict[str, Any]:
    return {
        "id": device.id,
        "kind": device.kind,
        "wire": device.sender.wire,
        "name": device.sender.name,
        "label": device.label,
        "username": device.username,
        "credential": device.credential,
        "credential_at": _iso(device.credential_at),
        "revoked_at": _iso(device.revoked_at),
        "last_heard_at": _iso(device.heard_at),
    }


def when_broker_knows(loaded: Settings) -> str:
    """When a change of the registry reaches the broker, and what that needs."""
    if loaded.mqtt.url is None:
        return f"A running `gyrophare serve` tells its broker within {ACCOUNTS_S:.0f} s; all devices then connect anew."
    if loaded.mqtt.accounts_dir is not None:
        return f"A running `gyrophare serve` tells the broker within {ACCOUNTS_S:.0f} s."
    return "The broker does not know yet: `gyrophare devices export DIR`, then `systemctl reload mosquitto`."


def _address(loaded: Settings) -> BrokerAddress | None:
    """Where the device connects; None when our embedded broker does not run, so that nobody knows its port."""
    url = devices_url(loaded) or embedded.running_broker(loaded.data_dir)
    return None if url is None else BrokerAddress.parse(url)


def _login_table(loaded: Settings, device: Registered, issued: Issued) -> Table:
    address, account = _address(loaded), issued.account
    native = device.sender.wire is Wire.NATIVE
    rows = {
        "host": address.host if address else "127.0.0.1",
        "port": f"{address.port} ({'TLS' if address.tls else 'no TLS'})" if address else "`gyrophare serve` says it",
        "user": account.username,
        "password": issued.password,
        "client id": account.username,
        "MQTT": "version 5, QoS 1, clean start off, session expiry 7 days" if native else "QoS 1",
        "publishes to": "\n".join(account.writes),
        "subscribes to": "\n".join(account.reads) or "nothing",
    }
    table = Table(show_header=False, box=None, padding=(0, 2))
    for name, value in rows.items():
        table.add_row(name, escape(value))
    return table


def _login_json(loaded: Settings, issued: Issued) -> dict[str, Any]:
    address = _address(loaded)
    return {
        "host": address.host if address else None,
        "port": address.port if address else None,
        "tls": address.tls if address else None,
        "username": issued.account.username,
        "password": issued.password,
        "client_id": issued.account.username,
        "publishes_to": list(issued.account.writes),
        "subscribes_to": list(issued.account.reads),
    }


def _credential(device: Registered) -> str:
    match device.credential:
        case "active":
            return f"since {device.credential_at:%Y-%m-%d}"
        case "revoked":
            return f"revoked {device.revoked_at:%Y-%m-%d}"
        case "gateway":
            return "its gateway's"
    return "none: `gyrophare devices rotate`"


def _iso(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()
