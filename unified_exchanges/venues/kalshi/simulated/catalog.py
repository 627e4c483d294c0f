"""What the simulated Kalshi lists: series, events, markets, combos and what is around.

The engine trades; this is all that is written about what it trades. Times are µs UTC.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

import attrs

from ....grid import PriceGrid
from ....money import ONE, ZERO
from .tariff import Terms

__all__ = [
    "GRIDS",
    "Catalog",
    "Collection",
    "Event",
    "FeeChange",
    "Incentive",
    "Leg",
    "Listed",
    "Milestone",
    "Series",
    "Target",
]


def _edged(middle: str, edge: str, seam: str = "0.10") -> PriceGrid:
    upper = str(ONE - Decimal(seam))
    return PriceGrid.of(
        f"0 {seam} {edge}", f"{seam} {upper} {middle}", f"{upper} 1 {edge}"
    )


GRIDS: dict[str, PriceGrid] = {
    "linear_cent": PriceGrid.of("0.01"),
    "deci_cent": PriceGrid.of("0.001"),
    "tapered_deci_cent": _edged("0.01", "0.001"),
    "center_whole_edge_half_cent": _edged("0.01", "0.005"),
    "center_whole_edge_quint_cent": _edged("0.01", "0.002"),
    "center_half_edge_half_cent": PriceGrid.of("0.005"),
    "center_half_edge_quint_cent": _edged("0.005", "0.002"),
    "center_half_edge_deci_cent": _edged("0.005", "0.001"),
    "center_quint_edge_quint_cent": PriceGrid.of("0.002"),
    "center_quint_edge_deci_cent": _edged("0.002", "0.001"),
    "center_centi_edge_centi_cent": PriceGrid.of("0.0001"),
    "center_deci_edge_centi_cent": _edged("0.001", "0.0001", "0.01"),
}
"""Every known price level structure (docs.kalshi.com, 2026-08-20)."""


@attrs.frozen(kw_only=True, slots=True)
class Series:
    """A template of events."""

    ticker: str
    title: str
    category: str
    frequency: str
    terms: Terms
    tags: tuple[str, ...] = ()
    sources: tuple[tuple[str, str], ...] = ()
    shard: int = 0
    structure: str = "linear_cent"
    metadata: Mapping[str, Any] | None = None
    is_combo: bool = False
    updated_us: int = 0


@attrs.frozen(kw_only=True, slots=True)
class Event:
    """One occurrence, with the tickers of its markets in the catalog."""

    ticker: str
    series_ticker: str
    title: str
    sub_title: str
    mutually_exclusive: bool = False
    strike_us: int | None = None
    strike_period: str | None = None
    override: Terms | None = None
    collection: str | None = None
    metadata: Mapping[str, Any] | None = None
    updated_us: int = 0


@attrs.frozen(kw_only=True, slots=True)
class Leg:
    """One condition of a combo: this market ends on this side."""

    event_ticker: str
    market_ticker: str
    side: str


@attrs.frozen(kw_only=True, slots=True)
class Listed:
    """What is written about a market. ``fair`` is where its price wanders around."""

    ticker: str
    event_ticker: str
    title: str
    yes_sub_title: str
    no_sub_title: str
    structure: str
    fair: Decimal
    market_type: str = "binary"
    rules: str = ""
    strike_type: str | None = None
    floor_strike: Decimal | None = None
    cap_strike: Decimal | None = None
    custom_strike: Mapping[str, str] | None = None
    can_close_early: bool = True
    expected_us: int = 0
    latest_us: int = 0
    occurrence_us: int | None = None
    waiver_us: int | None = None
    participant: str | None = None
    collection: str | None = None
    legs: tuple[Leg, ...] = ()
    expiration_value: str = ""


@attrs.frozen(kw_only=True, slots=True)
class Collection:
    """Events whose markets may be combined into one."""

    ticker: str
    series_ticker: str
    title: str
    description: str
    open_us: int
    close_us: int
    event_tickers: tuple[str, ...]
    shard: int = 1
    size_min: int = 2
    size_max: int = 6


@attrs.frozen(kw_only=True, slots=True)
class FeeChange:
    """Fees of a series or an event from a time on; None ends an override."""

    change_id: str
    ticker: str
    terms: Terms | None
    time_us: int


@attrs.frozen(kw_only=True, slots=True)
class Milestone:
    """Something that will happen, and the events about it."""

    milestone_id: str
    category: str
    kind: str
    title: str
    start_us: int
    end_us: int
    event_tickers: tuple[str, ...]
    competition: str
    source_id: str
    updated_us: int


@attrs.frozen(kw_only=True, slots=True)
class Target:
    """Who or what a market is about."""

    target_id: str
    name: str
    kind: str
    competition: str
    source_id: str
    updated_us: int


@attrs.frozen(kw_only=True, slots=True)
class Incentive:
    """A reward for quoting or trading a market, in hundredths of a cent."""

    program_id: str
    market_ticker: str
    kind: str
    start_us: int
    end_us: int
    reward: int
    paid_out: bool
    target_size: Decimal = ZERO


class Catalog:
    """Everything listed, by ticker, in the order of listing."""

    def __init__(self) -> None:
        self.series: dict[str, Series] = {}
        self.events: dict[str, Event] = {}
        self.markets: dict[str, Listed] = {}
        self.collections: dict[str, Collection] = {}
        self.milestones: dict[str, Milestone] = {}
        self.targets: dict[str, Target] = {}
        self.incentives: dict[str, Incentive] = {}
        self.series_fee_changes: list[FeeChange] = []
        self.event_fee_changes: list[FeeChange] = []
        self._of_event: dict[str, list[str]] = {}

    def add_market(self, listed: Listed) -> None:
        """Write a market down under its event."""
        self.markets[listed.ticker] = listed
        self._of_event.setdefault(listed.event_ticker, []).append(listed.ticker)

    def markets_of(self, event_ticker: str) -> list[Listed]:
        """The markets of an event."""
        return [self.markets[name] for name in self._of_event.get(event_ticker, ())]

    def events_of(self, series_ticker: str) -> list[Event]:
        """The events of a series."""
        events = self.events.values()
        return [event for event in events if event.series_ticker == series_ticker]

    def series_of(self, event_ticker: str) -> Series:
        """The series of an event."""
        return self.series[self.events[event_ticker].series_ticker]

    def is_combo(self, event_ticker: str) -> bool:
        """Whether the event is one of a multivariate collection."""
        return self.events[event_ticker].collection is not None

    def terms(self, event_ticker: str, time_us: int) -> Terms:
        """The fees of an event's markets at a time: its own override, else the series'.

        Scheduled changes apply from their time on, the latest one wins.
        """
        event = self.events[event_ticker]
        override = _due(self.event_fee_changes, event_ticker, time_us)
        own = override.terms if override else event.override
        if own is not None:
            return own
        changed = _due(self.series_fee_changes, event.series_ticker, time_us)
        if changed is not None and changed.terms is not None:
            return changed.terms
        return self.series[event.series_ticker].terms


def _due(changes: Iterable[FeeChange], ticker: str, time_us: int) -> FeeChange | None:
    due = [c for c in changes if c.ticker == ticker and c.time_us <= time_us]
    return max(due, key=lambda change: change.time_us, default=None)
