"""What happens to markets and events."""

from __future__ import annotations

from decimal import Decimal

from msgspec import Raw, field

from ...wire.base import Id, Wire
from .base import Frame

__all__ = [
    "EventFee",
    "EventFeeMsg",
    "EventLife",
    "EventLifeMsg",
    "MarketLife",
    "MarketLifeMsg",
    "MultivariateLife",
]


class MarketLifeMsg(Wire, kw_only=True):
    """What happened to a market; times are seconds, and which are there depends on it."""

    event_type: str
    market_ticker: Id
    open_ts: int | None = None
    close_ts: int | None = None
    result: str | None = None
    determination_ts: int | None = None
    settlement_value: str | None = None
    settled_ts: int | None = None
    price_ranges: Raw = field(default_factory=Raw)


class MarketLife(Frame, kw_only=True, tag="market_lifecycle_v2"):
    """A change of a market."""

    msg: MarketLifeMsg


class MultivariateLife(Frame, kw_only=True, tag="multivariate_market_lifecycle"):
    """A change of a combination."""

    msg: MarketLifeMsg


class EventLifeMsg(Wire, kw_only=True):
    """An event that was made."""

    event_ticker: Id
    exchange_index: int | None = None
    title: str | None = None
    subtitle: str | None = None
    collateral_return_type: str | None = None
    series_ticker: str | None = None
    strike_date: int | None = None
    strike_period: str | None = None


class EventLife(Frame, kw_only=True, tag="event_lifecycle"):
    """A new event."""

    msg: EventLifeMsg


class EventFeeMsg(Wire, kw_only=True):
    """A fee rule of one event; null gives the event back to its series' rule."""

    event_ticker: Id
    fee_type_override: str | None
    fee_multiplier_override: Decimal | None


class EventFee(Frame, kw_only=True, tag="event_fee_update"):
    """The fees of an event changed."""

    msg: EventFeeMsg
