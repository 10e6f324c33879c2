"""A real server process that kills itself (SIGKILL) at a named point of a message's story.

`python dying_server.py POINT`, settings from the environment.

Nothing in the product knows about it: the point is reached through a wrapper around the product's own function.
"""

from __future__ import annotations

import asyncio
import functools
import os
import signal
import sys
from collections.abc import Callable
from typing import Any

import ingest.store
from gyrophare import settings
from gyrophare.platform.mqtt import MqttSession
from gyrophare.server import Server


def _die(*_arguments: object, **_keywords: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _dying_before(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    async def dying(*arguments: object, **keywords: object) -> None:
        _die()

    return dying


def _arm(point: str) -> None:
    match point:
        case "inside the transaction":
            ingest.store.insert_fixes = _dying_before(ingest.store.insert_fixes)
        case "between commit and acknowledgement":
            MqttSession.acknowledge = _die  # type: ignore[method-assign]
        case "between acknowledgement and receipt":
            MqttSession.tell = _die  # type: ignore[method-assign]
        case "never":
            pass
        case _:
            raise ValueError(point)


async def main(point: str) -> None:
    _arm(point)
    server = Server(settings.load())
    await server.start()
    print("ready", flush=True)  # noqa: T201  # what the test waits for
    await server.run_until_stopped()
    await server.stop()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
