"""Multivariate collections: markets made of legs, on demand."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from hashlib import sha256
from typing import Any

import attrs

from ....money import EXACT, ONE, complement
from .catalog import GRIDS, Collection, Event, Leg, Listed
from .errors import Failure, nested, not_found, unfit
from .house import House
from .listings import collection_view, market_view
from .lists import paged
from .markets import shown_market
from .routes import Call, Operation, choice, integer, string
from .wire import Payload, read_objects

__all__ = ["OPERATIONS"]

_LEG = {"market_ticker": "string!", "event_ticker": "string!", "side": "string!"}


def get_collections(house: House, call: Call) -> Payload:
    """Collections, filtered."""
    query = call.query
    event, series, status = (
        query[name] for name in ("associated_event_ticker", "series_ticker", "status")
    )
    chosen = [
        collection
        for collection in house.catalog.collections.values()
        if (not event or event in collection.event_tickers)
        and (not series or series == collection.series_ticker)
        and status in {"", _status(collection, call.now_us)}
    ]
    shown, cursor = paged(chosen, call, lambda collection: collection.ticker)
    views = [_view(house, collection) for collection in shown]
    return {"multivariate_contracts": views, "cursor": cursor}


def _status(collection: Collection, now_us: int) -> str:
    if now_us < collection.open_us:
        return "unopened"
    return "open" if now_us < collection.close_us else "closed"


def _view(house: House, collection: Collection) -> Payload:
    label = house.catalog.series[collection.series_ticker].structure
    return collection_view(collection, GRIDS[label], label)


def get_collection(house: House, call: Call) -> Payload:
    """One collection."""
    return {"multivariate_contract": _view(house, _found(house, call))}


def _found(house: House, call: Call) -> Collection:
    collection = house.catalog.collections.get(call.path["collection_ticker"])
    if collection is None:
        raise not_found()
    return collection


def create_market(house: House, call: Call) -> Payload:
    """Find the market of a combination, or make it."""
    collection = house.catalog.collections.get(call.path["collection_ticker"])
    if collection is None:
        raise unfit("unknown collection")
    legs = _legs(house, call.body["selected_markets"], collection)
    listed = _combo(house, collection, legs)
    if listed.ticker not in house.catalog.markets:
        house.catalog.events.setdefault(
            listed.event_ticker, _event(house, collection, listed)
        )
        house.list_combo(listed)
    answer: Payload = {
        "event_ticker": listed.event_ticker,
        "market_ticker": listed.ticker,
    }
    if call.body.get("with_market_payload"):
        market = house.market(listed.ticker)
        answer["market"] = market_view(house.catalog.markets[listed.ticker], market)
    return answer


def _legs(house: House, selected: list[Any], collection: Collection) -> tuple[Leg, ...]:
    struct = "CreateMarketInMultivariateEventCollectionRequest.selected_markets"
    legs = [
        _leg(house, item, collection) for item in read_objects(selected, struct, _LEG)
    ]
    tickers = [leg.market_ticker for leg in legs]
    named = ",".join(sorted(tickers))
    if len(set(legs)) < len(legs):
        raise nested(400, "duplicated_legs", named)
    if len(set(tickers)) < len(tickers):
        raise nested(400, "conflicting_leg_outcomes", named)
    events = {leg.event_ticker for leg in legs}
    if len(events) < len(legs) or not (
        collection.size_min <= len(legs) <= collection.size_max
    ):
        raise nested(400, "invalid_market_combination", named)
    return tuple(sorted(legs, key=lambda leg: leg.market_ticker))


def _leg(house: House, item: Payload | Failure, collection: Collection) -> Leg:
    if isinstance(item, Failure):
        raise item
    leg = Leg(**item)
    listed = house.catalog.markets.get(leg.market_ticker)
    market = shown_market(house, leg.market_ticker)
    fits = (
        listed is not None
        and market is not None
        and market.status == "active"
        and listed.event_ticker == leg.event_ticker
        and leg.event_ticker in collection.event_tickers
        and leg.side in {"yes", "no"}
    )
    if not fits:
        raise nested(400, "invalid_market_combination", leg.market_ticker)
    return leg


def _combo(house: House, collection: Collection, legs: tuple[Leg, ...]) -> Listed:
    text = ";".join(f"{leg.market_ticker}:{leg.side}" for leg in legs)
    digest = sha256(text.encode()).hexdigest().upper()
    event = f"{collection.series_ticker}-S{digest[:12]}"
    names = [_name(house, leg) for leg in legs]
    first = house.catalog.markets[legs[0].market_ticker]
    listed = [house.catalog.markets[leg.market_ticker] for leg in legs]
    return attrs.evolve(
        first,
        ticker=f"{event}-{digest[12:23]}",
        event_ticker=event,
        title=",".join(names),
        yes_sub_title=",".join(names),
        no_sub_title=",".join(names),
        structure=house.catalog.series[collection.series_ticker].structure,
        fair=_fair(house, legs),
        rules="If every leg ends on its side, then the market resolves to Yes.",
        strike_type="custom",
        custom_strike={
            "Associated Events": ",".join(leg.event_ticker for leg in legs),
            "Associated Markets": ",".join(leg.market_ticker for leg in legs),
            "Associated Market Sides": ",".join(leg.side for leg in legs),
        },
        expected_us=max(market.expected_us for market in listed),
        latest_us=max(market.latest_us for market in listed),
        occurrence_us=None,
        participant=None,
        collection=collection.ticker,
        legs=legs,
    )


def _name(house: House, leg: Leg) -> str:
    return f"{leg.side} {house.catalog.markets[leg.market_ticker].yes_sub_title}"


def _fair(house: House, legs: Iterable[Leg]) -> Decimal:
    product = ONE
    for leg in legs:
        fair = house.catalog.markets[leg.market_ticker].fair
        product = EXACT.multiply(
            product, fair if leg.side == "yes" else complement(fair)
        )
    return product


def _event(house: House, collection: Collection, listed: Listed) -> Event:
    return Event(
        ticker=listed.event_ticker,
        series_ticker=collection.series_ticker,
        title=listed.title,
        sub_title=collection.title,
        strike_us=listed.expected_us,
        collection=collection.ticker,
        updated_us=house.now_us,
    )


_PATH = "/multivariate_event_collections"

OPERATIONS = (
    Operation(
        name="GetMultivariateEventCollections",
        method="GET",
        path=_PATH,
        handler=get_collections,
        parameters=(
            choice("status", "unopened", "open", "closed"),
            string("associated_event_ticker"),
            string("series_ticker"),
            integer("limit", least=1, most=200),
            string("cursor"),
        ),
    ),
    Operation(
        name="GetMultivariateEventCollection",
        method="GET",
        path=f"{_PATH}/{{collection_ticker}}",
        handler=get_collection,
    ),
    Operation(
        name="CreateMarketInMultivariateEventCollection",
        method="POST",
        path=f"{_PATH}/{{collection_ticker}}",
        handler=create_market,
        scope="write",
        struct="CreateMarketInMultivariateEventCollectionRequest",
        body={"selected_markets": "array!", "with_market_payload": "bool"},
    ),
)
