"""`gyrophare devices`: who may speak, and what is typed into a device so that it can."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from gyrophare import settings
from gyrophare.broker import server_account
from gyrophare.commands import device_words as words
from gyrophare.commands.database import AsJson, ConfigFile, in_transaction
from gyrophare.commands.said import say, say_json
from gyrophare.embedded import device_passwords
from gyrophare.kernel.observations import Wire
from gyrophare.platform import db
from gyrophare.settings import Settings
from ingest import mosquitto, registry
from ingest.accounts import Kind, RegistryError
from ingest.registry import Issued, Registered

app = typer.Typer(
    help="Register watches, vans and gateways; give them passwords and take them away.\n\n"
    "A device that is not registered here is not heard: what it says is kept aside. A password is shown once, when it "
    "is made; only its hash is kept.",
    no_args_is_help=True,
)

Name = Annotated[str, typer.Argument(help="Its name, as `gyrophare devices list` shows it.", show_default=False)]
OnWire = Annotated[Wire | None, typer.Option("--wire", help="Its wire, where two devices have the same name.")]


@app.command()
def add(
    name: Annotated[
        str,
        typer.Argument(
            help="Its name on its wire: w-07 (native), martin/montre (owntracks), !a1b2c3d4 (meshtastic gateway).",
            show_default=False,
        ),
    ],
    kind: Annotated[Kind, typer.Option(help="What it is; a gateway speaks for other devices.")] = "watch",
    wire: Annotated[Wire, typer.Option(help="The format it speaks.")] = Wire.NATIVE,
    label: Annotated[str | None, typer.Option(help="What people call it, e.g. 'Montre 07, Fauchage Nord'.")] = None,
    organisation: Annotated[str | None, typer.Option(help="Whose it is, where there are several.")] = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Register a device, and print what to type into it: address, name, password, topics.

    The password is shown this once. A revoked device is let back in, with a new one.
    """
    loaded = settings.load(config)

    async def work(connection: db.Connection, now: datetime) -> tuple[Registered, Issued | None]:
        whose = await registry.find_organisation(connection, organisation)
        device, issued = await registry.add(connection, whose, kind, wire, name, label or name, now)
        _keep_for_embedded(loaded, issued)
        return device, issued

    device, issued = in_transaction(loaded, work)
    words.say_login(loaded, device, issued, f"{device.sender.name} is registered.", as_json=as_json)


@app.command()
def rotate(name: Name, wire: OnWire = None, config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Give a device a new password, shown this once. The old one ends, and a connection that stands on it too."""
    loaded = settings.load(config)

    async def work(connection: db.Connection, now: datetime) -> tuple[Registered, Issued]:
        device, issued = await registry.rotate(connection, name, wire, now)
        _keep_for_embedded(loaded, issued)
        return device, issued

    device, issued = in_transaction(loaded, work)
    done = f"{device.sender.name} has a new password; the old one ends."
    words.say_login(loaded, device, issued, done, as_json=as_json)


@app.command()
def revoke(name: Name, wire: OnWire = None, config: ConfigFile = None, as_json: AsJson = False) -> None:
    """End a device's right to speak: lost, stolen, given back. What it said before stays.

    The server refuses it at once, the broker as soon as it has read its accounts again.
    """
    loaded = settings.load(config)

    async def work(connection: db.Connection, now: datetime) -> Registered:
        return await registry.revoke(connection, name, wire, now)

    device = in_transaction(loaded, work)
    if loaded.mqtt.url is None and device.username is not None:
        device_passwords.keep(loaded.data_dir, device.username, None)
    if as_json:
        say_json({"device": words.device_json(device)})
        return
    say(f"{escape(device.sender.name)} is revoked: what it says is kept aside from now on.")
    if device.username is not None:
        say(words.when_broker_knows(loaded))


@app.command("list")
def list_all(config: ConfigFile = None, as_json: AsJson = False) -> None:
    """List all devices: kind, wire, name, label, when it was last heard, and whether it has a password."""

    async def work(connection: db.Connection, _now: datetime) -> list[Registered]:
        return await registry.list_devices(connection)

    devices = in_transaction(settings.load(config), work)
    if as_json:
        say_json([words.device_json(device) for device in devices])
        return
    none = "No device yet. Register one: `gyrophare devices add w-01 --label 'Montre 01'`."
    say(words.devices_table(devices) if devices else none)


@app.command()
def export(
    folder: Annotated[
        Path | None, typer.Argument(metavar="DIR", help="Where to; default: accounts_dir of the section [mqtt].")
    ] = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Write Mosquitto's password and access files: who may log in, and which topics are whose.

    `serve` does it by itself where [mqtt] accounts_dir is set. Each file is replaced as a whole.
    """
    loaded = settings.load(config)
    target = folder or loaded.mqtt.accounts_dir
    if target is None:
        raise RegistryError("No folder was named. Expected DIR, or accounts_dir in the section [mqtt]. Name one.")

    async def work(connection: db.Connection, _now: datetime) -> list[registry.Credential]:
        return await registry.find_credentials(connection)

    credentials = in_transaction(loaded, work)
    server = server_account(loaded)
    changed = mosquitto.write(target, credentials, server)
    if as_json:
        say_json(
            {"folder": str(target), "accounts": len(credentials), "server": server is not None, "changed": changed}
        )
        return
    say(f"{len(credentials)} accounts {'written to' if changed else 'were already in'} {escape(str(target))}.")
    if server is None:
        say("The server's own account is missing: give GYROPHARE_MQTT_URL a user and a password, and export again.")
    if changed:
        say("Mosquitto reads them at `systemctl reload mosquitto`; see deploy/systemd/gyrophare-accounts.path.")


# ---------------------------------------------------------------------- the embedded broker


def _keep_for_embedded(loaded: Settings, issued: Issued | None) -> None:
    """Before the registry has its hash: a password that only we know is worse than one that only the file knows."""
    if issued is not None and loaded.mqtt.url is None:
        device_passwords.keep(loaded.data_dir, issued.account.username, issued.password)
