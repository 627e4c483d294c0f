"""What of answers is told beside streams, of both venues."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import attrs
import pytest

from unified_exchanges.clock import VirtualClock
from unified_exchanges.grid import PriceGrid
from unified_exchanges.models import (
    MarketChange,
    MarketStatus,
    OrderBook,
    Subject,
    Ticker,
    Trade,
)
from unified_exchanges.recording import Body, Frame, Opened, Rest
from unified_exchanges.recording.decoder import decode
from unified_exchanges.recording.format import encode
from unified_exchanges.recording.polled import Polled
from unified_exchanges.registry import folder

from ..paper import scene
from ..research.test_conversion import DELTA, SNAPSHOT
from ..venues.polymarket.stream import desk as poly

BEGAN = 1_795_930_000
MS = BEGAN * 1000


class Listener:
    """Hears lines of a recording of a venue, one after another."""

    def __init__(self, venue: str, *, has_books: bool = False) -> None:
        self.clock = VirtualClock(BEGAN)
        kind = folder(venue, "decoder").DECODER
        self.decoder = kind(self.clock, has_books=has_books)

    def hear(self, line: object) -> list[Any]:
        found: Iterable[Any] = decode(self.decoder, line)
        return [x for x in found if not isinstance(x, Ticker)]

    def open(self, url: str) -> None:
        self.hear(Opened(0, 0, 1, url))

    def told(self, frame: str, direction: Any = "in") -> list[Any]:
        return self.hear(Frame(0, 0, 1, direction, Body.of(frame)))

    def read(
        self,
        path: str,
        answer: object,
        query: Iterable[tuple[str, str]] = (),
        *,
        method: str = "GET",
        request: object = None,
        status: int = 200,
    ) -> list[Any]:
        body = answer if isinstance(answer, str) else json.dumps(answer)
        return self.hear(
            Rest(
                at=0,
                mono=0,
                began=0,
                elapsed=0,
                method=method,
                host="http://venue.test",
                path=path,
                status=status,
                query=[*query],
                request=Body() if request is None else Body.of(json.dumps(request)),
                body=Body.of(body),
            )
        )


# -- Kalshi ------------------------------------------------------------------------------

SIDES = {"yes_dollars": [["0.4000", "5.00"]], "no_dollars": [["0.5000", "7.00"]]}
BOOK = {"orderbook_fp": SIDES}
AT = "/trade-api/v2/markets/M/orderbook"
BOOKS = "/trade-api/v2/markets/orderbooks"


@pytest.fixture
def kalshi() -> Listener:
    return Listener("kalshi")


def test_a_book_of_kalshi_has_the_time_of_its_receipt(kalshi: Listener) -> None:
    kalshi.clock.advance(3)
    [book] = kalshi.read(AT, BOOK)
    assert (book.market_id, book.outcome) == ("M", "yes")
    assert book.timestamp.timestamp() == BEGAN + 3


def test_where_kalshis_stream_tells_books_no_polls_are_told() -> None:
    kalshi = Listener("kalshi", has_books=True)
    trades = {"trades": [], "cursor": ""}
    assert kalshi.read(AT, BOOK) == []
    assert kalshi.read(AT, "{}") == []
    assert kalshi.read("/trade-api/v2/markets/trades", trades) == []
    kalshi.open("ws://kalshi.test")
    assert len(kalshi.told(SNAPSHOT % 1)) == 1


def test_a_batch_of_kalshi_is_told(kalshi: Listener) -> None:
    asked = [("tickers", "M"), ("tickers", "N")]
    rows = [{"ticker": x, "orderbook_fp": SIDES} for x in "MN"]
    told = kalshi.read(BOOKS, {"orderbooks": rows}, asked)
    assert [x.market_id for x in told] == ["M", "N"]


def test_a_part_of_a_book_is_not_told_as_if_the_rest_were_gone(
    kalshi: Listener,
) -> None:
    assert kalshi.read(AT, BOOK, [("depth", "1")]) == []
    assert len(kalshi.read(AT, BOOK, [("depth", "0")])) == 1


def test_kalshis_books_that_cannot_be_read_are_a_gap(kalshi: Listener) -> None:
    [gap] = kalshi.read(AT, {"orderbook_fp": {"yes_dollars": [["x", "1.00"]]}})
    assert (gap.subject, gap.market_ids) == (Subject.ORDER_BOOK, ("M",))
    assert "an answer cannot be read: " in gap.reason


@pytest.mark.parametrize(
    ("path", "answer", "how"),
    [
        (AT, BOOK, {"status": 404}),
        (AT, BOOK, {"method": "POST"}),
        ("/trade-api/v2/exchange/status", {}, {}),
        ("/trade-api/v2/events/fee_changes", {"event_fee_change_array": []}, {}),
        ("/trade-api/v2/markets/candlesticks", {"markets": []}, {}),
    ],
)
def test_what_tells_nothing_of_kalshi_is_passed_over(
    kalshi: Listener,
    path: str,
    answer: object,
    how: dict[str, Any],
    caplog: pytest.LogCaptureFixture,
) -> None:
    assert kalshi.read(path, answer, **how) == []
    assert not caplog.records


# -- Polymarket --------------------------------------------------------------------------


@pytest.fixture
def polymarket() -> Listener:
    return Listener("polymarket")


def book(at: int = 0, token: str = poly.YES, **more: object) -> dict[str, object]:
    return {
        "market": poly.A,
        "asset_id": token,
        "timestamp": str(MS + at),
        "bids": [{"price": "0.40", "size": "10"}],
        "asks": [{"price": "0.60", "size": "5"}],
        **more,
    }


def one(listener: Listener, at: int = 0, **more: object) -> list[Any]:
    asked = [("token_id", poly.YES)]
    return listener.read("/clob/book", book(at, **more), asked)


def streamed(at: int) -> str:
    return json.dumps({"event_type": "book", **book(at)})


def test_polymarkets_books_are_told_unless_they_are_older(polymarket: Listener) -> None:
    [first] = one(polymarket)
    assert (first.market_id, first.outcome) == (poly.A, poly.YES)
    assert len(one(polymarket, 5)) == 1
    assert len(one(polymarket, 5)) == 1  # as it was: who polls sees that, too
    assert one(polymarket, 4) == []
    assert len(one(polymarket, 9)) == 1


def test_where_polymarkets_stream_tells_books_no_polls_are_told() -> None:
    polymarket = Listener("polymarket", has_books=True)
    assert one(polymarket) == []
    polymarket.decoder._tokens[poly.YES] = poly.A
    assert one(polymarket, bids=[{"price": "2", "size": "1"}]) == []
    polymarket.open("ws://poly.test/ws/market")
    asked = json.dumps({"assets_ids": [poly.YES], "type": "market"})
    polymarket.told(asked, "out")
    assert any(isinstance(x, OrderBook) for x in polymarket.told(streamed(5)))


def test_a_batch_of_polymarket_is_told(polymarket: Listener) -> None:
    asked = [{"token_id": poly.YES}, {"token_id": poly.NO}]
    how: dict[str, Any] = {"method": "POST", "request": asked}
    told = polymarket.read("/clob/books", [book(), book(token=poly.NO)], **how)
    assert [x.outcome for x in told] == [poly.YES, poly.NO]
    other: dict[str, Any] = {"method": "POST", "request": {"tokens": 1}}
    assert polymarket.read("/clob/books", [book()], **other) == []


def test_polymarkets_books_that_cannot_be_read_are_a_gap_of_a_market_that_is_known(
    polymarket: Listener,
) -> None:
    assert one(polymarket, bids=[{"price": "2", "size": "1"}]) == []
    polymarket.decoder._tokens[poly.YES] = poly.A
    [gap] = one(polymarket, bids=[{"price": "2", "size": "1"}])
    assert gap.market_ids == (poly.A,)


@pytest.mark.parametrize("query", [[], [("taker_only", "false")]])
def test_parts_of_makers_are_no_trades(
    polymarket: Listener, query: list[tuple[str, str]]
) -> None:
    assert polymarket.read("/data/v2/trades", {"data": [{}]}, query) == []


def test_the_log_warns_of_answers_that_cannot_be_read(
    kalshi: Listener, polymarket: Listener, caplog: pytest.LogCaptureFixture
) -> None:
    query = [("taker_only", "true")]
    assert polymarket.read("/data/v2/trades", {"data": [{}]}, query) == []
    assert kalshi.read("/trade-api/v2/markets/trades", {"trades": [{}]}) == []
    assert kalshi.read("/trade-api/v2/markets", {"markets": [{}]}) == []
    told = [x.getMessage() for x in caplog.records if x.levelname == "WARNING"]
    assert [x.partition(" was answered")[0] for x in told] == [
        "what GET /data/v2/trades",
        "what GET /trade-api/v2/markets/trades",
        "what GET /trade-api/v2/markets",
    ]


def test_trades_that_would_not_be_told_are_not_missing_where_they_cannot_be_read(
    caplog: pytest.LogCaptureFixture,
) -> None:
    kalshi = Listener("kalshi", has_books=True)
    assert kalshi.read("/trade-api/v2/markets/trades", {"trades": [{}]}) == []
    assert (kalshi.decoder.missing, caplog.records) == ([], [])
    assert kalshi.read("/trade-api/v2/markets", {"markets": [{}]}) == []
    [missing] = kalshi.decoder.missing
    assert (missing.about, len(caplog.records)) == ("markets", 1)


# -- trades and markets, of any venue ----------------------------------------------------


@pytest.fixture
def polled() -> Polled:
    return Polled(VirtualClock(BEGAN))


def trade(name: str, after: float) -> Trade:
    begun = Polled(VirtualClock(BEGAN)).now()
    return attrs.evolve(
        scene.trade("0.50", "1"),
        trade_id=name,
        created_at=begun + timedelta(seconds=after),
    )


def names(trades: Iterable[Trade]) -> list[str]:
    return [x.trade_id for x in trades]


def test_trades_are_told_once_the_older_first_and_none_of_before(
    polled: Polled,
) -> None:
    page = [trade("c", 2), trade("b", 1), trade("a", -1)]
    assert names(polled.trades(page)) == ["b", "c"]
    assert names(polled.trades([trade("d", 3), *page])) == ["d"]


def test_what_one_has_told_up_to_a_time_is_not_taken_from_the_other(
    polled: Polled,
) -> None:
    assert polled.streamed(trade("s", 1))
    assert names(polled.trades([trade("r", 3), trade("q", 1)])) == ["r"]
    assert not polled.streamed(trade("t", 2))
    assert polled.streamed(trade("u", 4))


def test_a_stream_alone_tells_whatever_it_tells(polled: Polled) -> None:
    assert polled.streamed(trade("s", 1))
    assert polled.streamed(trade("s", 1))


MARKET = scene.market()


def changes(polled: Polled, **now: Any) -> list[MarketChange]:
    return [*polled.market(attrs.evolve(MARKET, **now))]


def known(polled: Polled) -> Polled:
    polled.follow(MARKET.market_id)
    return polled


def test_a_market_is_told_where_it_changes_once(polled: Polled) -> None:
    known(polled)
    assert changes(polled) == []
    paused = {"status": MarketStatus.PAUSED, "venue_status": "inactive"}
    [change] = changes(polled, **paused)
    assert (change.status, change.change) == (MarketStatus.PAUSED, "inactive")
    assert (change.value, change.closes_at, change.grid) == (None, None, None)
    assert changes(polled, **paused) == []
    [again] = changes(polled)
    assert again.status is MarketStatus.OPEN
    assert changes(polled, status=MarketStatus.UNKNOWN) == []


def test_a_later_close_and_another_grid_are_told(polled: Polled) -> None:
    known(polled)
    close = polled.now() + timedelta(hours=1)
    assert changes(polled, closes_at=close) == []
    [change] = changes(polled, closes_at=close + timedelta(hours=1))
    assert change.closes_at == close + timedelta(hours=1)
    [change] = changes(polled, closes_at=change.closes_at, grid=PriceGrid.of("0.005"))
    assert change.grid == PriceGrid.of("0.005")


def test_of_markets_that_nobody_wanted_nothing_is_told(polled: Polled) -> None:
    over = {"status": MarketStatus.SETTLED, "settlement_price": MARKET.payout}
    assert changes(polled, **over) == []
    known(polled)
    [change] = changes(polled, **over)
    assert (change.status, change.value) == (MarketStatus.SETTLED, MARKET.payout)
    assert changes(polled) == []  # a reading that lags behind


def test_where_a_stream_tells_of_a_market_only_what_it_pays_is_told(
    polled: Polled,
) -> None:
    known(polled)
    told = MarketChange(
        venue="kalshi",
        market_id=MARKET.market_id,
        change="determined",
        status=MarketStatus.CLOSED,
    )
    assert polled.streamed(told)
    assert changes(polled) == []
    over = {"status": MarketStatus.SETTLED, "settlement_price": MARKET.payout}
    [change] = changes(polled, **over)
    assert change.value == MARKET.payout
    paid = attrs.evolve(told, status=MarketStatus.SETTLED, value=MARKET.payout)
    other = Polled(VirtualClock(BEGAN))
    known(other)
    other.streamed(paid)
    assert changes(other, **over) == []


LINES: dict[str, list[tuple[bool, Any]]] = {
    "kalshi": [
        (
            True,
            Frame(
                0, 0, 1, "out", Body.of('{"params":{"channels":["orderbook_delta"]}}')
            ),
        ),
        (True, Frame(0, 0, 1, "in", Body.of(SNAPSHOT % 1))),
        (True, Frame(0, 0, 1, "in", Body.of(DELTA % (2, "1.00")))),
        (False, Frame(0, 0, 1, "in", Body.of('{"type":"fill","msg":{}}'))),
        (False, Opened(0, 0, 1, "wss://kalshi.test/trade-api/ws/v2")),
    ],
    "polymarket": [
        (True, Opened(0, 0, 1, "wss://poly.test/ws/market")),
        (False, Opened(0, 0, 1, "wss://poly.test/ws/user")),
        (False, Frame(0, 0, 1, "in", Body.of("PONG"))),
    ],
}


@pytest.mark.parametrize(
    ("venue", "is_of_books", "line"),
    [(venue, *each) for venue, lines in LINES.items() for each in lines],
)
def test_a_stream_of_books_is_known_by_its_lines(
    venue: str, is_of_books: bool, line: Any
) -> None:
    kind = folder(venue, "decoder").DECODER
    assert kind.is_of_books(encode(line)) is is_of_books


def test_a_book_without_a_time_is_told(polled: Polled) -> None:
    book = scene.book("5@0.40", "5@0.60")
    timeless = attrs.evolve(book, timestamp=None)
    assert [*polled.book(timeless, "yes")] == [timeless]
    assert polled.streamed(timeless)
