"""The doors to the outside: what a driver needs of a transport, and two real ones.

A transport performs one `Request` exactly once: it does not retry, does not follow
redirects and does not interpret a status.  A failure is a `NetworkError` whose ``sent``
is False only when it is certain that no byte of the request left this machine.
"""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from ..flow import Request, Response

__all__ = ["AsyncTransport", "Transport"]


@runtime_checkable
class Transport(Protocol):
    """What the blocking driver needs.  Must be usable from several threads at once."""

    def send(self, request: Request) -> Response:
        """Perform the request; raise `NetworkError` when no whole answer arrives."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait; a scripted transport moves its virtual clock instead."""

    def close(self) -> None:
        """Release the connections; closing twice is allowed."""


@runtime_checkable
class AsyncTransport(Protocol):
    """What the async driver needs.  Opened lazily: made without a running loop."""

    async def send(self, request: Request) -> Response:
        """Perform the request; raise `NetworkError` when no whole answer arrives."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait; a scripted transport moves its virtual clock instead."""

    async def close(self) -> None:
        """Release the connections; closing twice is allowed."""
