"""How a command speaks: to a person as text and tables, to a program as JSON."""

from __future__ import annotations

import json
import sys

import typer
from rich.console import Console
from rich.table import Table


def say(words: str | Table) -> None:
    """To a person. What comes from outside must have been escaped."""
    Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else 1000).print(words)


def to_stderr() -> Console:
    """Beside the answer: progress, and what a person should know."""
    return Console(stderr=True, highlight=False, soft_wrap=True)


def say_json(value: object) -> None:
    """To a program."""
    typer.echo(json.dumps(value, indent=2, ensure_ascii=False))
