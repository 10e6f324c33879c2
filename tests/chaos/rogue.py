"""A device gone mad, in a process of its own: a thousand messages a second that nobody can read, some of 2 MB.

`python rogue.py URL SECONDS PER_S own|any`. Standard output, at the end: how many the broker took, by topic, as JSON.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections import Counter
from itertools import cycle

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

NAME = "rogue"  # registered; the strangers are not
LARGE_BYTES = 2_000_000
LARGE_EVERY = 100  # of the messages one is so large
_STRANGERS = 300
_UNANSWERED_MAX = 200

_LARGE = b'"' + b"x" * LARGE_BYTES + b'"'
_DEEP = (b"[" * 5_000 + b"]" * 5_000, b'{"a":' * 2_500 + b"1" + b"}" * 2_500, b"[" * 200_000)
_SMALL = (b"{", b"", b"\xc3\x28", b"[]x", b'"a word"', b"-1", b'{"boot": 7, "seq": "x"}')


def _messages(names: str) -> list[tuple[str, bytes]]:
    """What it sends, again and again: every body is refused on every topic.

    Of its `own` name, as a broker with access rights has it, or under `any` other.
    """
    topics = [f"gyrophare/v1/watches/{NAME}/{kind}" for kind in ("fixes", "events", "status")]
    if names == "any":
        named = range(_STRANGERS)
        topics = [f"gyrophare/v1/watches/stranger-{number}/{kind}" for number in named for kind in ("fixes", "events")]
        topics.append("owntracks/rogue/phone")
    bodies = cycle((*_SMALL, *_DEEP[:2], *_SMALL, *_DEEP))
    return [
        (topic, _LARGE if number % LARGE_EVERY == LARGE_EVERY // 2 else next(bodies))
        for number, topic in zip(range(10 * LARGE_EVERY), cycle(topics), strict=False)
    ]


def _end_with_parent(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(1)


def main(url: str, seconds: float, per_s: float, names: str) -> None:
    threading.Thread(target=_end_with_parent, args=[os.getppid()], daemon=True).start()
    taken: Counter[str] = Counter()
    client = paho.Client(CallbackAPIVersion.VERSION2, client_id=NAME, protocol=paho.MQTTv5)
    client.max_inflight_messages_set(_UNANSWERED_MAX)
    host, port = url.removeprefix("mqtt://").split(":")
    client.connect(host, int(port), clean_start=True)
    client.loop_start()
    infos = []
    began_s = time.monotonic()
    for number, (topic, body) in enumerate(cycle(_messages(names))):
        late_s = time.monotonic() - began_s
        if late_s >= seconds:
            break
        if number / per_s > late_s:
            time.sleep(number / per_s - late_s)
        infos.append((topic, client.publish(topic, body, qos=1)))
        if len(infos) > _UNANSWERED_MAX:
            infos[-_UNANSWERED_MAX][1].wait_for_publish(30)  # the broker sets the pace when it is slower than we
    for topic, info in infos:
        info.wait_for_publish(30)
        taken[topic] += 1
    client.disconnect()
    client.loop_stop()
    sys.stdout.write(json.dumps(taken))


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]), float(sys.argv[3]), sys.argv[4])
