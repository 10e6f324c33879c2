"""Values that never change: frozen for the type checker, which costs nothing when one is made.

A frozen dataclass sets each field through `object.__setattr__`: 2.5 µs for a report of fifteen fields instead of 0.6,
and ten thousand are made a second.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar, dataclass_transform

T = TypeVar("T")


@dataclass_transform(frozen_default=True, kw_only_default=True)
def value(cls: type[T]) -> type[T]:
    """A keyword-only dataclass that mypy refuses to change."""
    return dataclass(slots=True, kw_only=True, unsafe_hash=True)(cls)
