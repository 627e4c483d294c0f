"""Crashes: what a process left open is found out by the next one, from the journal."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, TypeAlias

import pytest

from ...errors import OrderUnknown, UnresolvedOrders
from ...flow import Request, Response
from ...models import IntentState, Market, OrderRequest
from ...simulator.faults import Fault
from .ground import Conformance, Trader
from .needs import needs

__all__ = ["Crashes"]

_Moment: TypeAlias = Literal["before it arrived", "after it arrived"]


class _Killed(BaseException):
    """The end of a process, as far as one process can tell."""


class Crashes(Conformance):
    """An object that ends while its order is on its way, and another on its journal."""

    @pytest.fixture
    def path(self, tmp_path: Path) -> Path:
        """The file of the journal."""
        return tmp_path / "orders.db"

    def _started(self, trader: Trader, path: Path) -> Trader:
        """Another process of the same account, on the same journal."""
        flavour = "async" if trader.is_async else "blocking"
        started = trader.ground.trader(flavour, journal=path)
        started.transport.requests = trader.transport.requests
        return started

    def _killed(
        self, trader: Trader, path: Path, moment: _Moment, act: Callable[[Trader], Any]
    ) -> None:
        """A process that ends while it places something."""
        first = self._started(trader, path)
        venue = trader.ground.venue
        serve = venue.handle

        def deadly(request: Request) -> Response:
            answer = serve(request) if moment == "after it arrived" else None
            if request.is_read:
                return answer or serve(request)
            raise _Killed

        venue.handle = deadly  # type: ignore[method-assign]
        with pytest.raises(_Killed):
            act(first)
        venue.handle = serve  # type: ignore[method-assign]
        _close(first)

    def _place(self, market: Market) -> Callable[[Trader], Any]:
        return lambda trader: trader.rest(
            market, trader.units(5), client_order_id="left"
        )

    # -- one order ------------------------------------------------------------------

    @needs("idempotent create")
    def test_fault_12_an_order_that_had_arrived_is_found(
        self, trader: Trader, path: Path
    ) -> None:
        market = trader.quoted_market()
        self._killed(trader, path, "after it arrived", self._place(market))
        sent = len(trader.writes)
        again = self._started(trader, path)
        report = again.reconcile()
        assert report.is_complete
        assert [o.client_order_id for o in report.found] == ["left"]
        assert (report.absent, report.unknown) == ((), ())
        assert again.unresolved_intents() == []
        assert len(trader.writes) == sent
        _close(again)

    @needs("idempotent create")
    def test_fault_12_an_order_that_never_arrived_is_proven_absent(
        self, trader: Trader, path: Path
    ) -> None:
        market = trader.quoted_market()
        self._killed(trader, path, "before it arrived", self._place(market))
        sent = len(trader.writes)
        again = self._started(trader, path)
        report = again.reconcile()
        assert [(x.client_order_id, x.state) for x in report.absent] == [
            ("left", IntentState.ABSENT)
        ]
        assert (report.found, report.unknown) == ((), ())
        assert len(trader.writes) == sent
        _close(again)

    @needs("idempotent create")
    def test_fault_03_nothing_is_absent_before_it_can_no_longer_arrive(
        self, trader: Trader, path: Path
    ) -> None:
        market = trader.quoted_market()
        self._killed(trader, path, "before it arrived", self._place(market))
        again = self._started(trader, path)
        (left,) = again.unresolved_intents()
        assert left.state is IntentState.PENDING
        again.reconcile()
        assert trader.ground.clock.now() >= left.arrives_by.timestamp()
        _close(again)

    @needs("idempotent create")
    def test_fault_28_what_reads_that_lag_do_not_show_is_not_absent(
        self, trader: Trader, path: Path
    ) -> None:
        market = trader.quoted_market()
        clock = trader.ground.clock
        clock.advance(120)
        self._killed(trader, path, "after it arrived", self._place(market))
        clock.advance(60)
        again = self._started(trader, path)
        # It can no longer arrive, and reads show what was before it did.
        again.meet(Fault("lag", seconds=100, count=None), reads=True)
        assert again.reconcile().absent == ()
        again.relieve()
        again.reconcile()
        assert again.unresolved_intents() == []
        assert len(again.mine(market, "left")) == 1
        _close(again)

    # -- before the next order ------------------------------------------------------

    @needs("idempotent create")
    @pytest.mark.parametrize("moment", ["before it arrived", "after it arrived"])
    def test_fault_12_the_next_order_waits_until_the_last_is_known(
        self, trader: Trader, path: Path, moment: _Moment
    ) -> None:
        market = trader.quoted_market()
        self._killed(trader, path, moment, self._place(market))
        trader.ground.clock.advance(60)
        again = self._started(trader, path)
        again.rest(market, again.units(3), client_order_id="next")
        assert again.unresolved_intents() == []
        expected = 1 if moment == "after it arrived" else 0
        assert len(again.mine(market, "left")) == expected
        _close(again)

    @needs("idempotent create")
    def test_fault_12_no_order_leaves_while_the_last_is_unknown(
        self, trader: Trader, path: Path
    ) -> None:
        market = trader.quoted_market()
        self._killed(trader, path, "before it arrived", self._place(market))
        trader.ground.clock.advance(60)
        again = self._started(trader, path)
        sent = len(trader.writes)
        again.suffer("lost before", 10_000, reads=True)
        with pytest.raises(UnresolvedOrders) as caught:
            again.rest(market, again.units(3))
        assert caught.value.client_order_ids == ("left",)
        assert len(trader.writes) == sent
        trader.ground.venue.troubles.clear()
        again.rest(market, again.units(3))
        assert again.unresolved_intents() == []
        _close(again)

    @needs("idempotent create")
    def test_fault_12_cancels_go_on_while_an_order_is_unknown(
        self, trader: Trader, path: Path
    ) -> None:
        market = trader.quoted_market()
        resting = trader.rest(market)
        self._killed(trader, path, "before it arrived", self._place(market))
        again = self._started(trader, path)
        with pytest.raises(UnresolvedOrders):
            again.rest(market, again.units(3))
        assert not again.cancel_order(resting.order_id).is_open
        _close(again)

    # -- others ---------------------------------------------------------------------

    @needs("idempotent create")
    @pytest.mark.parametrize("moment", ["before it arrived", "after it arrived"])
    def test_fault_20_every_order_of_a_batch_is_found_out(
        self, trader: Trader, path: Path, moment: _Moment
    ) -> None:
        market = trader.quoted_market()
        batch = [
            OrderRequest(
                market_id=market.market_id,
                outcome=market.outcomes[0].label,
                side="buy",
                price=market.grid.lowest,
                size=trader.units(size),
                client_order_id=f"entry-{size}",
            )
            for size in (1, 2, 3)
        ]
        self._killed(trader, path, moment, lambda t: t.create_orders(batch))
        again = self._started(trader, path)
        report = again.reconcile()
        ids = {f"entry-{size}" for size in (1, 2, 3)}
        there = {o.client_order_id for o in report.found}
        gone = {x.client_order_id for x in report.absent}
        assert (there, gone) == (
            (ids, set()) if moment == "after it arrived" else (set(), ids)
        )
        _close(again)

    @needs("idempotent create")
    def test_fault_08_an_order_that_stayed_unknown_is_found_out_later(
        self, trader: Trader, path: Path
    ) -> None:
        market = trader.quoted_market()
        one = self._started(trader, path)
        one.suffer("lost before", 1000)
        with pytest.raises(OrderUnknown):
            one.rest(market, client_order_id="left")
        (left,) = one.unresolved_intents()
        assert (left.client_order_id, left.state) == ("left", IntentState.UNKNOWN)
        trader.ground.venue.troubles.clear()
        report = one.reconcile()
        assert [x.client_order_id for x in report.absent] == ["left"]
        _close(one)

    def test_an_object_without_a_file_knows_its_own(self, trader: Trader) -> None:
        trader.rest(trader.quoted_market())
        assert trader.unresolved_intents() == []
        assert trader.reconcile().is_complete


def _close(trader: Trader) -> None:
    if trader.is_async:
        trader.aclose()
    else:
        trader.close()
