"""Markets, books and trades, live and historical."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ....simulator.markets import Level, Market
from ....simulator.orders import Trade
from .catalog import Listed
from .errors import bad_status, not_found, unfit
from .house import House
from .listings import book_view, market_view, trade_view
from .lists import paged, split, within
from .portfolio import listed_positions
from .records import listed_fills, listed_orders
from .routes import Call, Operation, choice, flag, integer, limit, string, strings
from .wire import SECOND, Payload, instant

__all__ = ["OPERATIONS", "STATUS_WORDS", "found_market", "shown_market"]

STATUS_WORDS: dict[str, frozenset[str]] = {
    "unopened": frozenset({"initialized"}),
    "open": frozenset({"active"}),
    "paused": frozenset({"inactive"}),
    "closed": frozenset({"closed", "determined", "disputed", "amended"}),
    "settled": frozenset({"finalized"}),
}
"""What the filter words mean in words of the status field."""

_TIMES: dict[str, tuple[str, Callable[[Market], int | None]]] = {
    "created": ("unopened open", lambda market: market.created_us),
    "close": ("closed", lambda market: market.close_us),
    "settled": ("settled", lambda market: market.settled_us),
}


def get_markets(house: House, call: Call) -> Payload:
    """Live markets, filtered; newest listings first."""
    query = call.query
    _check_filters(query)
    chosen = [
        (listed, market)
        for listed, market in _candidates(house, query)
        if not house.is_archived(market)
        and market.status in STATUS_WORDS.get(query["status"], {market.status})
        and _is_timely(market, query)
    ]
    shown, cursor = paged(chosen, call, lambda pair: pair[0].ticker)
    return {"markets": [market_view(*pair) for pair in shown], "cursor": cursor}


def _check_filters(query: Mapping[str, Any]) -> None:
    status = query["status"]
    if status and status not in STATUS_WORDS:
        raise bad_status(status)
    used = [kind for kind in _TIMES if _bounds(query, kind) != (None, None)]
    if len(used) > 1:
        raise unfit("only one kind of time filter at a time")
    for kind in used:
        if status and status not in _TIMES[kind][0].split():
            raise unfit(f"{kind} filters do not go with status={status}")
    if query["min_updated_ts"] is None:
        return
    others = ("status", "tickers", "event_ticker")
    if used or query["mve_filter"] != "exclude" or any(query[n] for n in others):
        raise unfit(
            "min_updated_ts goes with mve_filter=exclude and series_ticker only"
        )


def _bounds(query: Mapping[str, Any], kind: str) -> tuple[int | None, int | None]:
    return query[f"min_{kind}_ts"], query[f"max_{kind}_ts"]


def _is_timely(market: Market, query: Mapping[str, Any]) -> bool:
    updated = query["min_updated_ts"]
    if updated is not None and market.updated_us < updated * SECOND:
        return False
    return all(
        _is_between(read(market), *_bounds(query, kind))
        for kind, (_, read) in _TIMES.items()
    )


def _is_between(time_us: int | None, least: int | None, most: int | None) -> bool:
    if least is None and most is None:
        return True
    if time_us is None:
        return False
    after = least is None or time_us >= least * SECOND
    return after and (most is None or time_us <= most * SECOND)


def _candidates(
    house: House, query: Mapping[str, Any]
) -> Iterable[tuple[Listed, Market]]:
    catalog = house.catalog
    tickers = split(query["tickers"], most=1000)
    event, series = query["event_ticker"], query["series_ticker"]
    combos = query["mve_filter"]
    names = tickers & catalog.markets.keys() if tickers else catalog.markets
    for name in reversed(tuple(catalog.markets)) if not tickers else sorted(names):
        listed = catalog.markets[name]
        if event and listed.event_ticker != event:
            continue
        if series and catalog.events[listed.event_ticker].series_ticker != series:
            continue
        if combos and (combos == "only") != bool(listed.legs):
            continue
        market = shown_market(house, name)
        if market is not None:
            yield listed, market


def shown_market(house: House, ticker: str) -> Market | None:
    """A market that the engine has listed already."""
    return house.market(ticker) if house.is_listed(ticker) else None


def found_market(house: House, ticker: str, *, archived: bool | None = False) -> Market:
    """A market of the asked tier (None: of either), or the 404."""
    if ticker not in house.catalog.markets:
        raise not_found()
    market = shown_market(house, ticker)
    if market is None or archived not in {None, house.is_archived(market)}:
        raise not_found()
    return market


def get_market(house: House, call: Call) -> Payload:
    """One live market."""
    ticker = call.path["ticker"]
    market = found_market(house, ticker)
    return {"market": market_view(house.catalog.markets[ticker], market)}


def get_orderbook(house: House, call: Call) -> Payload:
    """The book of one market."""
    ticker = call.path["ticker"]
    found_market(house, ticker)
    return {"orderbook_fp": _book(house, ticker, call.query["depth"])}


def _book(house: House, ticker: str, depth: int) -> Payload:
    bids: list[Level] = house.engine.levels(ticker, "bid", depth=depth)
    return book_view(bids, house.engine.levels(ticker, "ask", depth=depth))


def get_orderbooks(house: House, call: Call) -> Payload:
    """The books of several markets; unknown ones are left out."""
    known = [t for t in call.query["tickers"] if t in house.catalog.markets]
    live = [t for t in known if shown_market(house, t) is not None]
    return {
        "orderbooks": [
            {"ticker": ticker, "orderbook_fp": _book(house, ticker, 0)}
            for ticker in dict.fromkeys(live)
        ]
    }


def _listed_trades(house: House, call: Call, *, archived: bool) -> Payload:
    ticker = call.query["ticker"]
    trades: Iterable[Trade] = ()
    # There are no block trades here.
    if not call.query["is_block_trade"] and _may_trade(house, ticker):
        trades = house.engine.trades(ticker or None)
    cutoff_us = house.cutoff_us
    chosen = [
        trade
        for trade in trades
        if (trade.time_us < cutoff_us) is archived and within(trade.time_us, call)
    ]
    shown, cursor = paged(chosen, call, lambda trade: trade.trade_id)
    return {"trades": [trade_view(trade) for trade in shown], "cursor": cursor}


def _may_trade(house: House, ticker: str) -> bool:
    return not ticker or house.is_listed(ticker)


def get_trades(house: House, call: Call) -> Payload:
    """Live trades of one market or of all, newest first."""
    return _listed_trades(house, call, archived=False)


# The historical tier


def get_cutoff(house: House, _: Call) -> Payload:
    """Where the live tier ends."""
    moment = instant(house.cutoff_us)
    return {
        "market_settled_ts": moment,
        "trades_created_ts": moment,
        "orders_updated_ts": moment,
        "market_positions_last_updated_ts": moment,
    }


def get_old_markets(house: House, call: Call) -> Payload:
    """Markets settled before the cutoff."""
    chosen = [
        (listed, market)
        for listed, market in _candidates(house, call.query)
        if house.is_archived(market)
    ]
    shown, cursor = paged(chosen, call, lambda pair: pair[0].ticker)
    return {"markets": [market_view(*pair) for pair in shown], "cursor": cursor}


def get_old_market(house: House, call: Call) -> Payload:
    """One market settled before the cutoff."""
    ticker = call.path["ticker"]
    market = found_market(house, ticker, archived=True)
    return {"market": market_view(house.catalog.markets[ticker], market)}


def get_old_trades(house: House, call: Call) -> Payload:
    """Trades before the cutoff."""
    return _listed_trades(house, call, archived=True)


def get_old_fills(house: House, call: Call) -> Payload:
    """Fills before the cutoff."""
    return listed_fills(house, call, archived=True)


def get_old_orders(house: House, call: Call) -> Payload:
    """Orders that ended before the cutoff."""
    return listed_orders(house, call, archived=True)


def get_old_positions(house: House, call: Call) -> Payload:
    """Positions of events settled before the cutoff."""
    return listed_positions(house, call, archived=True)


_ZERO_OK = limit(100, 1000, least=0)
_CURSOR = string("cursor")
_TICKER = string("ticker")
_EVENT = string("event_ticker")
_SERIES = string("series_ticker")
_NAMES = string("tickers")
_SUBACCOUNT = integer("subaccount", least=0, most=63)
_SPAN = (integer("min_ts"), integer("max_ts"))
_TRADES = (_ZERO_OK, _CURSOR, _TICKER, *_SPAN, flag("is_block_trade"))
_OWN = (limit(100, 1000), _CURSOR, _TICKER, *_SPAN, _SUBACCOUNT)
_COMBOS = choice("mve_filter", "only", "exclude")

OPERATIONS = (
    Operation(
        name="GetMarkets",
        method="GET",
        path="/markets",
        handler=get_markets,
        parameters=(
            _ZERO_OK,
            _CURSOR,
            _EVENT,
            _SERIES,
            _NAMES,
            string("status"),
            _COMBOS,
            integer("min_updated_ts"),
            *(integer(f"{end}_{kind}_ts") for kind in _TIMES for end in ("min", "max")),
        ),
    ),
    Operation(
        name="GetMarket", method="GET", path="/markets/{ticker}", handler=get_market
    ),
    Operation(
        name="GetMarketOrderbook",
        method="GET",
        path="/markets/{ticker}/orderbook",
        handler=get_orderbook,
        parameters=(limit(0, 100, least=0, name="depth"),),
    ),
    Operation(
        name="GetMarketOrderbooks",
        method="GET",
        path="/markets/orderbooks",
        handler=get_orderbooks,
        parameters=(strings("tickers", most=100, required=True),),
    ),
    Operation(
        name="GetTrades",
        method="GET",
        path="/markets/trades",
        handler=get_trades,
        parameters=_TRADES,
    ),
    Operation(
        name="GetHistoricalCutoff",
        method="GET",
        path="/historical/cutoff",
        handler=get_cutoff,
    ),
    Operation(
        name="GetHistoricalMarkets",
        method="GET",
        path="/historical/markets",
        handler=get_old_markets,
        parameters=(
            _ZERO_OK,
            _CURSOR,
            _NAMES,
            _EVENT,
            _SERIES,
            choice("mve_filter", "exclude"),
        ),
    ),
    Operation(
        name="GetHistoricalMarket",
        method="GET",
        path="/historical/markets/{ticker}",
        handler=get_old_market,
    ),
    Operation(
        name="GetTradesHistorical",
        method="GET",
        path="/historical/trades",
        handler=get_old_trades,
        parameters=_TRADES,
    ),
    Operation(
        name="GetFillsHistorical",
        method="GET",
        path="/historical/fills",
        handler=get_old_fills,
        parameters=_OWN,
        scope="read",
    ),
    Operation(
        name="GetHistoricalOrders",
        method="GET",
        path="/historical/orders",
        handler=get_old_orders,
        parameters=_OWN,
        scope="read",
    ),
    Operation(
        name="GetHistoricalPositions",
        method="GET",
        path="/historical/positions",
        handler=get_old_positions,
        parameters=(limit(100, 1000), _CURSOR, _TICKER, _EVENT, _SUBACCOUNT),
        scope="read",
    ),
)
