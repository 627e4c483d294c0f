"""Every public method's type in both flavours: checked by mypy and pyright, never run."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import datetime
from decimal import Decimal
from typing import assert_type

import polars as pl

import unified_exchanges as ux
from unified_exchanges.description import Capability, Description
from unified_exchanges.execution import (
    Crossing,
    ExitPlan,
    ExitRecord,
    HedgeLeg,
    HedgeReport,
    async_hedge,
    async_hedge_report,
    async_run_exit,
    contracts_for,
    hedge,
    hedge_report,
    marketable_limit,
    run_exit,
)
from unified_exchanges.models import (
    BUY,
    AccountLimits,
    Balance,
    CancelReport,
    CancelResult,
    Candle,
    DryRunReport,
    Event,
    FeeRule,
    Fill,
    Health,
    Intent,
    Json,
    Market,
    MarketChange,
    Order,
    OrderBook,
    OrderPreview,
    OrderRequest,
    OrderResult,
    Position,
    ReconcileReport,
    Series,
    Settlement,
    Status,
    StreamHealth,
    StreamNotice,
    Ticker,
    Trade,
)
from unified_exchanges.observers.opentelemetry import OpenTelemetryObserver
from unified_exchanges.observers.prometheus import PrometheusObserver
from unified_exchanges.research import to_frame
from unified_exchanges.strategies import async_contract_of, contract_of

MOMENT = datetime.fromisoformat("2026-11-21T12:00:00+00:00")
PLAN = ExitPlan(name="x", market_id="M", outcome="yes", size=1, take_profit="0.3")
REQUEST = OrderRequest(market_id="M", outcome="yes", side=BUY, price="0.55", size=10)


def factories() -> None:
    """Ids give the base classes; the venue's own are subclasses of them."""
    assert_type(ux.exchange("kalshi"), ux.Exchange)
    assert_type(ux.async_exchange("kalshi"), ux.AsyncExchange)
    assert_type(ux.exchanges, tuple[str, ...])
    with ux.exchange("kalshi", environment="demo", journal="orders.db") as ex:
        assert_type(ex, ux.Exchange)
    observers: tuple[ux.Observer, ...] = PrometheusObserver(), OpenTelemetryObserver()
    alerts = ux.AlertPolicy(latency_ms=None)
    for observer in observers:
        ux.exchange("kalshi", observer=observer, alerts=alerts)
        ux.async_exchange("kalshi", observer=observer, alerts=alerts)


async def async_factories() -> None:
    """The async context manager gives the exchange itself."""
    async with ux.async_exchange("kalshi", live=True) as ex:
        assert_type(ex, ux.AsyncExchange)


def blocking(ex: ux.Exchange) -> None:
    """The blocking flavour."""
    assert_type(ex.fetch_status(), Status)
    assert_type(ex.load_markets(reload=True), dict[str, Market])
    assert_type(ex.fetch_events(status="open", limit=5), list[Event])
    assert_type(ex.iter_events(status="open", limit=5), Iterator[Event])
    assert_type(ex.fetch_event("E"), Event)
    assert_type(ex.fetch_series("S"), list[Series])
    assert_type(ex.fetch_markets(status="all", limit=5), list[Market])
    assert_type(ex.iter_markets(status="all", limit=5), Iterator[Market])
    assert_type(ex.fetch_market("M"), Market)
    assert_type(ex.fetch_ticker("M", outcome="no"), Ticker)
    assert_type(ex.fetch_tickers(["M"]), dict[str, Ticker])
    assert_type(ex.fetch_order_book("M", depth=5), OrderBook)
    assert_type(ex.fetch_order_books(["M"]), dict[str, OrderBook])
    assert_type(ex.fetch_trades("M", since=MOMENT), list[Trade])
    assert_type(ex.iter_trades("M", since=MOMENT), Iterator[Trade])
    assert_type(ex.fetch_ohlcv("M", "1h"), list[Candle])
    assert_type(ex.fetch_price_history("M"), list[ux.PricePoint])
    assert_type(ex.create_order("M", "yes", "buy", "0.55", 10), Order)
    assert_type(ex.create_orders([REQUEST]), list[OrderResult])
    assert_type(
        ex.preview_order("M", "yes", BUY, Decimal("0.55"), 10, type="limit"),
        OrderPreview,
    )
    assert_type(ex.edit_order("O", price=0.5), Order)
    assert_type(ex.cancel_order("O"), Order)
    assert_type(ex.cancel_orders(["O"]), list[CancelResult])
    assert_type(ex.cancel_all_orders(market_id="M"), CancelReport)
    assert_type(ex.close_position("M", max_slippage="0.02"), Order | None)
    assert_type(ex.close_position("M", outcome="no", price="0.5"), Order | None)
    assert_type(ex.reconcile(), ReconcileReport)
    assert_type(ex.unresolved_intents(), list[Intent])
    assert_type(ex.compact_journal(days=7), int)
    assert_type(ex.fetch_order(client_order_id="C"), Order)
    assert_type(ex.fetch_orders(market_id="M"), list[Order])
    assert_type(ex.iter_orders(market_id="M"), Iterator[Order])
    assert_type(ex.fetch_open_orders(), list[Order])
    assert_type(ex.fetch_closed_orders(), list[Order])
    assert_type(ex.fetch_balance(), Balance)
    assert_type(ex.fetch_positions(), list[Position])
    assert_type(ex.fetch_fills(), list[Fill])
    assert_type(ex.iter_fills(), Iterator[Fill])
    assert_type(ex.fetch_settlements(), list[Settlement])
    assert_type(ex.fetch_activity(), list[ux.Activity])
    assert_type(ex.iter_activity(), Iterator[ux.Activity])
    assert_type(ex.fetch_tags(), list[ux.Tag])
    assert_type(ex.fetch_limits(), AccountLimits)
    assert_type(ex.estimate_fee("M", "yes", "buy", "0.55", 10), Decimal)
    assert_type(ex.fetch_fee_rule("M"), FeeRule)
    assert_type(ex.run(ex.venue.fetch_market("M")), Market)
    assert_type(ex.dry_runs, list[DryRunReport])
    assert_type(hedge(ex, [HedgeLeg("M", "yes")], 20), HedgeReport)
    assert_type(hedge_report(ex, "name"), HedgeReport)
    assert_type(run_exit(ex, PLAN, timeout=1.0), ExitRecord)
    assert_type(
        contracts_for(20, "0.5", ex.fetch_market("M"), fees=ex.fetch_fee_rule("M")),
        Decimal,
    )
    assert_type(
        marketable_limit(ex.fetch_order_book("M"), "buy", 1, bound="0.5"), Crossing
    )
    assert_type(ex.watch_order_book(["M"], policy="every"), ux.Watch[OrderBook])
    assert_type(
        ex.watch_order_book("M", events=True), ux.Watch[OrderBook | StreamNotice]
    )
    assert_type(ex.watch_ticker(["M"], policy="every"), ux.Watch[Ticker])
    assert_type(ex.watch_ticker("M", events=True), ux.Watch[Ticker | StreamNotice])
    assert_type(ex.watch_trades(["M"], policy="every"), ux.Watch[Trade])
    assert_type(ex.watch_trades("M", events=True), ux.Watch[Trade | StreamNotice])
    assert_type(ex.watch_orders(["M"], policy="every"), ux.Watch[Order])
    assert_type(ex.watch_orders("M", events=True), ux.Watch[Order | StreamNotice])
    assert_type(ex.watch_fills(["M"], policy="every"), ux.Watch[Fill])
    assert_type(
        ex.watch_fills("M", events=True), ux.Watch[Fill | ux.FillSettled | StreamNotice]
    )
    assert_type(ex.watch_positions(["M"], policy="every"), ux.Watch[Position])
    assert_type(ex.watch_positions("M", events=True), ux.Watch[Position | StreamNotice])
    assert_type(ex.watch_market_status(["M"], policy="every"), ux.Watch[MarketChange])
    assert_type(
        ex.watch_market_status("M", events=True), ux.Watch[MarketChange | StreamNotice]
    )
    assert_type(ex.stream_health(), StreamHealth)
    assert_type(ex.wait_filled("O", 5), Order)
    assert_type(ex.wait_filled("O", 5, settled=True), Order)
    assert_type(ex.wait_done("O"), Order)
    assert_type(ex.orders, ux.Orders)
    assert_type(ex.orders.find(client_order_id="C"), ux.TrackedOrder | None)
    assert_type(list(ex.orders), list[ux.TrackedOrder])
    assert_type(ex.orders.exposure("M"), Decimal)
    assert_type(ex.orders.differences, tuple[ux.PositionDifference, ...])
    assert_type(ex.orders.follow(), None)
    with ex.watch_order_book("M") as watch:
        assert_type(watch, ux.Watch[OrderBook])
        assert_type(watch.next(timeout=1.0), OrderBook)
        assert_type(next(watch), OrderBook)
        assert_type(watch.folded, int)
        assert_type(watch.health(), StreamHealth)
        for book in watch:
            assert_type(book, OrderBook)
            assert_type(book.stale, bool)
            assert_type(book.age, float | None)
    for item in ex.watch_order_book("M", events=True):
        assert_type(item, OrderBook | ux.Gap | ux.Reconnected | ux.Reconciled)
    assert_type(ex.request("GET", "/milestones", query={"limit": 10}), Json)
    assert_type(ex.check_health(), Health)
    assert_type(ex.health(), Health)
    assert_type(ex.is_healthy, bool)
    assert_type(ex.describe(), Description)
    assert_type(ex.has["fetch_markets"], Capability)


async def asynchronous(ex: ux.AsyncExchange) -> None:
    """The async flavour: the same names and arguments."""
    assert_type(await ex.fetch_status(), Status)
    assert_type(await ex.load_markets(reload=True), dict[str, Market])
    assert_type(await ex.fetch_events(status="open", limit=5), list[Event])
    assert_type(ex.iter_events(status="open", limit=5), AsyncIterator[Event])
    assert_type(await ex.fetch_event("E"), Event)
    assert_type(await ex.fetch_series("S"), list[Series])
    assert_type(await ex.fetch_markets(status="all", limit=5), list[Market])
    assert_type(ex.iter_markets(status="all", limit=5), AsyncIterator[Market])
    assert_type(await ex.fetch_market("M"), Market)
    assert_type(await ex.fetch_ticker("M", outcome="no"), Ticker)
    assert_type(await ex.fetch_tickers(["M"]), dict[str, Ticker])
    assert_type(await ex.fetch_order_book("M", depth=5), OrderBook)
    assert_type(await ex.fetch_order_books(["M"]), dict[str, OrderBook])
    assert_type(await ex.fetch_trades("M", since=MOMENT), list[Trade])
    assert_type(ex.iter_trades("M", since=MOMENT), AsyncIterator[Trade])
    assert_type(await ex.fetch_ohlcv("M", "1h"), list[Candle])
    assert_type(await ex.fetch_price_history("M"), list[ux.PricePoint])
    assert_type(await ex.create_order("M", "yes", "buy", "0.55", 10), Order)
    assert_type(await ex.create_orders([REQUEST]), list[OrderResult])
    assert_type(
        await ex.preview_order("M", "yes", BUY, Decimal("0.55"), 10, type="limit"),
        OrderPreview,
    )
    assert_type(await ex.edit_order("O", price=0.5), Order)
    assert_type(await ex.cancel_order("O"), Order)
    assert_type(await ex.cancel_orders(["O"]), list[CancelResult])
    assert_type(await ex.cancel_all_orders(market_id="M"), CancelReport)
    assert_type(await ex.close_position("M", max_slippage="0.02"), Order | None)
    assert_type(await ex.close_position("M", outcome="no", price="0.5"), Order | None)
    assert_type(await ex.reconcile(), ReconcileReport)
    assert_type(await ex.unresolved_intents(), list[Intent])
    assert_type(await ex.compact_journal(days=7), int)
    assert_type(await ex.fetch_order(client_order_id="C"), Order)
    assert_type(await ex.fetch_orders(market_id="M"), list[Order])
    assert_type(ex.iter_orders(market_id="M"), AsyncIterator[Order])
    assert_type(await ex.fetch_open_orders(), list[Order])
    assert_type(await ex.fetch_closed_orders(), list[Order])
    assert_type(await ex.fetch_balance(), Balance)
    assert_type(await ex.fetch_positions(), list[Position])
    assert_type(await ex.fetch_fills(), list[Fill])
    assert_type(ex.iter_fills(), AsyncIterator[Fill])
    assert_type(await ex.fetch_settlements(), list[Settlement])
    assert_type(await ex.fetch_activity(), list[ux.Activity])
    assert_type(ex.iter_activity(), AsyncIterator[ux.Activity])
    assert_type(await ex.fetch_tags(), list[ux.Tag])
    assert_type(await ex.fetch_limits(), AccountLimits)
    assert_type(await ex.estimate_fee("M", "yes", "buy", "0.55", 10), Decimal)
    assert_type(await ex.fetch_fee_rule("M"), FeeRule)
    assert_type(await ex.run(ex.venue.fetch_market("M")), Market)
    assert_type(ex.dry_runs, list[DryRunReport])
    assert_type(await async_hedge(ex, [HedgeLeg("M", "yes")], 20), HedgeReport)
    assert_type(await async_hedge_report(ex), HedgeReport)
    assert_type(await async_run_exit(ex, PLAN, timeout=1.0), ExitRecord)
    assert_type(ex.watch_order_book(["M"], policy="every"), ux.AsyncWatch[OrderBook])
    assert_type(
        ex.watch_order_book("M", events=True), ux.AsyncWatch[OrderBook | StreamNotice]
    )
    assert_type(ex.watch_ticker(["M"], policy="every"), ux.AsyncWatch[Ticker])
    assert_type(ex.watch_ticker("M", events=True), ux.AsyncWatch[Ticker | StreamNotice])
    assert_type(ex.watch_trades(["M"], policy="every"), ux.AsyncWatch[Trade])
    assert_type(ex.watch_trades("M", events=True), ux.AsyncWatch[Trade | StreamNotice])
    assert_type(ex.watch_orders(["M"], policy="every"), ux.AsyncWatch[Order])
    assert_type(ex.watch_orders("M", events=True), ux.AsyncWatch[Order | StreamNotice])
    assert_type(ex.watch_fills(["M"], policy="every"), ux.AsyncWatch[Fill])
    assert_type(
        ex.watch_fills("M", events=True),
        ux.AsyncWatch[Fill | ux.FillSettled | StreamNotice],
    )
    assert_type(ex.watch_positions(["M"], policy="every"), ux.AsyncWatch[Position])
    assert_type(
        ex.watch_positions("M", events=True), ux.AsyncWatch[Position | StreamNotice]
    )
    assert_type(
        ex.watch_market_status(["M"], policy="every"), ux.AsyncWatch[MarketChange]
    )
    assert_type(
        ex.watch_market_status("M", events=True),
        ux.AsyncWatch[MarketChange | StreamNotice],
    )
    assert_type(ex.stream_health(), StreamHealth)
    assert_type(await ex.wait_filled("O", 5), Order)
    assert_type(await ex.wait_filled("O", 5, settled=True), Order)
    assert_type(await ex.wait_done("O"), Order)
    assert_type(ex.orders, ux.AsyncOrders)
    assert_type(ex.orders.find(client_order_id="C"), ux.TrackedOrder | None)
    assert_type(await ex.orders.follow(), None)
    assert_type(await ex.watch_order_book("M"), OrderBook)
    assert_type(await ex.watch_fills(), Fill)
    async with ex.watch_order_book("M") as watch:
        assert_type(watch, ux.AsyncWatch[OrderBook])
        assert_type(await watch.next(timeout=1.0), OrderBook)
        assert_type(await anext(watch), OrderBook)
        assert_type(watch.folded, int)
        assert_type(watch.health(), StreamHealth)
        async for book in watch:
            assert_type(book, OrderBook)
    async for item in ex.watch_order_book("M", events=True):
        assert_type(item, OrderBook | ux.Gap | ux.Reconnected | ux.Reconciled)
    assert_type(await ex.request("GET", "/milestones", query={"limit": 10}), Json)
    assert_type(await ex.check_health(), Health)
    assert_type(ex.health(), Health)
    assert_type(ex.is_healthy, bool)
    assert_type(ex.describe(), Description)
    assert_type(ex.has["fetch_markets"], Capability)


# -- strategies ------------------------------------------------------------------------


class Quoting(ux.Strategy):
    def on_book(self, desk: ux.Desk, book: OrderBook) -> None:
        key = desk.place(book.market_id, "yes", "buy", "0.40", 10)
        assert_type(key, str)
        assert_type(desk.order(key), Order | None)
        assert_type(desk.cash, Decimal)
        assert_type(desk.now, datetime)
        assert_type(desk.positions(), list[Position])
        assert_type(desk.market(book.market_id), Market)
        assert_type(desk.book(book.market_id), OrderBook | None)


def strategies(one: ux.Exchange, other: ux.Exchange) -> None:
    assert_type(ux.run(Quoting(), one, other), ux.RunReport)
    report = ux.backtest(Quoting(), "day.jsonl", contracts=[contract_of(one, "M")])
    assert_type(report, ux.Report)
    assert_type(report.pnl, Decimal)
    assert_type(report.to_json(), str)
    assert_type(report.fills, tuple[Fill, ...])
    told: list[tuple[int, OrderBook | Trade]] = []
    assert_type(ux.backtest(Quoting(), told, contracts=[]), ux.Report)
    swept = ux.sweep(Quoting, {"size": [1, 2]}, told, contracts=[])
    assert_type(swept, ux.SweepReport)
    assert_type(ux.sweep(Quoting, [{"size": 1}], {"a": "b"}, contracts=[]).left, int)
    assert_type(swept.best("fees", lowest=True).pnl, Decimal | None)


async def async_strategies(one: ux.AsyncExchange) -> None:
    assert_type(await ux.async_run(Quoting(), one), ux.RunReport)
    assert_type((await async_contract_of(one, "M")).market, Market)


def tables(trades: list[Trade], book: OrderBook) -> None:
    assert_type(to_frame(trades, "polars"), pl.DataFrame)
    assert_type(to_frame(book, "polars", kind=OrderBook), pl.DataFrame)
