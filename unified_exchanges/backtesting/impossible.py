"""Numbers in events that nothing can be reckoned with, or paid: the error names the event."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal

from ..errors import BadRequest
from ..models import MarketChange, OrderBook, Trade
from ..money import ONE, ZERO
from ..strategies.given import mistaken

__all__ = ["overlong", "require_finite", "require_finite_queue", "require_payable"]


def require_payable(change: MarketChange) -> None:
    """Refuse what no contract pays."""
    value = change.value
    if value is not None and not (value.is_finite() and ZERO <= value <= ONE):
        raise mistaken(
            f"{change.market_id}: value",
            value,
            "what a contract of the first outcome pays, between 0 and 1 dollars",
        )


def require_finite(events: Iterable[object]) -> None:
    """Refuse the first of these with a price or size that is no number.

    To look for that in each event would take longer than to play it: it is looked for once
    something has come to grief by it.
    """
    for event in events:
        if not all(x.is_finite() for x in _numbers(event)):
            raise mistaken("event", event, "prices and sizes that are finite numbers")


def require_finite_queue(market_id: str, ahead: Decimal) -> None:
    """Refuse a size behind which nobody knows where an order stands."""
    if not ahead.is_finite():
        raise mistaken(
            f"event=OrderBook of {market_id}, a size",
            ahead,
            "prices and sizes that are finite numbers",
        )


def overlong(events: Iterable[object]) -> BadRequest:
    """Of a number made of a float, which has fifty digits: money is never rounded."""
    return mistaken(
        "event",
        max(events, key=_digits),
        'prices and sizes that are made of text, Decimal("0.01") and not Decimal(0.01)',
    )


def _numbers(event: object) -> Iterator[Decimal]:
    if isinstance(event, OrderBook):
        for level in (*event.bids, *event.asks):
            yield level.price
            yield level.size
    elif isinstance(event, Trade):
        yield event.price
        yield event.size


def _digits(event: object) -> int:
    """How long the longest number of an event is."""
    return max((len(x.as_tuple().digits) for x in _numbers(event)), default=0)
