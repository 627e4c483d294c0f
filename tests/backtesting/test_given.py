"""What is given wrongly is refused in words, before anything runs."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import pytest

from unified_exchanges import (
    BadRequest,
    Desk,
    Level,
    MarketStatus,
    NotSupported,
    OrderBook,
    Side,
    Strategy,
    Ticker,
    exchange,
    sweep,
)
from unified_exchanges.backtesting import backtest
from unified_exchanges.backtesting.sources import events_of
from unified_exchanges.paper import Contract, Delays
from unified_exchanges.research import convert
from unified_exchanges.venues.polymarket.fees import Fees
from unified_exchanges.venues.polymarket.parse import FeeTerms

from ..paper import scene
from ..research.making import made

CONTRACT = scene.contract("M")
BOOK = OrderBook(venue="toy", market_id="M", outcome="yes", bids=(), asks=())
EVENTS = [(1, BOOK), (2, BOOK)]


class Sized(Strategy):
    """Fails where anything is told: nothing is to run."""

    size = 10

    def on_start(self, desk: object) -> None:
        pytest.fail("it ran")


def named(**names: Any) -> Strategy:
    made_so = Sized()
    for name, value in names.items():
        setattr(made_so, name, value)
    return made_so


TERMS: list[tuple[str, Any, str]] = [
    *(("delays", x, r"Delays\(order=…") for x in (5, -1, "x", (1, 2))),
    *(("sample", x, "a span of time") for x in (5, "x")),
    *(("sample", timedelta(x), "a span of time") for x in (0, -1)),
    *(("cash", x, "dollars from 0 on") for x in ("x", None, -5, True, [], "inf")),
    ("cash", Decimal("NaN"), "dollars from 0 on"),
    *(("contracts", x, "a list of contracts") for x in (None, 5, "M", [5], CONTRACT)),
    ("contracts", {"M": CONTRACT}, "a list of contracts"),
    ("contracts", [CONTRACT.market], "a Market says nothing of its fees"),
    *(("progress", x, "a function") for x in (5, "x")),
]


@pytest.mark.parametrize(
    "terms",
    [
        FeeTerms(Decimal("0.05"), Decimal(1), is_taker_only=False),
        FeeTerms(Decimal("0.05"), Decimal(9)),
    ],
)
def test_a_market_whose_fees_nobody_knows_is_refused_before_anything_runs(
    terms: FeeTerms,
) -> None:
    unknown = attrs.evolve(CONTRACT, fees=Fees(terms))
    with pytest.raises(NotSupported, match="market M is not traded on paper: "):
        backtest(Sized(), EVENTS, contracts=[unknown])


@pytest.mark.parametrize(("name", "given", "wanted"), TERMS)
def test_terms_are_refused_by_what_was_given_and_what_is_wanted(
    name: str, given: Any, wanted: str
) -> None:
    terms: dict[str, Any] = {"contracts": [CONTRACT], name: given}
    with pytest.raises(BadRequest, match=rf"^{name}=.*: give .*{wanted}"):
        backtest(Sized(), EVENTS, **terms)
    # A sweep says it once, and not of each run.
    with pytest.raises(BadRequest, match=rf"^{name}=.*: give .*{wanted}"):
        sweep(Sized, {"size": [1, 2]}, EVENTS, workers=1, **terms)


@pytest.mark.parametrize(
    "data",
    [
        *(None, 5, b"x", BOOK, {"a": EVENTS}, [BOOK], [5], [(1,)], [(1, 5)]),
        *([("x", BOOK)], [(1.5, BOOK)], [Path("/"), 5]),
    ],
    ids=str,
)
def test_what_is_no_data_is_refused(data: Any) -> None:
    with pytest.raises(BadRequest, match=r"^data=.*: give the path of a recording"):
        backtest(Sized(), data, contracts=[CONTRACT])
    if not isinstance(data, dict):
        with pytest.raises(BadRequest, match=r"^data=.*: give the path of a recording"):
            sweep(Sized, {"size": [1]}, {"a": data}, contracts=[CONTRACT], workers=1)


@pytest.mark.parametrize("given", ["nothing.jsonl", ["nothing.jsonl"]])
def test_a_path_at_which_nothing_is_is_named(given: Any, tmp_path: Path) -> None:
    for data in (given, [tmp_path, "nothing.jsonl"]):
        with pytest.raises(BadRequest, match=r"there is no nothing\.jsonl: give"):
            backtest(Sized(), data, contracts=[CONTRACT])


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes with names")
def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(pipe := tmp_path / "pipe")
    givers: tuple[Callable[[], object], ...] = (
        lambda: backtest(Sized(), pipe, contracts=[CONTRACT]),
        lambda: backtest(Sized(), [pipe], contracts=[CONTRACT]),
        lambda: convert(pipe, tmp_path / "out"),
        lambda: exchange("replay", path=pipe),
    )
    for give in givers:
        with pytest.raises(BadRequest, match="pipe is no file: write what comes out"):
            give()


def test_an_event_that_is_none_is_named_when_it_comes() -> None:
    ticker = attrs.evolve(made(Ticker, full=True), market_id="M", outcome="yes")
    events: Any = [*EVENTS, (3, ticker)]
    with pytest.raises(BadRequest, match=r"^data\[2\]=\(3, Ticker.*: give an event"):
        backtest(Strategy(), events, contracts=[CONTRACT])


@pytest.mark.parametrize("given", [None, 5, "Sized"])
def test_what_is_no_strategy_is_refused(given: Any) -> None:
    with pytest.raises(BadRequest, match=r"^strategy=.*: give a Strategy"):
        backtest(given, EVENTS, contracts=[CONTRACT])


def test_a_class_in_place_of_a_strategy_is_said_to_be_one() -> None:
    kind: Any = Sized
    with pytest.raises(BadRequest, match=r"^strategy=.*: give one .* made, Sized\(\)"):
        backtest(kind, EVENTS, contracts=[CONTRACT])


@pytest.mark.parametrize("given", [None, 5, "M", [5]])
def test_markets_are_a_list_of_ids(given: Any) -> None:
    with pytest.raises(BadRequest, match=r"^markets=.*: give a list of ids"):
        backtest(named(markets=given), EVENTS, contracts=[CONTRACT])
    if given is not None:
        terms: Any = {"markets": given, "contracts": [CONTRACT], "workers": 1}
        with pytest.raises(BadRequest, match=r"^markets=.*: give a list of ids"):
            sweep(Sized, {"size": [1]}, EVENTS, **terms)


@pytest.mark.parametrize("given", [None, 5, "order_book"])
def test_subjects_are_a_list(given: Any) -> None:
    with pytest.raises(BadRequest, match=r"^subjects=.*: give a list"):
        backtest(named(subjects=given), EVENTS, contracts=[CONTRACT])


@pytest.mark.parametrize("given", [5, "size", [5], {5: [1]}])
def test_a_grid_is_values_by_name_or_combinations(given: Any) -> None:
    with pytest.raises(BadRequest, match=r"^grid=.*: give "):
        sweep(Sized, given, EVENTS, contracts=[CONTRACT], workers=1)


@pytest.mark.parametrize("given", ["x", 1.5, True])
def test_workers_are_a_whole_number(given: Any) -> None:
    with pytest.raises(BadRequest, match=r"^workers=.*: give a whole number"):
        sweep(Sized, {"size": [1]}, EVENTS, contracts=[CONTRACT], workers=given)


@pytest.mark.parametrize("given", [None, 5])
def test_a_figure_that_is_none_is_refused_with_those_that_there_are(given: Any) -> None:
    told = sweep(Strategy, {}, EVENTS, contracts=[], workers=1)
    with pytest.raises(BadRequest, match=f"there is no figure {given}; there are: pnl"):
        told.best(given)


def test_what_may_be_given_still_is() -> None:
    contracts: tuple[Contract, ...] = (CONTRACT,)
    report = backtest(
        named(on_start=lambda _: None),
        iter(EVENTS),
        contracts=iter(contracts),
        cash=0,
        delays=Delays(order=1, event=1),
        sample=timedelta(microseconds=1),
        progress=print,
    )
    assert report.events == 2


class Buyer(Strategy):
    """Buys once, at a price."""

    def __init__(self, price: str) -> None:
        self.price = price

    def on_book(self, desk: Desk, book: OrderBook) -> None:
        if not desk.decisions:
            desk.place(book.market_id, "yes", "buy", self.price, 10)


@pytest.mark.parametrize("price", ["0.40", "0.42"])
def test_an_event_with_a_number_made_of_a_float_is_named(price: str) -> None:
    """It has dozens of digits, and what follows from it is not exact any more."""
    fine, sold = (
        scene.book("100@0.40", "100@0.42"),
        scene.trade("0.40", "99", Side.SELL),
    )
    long = Decimal(1 / 100)
    behind = attrs.evolve(fine, bids=(Level(Decimal("0.40"), long),))
    ahead = attrs.evolve(fine, asks=(Level(Decimal("0.42"), long),))
    told = [fine, sold, behind] if price == "0.40" else [ahead, ahead]
    events = [(scene.START + n * scene.SECOND, event) for n, event in enumerate(told)]
    with pytest.raises(BadRequest, match=r"^event=OrderBook.*not Decimal\(0\.01\)"):
        backtest(Buyer(price), events, contracts=[scene.contract()])


NAN = Decimal("NaN")


def unreckonable() -> list[tuple[str, str, list[Any]]]:
    """Events of which one has a number that is none; what it is, and at what to buy."""
    fine, odd = scene.book("100@0.40", "100@0.42"), Decimal("Infinity")
    sold = scene.trade("0.40", "199", Side.SELL)

    def wrong(side: str, price: Decimal, size: Decimal) -> OrderBook:
        return attrs.evolve(fine, **{side: (Level(price, size),)})

    queue = [wrong("bids", Decimal("0.40"), x) for x in (NAN, odd)]
    offer = [wrong("asks", Decimal("0.42"), x) for x in (NAN, odd)]
    return [
        *(
            ("OrderBook", "0.40", [fine, wrong("bids", NAN, x), fine])
            for x in (NAN, odd)
        ),
        *(("OrderBook", "0.40", [x, fine, sold]) for x in queue[:1]),
        *(("OrderBook", "0.42", [x, fine]) for x in offer[:1]),
        # What is of no consequence before the end is told there.
        *(("OrderBook", "0.41", [fine, x]) for x in (*queue, *offer)),
        ("Trade", "0.40", [fine, fine, attrs.evolve(sold, size=NAN)]),
    ]


@pytest.mark.parametrize(("kind", "price", "told"), unreckonable())
def test_an_event_with_a_number_that_is_none_is_named(
    kind: str, price: str, told: list[Any]
) -> None:
    events = [(scene.START + n * scene.SECOND, event) for n, event in enumerate(told)]
    with pytest.raises(BadRequest, match=f"^event={kind}.*that are finite numbers$"):
        backtest(Buyer(price), events, contracts=[scene.contract()])


def test_a_strategy_that_reckons_with_what_is_no_number_is_told_so() -> None:
    class Wrong(Buyer):
        def on_book(self, desk: Desk, book: OrderBook) -> None:
            assert max(NAN, Decimal(1)) is None

    events = [(scene.START, scene.book("100@0.40", "100@0.42"))]
    with pytest.raises(InvalidOperation):
        backtest(Wrong("0.40"), events, contracts=[scene.contract()])


@pytest.mark.parametrize("value", ["2", "-1", "1.01", "NaN", "Infinity"])
def test_a_value_that_no_contract_pays_is_refused(value: str) -> None:
    settled = scene.change(MarketStatus.SETTLED, value)
    events = [(scene.START, scene.book("100@0.40", "100@0.42"))]
    events.append((scene.START + 1, settled))  # type: ignore[arg-type]
    wanted = (
        rf"^RAIN: value=Decimal\('{value}'\): give what .* between 0 and 1 dollars$"
    )
    with pytest.raises(BadRequest, match=wanted):
        backtest(Buyer("0.42"), events, contracts=[scene.contract()])


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize(
    ("given", "said"),
    [
        (Sized(), r"make=.*: give its class, Sized, which is made for each run"),
        (5, "make=5: give a subclass of Strategy, or a function that gives one"),
        (None, "make=None: give a subclass of Strategy"),
    ],
)
def test_a_sweep_over_what_is_no_class_says_what_to_give(
    given: Any, said: str, workers: int
) -> None:
    for grid in ({"size": [1]}, {}, []):
        with pytest.raises(BadRequest, match=f"^{said}"):
            sweep(given, grid, EVENTS, contracts=[CONTRACT], workers=workers)


@pytest.mark.parametrize("path", ["a" * 300, "a\0b"])
def test_a_path_that_can_be_none_is_refused(path: str) -> None:
    with pytest.raises(BadRequest, match=r"give (the|another) path"):
        events_of(path)
    with pytest.raises(BadRequest, match=r"give (the|another) path"):
        convert(path, "out")


def first_and(second: Any) -> list[Any]:
    return [EVENTS[0], second]


MALFORMED: list[Any] = [
    EVENTS[0][1],
    None,
    5,
    (EVENTS[0][0],),
    (*EVENTS[0], 1),
    (str(EVENTS[0][0]), EVENTS[0][1]),
    (None, EVENTS[0][1]),
    (EVENTS[0][0] + 0.5, EVENTS[0][1]),
    [*EVENTS[0][:1], "x"],
]


@pytest.mark.parametrize("given", MALFORMED)
@pytest.mark.parametrize("before", [0, 1, 3])
@pytest.mark.parametrize("kind", [list, iter])
def test_a_malformed_event_is_refused_wherever_it_stands(
    given: Any, before: int, kind: Any
) -> None:
    events = [*EVENTS[:1] * before, given]
    message = r"^data=.*\(nanoseconds, book\)|^data\[%d\]=.*: give an event "
    with pytest.raises(BadRequest, match=message % before):
        backtest(Strategy(), kind(events), contracts=[CONTRACT])


def test_what_a_strategy_raises_is_not_taken_for_a_malformed_event() -> None:
    class Raising(Strategy):
        def on_book(self, desk: Any, book: Any) -> None:
            raise TypeError("its own")

    class Deaf(Strategy):
        def on_book(self, *given: Any) -> None:
            self.look(*given)

        def look(self) -> None:
            raise AssertionError

    for given, message in ((Raising(), "its own"), (Deaf(), "positional argument")):
        with pytest.raises(TypeError, match=message):
            backtest(given, EVENTS, contracts=[CONTRACT])


@pytest.mark.parametrize(
    ("price", "size"), [(np.float64(0.4), np.int64(3)), (0.4, np.float64(3))]
)
def test_an_order_in_numbers_of_numpy_is_the_order_in_those_of_python(
    price: Any, size: Any
) -> None:
    placed = []
    for asked in ((price, size), (0.4, 3)):

        class Asking(Strategy):
            def on_book(self, desk: Desk, book: OrderBook) -> None:
                if not desk.decisions:
                    desk.place(book.market_id, "yes", "buy", *asked)  # noqa: B023

        placed.append(backtest(Asking(), EVENTS, contracts=[CONTRACT]).decisions)
    assert placed[0] == placed[1] != ()


def test_a_number_that_is_none_is_refused_where_it_is_asked_for() -> None:
    class Asking(Strategy):
        def on_book(self, desk: Desk, book: OrderBook) -> None:
            desk.place(book.market_id, "yes", "buy", np.float32(0.4), 3)  # type: ignore[arg-type]

    with pytest.raises(BadRequest, match="is a float32; pass Decimal, str, int or"):
        backtest(Asking(), EVENTS, contracts=[CONTRACT])


class Unsized(Strategy):
    size = 10


@pytest.mark.parametrize(("at", "named"), [(1, r"\[1\]=\(1.5"), (1.5, r"=\[1.5, 2\]")])
def test_a_part_of_a_nanosecond_is_refused_before_an_order_is_sent_by_it(
    at: float, named: str
) -> None:
    class Hasty(Strategy):
        def on_book(self, desk: Any, book: Any) -> None:
            if desk.moment == at:
                desk.place(book.market_id, "yes", "buy", "0.5", 1)

    given: Any = [EVENTS[0], (1.5, BOOK), EVENTS[1]]
    with pytest.raises(BadRequest, match=f"^data{named}"):
        backtest(Hasty(), given, contracts=[CONTRACT])


def test_a_malformed_event_of_a_sweep_is_told_in_each_row() -> None:
    given: Any = [*EVENTS[:1] * 3000, EVENTS[0][1]]
    told = sweep(Unsized, {"size": [1, 2]}, given, contracts=[CONTRACT], workers=1)
    assert [row.failure is not None for row in told.rows] == [True, True]
    assert all("data[3000]=" in str(row.failure) for row in told.rows)


@pytest.mark.parametrize("kind", [list, tuple])
def test_a_list_of_no_events_and_no_paths_is_refused(kind: Any) -> None:
    message = r"^data=.*: give at least one path or event; .* pattern"
    with pytest.raises(BadRequest, match=message):
        backtest(Sized(), kind(), contracts=[CONTRACT])
    for data in (kind(), {"monday": kind()}):
        with pytest.raises(BadRequest, match=message):
            sweep(Sized, {"size": [1]}, data, contracts=[CONTRACT], workers=1)
