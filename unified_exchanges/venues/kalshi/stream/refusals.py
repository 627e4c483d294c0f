"""Kalshi's error codes on the stream as our errors, and what is done about each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ....errors import (
    AuthenticationError,
    BadRequest,
    ExchangeError,
    ExchangeNotAvailable,
    MarketNotFound,
    RateLimitExceeded,
    RequestTimeout,
    UnifiedExchangesError,
)
from ....venue.refusals import clean

__all__ = [
    "CHANNEL",
    "CROWDED",
    "GONE",
    "LIMIT",
    "PARAMETER",
    "PASSING",
    "SUBSCRIPTION",
    "TERMINAL",
    "error_of",
    "missing",
    "no_book",
    "silent",
]

TERMINAL: Final = frozenset({10, 17, 25})
"""The subscription is dead: subscribe again (17 is retired)."""

PASSING: Final = TERMINAL | {1, 18, 27}
"""What may go better a little later."""

CROWDED: Final = PASSING - {1}
"""What would only get worse by asking for each market by itself."""

CHANNEL: Final = frozenset({2, 3, 5, 8, 9, 19, 20, 21, 22, 23, 24, 28})
"""What is wrong with the channel as a whole, whatever the markets."""

GONE: Final = 7
"""The venue does not know the subscription: it died without our hearing of it."""

SUBSCRIPTION: Final = frozenset({4, 5, 12, 13, 15})
"""What is wrong with the way that the subscription is asked: begin it anew."""

LIMIT: Final = 26
"""No more markets fit into the subscription."""

PARAMETER: Final = 11
"""Something named is wrong; of a request that names a market alone, that market."""

_NOT_FOUND: Final = 16

_KINDS: Final[dict[int, type[UnifiedExchangesError]]] = {
    1: ExchangeNotAvailable,
    9: AuthenticationError,
    10: ExchangeNotAvailable,
    _NOT_FOUND: MarketNotFound,
    17: ExchangeNotAvailable,
    18: RequestTimeout,
    25: ExchangeNotAvailable,
    LIMIT: ExchangeError,
    27: RateLimitExceeded,
}

_ADVICE: Final = {
    8: "Check the name of the channel",
    9: "Check the key and its rights",
    PARAMETER: "Check that the market exists and the parameters are right",
    14: "Name the markets to follow",
    _NOT_FOUND: "Check the market id",
    LIMIT: "Follow fewer markets on this connection, or open another one",
    27: "Follow again later",
}
_SHOWN = 3


def error_of(
    code: int, words: str, channel: str, markets: Sequence[str]
) -> UnifiedExchangesError:
    """The error of a refused command: what was asked, what was said, what to do."""
    kind = _KINDS.get(code, BadRequest)
    advice = _ADVICE.get(code) or (
        "It is tried again by itself, a few times"
        if code in PASSING
        else "Change what is asked for: it will be refused again"
    )
    message = (
        f"following {_named(channel, markets)}: Kalshi answered error {code} "
        f"({clean(words)}). {advice}"
    )
    return kind(message, venue="kalshi", code=str(code))


def missing(channel: str, market_id: str) -> MarketNotFound:
    """A market that Kalshi left out of its acknowledgement."""
    message = (
        f"following {_named(channel, [market_id])}: Kalshi acknowledged the others only. "
        "Check the market id"
    )
    return MarketNotFound(message, venue="kalshi")


def no_book(channel: str, market_id: str, code: int, words: str) -> MarketNotFound:
    """A market of which Kalshi refused to tell the book, which names nothing else."""
    message = (
        f"following {_named(channel, [market_id])}: asked for its book, Kalshi answered "
        f"error {code} ({clean(words)}). Check the market id"
    )
    return MarketNotFound(message, venue="kalshi", code=str(code))


def silent(channel: str, market_id: str) -> MarketNotFound:
    """A market whose book never came though it was asked for again."""
    message = (
        f"following {_named(channel, [market_id])}: Kalshi sent no snapshot of it, "
        "however often it was asked. Check the market id"
    )
    return MarketNotFound(message, venue="kalshi")


def _named(channel: str, markets: Sequence[str]) -> str:
    if not markets:
        return channel
    more = f" and {len(markets) - _SHOWN} more" if len(markets) > _SHOWN else ""
    return f"{channel} of {', '.join(markets[:_SHOWN])}{more}"
