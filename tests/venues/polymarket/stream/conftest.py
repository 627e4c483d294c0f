"""A simulated Polymarket on a socket, and each flavour and library to it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.watching.face import DRIVERS, Face

from .scene import Scene


@pytest.fixture
def scene() -> Iterator[Scene]:
    with Scene() as scene:
        yield scene


@pytest.fixture(params=DRIVERS)
def driver(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def face(scene: Scene, driver: str) -> Face:
    return scene.face(driver)
