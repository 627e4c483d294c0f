"""The doors to the outside: what a driver needs of a transport, and two real ones.

A transport performs one `Request` exactly once: it does not retry, does not follow
redirects and does not interpret a status.  A failure is a `NetworkError` whose ``sent``
is False only when it is certain that no byte of the request left this machine.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NoReturn, Protocol, runtime_checkable

from ..flow import Request, Response

__all__ = [
    "AsyncConnect",
    "AsyncConnection",
    "AsyncTransport",
    "Connect",
    "Connection",
    "Transport",
]


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


class Connection(Protocol):
    """An open WebSocket, for one thread; any thread may close it or wake its reader.

    Errors are `NetworkError`, with the close code as ``code`` where there was one.
    """

    def recv(self, timeout: float) -> Sequence[str | bytes]:
        """All messages that have arrived, waiting for the first; none if woken or late."""
        ...

    def wake(self) -> None:
        """Let a `recv` that waits return."""

    def send(self, text: str) -> None:
        """Send a message."""

    def close(self) -> None:
        """Say goodbye (1000) and release the socket; closing twice is allowed."""


class AsyncConnection(Protocol):
    """An open WebSocket in the running loop; errors are those of `Connection`."""

    async def run(self, deliver: Callable[[Sequence[str | bytes]], None]) -> NoReturn:
        """Hand over messages as they arrive, until the connection or ``deliver`` fails.

        A call hands over one or several messages, and other tasks live between calls.
        """
        ...

    async def send(self, text: str) -> None:
        """Send a message."""

    async def close(self) -> None:
        """Say goodbye (1000) and release the socket; closing twice is allowed.

        It takes ``handshake.GOODBYE`` at most, whatever the other side does.
        """


class Connect(Protocol):
    """Opens a WebSocket; raises `NetworkError` or `UpgradeRefused`.

    ``heard`` is called at any sign of life that is no message, maybe in another thread.
    """

    def __call__(
        self,
        url: str,
        headers: Mapping[str, str],
        *,
        heard: Callable[[], None],
        timeout: float,
    ) -> Connection:
        """Open one; ``timeout`` is seconds for all of it."""
        ...


class AsyncConnect(Protocol):
    """Opens a WebSocket in the running loop; see `Connect`."""

    async def __call__(
        self,
        url: str,
        headers: Mapping[str, str],
        *,
        heard: Callable[[], None],
        timeout: float,  # noqa: ASYNC109 - the libraries' own, all phases included
    ) -> AsyncConnection:
        """Open one; ``timeout`` is seconds for all of it."""
        ...
