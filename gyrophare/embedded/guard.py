"""Run one program, and see to it that it does not outlive the process that asked for it.

    python -I -S guard.py UID GID SCRATCH PROGRAM [ARGUMENT...]

Standard input is a pipe held open by the asking process alone. A line on it means "stop in good order"; its end means
that process is gone, killed or not, and nobody can wait. UID -1 keeps the user. SCRATCH ("" for none) is a folder to
remove at the end. It stands alone, on the standard library: it runs as root where the program must not, and is there
when its parent no longer is.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
import signal
import sys
import threading
import time
from typing import NoReturn

ORDERLY_S = 10.0  # a shutdown checkpoint on a slow disk
ORPHANED_S = 1.0
FORCED_S = 6.0  # PostgreSQL itself kills what is left of its children after 5 s
PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36


def main(uid: int, gid: int, scratch: str, command: list[str]) -> NoReturn:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _ignore)  # the pipe decides, so that a stop of the whole service is in order
    if sys.platform == "linux":  # PostgreSQL's log collector outlives its parent by a moment: we wait for it as well
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1)
    guard = os.getpid()
    child = os.fork()
    if child == 0:
        _become(uid, gid, guard, command)
    threading.Thread(target=_stop_when_told, args=(child,), daemon=True).start()
    _, status = os.waitpid(child, 0)
    with contextlib.suppress(ChildProcessError):
        while True:
            os.wait()
    if scratch:
        shutil.rmtree(scratch, ignore_errors=True)
    code = os.waitstatus_to_exitcode(status)
    os._exit(code if code >= 0 else 128 - code)


def _ignore(*_: object) -> None:
    """Unlike SIG_IGN, a handler is not inherited by the program."""


def _become(uid: int, gid: int, guard: int, command: list[str]) -> NoReturn:
    try:
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        if uid != -1:
            os.setgroups([])
            os.setgid(gid)
            os.setuid(uid)
        if sys.platform == "linux":  # should the guard itself be killed; after setuid, which would clear it
            ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGQUIT)
            if os.getppid() != guard:
                os._exit(1)
        os.execv(command[0], command)  # noqa: S606 - our own server, without a shell
    except BaseException as error:  # a fork must never return into its caller
        os.write(2, f"cannot run {command[0]}: {error}\n".encode())
    os._exit(127)


def _stop_when_told(child: int) -> None:
    """To PostgreSQL SIGINT is a fast shutdown and SIGQUIT an immediate one, which its log makes safe."""
    orderly = os.read(0, 1) != b""
    os.kill(child, signal.SIGINT)
    time.sleep(ORDERLY_S if orderly else ORPHANED_S)
    os.kill(child, signal.SIGQUIT)
    time.sleep(FORCED_S)
    os.kill(child, signal.SIGKILL)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4:])
