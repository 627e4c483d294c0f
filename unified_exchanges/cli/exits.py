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
from ..registry import exchanges
from .failing import StrategyFailed

__all__ = ["ENDED", "MEANINGS", "Exit", "advice", "exit_code"]


class Exit(IntEnum):
    """What a script learns from the command."""

    DONE = 0
    NOT_DONE = 1
    BAD_REQUEST = 2
    REFUSED = 3
    AUTHENTICATION = 4
    RATE_LIMITED = 5
    UNREACHABLE = 6
    ORDER_UNKNOWN = 7
    INCOMPLETE = 8
    # As a shell has it: 128 and the number of the signal.
    HUNG_UP = 129
    INTERRUPTED = 130
    TERMINATED = 143


MEANINGS: dict[Exit, str] = {
    Exit.DONE: "done",
    Exit.NOT_DONE: "declined, unwritable output, unhealthy, a strategy that failed, or a "
    "ledger that does not reconcile",
    Exit.BAD_REQUEST: "fix the call",
    Exit.REFUSED: "the venue refused",
    Exit.AUTHENTICATION: "fix the key or the clock",
    Exit.RATE_LIMITED: "too fast: wait",
    Exit.UNREACHABLE: "no answer, or the venue is down",
    Exit.ORDER_UNKNOWN: "the order may exist: look it up",
    Exit.INCOMPLETE: "done in part",
    Exit.HUNG_UP: "its terminal was lost (SIGHUP)",
    Exit.INTERRUPTED: "stopped with Ctrl-C",
    Exit.TERMINATED: "ended by SIGTERM",
}

ENDED: dict[str, Exit] = {"SIGHUP": Exit.HUNG_UP, "SIGTERM": Exit.TERMINATED}
"""What is left with where a signal ended it."""

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
    words = f"look before you repeat it: unified-exchanges orders --client-id {order}"
    return _asked(words, error)


def _wait(error: UnifiedExchangesError) -> str:
    seconds = error.retry_after if isinstance(error, RateLimitExceeded) else None
    if seconds is None:
        return "wait a few seconds, then repeat it"
    return f"wait {seconds:.1f} seconds, then repeat it"


def _set_clock(error: UnifiedExchangesError) -> str:
    offset = error.offset_ms if isinstance(error, ClockSkew) else None
    off = f", which is {abs(offset):,} ms off" if offset else ""
    return f"set the clock of this machine{off}"


def _keys(error: UnifiedExchangesError) -> str | None:
    if error.status is not None:
        # There is a key, and what the venue said about it comes with the way out.
        return None
    return (
        "pass --api-key and --private-key-path or set the venue's environment "
        "variables; `unified-exchanges simulate` gives you a key to practise with"
    )


def _half_a_key(error: UnifiedExchangesError) -> str | None:
    """Of the arguments that can be missing, the message names all but those of a key."""
    return _keys(error) if "private_key" in str(error) else None


def _reach(error: UnifiedExchangesError) -> str:
    if "127.0.0.1" in str(error) or "localhost" in str(error):
        return f"start one to practise on: unified-exchanges simulate {error.venue}"
    words = "check the network and --environment, then: unified-exchanges status"
    return _asked(words, error)


def _say(words: str) -> Callable[[UnifiedExchangesError], str]:
    return lambda _: words


def _ask(words: str) -> Callable[[UnifiedExchangesError], str]:
    return lambda error: _asked(words, error)


def _asked(words: str, error: UnifiedExchangesError) -> str:
    """The command that the words end with, for the venue that the error came from."""
    return f"{words} --venue {error.venue}" if error.venue in exchanges else words


_ADVICE: tuple[
    tuple[type[UnifiedExchangesError], Callable[[UnifiedExchangesError], str | None]],
    ...,
] = (
    (StrategyFailed, _say("see the calls that led there: --debug")),
    (OrderUnknown, _look_up),
    (RateLimitExceeded, _wait),
    (ReadOnly, _say("add --live to use real money, or --environment demo")),
    (ClockSkew, _set_clock),
    (AuthenticationError, _keys),
    (ArgumentsRequired, _half_a_key),
    (MarketNotFound, _ask("list the ids: unified-exchanges markets")),
    (EventNotFound, _ask("list the ids: unified-exchanges events")),
    (OrderNotFound, _ask("list your orders: unified-exchanges orders --all")),
    (InsufficientFunds, _ask("see your cash: unified-exchanges balance")),
    (RequestTimeout, _say("allow more time with --timeout")),
    (ConnectionLost, _reach),
    (ExchangeNotAvailable, _ask("see whether it trades: unified-exchanges status")),
)
