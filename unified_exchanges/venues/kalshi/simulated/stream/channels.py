"""The channels: what each of them makes of what happens."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

from .....simulator.notices import (
    BookDelta,
    Filled,
    GroupChanged,
    MarketChanged,
    OrderChanged,
    PositionChanged,
    TradePrinted,
)
from ..feeds import IndexTold, PriceTold
from ..house import House
from ..news import EventListed, FeesChanged, MetadataChanged
from ..statements import milliseconds
from ..wire import SECOND, instant
from .lifecycles import (
    event_message,
    fees_message,
    market_message,
    metadata_message,
)
from .prices import index_message, price_message
from .subscriptions import Channel, Message, Naming, Subscription, Viewer
from .views import (
    delta_view,
    fill_message,
    group_view,
    order_message,
    position_message,
    snapshot_view,
    ticker_view,
    trade_message,
)

__all__ = ["CHANNELS", "first_snapshot", "first_ticker"]

_Lives: TypeAlias = MarketChanged | MetadataChanged | EventListed
_UPDATES = frozenset({"add_markets", "delete_markets"})
_LIVES = (MarketChanged, MetadataChanged, EventListed)


# Public data


def first_snapshot(house: House, subscription: Subscription, ticker: str) -> Message:
    """The whole book of a market that is listed."""
    body = snapshot_view(
        ticker,
        house.engine.levels(ticker, "bid"),
        house.engine.levels(ticker, "ask"),
        in_yes_price=subscription.in_yes_price,
    )
    return "orderbook_snapshot", body


def _book(
    notice: BookDelta | MarketChanged, subscription: Subscription, viewer: Viewer
) -> Iterator[Message]:
    if isinstance(notice, MarketChanged):
        # Subscribed to before it was listed: what then comes is assumed.
        ticker = notice.market.market_id
        if notice.change == "created" and subscription.wants(ticker):
            yield first_snapshot(viewer.house, subscription, ticker)
        return
    if not subscription.wants(notice.market_id):
        return
    is_own = viewer.owns(notice.owner)
    body = delta_view(
        notice,
        in_yes_price=subscription.in_yes_price,
        is_own=is_own,
        subaccount=viewer.subaccount(notice.owner) if is_own else None,
    )
    yield "orderbook_delta", body


def first_ticker(
    house: House, subscription: Subscription, ticker: str, time_us: int
) -> Message:
    """The ticker of a market as it stands, whether it was told already or not."""
    view = ticker_view(house.market(ticker))
    subscription.shown[ticker] = view
    times = {
        "ts": time_us // SECOND,
        "ts_ms": milliseconds(time_us),
        "time": instant(time_us),
    }
    return "ticker", {**view, **times}


def _ticker(
    notice: BookDelta | TradePrinted | MarketChanged,
    subscription: Subscription,
    viewer: Viewer,
) -> Iterator[Message]:
    """A ticker whenever any of its fields changed since the last."""
    if isinstance(notice, BookDelta):
        ticker, time_us = notice.market_id, notice.time_us
    elif isinstance(notice, TradePrinted):
        ticker, time_us = notice.trade.market_id, notice.trade.time_us
    else:
        ticker, time_us = notice.market.market_id, notice.time_us
    if not subscription.wants(ticker):
        return
    before = subscription.shown.get(ticker)
    message = first_ticker(viewer.house, subscription, ticker, time_us)
    if subscription.shown[ticker] != before:
        yield message


def _trades(
    notice: TradePrinted, subscription: Subscription, _: Viewer
) -> Iterator[Message]:
    if subscription.wants(notice.trade.market_id):
        yield "trade", trade_message(notice.trade)


# The account's own


def _fills(
    notice: Filled, subscription: Subscription, viewer: Viewer
) -> Iterator[Message]:
    fill = notice.fill
    if viewer.owns(fill.owner) and subscription.wants(fill.market_id):
        yield "fill", fill_message(fill, viewer.subaccount(fill.owner))


def _orders(
    notice: OrderChanged, subscription: Subscription, viewer: Viewer
) -> Iterator[Message]:
    order = notice.order
    if viewer.owns(order.owner) and subscription.wants(order.market_id):
        user_id = viewer.account.public_id
        yield "user_order", order_message(order, notice.reason, user_id)


def _positions(
    notice: PositionChanged, subscription: Subscription, viewer: Viewer
) -> Iterator[Message]:
    position = notice.position
    if viewer.owns(position.owner) and subscription.wants(position.market_id):
        user_id = viewer.account.public_id
        number = viewer.subaccount(position.owner)
        yield "market_position", position_message(position, user_id, number)


def _groups(notice: GroupChanged, _: Subscription, viewer: Viewer) -> Iterator[Message]:
    if viewer.owns(notice.group.owner):
        yield "order_group_updates", group_view(notice)


# From elsewhere


def _indices(
    notice: IndexTold, subscription: Subscription, _: Viewer
) -> Iterator[Message]:
    if subscription.wants_name(notice.index_id):
        yield "cfbenchmarks_value", index_message(notice)


def _prices(
    notice: PriceTold, subscription: Subscription, _: Viewer
) -> Iterator[Message]:
    if subscription.wants_name(notice.underlying):
        yield "pyth_value", price_message(notice)


# Lives


def _lives(
    notice: _Lives | FeesChanged, _: Subscription, viewer: Viewer
) -> Iterator[Message]:
    if isinstance(notice, FeesChanged):
        yield "event_fee_update", fees_message(notice)
    elif _is_combo(notice, viewer.house) is False:
        yield from _life(notice, viewer.house, "market_lifecycle_v2")


def _combo_lives(notice: _Lives, _: Subscription, viewer: Viewer) -> Iterator[Message]:
    if _is_combo(notice, viewer.house):
        yield from _life(notice, viewer.house, "multivariate_market_lifecycle")


def _life(notice: _Lives, house: House, kind: str) -> Iterator[Message]:
    if isinstance(notice, EventListed):
        yield "event_lifecycle", event_message(house, notice)
    elif isinstance(notice, MetadataChanged):
        yield kind, metadata_message(notice)
    else:
        changed = market_message(house, notice)
        if changed is not None:
            yield kind, changed


def _is_combo(notice: _Lives, house: House) -> bool | None:
    """Whether a combination is meant; None when nothing in the catalog is.

    What a test lists on the engine alone has no title that could be told.
    """
    if isinstance(notice, EventListed):
        return house.catalog.is_combo(notice.event_ticker)
    if isinstance(notice, MetadataChanged):
        return _has_legs(notice.ticker, house)
    return _has_legs(notice.market.market_id, house)


def _has_legs(ticker: str, house: House) -> bool | None:
    listed = house.catalog.markets.get(ticker)
    return None if listed is None else bool(listed.legs)


_INDICES = Naming(
    field="index_ids",
    add="subscribe_indices",
    remove="unsubscribe_indices",
    show="indexlist",
    kind="cfbenchmarks_value_indexlist",
    code=24,
    known=lambda house: house.feeds.index_ids,
)
_UNDERLYINGS = Naming(
    field="underlying_tickers",
    add="subscribe_underlyings",
    remove="unsubscribe_underlyings",
    show="underlying_list",
    kind="pyth_value_underlying_list",
    code=28,
    known=lambda house: house.feeds.underlyings(house.now_us),
)

CHANNELS: dict[str, Channel] = {
    channel.name: channel
    for channel in (
        Channel(
            name="orderbook_delta",
            causes=(BookDelta, MarketChanged),
            tell=_book,
            is_private=True,
            takes_markets=True,
            needs_markets=True,
            actions=_UPDATES | {"get_snapshot"},
        ),
        Channel(
            name="ticker",
            causes=(BookDelta, TradePrinted, MarketChanged),
            tell=_ticker,
            is_numbered=False,
            takes_markets=True,
            takes_ids=True,
            actions=_UPDATES,
        ),
        Channel(
            name="trade",
            causes=(TradePrinted,),
            tell=_trades,
            takes_markets=True,
            actions=_UPDATES,
        ),
        Channel(
            name="fill",
            causes=(Filled,),
            tell=_fills,
            is_private=True,
            is_numbered=False,
            takes_markets=True,
            actions=_UPDATES,
        ),
        Channel(
            name="user_orders",
            causes=(OrderChanged,),
            tell=_orders,
            is_private=True,
            is_numbered=False,
            takes_markets=True,
            actions=_UPDATES,
        ),
        Channel(
            name="market_positions",
            causes=(PositionChanged,),
            tell=_positions,
            is_private=True,
            is_numbered=False,
            takes_markets=True,
            actions=_UPDATES,
        ),
        Channel(
            name="order_group_updates",
            causes=(GroupChanged,),
            tell=_groups,
            is_private=True,
        ),
        Channel(name="market_lifecycle_v2", causes=(*_LIVES, FeesChanged), tell=_lives),
        Channel(name="multivariate_market_lifecycle", causes=_LIVES, tell=_combo_lives),
        # There are no requests for quotes here: it can be subscribed to and is silent.
        Channel(name="communications", causes=(), tell=_groups, is_private=True),
        Channel(
            name="cfbenchmarks_value",
            causes=(IndexTold,),
            tell=_indices,
            actions=_INDICES.actions,
            naming=_INDICES,
        ),
        Channel(
            name="pyth_value",
            causes=(PriceTold,),
            tell=_prices,
            actions=_UNDERLYINGS.actions,
            naming=_UNDERLYINGS,
        ),
    )
}
"""All of Kalshi's but ``cfbenchmarks_value_5hz``, which is documented by its name alone."""
