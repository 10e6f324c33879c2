"""What the chaos tests share: a seed that is told, so that a failure can be repeated, and a place for figures."""

from __future__ import annotations

import os
import secrets
import sys
from collections.abc import Callable

import pytest

Tell = Callable[[str], object]


@pytest.fixture
def tell(request: pytest.FixtureRequest) -> Tell:
    """Say a figure: it is seen with a failure, and always with `pytest -s`."""
    return lambda words: sys.stdout.write(f"\n{request.node.name}: {words}\n")


@pytest.fixture
def seed(tell: Tell) -> int:
    """A random one, told with a failure; CHAOS_SEED=… repeats it."""
    seed = int(os.environ.get("CHAOS_SEED") or secrets.randbits(32))
    tell(f"CHAOS_SEED={seed}")
    return seed
