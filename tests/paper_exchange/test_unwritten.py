"""What a call says whose order, cancel or change cannot be written to the file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import pytest

from tests.paper_exchange.ground import KalshiPaper
from unified_exchanges import Market, OrderRequest
from unified_exchanges.clock import VirtualClock
from unified_exchanges.errors import (
    JournalError,
    OrderRejected,
    OrderUnknown,
    UnifiedExchangesError,
)

FULL = "database or disk is full"


class RestlessClock(VirtualClock):
    """A clock that shows another time whenever it is read, as any real one does."""

    def now(self) -> float:
        self.advance(0.000_001)
        return super().now()


def refuse(paper: Any, kind: str, verb: str = "INSERT") -> None:
    """Let the file of an account refuse rows of a kind, as a full disk refuses all."""
    row = "NEW" if verb == "INSERT" else "OLD"
    _execute(
        paper,
        f"CREATE TRIGGER full BEFORE {verb} ON kept WHEN {row}.kind = '{kind}' "
        f"BEGIN SELECT RAISE(ABORT, '{FULL}'); END",
    )


def put_right(paper: Any) -> None:
    """Let it take them again."""
    _execute(paper, "DROP TRIGGER full")


def _execute(paper: Any, words: str) -> None:
    paper.venue.terms.file._perform("changed", lambda file: file.execute(words))


@attrs.define
class Scene:
    """An exchange with a file, and an order that rests."""

    trader: Any
    market: Market

    def refuse(self, kind: str, verb: str = "INSERT") -> None:
        refuse(self.trader, kind, verb)

    def put_right(self) -> None:
        put_right(self.trader)

    def rest(self, **how: Any) -> Any:
        return self.trader.create_order(
            self.market.market_id, "yes", "buy", self.market.grid.lowest, 1, **how
        )

    def lift(self, **how: Any) -> Any:
        ask = self.trader.fetch_order_book(self.market.market_id).ask
        return self.trader.create_order(
            self.market.market_id, "yes", "buy", ask.price, 10, **how
        )


@pytest.fixture(params=["blocking", "async"])
def scene(request: pytest.FixtureRequest, tmp_path: Path) -> Scene:
    ground = KalshiPaper()
    ground.clock = RestlessClock()
    trader = ground.trader(request.param, path=tmp_path / "paper.db")
    made = Scene(trader, trader.quoted_market())
    made.rest()
    return made


def test_an_order_that_cannot_be_written_is_not_placed_however_often_it_is_sent(
    scene: Scene,
) -> None:
    scene.refuse("command")
    for _ in range(3):
        with pytest.raises(JournalError, match=FULL) as caught:
            scene.lift()
        assert not caught.value.maybe_executed
        assert caught.value.client_order_id
    scene.put_right()
    assert scene.trader.fetch_positions() == []
    assert len(scene.trader.fetch_orders()) == 1
    assert scene.lift().filled == 10
    assert [x.size for x in scene.trader.fetch_positions()] == [10]


def test_the_id_of_an_order_that_was_not_placed_is_free(scene: Scene) -> None:
    scene.refuse("command")
    with pytest.raises(JournalError):
        scene.lift(client_order_id="mine")
    scene.put_right()
    assert scene.lift(client_order_id="mine").filled == 10


def test_a_batch_that_cannot_be_written_is_not_placed(scene: Scene) -> None:
    scene.refuse("command")
    results = scene.trader.create_orders(
        [
            OrderRequest(
                market_id=scene.market.market_id,
                outcome="yes",
                side="buy",
                price=scene.market.grid.lowest,
                size=size,
            )
            for size in (1, 2)
        ]
    )
    errors = [x.error for x in results]
    assert [(type(x), x.maybe_executed) for x in errors] == [(JournalError, False)] * 2
    scene.put_right()
    assert len(scene.trader.fetch_orders()) == 1


def test_a_batch_that_would_fill_and_cannot_be_written_has_not_filled(
    scene: Scene,
) -> None:
    scene.refuse("command")
    ask = scene.trader.fetch_order_book(scene.market.market_id).ask
    asked = OrderRequest(
        market_id=scene.market.market_id,
        outcome="yes",
        side="buy",
        price=ask.price,
        size=3,
        time_in_force="ioc",
    )
    results = scene.trader.create_orders([asked] * 4)
    errors = [x.error for x in results]
    assert [(type(x), x.maybe_executed) for x in errors] == [(JournalError, False)] * 4
    scene.put_right()
    assert scene.trader.fetch_positions() == []
    assert len(scene.trader.fetch_orders()) == 1
    assert scene.trader.fetch_balance().total == 10_000


@pytest.mark.parametrize("which", ["cancel_orders", "cancel_all_orders"])
def test_a_batch_of_cancels_that_cannot_be_written_has_ended_nothing(
    scene: Scene, which: str
) -> None:
    names = [scene.rest().order_id for _ in range(3)]
    scene.refuse("command")
    given = [] if which == "cancel_all_orders" else [names]
    with pytest.raises(JournalError, match=FULL) as caught:
        getattr(scene.trader, which)(*given)
    assert not caught.value.maybe_executed
    scene.put_right()
    assert len(scene.trader.fetch_open_orders()) == 4


def test_an_order_whose_fill_cannot_be_written_is_in_doubt_and_sent_again_is_the_same(
    scene: Scene,
) -> None:
    scene.refuse("news")
    with pytest.raises(OrderUnknown, match=FULL) as caught:
        scene.lift(client_order_id="mine")
    assert (caught.value.maybe_executed, caught.value.client_order_id) == (True, "mine")
    with pytest.raises(UnifiedExchangesError, match=FULL):
        scene.lift(client_order_id="mine")
    scene.put_right()
    assert scene.lift(client_order_id="mine").filled == 10
    assert [x.size for x in scene.trader.fetch_positions()] == [10]


def test_while_a_fill_cannot_be_written_no_other_order_is_placed(scene: Scene) -> None:
    scene.refuse("news")
    with pytest.raises(OrderUnknown):
        scene.lift()
    for _ in range(2):
        with pytest.raises(JournalError, match=FULL) as caught:
            scene.lift()
        assert not caught.value.maybe_executed
    scene.put_right()
    assert [x.size for x in scene.trader.fetch_positions()] == [10]


def cancel(scene: Scene, order_id: str) -> Any:
    return scene.trader.cancel_order(order_id)


def cancel_several(scene: Scene, order_id: str) -> Any:
    return scene.trader.cancel_orders([order_id])


def cancel_all(scene: Scene, order_id: str) -> Any:
    del order_id
    return scene.trader.cancel_all_orders()


def change(scene: Scene, order_id: str) -> Any:
    return scene.trader.edit_order(order_id, size=7)


ACTS = [cancel, cancel_several, cancel_all, change]


@pytest.mark.parametrize("act", ACTS)
def test_what_cannot_be_written_has_not_happened(
    scene: Scene, act: Callable[[Scene, str], Any]
) -> None:
    [order] = scene.trader.fetch_orders()
    scene.refuse("command")
    with pytest.raises(JournalError, match=FULL) as caught:
        act(scene, order.order_id)
    assert not caught.value.maybe_executed
    scene.put_right()
    [after] = scene.trader.fetch_orders()
    assert (after.status, after.size) == (order.status, order.size)


@pytest.mark.parametrize("act", ACTS)
def test_what_is_on_its_way_and_then_cannot_be_written_is_in_doubt(
    scene: Scene, act: Callable[[Scene, str], Any]
) -> None:
    [order] = scene.trader.fetch_orders()
    # It goes when it has arrived.
    scene.refuse("command", "DELETE")
    with pytest.raises(JournalError, match=FULL) as caught:
        act(scene, order.order_id)
    assert caught.value.maybe_executed
    scene.put_right()
    [after] = scene.trader.fetch_orders()
    assert (after.status, after.size) != (order.status, order.size)


def test_the_id_of_an_order_that_was_refused_while_nothing_could_be_told_is_free(
    scene: Scene,
) -> None:
    scene.refuse("command", "DELETE")
    with pytest.raises(OrderUnknown):
        scene.lift(client_order_id="mine", post_only=True)
    scene.put_right()
    with pytest.raises(OrderRejected, match="post_only"):
        scene.lift(client_order_id="mine", post_only=True)
    assert scene.lift().filled == 10
