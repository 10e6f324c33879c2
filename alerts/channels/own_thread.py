"""A thread for work that may never end: nobody else needs it, and nobody waits for its end, not even the process."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from queue import SimpleQueue
from threading import Thread
from typing import Any, TypeVar

T = TypeVar("T")


class OwnThread:
    """Does one thing after the other. An executor's threads are joined when the process ends, a daemon is not."""

    def __init__(self, name: str) -> None:
        self._waiting: SimpleQueue[tuple[Future[Any], Callable[[], Any]] | None] = SimpleQueue()
        Thread(target=self._work, name=name, daemon=True).start()

    async def run(self, work: Callable[[], T]) -> T:
        """What `work` returns or raises. Cancelled, it is not begun any more; once begun, it goes on unheard."""
        done: Future[T] = Future()
        self._waiting.put((done, work))
        return await asyncio.wrap_future(done)

    def end(self) -> None:
        """Begin nothing that is given from now on; return at once."""
        self._waiting.put(None)

    def _work(self) -> None:
        while (given := self._waiting.get()) is not None:
            done, work = given
            if not done.set_running_or_notify_cancel():
                continue
            try:
                done.set_result(work())
            except Exception as error:
                done.set_exception(error)
