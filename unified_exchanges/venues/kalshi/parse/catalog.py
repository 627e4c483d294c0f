"""Markets, events and series out of Kalshi's answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal, InvalidOperation
from functools import partial
from itertools import repeat
from typing import Any

import msgspec

from ....grid import PriceBand, PriceGrid
from ....models import (
    Event,
    Leg,
    Market,
    MarketDraft,
    MarketStatus,
    Outcome,
    Series,
    Tag,
)
from ....money import CENTI, ZERO
from ..wire import catalog as wire
from .fees import factor
from .reading import (
    NOTHING,
    PRICES,
    Malformed,
    decode,
    field_of,
    joined,
    price,
    read,
    read_all,
    size,
)

__all__ = [
    "event",
    "events_page",
    "grid_from",
    "market",
    "markets_page",
    "series",
    "series_list",
    "tag_list",
]

_MOST = 4_096
"""How many grids and pairs of outcomes are remembered; there are a few of each."""

_STATUSES = {
    "initialized": MarketStatus.UNOPENED,
    "active": MarketStatus.OPEN,
    "inactive": MarketStatus.PAUSED,
    "closed": MarketStatus.CLOSED,
    "determined": MarketStatus.CLOSED,
    "disputed": MarketStatus.CLOSED,
    "amended": MarketStatus.CLOSED,
    "finalized": MarketStatus.SETTLED,
}


# -- markets ---------------------------------------------------------------------------

_RANGES = msgspec.json.Decoder(list[wire.PriceRange])


class _Grids(dict[bytes, PriceGrid]):
    """Price grids by their JSON: thousands of markets share a handful."""

    def __missing__(self, ranges: bytes) -> PriceGrid:
        try:
            grid = PriceGrid(tuple(_band(x) for x in _RANGES.decode(ranges)))
        except (msgspec.MsgspecError, ValueError) as error:
            field = joined("price_ranges", field_of(error))
            raise Malformed(field, f"is not a price grid: {error}") from error
        if len(self) < _MOST:
            self[ranges] = grid
        return grid


def _band(band: wire.PriceRange) -> PriceBand:
    return PriceBand(
        start=price(band.start, "price_ranges[].start"),
        end=price(band.end, "price_ranges[].end"),
        step=price(band.step, "price_ranges[].step"),
    )


class _Outcomes(dict[tuple[str | None, str | None], tuple[Outcome, ...]]):
    """Pairs of outcomes by their titles: teams, players and strikes come back often."""

    def __missing__(self, titles: tuple[str | None, str | None]) -> tuple[Outcome, ...]:
        yes, no = titles
        pair = (Outcome("yes", "yes", yes or ""), Outcome("no", "no", no or ""))
        if len(self) < _MOST:
            self[titles] = pair
        return pair


_GRIDS = _Grids()


def grid_from(ranges: msgspec.Raw) -> PriceGrid:
    """The grid of a ``price_ranges``."""
    return _GRIDS[bytes(ranges)]


_OUTCOMES = _Outcomes()
_new = object.__new__
_status_of = _STATUSES.get
_UNKNOWN = MarketStatus.UNKNOWN


def _market(w: wire.Market, payload: bytes, series_id: str | None = None) -> Market:
    # One assignment after the other, without a table, a loop or a helper per field: a
    # listing has 100,000 of these.
    sizes = (
        f"{w.yes_bid_size_fp}{w.yes_ask_size_fp}{w.volume_fp}{w.volume_24h_fp}"
        f"{w.open_interest_fp}"
    )
    # Signs, exponents, "NaN" and the like, which Decimal would read, in all five at once.
    if not sizes.replace(".", "").isdigit():
        raise next(_complaints(w))
    # Any, because a checker does not know that a draft has the fields of a market.
    draft: Any = _new(MarketDraft)
    try:
        draft.bid_size = bid_size = Decimal(w.yes_bid_size_fp)
        draft.ask_size = ask_size = Decimal(w.yes_ask_size_fp)
        bid, ask = PRICES[w.yes_bid_dollars], PRICES[w.yes_ask_dollars]
        # Kalshi tells an absent quote by its size: without one the price is 0 or 1, which
        # of them depends on the market's status (recordings, 2026-06).
        draft.bid = bid if bid_size else None
        draft.ask = ask if ask_size else None
        draft.last_price = PRICES[w.last_price_dollars] or None
        draft.previous_price = PRICES[w.previous_price_dollars] or None
        draft.payout = PRICES[w.notional_value_dollars]
        draft.volume = Decimal(w.volume_fp)
        draft.volume_24h = Decimal(w.volume_24h_fp)
        draft.open_interest = Decimal(w.open_interest_fp)
        settled = w.settlement_value_dollars
        draft.settlement_price = None if settled is None else PRICES[settled]
    except (ValueError, InvalidOperation) as error:
        raise next(_complaints(w)) from error
    draft.venue = "kalshi"
    draft.raw_json = payload
    draft.market_id = w.ticker
    draft.event_id = w.event_ticker
    draft.series_id = series_id
    draft.title = w.title or ""
    draft.venue_status = status = w.status
    draft.status = _status_of(status, _UNKNOWN)
    draft.kind = w.market_type or "binary"
    draft.outcomes = _OUTCOMES[w.yes_sub_title, w.no_sub_title]
    draft.grid = _GRIDS[bytes(w.price_ranges)]
    draft.lot = CENTI
    draft.minimum_size = CENTI
    draft.cost_step = ZERO
    draft.created_at = w.created_time
    draft.opens_at = w.open_time
    draft.closes_at = w.close_time
    draft.expires_at = w.latest_expiration_time
    draft.settled_at = w.settlement_ts
    draft.result = w.result or None
    draft.rules = w.rules_primary or ""
    legs = w.mve_selected_legs
    draft.legs = _legs(legs) if legs else ()
    draft.shard = w.exchange_index or 0
    draft.__class__ = Market
    market: Market = draft
    return market


_AMOUNTS: tuple[tuple[str, Callable[[str, str], Decimal]], ...] = (
    ("yes_bid_dollars", price),
    ("yes_ask_dollars", price),
    ("last_price_dollars", price),
    ("previous_price_dollars", price),
    ("notional_value_dollars", price),
    ("settlement_value_dollars", price),
    ("yes_bid_size_fp", size),
    ("yes_ask_size_fp", size),
    ("volume_fp", size),
    ("volume_24h_fp", size),
    ("open_interest_fp", size),
)


def _complaints(w: wire.Market) -> Iterator[Malformed]:
    """Read the amounts of a market again, slowly, to name those that are malformed."""
    for field, read_amount in _AMOUNTS:
        text = getattr(w, field)
        try:
            if text is not None:
                read_amount(text, field)
        except Malformed as error:
            yield error


def _legs(legs: list[wire.Leg]) -> tuple[Leg, ...]:
    return tuple(Leg(x.event_ticker, x.market_ticker, x.side) for x in legs)


_MARKET = msgspec.json.Decoder(wire.Market)
_MARKETS_PAGE = msgspec.json.Decoder(wire.MarketsPage)
_MARKETS_ROWS = msgspec.json.Decoder(wire.MarketsRows)
_MARKET_ANSWER = msgspec.json.Decoder(wire.MarketAnswer)


def markets_page(
    body: bytes, *, keep_raw: bool = True
) -> tuple[list[Market], str | None]:
    """The markets of a page, and the cursor of the next one.

    Without ``keep_raw`` the models do not keep their payload: less than half the memory.
    """
    if keep_raw:
        page = decode(_MARKETS_ROWS, body)
        return read_all(_MARKET, _market, page.markets, "markets"), page.cursor or None
    return _without_raw(body)


def _without_raw(body: bytes) -> tuple[list[Market], str | None]:
    try:
        page = _MARKETS_PAGE.decode(body)
        return list(map(_market, page.markets, repeat(NOTHING))), page.cursor or None
    except (msgspec.MsgspecError, Malformed):
        # Read one by one, so that the error tells where on the page it is.
        rows = decode(_MARKETS_ROWS, body)
        return read_all(_MARKET, _market, rows.markets, "markets"), rows.cursor or None


def market(body: bytes) -> Market:
    """One market."""
    return read(_MARKET, _market, decode(_MARKET_ANSWER, body).market, "market")


# -- events ----------------------------------------------------------------------------


def _event(w: wire.Event, payload: bytes, beside: tuple[Market, ...] = ()) -> Event:
    make = partial(_market, series_id=w.series_ticker or None)
    inside = read_all(_MARKET, make, w.markets or (), "markets")
    return Event(
        venue="kalshi",
        raw_json=payload,
        event_id=w.event_ticker,
        series_id=w.series_ticker or None,
        title=w.title or "",
        subtitle=w.sub_title or "",
        category=w.category or None,
        mutually_exclusive=bool(w.mutually_exclusive),
        markets=tuple(inside) or beside,
        updated_at=w.last_updated_ts,
        shard=w.exchange_index or 0,
    )


_EVENT = msgspec.json.Decoder(wire.Event)
_EVENTS_PAGE = msgspec.json.Decoder(wire.EventsPage)
_EVENT_ANSWER = msgspec.json.Decoder(wire.EventAnswer)


def events_page(body: bytes) -> tuple[list[Event], str | None]:
    """The events of a page with the markets that were asked for, and the next cursor."""
    page = decode(_EVENTS_PAGE, body)
    return read_all(_EVENT, _event, page.events, "events"), page.cursor or None


def event(body: bytes) -> Event:
    """One event, whether its markets came inside it or beside it."""
    answer = decode(_EVENT_ANSWER, body)
    beside = tuple(read_all(_MARKET, _market, answer.markets or (), "markets"))
    return read(_EVENT, partial(_event, beside=beside), answer.event, "event")


# -- series ----------------------------------------------------------------------------


def _series(w: wire.Series, payload: bytes) -> Series:
    return Series(
        venue="kalshi",
        raw_json=payload,
        series_id=w.ticker,
        title=w.title or "",
        category=w.category or None,
        tags=tuple(w.tags or ()),
        frequency=w.frequency or None,
        fee_type=w.fee_type,
        fee_multiplier=factor(w.fee_multiplier, "fee_multiplier"),
        updated_at=w.last_updated_ts,
        shard=w.exchange_index or 0,
    )


_SERIES = msgspec.json.Decoder(wire.Series)
_SERIES_LIST = msgspec.json.Decoder(wire.SeriesList)
_SERIES_ANSWER = msgspec.json.Decoder(wire.SeriesAnswer)


_TAGS = msgspec.json.Decoder(wire.TagsAnswer)


def tag_list(body: bytes) -> list[Tag]:
    """All tags, each once, with the categories that list it; ``raw`` is the whole answer."""
    categories: dict[str, list[str]] = {}
    for category, labels in decode(_TAGS, body).tags_by_categories.items():
        for label in dict.fromkeys(labels or ()):
            categories.setdefault(label, []).append(category)
    return [
        Tag(
            venue="kalshi",
            raw_json=body,
            tag_id=label,
            label=label,
            categories=tuple(under),
        )
        for label, under in categories.items()
    ]


def series_list(body: bytes) -> list[Series]:
    """All series; Kalshi does not page them."""
    return read_all(_SERIES, _series, decode(_SERIES_LIST, body).series, "series")


def series(body: bytes) -> Series:
    """One series."""
    return read(_SERIES, _series, decode(_SERIES_ANSWER, body).series, "series")
