"""Series, events and markets as Gamma sends them, and a market as the CLOB does."""

from __future__ import annotations

from msgspec import Raw, field

from .base import Id, Number, TokenId, Untrusted, Wire

__all__ = [
    "CategoryOf",
    "ClobFees",
    "ClobMarket",
    "ClobToken",
    "Event",
    "EventsPage",
    "FeeSchedule",
    "Market",
    "MarketFees",
    "MarketsPage",
    "Named",
    "SearchPage",
    "Series",
    "Tag",
]


class FeeSchedule(Wire, kw_only=True, rename="camel"):
    """What takers of a market are charged by; each may be null (specification, 2026-10)."""

    rate: Number | None = None
    exponent: Number | None = None
    taker_only: bool | None = None


class MarketFees(Wire, kw_only=True, rename="camel"):
    """What a market says of its fees: read when they are asked for, and not before."""

    fees_enabled: bool | None = None
    fee_schedule: FeeSchedule | None = None


class SeriesOf(Wire, kw_only=True):
    """The series of an event, named in it."""

    id: str | int


class EventOf(Wire, kw_only=True):
    """The event of a market, named in it."""

    id: str | int
    series: list[SeriesOf] | None = None


class Market(Wire, kw_only=True, rename="camel"):
    """A market; lists are texts that hold JSON, and any field may be missing.

    ``condition_id`` is missing, and so are the tokens, for what never had an order book.
    """

    id: str | int
    question: str | None = None
    condition_id: str | None = None
    version: str | None = None
    outcomes: str | None = None
    outcome_prices: str | None = None
    clob_token_ids: str | None = None
    position_ids: list[str | int] | None = None
    active: bool | None = None
    closed: bool | None = None
    accepting_orders: bool | None = None
    enable_order_book: bool | None = None
    order_price_min_tick_size: Number | None = None
    order_min_size: Number | None = None
    neg_risk_other: bool | None = None
    group_item_title: str | None = None
    best_bid: Number | None = None
    best_ask: Number | None = None
    last_trade_price: Number | None = None
    volume_num: Number | None = None
    uma_resolution_status: str | None = None
    resolution_status: str | None = None
    description: str | None = None
    created_at: str | None = None
    start_date: str | None = None
    end_date: str | None = None
    closed_time: str | None = None
    events: list[EventOf] | None = None


class Named(Wire, kw_only=True, rename="camel"):
    """What a row that cannot be read is called."""

    id: Untrusted = None
    condition_id: Untrusted = None


class MarketsPage(Wire, kw_only=True):
    """A page of markets; no cursor on the last."""

    markets: list[Raw]
    next_cursor: str | None = None


class Event(Wire, kw_only=True, rename="camel"):
    """An event with its markets."""

    id: str | int
    title: str | None = None
    subtitle: str | None = None
    category: str | None = None
    neg_risk: bool | None = None
    series: list[SeriesOf] | None = None
    markets: list[Raw] | None = None
    updated_at: str | None = None


class EventsPage(Wire, kw_only=True):
    """A page of events; no cursor on the last."""

    events: list[Raw]
    next_cursor: str | None = None


class SearchPagination(Wire, kw_only=True, rename="camel"):
    """Whether a search has more."""

    has_more: bool


class SearchPage(Wire, kw_only=True):
    """A page of a search: events, beside what is passed over."""

    events: list[Raw] | None = None
    pagination: SearchPagination


class TagOf(Wire, kw_only=True):
    """A tag, named in what has it."""

    label: str | None = None


class Tag(Wire, kw_only=True):
    """A tag in the list of them."""

    id: str | int
    label: str | None = None
    slug: str | None = None


class CategoryOf(Wire, kw_only=True):
    """A category, named in what has it."""

    label: str | None = None


class Series(Wire, kw_only=True, rename="camel"):
    """A series."""

    id: str | int
    title: str | None = None
    recurrence: str | None = None
    categories: list[CategoryOf] | None = None
    tags: list[TagOf] | None = None
    updated_at: str | None = None


class ClobToken(Wire, kw_only=True):
    """A token of a market and its outcome."""

    token_id: TokenId = field(name="t")
    outcome: Id = field(name="o")


class ClobFees(Wire, kw_only=True):
    """The fee schedule of a market, in the CLOB's letters; what is left out is 0."""

    rate: Number | None = field(name="r", default=None)
    exponent: Number | None = field(name="e", default=None)
    taker_only: bool | None = field(name="to", default=None)


class ClobMarket(Wire, kw_only=True):
    """What must be known of a market to trade on it; falsy fields are left out."""

    tokens: list[ClobToken] = field(name="t")
    minimum_size: Number = field(name="mos")
    tick: Number = field(name="mts")
    neg_risk: bool = field(name="nr", default=False)
    seconds_delay: int = field(name="sd", default=0)
    has_taker_delay: bool = field(name="itode", default=False)
    fees: ClobFees | None = field(name="fd", default=None)
