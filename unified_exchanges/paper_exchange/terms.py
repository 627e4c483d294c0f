"""What an exchange on paper is made with, beside what every exchange is made with."""

from __future__ import annotations

from typing import Protocol
from weakref import WeakMethod

import attrs

from ..money import Number
from ..paper import Delays
from .file import StateFile

__all__ = ["Eyes", "Terms", "WeakEyes"]


class Eyes(Protocol):
    """Follows markets of the source over its stream, for an exchange that has one."""

    def attend(self, market_id: str) -> None:
        """Follow a market from now on, if that can be; does not wait."""
        ...

    def sees(self, market_id: str) -> bool:
        """Whether its book is live, so that nothing of it needs to be read."""
        ...


class WeakEyes:
    """Those of an exchange, without keeping it: it ends when nobody has it any more."""

    def __init__(self, eyes: Eyes) -> None:
        self._attend = WeakMethod(eyes.attend)
        self._sees = WeakMethod(eyes.sees)

    def attend(self, market_id: str) -> None:
        """Follow a market, while there is somebody who can."""
        attend = self._attend()
        if attend is not None:
            attend(market_id)

    def sees(self, market_id: str) -> bool:
        """Whether its book is live."""
        sees = self._sees()
        return sees is not None and sees(market_id)


@attrs.frozen(kw_only=True, eq=False)
class Terms:
    """Cash in dollars to begin with, how long messages take, and where the state is kept."""

    cash: Number
    delays: Delays
    file: StateFile | None = None
    environment: str | None = None
    """What to call a source that is at another address each time."""
