"""What is wrong in a message that can be used nonetheless: a bad detail never holds back the rest."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from gyrophare.kernel.errors import WireError
from gyrophare.kernel.observations import Doubt
from ingest.formats import Refusal

T = TypeVar("T")


class Faults:
    """Reads field by field; a field that cannot be read is None, and its refusal is kept."""

    def __init__(self) -> None:
        self._refusals: list[Refusal] = []

    def read(self, field: Callable[[], T]) -> T | None:
        """What `field` returns, or None when it raises a WireError."""
        try:
            return field()
        except WireError as error:
            self._refusals.append(Refusal(reason=error.reason, detail=error.detail))
            return None

    @property
    def refusals(self) -> tuple[Refusal, ...]:
        return tuple(self._refusals)

    def doubts(self, *more: Doubt) -> tuple[Doubt, ...]:
        """The reasons of all refusals so far and `more`, each once."""
        return tuple(dict.fromkeys([*(Doubt(refusal.reason) for refusal in self._refusals), *more]))
