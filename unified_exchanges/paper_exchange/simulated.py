"""A simulated venue as the source: served on loopback for as long as the exchange lives."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import Any

from ..registry import folder
from ..simulator.sandbox import Sandbox

__all__ = ["serving"]


@contextmanager
def serving(venue: str) -> Generator[Mapping[str, Any], None, None]:
    """Serve it, with traders who move its books; gives arguments of an exchange."""
    from ..simulator.server import SimulatorServer  # noqa: PLC0415 - loads aiohttp

    sandbox: Sandbox = folder(venue, "simulated").simulated(lively=True)
    with SimulatorServer(sandbox.venue) as server:
        yield {
            "environment": server.url + sandbox.path,
            "api_key": sandbox.api_key,
            "private_key": sandbox.private_key,
            **sandbox.arguments,
        }
