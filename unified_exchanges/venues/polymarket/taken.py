"""What an account took, by the trades that its recording tells."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from decimal import Decimal
from typing import Final

import msgspec

from ...models import Fill, Liquidity
from ...money import EXACT, ZERO, complement
from ...paper import OwnTake
from ...paper.orders import nanoseconds
from .parse.reading import Malformed, instant, price, size
from .stream import frames

__all__ = ["own_takes"]

_log = logging.getLogger(__name__)

_SECOND: Final = 1_000_000_000
_read: Final = msgspec.json.Decoder(frames.UserTrade).decode


def own_takes(fill: Fill) -> Iterator[OwnTake]:
    """What it took of each level by a trade; nothing of one at rest.

    A match is told in whole seconds, and told about in milliseconds: it was between.
    """
    if fill.liquidity is not Liquidity.TAKER or fill.is_reversal:
        return
    try:
        told = _read(fill.raw_json)
        levels = _levels(fill, told)
        latest = _latest(fill, told)
    except (Malformed, msgspec.MsgspecError, ArithmeticError) as error:
        _log.warning("what a trade took is passed over, as another's: %s", error)
        return
    earliest = nanoseconds(fill.created_at)
    for level, contracts in levels.items():
        yield OwnTake(
            # Each step of its settlement is told.
            take_id=f"{fill.fill_id}:{level}",
            market_id=fill.market_id,
            outcome=fill.outcome,
            side=fill.side,
            price=level,
            size=contracts,
            earliest=earliest,
            latest=latest,
            transaction=_transaction(told),
        )


def _transaction(told: frames.UserTrade) -> str | None:
    """As `Trade.transaction`; a match may be told before there is one."""
    found = told.transaction_hash
    return (found.lower() or None) if isinstance(found, str) else None


def _latest(fill: Fill, told: frames.UserTrade) -> int:
    """When it had happened at the latest, in nanoseconds since 1970."""
    earliest = nanoseconds(fill.created_at)
    if earliest % _SECOND:
        return earliest
    at = earliest
    if isinstance(told.timestamp, int | str):
        at = max(at, nanoseconds(instant(told.timestamp, "timestamp")))
    return at if at % _SECOND else at + _SECOND - 1


def _levels(fill: Fill, told: frames.UserTrade) -> dict[Decimal, Decimal]:
    """How many it took at each price: one trade may be with several makers."""
    found: dict[Decimal, Decimal] = {}
    for maker in told.maker_orders or ():
        level = price(maker.price, "maker_orders[].price")
        if maker.asset_id != told.asset_id:
            level = complement(level)
        part = size(maker.matched_amount, "maker_orders[].matched_amount")
        found[level] = EXACT.add(found.get(level, ZERO), part)
    return found or {fill.price: fill.size}
