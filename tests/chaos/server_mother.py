"""Forks `gyrophare serve` on demand: what is imported once serves a hundred lives, of which each would take a second.

`python server_mother.py`, settings from the environment. A line on standard input starts a server, one at a time; the
end of standard input ends everything. Standard error tells `started PID`, what the server says, `ended PID`.
"""

from __future__ import annotations

import gc
import os
import select
import signal
import sys

import gyrophare.platform.logs
import gyrophare.server  # noqa: F401  # what `serve` imports when it starts
from gyrophare import cli

STOP_S = 20.0


def _serve() -> int:
    pid = os.fork()
    if pid == 0:
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        sys.argv = ["gyrophare", "serve"]
        code = 1
        try:
            cli.main()
            code = 0
        finally:
            os._exit(code)
    return pid


def _say(words: str) -> None:
    os.write(2, f"{words}\n".encode())


def main() -> None:
    gc.freeze()  # the children share these pages
    while os.read(0, 1):
        pid = _serve()
        _say(f"started {pid}")
        ended = os.pidfd_open(pid)
        readable, _, _ = select.select([ended, 0], [], [])
        if ended not in readable:
            os.kill(pid, signal.SIGTERM)
            if not select.select([ended], [], [], STOP_S)[0]:
                os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        os.close(ended)
        _say(f"ended {pid}")


if __name__ == "__main__":
    main()
