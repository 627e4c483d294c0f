"""Series and events, their fees, their metadata."""

from __future__ import annotations

from ....money import total
from .catalog import Event, FeeChange, Series
from .errors import not_found, unfit
from .house import House
from .listings import event_view, market_view, milestone_view, series_view
from .lists import paged, split
from .markets import STATUS_WORDS, shown_market
from .routes import Call, Operation, choice, flag, integer, limit, string
from .wire import SECOND, Payload, bare, instant

__all__ = ["OPERATIONS"]


def get_series_list(house: House, call: Call) -> Payload:
    """All series at once, filtered by category and tags."""
    query = call.query
    tags = split(query["tags"], most=100)
    updated = query["min_updated_ts"]
    chosen = [
        series
        for series in house.catalog.series.values()
        if query["category"] in {"", series.category}
        and (not tags or tags & set(series.tags))
        and (updated is None or series.updated_us >= updated * SECOND)
    ]
    views = [_series_view(house, call, series) for series in chosen]
    if not query["include_product_metadata"]:
        for view in views:
            view.pop("product_metadata", None)
    return {"series": views}


def _series_view(house: House, call: Call, series: Series) -> Payload:
    if not call.query["include_volume"]:
        return series_view(series)
    markets = (
        shown_market(house, listed.ticker)
        for event in house.catalog.events_of(series.ticker)
        for listed in house.catalog.markets_of(event.ticker)
    )
    return series_view(series, total(m.volume for m in markets if m is not None))


def get_series(house: House, call: Call) -> Payload:
    """One series."""
    series = house.catalog.series.get(call.path["series_ticker"])
    if series is None:
        raise not_found()
    return {"series": _series_view(house, call, series)}


def get_series_fee_changes(house: House, call: Call) -> Payload:
    """Fee changes to come, past ones too when asked."""
    ticker = call.query["series_ticker"]
    return {
        "series_fee_change_arr": [
            {
                "id": change.change_id,
                "series_ticker": change.ticker,
                "fee_type": change.terms.fee_type,
                "fee_multiplier": change.terms.multiplier,
                "scheduled_ts": instant(change.time_us),
            }
            for change in house.catalog.series_fee_changes
            if change.terms is not None
            and ticker in {"", change.ticker}
            and (call.query["show_historical"] or change.time_us > call.now_us)
        ]
    }


def get_event_fee_changes(house: House, call: Call) -> Payload:
    """Overrides of events to come."""
    ticker = call.query["event_ticker"]
    changes = house.catalog.event_fee_changes
    chosen = [change for change in changes if ticker in {"", change.ticker}]
    shown, cursor = paged(chosen, call, lambda change: change.change_id)
    views = [_event_fee_change(house, change) for change in shown]
    return {"event_fee_changes": views, "cursor": cursor}


def _event_fee_change(house: House, change: FeeChange) -> Payload:
    terms = change.terms
    return {
        "id": change.change_id,
        "event_ticker": change.ticker,
        "series_ticker": house.catalog.events[change.ticker].series_ticker,
        "fee_type_override": terms and terms.fee_type,
        "fee_multiplier_override": terms and terms.multiplier,
        "scheduled_ts": instant(change.time_us),
    }


# Events


def get_events(house: House, call: Call) -> Payload:
    """Events without combos; a status fits when it fits any of the markets."""
    query = call.query
    chosen = [
        event
        for event in _events(house, call)
        if not house.catalog.is_combo(event.ticker)
        and _fits(house, event, query["status"])
    ]
    shown, cursor = paged(chosen, call, lambda event: event.ticker)
    answer: Payload = {
        "events": [_view(house, call, e) for e in shown],
        "cursor": cursor,
    }
    if query["with_milestones"]:
        tickers = {event.ticker for event in shown}
        answer["milestones"] = [
            milestone_view(milestone)
            for milestone in house.catalog.milestones.values()
            if tickers & set(milestone.event_tickers)
        ]
    return answer


def _events(house: House, call: Call) -> list[Event]:
    query = call.query
    tickers = split(query.get("tickers", ""), most=1000)
    closes, updated = query.get("min_close_ts"), query.get("min_updated_ts")
    return [
        event
        for event in reversed(house.catalog.events.values())
        if query["series_ticker"] in {"", event.series_ticker}
        and (not tickers or event.ticker in tickers)
        and (closes is None or _closes_after(house, event, closes * SECOND))
        and (updated is None or event.updated_us >= updated * SECOND)
        and _is_listed(house, event)
    ]


def _is_listed(house: House, event: Event) -> bool:
    return any(
        house.is_listed(m.ticker) for m in house.catalog.markets_of(event.ticker)
    )


def _closes_after(house: House, event: Event, time_us: int) -> bool:
    markets = (
        shown_market(house, m.ticker) for m in house.catalog.markets_of(event.ticker)
    )
    return any(m is not None and m.close_us >= time_us for m in markets)


def _fits(house: House, event: Event, status: str) -> bool:
    if not status:
        return True
    words = STATUS_WORDS[status]
    markets = (
        shown_market(house, m.ticker) for m in house.catalog.markets_of(event.ticker)
    )
    return any(m is not None and m.status in words for m in markets)


def _view(house: House, call: Call, event: Event) -> Payload:
    view = event_view(event, house)
    if call.query["with_nested_markets"]:
        view["markets"] = _markets(house, event)
    return view


def _markets(house: House, event: Event) -> list[Payload]:
    """The markets of an event that are not behind the cutoff."""
    found = []
    for listed in house.catalog.markets_of(event.ticker):
        market = shown_market(house, listed.ticker)
        if market is not None and not house.is_archived(market):
            found.append(market_view(listed, market))
    return found


def get_multivariate_events(house: House, call: Call) -> Payload:
    """Events of combos only."""
    query = call.query
    if query["series_ticker"] and query["collection_ticker"]:
        raise unfit("series_ticker and collection_ticker exclude each other")
    wanted = query["collection_ticker"]
    chosen = [
        event
        for event in _events(house, call)
        if event.collection is not None and wanted in {"", event.collection}
    ]
    shown, cursor = paged(chosen, call, lambda event: event.ticker)
    return {"events": [_view(house, call, event) for event in shown], "cursor": cursor}


def _found(house: House, call: Call) -> Event:
    event = house.catalog.events.get(call.path["event_ticker"])
    if event is None or not _is_listed(house, event):
        raise not_found()
    return event


def get_event(house: House, call: Call) -> Payload:
    """One event, its markets inside it or beside it."""
    event = _found(house, call)
    nested = call.query["with_nested_markets"]
    return {
        "event": _view(house, call, event),
        "markets": [] if nested else _markets(house, event),
    }


def get_metadata(house: House, call: Call) -> Payload:
    """Pictures and colours."""
    event = _found(house, call)
    view = event_view(event, house)
    image = f"https://assets.kalshi.com/simulated/{event.series_ticker.lower()}.png"
    return bare(
        {
            "image_url": image,
            "settlement_sources": view["settlement_sources"],
            "market_details": [
                {"market_ticker": m.ticker, "image_url": image, "color_code": "#0AC285"}
                for m in house.catalog.markets_of(event.ticker)
            ],
            "competition": (event.metadata or {}).get("competition"),
            "competition_scope": (event.metadata or {}).get("scope"),
        }
    )


_CURSOR = string("cursor")
_SERIES = string("series_ticker")
_NESTED = flag("with_nested_markets")

OPERATIONS = (
    Operation(
        name="GetSeriesList",
        method="GET",
        path="/series",
        handler=get_series_list,
        parameters=(
            string("category"),
            string("tags"),
            flag("include_product_metadata"),
            flag("include_volume"),
            integer("min_updated_ts"),
        ),
    ),
    Operation(
        name="GetSeries",
        method="GET",
        path="/series/{series_ticker}",
        handler=get_series,
        parameters=(flag("include_volume"),),
    ),
    Operation(
        name="GetSeriesFeeChanges",
        method="GET",
        path="/series/fee_changes",
        handler=get_series_fee_changes,
        parameters=(_SERIES, flag("show_historical")),
    ),
    Operation(
        name="GetEventFeeChanges",
        method="GET",
        path="/events/fee_changes",
        handler=get_event_fee_changes,
        parameters=(string("event_ticker"), limit(100, 1000), _CURSOR),
    ),
    Operation(
        name="GetEvents",
        method="GET",
        path="/events",
        handler=get_events,
        parameters=(
            limit(200, 200),
            _CURSOR,
            _NESTED,
            flag("with_milestones"),
            choice("status", "unopened", "open", "closed", "settled"),
            _SERIES,
            string("tickers"),
            integer("min_close_ts"),
            integer("min_updated_ts"),
        ),
    ),
    Operation(
        name="GetMultivariateEvents",
        method="GET",
        path="/events/multivariate",
        handler=get_multivariate_events,
        parameters=(
            limit(100, 200),
            _CURSOR,
            _SERIES,
            string("collection_ticker"),
            _NESTED,
        ),
    ),
    Operation(
        name="GetEvent",
        method="GET",
        path="/events/{event_ticker}",
        handler=get_event,
        parameters=(_NESTED,),
    ),
    Operation(
        name="GetEventMetadata",
        method="GET",
        path="/events/{event_ticker}/metadata",
        handler=get_metadata,
    ),
)
