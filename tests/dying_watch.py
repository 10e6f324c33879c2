"""A real process with a simulated watch that measures, sends and presses SOS until somebody kills it.

`python dying_watch.py SPOOL`. Each line names what it has just sent: a boot, a number, whether it is an event.
"""

from __future__ import annotations

import json
import sys
from itertools import count
from pathlib import Path

from gyrophare.sim.spool import Spool
from tests.simulated import after, said, simulated_watch


def main(path: Path) -> None:
    watch = simulated_watch(Spool(path))
    for second in count():
        watch.measure(after(second))
        if second % 50 == 7:
            watch.press("sos", after(second))
        for message in said(watch.outgoing(after(second))):
            print(json.dumps([message["boot"], message["seq"], "kind" in message]), flush=True)  # noqa: T201  # what the test reads


if __name__ == "__main__":
    main(Path(sys.argv[1]))
