"""What a stream hands on as it comes, to whoever goes along with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from .follower import Follower
from .mailbox import Ended

__all__ = ["Handed"]


class Handed:
    """Somebody is called with all that is told, until this is closed or the stream ends."""

    def __init__(self, leave: Callable[[Follower], None], follower: Follower) -> None:
        self._leave: Final = leave
        self._follower = follower

    @property
    def is_over(self) -> bool:
        """Whether nothing more comes."""
        return self._follower.mailbox.is_closed

    def check(self) -> None:
        """Raise what ended the stream, if that was an error."""
        try:
            self._follower.mailbox.take()
        except Ended:
            return

    def close(self) -> None:
        """Hear no more; closing twice is allowed."""
        if not self.is_over:
            self._leave(self._follower)
