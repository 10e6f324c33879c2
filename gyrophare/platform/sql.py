"""SQL stands in named blocks beside its owner; Python never builds SQL.

A block begins with a line `-- name: find_device` and ends where the next begins.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import LiteralString, cast

_INSTANTS_MAX = 20_000
_BLOCK = re.compile(r"^-- name: (?P<name>[a-z0-9_]+)\n(?P<sql>.*?)(?=^-- name: |\Z)", re.MULTILINE | re.DOTALL)


def load(beside: str, name: str = "queries.sql") -> dict[str, LiteralString]:
    """The named blocks of the file `name` that stands beside the module file `beside`.

    Raise ValueError when a name stands twice.
    """
    path = Path(beside).with_name(name)
    blocks: dict[str, LiteralString] = {}
    for match in _BLOCK.finditer(path.read_text(encoding="utf-8")):
        if match["name"] in blocks:
            raise ValueError(f"{path}: the block {match['name']} stands twice; rename one")
        # The file is ours and read before any input is: as literal as a string in the code.
        blocks[match["name"]] = cast("LiteralString", match["sql"])
    return blocks


def array(values: Iterable[float | bool | None]) -> str:
    """A PostgreSQL array of finite numbers or booleans as text.

    psycopg asks each element for its type: for the columns of a batch of fixes that costs eight times as much.
    """
    return "{" + ",".join(map(repr, values)).replace("None", "NULL") + "}"


def instants(values: Iterable[datetime | None]) -> str:
    """A PostgreSQL array of instants as text, in seconds since 1970, which loses no microsecond."""
    return "{" + ",".join(map(_seconds, values)) + "}"


@lru_cache(maxsize=_INSTANTS_MAX)
def _seconds(at: datetime | None) -> str:
    """Written once: one instant of a report stands in several columns of several tables."""
    return "NULL" if at is None else repr(at.timestamp())


def texts(values: Iterable[str | None]) -> str:
    """A PostgreSQL array of texts as text; an empty one where all are None, which `unnest` fills up beside others."""
    some = list(values)
    if some.count(None) == len(some):
        return "{}"
    return "{" + ",".join(["NULL" if value is None else _quoted(value) for value in some]) + "}"


def _quoted(value: str) -> str:
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
