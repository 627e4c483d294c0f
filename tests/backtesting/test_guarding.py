"""What the guards know in a backtest, and what they let pass by that."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import attrs
import pytest

from unified_exchanges import (
    BadRequest,
    Fill,
    Gap,
    GuardPolicy,
    MarketStatus,
    Order,
    OrderBook,
)
from unified_exchanges.backtesting import Report, backtest, sweep
from unified_exchanges.paper import Contract, Delays, PaperEvent, at
from unified_exchanges.strategies import Desk, Failure, Strategy

from ..paper.scene import SECOND, START, book, change, contract
from .test_loop import when

D = Decimal
Told = list[tuple[int, PaperEvent]]
OFFERED = book("100@0.60", "100@0.62")
LOOSE: dict[str, Any] = {
    "max_order_cost": None,
    "max_orders": None,
    "max_market_exposure": None,
    "max_exposure": None,
    "price_collar": None,
}


class Script(Strategy):
    """Does at each book what is written for it, and notes what is refused."""

    def __init__(self, *acts: Callable[[Desk], object]) -> None:
        self.acts = list(acts)
        self.keys: list[str] = []
        self.failed: list[str] = []

    def on_book(self, desk: Desk, book: OrderBook) -> None:
        if self.acts:
            key = self.acts.pop(0)(desk)
            if isinstance(key, str):
                self.keys.append(key)

    def on_failure(self, desk: Desk, failure: Failure) -> None:
        error = failure.error
        self.failed.append(getattr(error, "guard", None) or type(error).__name__)


def places(side: str, price: str, size: int, **how: Any) -> Callable[[Desk], object]:
    def act(desk: Desk) -> object:
        return desk.place("RAIN", "yes", side, price, size, **how)

    return act


def takes(size: int) -> Callable[[Desk], object]:
    return places("buy", "0.62", size, time_in_force="ioc")


def leaves(price: str, size: int, **how: Any) -> Callable[[Desk], object]:
    return places("sell", price, size, time_in_force="ioc", **how)


def waits(desk: Desk) -> None:
    """Do nothing at this book."""


def played(
    *acts: Callable[[Desk], object],
    every: int = 1,
    events: Told | None = None,
    nets: bool = True,
    **how: Any,
) -> tuple[Script, Report]:
    script = Script(*acts)
    told = events or [(when(n * every), OFFERED) for n in range(len(acts) + 2)]
    given = {"contracts": [contract(nets=nets)], "cash": 10_000_000, **how}
    return script, backtest(script, told, **given)


# -- what is on by default ---------------------------------------------------------------


@pytest.mark.parametrize("nets", [True, False])
def test_by_default_an_exit_at_any_price_is_refused_unless_it_reduces(
    nets: bool,
) -> None:
    script, report = played(takes(5), leaves("0.01", 5), nets=nets)
    assert script.failed == ["price_collar"]
    assert [x.size for x in report.fills] == [5]
    error = report.failures[0].error
    assert (error.venue, error.client_order_id) == ("toy", script.keys[1])
    assert "best bid of 0.6 (yes, 0.0 s old), above the collar of 0.5" in str(error)
    script, report = played(takes(5), leaves("0.01", 5, reduce_only=True), nets=nets)
    assert script.failed == []
    assert [x.price for x in report.fills] == [D("0.62"), D("0.60")]


def test_a_decision_tells_that_it_only_reduces() -> None:
    _, report = played(takes(5), leaves("0.60", 5, reduce_only=True))
    assert [x.to_dict()["reduce_only"] for x in report.decisions] == [False, True]
    assert list(report.to_frame("decisions")["reduce_only"]) == [False, True]


def test_what_only_reduces_closes_no_more_than_is_held() -> None:
    _, report = played(takes(5), leaves("0.60", 9, reduce_only=True))
    assert [x.size for x in report.fills] == [5, 5]
    script, report = played(leaves("0.60", 9, reduce_only=True))
    assert (script.failed, report.fills) == (["InvalidOrder"], ())


def test_the_report_says_which_guards_were_on() -> None:
    _, report = played(takes(5))
    assert {x.guard: x.limit for x in report.assumptions.guards} == {
        "max_exposure": "1000000 dollars",
        "max_market_exposure": "250000 dollars",
        "max_order_cost": "100000 dollars",
        "max_orders": "1000 within 10 s",
        "price_collar": "0.5 dollars",
    }
    assert report.to_dict()["assumptions"]["guards"][0] == {  # type: ignore[call-overload, index]
        "guard": "max_exposure",
        "limit": "1000000 dollars",
    }
    page = re.sub("<[^>]*>", "", report.to_html())
    assert "Guard price_collar0.5 dollars" in page
    _, report = played(
        takes(5), guards=GuardPolicy(**LOOSE, allowed_markets="RAIN", raw_writes=False)
    )
    assert [x.limit for x in report.assumptions.guards] == ["RAIN"]


@pytest.mark.parametrize("given", [{}, "none", GuardPolicy])
def test_what_is_no_policy_is_refused_before_anything_runs(given: Any) -> None:
    with pytest.raises(BadRequest, match="guards="):
        played(takes(5), guards=given)
    with pytest.raises(BadRequest, match="guards="):
        sweep(Script, [{}], [(when(0), OFFERED)], contracts=[], guards=given)


# -- one guard after another -------------------------------------------------------------


def test_orders_are_counted_in_the_time_of_the_recording() -> None:
    policy = GuardPolicy(max_orders=2, seconds=10)
    rests = places("buy", "0.10", 1)
    script, report = played(*[rests] * 6, every=4, guards=policy)
    # At 0 and 4 s; not at 8; at 12 and 16, of which that at 16 is the second again.
    assert script.failed == ["RateLimitExceeded"] * 2
    assert len(report.failures) == 2
    assert report.order_count == 4


def test_what_is_held_and_what_rests_is_at_risk_until_it_is_over() -> None:
    policy = GuardPolicy(**{**LOOSE, "max_market_exposure": D(10)})

    def cancels(desk: Desk) -> None:
        desk.cancel(next(iter(desk.open_orders)).client_order_id or "")

    script, _ = played(
        takes(10),  # 6.20
        places("buy", "0.10", 30),  # 3.00
        places("buy", "0.10", 9),  # too much
        cancels,
        waits,
        places("buy", "0.10", 9),
        leaves("0.60", 10),  # closes only
        takes(14),
        takes(2),  # too much
        guards=policy,
    )
    assert script.failed == ["max_market_exposure"] * 2


def test_what_was_settled_is_not_at_risk_any_more() -> None:
    policy = GuardPolicy(**{**LOOSE, "max_exposure": D(10)})
    named = {"market_id": "SNOW"}
    snow = book("100@0.60", "100@0.62", **named)

    def other(desk: Desk) -> object:
        return desk.place("SNOW", "yes", "buy", "0.62", 10, time_in_force="ioc")

    settled = change(MarketStatus.SETTLED, "1")
    events: Told = [
        (when(0), OFFERED),
        (when(1), snow),
        (when(2), settled),
        (when(3), snow),
        (when(4), snow),
    ]
    script, report = played(
        takes(10),
        other,
        other,
        events=events,
        contracts=[contract(), contract("SNOW")],
        guards=policy,
    )
    assert script.failed == ["max_exposure"]
    assert [x.market_id for x in report.fills] == ["RAIN", "SNOW"]


def test_a_change_is_held_against_the_caps_and_one_that_is_refused_counts_not() -> None:
    policy = GuardPolicy(**{**LOOSE, "max_exposure": D(10)})

    def grows(size: int) -> Callable[[Desk], object]:
        return lambda desk: desk.amend(script.keys[0], size=size)

    script, _ = played(guards=policy)
    script = Script(
        places("buy", "0.10", 50),
        grows(150),
        waits,
        grows(90),
        waits,
        places("buy", "0.10", 11),
        places("buy", "0.10", 10),
    )
    told: Told = [(when(n), OFFERED) for n in range(9)]
    report = backtest(script, told, contracts=[contract()], cash=10_000, guards=policy)
    assert script.failed == ["max_exposure"] * 2
    assert "change of order paper-1 to buy 150 yes of RAIN" in str(
        report.failures[0].error
    )


@pytest.mark.parametrize("event", [0, 3 * SECOND])
def test_a_book_is_as_old_as_it_was_told(event: int) -> None:
    class Late(Script):
        def on_book(self, desk: Desk, book: OrderBook) -> None:
            if self.acts:
                desk.timer("late", timedelta(seconds=2.5))

        def on_timer(self, desk: Desk, name: str) -> None:
            if self.acts:
                self.acts.pop()(desk)

    script = Late(places("buy", "0.99", 5))
    report = backtest(
        script,
        [(when(0), book("", "9@0.20")), (when(20), OFFERED)],
        contracts=[contract()],
        delays=Delays(event=event),
    )
    assert "best ask of 0.2 (yes, 2.5 s old)" in str(report.failures[0].error)


GAP = Gap(subject=None, reason="lost", at=at(START))


@pytest.mark.parametrize("without", ["pass", "fetch", "refuse"])
def test_without_a_book_goes_what_the_policy_says(without: Any) -> None:
    policy = GuardPolicy(**{**LOOSE, "price_collar": D("0.1"), "without_book": without})

    class Lost(Script):
        def on_gap(self, desk: Desk, gap: Gap) -> None:
            self.acts.pop()(desk)

    script = Lost(waits, places("buy", "0.99", 5))
    events: Told = [(when(0), OFFERED), (when(1), GAP), (when(2), OFFERED)]
    report = backtest(script, events, contracts=[contract()], guards=policy)
    assert script.failed == ([] if without == "pass" else ["price_collar"])
    if without == "fetch":
        assert "a backtest reads none" in str(report.failures[0].error)


def test_who_follows_no_books_has_none_that_is_live() -> None:
    class Blind(Script):
        subjects = ("trades",)

        def on_start(self, desk: Desk) -> None:
            desk.timer("now", timedelta(seconds=1))

        def on_timer(self, desk: Desk, name: str) -> None:
            self.acts.pop()(desk)

    for without, failed in (("pass", []), ("fetch", ["price_collar"])):
        script = Blind(places("buy", "0.99", 5))
        backtest(
            script,
            [(when(n), book("", "9@0.20")) for n in range(4)],
            contracts=[contract()],
            guards=GuardPolicy(without_book=without),  # type: ignore[arg-type]
        )
        assert script.failed == failed


def test_reading_only_refuses_cancels_too_and_other_markets_are_not_traded() -> None:
    script, _ = played(takes(5), guards=GuardPolicy(read_only=True))
    assert script.failed == ["ReadOnly"]
    script, _ = played(takes(5), guards=GuardPolicy(allowed_markets="SNOW*"))
    assert script.failed == ["allowed_markets"]


def test_no_more_opens_once_so_much_was_lost_in_a_day() -> None:
    policy = GuardPolicy(**LOOSE, max_daily_loss=D(5), account_age=0)
    fallen = book("100@0.40", "100@0.42")
    bid = places("buy", "0.05", 1)
    events: Told = [
        (when(0), OFFERED),
        (when(1), OFFERED),
        (when(2), fallen),
        (when(3), fallen),
        (when(4), OFFERED),
        (when(5), OFFERED),
    ]
    script, report = played(
        takes(50),
        bid,
        bid,
        places("sell", "0.40", 1, time_in_force="ioc"),
        bid,
        events=events,
        guards=policy,
    )
    assert script.failed == ["max_daily_loss"]
    assert len(report.fills) == 2


def test_a_daily_loss_of_several_accounts_is_refused_before_anything_runs() -> None:
    other = contract("SNOW", nets=False)
    other = attrs.evolve(other, market=attrs.evolve(other.market, venue="elsewhere"))
    contracts = [contract(), other]
    policy = GuardPolicy(max_daily_loss=D(5))
    with pytest.raises(BadRequest, match="test each venue by itself"):
        played(takes(1), contracts=contracts, guards=policy)
    with pytest.raises(BadRequest, match="test each venue by itself"):
        sweep(Script, [{}], [(when(0), OFFERED)], contracts=contracts, guards=policy)


def test_each_venue_has_guards_of_its_own() -> None:
    other: Contract = contract("SNOW")
    other = attrs.evolve(other, market=attrs.evolve(other.market, venue="elsewhere"))

    def both(desk: Desk) -> None:
        for name in ("RAIN", "SNOW", "RAIN", "SNOW"):
            desk.place(name, "yes", "buy", "0.10", 1)

    script, report = played(
        both, contracts=[contract(), other], guards=GuardPolicy(max_orders=1)
    )
    assert script.failed == ["RateLimitExceeded"] * 2
    assert {x.error.venue for x in report.failures} == {"toy", "elsewhere"}


def test_a_sale_takes_nothing_where_only_what_is_held_can_be_sold() -> None:
    policy = GuardPolicy(max_order_cost=D(1))
    sale = places("sell", "0.60", 9)
    script, _ = played(sale, nets=False, guards=policy)
    assert script.failed == ["InsufficientFunds"]
    script, _ = played(sale, nets=True, guards=policy)
    assert script.failed == ["max_order_cost"]


# -- many runs ---------------------------------------------------------------------------


class Buyer(Strategy):
    """Buys so many, and does not mind."""

    size = 10

    def on_book(self, desk: Desk, book: OrderBook) -> None:
        if not desk.decisions:
            desk.place("RAIN", "yes", "buy", "0.62", self.size, time_in_force="ioc")

    def on_order(self, desk: Desk, order: Order) -> None: ...

    def on_fill(self, desk: Desk, fill: Fill) -> None: ...

    def on_failure(self, desk: Desk, failure: Failure) -> None: ...


@pytest.mark.parametrize("workers", [1, 2])
def test_a_sweep_has_the_guards_of_a_backtest(workers: int) -> None:
    policy = GuardPolicy(max_order_cost=D(10))
    told: Told = [(when(n), OFFERED) for n in range(3)]
    terms: dict[str, Any] = {"contracts": [contract()], "guards": policy}
    swept = sweep(Buyer, {"size": [10, 20]}, told, workers=workers, **terms)
    for row, size in zip(swept.rows, (10, 20), strict=True):
        buyer = Buyer()
        buyer.size = size
        alone = backtest(buyer, told, **terms)
        assert row.report is not None
        assert row.report.to_json() == alone.to_json()
        assert len(alone.failures) == (size == 20)
