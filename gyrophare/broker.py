"""The broker our server talks to: the configured one, or an embedded one; and who may log in there."""

from __future__ import annotations

from collections.abc import Sequence

from gyrophare.embedded import MqttBroker, device_passwords
from gyrophare.flows import broker_accounts
from gyrophare.platform.mqtt_address import BrokerAddress
from gyrophare.settings import Settings
from ingest import mosquitto
from ingest.registry import Credential


class Broker:
    """One of the two, behind the same three questions: where is it for us, where for devices, who may log in."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._configured = configured_url(settings)
        self._embedded = MqttBroker(settings.data_dir, settings.mqtt.port or None, accounts={})

    @property
    def url(self) -> str:
        """For ourselves, with our secret."""
        return self._configured or self._embedded.url

    @property
    def devices_url(self) -> str:
        return devices_url(self._settings) or self._embedded.devices_url

    def start(self) -> None:
        """Start the embedded one, where none is configured. Raise EmbeddedError if it cannot."""
        if self._configured is None:
            self._embedded.start()

    def stop(self) -> None:
        self._embedded.stop()

    def keep(self, username: str, password: str) -> None:
        """An account of our own, for the embedded one, which takes no hash. Raise EmbeddedError if it cannot."""
        if self._configured is None:
            device_passwords.keep(self._settings.data_dir, username, password)

    def give(self, credentials: Sequence[Credential]) -> bool:
        """Let these devices log in, and nobody else; whether that was a change.

        Raise RegistryError when Mosquitto's files cannot be written, EmbeddedError when ours does not come back.
        """
        folder = self._settings.mqtt.accounts_dir
        if self._configured is None:
            kept = device_passwords.kept(self._settings.data_dir)
            return self._embedded.change_accounts(broker_accounts.plain(credentials, kept))
        return folder is not None and mosquitto.write(folder, credentials, server_account(self._settings))


def configured_url(settings: Settings) -> str | None:
    """The configured broker's URL with its secret; None when an embedded one is started."""
    return None if settings.mqtt.url is None else settings.mqtt.url.get_secret_value()


def devices_url(settings: Settings) -> str | None:
    """Where devices reach the configured broker, without any user; None when it is an embedded one."""
    url = configured_url(settings)
    if settings.mqtt.devices_url is not None or url is None:
        return settings.mqtt.devices_url
    address = BrokerAddress.parse(url)
    host = f"[{address.host}]" if ":" in address.host else address.host
    return f"mqtt{'s' if address.tls else ''}://{host}:{address.port}"


def server_account(settings: Settings) -> mosquitto.ServerAccount | None:
    """Who we are at the configured broker; None when its URL names nobody, or none is configured."""
    url = configured_url(settings)
    address = BrokerAddress.parse(url) if url is not None else None
    if address is None or address.username is None or address.password is None:
        return None
    return mosquitto.ServerAccount(username=address.username, password=address.password)
