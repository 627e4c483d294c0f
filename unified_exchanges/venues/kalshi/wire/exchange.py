"""Whether the exchange is up, as Kalshi sends it."""

from __future__ import annotations

from .base import Time, Wire

__all__ = [
    "Cutoff",
    "DailyHours",
    "ExchangeStatus",
    "Freshness",
    "IndexedStatus",
    "Maintenance",
    "Schedule",
    "ScheduleAnswer",
    "WeeklyHours",
]


class IndexedStatus(Wire, kw_only=True):
    """Whether one shard is up."""

    exchange_index: int
    exchange_active: bool
    trading_active: bool


class ExchangeStatus(Wire, kw_only=True):
    """Whether the exchange is up; the top level speaks for shard 0."""

    exchange_active: bool
    trading_active: bool
    exchange_estimated_resume_time: Time | None = None
    exchange_index_statuses: list[IndexedStatus] | None = None


class DailyHours(Wire, kw_only=True):
    """One session, HH:MM in New York; 00:00 to 00:00 is the whole day."""

    open_time: str
    close_time: str


class WeeklyHours(Wire, kw_only=True):
    """The sessions of a week, valid from one date to another."""

    start_time: Time
    end_time: Time
    monday: list[DailyHours] | None = None
    tuesday: list[DailyHours] | None = None
    wednesday: list[DailyHours] | None = None
    thursday: list[DailyHours] | None = None
    friday: list[DailyHours] | None = None
    saturday: list[DailyHours] | None = None
    sunday: list[DailyHours] | None = None


class Maintenance(Wire, kw_only=True):
    """A planned outage."""

    start_datetime: Time
    end_datetime: Time


class Schedule(Wire, kw_only=True):
    """When the exchange trades."""

    standard_hours: list[WeeklyHours]
    maintenance_windows: list[Maintenance]


class ScheduleAnswer(Wire, kw_only=True):
    """The schedule."""

    schedule: Schedule


class Freshness(Wire, kw_only=True):
    """Up to when reads of the account are complete."""

    as_of_time: Time


class Cutoff(Wire, kw_only=True):
    """Before when data must be read from the historical tier."""

    market_settled_ts: Time
    trades_created_ts: Time
    orders_updated_ts: Time
    market_positions_last_updated_ts: Time | None = None
