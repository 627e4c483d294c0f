"""A connection of each of the two traders."""

from __future__ import annotations

import pytest

from ..trader import Trader
from .listener import Listener


@pytest.fixture
def listener(ada: Trader) -> Listener:
    return Listener(ada)


@pytest.fixture
def visitor(idle: Trader) -> Listener:
    """A connection to the venue that stays as it is."""
    return Listener(idle)


@pytest.fixture
def other(bob: Trader) -> Listener:
    return Listener(bob)
