"""What a `Recorder` keeps of an exchange on paper: the market of its source, replayable."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from unified_exchanges import Market, NotRecorded, Order, async_exchange, exchange
from unified_exchanges.recording import Frame, Header, Opened, Recorder, Rest, read

from ..flavours import FLAVOURS
from ..recording.sessions import VENUES, Stage, stage

Books = list[Any]


@pytest.fixture(params=VENUES)
def at(request: pytest.FixtureRequest) -> object:
    with stage(request.param) as made:
        yield made


def traded(flavour: str, at: Stage, path: Path) -> tuple[Order, Books, str]:
    """Look, watch, and take on paper while the account is followed: all is recorded."""
    if flavour == "blocking":
        paper = exchange("paper", source=at.venue, **at.account)
        with paper as ex, Recorder(ex, path):
            [market] = ex.fetch_markets(limit=1)
            name = market.market_id
            book = ex.fetch_order_book(name)
            ex.watch_order_book(name).next(timeout=10)
            orders = ex.watch_orders()
            order = ex.create_order(name, *_taking(market, book), time_in_force="ioc")
            assert orders.next(timeout=10).order_id == order.order_id
            return order, [book.bids, book.asks], name
    return asyncio.run(_traded(at, path))


async def _traded(at: Stage, path: Path) -> tuple[Order, Books, str]:
    paper = async_exchange("paper", source=at.venue, **at.account)
    async with paper as ex, Recorder(ex, path):
        [market] = await ex.fetch_markets(limit=1)
        name = market.market_id
        book = await ex.fetch_order_book(name)
        await ex.watch_order_book(name).next(timeout=10)
        orders = ex.watch_orders()
        terms = _taking(market, book)
        order = await ex.create_order(name, *terms, time_in_force="ioc")
        assert (await orders.next(timeout=10)).order_id == order.order_id
        return order, [book.bids, book.asks], name


def _taking(market: Market, book: Any) -> tuple[Any, ...]:
    price = book.asks[0].price
    lot = market.immediate_lot(price)
    return market.outcomes[0].label, "buy", price, max(lot, 20 // lot * lot)


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_a_recording_made_on_paper_is_replayed_as_one_of_its_source(
    at: Stage, tmp_path: Path, flavour: str
) -> None:
    path = tmp_path / "session.jsonl"
    order, books, name = traded(flavour, at, path)
    assert order.filled > 0
    with exchange("replay", path=path) as ex:
        assert ex.id == at.venue
        [market] = ex.fetch_markets(limit=1)
        assert market.market_id == name
        book = ex.fetch_order_book(name)
        assert [book.bids, book.asks] == books
        assert ex.watch_order_book(name).next(timeout=10).market_id == name
        with pytest.raises(NotRecorded):
            ex.fetch_balance()


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_nothing_of_the_account_on_paper_is_in_the_recording(
    at: Stage, tmp_path: Path, flavour: str
) -> None:
    path = tmp_path / "session.jsonl"
    order, _, _ = traded(flavour, at, path)
    lines = list(read(path))
    assert isinstance(lines[0], Header)
    assert (lines[0].venue, lines[0].rest) == (at.venue, at.account["environment"])
    assert {x.method for x in lines if isinstance(x, Rest)} == {"GET"}
    assert all(x.url != "paper:account" for x in lines if isinstance(x, Opened))
    bodies = [x.body.data for x in lines if isinstance(x, Frame | Rest)]
    assert bodies
    for word in (order.order_id, order.client_order_id or order.order_id):
        assert not any(word.encode() in body for body in bodies)
