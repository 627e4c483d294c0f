"""What a simulated venue offers to a stream: a connection as an object without I/O."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, runtime_checkable

from ..flow import Request, Response

__all__ = ["Session", "StreamingVenue"]


class Session(Protocol):
    """One connection to a venue. Frames are text: JSON, or a bare word.

    What they are has a ``type`` or an ``event_type``; those of a subscription may have
    its ``sid``, and those that are numbered a ``seq``. Several may come in one list. A
    command says in ``cmd``, ``operation`` or ``type`` what it is.
    """

    wake: Callable[[], None]
    """Called when there is something to send after there was nothing, from any thread."""

    @property
    def closing(self) -> int | None:
        """The close code that the venue wants, None while it wants none."""
        ...

    def receive(self, data: str | bytes) -> None:
        """Take a frame from the client."""
        ...

    def data_to_send(self) -> list[str]:
        """The frames that are ready, in order."""
        ...

    def refuse(self, data: str | bytes, code: int) -> None:
        """Answer a command with an error instead of carrying it out."""
        ...

    def fail(self, sid: int, code: int) -> None:
        """End a subscription with an error."""
        ...

    def close(self) -> None:
        """Forget the client: the connection is gone."""
        ...


@runtime_checkable
class StreamingVenue(Protocol):
    """A simulated venue that has a stream too."""

    def connect(self, request: Request) -> Response | Session:
        """A session for the request of an upgrade, or the answer that refuses it."""
        ...

    def advance(self) -> None:
        """Let happen what is due by the venue's clock."""
        ...
