"""The Kalshi venue: its parts put together."""

from __future__ import annotations

from typing import ClassVar

from ...flow import Flow, Response
from ...sending import Call
from .amending import Amending
from .arguments import YES
from .batching import Batching
from .closing import Closing
from .mass_cancelling import MassCancelling
from .rehearsing import Rehearsing
from .resync import Resyncing
from .streaming import Streaming

__all__ = ["KalshiVenue"]


class KalshiVenue(
    Batching, Amending, MassCancelling, Closing, Resyncing, Streaming, Rehearsing
):
    """Every unified method that Kalshi has, as flows."""

    first_outcome: ClassVar[str | None] = YES

    def attempt(self, call: Call, deadline: float) -> Flow[Response]:
        """One try; the first signed one learns the account's limits before."""
        if call.signed and not self._limits_known:
            return self._first_attempt(call, deadline)
        return super().attempt(call, deadline)

    def _first_attempt(self, call: Call, deadline: float) -> Flow[Response]:
        yield from self.discover_limits()
        return (yield from super().attempt(call, deadline))
