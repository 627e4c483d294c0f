"""When an answer is lost: whether a write may have taken effect, and when to try again."""

from __future__ import annotations

from collections.abc import Sequence

from ..errors import (
    ExchangeNotAvailable,
    NetworkError,
    RateLimitExceeded,
    UnifiedExchangesError,
    VenueSchemaError,
)
from ..models import CancelResult
from .contract import Venue

__all__ = ["Doubt", "has_acted", "is_doubtful", "reckoned"]


def is_doubtful(error: UnifiedExchangesError) -> bool:
    """Whether the venue may have done what was asked although this came back."""
    if error.maybe_executed:
        return True
    if isinstance(error, NetworkError):
        return error.sent
    if isinstance(error, ExchangeNotAvailable):
        return not error.refused
    return isinstance(error, VenueSchemaError)


def has_acted(results: Sequence[CancelResult]) -> bool:
    """Whether one of these cancels took effect, or may have."""
    return any(x.error is None or x.error.maybe_executed for x in results)


def reckoned(results: Sequence[CancelResult]) -> str:
    """What came of cancels, in words: a cancel that was never sent is not told as sent.

    >>> reckoned([])
    'none was tried'
    """
    errors = [x.error for x in results if x.error is not None]
    idle = [error for error in errors if not error.maybe_executed]
    counts = {
        "took effect": len(results) - len(errors),
        "may have taken effect": len(errors) - len(idle),
        "did not": len(idle),
    }
    told = [f"{count} {what}" for what, count in counts.items() if count]
    why = f" ({idle[0].message})" if idle else ""
    return (", ".join(told) or "none was tried") + why


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
