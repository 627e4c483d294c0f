"""The error codes of the stream and what they say (docs.kalshi.com, 2026-10)."""

from __future__ import annotations

from collections.abc import Iterable

from ..wire import Payload

__all__ = ["BUFFER_OVERFLOW", "TERMINAL", "Refused", "error_view"]

BUFFER_OVERFLOW = 25
TERMINAL = frozenset({10, BUFFER_OVERFLOW})
"""After these the subscription is dead."""

_TEXTS = {
    1: "Unable to process message",
    2: "Params required",
    3: "Channels required",
    4: "Subscription IDs required",
    5: "Unknown command",
    7: "Unknown subscription ID",
    8: "Unknown channel name",
    9: "Authentication required",
    10: "Channel error",
    11: "Invalid parameter",
    12: "Exactly one subscription ID is required",
    13: "Unsupported action",
    14: "Market Ticker required",
    15: "Action required",
    18: "Command timeout",
    19: "shard_factor must be > 0",
    20: "shard_factor is required when shard_key is set",
    21: "shard_key must be >= 0 and < shard_factor",
    22: "shard_factor must be <= 100",
    24: "Index IDs required",
    25: "Subscription buffer overflow",
    26: "Subscription market limit exceeded",
    27: "Too many requests",
    28: "Underlying tickers required",
}


class Refused(Exception):
    """A command is not carried out."""

    def __init__(self, code: int, *, tickers: Iterable[str] = ()) -> None:
        super().__init__(code)
        self.code = code
        self.tickers = tuple(tickers)


def error_view(code: int, tickers: Iterable[str] = ()) -> Payload:
    """The ``msg`` of an error."""
    view: Payload = {"code": code, "msg": _TEXTS.get(code, f"Error {code}")}
    named = list(tickers)
    return view | {"market_tickers": named} if named else view
