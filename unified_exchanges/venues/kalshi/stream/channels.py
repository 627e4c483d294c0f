"""Kalshi's channels: who may read them, what they count, and how they are asked for."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

import attrs

from ....errors import ArgumentsRequired, BadRequest
from ....models import Subject

__all__ = ["BOOKS", "CHANNELS", "SUBJECTS", "Channel", "channel_of"]

BOOKS: Final = "orderbook_delta"


@attrs.frozen(kw_only=True, slots=True)
class Channel:
    """One channel.

    ``is_private``: it is subscribed before the others.  ``is_sequenced``: its messages are
    numbered.  ``is_filtered``: the venue is told which markets are wanted; else all come,
    and those that are not wanted are passed over here.  Kalshi would filter private
    channels too, but those of an account are few, and asking for all cannot lose any
    while markets come and go.  ``has_first``: a market that is named is told as it
    stands, before it changes.  ``subject`` is what a gap in it concerns.  ``parameters``
    are Kalshi's further words of a subscription and their types, of which ``needed`` is
    the one without which nothing is told.
    """

    name: str
    subject: Subject | None = None
    is_private: bool = False
    is_sequenced: bool = True
    is_filtered: bool = False
    needs_markets: bool = False
    has_markets: bool = True
    has_first: bool = False
    types: tuple[str, ...] = ()
    parameters: Mapping[str, type] = attrs.field(factory=dict, hash=False)
    needed: str | None = None

    def check_markets(self, market_ids: Collection[str] | None) -> None:
        """Refuse to be asked for no markets, or for some, where that cannot be."""
        if self.needs_markets and market_ids is None:
            message = f"{self.name} is followed market by market: pass their ids"
            raise ArgumentsRequired(message, venue="kalshi")
        if not self.has_markets and market_ids is not None:
            message = (
                f"{self.name} has no filter of markets, and would tell of all of them: "
                "pass none"
            )
            raise BadRequest(message, venue="kalshi")


_TERSE: Final = {"skip_ticker_ack": bool}
"""Words of channels of which the venue is told the markets."""

_TABLE: Final = (
    Channel(
        name="fill",
        subject=Subject.FILLS,
        is_private=True,
        is_sequenced=False,
        types=("fill",),
    ),
    Channel(
        name="user_orders",
        subject=Subject.ORDERS,
        is_private=True,
        is_sequenced=False,
        types=("user_order",),
    ),
    Channel(
        name="market_positions",
        subject=Subject.POSITIONS,
        is_private=True,
        is_sequenced=False,
        types=("market_position",),
    ),
    Channel(
        name="order_group_updates",
        # What triggers a group cancels orders.
        subject=Subject.ORDERS,
        is_private=True,
        has_markets=False,
        types=("order_group_updates",),
    ),
    Channel(
        name="communications",
        is_private=True,
        has_markets=False,
        types=(
            "rfq_created",
            "rfq_deleted",
            "quote_created",
            "quote_accepted",
            "quote_executed",
        ),
        parameters={"user_filter": str, "shard_factor": int, "shard_key": int},
    ),
    Channel(
        name="market_lifecycle_v2",
        subject=Subject.MARKET_STATUS,
        types=("market_lifecycle_v2", "event_lifecycle", "event_fee_update"),
    ),
    Channel(
        name="multivariate_market_lifecycle",
        subject=Subject.MARKET_STATUS,
        types=("multivariate_market_lifecycle", "event_lifecycle"),
    ),
    Channel(
        name="ticker",
        subject=Subject.TICKER,
        is_sequenced=False,
        is_filtered=True,
        has_first=True,
        types=("ticker",),
        parameters={"send_initial_snapshot": bool, **_TERSE},
    ),
    Channel(
        name="trade",
        subject=Subject.TRADES,
        is_filtered=True,
        types=("trade",),
        parameters=_TERSE,
    ),
    Channel(
        name=BOOKS,
        subject=Subject.ORDER_BOOK,
        is_filtered=True,
        needs_markets=True,
        types=("orderbook_snapshot", "orderbook_delta"),
        parameters=_TERSE,
    ),
    Channel(
        name="cfbenchmarks_value",
        has_markets=False,
        types=("cfbenchmarks_value", "cfbenchmarks_value_indexlist"),
        parameters={"index_ids": list},
        needed="index_ids",
    ),
    # Documented by its name alone (changelog, 2026-09-03): what it tells is assumed to
    # be told as on the other.
    Channel(
        name="cfbenchmarks_value_5hz",
        has_markets=False,
        types=("cfbenchmarks_value", "cfbenchmarks_value_indexlist"),
        parameters={"index_ids": list},
        needed="index_ids",
    ),
    Channel(
        name="pyth_value",
        has_markets=False,
        types=("pyth_value", "pyth_value_underlying_list"),
        parameters={"underlying_tickers": list},
        needed="underlying_tickers",
    ),
)

CHANNELS: Final = {channel.name: channel for channel in _TABLE}
"""The channels by name, in the order in which they are subscribed."""

SUBJECTS: Final = {
    Subject.ORDER_BOOK: BOOKS,
    Subject.TICKER: "ticker",
    Subject.TRADES: "trade",
    Subject.ORDERS: "user_orders",
    Subject.FILLS: "fill",
    Subject.POSITIONS: "market_positions",
    Subject.MARKET_STATUS: "market_lifecycle_v2",
}
"""The channel that tells of each subject."""


def channel_of(name: str) -> Channel:
    """A channel by its name; one that we do not know is asked for as it was given."""
    return CHANNELS.get(name) or Channel(
        name=name, is_sequenced=False, is_filtered=True
    )
