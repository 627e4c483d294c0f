"""Streams under faults: never a book that is wrong, never an event that is lost."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import attrs
import pytest

from ...errors import (
    AuthenticationError,
    MarketNotFound,
    RequestTimeout,
    UnifiedExchangesError,
)
from ...models import Gap, Market, OrderBook, Reconnected
from ...money import ZERO
from ...simulator.faults import StreamFault, unavailable
from .live import LiveConformance, LiveTrader, Watched
from .needs import needs

__all__ = ["Streams"]

_FOREVER = 3600.0
_DISORDER = {
    "lost": StreamFault("drop"),
    "twice": StreamFault("duplicate"),
    "late": StreamFault("reorder", seconds=0.3),
}
_NUMBERS = {
    "left out": StreamFault("skip"),
    "go back": StreamFault("alter", field="seq", value=1),
}
_NOVELTIES = (
    StreamFault("insert", count=None),
    StreamFault("alter", count=None),
    StreamFault("alter", field="novelty", value=[7], count=None),
)
"""A type nobody knows, and fields nobody knows, within the message and beside it."""


def levels(book: OrderBook) -> tuple[Any, Any]:
    """What a book is, whenever it was told."""
    return (
        [(level.price, level.size) for level in book.bids],
        [(level.price, level.size) for level in book.asks],
    )


def check(book: OrderBook) -> None:
    """A book that is sorted, not crossed and made of sizes above 0."""
    assert all(a.price > b.price for a, b in pairwise(book.bids))
    assert all(a.price < b.price for a, b in pairwise(book.asks))
    assert not (book.bids and book.asks) or book.bids[0].price < book.asks[0].price
    assert all(level.size > ZERO for level in (*book.bids, *book.asks))


class Streams(LiveConformance):
    """Books, orders and fills as they come over a socket that fails."""

    @pytest.fixture
    def market(self, live: LiveTrader) -> Market:
        """A market with quotes."""
        if not live.ground.frames:
            pytest.skip(f"{live.ground.exchange_id} has no streams to break")
        return live.quoted_market()

    def settled(self, live: LiveTrader, watch: Watched, market: Market) -> list[Any]:
        """What is told up to the book that the venue has, and that is live."""
        truth = levels(live.book(market))
        return watch.until(
            lambda item: (
                isinstance(item, OrderBook) and not item.stale and levels(item) == truth
            )
        )

    def disordered(
        self, live: LiveTrader, market: Market, fault: StreamFault
    ) -> list[Any]:
        """What is told of a book, one of whose changes meets a fault, until it is right."""
        watch = live.watch("order_book", market.market_id, policy="every", events=True)
        first = watch.next()
        live.strike(attrs.evolve(fault, frame=live.frame("book")))
        # Two, since a change that is missing may show in the one behind it; and not of
        # one level, whose next total makes up for what was lost.
        lowest = market.grid.lowest
        live.rest(market, live.units(3))
        live.rest(market, live.units(4), price=lowest + market.grid.step_at(lowest))
        told = self.settled(live, watch, market)
        for item in told:
            if isinstance(item, OrderBook):
                check(item)
        assert first.stale
        return told

    # -- books ----------------------------------------------------------------------

    @pytest.mark.parametrize("kind", _DISORDER)
    def test_fault_31_32_p10_f05_a_book_out_of_order_is_right_in_the_end(
        self, live: LiveTrader, market: Market, kind: str
    ) -> None:
        told = self.disordered(live, market, _DISORDER[kind])
        # What is lost is never passed over; the others do no harm where nothing counts.
        if kind == "lost":
            assert [item for item in told if isinstance(item, Gap)]

    @needs("numbered books")
    @pytest.mark.parametrize("kind", _DISORDER)
    def test_fault_31_32_p10_f05_a_book_out_of_order_is_stale_then_right(
        self, live: LiveTrader, market: Market, kind: str
    ) -> None:
        told = self.disordered(live, market, _DISORDER[kind])
        assert [item for item in told if isinstance(item, Gap)]

    @needs("numbered books")
    @pytest.mark.parametrize("kind", _NUMBERS)
    def test_fault_31_32_p10_f05_a_book_whose_numbers_jump_is_stale_then_right(
        self, live: LiveTrader, market: Market, kind: str
    ) -> None:
        told = self.disordered(live, market, _NUMBERS[kind])
        assert [item for item in told if isinstance(item, Gap)]

    def test_fault_31_a_change_that_is_lost_with_none_behind_it_is_found_out(
        self, live: LiveTrader, market: Market
    ) -> None:
        watch = live.watch("order_book", market.market_id, policy="every")
        watch.next()
        live.strike(
            StreamFault(
                "silence", frame=live.frame("book"), seconds=0.2, pings=True, pongs=True
            )
        )
        live.rest(market, live.units(3))
        assert not self.settled(live, watch, market)[-1].stale

    # -- connections ----------------------------------------------------------------

    @pytest.mark.parametrize("answers", [True, False])
    def test_fault_33_34_a_stream_that_tells_nothing_any_more_is_given_up(
        self, live: LiveTrader, market: Market, *, answers: bool
    ) -> None:
        watch = live.watch("orders")
        book = live.watch("order_book", market.market_id)
        book.next()
        before = live.rest(market, live.units(3))
        watch.until(lambda item: item.order_id == before.order_id)
        kind: Any = "silence" if answers else "half_open"
        live.strike(
            StreamFault(
                kind,
                after=0,
                # Each that there is: some venues tell of orders on one of their own.
                count=live.exchange.stream_health().connections,
                seconds=_FOREVER,
                pings=answers,
                pongs=answers,
            )
        )
        order = live.rest(market, live.units(3))
        told = watch.until(lambda item: item.order_id == order.order_id)
        assert len({item.order_id for item in told}) == len(told)
        assert not self.settled(live, book, market)[-1].stale

    def test_fault_35_p11_f06_after_a_reconnect_all_is_followed_again(
        self, live: LiveTrader, market: Market
    ) -> None:
        books = live.watch("order_book", market.market_id, events=True)
        fills = live.watch("fills")
        books.next()
        live.strike(StreamFault("reset", frame=live.frame("book")))
        live.rest(market, live.units(3))
        told = books.until(lambda item: isinstance(item, Reconnected))
        assert any(isinstance(item, Gap) for item in told)
        assert not self.settled(live, books, market)[-1].stale
        bought = live.lift(market, live.units(1))
        assert fills.next().order_id == bought.order_id

    def test_fault_35_a_command_that_is_not_acknowledged_is_sent_again(
        self, live: LiveTrader, market: Market
    ) -> None:
        live.strike(StreamFault("ignore"))
        watch = live.watch("order_book", market.market_id)
        assert self.settled(live, watch, market)

    def test_fault_35_f06_what_filled_during_a_break_is_told_once(
        self, live: LiveTrader, market: Market
    ) -> None:
        fills = live.watch("fills")
        live.watch("order_book", market.market_id).next()
        live.strike(StreamFault("reset", frame=live.frame("fill")))
        live.strike(StreamFault("drop", frame=live.frame("fill"), count=3))
        bought = [live.lift(market, live.units(1)).order_id for _ in range(3)]
        told = [fills.next() for _ in bought] + fills.rest()
        assert [fill.order_id for fill in told] == bought

    # -- refusals -------------------------------------------------------------------

    def test_fault_36_a_market_that_is_not_there_ends_its_own_watch_only(
        self, live: LiveTrader, market: Market
    ) -> None:
        good = live.watch("order_book", market.market_id)
        good.next()
        with pytest.raises(MarketNotFound):
            live.watch("order_book", "NO-SUCH-MARKET").next()
        live.rest(market, live.units(3))
        assert not self.settled(live, good, market)[-1].stale

    def test_fault_37_f18_a_key_that_is_refused_ends_the_stream_with_that_error(
        self, live: LiveTrader, market: Market
    ) -> None:
        assert live.ground.stream_path is not None
        live.strike(unavailable(401, path=live.ground.stream_path, count=None))
        with pytest.raises(AuthenticationError):
            live.watch("order_book", market.market_id).next()
        # It has given up: nobody knocks any more.
        struck = live.stage.requests.struck
        count = len(struck)
        with pytest.raises((UnifiedExchangesError, RequestTimeout)):
            live.watch("order_book", market.market_id).next(0.5)
        assert count <= 5
        assert len(struck) <= count + 5

    def test_fault_37_f18_a_refusal_that_passes_is_signed_anew(
        self, live: LiveTrader, market: Market
    ) -> None:
        assert live.ground.stream_path is not None
        live.strike(unavailable(401, path=live.ground.stream_path))
        watch = live.watch("order_book", market.market_id)
        assert self.settled(live, watch, market)

    # -- what nobody knows, and what comes twice --------------------------------------

    def test_fault_38_f14_what_nobody_knows_is_passed_over(
        self, live: LiveTrader, market: Market
    ) -> None:
        fills = live.watch("fills")
        live.watch("order_book", market.market_id).next()
        begun = live.lift(market, live.units(1)).order_id
        assert fills.next().order_id == begun
        connections = live.exchange.stream_health().connections
        for novelty in _NOVELTIES:
            live.strike(novelty)
            bought = [live.lift(market, live.units(1)).order_id for _ in range(2)]
            assert [fills.next().order_id for _ in bought] == bought
            live.stage.frames.clear()
        assert live.exchange.stream_health().connections == connections

    @pytest.mark.parametrize(("name", "word"), [("fill", 7), ("order", "novelty")])
    def test_fault_38_f14_a_word_nobody_knows_loses_no_event(
        self, live: LiveTrader, market: Market, name: str, word: object
    ) -> None:
        if name not in live.ground.words:
            pytest.skip(f"{live.ground.exchange_id} has no word in its {name} frames")
        watch = live.watch(f"{name}s")
        live.watch("order_book", market.market_id).next()
        live.strike(
            StreamFault(
                "alter",
                frame=live.frame(name),
                field=live.ground.words[name],
                value=word,
            )
        )
        bought = [live.lift(market, live.units(1)).order_id for _ in range(2)]
        told: set[str] = set()
        while not told.issuperset(bought):
            told.add(watch.next().order_id)
        assert told == set(bought)

    def test_fault_22_a_fill_told_twice_is_told_once(
        self, live: LiveTrader, market: Market
    ) -> None:
        fills = live.watch("fills")
        live.watch("order_book", market.market_id).next()
        live.strike(StreamFault("duplicate", frame=live.frame("fill"), count=None))
        bought = [live.lift(market, live.units(1)).order_id for _ in range(3)]
        told = [fills.next() for _ in bought] + fills.rest()
        assert [fill.order_id for fill in told] == bought
