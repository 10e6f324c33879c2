"""SQL stands in named blocks beside its owner; Python never builds SQL.

A block begins with a line `-- name: find_device` and ends where the next begins.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, LiteralString, cast

_INSTANTS_MAX, _TEXTS_MAX = 8_192, 8_192  # remembered: those of a batch or two
_SHORT = 40  # characters
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


Write = Callable[[Iterable[Any]], str]
"""Of the values of a column makes the text of an array: `array`, `instants` or `texts`."""


def columns(writes: Mapping[str, Write], rows: Iterable[Sequence[Any]]) -> dict[str, str]:
    """Rows as a parameter for each column, by its name, for `unnest`; there must be a row."""
    return {name: write(column) for (name, write), column in zip(writes.items(), zip(*rows, strict=True), strict=True)}


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
    return _short_quoted(value) if len(value) <= _SHORT else _quote(value)


def _quote(value: str) -> str:
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


# Names, boots and kinds come again and again: each is written once.
_short_quoted = lru_cache(maxsize=_TEXTS_MAX)(_quote)
