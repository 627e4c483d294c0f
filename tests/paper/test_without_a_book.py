"""Orders that arrive while no book is known: after a gap, or before the first."""

from __future__ import annotations

from typing import Any

import pytest

from unified_exchanges import SELL, Fill, Gap, Liquidity, MarketStatus, OrderStatus
from unified_exchanges.paper import PaperEngine, at

from .scene import SECOND, START, D, book, change, engine, trade

LATER = START + SECOND


@pytest.fixture(params=["gap", "beginning"])
def lost(request: Any) -> PaperEngine:
    """Nothing is known of what is offered."""
    made = engine()
    if request.param == "gap":
        made.receive(START, book("100@0.40", "100@0.50"))
        made.receive(START, Gap(subject=None, reason="lost", at=at(START)))
    return made


def send(made: PaperEngine, price: str, size: int = 10, **how: Any) -> str:
    name = made.place(START, "RAIN", "yes", "buy", price, size, **how)
    made.advance(START)
    return name


def fills(made: PaperEngine) -> list[tuple[str, str, Liquidity | None]]:
    told = [x for _, x in made.notices() if isinstance(x, Fill)]
    return [(str(x.size), str(x.price), x.liquidity) for x in told]


def test_what_is_lost_of_the_other_outcome_leaves_the_book() -> None:
    made = engine()
    made.receive(START, book("100@0.40", "100@0.50"))
    for outcome, filled in (("no", [("10", "0.50", Liquidity.TAKER)]), ("yes", [])):
        gap = Gap(subject=None, outcome=outcome, reason="lost", at=at(START))
        made.receive(START, gap)
        send(made, "0.50")
        assert fills(made) == filled


def test_a_bid_above_the_first_offers_takes_them_at_their_prices(
    lost: PaperEngine,
) -> None:
    send(lost, "0.90", 120)
    assert fills(lost) == []
    lost.receive(LATER, book("100@0.40", "100@0.50 100@0.55"))
    assert fills(lost) == [
        ("100", "0.50", Liquidity.TAKER),
        ("20", "0.55", Liquidity.TAKER),
    ]
    assert lost.cash == D(1000) - 50 - 11 - 120 * D("0.01")


def test_what_the_first_book_leaves_of_it_rests(lost: PaperEngine) -> None:
    name = send(lost, "0.50")
    lost.receive(LATER, book("30@0.49", "4@0.50"))
    assert fills(lost) == [("4", "0.50", Liquidity.TAKER)]
    lost.receive(LATER, trade("0.50", "3", SELL))
    assert fills(lost) == [("3", "0.50", Liquidity.MAKER)]
    assert lost.order(name).remaining == 3


def test_post_only_is_refused_where_the_first_book_would_have_met_it(
    lost: PaperEngine,
) -> None:
    name = send(lost, "0.50", post_only=True)
    assert lost.order(name).is_open
    lost.receive(LATER, book("100@0.40", "100@0.50"))
    order = lost.order(name)
    assert (order.status, order.filled) == (OrderStatus.CANCELED, D(0))
    assert order.raw["reason"] == "post_only would have crossed"
    assert lost.cash == lost.available == D(1000)


def test_post_only_rests_where_it_would_have_rested(lost: PaperEngine) -> None:
    name = send(lost, "0.49", post_only=True)
    lost.receive(LATER, book("100@0.40", "100@0.50"))
    assert lost.order(name).is_open
    lost.receive(LATER, trade("0.49", "3", SELL))
    assert fills(lost) == [("3", "0.49", Liquidity.MAKER)]


@pytest.mark.parametrize(
    ("word", "status"), [("ioc", OrderStatus.CANCELED), ("fok", OrderStatus.REJECTED)]
)
def test_what_must_fill_at_once_finds_nothing(
    lost: PaperEngine, word: str, status: OrderStatus
) -> None:
    name = send(lost, "0.90", time_in_force=word)
    lost.receive(LATER, book("100@0.40", "100@0.50"))
    assert fills(lost) == []
    assert lost.order(name).status is status


def test_a_trade_before_the_first_book_fills_nothing(lost: PaperEngine) -> None:
    send(lost, "0.90")
    lost.receive(LATER, trade("0.30", "100", SELL))
    assert fills(lost) == []


def test_a_trade_that_the_first_book_knows_moves_nothing(lost: PaperEngine) -> None:
    send(lost, "0.50")
    lost.receive(START + 9 * SECOND, book("10@0.50", "100@0.60"))
    told = trade("0.50", "15", SELL, moment=START + 5 * SECOND)
    lost.receive(START + 9 * SECOND, told)
    assert fills(lost) == []


def test_they_meet_the_first_book_one_after_another(lost: PaperEngine) -> None:
    send(lost, "0.55", 6)
    send(lost, "0.60", 6)
    lost.receive(LATER, book("100@0.40", "8@0.50"))
    assert [x[:2] for x in fills(lost)] == [("6", "0.50"), ("2", "0.50")]


def test_one_that_the_fees_of_a_taker_make_too_dear_is_refused() -> None:
    made = engine(cash="5.05")
    name = send(made, "0.50")
    assert made.order(name).is_open
    made.receive(LATER, book("", "100@0.50"))
    order = made.order(name)
    assert (order.status, order.filled) == (OrderStatus.CANCELED, D(0))
    assert order.raw["reason"] == "not enough cash or contracts"


def test_a_book_that_comes_while_the_market_pauses_is_not_met(
    lost: PaperEngine,
) -> None:
    name = send(lost, "0.50")
    lost.receive(START, change(MarketStatus.PAUSED))
    lost.receive(LATER, book("100@0.40", "100@0.50"))
    assert fills(lost) == []
    lost.receive(LATER, change(MarketStatus.OPEN))
    lost.receive(LATER, book("100@0.40", "100@0.50"))
    assert fills(lost) == [("10", "0.50", Liquidity.TAKER)]
    assert lost.order(name).status is OrderStatus.CLOSED
