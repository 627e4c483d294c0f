"""What orders hold back is a running sum: equal to the sum from scratch, at no more cost."""

from __future__ import annotations

import sys
from collections.abc import Callable
from decimal import Decimal
from types import FrameType
from typing import Any

import attrs
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
)

from unified_exchanges import (
    BUY,
    FeeRule,
    Fill,
    MarketStatus,
    NotSupported,
    OrderStatus,
    Settlement,
    Side,
)
from unified_exchanges.money import ZERO, complement, total
from unified_exchanges.paper import Contract, Delays, PaperEngine
from unified_exchanges.paper.fees import FeesInForce
from unified_exchanges.paper.kept import changed, restored
from unified_exchanges.paper.orders import PaperOrder, priority
from unified_exchanges.paper.pit import Pit

from .scene import START, Cent, D, book, change, contract, market, trade
from .test_properties import PRICES, SIZES, books

MARKETS = ["NETS", "DOES NOT", "DATED"]
NAMES = st.sampled_from(MARKETS)
ORDERS = st.fixed_dictionaries(
    {
        "outcome": st.sampled_from(["yes", "no"]),
        "side": st.sampled_from(["buy", "sell"]),
        "price": PRICES,
        "size": SIZES,
        "time_in_force": st.sampled_from(["gtc", "gtc", "gtc", "ioc"]),
    }
)


class Dear(Cent):
    """Ten times as dear for the maker, and rounded up to a cent for each order."""

    def fee(
        self,
        outcome: str,
        side: Side | str,
        price: Decimal,
        size: Decimal,
        *,
        maker: bool = False,
    ) -> Decimal:
        found = super().fee(outcome, side, price, size, maker=maker) * 10
        return found.quantize(D("0.01"), rounding="ROUND_CEILING")


def from_scratch(made: PaperEngine) -> Decimal:
    """Dollars that are not held back, added up order by order."""
    held = [
        x for pit in made.pits.values() if pit.orders for x in _held_back(made, pit)
    ]
    return made.cash - total(held)


def _held_back(made: PaperEngine, pit: Pit) -> list[Decimal]:
    contract, found = pit.contract, []
    first, second = contract.first, contract.other(contract.first)
    closing = {
        True: made.account.size(contract.market_id, second),
        False: made.account.size(contract.market_id, first),
    }
    for order in sorted(pit.orders, key=priority):
        size = order.remaining
        found.append(
            contract.fees.fee(order.outcome, order.side, order.price, size, maker=True)
        )
        if not contract.nets:
            found.append(order.price * size if order.side is BUY else ZERO)
            continue
        closed = min(size, closing[order.buys])
        closing[order.buys] -= closed
        each = order.limit if order.buys else complement(order.limit)
        found.append(each * (size - closed))
    return found


def _best(pit: Pit, *, buys: bool) -> Decimal | None:
    limits = [x.limit for x in pit.orders if x.buys is buys]
    return None if not limits else (max(limits) if buys else min(limits))


class ReservesMachine(RuleBasedStateMachine):
    """Orders come, fill, change and end in three markets; fees change without a word."""

    def __init__(self) -> None:
        super().__init__()
        self.fees: FeeRule | None = Cent()
        self.dated = FeesInForce(lambda: self.fees)
        self.moment = START

    @initialize(
        cash=st.sampled_from(["40", "100", "100000"]),
        delay=st.sampled_from([0, 0, 1]),
        shown=books(),
        orders=st.lists(ORDERS, min_size=2, max_size=6),
    )
    def begin(
        self, cash: str, delay: int, shown: Any, orders: list[dict[str, Any]]
    ) -> None:
        self.delays = Delays(order=delay)
        self.engine = PaperEngine(
            [self.contract(x) for x in MARKETS], cash=cash, delays=self.delays
        )
        self.rows = changed(self.engine, [])
        self.news: list[Any] = []
        for name in MARKETS:
            self.show(name, shown)
            for order in orders:
                self.place(name, order)

    def contract(self, name: str) -> Contract:
        fees = self.dated if name == "DATED" else Cent()
        return Contract(market=market(name), fees=fees, nets=name != "DOES NOT")

    @rule(wait=st.integers(0, 3))
    def wait(self, wait: int) -> None:
        self.moment += wait
        self.engine.advance(self.moment)

    @rule(name=NAMES, shown=books())
    def show(self, name: str, shown: Any) -> None:
        self.engine.receive(self.moment, attrs.evolve(shown, market_id=name))

    @rule(name=NAMES, price=PRICES, size=SIZES, taker=st.sampled_from([BUY, Side.SELL]))
    def print(self, name: str, price: Decimal, size: Decimal, taker: Side) -> None:
        told = trade(str(price), str(size), taker, market_id=name)
        self.engine.receive(self.moment, told)

    @rule(name=NAMES, order=ORDERS)
    def place(self, name: str, order: dict[str, Any]) -> None:
        self.engine.place(self.moment, name, **order)
        self.engine.advance(self.moment)

    @rule(number=st.integers(0, 30), price=st.none() | PRICES, size=st.none() | SIZES)
    def amend(self, number: int, price: Decimal | None, size: Decimal | None) -> None:
        if order := self._one(number):
            self.engine.amend(self.moment, order.order_id, price=price, size=size)
            self.engine.advance(self.moment)

    @rule(number=st.integers(0, 30))
    def cancel(self, number: int) -> None:
        if order := self._one(number):
            self.engine.cancel(self.moment, order.order_id)
            self.engine.advance(self.moment)

    def _one(self, number: int) -> PaperOrder | None:
        found = [x for pit in self.engine.pits.values() for x in pit.orders]
        return found[number % len(found)] if found else None

    @rule(fees=st.sampled_from([Cent(), Dear()]))
    def charge(self, fees: FeeRule) -> None:
        self.fees = fees

    @rule(name=st.sampled_from(MARKETS[:2]), fees=st.sampled_from([Cent(), Dear()]))
    def renew(self, name: str, fees: FeeRule) -> None:
        pit = self.engine.pits[name]
        renewed = Contract(
            market=pit.contract.market, fees=fees, nets=pit.contract.nets
        )
        self.engine.renew(renewed)

    @rule(name=st.sampled_from(MARKETS[:2]))
    def settle(self, name: str) -> None:
        told = change(MarketStatus.SETTLED, "0.37")
        self.engine.receive(self.moment, attrs.evolve(told, market_id=name))

    @rule()
    def go_on(self) -> None:
        """The account is closed, and opened again by another process."""
        self.keep()
        contracts = {x: pit.contract for x, pit in self.engine.pits.items()}
        kept = restored(self.rows, lambda x: contracts[x.market_id], self.delays)
        assert kept.engine.available == from_scratch(self.engine)
        self.engine = kept.engine

    def keep(self) -> None:
        told = [x for _, x in self.engine.notices()]
        found = [x for x in told if isinstance(x, Fill | Settlement)]
        rows = changed(self.engine, enumerate(found, len(self.news)))
        self.news += found
        self.rows = {k: v for k, v in {**self.rows, **rows}.items() if v is not None}
        self.engine.touched.clear()

    @invariant()
    def sums_are_those_from_scratch(self) -> None:
        if not hasattr(self, "engine"):
            return
        assert self.engine.available == from_scratch(self.engine)
        for pit in self.engine.pits.values():
            for buys in (True, False):
                assert pit.orders.best(buys=buys) == _best(pit, buys=buys)
            for outcome in ("yes", "no"):
                assert pit.orders.selling(outcome) == total(
                    x.remaining
                    for x in pit.orders
                    if x.outcome == outcome and x.side is Side.SELL
                )


ReservesMachine.TestCase.settings = settings(max_examples=300, stateful_step_count=30)


TestReserves = ReservesMachine.TestCase


def test_what_a_trade_takes_from_orders_that_would_have_closed_it_is_counted() -> None:
    made = PaperEngine([contract()], cash="5.20")
    made.receive(START, book("9@0.30", "9@0.50"))
    made.place(START, "RAIN", "yes", "buy", "0.50", 9)
    made.place(START, "RAIN", "yes", "sell", "0.60", 9)
    made.advance(START)
    # Sold at once, the other sale would no longer close it: it would want 9 × $0.40.
    order_id = made.place(START, "RAIN", "yes", "sell", "0.30", 9, time_in_force="ioc")
    made.advance(START)
    assert made.order(order_id).status is OrderStatus.REJECTED
    assert made.available == from_scratch(made) == D("0.61") - 9 * D("0.001")


# -- what it costs ---------------------------------------------------------------------


def calls(what: Callable[[], object]) -> int:
    """How many functions are called, of Python and of C: the same in every run."""
    count = 0

    def note(frame: FrameType, event: str, arg: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        what()
    finally:
        sys.setprofile(before)
    return count


def crowded(resting: int, markets: int, *, nets: bool, held: int = 0) -> PaperEngine:
    """An account with so many orders at a few prices each, over so many markets."""
    names = [f"M{x}" for x in range(markets)]
    made = PaperEngine([contract(x, nets=nets) for x in names], cash="1000000")
    for name in names:
        made.receive(START, book("9@0.05", f"{max(held, 9)}@0.60", market_id=name))
    if held:
        made.place(START, "M0", "yes", "buy", "0.60", held)
        made.advance(START)
    for number in range(resting):
        name, price = names[number % markets], D(number // markets % 20 + 10) / 100
        if held:
            made.place(START, name, "yes", "sell", complement(price), 1)
        else:
            made.place(START, name, "yes", "buy", price, 1)
        made.advance(START)
    assert len(made.open_orders()) == resting
    made.notices()
    return made


@pytest.mark.parametrize("nets", [True, False])
@pytest.mark.parametrize("held", [0, 2_000])
@pytest.mark.parametrize("spread", [False, True], ids=["one market", "many markets"])
def test_a_new_order_costs_the_same_however_many_rest(
    nets: bool, held: int, spread: bool
) -> None:
    if spread and held:
        pytest.skip("what is held is held of one market")

    def cost(resting: int) -> int:
        markets = resting if spread else 1
        made = crowded(resting, markets, nets=nets, held=held)
        side, price = ("sell", "0.90") if held else ("buy", "0.10")

        def send() -> None:
            order_id = made.place(START, "M0", "yes", side, price, 1)
            made.advance(START)
            made.cancel(START, order_id)
            made.advance(START)

        send()
        return calls(send)

    # A grid that equals a known one may be compared with it: no more may differ.
    assert abs(cost(800) - cost(100)) <= 5


def test_fees_that_are_not_known_are_asked_for_when_they_matter() -> None:
    told: list[FeeRule] = [Cent()]
    dated = FeesInForce(lambda: told[0] if told else None)
    terms = Contract(market=market(), fees=dated, nets=True)
    made = PaperEngine([terms], cash="100")
    made.place(START, "RAIN", "yes", "buy", "0.50", 10)
    made.advance(START)
    assert made.available == D(95) - 10 * D("0.001")
    told[0] = Dear()
    assert made.available == D(95) - 10 * D("0.01")
    told.clear()
    for _ in range(2):
        with pytest.raises(NotSupported):
            _ = made.available
    told.append(Cent())
    assert made.available == D(95) - 10 * D("0.001")
