"""Paper that follows the source's stream, over real sockets to the simulated venues."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import attrs
import pytest

from tests.paper_exchange.ground import KalshiPaper, PolymarketPaper
from tests.paper_exchange.left import left
from tests.paper_exchange.test_unwritten import FULL, put_right, refuse
from unified_exchanges import (
    BUY,
    SELL,
    Liquidity,
    Market,
    Subject,
    async_exchange,
    exchange,
)
from unified_exchanges.errors import JournalError

GROUNDS = [KalshiPaper, PolymarketPaper]
PATIENCE = 20.0


@attrs.define
class Scene:
    """A venue on a socket, and how its account is made an exchange."""

    ground: Any
    account: dict[str, Any]

    def real(self) -> Any:
        return exchange(self.ground.source, **self.account)

    def market(self, real: Any) -> Market:
        found: Market = next(
            x
            for x in real.fetch_markets()
            if not x.legs and x.bid and x.ask and 0.1 < x.bid < x.ask < 0.9
        )
        return found

    def sell_through(self, real: Any, market: Market) -> None:
        """Somebody sells to the whole best bid, and two units to the next."""
        book = real.fetch_order_book(market.market_id)
        best, second = book.bids[:2]
        unit = self.ground.unit
        size = best.size // unit * unit + 3 * unit
        first, worst = market.outcomes[0].label, market.grid.highest
        if scene_needs_contracts(real):
            real.create_order(
                market.market_id, first, BUY, worst, size, time_in_force="ioc"
            )
        sold = real.create_order(
            market.market_id, first, SELL, second.price, size, time_in_force="ioc"
        )
        assert sold.filled == size


def scene_needs_contracts(real: Any) -> bool:
    """Whether only what is held can be sold."""
    return bool(real.describe().outcome_books == "separate")


@pytest.fixture(params=GROUNDS)
def scene(request: pytest.FixtureRequest) -> Generator[Scene, None, None]:
    ground = request.param()
    with ground.served() as server:
        account = {**ground.account(), "environment": server.url + ground.path}
        yield Scene(ground, account)


def _until(is_so: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.02)


def _is_fed(paper: Any, name: str) -> bool:
    """Whether a market's trades are told as well as its book: they have no past."""
    is_live = paper.stream_health().state == "live"
    return bool(paper.venue.eyes.sees(name)) and is_live


async def _until_fed(paper: Any, name: str) -> None:
    while not _is_fed(paper, name):  # noqa: ASYNC110 - it has no event
        await asyncio.sleep(0.02)


def test_a_resting_order_fills_by_trades_that_the_stream_tells(scene: Scene) -> None:
    with (
        scene.real() as real,
        exchange("paper", source=scene.ground.source, **scene.account) as paper,
    ):
        market = scene.market(real)
        bid = paper.fetch_order_book(market.market_id).bid
        size = 2 * scene.ground.unit
        order = paper.create_order(
            market.market_id, market.outcomes[0].label, BUY, bid.price, size
        )
        assert order.is_open
        fills, orders = paper.watch_fills(), paper.watch_orders()
        assert orders.next(PATIENCE).order_id == order.order_id
        _until(lambda: _is_fed(paper, market.market_id))
        # Whoever watches no more does not stop what the account is fed with.
        paper.watch_order_book(market.market_id)
        paper.unwatch(market.market_id)
        scene.sell_through(real, market)
        fill = fills.next(PATIENCE)
        assert (fill.order_id, fill.price) == (order.order_id, bid.price)
        assert fill.liquidity is Liquidity.MAKER
        assert orders.next(PATIENCE).filled == fill.size


def test_the_same_in_an_event_loop(scene: Scene) -> None:
    async def main(real: Any, market: Market) -> None:
        paper = async_exchange("paper", source=scene.ground.source, **scene.account)
        async with paper, asyncio.timeout(3 * PATIENCE):
            bid = (await paper.fetch_order_book(market.market_id)).bid
            size = 2 * scene.ground.unit
            order = await paper.create_order(
                market.market_id, market.outcomes[0].label, BUY, bid.price, size
            )
            async with paper.watch_fills() as fills:
                await _until_fed(paper, market.market_id)
                await asyncio.to_thread(scene.sell_through, real, market)
                fill = await anext(aiter(fills))
            assert (fill.order_id, fill.price) == (order.order_id, bid.price)
            held = await paper.fetch_positions()
            assert [x.size for x in held] == [fill.size]

    with scene.real() as real:
        market = scene.market(real)
        asyncio.run(main(real, market))


def test_books_are_the_sources_and_positions_are_those_on_paper(scene: Scene) -> None:
    with (
        scene.real() as real,
        exchange("paper", source=scene.ground.source, **scene.account) as paper,
    ):
        market = scene.market(real)
        book = paper.watch_order_book(market.market_id).next(PATIENCE)
        assert book.bids == real.fetch_order_book(market.market_id).bids
        positions = paper.watch_positions()
        unit = scene.ground.unit
        paper.create_order(
            market.market_id,
            market.outcomes[0].label,
            BUY,
            book.ask.price,
            2 * unit,
            time_in_force="ioc",
        )
        assert positions.next(PATIENCE).size == 2 * unit
        assert real.fetch_positions() == []


def test_a_venue_without_our_key_is_read_instead(scene: Scene) -> None:
    account = {"environment": scene.account["environment"]}
    with exchange("paper", source=scene.ground.source, **account) as paper:
        is_public = scene.ground.source == "polymarket"
        assert paper.venue.is_streaming is is_public
        market = scene.market(paper)
        unit = scene.ground.unit
        orders = paper.watch_orders()
        order = paper.create_order(
            market.market_id,
            market.outcomes[0].label,
            BUY,
            market.grid.lowest,
            5 * unit,
        )
        assert orders.next(PATIENCE).order_id == order.order_id


def test_the_account_is_told_without_the_source(scene: Scene) -> None:
    with exchange("paper", source=scene.ground.source, **scene.account) as paper:
        line = paper.venue.line_of(Subject.ORDERS)
        assert line.dial.url == "paper:account"
        assert {x.name for x in paper.venue.lines()} >= {"paper"}


def test_a_fill_that_was_told_is_kept_already(scene: Scene, tmp_path: Path) -> None:
    path = tmp_path / "paper.db"
    with (
        scene.real() as real,
        exchange(
            "paper", source=scene.ground.source, path=path, **scene.account
        ) as paper,
    ):
        market = scene.market(real)
        bid = paper.fetch_order_book(market.market_id).bid
        first, size = market.outcomes[0].label, 2 * scene.ground.unit
        order = paper.create_order(market.market_id, first, BUY, bid.price, size)
        assert _left(path, tmp_path) == [("order", order.order_id, "0")]
        fills = paper.watch_fills()
        _until(lambda: _is_fed(paper, market.market_id))
        scene.sell_through(real, market)
        fill = fills.next(PATIENCE)
        assert ("fill", fill.fill_id, str(fill.size)) in _left(path, tmp_path)
        # Nobody asks for anything: what happens meanwhile is kept as it happens.
        again = paper.create_order(market.market_id, first, BUY, bid.price, size)
        _until(lambda: _is_fed(paper, market.market_id))
        scene.sell_through(real, market)
        _until(lambda: len(_left(path, tmp_path)) == 4)
        assert ("order", again.order_id, str(size)) in _left(path, tmp_path)


def test_so_it_is_in_an_event_loop(scene: Scene, tmp_path: Path) -> None:
    path = tmp_path / "paper.db"

    async def main(real: Any, market: Market) -> None:
        paper = async_exchange(
            "paper", source=scene.ground.source, path=path, **scene.account
        )
        async with paper, asyncio.timeout(3 * PATIENCE):
            bid = (await paper.fetch_order_book(market.market_id)).bid
            first, size = market.outcomes[0].label, 2 * scene.ground.unit
            order = await paper.create_order(
                market.market_id, first, BUY, bid.price, size
            )
            async with paper.watch_fills() as fills, paper.watch_orders() as orders:
                await _until_fed(paper, market.market_id)
                await asyncio.to_thread(scene.sell_through, real, market)
                fill = await anext(aiter(fills))
                assert ("fill", fill.fill_id, str(fill.size)) in _left(path, tmp_path)
                async for told in orders:
                    if not told.is_open:
                        break
                row = ("order", order.order_id, str(told.filled))
                assert row in _left(path, tmp_path)

    with scene.real() as real:
        market = scene.market(real)
        asyncio.run(main(real, market))


def test_a_fill_that_cannot_be_written_stops_the_account_until_it_is_and_no_market(
    scene: Scene, tmp_path: Path
) -> None:
    path = tmp_path / "paper.db"
    with (
        scene.real() as real,
        exchange(
            "paper", source=scene.ground.source, path=path, **scene.account
        ) as paper,
    ):
        market = scene.market(real)
        name, first = market.market_id, market.outcomes[0].label
        books, fills = paper.watch_order_book(name), paper.watch_fills()
        best = books.next(PATIENCE).bid
        size = 2 * scene.ground.unit
        order = paper.create_order(name, first, BUY, best.price, size)
        _until(lambda: _is_fed(paper, name))
        refuse(paper, "news")
        scene.sell_through(real, market)
        for _ in range(2):
            with pytest.raises(JournalError, match=FULL):
                fills.next(PATIENCE)
        with pytest.raises(JournalError, match=FULL):
            paper.fetch_fills()
        late = paper.watch_orders()
        with pytest.raises(JournalError, match=FULL):
            late.next(PATIENCE)
        health = fills.health()
        assert health.state == "degraded"
        assert FULL in health.last_error
        while books.next(PATIENCE).bid.price >= best.price:
            pass
        put_right(paper)
        assert len(paper.fetch_fills()) == 1
        _until(lambda: fills.health().state == "live")
        assert fills.next(PATIENCE).order_id == order.order_id
        paper.create_order(name, first, BUY, market.grid.lowest, 5 * size)
        assert late.next(PATIENCE).market_id == name


def test_so_it_is_in_an_event_loop_too(scene: Scene, tmp_path: Path) -> None:
    path = tmp_path / "paper.db"

    async def main(real: Any, market: Market) -> None:
        paper = async_exchange(
            "paper", source=scene.ground.source, path=path, **scene.account
        )
        name, first = market.market_id, market.outcomes[0].label
        async with (
            paper,
            asyncio.timeout(3 * PATIENCE),
            paper.watch_order_book(name) as books,
            paper.watch_fills() as fills,
        ):
            best = (await books.next()).bid
            size = 2 * scene.ground.unit
            order = await paper.create_order(name, first, BUY, best.price, size)
            await _until_fed(paper, name)
            refuse(paper, "news")
            await asyncio.to_thread(scene.sell_through, real, market)
            for _ in range(2):
                with pytest.raises(JournalError, match=FULL):
                    await fills.next()
            while (await books.next()).bid.price >= best.price:
                pass
            put_right(paper)
            assert (await told(fills)).order_id == order.order_id

    async def told(fills: Any) -> Any:
        while True:
            try:
                return await fills.next()
            except JournalError:
                await asyncio.sleep(0.05)

    with scene.real() as real:
        market = scene.market(real)
        asyncio.run(main(real, market))


def _left(path: Path, folder: Path) -> list[tuple[str, str, str]]:
    """What of orders and fills a process that is killed now would leave in its file."""
    found = []
    for (kind, _), text in left(path, folder).items():
        told = json.loads(text or "{}")
        if kind == "order":
            found.append((kind, f"paper-{told['number']}", told["filled"]))
        if kind == "news":
            found.append(("fill", told["fill"]["fill_id"], told["fill"]["size"]))
    return sorted(found)
