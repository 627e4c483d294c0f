"""An order meets the same rules of its venue live, on paper, over a recording, tested."""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import attrs
import pytest

from unified_exchanges import (
    ArgumentsRequired,
    BadRequest,
    Fill,
    Market,
    Order,
    OrderBook,
    OrderRejected,
    async_exchange,
    exchange,
)
from unified_exchanges.backtesting import backtest
from unified_exchanges.paper import Contract
from unified_exchanges.recording import Recorder
from unified_exchanges.strategies import (
    Desk,
    Failure,
    Strategy,
    async_run,
    contract_of,
    run,
)

from ..paper.scene import START, book, contract
from ..recording.sessions import VENUES, stage

BACKENDS = ("live", "paper", "paper over recording", "async over recording", "backtest")


class Asking(Strategy):
    """Asks for what venues refuse, and stops once all of it is answered."""

    def __init__(self, market: Market) -> None:
        self.markets = (market.market_id,)
        self.asked: dict[str, str] = {}
        self.told: dict[str, str] = {}
        self._lowest = market.grid.lowest

    def on_book(self, desk: Desk, book: OrderBook) -> None:
        if self.asked:
            return
        now = desk.now.replace(microsecond=0)
        for name, size, how in (
            ("cheap", 5, {"time_in_force": "ioc"}),
            ("part of a lot", "5.001", {}),
            ("none", 0, {}),
            ("part of a second", 5, {"expires_at": now + timedelta(seconds=20.5)}),
            ("past", 5, {"expires_at": now - timedelta(seconds=2)}),
            ("soon", 5, {"expires_at": now + timedelta(seconds=30)}),
            ("rests at once", 5, {"post_only": True, "time_in_force": "ioc"}),
            (
                "expires at once",
                5,
                {"time_in_force": "fok", "expires_at": now + timedelta(hours=1)},
            ),
        ):
            terms: dict[str, Any] = how
            key = desk.place(
                book.market_id, book.outcome, "buy", self._lowest, size, **terms
            )
            self.asked[key] = name

    def on_failure(self, desk: Desk, failure: Failure) -> None:
        error = failure.error
        words = re.sub(
            r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)?\+00:00", "then", error.message
        )
        self._answer(
            desk, failure.command.key, f"{type(error).__name__}: {_bare(words)}"
        )

    def on_order(self, desk: Desk, order: Order) -> None:
        key = order.client_order_id or ""
        # A stream may tell of one that does not rest before it has ended.
        if not order.is_open or self.asked[key] != "cheap":
            self._answer(desk, key, order.status)

    def _answer(self, desk: Desk, key: str, words: str) -> None:
        self.told.setdefault(self.asked[key], words)
        if len(self.told) == len(self.asked):
            desk.stop()


def _bare(words: str) -> str:
    """What is said, without who says it."""
    return re.sub(r"^(kalshi|polymarket|paper): ", "", words)


class Selling(Strategy):
    """Buys twenty or so at once, and sells three of them at once."""

    def __init__(self, market: Market) -> None:
        self.markets = (market.market_id,)
        self.sold: list[tuple[str, Any]] = []
        self._market = market
        self._sale = ""

    def on_book(self, desk: Desk, book: OrderBook) -> None:
        if not desk.decisions and book.ask and book.bid:
            lot = self._market.immediate_lot(book.ask.price)
            size = -(-20 // lot) * lot
            self._place(desk, "buy", book.ask.price, size)

    def on_fill(self, desk: Desk, fill: Fill) -> None:
        found = desk.book(self._market.market_id)
        if not self._sale and found is not None and found.bid is not None:
            self._sale = self._place(desk, "sell", found.bid.price, 3)

    def _place(self, desk: Desk, side: str, price: Any, size: Any) -> str:
        name, outcome = self._market.market_id, self._market.outcomes[0].label
        return desk.place(name, outcome, side, price, size, time_in_force="ioc")

    def on_failure(self, desk: Desk, failure: Failure) -> None:
        self.sold.append((type(failure.error).__name__, failure.error.message))
        desk.stop()

    def on_order(self, desk: Desk, order: Order) -> None:
        if order.client_order_id == self._sale and not order.is_open:
            self.sold.append((order.status, order.filled))
            desk.stop()


class Killed(Strategy):
    """Asks for all or nothing where there is nothing, and keeps all that it is told."""

    def __init__(self, market: Market) -> None:
        self.markets = (market.market_id,)
        self.told: list[str] = []
        self.words: list[str] = []
        self.open_orders: list[Order] = []

    def on_book(self, desk: Desk, book: OrderBook) -> None:
        if not desk.decisions and book.ask and book.bid:
            desk.place(
                book.market_id,
                book.outcome,
                "buy",
                book.bid.price,
                100,
                time_in_force="fok",
            )
            # Longer than a stream takes to tell what it tells besides.
            desk.timer("over", timedelta(seconds=1))

    def on_failure(self, desk: Desk, failure: Failure) -> None:
        self.told.append(type(failure.error).__name__)
        self.words.append(_bare(failure.error.message))

    def on_order(self, desk: Desk, order: Order) -> None:
        self.told.append(order.status)

    def on_timer(self, desk: Desk, name: str) -> None:
        self.open_orders = list(desk.open_orders)
        desk.stop()


KINDS: tuple[Any, ...] = (Asking, Selling, Killed)


@attrs.frozen
class Answers:
    """What each backend said."""

    venue: str
    of: dict[Any, dict[str, Any]]
    placed: dict[str, tuple[str, int]]
    """What came of all or nothing where it was placed by hand, and the orders listed."""

    @property
    def asking(self) -> dict[str, Asking]:
        """Of rules."""
        return self.of[Asking]

    @property
    def selling(self) -> dict[str, Selling]:
        """Of the least size."""
        return self.of[Selling]


@pytest.fixture(scope="module", params=VENUES)
def answers(request: Any, tmp_path_factory: pytest.TempPathFactory) -> Answers:
    path = tmp_path_factory.mktemp("tapes") / f"{request.param}.jsonl"
    found = Answers(request.param, {kind: {} for kind in KINDS}, {})
    with stage(request.param) as ground:
        with exchange(ground.venue, **ground.account) as ex:
            with Recorder(ex, path):
                made = _busy(ex)
                books = ex.watch_order_book(made.market_id)
                books.next(timeout=10)
                for size in (11, 12, 13):
                    market = made.market
                    label = market.outcomes[0].label
                    ex.create_order(
                        made.market_id, label, "buy", market.grid.lowest, size
                    )
                    books.next(timeout=10)
                ex.cancel_all_orders()
                books.next(timeout=10)
            for kind, told in found.of.items():
                told["live"] = kind(made.market)
                run(told["live"], ex, seconds=30)
            found.placed["live"] = _by_hand(ex, made.market)
        with exchange("paper", source=ground.venue, **ground.account) as ex:
            for kind, told in found.of.items():
                told["paper"] = kind(made.market)
                run(told["paper"], ex, seconds=30)
        with exchange("paper", source=ground.venue, **ground.account) as ex:
            found.placed["paper"] = _by_hand(ex, made.market)
        found.placed["async paper"] = asyncio.run(_by_hand_async(ground, made.market))
    for kind, told in found.of.items():
        _over(told, kind, path, made)
    return found


def _unfillable(market: Market, book: OrderBook) -> tuple[Any, ...]:
    assert book.bid is not None
    return market.market_id, book.outcome, "buy", book.bid.price, 100


def _by_hand(ex: Any, market: Market) -> tuple[str, int]:
    asked = _unfillable(market, ex.fetch_order_book(market.market_id))
    before = len(ex.fetch_orders())
    try:
        told = ex.create_order(*asked, time_in_force="fok").status
    except OrderRejected as error:
        told = type(error).__name__
    return told, len(ex.fetch_orders()) - before


async def _by_hand_async(ground: Any, market: Market) -> tuple[str, int]:
    async with async_exchange("paper", source=ground.venue, **ground.account) as ex:
        asked = _unfillable(market, await ex.fetch_order_book(market.market_id))
        try:
            told = (await ex.create_order(*asked, time_in_force="fok")).status
        except OrderRejected as error:
            told = type(error).__name__
        return told, len(await ex.fetch_orders())


def _busy(ex: Any) -> Contract:
    """A market in which three can be sold of what costs a dollar or more."""
    for market in ex.fetch_markets(limit=100):
        if market.legs or not market.ask or not market.bid or market.ask < 0.2:
            continue
        book = ex.fetch_order_book(market.market_id)
        if book.ask and book.bid and book.ask.size >= 60 and book.bid.size >= 10:
            return contract_of(ex, market.market_id)
    raise AssertionError


def _over(told: dict[str, Any], kind: Any, path: Path, made: Contract) -> None:
    told["paper over recording"] = kind(made.market)
    with exchange("paper", source="replay", path=path) as ex:
        run(told["paper over recording"], ex)
    told["async over recording"] = kind(made.market)

    async def go() -> None:
        async with async_exchange("paper", source="replay", path=path) as ex:
            await async_run(told["async over recording"], ex)

    asyncio.run(go())
    told["backtest"] = kind(made.market)
    backtest(told["backtest"], path, contracts=[made])


@pytest.mark.parametrize("backend", BACKENDS)
def test_an_order_is_refused_in_the_same_words_everywhere(
    answers: Answers, backend: str
) -> None:
    live, here = answers.asking["live"].told, answers.asking[backend].told
    assert here == live
    assert len(live) == 8


def test_rules_of_the_venue_are_those_of_its_documentation(answers: Answers) -> None:
    told = answers.asking["backtest"].told
    assert told["past"].startswith("InvalidOrder: expires_at then is in the past") or (
        answers.venue == "polymarket"
    )
    if answers.venue == "polymarket":
        assert "costs less than a dollar" in told["cheap"]
        assert "lives two minutes at least" in told["soon"]
    else:
        assert (told["cheap"], told["soon"]) == ("canceled", "open")
    assert "is no whole second" in told["part of a second"]


@pytest.mark.parametrize("backend", BACKENDS)
def test_less_than_the_least_size_is_sold_at_once_everywhere(
    answers: Answers, backend: str
) -> None:
    assert answers.selling[backend].sold == [("closed", 3)]


@pytest.mark.parametrize("backend", BACKENDS)
def test_all_or_nothing_that_finds_too_few_is_refused_everywhere(
    answers: Answers, backend: str
) -> None:
    # Told once: the refusal is also what a stream tells of it, as an order that ended.
    killed = answers.of[Killed][backend]
    assert (killed.told, killed.open_orders) == (["OrderRejected"], [])


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_refusal_begins_with_the_order_and_says_who_refused_it(
    answers: Answers, backend: str
) -> None:
    [words] = answers.of[Killed][backend].words
    asked, refused = words.split(": ", 1)
    assert re.fullmatch(r"buy 100 \S+ of \S+ at 0\.\d+", asked)
    if backend == "live":
        assert " answered 4" in refused
    else:
        assert refused == "refused on paper: fill or kill: too few are offered"


@pytest.mark.parametrize("backend", ["live", "paper", "async paper"])
def test_it_is_refused_to_who_places_it_and_is_no_order(
    answers: Answers, backend: str
) -> None:
    assert answers.placed[backend] == ("OrderRejected", 0)


# -- what is no order at all raises where it is written --------------------------------


class Writing(Strategy):
    """Writes something on the first book, and keeps what that raises."""

    def __init__(self, write: Any) -> None:
        self.write = write
        self.raised: Exception | None = None
        self.failures: list[Failure] = []

    def on_book(self, desk: Desk, book: OrderBook) -> None:
        try:
            self.write(desk, book.market_id)
        except Exception as error:  # noqa: BLE001 - it is looked at by the test
            self.raised = error

    def on_failure(self, desk: Desk, failure: Failure) -> None:
        self.failures.append(failure)


def placed(desk: Desk, name: str, **how: Any) -> str:
    return desk.place(name, "yes", "buy", "0.40", 5, **how)


NAIVE = datetime(2030, 1, 1)  # noqa: DTZ001 - that is what is refused

MISTAKES: list[tuple[Any, type[Exception], str]] = [
    (lambda d, m: placed(d, m, expires_at=NAIVE), BadRequest, "expires_at="),
    (lambda d, m: placed(d, m, expires_at="2030-01-01"), BadRequest, "expires_at="),
    (
        lambda d, m: placed(d, m, post_only="no"),
        BadRequest,
        "post_only='no': give True",
    ),
    (lambda d, m: placed(d, m, post_only=None), BadRequest, "post_only=None"),
    (lambda d, m: d.amend(placed(d, m)), ArgumentsRequired, "give price= or size="),
    (lambda d, _: d.timer("x", 5), BadRequest, "after=5: give a span of time"),
    (lambda d, m: placed(d, [m]), BadRequest, r"market_id=\['RAIN'\]: give an id"),
    (lambda d, m: d.book([m]), BadRequest, "market_id="),
    (lambda d, m: d.cancel([m]), BadRequest, "key="),
    (lambda d, m: d.order([m]), BadRequest, "key="),
    (lambda d, m: d.place(m, ["yes"], "buy", 1, 1), BadRequest, "outcome"),
    (lambda d, m: d.place(m, "yes", ["buy"], 1, 1), BadRequest, "buy"),
]


@pytest.mark.parametrize(("write", "kind", "words"), MISTAKES)
def test_what_is_no_order_raises_where_it_is_written(
    write: Any, kind: type[Exception], words: str
) -> None:
    # The desk is the same in all runs.
    strategy = Writing(write)
    backtest(strategy, [(START, book("9@0.40", "9@0.50"))], contracts=[contract()])
    assert type(strategy.raised) is kind
    assert re.search(words, str(strategy.raised))
    assert strategy.failures == []


def test_a_moment_in_another_time_zone_is_one() -> None:
    late = datetime(2030, 1, 1, tzinfo=UTC)
    strategy = Writing(lambda d, m: placed(d, m, expires_at=late))
    backtest(strategy, [(START, book("9@0.40", "9@0.50"))], contracts=[contract()])
    assert strategy.raised is None


def test_a_contract_that_is_given_twice_is_refused() -> None:
    with pytest.raises(BadRequest, match="'RAIN' was given twice"):
        backtest(Strategy(), [], contracts=[contract(), contract()])
