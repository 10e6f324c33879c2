"""The broker's own process: `python -I broker_child.py CONFIG`. The end of standard input is the end of it."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading


def main(config_path: str) -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # the pipe decides, so that a stop of the whole service is in order
    threading.Thread(target=_end_with_parent, daemon=True).start()
    # rumqttd reports each routed message as an error; its own log says nothing one could use.
    logging.getLogger("rumqttd").setLevel(logging.CRITICAL)
    from iotcore import IotCoreBroker

    IotCoreBroker(config_path=config_path).run_forever()


def _end_with_parent() -> None:
    while os.read(0, 4096):
        pass
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1])
