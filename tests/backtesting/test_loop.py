"""What a backtest does: time, orders, fills, money, and never a look ahead."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from decimal import Decimal
from operator import methodcaller
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unified_exchanges import (
    BUY,
    SELL,
    BadRequest,
    Fill,
    Gap,
    GuardPolicy,
    InsufficientFunds,
    InvalidPrice,
    Market,
    MarketChange,
    MarketClosed,
    MarketStatus,
    Order,
    OrderBook,
    OrderRejected,
    Outcome,
    RateLimitExceeded,
    Trade,
)
from unified_exchanges.backtesting import BacktestProgress, Report, backtest, merged
from unified_exchanges.money import total
from unified_exchanges.paper import Contract, Delays, PaperEvent, at
from unified_exchanges.strategies import Amend, Desk, Failure, Strategy

from ..paper.scene import SECOND, START, book, change, contract, trade

D = Decimal
Told = tuple[int, PaperEvent]


def when(seconds: int) -> int:
    return START + seconds * SECOND


class Noting(Strategy):
    """Writes down what it is told and when."""

    subjects: Sequence[str] = ("order_book", "trades", "market_status")

    def __init__(self) -> None:
        self.told: list[tuple[int, Any]] = []

    def note(self, desk: Desk, what: Any) -> None:
        self.told.append((desk.moment, what))

    def on_start(self, desk: Desk) -> None:
        self.note(desk, "start")

    def on_book(self, desk: Desk, book: OrderBook) -> None:
        self.note(desk, book)

    def on_trade(self, desk: Desk, trade: Trade) -> None:
        self.note(desk, trade)

    def on_status(self, desk: Desk, change: MarketChange) -> None:
        self.note(desk, change)

    def on_gap(self, desk: Desk, gap: Gap) -> None:
        self.note(desk, gap)

    def on_order(self, desk: Desk, order: Order) -> None:
        self.note(desk, order)

    def on_fill(self, desk: Desk, fill: Fill) -> None:
        self.note(desk, fill)

    def on_failure(self, desk: Desk, failure: Failure) -> None:
        self.note(desk, failure)

    def on_timer(self, desk: Desk, name: str) -> None:
        self.note(desk, name)

    def on_stop(self, desk: Desk) -> None:
        self.note(desk, "stop")

    def times(self, kind: type[Any]) -> list[int]:
        return [
            (moment - START) // SECOND for moment, x in self.told if isinstance(x, kind)
        ]


class Once(Noting):
    """Sends one order at the first book."""

    def __init__(self, price: str = "0.50", size: int = 10, **how: Any) -> None:
        super().__init__()
        self.wish = price, size, how
        self.key = ""

    def on_book(self, desk: Desk, book: OrderBook) -> None:
        super().on_book(desk, book)
        if not self.key:
            price, size, how = self.wish
            self.key = desk.place(book.market_id, "yes", "buy", price, size, **how)


QUIET = book("100@0.40", "100@0.50")


def test_events_are_told_in_order_between_start_and_stop() -> None:
    gap = Gap(subject=None, reason="lost", at=at(START))
    events: list[Told] = [
        (when(0), QUIET),
        (when(1), trade("0.50", "5")),
        (when(2), gap),
        (when(3), change(MarketStatus.PAUSED)),
    ]
    noting = Noting()
    report = backtest(noting, events, contracts=[contract()])
    assert [x for _, x in noting.told] == ["start", *(x for _, x in events), "stop"]
    assert report.events == 4


def test_an_event_is_told_when_it_has_come_and_never_before() -> None:
    events: list[Told] = [(when(0), QUIET), (when(1), QUIET), (when(9), QUIET)]
    noting = Noting()
    backtest(noting, events, contracts=[contract()], delays=Delays(event=3 * SECOND))
    # The last one is still on its way when the recording ends.
    assert noting.times(OrderBook) == [3, 4]


def test_an_order_takes_effect_after_its_delay_and_is_told_after_that_of_events() -> (
    None
):
    events: list[Told] = [(when(n), QUIET) for n in range(20)]
    once = Once()
    backtest(
        once,
        events,
        contracts=[contract()],
        delays=Delays(order=2 * SECOND, event=3 * SECOND),
    )
    # The book of 0 comes at 3, the order is there at 5, and its fill is told at 8.
    assert once.times(OrderBook)[0] == 3
    [fill] = [x for _, x in once.told if isinstance(x, Fill)]
    assert fill.created_at == at(when(5))
    assert once.times(Fill) == [8]


class Idle(Once):
    """Changes its order to what it is."""

    def on_order(self, desk: Desk, order: Order) -> None:
        super().on_order(desk, order)
        desk.amend(self.key, size=order.size)


def test_a_change_that_changes_nothing_is_no_news() -> None:
    idle = Idle("0.40")
    backtest(idle, [(when(n), QUIET) for n in range(5)], contracts=[contract()])
    assert len(idle.times(Order)) == 1


def test_a_fill_is_told_after_its_delay_also_where_nothing_else_is_told() -> None:
    once = Once()
    backtest(
        once,
        [(when(0), QUIET), (when(60), QUIET)],
        contracts=[contract()],
        delays=Delays(order=2 * SECOND, event=3 * SECOND),
    )
    assert once.times(Fill) == [8]


def test_an_order_meets_the_book_of_its_arrival_and_not_that_of_its_decision() -> None:
    events: list[Told] = [
        (when(0), QUIET),
        (when(1), book("100@0.40", "100@0.60")),
        (when(5), QUIET),
    ]
    once = Once(time_in_force="ioc")
    report = backtest(
        once, events, contracts=[contract()], delays=Delays(order=2 * SECOND)
    )
    assert report.fills == ()
    assert report.fill_ratio == 0


def test_without_delay_an_order_comes_after_all_that_was_received_by_then() -> None:
    events: list[Told] = [
        (when(0), QUIET),
        (when(0), book("100@0.40", "100@0.60")),
        (when(1), QUIET),
    ]
    report = backtest(Once(time_in_force="ioc"), events, contracts=[contract()])
    assert report.fills == ()


def test_timers_ring_at_their_time_between_events() -> None:
    class Ringing(Noting):
        def on_start(self, desk: Desk) -> None:
            desk.timer("five", timedelta(seconds=5))
            desk.timer("two", timedelta(seconds=2))

    ringing = Ringing()
    backtest(ringing, [(when(0), QUIET), (when(9), QUIET)], contracts=[contract()])
    rung = [(m, x) for m, x in ringing.told if x in {"two", "five"}]
    assert rung == [(when(2), "two"), (when(5), "five")]


@pytest.mark.parametrize("delays", [Delays(), Delays(order=SECOND, event=SECOND)])
def test_decisions_up_to_a_moment_do_not_depend_on_what_comes_after(
    delays: Delays,
) -> None:
    for seed in range(30):
        rng = random.Random(seed)
        events = randomly(rng, 80)
        cut = events[rng.randrange(20, 60)][0]
        before = [x for x in events if x[0] <= cut]
        other = before + [
            (moment, event)
            for moment, event in randomly(random.Random(seed + 1_000), 200)
            if moment > cut
        ]
        assert [x for x in other if x[0] > cut] != [x for x in events if x[0] > cut]
        first, second = (
            backtest(Restless(seed), told, contracts=CONTRACTS, delays=delays)
            for told in (events, other)
        )
        known = [x for x in first.decisions if x.at <= cut]
        assert known == [x for x in second.decisions if x.at <= cut]
        assert len(known) > 5
        fills = [x for x in first.fills if x.created_at < at(cut)]
        assert fills == [x for x in second.fills if x.created_at < at(cut)]


class Peeking(Strategy):
    """What the test above is there to catch: it knows the events that are to come."""

    def __init__(self, events: list[Told]) -> None:
        self.events = events

    def on_book(self, desk: Desk, book: OrderBook) -> None:
        later = [
            x for m, x in self.events if m > desk.moment and isinstance(x, OrderBook)
        ]
        if later and later[0].bids:
            desk.place(book.market_id, "yes", "buy", later[0].bids[0].price, 1)

    def on_failure(self, desk: Desk, failure: Failure) -> None:
        pass


def test_a_look_ahead_would_be_noticed() -> None:
    events, others = randomly(random.Random(1), 80), randomly(random.Random(2), 80)
    cut = events[40][0]
    mixed = [x for x in events if x[0] <= cut] + [x for x in others if x[0] > cut]
    found = [
        [
            x
            for x in backtest(Peeking(e), e, contracts=CONTRACTS).decisions
            if x.at <= cut
        ]
        for e in (events, mixed)
    ]
    assert found[0] != found[1]


CONTRACTS = [contract("RAIN"), contract("SNOW"), contract("WIND", nets=False)]


class Restless(Strategy):
    """Decides by chance, as its seed and what it is told say."""

    subjects = ("order_book", "trades")

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)

    def on_book(self, desk: Desk, book: OrderBook) -> None:
        rng = self.rng
        if rng.random() < 0.5:
            price = D(rng.randrange(1, 100)) / 100
            side = rng.choice(["buy", "sell"])
            how = rng.choice(["gtc", "gtc", "ioc", "fok"])
            desk.place(
                book.market_id,
                rng.choice(["yes", "no"]),
                side,
                price,
                rng.randrange(1, 40),
                time_in_force=how,
            )
        if desk.open_orders and rng.random() < 0.3:
            key = rng.choice(desk.open_orders).client_order_id
            assert key is not None
            if rng.random() < 0.5:
                desk.cancel(key)
            else:
                desk.amend(key, size=rng.randrange(1, 40))
        if rng.random() < 0.2:
            desk.timer("again", timedelta(milliseconds=rng.randrange(5_000)))
        desk.forecast(book.market_id, "yes", D(rng.randrange(101)) / 100)

    def on_fill(self, desk: Desk, fill: Fill) -> None:
        desk.log(f"{fill.fill_id} {desk.cash} {desk.positions()}")

    def on_failure(self, desk: Desk, failure: Failure) -> None:
        desk.log(str(failure.error))


def randomly(rng: random.Random, count: int) -> list[Told]:
    """Books, trades and gaps of three markets."""
    events: list[Told] = []
    moment = START
    for _ in range(count):
        moment += rng.randrange(1, 3 * SECOND)
        name = rng.choice(["RAIN", "SNOW", "WIND"])
        middle = rng.randrange(5, 95)
        bids = " ".join(f"{rng.randrange(1, 50)}@0.{middle - n:02}" for n in (1, 2, 4))
        asks = " ".join(f"{rng.randrange(1, 50)}@0.{middle + n:02}" for n in (1, 2, 4))
        what = rng.random()
        if what < 0.6:
            events.append((moment, book(bids, asks, market_id=name)))
        elif what < 0.95:
            taker = rng.choice(["buy", "sell"])
            side = SELL if taker == "sell" else SELL.opposite
            told = trade(
                f"0.{middle:02}", str(rng.randrange(1, 80)), side, market_id=name
            )
            events.append((moment, attrs.evolve(told, created_at=at(moment))))
        else:
            gap = Gap(subject=None, market_ids=(name,), reason="lost", at=at(moment))
            events.append((moment, gap))
    return events


# -- the same every time ---------------------------------------------------------------


def test_the_same_inputs_give_the_same_report_byte_by_byte() -> None:
    def go() -> Report:
        events = randomly(random.Random(3), 400)
        return backtest(Restless(3), events, contracts=CONTRACTS, cash="500")

    first, second = go(), go()
    assert len(first.fills) > 20
    assert first.to_json() == second.to_json()
    assert first.to_html() == second.to_html()


@given(st.integers(0, 10_000), st.sampled_from([0, SECOND]))
def test_markets_add_up_to_the_whole_exactly(seed: int, delay: int) -> None:
    events = randomly(random.Random(seed), 60)
    settled = [(events[-1][0] + 1, change(MarketStatus.SETTLED, "1"))]
    report = backtest(
        Restless(seed),
        [*events, *settled],
        contracts=CONTRACTS,
        cash="500",
        delays=Delays(order=delay, event=delay),
    )
    assert report.pnl == report.equity - report.starting_cash
    assert report.pnl == total(market.pnl for market in report.markets)
    assert report.fees == total(fill.fee for fill in report.fills)
    assert report.turnover == total(market.turnover for market in report.markets)
    assert report.equity_curve[-1].equity == report.equity
    assert report.max_drawdown_ratio >= 0
    assert report.max_drawdown >= report.starting_cash - min(
        point.equity for point in report.equity_curve
    )


@given(st.integers(0, 10_000))
def test_what_the_desk_knows_is_what_the_engine_has_once_all_is_told(seed: int) -> None:
    class Knowing(Restless):
        known: Any = None

        def on_stop(self, desk: Desk) -> None:
            Knowing.known = desk.cash, desk.open_orders

    events = randomly(random.Random(seed), 60)
    # Long after the last order nothing is on its way any more.
    events.append((events[-1][0] + 60 * SECOND, trade("0.50", "1", None)))
    report = backtest(Knowing(seed), events, contracts=CONTRACTS, cash="500")
    assert Knowing.known[0] == report.cash


def test_a_strategy_without_orders_pays_and_earns_nothing() -> None:
    report = backtest(Strategy(), randomly(random.Random(1), 50), contracts=CONTRACTS)
    assert {report.pnl, report.fees, report.turnover} == {D(0)}
    assert (report.fill_ratio, report.brier, report.order_count) == (None, None, 0)


# -- money -----------------------------------------------------------------------------


def test_the_numbers_of_a_small_backtest() -> None:
    events: list[Told] = [
        (when(0), QUIET),
        (when(10), book("100@0.30", "100@0.50")),
        (when(20), book("100@0.45", "100@0.55")),
        (when(30), change(MarketStatus.SETTLED, "1")),
    ]
    once = Once("0.50", 10)
    report = backtest(once, events, contracts=[contract()], cash="100")
    # Ten at 0.50, with a cent of fee each; they pay a dollar each in the end.
    assert (report.cash, report.equity, report.pnl) == (
        D("104.9"),
        D("104.9"),
        D("4.9"),
    )
    assert (report.fees, report.turnover) == (D("0.1"), D("10.0") / 2)
    assert (report.fill_ratio, report.order_count) == (D(1), 1)
    [market] = report.markets
    assert (market.pnl, market.realized, market.value) == (D("4.9"), D(5), D(1))
    assert (market.fills, market.contracts) == (1, D(10))
    assert market.held == ()
    [settlement] = report.settlements
    assert settlement.payout == 10
    assert report.peak_exposure == 5
    # Five dollars from just after 0 to 30 seconds, of 30.
    assert D("4.9") < report.average_exposure <= 5
    # At the best bid of 0.30 ten are worth 3, of the 5 that they cost, and 0.1 is paid.
    assert report.max_drawdown == D("2.1")
    assert report.max_drawdown_ratio == D("0.021")


def test_what_is_held_counts_at_the_bid_of_its_own_outcome() -> None:
    class Doubter(Strategy):
        def on_book(self, desk: Desk, book: OrderBook) -> None:
            if not desk.decisions:
                desk.place("RAIN", "no", "buy", "0.60", 10)

    events: list[Told] = [
        (when(0), book("100@0.40", "100@0.42")),
        (when(1), book("100@0.40", "100@0.45")),
    ]
    report = backtest(Doubter(), events, contracts=[contract()], cash="100")
    # A NO of 0.60 could be sold for what is left of an ask for YES: 1 − 0.45.
    assert report.equity == D("100") - 6 - D("0.1") + D("5.5")
    [market] = report.markets
    assert (market.unrealized, market.pnl) == (D("-0.5"), D("-0.6"))


def test_equity_is_looked_at_every_minute_in_which_anything_is_told() -> None:
    hour = 3_600
    events: list[Told] = [
        (when(0), QUIET),
        (when(90), book("100@0.20", "100@0.50")),
        (when(150), book("100@0.45", "100@0.55")),
        (when(10 * hour), book("100@0.45", "100@0.55")),
    ]
    report = backtest(Once(), events, contracts=[contract()], cash="100")
    # The lowest was seen: ten at 0.20, of 5.1 that they cost.
    assert report.max_drawdown == D("3.1")
    # Hours without an event are no points.
    assert len(report.equity_curve) < 8


def test_a_probability_is_judged_by_what_came_true() -> None:
    class Seer(Strategy):
        def on_book(self, desk: Desk, book: OrderBook) -> None:
            desk.forecast("RAIN", "yes", "0.8")
            desk.forecast("RAIN", "no", "0.4")
            desk.forecast("SNOW", "yes", "0.9")

    events: list[Told] = [
        (when(0), QUIET),
        (when(1), change(MarketStatus.CLOSED, "1")),
        (when(2), change(MarketStatus.SETTLED)),
        (when(3), QUIET),
    ]
    report = backtest(Seer(), events, contracts=CONTRACTS)
    # (0.2² + 0.4²) / 2; snow was not settled, and rain was known by the second book.
    assert (report.forecasts, report.brier) == (2, D("0.10"))
    said = [(x.count, x.said, x.came) for x in report.calibration]
    assert said == [(1, D("0.6"), D(1)), (1, D("0.8"), D(1))]


def test_a_probability_beyond_certainty_is_refused() -> None:
    class Sure(Strategy):
        def on_book(self, desk: Desk, book: OrderBook) -> None:
            desk.forecast("RAIN", "yes", "1.1")

    with pytest.raises(BadRequest, match="not between 0 and 1"):
        backtest(Sure(), [(when(0), QUIET)], contracts=[contract()])


# -- what is refused -------------------------------------------------------------------


def test_a_price_off_the_grid_is_told_as_it_is_live() -> None:
    once = Once("0.505")
    report = backtest(
        once, [(when(0), QUIET), (when(1), QUIET)], contracts=[contract()]
    )
    [failure] = [x for _, x in once.told if isinstance(x, Failure)]
    assert isinstance(failure.error, InvalidPrice)
    assert report.failures == (failure,)
    assert report.order_count == 0


def test_what_the_venue_refuses_is_told_as_a_failure_and_not_as_an_order() -> None:
    once = Once("0.50", post_only=True)
    events: list[Told] = [(when(n), QUIET) for n in range(3)]
    report = backtest(once, events, contracts=[contract()])
    [failure] = report.failures
    assert isinstance(failure.error, OrderRejected)
    assert str(failure.error) == (
        "toy: buy 10 yes of RAIN at 0.5: refused on paper: post_only would have crossed"
    )
    assert failure.command == report.decisions[0]
    assert once.times(Order) == []
    assert report.fill_ratio is None


def test_a_refusal_that_nobody_hears_ends_the_backtest() -> None:
    class Deaf(Strategy):
        def on_book(self, desk: Desk, book: OrderBook) -> None:
            desk.place("RAIN", "yes", "buy", "0.505", 1)

    events: list[Told] = [(when(0), QUIET), (when(1), QUIET)]
    with pytest.raises(InvalidPrice):
        backtest(Deaf(), events, contracts=[contract()])


def place(*what: Any, **how: Any) -> Callable[[Desk], object]:
    return lambda desk: desk.place(*what, **how)


@pytest.mark.parametrize(
    ("act", "said"),
    [
        (place("HAIL", "yes", "buy", "0.5", 1), "HAIL"),
        (place("RAIN", "maybe", "buy", "0.5", 1), "maybe"),
        (place("RAIN", "yes", "hold", "0.5", 1), "hold"),
        (place("RAIN", "yes", "buy", "half", 1), "half"),
        (place("RAIN", "yes", "buy", "0.5", 1, time_in_force="x"), "x"),
        (methodcaller("cancel", "order-7"), "order-7"),
        (methodcaller("timer", "back", timedelta(seconds=-1)), "back"),
    ],
)
def test_a_mistake_is_raised_where_it_is_made(act: Any, said: str) -> None:
    class Wrong(Strategy):
        def on_start(self, desk: Desk) -> None:
            act(desk)

    with pytest.raises(BadRequest, match=said):
        backtest(Wrong(), [(when(0), QUIET)], contracts=[contract()])


def test_events_that_go_back_in_time_are_refused() -> None:
    events: list[Told] = [(when(1), QUIET), (when(0), QUIET)]
    with pytest.raises(ValueError, match="go back"):
        backtest(Strategy(), events, contracts=[contract()])


def test_streams_are_merged_by_their_time() -> None:
    one: list[Told] = [(when(n), QUIET) for n in (0, 2, 4)]
    other: list[Told] = [(when(n), book(market_id="SNOW")) for n in (1, 2, 3)]
    # Where the second ends nobody knows its market any more.
    moments = [when(n) for n in (0, 1, 2, 2, 3, 3, 4)]
    assert [m for m, _ in merged(one, other)] == moments
    noting = Noting()
    backtest(noting, merged(one, other), contracts=CONTRACTS)
    assert noting.times(OrderBook) == [0, 1, 2, 2, 3, 4]
    assert noting.times(Gap) == [3]


def test_a_market_without_a_contract_is_named() -> None:
    class Wishing(Strategy):
        markets = ("toy:HAIL",)

    with pytest.raises(BadRequest, match="toy:HAIL"):
        backtest(Wishing(), [], contracts=[contract()])


def test_that_all_events_were_of_other_markets_is_noted() -> None:
    events: list[Told] = [(when(0), QUIET), (when(1), QUIET)]
    for contracts in ([], [contract("SNOW")]):
        [note] = backtest(Noting(), events, contracts=contracts).notes
        assert note.text.startswith("all events were ignored, 2 in number")
    assert backtest(Noting(), events, contracts=CONTRACTS[:1]).notes == ()


def untold(report: Report) -> list[str]:
    words = "nothing of what the strategy follows was told of toy:"
    assert all(note.is_of_data and note.text.startswith(words) for note in report.notes)
    return [note.text.removeprefix(words).partition(",")[0] for note in report.notes]


def test_each_market_of_which_nothing_is_told_is_noted() -> None:
    three = [contract(name) for name in ("RAIN", "SNOW", "HAIL")]
    events: list[Told] = [(when(0), QUIET), (when(1), QUIET)]
    report = backtest(Noting(), events, contracts=three)
    assert untold(report) == ["SNOW", "HAIL"]

    class Other(Noting):
        markets = ("toy:SNOW",)

    # The other contract makes its events no others of the run; it is told none of them.
    assert untold(backtest(Other(), events, contracts=three)) == ["SNOW"]


def test_what_the_strategy_does_not_follow_is_not_told() -> None:
    class Narrow(Noting):
        subjects = ("order_book",)

    events: list[Told] = [
        (when(0), QUIET),
        (when(1), trade("0.40", "5", market_id="SNOW")),
    ]
    events += [(when(2), attrs.evolve(change(), market_id="SNOW"))]
    two = CONTRACTS[:2]
    assert untold(backtest(Narrow(), events, contracts=two)) == ["SNOW"]
    assert untold(backtest(Noting(), events, contracts=two)) == []


@pytest.mark.parametrize("delays", [None, Delays(event=1)])
def test_a_book_that_was_lost_was_told(delays: Delays | None) -> None:
    lost = Gap(subject=None, market_ids=("HAIL",), reason="lost", at=at(when(2)))
    gone = attrs.evolve(lost, market_ids=())
    snow = book(market_id="SNOW")
    events: list[Told] = [(when(0), QUIET), (when(1), snow), (when(2), lost)]
    events += [(when(3), gone)]
    report = backtest(Noting(), events, contracts=CONTRACTS[:2], delays=delays)
    assert untold(report) == []


@pytest.mark.parametrize("delays", [Delays(), Delays(event=SECOND)], ids=str)
def test_that_books_bear_the_id_of_their_outcome_is_noted(delays: Delays) -> None:
    """As of tokens of which the recording does not tell which outcome they are."""
    outcomes = (Outcome("yes", "71", "Rain"), Outcome("no", "72", "Dry"))
    market = attrs.evolve(contract().market, outcomes=outcomes)
    contracts = [attrs.evolve(contract(), market=market)]
    events: list[Told] = [
        (when(0), book("1@0.50", "1@0.60", outcome="71")),
        (when(1), trade("0.50", "1", outcome="71")),
        (when(2), book("1@0.40", "1@0.50", outcome="72")),
        (when(3), book("1@0.50", "1@0.60", outcome="71")),
    ]
    noting = Noting()
    report = backtest(noting, events, contracts=contracts, delays=delays)
    assert noting.times(OrderBook) == []
    [note] = report.notes
    assert note.text.startswith("2 books were not told, as they bear the venue's id of")


def test_only_what_is_followed_is_told() -> None:
    class Narrow(Noting):
        markets = ("toy:SNOW",)
        subjects = ("order_book",)

    events: list[Told] = [
        (when(0), QUIET),
        (when(1), book(market_id="SNOW")),
        (when(2), trade("0.50", "1", market_id="SNOW")),
        (when(3), book("1@0.40", outcome="no", market_id="SNOW")),
        (when(4), book(market_id="HAIL")),
    ]
    narrow = Narrow()
    report = backtest(narrow, events, contracts=CONTRACTS)
    assert narrow.times(OrderBook) == [1]
    assert narrow.times(Trade) == []
    # The same book said of the other outcome, and a market that nobody asked for.
    assert (report.events, report.ignored) == (5, 2)


def test_a_trade_of_the_other_outcome_is_told_of_the_first_and_moves_no_queue() -> None:
    class Resting(Noting):
        def on_book(self, desk: Desk, book: OrderBook) -> None:
            super().on_book(desk, book)
            if not desk.open_orders:
                desk.place("RAIN", "yes", "buy", "0.50", 5)

    events: list[Told] = [
        (when(0), book("1@0.50", "1@0.60")),
        (when(1), trade("0.51", "100", BUY, outcome="no")),
        (when(2), book("1@0.50", "1@0.60")),
    ]
    resting = Resting()
    report = backtest(resting, events, contracts=CONTRACTS)
    [told] = [x for _, x in resting.told if isinstance(x, Trade)]
    assert (told.outcome, told.price, told.taker_side) == ("yes", D("0.49"), SELL)
    # Whether a match of both outcomes is told once or twice is not said: none is counted.
    assert (report.ignored, report.fills) == (0, ())


def test_a_strategy_that_stops_is_told_nothing_more() -> None:
    class Brief(Noting):
        def on_book(self, desk: Desk, book: OrderBook) -> None:
            super().on_book(desk, book)
            desk.stop()

    brief = Brief()
    events: list[Told] = [(when(n), QUIET) for n in range(5)]
    report = backtest(brief, events, contracts=[contract()])
    assert brief.times(OrderBook) == [0]
    assert brief.told[-1] == (when(0), "stop")
    assert report.events == 1


@pytest.mark.parametrize("last", range(5))
def test_events_are_counted_that_were_told(last: int) -> None:
    class Brief(Strategy):
        subjects = ("order_book", "trades")

        def on_trade(self, desk: Desk, trade: Trade) -> None:
            desk.stop()

    # Books are only noted here, and a trade is not.
    events: list[Told] = [(when(n), QUIET) for n in range(5)]
    events[last] = (when(last), trade("0.50", "1"))
    asked = []

    def told() -> Iterator[Told]:
        for event in events:
            asked.append(event)
            yield event

    report = backtest(Brief(), told(), contracts=[contract()])
    assert report.events == last + 1
    # To see that it is late the next one is asked for, and no more.
    assert len(asked) == min(last + 2, len(events))


def test_what_is_decided_last_meets_the_last_book() -> None:
    once = Once()
    report = backtest(once, [(when(0), QUIET)], contracts=[contract()])
    assert [fill.price for fill in report.fills] == [D("0.50")]
    assert once.times(Fill) == [0]


def test_a_strategy_that_answers_itself_for_ever_is_stopped() -> None:
    class Eager(Strategy):
        def on_book(self, desk: Desk, book: OrderBook) -> None:
            desk.place("RAIN", "yes", "buy", "0.10", 1)

        def on_order(self, desk: Desk, order: Order) -> None:
            if order.is_open:
                desk.cancel(order.client_order_id or "")
            else:
                desk.place("RAIN", "yes", "buy", "0.10", 1)

    told: list[Told] = [(when(0), QUIET), (when(1), QUIET)]
    with pytest.raises(BadRequest, match="no time passes"):
        backtest(
            Eager(),
            told,
            contracts=[contract()],
            guards=GuardPolicy(max_orders=None),
        )
    with pytest.raises(RateLimitExceeded, match="more than 1000 orders within 10 s"):
        backtest(Eager(), told, contracts=[contract()])


def test_progress_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("unified_exchanges.backtesting.running._BEAT", 10)
    shown: list[BacktestProgress] = []
    events: list[Told] = [(when(n), QUIET) for n in range(25)]
    backtest(Strategy(), events, contracts=[contract()], progress=shown.append)
    assert [x.events for x in shown] == [10, 20]


def test_a_market_that_trades_in_other_steps_is_known_to_the_desk() -> None:
    class Looking(Strategy):
        seen: Any = None

        def on_stop(self, desk: Desk) -> None:
            Looking.seen = desk.market("RAIN")

    paused = change(MarketStatus.PAUSED)
    events: list[Told] = [(when(0), QUIET), (when(1), paused), (when(2), QUIET)]
    backtest(Looking(), events, contracts=[contract()])
    assert isinstance(Looking.seen, Market)
    assert Looking.seen.status is MarketStatus.PAUSED


def test_without_events_nothing_is_measured() -> None:
    report = backtest(Strategy(), iter(()), contracts=[contract()])
    assert [x.text for x in report.notes] == [
        "there was no event in the data: nothing was told, and nothing could happen"
    ]
    assert (report.started_at, report.ended_at, report.equity_curve) == (None, None, ())


def test_a_market_that_has_ended_since_is_open_again() -> None:
    for status in (MarketStatus.SETTLED, MarketStatus.CLOSED):
        ended = attrs.evolve(contract().market, status=status)
        later = attrs.evolve(contract(), market=ended)
        report = backtest(Once(), [(when(0), QUIET)], contracts=[later])
        assert len(report.fills) == 1


@pytest.mark.parametrize(
    "status", [MarketStatus.SETTLED, MarketStatus.CLOSED, MarketStatus.PAUSED]
)
@pytest.mark.parametrize("read", [0, 1])
def test_a_market_is_taken_as_it_was_read_before_the_first_event_and_not_after(
    status: MarketStatus, read: int
) -> None:
    shut = attrs.evolve(contract().market, status=status)
    known = attrs.evolve(contract(), market=shut, read_at=at(when(read)))
    strategy = Enduring()
    report = backtest(strategy, [(when(0), QUIET)], contracts=[known])
    assert len(report.fills) == read
    assert [type(x.error) for x in report.failures] == [MarketClosed][read:]


class Enduring(Once):
    """Passes over what is refused."""

    def on_failure(self, desk: Desk, failure: Failure) -> None:
        pass


@pytest.mark.parametrize(
    "delays", [Delays(), Delays(order=SECOND // 2, event=SECOND // 4)]
)
def test_a_change_of_an_order_is_refused_while_its_market_pauses(
    delays: Delays,
) -> None:
    class Changing(Strategy):
        failed: list[tuple[int, Failure]]
        told: Decimal

        def on_start(self, desk: Desk) -> None:
            self.failed = []
            self.key = desk.place("RAIN", "yes", "buy", "0.40", 10)
            desk.timer("change", timedelta(seconds=3))

        def on_timer(self, desk: Desk, name: str) -> None:
            desk.amend(self.key, size=5)

        def on_order(self, desk: Desk, order: Order) -> None:
            self.told = order.size

        def on_failure(self, desk: Desk, failure: Failure) -> None:
            self.failed.append((desk.moment, failure))

    paused = change(MarketStatus.PAUSED)
    events: list[Told] = [(when(0), QUIET), (when(2), paused), (when(9), QUIET)]
    strategy = Changing()
    report = backtest(strategy, events, contracts=[contract()], delays=delays)
    [(moment, failure)] = strategy.failed
    assert isinstance(failure.error, MarketClosed)
    assert isinstance(failure.command, Amend)
    assert moment == when(3) + delays.order + delays.event
    assert strategy.told == 10
    assert report.failures == (failure,)


@pytest.mark.parametrize("delays", [Delays(), Delays(order=SECOND // 2)])
@pytest.mark.parametrize(
    ("how", "wish", "kind"),
    [
        ({}, {"size": 100_000}, InsufficientFunds),
        ({"post_only": True}, {"price": "0.50"}, OrderRejected),
    ],
)
def test_a_refused_change_is_told_and_the_order_stays(
    how: dict[str, Any], wish: dict[str, Any], kind: type[Exception], delays: Delays
) -> None:
    class Changing(Once):
        def on_book(self, desk: Desk, book: OrderBook) -> None:
            if desk.moment == when(2):
                desk.amend(self.key, **wish)
            super().on_book(desk, book)

        def on_stop(self, desk: Desk) -> None:
            self.open = [(x.price, x.size) for x in desk.open_orders]

    strategy = Changing("0.40", **how)
    sold = trade("0.40", "103", SELL, moment=when(5))
    events: list[Told] = [(when(n), QUIET) for n in range(5)]
    report = backtest(
        strategy, [*events, (when(5), sold)], contracts=[contract()], delays=delays
    )
    [failure] = report.failures
    assert isinstance(failure.error, kind)
    assert isinstance(failure.command, Amend)
    assert strategy.times(Failure) == [2]
    assert strategy.open == [(D("0.40"), D(10))]
    assert [x.size for x in report.fills] == [3]


@pytest.mark.parametrize("status", [MarketStatus.CLOSED, MarketStatus.SETTLED])
@pytest.mark.parametrize(
    ("price", "value", "is_noted"),
    [("0.50", None, True), ("0.50", "1", False), ("0.01", None, False)],
)
def test_what_is_held_of_a_market_that_has_not_paid_yet_is_noted(
    status: MarketStatus, price: str, value: str | None, *, is_noted: bool
) -> None:
    events: list[Told] = [(when(n), QUIET) for n in range(3)]
    report = backtest(
        Once(price), [*events, (when(3), change(status, value))], contracts=[contract()]
    )
    text = (
        f"RAIN is {status}, and what it pays was not told: what is held of it counts at its "
        "last bids, as nothing where there was none"
    )
    assert [x.text for x in report.notes if x.is_of_data] == [text] * is_noted


def test_it_is_noted_as_well_where_its_hours_close_it() -> None:
    closes = attrs.evolve(contract().market, closes_at=at(when(2)))
    closing = attrs.evolve(contract(), market=closes, keeps_hours=True)
    events: list[Told] = [(when(n), QUIET) for n in range(2)]
    snow = attrs.evolve(QUIET, market_id="SNOW")
    told = [*events, (when(5), snow)]
    report = backtest(Once(), told, contracts=[closing, contract("SNOW")])
    assert any("RAIN is closed, and what it pays" in x.text for x in report.notes)


@pytest.mark.parametrize(
    "hook", ["on_start", "on_book", "on_trade", "on_timer", "on_order", "on_fill"]
)
def test_a_run_that_a_strategy_breaks_ends_by_on_stop_as_live(hook: str) -> None:
    class Broken(Once):
        stops = 0

        def on_start(self, desk: Desk) -> None:
            desk.timer("soon", timedelta(milliseconds=1))

        def on_stop(self, desk: Desk) -> None:
            self.stops += 1
            with pytest.raises(BadRequest, match="the run has ended"):
                desk.place("RAIN", "yes", "buy", "0.40", 10)
            raise OSError("the file is full")

    def broken(*_: Any) -> None:
        raise LookupError("no price")

    strategy = Broken("0.40")
    setattr(strategy, hook, broken)
    sold = trade("0.40", "103", SELL, moment=when(5))
    events: list[Told] = [(when(n), QUIET) for n in range(5)]
    with pytest.raises(LookupError, match="no price") as raised:
        backtest(strategy, [*events, (when(5), sold)], contracts=[contract()])
    assert strategy.stops == 1
    assert raised.value.__notes__ == [
        "then, while the run ended: OSError: the file is full"
    ]


def test_what_on_stop_raises_is_raised_and_it_is_called_once() -> None:
    class Broken(Strategy):
        stops = 0

        def on_stop(self, desk: Desk) -> None:
            self.stops += 1
            raise LookupError("no price")

    strategy = Broken()
    with pytest.raises(LookupError, match="no price"):
        backtest(strategy, [(when(0), QUIET)], contracts=[contract()])
    assert strategy.stops == 1


def test_contracts_are_given_once() -> None:
    twice: list[Contract] = [contract(), contract()]
    with pytest.raises(BadRequest, match="twice"):
        backtest(Strategy(), [], contracts=twice)


@pytest.mark.parametrize("delay", [0, 20 * SECOND])
def test_a_forecast_is_judged_by_a_settlement_that_nobody_was_told(delay: int) -> None:
    class Saying(Noting):
        def on_book(self, desk: Desk, book: OrderBook) -> None:
            desk.forecast("RAIN", "yes", "0.9")

    events: list[Told] = [
        (when(0), QUIET),
        (when(50), QUIET),
        (when(52), change(MarketStatus.SETTLED, "1")),
    ]
    delays = Delays(event=delay)
    saying = Saying()
    report = backtest(saying, events, contracts=[contract()], delays=delays)
    assert report.markets[0].is_settled
    # The second book, and what was decided at its end, comes too late with the delay.
    assert report.forecasts == (1 if delay else 2)
    assert report.brier == D("0.01")
    assert [x.came for x in report.calibration] == [1]
    assert saying.times(MarketChange) == ([] if delay else [52])


def test_a_forecast_of_a_market_that_is_not_settled_is_not_judged() -> None:
    class Saying(Strategy):
        def on_book(self, desk: Desk, book: OrderBook) -> None:
            desk.forecast("RAIN", "yes", "0.9")

    events: list[Told] = [
        (when(0), QUIET),
        (when(2), change(MarketStatus.CLOSED, "1")),
        (when(3), attrs.evolve(change(MarketStatus.SETTLED, "0"), market_id="HAIL")),
    ]
    told = [contract(), contract("HAIL")]
    report = backtest(Saying(), events, contracts=told)
    assert (report.forecasts, report.brier) == (0, None)


@pytest.mark.parametrize(
    ("given", "told"),
    [("a", "a"), (5, "5"), (0.5, "0.5"), (D("0.50"), "0.50"), (True, "True")],
)
def test_a_text_or_a_number_is_logged_as_str_has_it(given: Any, told: str) -> None:
    class Logging(Strategy):
        def on_start(self, desk: Desk) -> None:
            desk.log(given)

    report = backtest(Logging(), [(when(0), QUIET)], contracts=[contract()])
    assert [x.text for x in report.notes] == [told]
    assert told in report.to_html()


@pytest.mark.parametrize("given", [None, QUIET, ["a"], {"a": 1}, b"a", at(START)])
def test_anything_else_is_refused_where_it_is_logged(given: Any) -> None:
    class Logging(Strategy):
        def on_start(self, desk: Desk) -> None:
            with pytest.raises(BadRequest, match=r"^text=.*: give a text or a number"):
                desk.log(given)

    report = backtest(Logging(), [(when(0), QUIET)], contracts=[contract()])
    assert report.notes == ()


@pytest.mark.parametrize("given", [None, 5, ("a",)])
def test_a_timer_has_a_text_for_a_name(given: Any) -> None:
    class Timing(Noting):
        def on_start(self, desk: Desk) -> None:
            with pytest.raises(BadRequest, match=r"^name=.*: give a name"):
                desk.timer(given, timedelta(0))

    timing = Timing()
    backtest(timing, [(when(0), QUIET)], contracts=[contract()])
    assert [x for _, x in timing.told] == [QUIET, "stop"]
