"""When an answer is lost: whether a write may have taken effect, and when to try again."""

from __future__ import annotations

from ..errors import (
    ExchangeNotAvailable,
    NetworkError,
    RateLimitExceeded,
    UnifiedExchangesError,
    VenueSchemaError,
)
from .contract import Venue

__all__ = ["Doubt", "is_doubtful"]


def is_doubtful(error: UnifiedExchangesError) -> bool:
    """Whether the venue may have done what was asked although this came back."""
    if error.maybe_executed:
        return True
    if isinstance(error, NetworkError):
        return error.sent
    if isinstance(error, ExchangeNotAvailable):
        return not error.refused
    return isinstance(error, VenueSchemaError)


class Doubt(Venue):
    """Decides about writes whose repetition does no harm."""

    def again(
        self,
        error: UnifiedExchangesError,
        attempt: int,
        deadline: float,
        *,
        in_doubt: bool,
    ) -> float | None:
        """Seconds until the same write may be sent again, or None.

        A refusal for speed is final, unless an earlier try may have taken effect.
        """
        if isinstance(error, VenueSchemaError):
            error = ExchangeNotAvailable(error.message)
        if isinstance(error, RateLimitExceeded) and error.status is None:
            return None
        return self.retry.delay(
            error,
            attempt,
            repeatable=in_doubt or not isinstance(error, RateLimitExceeded),
            remaining=deadline - self.clock.monotonic(),
            rng=self.rng,
        )
