"""Series, events and markets out of Gamma's answers, and a market's terms out of the CLOB's."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal
from functools import partial
from typing import Final, TypeAlias, TypeVar

import attrs
import msgspec

from ....errors import VenueSchemaError
from ....grid import PriceGrid
from ....models import Event, Market, MarketStatus, Outcome, Series, Tag
from ....money import CENTI, ONE, ZERO
from ..contracts import is_protocol_v2
from ..wire import catalog as wire
from .reading import (
    Malformed,
    decode,
    dollars,
    grid_of,
    label_of,
    moment,
    number,
    price_of,
    read,
    read_all,
    read_each,
)

__all__ = [
    "FeeTerms",
    "LeaveOut",
    "MarketTerms",
    "event",
    "events_page",
    "fee_terms",
    "markets_page",
    "search_page",
    "series",
    "series_list",
    "tag_list",
    "terms",
]

W = TypeVar("W")
M = TypeVar("M")

LeaveOut: TypeAlias = Callable[[str, VenueSchemaError], None]
"""Is told the name of a row that a listing goes on without, and why it could not be read."""

_HALF: Final = Decimal("0.5")
_RESULTS: Final = frozenset({(ONE, ZERO), (ZERO, ONE), (_HALF, _HALF)})
_SPLIT: Final = "50-50"
_CLOSED_TICK: Final = Decimal("0.01")
"""For what is closed and tells no tick: no price of it can be ordered any more."""

_TEXTS: Final = msgspec.json.Decoder(list[str])
_NUMBERS: Final = msgspec.json.Decoder(list[Decimal])


# -- markets ---------------------------------------------------------------------------


def _texts(text: str | None, field: str) -> list[str]:
    """A list inside a text, as Gamma writes most of its lists."""
    try:
        return _TEXTS.decode(text) if text else []
    except msgspec.MsgspecError as error:
        raise Malformed(field, f"is not a text that holds a list: {error}") from error


def _outcomes(w: wire.Market) -> tuple[Outcome, ...]:
    """The two outcomes with their tokens; none if the market never had a book.

    ``version`` decides where the ids are, even if both are there (vendor's SDK, 2026-10).
    """
    labels = _texts(w.outcomes, "outcomes")
    if w.version == "v2":
        field, ids = "positionIds", [str(x) for x in w.position_ids or ()]
    else:
        field, ids = "clobTokenIds", _texts(w.clob_token_ids, "clobTokenIds")
    if len(labels) != 2 or len(ids) != 2 or not w.condition_id:  # noqa: PLR2004
        if w.enable_order_book and w.accepting_orders:
            problem = (
                f"holds {len(ids)} ids for {len(labels)} outcomes, not two for two"
            )
            raise Malformed(field, problem)
        return ()
    for token in ids:
        if not (token.isascii() and token.isdigit()):
            raise Malformed(field, f"holds {token!r}, not the id of a token")
    group = w.group_item_title or ""
    return tuple(
        Outcome(label_of(label), token, f"{group}: {label}" if group else label)
        for label, token in zip(labels, ids, strict=True)
    )


def _status(w: wire.Market) -> tuple[MarketStatus, str]:
    """Where a market stands; Gamma has flags and no word, so ours names those that tell."""
    resolution = w.resolution_status if w.version == "v2" else w.uma_resolution_status
    if w.closed:
        if resolution == "resolved":
            return MarketStatus.SETTLED, "closed, resolved"
        return MarketStatus.CLOSED, ", ".join(filter(None, ("closed", resolution)))
    if w.active and w.accepting_orders and w.enable_order_book:
        return MarketStatus.OPEN, "active, accepting orders"
    if w.active:
        return MarketStatus.PAUSED, "active, not accepting orders"
    if w.active is False:
        return MarketStatus.UNOPENED, "not active"
    return MarketStatus.UNKNOWN, ""


def _payouts(w: wire.Market, status: MarketStatus) -> tuple[Decimal, ...] | None:
    """What each outcome pays, once that is told: old markets say 0 for both."""
    if status is not MarketStatus.SETTLED or not w.outcome_prices:
        return None
    try:
        prices = tuple(_NUMBERS.decode(w.outcome_prices))
    except msgspec.MsgspecError as error:
        raise Malformed("outcomePrices", f"cannot be read: {error}") from error
    return prices if prices in _RESULTS else None


def _result(
    payouts: tuple[Decimal, ...] | None, outcomes: tuple[Outcome, ...]
) -> str | None:
    if payouts is None:
        return None
    return next(
        (x.label for x, paid in zip(outcomes, payouts, strict=True) if paid == ONE),
        _SPLIT,
    )


def _quote(value: Decimal | None, field: str) -> Decimal | None:
    """A quote; an empty side is told as 0 or 1, at which nothing can be ordered."""
    if value is None or price_of(value, field) in (ZERO, ONE):
        return None
    return value


def _grid(w: wire.Market) -> PriceGrid:
    tick = w.order_price_min_tick_size
    if tick is None:
        if not w.closed:
            raise Malformed("orderPriceMinTickSize", "is missing")
        tick = _CLOSED_TICK
    return grid_of(tick, "orderPriceMinTickSize")


def _minimum(w: wire.Market) -> Decimal:
    if w.order_min_size is None:
        # What takes no orders has none that an order could be below.
        if w.accepting_orders and not w.closed:
            raise Malformed("orderMinSize", "is missing")
        return ZERO
    return dollars(w.order_min_size, "orderMinSize")


def _market(
    w: wire.Market, payload: bytes, of: wire.EventOf | None = None
) -> Market | None:
    """A market; None for what never had an order book."""
    outcomes = _outcomes(w)
    if not outcomes:
        return None
    assert w.condition_id
    status, words = _status(w)
    payouts = _payouts(w, status)
    event = of or next(iter(w.events or ()), None)
    series = next(iter((event.series if event else None) or ()), None)
    traded = w.volume_num is None or w.volume_num > ZERO
    return Market(
        venue="polymarket",
        raw_json=payload,
        market_id=_condition(w.condition_id),
        event_id=str(event.id) if event else "",
        series_id=str(series.id) if series else None,
        title=w.question or "",
        status=status,
        venue_status=words,
        outcomes=outcomes,
        grid=_grid(w),
        minimum_size=_minimum(w),
        # What buys at once is a sum of whole cents (vendor's issues, 2026-09).
        cost_step=CENTI,
        bid=_quote(w.best_bid, "bestBid"),
        ask=_quote(w.best_ask, "bestAsk"),
        last_price=_quote(w.last_trade_price, "lastTradePrice") if traded else None,
        created_at=moment(w.created_at),
        opens_at=moment(w.start_date),
        closes_at=moment(w.closed_time) or moment(w.end_date),
        expires_at=moment(w.end_date),
        settled_at=moment(w.closed_time) if payouts else None,
        result=_result(payouts, outcomes),
        settlement_price=payouts[0] if payouts else None,
        rules=w.description or "",
    )


def _condition(text: str) -> str:
    plain = text.lower()
    if len(plain) != 66 or not plain.startswith("0x"):  # noqa: PLR2004
        raise Malformed("conditionId", f"is {text!r}, not 0x and 64 hex digits")
    return plain


_MARKET: Final = msgspec.json.Decoder(wire.Market)
_MARKETS: Final = msgspec.json.Decoder(wire.MarketsPage)


def _named(w: wire.Market, payload: bytes) -> Market | None:
    """A market, unless it stands for what its event may still come to hold.

    Such have no name yet, or are the "Other" whose meaning shrinks as names are given
    (docs.polymarket.com, augmented negative risk, 2026-08).
    """
    return None if w.neg_risk_other or not w.question else _market(w, payload)


_NAMED: Final = msgspec.json.Decoder(wire.Named)


def _name_of(row: bytes) -> str:
    try:
        told = _NAMED.decode(row)
    except msgspec.MsgspecError:
        return ""
    return str(told.condition_id or told.id or "")


def _rows(
    decoder: msgspec.json.Decoder[W],
    make: Callable[[W, bytes], M],
    rows: list[msgspec.Raw],
    path: str,
    leave_out: LeaveOut | None,
    *,
    are_named: bool = False,
) -> list[M]:
    """What can be read of a page; an error if that is none of it.

    Then it is not a row that is odd, and to go on would give an empty catalog.  Rows that
    were asked for by name (``are_named``) may all be odd: there may be one only.
    """
    if leave_out is None:
        return read_all(decoder, make, rows, path)
    made, unread = read_each(decoder, make, rows, path)
    if unread and not (made or are_named):
        raise unread[0][1]
    for row, problem in unread:
        leave_out(_name_of(row), problem)
    return made


def markets_page(
    body: bytes, *, are_named: bool = True, leave_out: LeaveOut | None = None
) -> tuple[list[Market], str | None]:
    """The markets of a page that have or had an order book, and the next cursor.

    One that cannot be read is an error, or is handed to ``leave_out`` if there is one.
    Placeholders are markets only where they were asked for by name (``are_named``).
    """
    page = decode(_MARKETS, body)
    make = _market if are_named else _named
    found = _rows(
        _MARKET, make, page.markets, "markets", leave_out, are_named=are_named
    )
    return _with_book(found), page.next_cursor or None


def _with_book(found: Iterable[Market | None]) -> list[Market]:
    return [market for market in found if market is not None]


# -- events ----------------------------------------------------------------------------


def _event(w: wire.Event, payload: bytes) -> Event:
    of = wire.EventOf(id=w.id, series=w.series)
    markets = read_all(_MARKET, partial(_market, of=of), w.markets or (), "markets")
    series = next(iter(w.series or ()), None)
    return Event(
        venue="polymarket",
        raw_json=payload,
        event_id=str(w.id),
        series_id=str(series.id) if series else None,
        title=w.title or "",
        subtitle=w.subtitle or "",
        category=w.category or None,
        # Of a neg-risk event at most one market resolves to its first outcome
        # (docs.polymarket.com, negative risk, 2026-08).
        mutually_exclusive=bool(w.neg_risk),
        markets=tuple(_with_book(markets)),
        updated_at=moment(w.updated_at),
    )


_EVENT: Final = msgspec.json.Decoder(wire.Event)
_EVENTS: Final = msgspec.json.Decoder(wire.EventsPage)
_SEARCH: Final = msgspec.json.Decoder(wire.SearchPage)


def event(body: bytes) -> Event:
    """One event."""
    return read(_EVENT, _event, body)


def events_page(
    body: bytes, *, leave_out: LeaveOut | None = None
) -> tuple[list[Event], str | None]:
    """The events of a page and the next cursor; ``leave_out`` as for markets.

    An event is read whole or not at all: without one of its markets, what the others cost
    together would look like a profit.
    """
    page = decode(_EVENTS, body)
    found = _rows(_EVENT, _event, page.events, "events", leave_out)
    return found, page.next_cursor or None


def search_page(
    body: bytes, *, leave_out: LeaveOut | None = None
) -> tuple[list[Event], bool]:
    """The events of a page of a search, and whether there are more."""
    page = decode(_SEARCH, body)
    found = _rows(_EVENT, _event, page.events or [], "events", leave_out)
    return found, page.pagination.has_more


# -- tags ------------------------------------------------------------------------------


def _tag(w: wire.Tag, payload: bytes) -> Tag:
    return Tag(
        venue="polymarket",
        raw_json=payload,
        tag_id=str(w.id),
        label=w.label or None,
        slug=w.slug or None,
    )


_TAG: Final = msgspec.json.Decoder(wire.Tag)


def tag_list(body: bytes) -> list[Tag]:
    """Tags of a page."""
    found = decode(_SERIES_LIST, body)
    return read_all(_TAG, _tag, found, "")


# -- series ----------------------------------------------------------------------------


def _series(w: wire.Series, payload: bytes) -> Series:
    categories = [x.label for x in w.categories or () if x.label]
    return Series(
        venue="polymarket",
        raw_json=payload,
        series_id=str(w.id),
        title=w.title or "",
        category=categories[0] if categories else None,
        tags=tuple(x.label for x in w.tags or () if x.label),
        frequency=w.recurrence or None,
        updated_at=moment(w.updated_at),
    )


_SERIES: Final = msgspec.json.Decoder(wire.Series)
_SERIES_LIST: Final = msgspec.json.Decoder(list[msgspec.Raw])


def series(body: bytes) -> Series:
    """One series."""
    return read(_SERIES, _series, body)


def series_list(body: bytes) -> list[Series]:
    """The series of a page."""
    found = decode(_SERIES_LIST, body)
    return read_all(_SERIES, _series, found, "")


# -- terms -----------------------------------------------------------------------------


@attrs.frozen(slots=True)
class FeeTerms:
    """What a market charges: ``rate`` × (p × (1 − p)) ^ ``exponent`` for each share.

    ``is_taker_only`` says that makers pay nothing.
    """

    rate: Decimal
    exponent: Decimal
    is_taker_only: bool = True


@attrs.frozen(kw_only=True, slots=True)
class MarketTerms:
    """What must be known of a market to trade on it, as the CLOB tells it now.

    ``grid`` may change while the market trades.  ``is_v2`` says that its tokens are those
    of the protocol's second version; ``neg_risk`` matters for the others.
    ``seconds_delay`` and ``has_taker_delay`` are how long a taker is held.  ``fees`` is
    None where nothing is charged.
    """

    market_id: str
    outcomes: tuple[Outcome, ...]
    grid: PriceGrid
    minimum_size: Decimal
    neg_risk: bool
    is_v2: bool
    seconds_delay: int
    has_taker_delay: bool
    fees: FeeTerms | None


def _fees(
    rate: Decimal, exponent: Decimal, *, taker_only: bool | None
) -> FeeTerms | None:
    found = FeeTerms(
        dollars(rate, "fee rate"),
        number(exponent, "fee exponent"),
        # Makers pay nothing, unless it is said that they do (docs, fees, 2026-08).
        taker_only is not False,
    )
    return found if found.rate else None


def _terms(w: wire.ClobMarket, _: bytes, market_id: str) -> MarketTerms:
    if len(w.tokens) != 2:  # noqa: PLR2004
        raise Malformed("t", f"holds {len(w.tokens)} tokens, not two")
    fees = w.fees
    return MarketTerms(
        market_id=market_id,
        outcomes=tuple(
            Outcome(label_of(x.outcome), x.token_id, x.outcome) for x in w.tokens
        ),
        grid=grid_of(w.tick, "mts"),
        minimum_size=dollars(w.minimum_size, "mos"),
        neg_risk=w.neg_risk,
        is_v2=is_protocol_v2(w.tokens[0].token_id),
        seconds_delay=w.seconds_delay,
        has_taker_delay=w.has_taker_delay,
        # Falsy fields are left out, and the vendor's client reads them as 0 (2026-10).
        fees=_fees(fees.rate or ZERO, fees.exponent or ZERO, taker_only=fees.taker_only)
        if fees
        else None,
    )


_CLOB: Final = msgspec.json.Decoder(wire.ClobMarket)


def terms(body: bytes, market_id: str) -> MarketTerms:
    """The terms of a market."""
    return read(_CLOB, partial(_terms, market_id=market_id), body)


def _fee_terms(w: wire.MarketFees, _: bytes) -> tuple[FeeTerms | None, bool]:
    schedule = w.fee_schedule
    if w.fees_enabled is False:
        return None, True
    if schedule is None:
        return None, not w.fees_enabled
    rate, exponent = schedule.rate, schedule.exponent
    if rate is None or exponent is None:
        return None, False
    return _fees(rate, exponent, taker_only=schedule.taker_only), True


_FEES: Final = msgspec.json.Decoder(wire.MarketFees)


def fee_terms(market: Market) -> tuple[FeeTerms | None, bool]:
    """What a listed market charges, and whether it was told: not before 2026-03-31.

    A market whose fees are not enabled charges nothing, whatever its schedule says.
    """
    return read(_FEES, _fee_terms, market.raw_json)
