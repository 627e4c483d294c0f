"""Halts: once everything is stopped no order leaves, and the report hides nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from threading import Thread
from typing import Any, Final

import pytest

from ...errors import ConnectionLost, Halted, OrderUnknown, UnifiedExchangesError
from ...flow import Request, Response
from ...models import HaltReport, Market, OrderRequest
from .ground import Conformance, Trader
from .live import LiveConformance, LiveTrader
from .needs import needs

__all__ = ["Halts", "HaltsLive"]

_WORKERS: Final = 6
_SOME: Final = 10
"""Orders after which everything is stopped."""


class _Interrupt(BaseException):
    """Ctrl-C."""


class Halts(Conformance):
    """The kill switch, in memory."""

    @pytest.fixture
    def market(self, trader: Trader) -> Market:
        """A market to rest orders on."""
        if not trader.exchange.has["halt"]:
            pytest.skip(f"{trader.ground.exchange_id} has no halt")
        return trader.quoted_market()

    def _refused(self, act: Callable[[], Any]) -> str:
        with pytest.raises(Halted) as caught:
            act()
        return caught.value.reason

    def _on_write(
        self,
        trader: Trader,
        act: Callable[[Request, Callable[[], Response]], Response],
        *,
        reads: bool = False,
    ) -> None:
        """Let the next write, or read, meet something."""
        venue = trader.ground.venue
        serve = venue.handle

        def handle(request: Request) -> Response:
            if request.is_read is not reads:
                return serve(request)
            venue.handle = serve  # type: ignore[method-assign]
            return act(request, lambda: serve(request))

        venue.handle = handle  # type: ignore[method-assign]

    # -- nothing leaves -------------------------------------------------------------

    def test_fault_24_after_a_halt_no_order_leaves(
        self, trader: Trader, market: Market
    ) -> None:
        trader.halt("because")
        sent = len(trader.writes)
        asked = OrderRequest(
            market_id=market.market_id,
            outcome=market.outcomes[0].label,
            side="buy",
            price=market.grid.lowest,
            size=trader.units(1),
        )
        found = [
            self._refused(lambda: trader.rest(market)),
            self._refused(
                lambda: trader.do(lambda: trader.exchange.create_orders([asked]))
            ),
        ]
        assert found == ["because"] * 2
        assert len(trader.writes) == sent
        assert trader.exchange.halted.reason == "because"

    def test_fault_24_after_a_halt_no_order_is_changed(
        self, trader: Trader, market: Market
    ) -> None:
        resting = trader.rest(market)
        trader.exchange.stop_new_orders("because")
        sent = len(trader.writes)
        found = self._refused(
            lambda: trader.edit_order(resting.order_id, size=trader.units(3))
        )
        assert (found, len(trader.writes)) == ("because", sent)

    def test_fault_24_an_edit_that_is_being_prepared_does_not_leave(
        self, trader: Trader, market: Market
    ) -> None:
        resting = trader.rest(market)
        sent = len(trader.writes)

        def act(_: Request, serve: Callable[[], Response]) -> Response:
            trader.exchange.stop_new_orders("meanwhile")
            return serve()

        self._on_write(trader, act, reads=True)
        # What is not to change of it is read first, by most.
        with suppress(Halted):
            trader.edit_order(resting.order_id, size=trader.units(3))
        if trader.exchange.halted is None:
            pytest.skip("nothing is read before an edit leaves")
        assert len(trader.writes) == sent

    def test_fault_24_cancels_and_reads_go_on(
        self, trader: Trader, market: Market
    ) -> None:
        resting = trader.rest(market)
        trader.exchange.stop_new_orders("because")
        assert [o.order_id for o in trader.fetch_open_orders()] == [resting.order_id]
        assert not trader.cancel_order(resting.order_id).is_open

    def test_fault_24_a_create_that_is_answered_late_is_canceled_too(
        self, trader: Trader, market: Market
    ) -> None:
        def act(_: Request, serve: Callable[[], Response]) -> Response:
            trader.exchange.stop_new_orders("meanwhile")
            return serve()

        self._on_write(trader, act)
        placed = trader.rest(market)
        report = trader.halt("because")
        assert report.is_complete
        assert [o.order_id for o in report.canceled] == [placed.order_id]
        assert report.reason == "meanwhile"

    @needs("idempotent create")
    def test_fault_24_02_a_lost_create_is_only_looked_for(
        self, trader: Trader, market: Market
    ) -> None:
        def act(_: Request, serve: Callable[[], Response]) -> Response:
            serve()
            trader.exchange.stop_new_orders("meanwhile")
            raise ConnectionLost("connection reset by peer")

        self._on_write(trader, act)
        placed = trader.rest(market, client_order_id="lost")
        assert (placed.client_order_id, len(trader.writes)) == ("lost", 1)
        report = trader.halt("because")
        assert report.is_complete
        assert [o.order_id for o in report.canceled] == [placed.order_id]

    @needs("idempotent create")
    def test_fault_24_03_a_create_that_never_arrived_is_not_sent_again(
        self, trader: Trader, market: Market
    ) -> None:
        def act(_: Request, __: Callable[[], Response]) -> Response:
            trader.exchange.stop_new_orders("meanwhile")
            raise ConnectionLost("connection reset by peer")

        self._on_write(trader, act)
        with pytest.raises(OrderUnknown):
            trader.rest(market, client_order_id="lost")
        assert len(trader.writes) == 1
        short = trader.halt("because", deadline=5.0)
        assert not short.is_complete
        assert [x.client_order_id for x in short.unresolved] == ["lost"]
        # It is waited for until it can no longer arrive, and then proven not to be there.
        assert trader.halt("because").is_complete
        assert trader.mine(market, "lost") == []

    @needs("idempotent create")
    def test_fault_24_03_a_create_that_arrives_after_all_is_found_and_canceled(
        self, trader: Trader, market: Market
    ) -> None:
        late: list[Callable[[], Response]] = []

        def act(_: Request, serve: Callable[[], Response]) -> Response:
            late.append(serve)
            trader.exchange.stop_new_orders("meanwhile")
            raise ConnectionLost("connection reset by peer")

        self._on_write(trader, act)
        with pytest.raises(OrderUnknown):
            trader.rest(market, client_order_id="late")
        late[0]()
        report = trader.halt("because")
        assert report.is_complete
        assert [o.client_order_id for o in report.canceled] == ["late"]

    # -- what rests -----------------------------------------------------------------

    def test_fault_24_what_rests_is_canceled_and_verified(
        self, trader: Trader, market: Market
    ) -> None:
        resting = {trader.rest(market).order_id for _ in range(3)}
        held = trader.lift(market)
        report: HaltReport = trader.halt("because")
        assert report.is_complete
        assert {order.order_id for order in report.canceled} == resting
        assert trader.fetch_open_orders() == []
        assert [(x.market_id, x.size) for x in report.positions or ()] == [
            (market.market_id, held.filled)
        ]

    def test_fault_24_what_rests_may_be_left(
        self, trader: Trader, market: Market
    ) -> None:
        resting = trader.rest(market)
        report = trader.halt("because", cancel=False)
        assert report.is_complete
        assert [o.order_id for o in report.remaining] == [resting.order_id]
        assert report.canceled == ()

    def test_fault_24_halting_twice_is_halting_once(
        self, trader: Trader, market: Market
    ) -> None:
        resting = trader.rest(market)
        first = trader.halt("first")
        second = trader.halt("second")
        assert (first.is_complete, second.is_complete) == (True, True)
        assert (second.reason, second.halted_at) == ("first", first.halted_at)
        assert [o.order_id for o in second.canceled] == [resting.order_id]

    def test_fault_24_43_a_venue_that_says_slow_down_is_asked_again(
        self, trader: Trader, market: Market
    ) -> None:
        resting = trader.rest(market)
        trader.suffer("429", 2, reads=True)
        report = trader.halt("because")
        assert report.is_complete
        assert [o.order_id for o in report.canceled] == [resting.order_id]

    @pytest.mark.parametrize("kind", ["refused", "lost before", "503", "html"])
    def test_fault_24_01_a_venue_that_cannot_be_reached_is_reported(
        self, trader: Trader, market: Market, kind: Any
    ) -> None:
        resting = trader.rest(market)
        trader.suffer(kind, 100_000, reads=True)
        report = trader.halt("because", deadline=20.0)
        assert not report.is_complete
        assert report.errors
        # What cannot be read is not taken for flat, nor for closed.
        assert report.positions is None
        known = [o.order_id for o in (*report.remaining, *report.canceled)]
        assert known == [resting.order_id]
        assert self._refused(lambda: trader.rest(market)) == "because"
        trader.relieve()
        assert trader.halt("because").is_complete
        assert trader.fetch_open_orders() == []

    def test_fault_24_19_a_cancel_whose_answer_is_lost_is_looked_at(
        self, trader: Trader, market: Market
    ) -> None:
        resting = trader.rest(market)
        trader.suffer("lost after")
        report = trader.halt("because")
        assert report.is_complete
        assert [o.order_id for o in report.canceled] == [resting.order_id]

    def test_fault_24_47_an_interrupt_leaves_it_halted(
        self, trader: Trader, market: Market
    ) -> None:
        resting = trader.rest(market)

        def act(_: Request, serve: Callable[[], Response]) -> Response:
            serve()
            raise _Interrupt

        self._on_write(trader, act)
        with pytest.raises(_Interrupt):
            trader.halt("because")
        assert self._refused(lambda: trader.rest(market)) == "because"
        report = trader.halt("again")
        assert report.is_complete
        assert [o.order_id for o in report.canceled] == [resting.order_id]

    # -- others, and lifting --------------------------------------------------------

    def test_a_halt_is_lifted_on_purpose_only(
        self, trader: Trader, market: Market
    ) -> None:
        trader.halt("because")
        assert trader.resume("found it").reason == "because"
        assert trader.exchange.halted is None
        assert trader.rest(market).is_open
        assert trader.resume("nothing to lift") is None

    @needs("idempotent create")
    def test_fault_24_12_whoever_shares_the_journal_is_halted_too(
        self, trader: Trader, market: Market, tmp_path: Path
    ) -> None:
        path = tmp_path / "orders.db"
        one, other = (trader.another(journal=path) for _ in range(2))
        resting = other.rest(market)
        sent = len(other.writes)
        one.halt("because", cancel=False)
        for act in (
            lambda: other.rest(market),
            # Whatever it is: what a raw write brings cannot be known.
            lambda: other.request("POST", other.ground.raw_path, body={}),
        ):
            assert self._refused(act) == "because"
        assert other.exchange.halted.reason == "because"
        assert len(other.writes) == sent
        # A restart does not forget it.
        fresh = trader.another(journal=path)
        assert self._refused(lambda: fresh.rest(market)) == "because"
        assert fresh.resume("found it").reason == "because"
        assert other.rest(market).is_open
        assert other.exchange.halted is None
        # Who was halted itself lifts it itself.
        assert self._refused(lambda: one.rest(market)) == "because"
        assert one.fetch_order(resting.order_id).is_open
        for each in (one, other, fresh):
            each.do(each.exchange.aclose if each.is_async else each.exchange.close)

    @needs("idempotent create")
    def test_fault_24_12_no_order_is_changed_by_whoever_shares_the_journal(
        self, trader: Trader, market: Market, tmp_path: Path
    ) -> None:
        one, other = (trader.another(journal=tmp_path / "orders.db") for _ in range(2))
        resting = other.rest(market)
        one.halt("because", cancel=False)
        sent = len(other.writes)
        found = self._refused(
            lambda: other.edit_order(resting.order_id, size=other.units(3))
        )
        assert (found, len(other.writes)) == ("because", sent)
        assert one.fetch_order(resting.order_id).size == resting.size
        for each in (one, other):
            each.do(each.exchange.aclose if each.is_async else each.exchange.close)


class HaltsLive(LiveConformance):
    """The kill switch while threads or tasks place orders, on a socket."""

    def test_fault_24_no_order_appears_after_a_halt_that_races_with_creates(
        self, live: LiveTrader
    ) -> None:
        if not live.exchange.has["halt"]:
            pytest.skip(f"{live.ground.exchange_id} has no halt")
        market = live.quoted_market()
        race = _Race(live, market)
        report = race.run()
        assert report.is_complete, str(report)
        assert race.after_halt == race.at_the_end
        assert [o.order_id for o in live.fetch_open_orders()] == []
        assert len(race.after_halt) >= _SOME
        assert [error.reason for error in race.ends] == ["race"] * _WORKERS


class _Race:
    """Workers that place orders until they are told to stop."""

    def __init__(self, live: LiveTrader, market: Market) -> None:
        self._live = live
        self._order = {
            "market_id": market.market_id,
            "outcome": market.outcomes[0].label,
            "side": "buy",
            "price": Decimal(market.grid.lowest),
            "size": live.units(1),
        }
        self.placed: list[str] = []
        self.ends: list[Halted] = []
        self._enough = asyncio.Event()
        self.after_halt: set[str] = set()
        self.at_the_end: set[str] = set()

    def run(self) -> HaltReport:
        """Halt while they are at it; then see what the venue has, and once more."""
        if self._live.is_async:
            report: HaltReport = self._live.do(self._run_async)
        else:
            report = self._run_blocking()
        return report

    def _run_blocking(self) -> HaltReport:
        exchange = self._live.exchange
        threads = [Thread(target=self._work) for _ in range(_WORKERS)]
        for thread in threads:
            thread.start()
        while len(self.placed) < _SOME:
            threads[0].join(0.001)
        report: HaltReport = exchange.halt("race")
        self.after_halt = {o.order_id for o in exchange.fetch_orders()}
        for thread in threads:
            thread.join()
        self.at_the_end = {o.order_id for o in exchange.fetch_orders()}
        return report

    def _work(self) -> None:
        while True:
            try:
                order = self._live.exchange.create_order(**self._order)
            except Halted as error:
                self.ends.append(error)
                return
            except UnifiedExchangesError:
                # Too fast for the venue, perhaps.
                continue
            self.placed.append(order.order_id)

    async def _run_async(self) -> HaltReport:
        exchange = self._live.exchange
        tasks = [asyncio.create_task(self._work_async()) for _ in range(_WORKERS)]
        await self._enough.wait()
        report: HaltReport = await exchange.halt("race")
        self.after_halt = {o.order_id for o in await exchange.fetch_orders()}
        await asyncio.gather(*tasks)
        self.at_the_end = {o.order_id for o in await exchange.fetch_orders()}
        return report

    async def _work_async(self) -> None:
        while True:
            try:
                order = await self._live.exchange.create_order(**self._order)
            except Halted as error:
                self.ends.append(error)
                return
            except UnifiedExchangesError:
                continue
            self.placed.append(order.order_id)
            if len(self.placed) >= _SOME:
                self._enough.set()
