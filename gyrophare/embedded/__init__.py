"""A real PostgreSQL and a real MQTT broker for a machine that has neither.

They are started only when no URL is configured, listen on 127.0.0.1 only, keep what they have in the data folder, and
stop with the process that started them, whatever ends it.
"""

from gyrophare.embedded.broker import MqttBroker
from gyrophare.embedded.folder import EmbeddedError
from gyrophare.embedded.postgres import PostgresServer
from gyrophare.embedded.running import running_broker, running_database

__all__ = ["EmbeddedError", "MqttBroker", "PostgresServer", "running_broker", "running_database"]
