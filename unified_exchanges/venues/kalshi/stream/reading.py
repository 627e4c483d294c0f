"""Frames to models: everything but books, answers and errors.

A function here takes a decoded frame, the bytes that the model keeps and our own time,
and gives one event; what cannot be trusted raises `Malformed`.  Amounts, directions and
words are read by the same functions as REST answers.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from ....models import Fill, MarketChange, MarketStatus, Order, Position, Ticker, Trade
from ....money import ZERO, div
from ..parse.catalog import grid_from
from ..parse.fees import factor
from ..parse.orders import fill_from, order_from
from ..parse.quotes import trade_from
from ..parse.reading import (
    Malformed,
    amount,
    cost,
    milliseconds,
    optional_price,
    price,
    seconds,
    size,
)
from ..wire import orders, quotes
from . import events, frames
from .prices import PRICE_READERS

__all__ = ["READERS", "Reader"]

Reader = Callable[[Any, bytes, datetime], Any]


def _moment(ms: int | None, field: str) -> datetime | None:
    return None if ms is None else milliseconds(ms, field)


def _second(count: int | None, field: str) -> datetime | None:
    return None if count is None else seconds(count, field)


def _size(text: str | None, field: str) -> Decimal | None:
    return None if text is None else size(text, field)


def _cost(text: str | None, field: str) -> Decimal | None:
    return None if text is None else cost(text, field)


# -- quotes ----------------------------------------------------------------------------


def _ticker(frame: frames.Ticker, raw: bytes, _: datetime) -> Ticker:
    w = frame.msg
    bid_size = size(w.yes_bid_size_fp, "msg.yes_bid_size_fp")
    ask_size = size(w.yes_ask_size_fp, "msg.yes_ask_size_fp")
    bid = price(w.yes_bid_dollars, "msg.yes_bid_dollars")
    ask = price(w.yes_ask_dollars, "msg.yes_ask_dollars")
    return Ticker(
        venue="kalshi",
        raw_json=raw,
        market_id=w.market_ticker,
        outcome="yes",
        # An absent quote is told by its size, as in listings.
        bid=bid if bid_size else None,
        ask=ask if ask_size else None,
        bid_size=bid_size,
        ask_size=ask_size,
        last_price=price(w.price_dollars, "msg.price_dollars") or None,
        volume=size(w.volume_fp, "msg.volume_fp"),
        open_interest=size(w.open_interest_fp, "msg.open_interest_fp"),
        timestamp=_moment(w.ts_ms, "msg.ts_ms"),
    )


def _trade(frame: frames.Trade, raw: bytes, _: datetime) -> Trade:
    w = frame.msg
    told = quotes.Trade(
        trade_id=w.trade_id,
        ticker=w.market_ticker,
        count_fp=w.count_fp,
        yes_price_dollars=w.yes_price_dollars,
        no_price_dollars=w.no_price_dollars,
        taker_outcome_side=w.taker_outcome_side,
        taker_book_side=w.taker_book_side,
        created_time=milliseconds(w.ts_ms, "msg.ts_ms"),
        is_block_trade=w.is_block_trade,
    )
    return trade_from(told, raw, "yes")


# -- the account -----------------------------------------------------------------------


def _fill(frame: frames.Fill, raw: bytes, _: datetime) -> Fill:
    w = frame.msg
    told = orders.Fill(
        # Over REST both ids are the same; the stream tells one.
        fill_id=w.trade_id,
        trade_id=w.trade_id,
        order_id=w.order_id,
        ticker=w.market_ticker,
        outcome_side=w.outcome_side,
        book_side=w.book_side,
        count_fp=w.count_fp,
        yes_price_dollars=w.yes_price_dollars,
        is_taker=w.is_taker,
        fee_cost=w.fee_cost,
        created_time=milliseconds(w.ts_ms, "msg.ts_ms"),
        exchange_index=w.exchange_index,
    )
    return fill_from(told, raw, w.client_order_id)


def _order(frame: frames.UserOrder, raw: bytes, _: datetime) -> Order:
    w = frame.msg
    told = orders.Order(
        order_id=w.order_id,
        client_order_id=w.client_order_id,
        ticker=w.ticker,
        outcome_side=w.outcome_side,
        book_side=w.book_side,
        status=w.status,
        yes_price_dollars=w.yes_price_dollars,
        initial_count_fp=w.initial_count_fp,
        fill_count_fp=w.fill_count_fp,
        remaining_count_fp=w.remaining_count_fp,
        taker_fill_cost_dollars=w.taker_fill_cost_dollars,
        maker_fill_cost_dollars=w.maker_fill_cost_dollars,
        taker_fees_dollars=w.taker_fees_dollars,
        maker_fees_dollars=w.maker_fees_dollars,
        created_time=_moment(w.created_ts_ms, "msg.created_ts_ms"),
        last_update_time=_moment(w.last_updated_ts_ms, "msg.last_updated_ts_ms"),
        expiration_time=_moment(w.expiration_ts_ms, "msg.expiration_ts_ms"),
        last_update_reason=w.last_update_reason,
        exchange_index=w.exchange_index,
    )
    return order_from(told, raw)


def _position(frame: frames.Position, raw: bytes, now: datetime) -> Position:
    w = frame.msg
    exposure = amount(w.position_fp, "msg.position_fp")
    held = abs(exposure)
    paid = cost(w.position_cost_dollars, "msg.position_cost_dollars")
    return Position(
        venue="kalshi",
        raw_json=raw,
        market_id=w.market_ticker,
        outcome="no" if exposure < ZERO else "yes",
        size=held,
        cost=paid,
        entry_price=div(paid, held) if held else None,
        realized_pnl=amount(w.realized_pnl_dollars, "msg.realized_pnl_dollars"),
        fees_paid=amount(w.fees_paid_dollars, "msg.fees_paid_dollars"),
        updated_at=_moment(frame.sending_ts_ms, "sending_ts_ms") or now,
        computed=frozenset({"entry_price"}) if held else frozenset(),
    )


def _group(
    frame: frames.OrderGroup, raw: bytes, _: datetime
) -> events.OrderGroupUpdate:
    w = frame.msg
    return events.OrderGroupUpdate(
        venue="kalshi",
        raw_json=raw,
        group_id=w.order_group_id,
        change=w.event_type,
        limit=_size(w.contracts_limit_fp, "msg.contracts_limit_fp"),
        timestamp=_moment(w.ts_ms, "msg.ts_ms"),
    )


# -- lives of markets and events -------------------------------------------------------

_STATUSES: Final[dict[str, MarketStatus | None]] = {
    "activated": MarketStatus.OPEN,
    "deactivated": MarketStatus.PAUSED,
    "determined": MarketStatus.CLOSED,
    "settled": MarketStatus.SETTLED,
    "close_date_updated": None,
    "metadata_updated": None,
    "price_level_structure_updated": None,
}


def _life(
    frame: frames.MarketLife | frames.MultivariateLife, raw: bytes, now: datetime
) -> MarketChange:
    w = frame.msg
    ranges = w.price_ranges
    at = w.settled_ts if w.settled_ts is not None else w.determination_ts
    return MarketChange(
        venue="kalshi",
        raw_json=raw,
        market_id=w.market_ticker,
        change=w.event_type,
        status=_status(w, now),
        closes_at=_second(w.close_ts, "msg.close_ts"),
        result=w.result or None,
        value=optional_price(w.settlement_value, "msg.settlement_value"),
        grid=grid_from(ranges) if bytes(ranges) not in {b"", b"null"} else None,
        timestamp=_second(at, "msg.settled_ts")
        or _moment(frame.sending_ts_ms, "sending_ts_ms"),
    )


def _status(w: frames.MarketLifeMsg, now: datetime) -> MarketStatus | None:
    if w.event_type == "created":
        # A market opens by the clock, without a message.
        opens = _second(w.open_ts, "msg.open_ts")
        opened = opens is not None and opens <= now
        return MarketStatus.OPEN if opened else MarketStatus.UNOPENED
    return _STATUSES.get(w.event_type, MarketStatus.UNKNOWN)


def _event(frame: frames.EventLife, raw: bytes, _: datetime) -> events.EventLifecycle:
    w = frame.msg
    return events.EventLifecycle(
        venue="kalshi",
        raw_json=raw,
        event_id=w.event_ticker,
        series_id=w.series_ticker or None,
        title=w.title or "",
        subtitle=w.subtitle or "",
        collateral_return=w.collateral_return_type or None,
        strike_at=_second(w.strike_date, "msg.strike_date"),
        strike_period=w.strike_period or None,
        shard=w.exchange_index or 0,
    )


def _event_fee(
    frame: frames.EventFee, raw: bytes, _: datetime
) -> events.EventFeeUpdate:
    w = frame.msg
    multiplier = w.fee_multiplier_override
    return events.EventFeeUpdate(
        venue="kalshi",
        raw_json=raw,
        event_id=w.event_ticker,
        fee_type=w.fee_type_override or None,
        fee_multiplier=None
        if multiplier is None
        else factor(multiplier, "msg.fee_multiplier_override"),
    )


# -- requests for quotes ---------------------------------------------------------------


def _rfq(
    kind: type[events.RfqCreated], w: frames.RfqMsg, raw: bytes, at: datetime | None
) -> events.RfqCreated:
    return kind(
        venue="kalshi",
        raw_json=raw,
        rfq_id=w.id,
        creator_id=w.creator_id,
        market_id=w.market_ticker,
        event_id=w.event_ticker or None,
        size=_size(w.contracts_fp, "msg.contracts_fp"),
        cost=_cost(w.target_cost_dollars, "msg.target_cost_dollars"),
        collection_id=w.mve_collection_ticker or None,
        timestamp=at,
    )


def _rfq_created(
    frame: frames.RfqCreated, raw: bytes, _: datetime
) -> events.RfqCreated:
    return _rfq(events.RfqCreated, frame.msg, raw, frame.msg.created_ts)


def _rfq_deleted(
    frame: frames.RfqDeleted, raw: bytes, _: datetime
) -> events.RfqCreated:
    return _rfq(events.RfqDeleted, frame.msg, raw, frame.msg.deleted_ts)


def _quote(w: frames.QuoteMsg, raw: bytes) -> dict[str, Any]:
    return {
        "venue": "kalshi",
        "raw_json": raw,
        "quote_id": w.quote_id,
        "rfq_id": w.rfq_id,
        "quote_creator_id": w.quote_creator_id,
        "rfq_creator_id": w.rfq_creator_id,
        "market_id": w.market_ticker,
        "yes_bid": price(w.yes_bid_dollars, "msg.yes_bid_dollars"),
        "no_bid": price(w.no_bid_dollars, "msg.no_bid_dollars"),
        "event_id": w.event_ticker or None,
        "yes_size": _size(w.yes_contracts_offered_fp, "msg.yes_contracts_offered_fp"),
        "no_size": _size(w.no_contracts_offered_fp, "msg.no_contracts_offered_fp"),
        "cost": _cost(w.rfq_target_cost_dollars, "msg.rfq_target_cost_dollars"),
        "timestamp": w.created_ts,
        "subaccount": w.subaccount,
    }


def _quote_created(
    frame: frames.QuoteCreated, raw: bytes, _: datetime
) -> events.QuoteCreated:
    return events.QuoteCreated(**_quote(frame.msg, raw))


def _quote_accepted(
    frame: frames.QuoteAccepted, raw: bytes, _: datetime
) -> events.QuoteAccepted:
    w = frame.msg
    if w.accepted_side not in {None, "", "yes", "no"}:
        raise Malformed("msg.accepted_side", f"is {w.accepted_side!r}, not yes or no")
    return events.QuoteAccepted(
        **_quote(w, raw),
        accepted_outcome=w.accepted_side or None,
        accepted_size=_size(w.contracts_accepted_fp, "msg.contracts_accepted_fp"),
    )


def _quote_executed(
    frame: frames.QuoteExecuted, raw: bytes, _: datetime
) -> events.QuoteExecuted:
    w = frame.msg
    return events.QuoteExecuted(
        venue="kalshi",
        raw_json=raw,
        quote_id=w.quote_id,
        rfq_id=w.rfq_id,
        quote_creator_id=w.quote_creator_id,
        rfq_creator_id=w.rfq_creator_id,
        order_id=w.order_id,
        client_order_id=w.client_order_id or None,
        market_id=w.market_ticker,
        timestamp=w.executed_ts,
        subaccount=w.subaccount,
    )


READERS: Final[dict[type, Reader]] = {
    frames.Ticker: _ticker,
    frames.Trade: _trade,
    frames.Fill: _fill,
    frames.UserOrder: _order,
    frames.Position: _position,
    frames.OrderGroup: _group,
    frames.MarketLife: _life,
    frames.MultivariateLife: _life,
    frames.EventLife: _event,
    frames.EventFee: _event_fee,
    frames.RfqCreated: _rfq_created,
    frames.RfqDeleted: _rfq_deleted,
    frames.QuoteCreated: _quote_created,
    frames.QuoteAccepted: _quote_accepted,
    frames.QuoteExecuted: _quote_executed,
    **PRICE_READERS,
}
"""How each kind of frame becomes an event."""
