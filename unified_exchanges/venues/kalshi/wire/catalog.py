"""Markets, events and series as Kalshi sends them."""

from __future__ import annotations

from decimal import Decimal

from msgspec import Raw

from .base import Id, Time, Wire

__all__ = [
    "Collection",
    "CollectionAnswer",
    "CollectionsPage",
    "Event",
    "EventAnswer",
    "EventFeeChange",
    "EventFeeChangesPage",
    "EventsPage",
    "Leg",
    "Market",
    "MarketAnswer",
    "MarketsPage",
    "MarketsRows",
    "PriceRange",
    "Series",
    "SeriesAnswer",
    "SeriesFeeChange",
    "SeriesFeeChanges",
    "SeriesList",
    "TagsAnswer",
]


class Leg(Wire, kw_only=True):
    """One condition of a combination."""

    event_ticker: Id
    market_ticker: Id
    side: Id


class PriceRange(Wire, kw_only=True):
    """One band of a price grid."""

    start: str
    end: str
    step: str


class Market(Wire, kw_only=True):
    """A market.

    The fields stand in the order of the wire, which is alphabetical: msgspec looks for
    the next key where it found the last one, and a page decodes a tenth faster.
    """

    close_time: Time | None = None
    created_time: Time | None = None
    event_ticker: Id
    exchange_index: int | None = None
    last_price_dollars: str
    latest_expiration_time: Time | None = None
    market_type: str | None = None
    mve_selected_legs: list[Leg] | None = None
    no_sub_title: str | None = None
    notional_value_dollars: str
    open_interest_fp: str
    open_time: Time | None = None
    previous_price_dollars: str
    price_ranges: Raw
    result: str | None = None
    rules_primary: str | None = None
    settlement_ts: Time | None = None
    settlement_value_dollars: str | None = None
    status: str
    ticker: Id
    title: str | None = None
    volume_24h_fp: str
    volume_fp: str
    yes_ask_dollars: str
    yes_ask_size_fp: str
    yes_bid_dollars: str
    yes_bid_size_fp: str
    yes_sub_title: str | None = None


class MarketsPage(Wire, kw_only=True):
    """A page of markets, decoded in one pass: listings are long."""

    markets: list[Market]
    cursor: str | None = None


class MarketsRows(Wire, kw_only=True):
    """The same page as the JSON of each market."""

    markets: list[Raw]
    cursor: str | None = None


class MarketAnswer(Wire, kw_only=True):
    """One market."""

    market: Raw


class Event(Wire, kw_only=True):
    """An event; its markets are inside only when they were asked for."""

    event_ticker: Id
    series_ticker: str | None = None
    title: str | None = None
    sub_title: str | None = None
    category: str | None = None
    mutually_exclusive: bool | None = None
    markets: list[Raw] | None = None
    last_updated_ts: Time | None = None
    exchange_index: int | None = None


class EventsPage(Wire, kw_only=True):
    """A page of events."""

    events: list[Raw]
    cursor: str | None = None


class EventAnswer(Wire, kw_only=True):
    """One event, its markets beside it unless they were asked for inside it."""

    event: Raw
    markets: list[Raw] | None = None


class Series(Wire, kw_only=True):
    """A series; ``fee_multiplier`` is a JSON number."""

    ticker: Id
    title: str | None = None
    category: str | None = None
    tags: list[str] | None = None
    frequency: str | None = None
    fee_type: str
    fee_multiplier: Decimal
    last_updated_ts: Time | None = None
    exchange_index: int | None = None


class SeriesList(Wire, kw_only=True):
    """All series at once."""

    series: list[Raw]


class TagsAnswer(Wire, kw_only=True):
    """The tags of series by category; a category without any may tell null."""

    tags_by_categories: dict[str, list[str] | None]


class SeriesAnswer(Wire, kw_only=True):
    """One series."""

    series: Raw


class SeriesFeeChange(Wire, kw_only=True):
    """A new fee rule of a series."""

    id: Id
    series_ticker: Id
    fee_type: str
    fee_multiplier: Decimal
    scheduled_ts: Time


class SeriesFeeChanges(Wire, kw_only=True):
    """The fee changes of series, all at once."""

    series_fee_change_arr: list[SeriesFeeChange]


class EventFeeChange(Wire, kw_only=True):
    """A fee rule of one event; null gives the event back to its series' rule."""

    id: Id
    event_ticker: Id
    series_ticker: str | None = None
    fee_type_override: str | None
    fee_multiplier_override: Decimal | None
    scheduled_ts: Time


class EventFeeChangesPage(Wire, kw_only=True):
    """A page of fee changes of events."""

    event_fee_changes: list[EventFeeChange]
    cursor: str | None = None


class Collection(Wire, kw_only=True):
    """A template of combinations."""

    collection_ticker: Id
    series_ticker: str | None = None
    title: str | None = None
    description: str | None = None
    associated_event_tickers: list[str] | None = None
    is_ordered: bool | None = None
    size_min: int | None = None
    size_max: int | None = None
    open_date: Time | None = None
    close_date: Time | None = None
    exchange_index: int | None = None


class CollectionsPage(Wire, kw_only=True):
    """A page of templates."""

    multivariate_contracts: list[Raw]
    cursor: str | None = None


class CollectionAnswer(Wire, kw_only=True):
    """One template."""

    multivariate_contract: Raw
