"""Drivers and venues that end with the test."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any, Protocol

import pytest

from .runner import DRIVERS, Runner
from .venue import VenueServer


class Start(Protocol):
    """Makes a runner of the driver under test."""

    def __call__(self, url: str, **settings: Any) -> Runner: ...


@pytest.fixture(params=DRIVERS)
def driver(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def runner(driver: str, stack: ExitStack) -> Start:
    def make(url: str, **settings: Any) -> Runner:
        made = Runner(driver, url, **settings)
        stack.callback(made.end)
        return made

    return make


class Open(Protocol):
    """Starts a venue."""

    def __call__(self, *behaviours: Any) -> VenueServer: ...


@pytest.fixture
def venue(stack: ExitStack) -> Open:
    return lambda *behaviours: stack.enter_context(VenueServer(*behaviours))
