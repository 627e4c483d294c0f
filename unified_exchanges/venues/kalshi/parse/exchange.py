"""Status, schedule, freshness and the historical cutoff out of Kalshi's answers."""

from __future__ import annotations

from datetime import datetime

import attrs
import msgspec

from ....models import ShardStatus, Status
from ..wire import exchange as wire
from .reading import decode, read

__all__ = ["Cutoff", "Schedule", "Week", "cutoff", "fresh_until", "schedule", "status"]


def _status(w: wire.ExchangeStatus, payload: bytes) -> Status:
    return Status(
        venue="kalshi",
        raw_json=payload,
        is_active=w.exchange_active,
        is_trading=w.trading_active,
        resumes_at=w.exchange_estimated_resume_time,
        shards=tuple(
            ShardStatus(x.exchange_index, x.exchange_active, x.trading_active)
            for x in w.exchange_index_statuses or ()
        ),
    )


_STATUS = msgspec.json.Decoder(wire.ExchangeStatus)


def status(body: bytes) -> Status:
    """Whether the exchange is up and trades; shard 0 speaks for the whole."""
    return read(_STATUS, _status, body)


@attrs.frozen(kw_only=True, slots=True)
class Week:
    """The sessions of a week by day, as HH:MM in New York, valid between two dates.

    00:00 to 00:00 is the whole day.  A day may have several sessions, or none.
    """

    since: datetime
    until: datetime
    sessions: dict[str, tuple[tuple[str, str], ...]]


@attrs.frozen(kw_only=True, slots=True)
class Schedule:
    """When the exchange trades, and when it is planned to be down (UTC)."""

    weeks: tuple[Week, ...]
    maintenance: tuple[tuple[datetime, datetime], ...]


_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def _week(w: wire.WeeklyHours) -> Week:
    days: dict[str, list[wire.DailyHours] | None] = {d: getattr(w, d) for d in _DAYS}
    return Week(
        since=w.start_time,
        until=w.end_time,
        sessions={
            day: tuple((x.open_time, x.close_time) for x in hours or ())
            for day, hours in days.items()
        },
    )


def _schedule(w: wire.ScheduleAnswer, _: bytes) -> Schedule:
    windows = w.schedule.maintenance_windows
    return Schedule(
        weeks=tuple(_week(x) for x in w.schedule.standard_hours),
        maintenance=tuple((x.start_datetime, x.end_datetime) for x in windows),
    )


_SCHEDULE = msgspec.json.Decoder(wire.ScheduleAnswer)


def schedule(body: bytes) -> Schedule:
    """Trading hours and planned maintenance."""
    return read(_SCHEDULE, _schedule, body)


_FRESHNESS = msgspec.json.Decoder(wire.Freshness)


def fresh_until(body: bytes) -> datetime:
    """Up to when reads of the account show all that happened."""
    return decode(_FRESHNESS, body).as_of_time


@attrs.frozen(kw_only=True, slots=True)
class Cutoff:
    """Before when data has left the live endpoints, by kind.

    ``positions`` is that of settled positions, None when the venue does not tell.
    """

    markets: datetime
    trades: datetime
    orders: datetime
    positions: datetime | None


def _cutoff(w: wire.Cutoff, _: bytes) -> Cutoff:
    return Cutoff(
        markets=w.market_settled_ts,
        trades=w.trades_created_ts,
        orders=w.orders_updated_ts,
        positions=w.market_positions_last_updated_ts,
    )


_CUTOFF = msgspec.json.Decoder(wire.Cutoff)


def cutoff(body: bytes) -> Cutoff:
    """Where live data ends and the historical tier begins."""
    return read(_CUTOFF, _cutoff, body)
