"""Discovery and market data: identity, completeness, exactness, both outcomes alike."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest

from ...errors import BadRequest, EventNotFound, MarketNotFound, NotSupported
from ...models import Instrument
from ...money import ONE, ZERO, complement
from .ground import Conformance, Trader
from .needs import needs

__all__ = ["Catalogue"]

_HISTORIES = (
    "fetch_activity",
    "fetch_closed_orders",
    "fetch_fills",
    "fetch_ohlcv",
    "fetch_orders",
    "fetch_price_history",
    "fetch_settlements",
    "fetch_trades",
)


class Catalogue(Conformance):
    """What can be read without owning anything."""

    def test_the_venue_is_up(self, trader: Trader) -> None:
        status = trader.fetch_status()
        assert status.is_active
        assert status.is_trading

    def test_p01_every_market_has_a_name_of_its_own(self, trader: Trader) -> None:
        markets = trader.fetch_markets()
        names = [str(m.instrument(o.label)) for m in markets for o in m.outcomes]
        assert len(set(names)) == len(names)
        assert [str(Instrument.parse(name)) for name in names] == names

    def test_p01_every_market_is_reached_by_its_name(self, trader: Trader) -> None:
        markets = trader.fetch_markets(limit=5)
        again = [trader.fetch_market(market.market_id) for market in markets]
        assert [m.market_id for m in again] == [m.market_id for m in markets]

    def test_p09_a_limit_is_kept_exactly(self, trader: Trader) -> None:
        assert len(trader.fetch_markets(limit=3)) == 3
        assert trader.fetch_markets(limit=10**6) == trader.fetch_markets()

    def test_a_lazy_listing_begins_like_the_whole(self, trader: Trader) -> None:
        whole = [m.market_id for m in trader.fetch_markets()]
        lazy = [m.market_id for m in trader.take(4, "iter_markets")]
        assert lazy == whole[:4]

    def test_markets_are_found_by_their_ids(self, trader: Trader) -> None:
        ids = [m.market_id for m in trader.fetch_markets(limit=4)]
        found = trader.fetch_markets(market_ids=ids, status="all")
        assert {m.market_id for m in found} == set(ids)

    def test_a_status_filter_gives_only_that_status(self, trader: Trader) -> None:
        for status in ("open", "closed", "settled"):
            found = trader.fetch_markets(status=status, limit=50)
            assert {str(market.status) for market in found} <= {status}

    def test_markets_remembered_are_the_markets_listed(self, trader: Trader) -> None:
        known = trader.load_markets()
        assert {*known} == {m.market_id for m in trader.fetch_markets()}

    def test_quotes_are_inside_the_market_s_grid(self, trader: Trader) -> None:
        for market in trader.fetch_markets():
            quotes = [q for q in (market.bid, market.ask) if q is not None]
            assert [q for q in quotes if q not in market.grid] == []

    def test_an_unknown_market_is_a_typed_error(self, trader: Trader) -> None:
        with pytest.raises(MarketNotFound):
            trader.fetch_market("NO-SUCH-MARKET")

    def test_an_unknown_event_is_a_typed_error(self, trader: Trader) -> None:
        with pytest.raises(EventNotFound):
            trader.fetch_event("NO-SUCH-EVENT")

    @pytest.mark.parametrize("market_id", ["", "a b", "a/b", "a?b", "ä", "../x", "x\n"])
    def test_what_is_no_market_id_is_refused_unsent(
        self, trader: Trader, market_id: str
    ) -> None:
        with pytest.raises(BadRequest):
            trader.fetch_market(market_id)
        assert trader.transport.requests == []

    @pytest.mark.parametrize("limit", [0, -1, 1.5, "3", True])
    def test_what_is_no_limit_is_refused_unsent(
        self, trader: Trader, limit: object
    ) -> None:
        with pytest.raises(BadRequest):
            trader.fetch_markets(limit=limit)
        assert trader.transport.requests == []

    def test_an_event_holds_its_markets(self, trader: Trader) -> None:
        event = trader.fetch_events(limit=1)[0]
        found = trader.fetch_event(event.event_id)
        assert found.markets
        assert {market.event_id for market in found.markets} == {event.event_id}

    def test_a_book_is_sorted_and_not_crossed(self, trader: Trader) -> None:
        book = trader.book(trader.quoted_market())
        assert all(a.price > b.price for a, b in pairwise(book.bids))
        assert all(a.price < b.price for a, b in pairwise(book.asks))
        assert book.bids[0].price < book.asks[0].price
        assert all(level.size > ZERO for level in (*book.bids, *book.asks))

    @needs("one book")
    def test_p04_the_book_of_the_other_outcome_is_the_complement(
        self, trader: Trader
    ) -> None:
        market = trader.quoted_market()
        first, second = (o.label for o in market.outcomes)
        yes = trader.fetch_order_book(market.market_id, outcome=first)
        no = trader.fetch_order_book(market.market_id, outcome=second)
        assert [(complement(x.price), x.size) for x in yes.asks] == [
            (x.price, x.size) for x in no.bids
        ]
        assert [(complement(x.price), x.size) for x in yes.bids] == [
            (x.price, x.size) for x in no.asks
        ]

    def test_a_depth_is_kept(self, trader: Trader) -> None:
        market = trader.quoted_market()
        book = trader.fetch_order_book(market.market_id, depth=1)
        assert (len(book.bids), len(book.asks)) == (1, 1)
        assert book.bids[0].price == trader.book(market).bids[0].price

    def test_many_books_are_the_single_books(self, trader: Trader) -> None:
        ids = [m.market_id for m in trader.fetch_markets(limit=3)]
        books = trader.fetch_order_books(ids)
        assert set(books) == set(ids)
        single = trader.fetch_order_book(ids[0])
        assert (books[ids[0]].bids, books[ids[0]].asks) == (single.bids, single.asks)
        # Else it counts as told by a stream on paper and in a backtest.
        assert all(book.is_polled for book in (single, *books.values()))

    @needs("one book")
    def test_p04_a_ticker_of_the_other_outcome_is_the_complement(
        self, trader: Trader
    ) -> None:
        market = trader.quoted_market()
        first, second = (o.label for o in market.outcomes)
        yes = trader.fetch_ticker(market.market_id, outcome=first)
        no = trader.fetch_ticker(market.market_id, outcome=second)
        assert (no.bid, no.ask) == (complement(yes.ask), complement(yes.bid))
        assert (no.bid_size, no.ask_size) == (yes.ask_size, yes.bid_size)

    def test_tickers_come_by_market(self, trader: Trader) -> None:
        ids = [m.market_id for m in trader.fetch_markets(limit=3)]
        assert set(trader.fetch_tickers(ids)) == set(ids)

    @needs("one book")
    def test_p04_trades_of_the_other_outcome_are_the_complement(
        self, trader: Trader
    ) -> None:
        market = trader.quoted_market()
        trader.lift(market)
        first, second = (o.label for o in market.outcomes)
        yes = trader.fetch_trades(market.market_id, outcome=first, limit=20)
        no = trader.fetch_trades(market.market_id, outcome=second, limit=20)
        assert yes
        assert [t.trade_id for t in yes] == [t.trade_id for t in no]
        assert [complement(t.price) for t in yes] == [t.price for t in no]
        assert all(ZERO < t.price < ONE and t.size > ZERO for t in yes)

    def test_trades_are_newest_first_and_keep_their_span(self, trader: Trader) -> None:
        market = trader.quoted_market()
        for _ in range(3):
            trader.lift(market, trader.units(1))
            trader.ground.clock.advance(1)
        trades = trader.fetch_trades(market.market_id)
        times = [trade.created_at for trade in trades]
        assert times == sorted(times, reverse=True)
        middle = times[len(times) // 2]
        newer = trader.fetch_trades(market.market_id, since=middle)
        assert {t.trade_id for t in newer} == {
            t.trade_id for t in trades if t.created_at >= middle
        }

    def test_candles_are_oldest_first_and_adjoin_or_skip(self, trader: Trader) -> None:
        market = trader.quoted_market()
        candles = trader.fetch_ohlcv(market.market_id, "1h")
        assert candles
        assert all(c.end - c.start == timedelta(hours=1) for c in candles)
        assert all(a.end <= b.start for a, b in pairwise(candles))
        for candle in candles:
            price = candle.price
            if price is not None:
                assert price.low <= min(price.open, price.close)
                assert price.high >= max(price.open, price.close)

    def test_points_of_price_are_oldest_first_and_within_their_span(
        self, trader: Trader
    ) -> None:
        market = trader.quoted_market()
        trader.lift(market)
        trader.ground.clock.advance(7_200)
        points = trader.fetch_price_history(market.market_id)
        times = [point.timestamp for point in points]
        assert times == sorted(set(times))
        assert {point.outcome for point in points} == {market.outcomes[0].label}
        assert all(ZERO <= point.price <= ONE for point in points)
        some = trader.fetch_price_history(market.market_id, since=times[-1])
        assert some == points[-1:]
        assert trader.fetch_price_history(market.market_id, limit=1) == points[-1:]

    @pytest.mark.parametrize("ahead", [timedelta(seconds=5), timedelta(days=400)])
    @pytest.mark.parametrize("method", _HISTORIES)
    def test_a_time_that_is_yet_to_come_holds_nothing(
        self, trader: Trader, method: str, ahead: timedelta
    ) -> None:
        market = trader.quoted_market()
        trader.lift(market)
        now = datetime.fromtimestamp(trader.ground.clock.now(), UTC)
        market_id = market.market_id
        if method == "fetch_ohlcv":
            assert trader.fetch_ohlcv(market_id, "1h", since=now + ahead) == []
            return
        found = getattr(trader, method)(market_id=market_id, since=now + ahead)
        assert found == []

    @needs("one book")
    def test_p04_candles_of_the_other_outcome_are_turned_over(
        self, trader: Trader
    ) -> None:
        market = trader.quoted_market()
        first, second = (o.label for o in market.outcomes)
        yes = trader.fetch_ohlcv(market.market_id, "1h", outcome=first)
        no = trader.fetch_ohlcv(market.market_id, "1h", outcome=second)
        assert [c.in_terms_of(second) for c in yes] == no

    @pytest.mark.parametrize("outcome", ["maybe", "", "yes "])
    def test_an_outcome_that_is_not_there_is_refused(
        self, trader: Trader, outcome: str
    ) -> None:
        market = trader.quoted_market()
        with pytest.raises(BadRequest):
            trader.fetch_order_book(market.market_id, outcome=outcome)

    def test_series_are_found(self, trader: Trader) -> None:
        every = trader.fetch_series()
        assert every
        one = trader.fetch_series(every[0].series_id)
        assert [series.series_id for series in one] == [every[0].series_id]

    def test_a_fee_is_exact_and_not_negative(self, trader: Trader) -> None:
        market = trader.quoted_market()
        fee = trader.estimate_fee(
            market.market_id, market.outcomes[0].label, "buy", "0.5", 10
        )
        assert isinstance(fee, Decimal)
        assert fee >= ZERO

    def test_what_the_venue_has_not_is_refused_as_described(
        self, trader: Trader
    ) -> None:
        has = trader.exchange.has
        for method in ("watch_order_book", "watch_fills"):
            if not has[method]:
                with pytest.raises(NotSupported, match=method):
                    getattr(trader.exchange, method)("M")
