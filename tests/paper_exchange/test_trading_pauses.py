"""Trading pauses in the whole exchange or on a shard, while its markets are open as ever."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from tests.paper_exchange.ground import KalshiPaper
from tests.paper_exchange.others import BusyKalshi
from tests.paper_exchange.test_over_recording import FLAVOURS
from unified_exchanges import (
    ExchangeNotAvailable,
    MarketClosed,
    OrderRequest,
    OrderStatus,
    UnifiedExchangesError,
    exchange,
)
from unified_exchanges.flow import Request, Response
from unified_exchanges.paper import Delays
from unified_exchanges.testing.conformance import Trader

SECOND = 1_000_000_000
STATUS = "/exchange/status"
OPEN, CANCELED = OrderStatus.OPEN, OrderStatus.CANCELED
SCOPES: dict[str, dict[str, Any]] = {
    "trading": {},
    "shard": {"shard": 0},
    "exchange": {"whole_exchange": True},
}


class Listener:
    """Counts reads of the status, and answers them with a failure on demand."""

    def __init__(self, ground: KalshiPaper) -> None:
        venue: Any = ground.venue
        self._serving, venue.server = venue.server, self
        self.count = 0
        self.seconds = 0.0
        self._clock = ground.clock
        self.is_down = False

    def handle(self, request: Request, **more: Any) -> Response:
        if not request.url.split("?")[0].endswith(STATUS):
            found: Response = self._serving.handle(request, **more)
            return found
        self.count += 1
        if self.is_down:
            return Response(503, {"content-type": "text/html"}, b"<html></html>")
        answer: Response = self._serving.handle(request, **more)
        self._clock.advance(self.seconds)
        return answer


class Scene:
    """One market with two sides, whose venue may pause."""

    def __init__(self, flavour: str, **settings: Any) -> None:
        self.ground = BusyKalshi()
        self.paper: Trader = self.ground.trader(flavour, **settings)
        self.market = self.paper.quoted_market()
        self.engine = self.ground.kalshi.engine
        self.status = Listener(self.ground)

    def take(self, **how: Any) -> Any:
        how = {"time_in_force": "ioc", **how}
        ask = self.paper.book(self.market).ask
        assert ask is not None
        return self.paper.create_order(
            self.market.market_id, "yes", "buy", ask.price, 3, **how
        )

    def rest(self) -> Any:
        lowest = self.market.grid.lowest
        return self.paper.create_order(self.market.market_id, "yes", "buy", lowest, 10)

    def pass_on(self, seconds: float = 3) -> None:
        self.ground.clock.advance(seconds)


@pytest.fixture(params=FLAVOURS)
def scene(request: pytest.FixtureRequest) -> Scene:
    return Scene(request.param)


@pytest.mark.parametrize("scope", SCOPES)
def test_nothing_is_placed_and_nothing_taken(scene: Scene, scope: str) -> None:
    scene.engine.pause(**SCOPES[scope])
    for _ in range(2):
        with pytest.raises(MarketClosed, match="paused"):
            scene.take()
        scene.pass_on(65)
    assert scene.paper.fetch_fills() == []
    assert scene.paper.fetch_orders() == []
    balance = scene.paper.fetch_balance()
    assert balance.available == balance.total


def test_another_shard_pauses_for_itself(scene: Scene) -> None:
    scene.engine.pause(shard=2)
    assert scene.take().filled == 3


def test_orders_of_a_batch_are_refused_each(scene: Scene) -> None:
    scene.engine.pause()
    asked = OrderRequest(
        market_id=scene.market.market_id,
        outcome="yes",
        side="buy",
        price=scene.market.grid.lowest,
        size=3,
    )
    results = scene.paper.create_orders([asked, asked])
    assert [type(x.error) for x in results] == [MarketClosed, MarketClosed]


def test_a_change_is_refused_and_leaves_the_order_as_it_was(scene: Scene) -> None:
    order = scene.rest()
    scene.engine.pause()
    scene.pass_on()
    with pytest.raises(MarketClosed, match="paused"):
        scene.paper.edit_order(order.order_id, size=8)
    assert scene.paper.fetch_order(order.order_id).size == 10


def test_what_rests_stays_and_may_be_canceled(scene: Scene) -> None:
    kept, gone = scene.rest(), scene.rest()
    scene.engine.pause()
    scene.pass_on()
    assert scene.paper.cancel_order(gone.order_id).status is CANCELED
    scene.engine.resume()
    scene.pass_on()
    assert scene.paper.fetch_order(kept.order_id).status is OPEN
    assert scene.take().filled == 3


def test_while_the_whole_exchange_pauses_nothing_is_canceled(scene: Scene) -> None:
    order = scene.rest()
    scene.engine.pause(whole_exchange=True)
    scene.pass_on()
    with pytest.raises(MarketClosed, match="cancels included"):
        scene.paper.cancel_order(order.order_id)
    [result] = scene.paper.cancel_orders([order.order_id])
    assert isinstance(result.error, MarketClosed)
    report = scene.paper.cancel_all_orders()
    assert [x.order_id for x in report.remaining] == [order.order_id]
    assert [type(x) for x in report.errors] == [MarketClosed]
    assert scene.paper.fetch_order(order.order_id).status is OPEN
    scene.engine.resume(whole_exchange=True)
    scene.pass_on()
    assert scene.paper.cancel_order(order.order_id).status is CANCELED


def test_what_was_read_within_a_second_is_not_read_again(scene: Scene) -> None:
    for _ in range(3):
        scene.rest()
        scene.pass_on(0.25)
    assert scene.status.count == 1
    scene.pass_on(0.5)
    scene.rest()
    assert scene.status.count == 2


def test_one_that_takes_long_to_read_is_not_read_for_each_order(scene: Scene) -> None:
    scene.status.seconds = 1.2
    for _ in range(3):
        scene.rest()
    assert scene.status.count == 1


def test_a_pause_is_known_a_second_later_at_the_latest(scene: Scene) -> None:
    scene.rest()
    scene.engine.pause()
    scene.pass_on(1)
    with pytest.raises(MarketClosed):
        scene.take()


def test_without_the_status_nothing_is_placed(scene: Scene) -> None:
    scene.status.is_down = True
    with pytest.raises(ExchangeNotAvailable, match="was not placed on paper"):
        scene.take()
    assert scene.paper.fetch_fills() == []


def test_without_the_status_orders_are_read_and_canceled(scene: Scene) -> None:
    order = scene.rest()
    scene.pass_on()
    scene.status.is_down = True
    assert scene.paper.fetch_order(order.order_id).status is OPEN
    with pytest.raises(UnifiedExchangesError):
        scene.paper.edit_order(order.order_id, size=8)
    assert scene.paper.cancel_order(order.order_id).status is CANCELED


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_a_pause_that_begins_while_an_order_is_on_its_way_refuses_it(
    flavour: str,
) -> None:
    scene = Scene(flavour, delays=Delays(order=3 * SECOND))
    scene.ground.clock.plan(1, scene.engine.pause)
    with pytest.raises(MarketClosed, match="paused"):
        scene.take()
    assert scene.paper.fetch_fills() == []


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_a_pause_of_all_that_begins_while_a_cancel_is_on_its_way_refuses_it(
    flavour: str,
) -> None:
    scene = Scene(flavour, delays=Delays(order=3 * SECOND))
    names = [scene.rest().order_id for _ in range(2)]

    def pause_soon() -> None:
        scene.engine.resume(whole_exchange=True)
        scene.pass_on()
        scene.ground.clock.plan(1, lambda: scene.engine.pause(whole_exchange=True))

    pause_soon()
    with pytest.raises(MarketClosed, match="cancels included"):
        scene.paper.cancel_order(names[0])
    pause_soon()
    results = scene.paper.cancel_orders(names)
    assert [type(x.error) for x in results] == [MarketClosed, MarketClosed]
    pause_soon()
    report = scene.paper.cancel_all_orders()
    assert {x.order_id for x in report.remaining} == {*names}
    assert [type(x) for x in report.errors] == [MarketClosed, MarketClosed]
    assert report.canceled == ()
    assert {x.order_id for x in scene.paper.fetch_open_orders()} == {*names}


def test_what_was_on_its_way_in_a_file_arrives_in_the_pause(tmp_path: Path) -> None:
    ground = BusyKalshi()
    settings = {"delays": Delays(order=3 * SECOND), "path": tmp_path / "paper.db"}
    paper = ground.trader("blocking", **settings)
    market = paper.quoted_market()
    ground.clock.plan(1, _fail)
    with pytest.raises(KeyboardInterrupt):
        paper.create_order(
            market.market_id, "yes", "buy", market.ask, 3, client_order_id="mine"
        )
    paper.close()
    ground._broker = None  # another process
    ground.clock.advance(60)
    ground.kalshi.engine.pause()
    again = ground.trader("blocking", **settings)
    assert again.fetch_fills() == []
    assert again.fetch_open_orders() == []


def _fail() -> None:
    raise KeyboardInterrupt


def test_over_a_stream_as_well() -> None:
    ground = KalshiPaper()
    with ground.served() as server:
        account = {**ground.account(), "environment": server.url + ground.path}
        with exchange("paper", source="kalshi", **account) as paper:
            market = next(x for x in paper.fetch_markets() if x.bid and x.ask)
            name, lowest = market.market_id, market.grid.lowest
            paper.watch_order_book(name).next(timeout=10)
            order = paper.create_order(name, "yes", "buy", lowest, 10)
            with server.lock:
                ground.kalshi.engine.pause()
            time.sleep(1.1)
            with pytest.raises(MarketClosed):
                paper.create_order(
                    name, "yes", "buy", market.ask or 0, 3, time_in_force="ioc"
                )
            with pytest.raises(MarketClosed):
                paper.edit_order(order.order_id, size=8)
            assert paper.fetch_fills() == []
            assert paper.cancel_order(order.order_id).status is CANCELED
