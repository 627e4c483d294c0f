"""What makes an exit sell, what it may cost, and what is written down of it."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unified_exchanges.errors import (
    BadRequest,
    InvalidOrder,
    InvalidPrice,
    InvalidSize,
)
from unified_exchanges.execution import (
    ExitPlan,
    ExitRecord,
    ExitState,
    Trigger,
)
from unified_exchanges.grid import PriceGrid
from unified_exchanges.models import Level

from .goods import PRICES, D, Stale, book, levels, market


def plan(**fields: Any) -> ExitPlan:
    made: dict[str, Any] = {
        "name": "rain-1",
        "market_id": "RAIN",
        "outcome": "yes",
        "size": 10,
        "take_profit": "0.70",
        "stop_loss": "0.30",
        "max_slippage": "0.02",
        **fields,
    }
    return ExitPlan(**made)


def bids(price: str | Decimal, **fields: Any) -> Any:
    return book(bids=(Level(D(price), D(1)),), asks=(), **fields)


# -- read by people --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("record", "told"),
    [
        (
            ExitRecord(plan=plan()),
            (
                "exit 'rain-1' (sell 10 yes of RAIN at 0.7 or above, or at 0.3 or below, and "
                "no lower than 0.02 under that): armed"
            ),
        ),
        (
            ExitRecord(plan=plan(stop_loss=None), missed_bid=D("0.6")),
            (
                "exit 'rain-1' (sell 10 yes of RAIN at 0.7 or above, and no lower than 0.02 "
                "under that): armed; the best bid 0.6 is below its limit"
            ),
        ),
        (
            ExitRecord(plan=plan(take_profit=None, max_slippage=0)).sending(
                Trigger.STOP_LOSS, D("0.3000")
            ),
            (
                "exit 'rain-1' (sell 10 yes of RAIN at 0.3 or below, and no lower than that): "
                "sending by stop_loss at 0.3 or above: its order may be at the venue"
            ),
        ),
        (
            ExitRecord(
                plan=plan(take_profit=None),
                state=ExitState.PARTIAL,
                trigger=Trigger.STOP_LOSS,
                price=D("0.2800"),
                order_id="o1",
                filled=D("4.00"),
            ),
            (
                "exit 'rain-1' (sell 10 yes of RAIN at 0.3 or below, and no lower than 0.02 "
                "under that): partial by stop_loss at 0.28 or above: 4 sold, 6 left (order o1)"
            ),
        ),
    ],
)
def test_a_record_is_told_in_words(record: ExitRecord, told: str) -> None:
    assert str(record) == told


def test_numbers_of_an_exit_have_one_form_whatever_they_came_from() -> None:
    made = ExitRecord(
        plan=plan(stop_loss=D("0.3000"), size=D("10.00")),
        price=D("0.2800"),
        filled=D("4.00"),
        missed_bid=D("0.2500"),
    )
    again = ExitRecord.from_dict(json.loads(json.dumps(made.to_dict())))
    assert repr(made) == repr(again)
    assert (str(made.price), str(made.filled), str(made.remaining)) == (
        "0.28",
        "4",
        "6",
    )
    assert (str(made.plan.stop_loss), str(made.plan.size)) == ("0.3", "10")


# -- deciding --------------------------------------------------------------------------


@given(bid=PRICES, profit=PRICES, loss=PRICES)
def test_it_sells_from_the_profit_up_and_from_the_loss_down(
    bid: Decimal, profit: Decimal, loss: Decimal
) -> None:
    if profit <= loss:
        with pytest.raises(InvalidPrice, match="must be above stop_loss"):
            plan(take_profit=profit, stop_loss=loss)
        return
    found = plan(take_profit=profit, stop_loss=loss).decide(bids(bid))
    expected = Trigger.TAKE_PROFIT if bid >= profit else None
    assert found is (Trigger.STOP_LOSS if bid <= loss else expected)


@pytest.mark.parametrize("price", ["0.01", "0.30", "0.70", "0.99"])
def test_fault_31_and_35_a_stale_book_never_sells(price: str) -> None:
    assert plan().decide(bids(price, freshness=Stale())) is None
    assert plan().decide(bids(price)) is not None


def test_nobody_bidding_is_no_price() -> None:
    assert plan().decide(book(bids=())) is None


def test_a_book_of_something_else_is_none_of_its_business() -> None:
    assert plan().decide(bids("0.01", outcome="no")) is None
    assert plan().decide(bids("0.01", market_id="SNOW")) is None


def test_one_of_the_two_prices_is_enough() -> None:
    assert plan(take_profit=None).decide(bids("0.99")) is None
    assert plan(stop_loss=None).decide(bids("0.01")) is None
    with pytest.raises(BadRequest, match="take_profit= or stop_loss="):
        plan(take_profit=None, stop_loss=None)


def test_its_limit_is_its_slippage_below_what_was_reached_for() -> None:
    assert plan().limit(Trigger.TAKE_PROFIT) == D("0.68")
    assert plan().limit(Trigger.STOP_LOSS) == D("0.28")


@given(price=PRICES, slippage=st.integers(0, 999).map(lambda n: D(n) / 1000))
def test_its_limit_is_on_the_grid_and_never_below(
    price: Decimal, slippage: Decimal
) -> None:
    made = plan(take_profit=None, stop_loss=price, max_slippage=slippage)
    found = made.price(Trigger.STOP_LOSS, market())
    assert found in market().grid
    assert found >= made.limit(Trigger.STOP_LOSS)
    assert found - D("0.01") < max(made.limit(Trigger.STOP_LOSS), D("0.01"))


# -- checks before it is needed --------------------------------------------------------


def test_fault_14_what_could_not_be_sent_is_refused_when_it_is_armed() -> None:
    grid = PriceGrid.of("0 0.1 0.001", "0.1 1 0.01")
    coarse = market(grid=grid, lot=D(1), minimum_size=D(1))
    with pytest.raises(InvalidSize):
        plan(size="1.5").check(coarse)
    with pytest.raises(InvalidPrice):
        plan(stop_loss="0.305").check(coarse)
    with pytest.raises(BadRequest, match="no outcome"):
        plan(outcome="maybe").check(coarse)
    assert plan(outcome="YES").check(coarse) == plan()


def test_fault_14_a_grid_without_a_price_above_is_refused() -> None:
    odd = market(grid=PriceGrid.of("0 0.5 0.01"))
    with pytest.raises(InvalidPrice, match="no price of RAIN"):
        plan().price(Trigger.TAKE_PROFIT, odd)


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        ({"size": 0}, InvalidOrder),
        ({"size": "many"}, InvalidOrder),
        ({"max_slippage": -1}, InvalidOrder),
        ({"max_slippage": 1}, InvalidOrder),
        ({"take_profit": 70}, InvalidPrice),
        ({"name": " "}, BadRequest),
        ({"name": 5}, BadRequest),
    ],
)
def test_a_plan_that_makes_no_sense_is_refused(
    fields: dict[str, Any], kind: type[BadRequest]
) -> None:
    with pytest.raises(kind):
        plan(**fields)


def test_a_stop_loss_says_how_far_below_it_may_sell() -> None:
    with pytest.raises(BadRequest, match="a stop_loss needs max_slippage="):
        plan(max_slippage=None)
    assert plan(max_slippage=0).limit(Trigger.STOP_LOSS) == D("0.30")
    profit = plan(stop_loss=None, max_slippage=None)
    assert profit.limit(Trigger.TAKE_PROFIT) == D("0.70")


def test_fault_15_floats_are_what_they_show() -> None:
    made = plan(size=2.5, take_profit=0.7, stop_loss=0.3, max_slippage=0.02)
    assert made == plan(size="2.5")
    with pytest.raises(InvalidPrice):
        plan(stop_loss=0.1 + 0.2).check(market())


# -- the record ------------------------------------------------------------------------


def test_its_key_follows_from_the_record_alone() -> None:
    one, same = ExitRecord(plan=plan()), ExitRecord(plan=plan(size=3))
    assert one.client_order_id == same.client_order_id
    others = [
        ExitRecord(plan=plan(name="rain-2")),
        ExitRecord(plan=plan(market_id="SNOW")),
        ExitRecord(plan=plan(outcome="no")),
    ]
    assert len({one.client_order_id, *(x.client_order_id for x in others)}) == 4
    assert one.client_order_id == "a7e96400-ec42-5c8e-a5ac-a389ca1e9c75"


RECORDS = st.builds(
    ExitRecord,
    plan=st.builds(
        plan,
        name=st.text(min_size=1).filter(str.strip),
        size=st.integers(1, 10**6).map(lambda n: D(n) / 100),
        take_profit=st.none() | st.just(D("0.70")),
    ),
    state=st.sampled_from(ExitState),
    trigger=st.none() | st.sampled_from(Trigger),
    price=st.none() | PRICES,
    order_id=st.none() | st.text(),
    filled=st.integers(0, 10**6).map(lambda n: D(n) / 100),
    missed_bid=st.none() | PRICES,
)


@given(record=RECORDS)
def test_a_record_comes_back_as_it_was(record: ExitRecord) -> None:
    told = json.loads(json.dumps(record.to_dict()))
    assert ExitRecord.from_dict(told) == record


def test_words_print_as_they_are_written() -> None:
    assert (str(ExitState.ARMED), str(Trigger.STOP_LOSS)) == ("armed", "stop_loss")


def test_what_is_left_is_what_was_not_sold() -> None:
    record = ExitRecord(plan=plan(), filled=D(4))
    assert (record.remaining, record.is_over) == (6, False)
    assert levels() == ()


def test_a_record_of_an_earlier_version_is_read() -> None:
    record = ExitRecord(plan=plan()).sending(Trigger.STOP_LOSS, D("0.28"))
    told = {
        name: value
        for name, value in record.to_dict().items()
        if name not in {"size", "locked", "is_rehearsed"}
    }
    read = ExitRecord.from_dict(told)
    assert (read.state, read.price, read.asked) == (ExitState.SENDING, D("0.28"), 10)
