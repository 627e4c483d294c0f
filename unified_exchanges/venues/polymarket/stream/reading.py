"""Frames to models; amounts and words are read by the functions that read REST answers.

What cannot be trusted raises `Malformed`.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Final

import attrs

from ....grid import PriceGrid
from ....models import (
    Fill,
    FillState,
    Liquidity,
    MarketChange,
    MarketStatus,
    Order,
    OrderStatus,
    Outcome,
    Side,
    Ticker,
    TimeInForce,
    Trade,
)
from ....money import EXACT, ONE, ZERO
from ..fees import Fees
from ..memory import Known
from ..parse.orders import EXPIRY_MARGIN, Ours, status_of
from ..parse.reading import (
    Malformed,
    grid_of,
    instant,
    label_of,
    milliseconds,
    nanoseconds,
    price,
    side_of,
    size,
    sizes,
)
from . import frames
from .books import Top
from .events import NewMarket

__all__ = [
    "Whose",
    "fills",
    "listed",
    "opened",
    "order",
    "regridded",
    "resolved",
    "ticker",
    "trade",
]

# -- the market channel ----------------------------------------------------------------


def _quote(text: str, field: str) -> Decimal | None:
    """A best price; an empty side is told as 0 or 1 dollar, or as nothing."""
    if not text:
        return None
    found = price(text, field)
    return None if found in (ZERO, ONE) else found


def ticker(market_id: str, outcome: str, top: Top, moment: int, raw: bytes) -> Ticker:
    """The best quotes and the last trade, as they are known by now."""
    return Ticker(
        venue="polymarket",
        raw_json=raw,
        market_id=market_id,
        outcome=outcome,
        bid=_quote(top.bid, "best_bid"),
        ask=_quote(top.ask, "best_ask"),
        bid_size=size(top.bid_size, "bids[].size") if top.bid_size else None,
        ask_size=size(top.ask_size, "asks[].size") if top.ask_size else None,
        last_price=price(top.last, "last_trade_price") if top.last else None,
        timestamp=milliseconds(moment, "timestamp"),
    )


def trade(told: frames.LastTrade, market_id: str, outcome: str, raw: bytes) -> Trade:
    """A public trade.  It has no id: its transaction and what it was stand for one."""
    mark = told.transaction_hash or told.timestamp
    return Trade(
        venue="polymarket",
        raw_json=raw,
        trade_id=f"{mark}:{told.asset_id}:{told.side}:{told.price}:{told.size}:"
        f"{told.timestamp}",
        market_id=market_id,
        outcome=outcome,
        price=price(told.price, "price"),
        size=size(told.size, "size"),
        taker_side=side_of(told.side, "side"),
        created_at=instant(told.timestamp, "timestamp"),
        transaction=(told.transaction_hash or "").lower() or None,
    )


def regridded(told: frames.TickSizeChange, grid: PriceGrid, raw: bytes) -> MarketChange:
    """The grid of a market moved while it trades."""
    return MarketChange(
        venue="polymarket",
        raw_json=raw,
        market_id=told.market.lower(),
        change="tick_size_change",
        grid=grid,
        timestamp=instant(told.timestamp, "timestamp"),
    )


def listed(told: frames.NewMarket, raw: bytes) -> tuple[NewMarket, tuple[Outcome, ...]]:
    """A market that was listed, and its outcomes as far as they are told."""
    labels = tuple(label_of(x) for x in told.outcomes)
    tokens = tuple(told.assets_ids)
    tick = told.order_price_min_tick_size
    event = NewMarket(
        venue="polymarket",
        raw_json=raw,
        market_id=told.market.lower(),
        title=told.question,
        slug=told.slug,
        outcomes=labels,
        tokens=tokens,
        grid=grid_of(Decimal(tick), "order_price_min_tick_size") if tick else None,
        timestamp=instant(told.timestamp, "timestamp"),
    )
    if len(labels) != len(tokens):
        return event, ()
    named = zip(labels, tokens, told.outcomes, strict=True)
    return event, tuple(
        Outcome(label=label, outcome_id=token, title=title)
        for label, token, title in named
    )


def opened(told: frames.NewMarket, event: NewMarket, raw: bytes) -> MarketChange:
    """The same as the change of a market's life."""
    return MarketChange(
        venue="polymarket",
        raw_json=raw,
        market_id=event.market_id,
        change="new_market",
        status=MarketStatus.UNOPENED if told.active is False else MarketStatus.OPEN,
        grid=event.grid,
        timestamp=event.timestamp,
    )


def resolved(
    told: frames.MarketResolved, known: Known | None, raw: bytes
) -> MarketChange:
    """It is decided what a market pays: all to one outcome, as far as this tells.

    ``value`` is None where it names no winner, such as of a market that pays half to each.
    """
    tokens = [x.outcome_id for x in known.outcomes] if known else told.assets_ids
    winner = told.winning_asset_id
    value = None
    if winner in tokens:
        value = ONE if winner == tokens[0] else ZERO
    return MarketChange(
        venue="polymarket",
        raw_json=raw,
        market_id=told.market.lower(),
        change="market_resolved",
        status=MarketStatus.SETTLED,
        result=label_of(told.winning_outcome) or None,
        value=value,
        timestamp=instant(told.timestamp, "timestamp"),
    )


# -- the user channel ------------------------------------------------------------------

_TIMES: Final = {
    "GTC": TimeInForce.GTC,
    "GTD": TimeInForce.GTC,
    "FOK": TimeInForce.FOK,
    "FAK": TimeInForce.IOC,
    "IOC": TimeInForce.IOC,
}
_STATES: Final = {"CONFIRMED": FillState.FINAL, "FAILED": FillState.FAILED}


@attrs.frozen(slots=True, eq=False, repr=False)
class Whose:
    """Whose parts in a trade are ours, and what is known of tokens, ids and fees.

    ``ours`` tells whose as of now: the API key may come late.  ``label`` names the outcome of
    a market's token, ``fees`` gives its fee rule; both give None where the market is not
    known yet.
    """

    ours: Callable[[], Ours]
    label: Callable[[str, str], str | None]
    fees: Callable[[str], Fees | None]
    client_id: Callable[[str], str | None]


def order(told: frames.UserOrder, whose: Whose, raw: bytes) -> Order:
    """An order of ours as it stands from here."""
    whole, filled = sizes(told.original_size, told.size_matched)
    status = _status(told, whole, filled)
    may_fill = status in (OrderStatus.OPEN, OrderStatus.UNKNOWN)
    market_id, order_id = told.market.lower(), told.id.lower()
    expires = told.expiration
    return Order(
        venue="polymarket",
        raw_json=whose.ours().without_key(raw),
        order_id=order_id,
        client_order_id=whose.client_id(order_id),
        market_id=market_id,
        outcome=_label(told.outcome, market_id, told.asset_id, whose),
        side=side_of(told.side, "side"),
        price=price(told.price, "price"),
        size=whole,
        filled=filled,
        remaining=EXACT.subtract(whole, filled) if may_fill else ZERO,
        status=status,
        time_in_force=_TIMES.get(told.order_type or ""),
        expires_at=None
        if expires in (None, "", "0", 0)
        else instant(expires or "", "expiration") - EXPIRY_MARGIN,
        created_at=instant(told.created_at, "created_at") if told.created_at else None,
        updated_at=instant(told.timestamp, "timestamp"),
    )


def _status(told: frames.UserOrder, whole: Decimal, filled: Decimal) -> OrderStatus:
    """Where it stands: by how much filled, by what happened, and by the venue's word.

    A cancellation of an order that is whole is seen as well (capture of 2024), and one by
    the venue says ``INVALID``.
    """
    if filled == whole:
        return OrderStatus.CLOSED
    word = status_of(told.status)
    if told.type == "CANCELLATION":
        return word if word is OrderStatus.EXPIRED else OrderStatus.CANCELED
    if word is OrderStatus.CLOSED or told.type == "UPDATE":
        # "Matched" is also said of a part.
        return OrderStatus.OPEN if word is OrderStatus.CLOSED else word
    return word if told.status else OrderStatus.OPEN


def _label(word: str | None, market_id: str, token: str, whose: Whose) -> str:
    return whose.label(market_id, token) or label_of(word or "") or token


def fills(
    told: frames.UserTrade, whose: Whose, raw: bytes, *, may_wait: bool
) -> list[Fill] | None:
    """Our parts in a trade.

    None where the fee rule of its market is not known yet, and they ``may_wait`` for it;
    else they have no fee then.  Each order of ours that was taken counts by itself; of
    what we took there is one.
    """
    ours, makers = whose.ours(), told.maker_orders or ()
    raw = ours.without_key(raw)
    rule = whose.fees(told.market.lower())
    found = [
        _made(told, maker, whose, rule, raw)
        for maker in makers
        if ours.has(maker.owner, maker.maker_address)
    ]
    is_taker = _is_taker(told, ours)
    is_elsewhere = is_taker or any(ours.is_key(maker.owner) for maker in makers)
    if is_taker and not ours.is_elsewhere(told.maker_address):
        found.append(_taken(told, whose, rule, raw))
    if not (found or is_elsewhere):
        raise Malformed("maker_orders", "holds no order of this key or wallet")
    return None if found and rule is None and may_wait else found


def _is_taker(told: frames.UserTrade, ours: Ours) -> bool:
    """Whether our key took it, or our wallet by another key."""
    if told.trader_side:
        return told.trader_side == "TAKER"
    owner = told.trade_owner or told.owner
    return ours.is_key(owner) or ours.has(owner, told.maker_address)


def _taken(told: frames.UserTrade, whose: Whose, rule: Fees | None, raw: bytes) -> Fill:
    return _fill(
        told,
        raw,
        whose,
        rule,
        order_id=told.taker_order_id.lower(),
        outcome=_label(told.outcome, told.market.lower(), told.asset_id, whose),
        side=side_of(told.side, "side"),
        price=price(told.price, "price"),
        size=size(told.size, "size"),
        liquidity=Liquidity.TAKER,
    )


def _made(
    told: frames.UserTrade,
    maker: frames.MakerOrder,
    whose: Whose,
    rule: Fees | None,
    raw: bytes,
) -> Fill:
    return _fill(
        told,
        raw,
        whose,
        rule,
        order_id=maker.order_id.lower(),
        outcome=_label(maker.outcome, told.market.lower(), maker.asset_id, whose),
        side=_maker_side(told, maker),
        price=price(maker.price, "maker_orders[].price"),
        size=size(maker.matched_amount, "maker_orders[].matched_amount"),
        liquidity=Liquidity.MAKER,
    )


def _maker_side(told: frames.UserTrade, maker: frames.MakerOrder) -> Side:
    """The taker's own in the other token, against it in the same."""
    if maker.side:
        return side_of(maker.side, "maker_orders[].side")
    taker = side_of(told.side, "side")
    return taker.opposite if maker.asset_id == told.asset_id else taker


def _fill(
    told: frames.UserTrade,
    raw: bytes,
    whose: Whose,
    rule: Fees | None,
    *,
    order_id: str,
    outcome: str,
    side: Side,
    price: Decimal,
    size: Decimal,
    liquidity: Liquidity,
) -> Fill:
    fee = None
    if rule is not None:
        is_maker = liquidity is Liquidity.MAKER
        fee = rule.fee_if_known(price, size, maker=is_maker)
    return Fill(
        venue="polymarket",
        raw_json=raw,
        fill_id=f"{told.id}:{order_id}",
        trade_id=told.id,
        order_id=order_id,
        client_order_id=whose.client_id(order_id),
        market_id=told.market.lower(),
        outcome=outcome,
        side=side,
        price=price,
        size=size,
        fee=fee,
        liquidity=liquidity,
        created_at=_matched_at(told),
        state=_STATES.get(told.status.removeprefix("TRADE_STATUS_"), FillState.PENDING),
        computed=frozenset() if fee is None else frozenset({"fee"}),
    )


def _matched_at(told: frames.UserTrade) -> datetime:
    matched = instant(told.match_time, "match_time")
    return nanoseconds(told.match_time_nano) or matched
