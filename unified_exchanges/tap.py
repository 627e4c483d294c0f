"""The one place where what goes over the wire of an exchange can be listened to.

A `Tap` hears every request with its answer and every message of a WebSocket, after it
was taken from the wire and before anything is made of it.  Drivers ask the `Taps` of the
venue; where nobody listens, that is one look.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias

from .flow import Request, Response

if TYPE_CHECKING:
    from .replaying.timeline import Timeline
    from .transports import AsyncConnect, Connect

__all__ = ["Direction", "Tap", "Taps"]

Direction: TypeAlias = Literal["in", "out"]


class Tap(Protocol):
    """Hears what goes over the wire, in whatever thread it does; must neither wait nor raise.

    What it is given still holds keys and signatures.
    """

    def begun(self) -> int:
        """The moment at which a request is handed to the transport, as it is told again."""
        ...

    def answered(self, request: Request, response: Response, began: int) -> None:
        """A request was answered."""
        ...

    def unanswered(self, request: Request, error: BaseException, began: int) -> None:
        """A request got no whole answer."""
        ...

    def opened(self, url: str) -> int:
        """A WebSocket was opened; what is returned names it in what follows."""
        ...

    def told(
        self, connection: int, direction: Direction, frames: Sequence[str | bytes]
    ) -> None:
        """Messages came, or leave now."""
        ...

    def closed(self, connection: int, reason: str) -> None:
        """A WebSocket has ended; may be said more than once."""
        ...


class Taps:
    """Who listens to one venue object: nobody, or one; and who stands for the network.

    In a replay ``connect`` and ``async_connect`` refuse to open a WebSocket, and
    ``timeline`` tells what streams told; None where that was not recorded.
    ``has_streams`` is False where the transport answers in memory.
    """

    __slots__ = ("async_connect", "connect", "has_streams", "tap", "timeline")

    def __init__(self) -> None:
        self.tap: Tap | None = None
        self.connect: Connect | None = None
        self.async_connect: AsyncConnect | None = None
        self.timeline: Timeline | None = None
        self.has_streams = True

    @property
    def is_replay(self) -> bool:
        """Whether nothing ever reaches the network."""
        return self.connect is not None or self.async_connect is not None
