"""Exit codes by family of error, and what a person types next."""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum

from ..errors import (
    ArgumentsRequired,
    AuthenticationError,
    BadRequest,
    ClockSkew,
    ConnectionLost,
    EventNotFound,
    ExchangeError,
    ExchangeNotAvailable,
    InsufficientFunds,
    MarketNotFound,
    NetworkError,
    OrderNotFound,
    OrderUnknown,
    RateLimitExceeded,
    ReadOnly,
    RequestTimeout,
    UnifiedExchangesError,
)

__all__ = ["Exit", "advice", "exit_code"]


class Exit(IntEnum):
    """What a script learns from the command; ``meaning`` is for people."""

    meaning: str

    def __new__(cls, code: int, meaning: str) -> Exit:
        member = int.__new__(cls, code)
        member._value_ = code
        member.meaning = meaning
        return member

    DONE = 0, "done"
    NOT_DONE = 1, "declined, or the demo's ledger does not reconcile"
    BAD_REQUEST = 2, "fix the call"
    REFUSED = 3, "the venue refused"
    AUTHENTICATION = 4, "fix the key or the clock"
    RATE_LIMITED = 5, "too fast: wait"
    UNREACHABLE = 6, "no answer, or the venue is down"
    ORDER_UNKNOWN = 7, "the order may exist: look it up"
    INCOMPLETE = 8, "done in part"
    INTERRUPTED = 130, "stopped with Ctrl-C"


_FAMILIES: tuple[tuple[type[UnifiedExchangesError], Exit], ...] = (
    (OrderUnknown, Exit.ORDER_UNKNOWN),
    (RateLimitExceeded, Exit.RATE_LIMITED),
    (NetworkError, Exit.UNREACHABLE),
    (ExchangeNotAvailable, Exit.UNREACHABLE),
    (AuthenticationError, Exit.AUTHENTICATION),
    (ExchangeError, Exit.REFUSED),
    (BadRequest, Exit.BAD_REQUEST),
)


def exit_code(error: UnifiedExchangesError) -> Exit:
    """The code of the family that an error belongs to.

    >>> exit_code(ReadOnly("no")), exit_code(ClockSkew("late"))
    (<Exit.BAD_REQUEST: 2>, <Exit.AUTHENTICATION: 4>)
    """
    codes = (code for family, code in _FAMILIES if isinstance(error, family))
    return next(codes, Exit.NOT_DONE)


def advice(error: UnifiedExchangesError) -> str | None:
    """What to type next, where the command line has an answer of its own."""
    found = (say for kind, say in _ADVICE if isinstance(error, kind))
    say = next(found, None)
    return say(error) if say else None


def _look_up(error: UnifiedExchangesError) -> str:
    order = error.client_order_id or "ID"
    return f"look before you repeat it: unified-exchanges orders --client-id {order}"


def _wait(error: UnifiedExchangesError) -> str:
    seconds = error.retry_after if isinstance(error, RateLimitExceeded) else None
    if seconds is None:
        return "wait a few seconds, then repeat it"
    return f"wait {seconds:.1f} seconds, then repeat it"


def _set_clock(error: UnifiedExchangesError) -> str:
    offset = error.offset_ms if isinstance(error, ClockSkew) else None
    off = f", which is {abs(offset):,} ms off" if offset else ""
    return f"set the clock of this machine{off}"


def _keys(_: UnifiedExchangesError) -> str:
    return (
        "pass --api-key and --private-key-path or set the venue's environment "
        "variables; `unified-exchanges simulate` gives you a key to practise with"
    )


def _reach(error: UnifiedExchangesError) -> str:
    if "127.0.0.1" in str(error) or "localhost" in str(error):
        return f"start one to practise on: unified-exchanges simulate {error.venue}"
    return "check the network and --environment, then: unified-exchanges status"


def _say(words: str) -> Callable[[UnifiedExchangesError], str]:
    return lambda _: words


_ADVICE: tuple[
    tuple[type[UnifiedExchangesError], Callable[[UnifiedExchangesError], str]], ...
] = (
    (OrderUnknown, _look_up),
    (RateLimitExceeded, _wait),
    (ReadOnly, _say("add --live to use real money, or --environment demo")),
    (ClockSkew, _set_clock),
    (AuthenticationError, _keys),
    (ArgumentsRequired, _keys),
    (MarketNotFound, _say("list the ids: unified-exchanges markets")),
    (EventNotFound, _say("list the ids: unified-exchanges events")),
    (OrderNotFound, _say("list your orders: unified-exchanges orders --all")),
    (InsufficientFunds, _say("see your cash: unified-exchanges balance")),
    (RequestTimeout, _say("allow more time with --timeout")),
    (ConnectionLost, _reach),
    (ExchangeNotAvailable, _say("see whether it trades: unified-exchanges status")),
)
