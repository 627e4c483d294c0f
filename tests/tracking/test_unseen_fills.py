"""Whatever has filled unseen, and in which order: no more is at risk than exposure says.

The truth is a ledger that closes contracts in one of several ways.  The tracker hears of
a fill when it is told, or never.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tracking.samples import Plan, order, position, tracker_of
from unified_exchanges.guards.worst import Claim, opening
from unified_exchanges.models import BUY, SELL, OrderStatus, Side
from unified_exchanges.watching.known import LAG

D = Decimal
ROUNDED = D("1e-20")


ZERO = D(0)


@attrs.define
class Real:
    """An order as the venue has it."""

    name: str
    side: Side
    price: Decimal
    size: Decimal
    is_reducing: bool
    filled: Decimal = ZERO
    paid: Decimal = ZERO
    """Price times size of what filled."""
    is_open: bool = True

    @property
    def left(self) -> Decimal:
        return self.size - self.filled if self.is_open else D(0)


class Book:
    """The venue, and a tracker that hears of some of it."""

    def __init__(self, way: str) -> None:
        self.way = way
        self.tracker, self.clock = tracker_of()
        self.sign = 1
        self.lots: list[tuple[Decimal, Decimal]] = []
        """What is held: dollars of each contract, and contracts; oldest first."""
        self.orders: list[Real] = []
        self.told = 0
        self.late: list[tuple[Real, Decimal, Decimal]] = []
        """Edits that were given up and are on their way."""
        self.past: list[tuple[float, Decimal, Decimal]] = []

    @property
    def net(self) -> Decimal:
        return self.sign * sum((size for _, size in self.lots), D(0))

    @property
    def cost(self) -> Decimal:
        return sum((unit * size for unit, size in self.lots), D(0))

    # -- what happens ---------------------------------------------------------------

    def place(self, terms: Any, filled: int, cheaper: int) -> None:
        """An order that is answered, of which so much fills at once at a better price."""
        name = f"o{len(self.orders)}"
        real = Real(name, *terms)
        self.tracker.intend(
            Plan(
                client_order_id=f"c-{name}",
                side=real.side,
                price=real.price,
                size=real.size,
                reduce_only=real.is_reducing,
            )
        )
        self.orders.append(real)
        better = D(cheaper) / 100 * (-1 if real.side is BUY else 1)
        self.fill(real, filled, min(max(D("0.01"), real.price + better), D("0.99")))
        self.show(real)
        self.tracker.accepted(f"c-{name}")

    def fill(self, real: Real, wanted: int, price: Decimal | None = None) -> None:
        """Something fills, and nobody is told."""
        size = min(D(wanted), real.left)
        sign = 1 if real.side is BUY else -1
        closes = min(size, max(D(0), -sign * self.net))
        if real.is_reducing:
            size = closes
        price = real.price if price is None else price
        real.filled, real.paid = real.filled + size, real.paid + size * price
        self.close(closes)
        if size > closes:
            self.sign = sign
            unit = price if real.side is BUY else 1 - price
            self.lots.append((unit, size - closes))
        if self.way == "average" and self.lots:
            whole = sum((size for _, size in self.lots), D(0))
            self.lots = [(self.cost / whole, whole)]

    def close(self, size: Decimal) -> None:
        order = sorted(self.lots) if self.way == "cheapest first" else [*self.lots]
        if self.way == "newest first":
            order.reverse()
        for lot in order if size else ():
            gone = min(size, lot[1])
            size -= gone
            at = self.lots.index(lot)
            rest = (lot[0], lot[1] - gone)
            self.lots[at : at + 1] = [rest] if rest[1] else []

    def edit(self, real: Real, price: Decimal, size: int, heard: str) -> None:
        """An edit that is made, refused, or of which nobody knows, and may come late."""
        wanted = max(D(size), real.filled + 1)
        after = order(real.name, side=real.side, price=price, size=wanted)
        self.tracker.changing(after)
        self.check()
        if heard == "late":
            self.late.append((real, price, wanted))
        elif heard != "refused":
            real.price, real.size = price, wanted
        if heard == "made":
            self.show(real)
        self.tracker.change_ended(after, is_lost=heard in ("lost", "late"))

    def land(self, which: int) -> None:
        """An edit that was given up arrives after all."""
        if not self.late:
            return
        real, price, wanted = self.late.pop(which % len(self.late))
        if real.left and wanted > real.filled:
            real.price, real.size = price, wanted

    def cancel(self, real: Real) -> None:
        real.is_open = False
        self.show(real)

    def show(self, real: Real) -> None:
        """The venue tells how an order stands."""
        self.told += 1
        is_whole = real.filled == real.size
        is_open = real.is_open and not is_whole
        ended = OrderStatus.CLOSED if is_whole else OrderStatus.CANCELED
        average = real.paid / real.filled if real.filled else None
        self.tracker.order(
            order(
                real.name,
                side=real.side,
                price=real.price,
                size=real.size,
                filled=real.filled,
                status=OrderStatus.OPEN if is_open else ended,
                remaining=real.left,
                average_price=None if average is None else round(average, 4),
                reduce_only=real.is_reducing,
                at=self.told,
            ),
            is_ours=True,
        )

    def read(self, back: int) -> None:
        """Positions are read, and may show a moment within the lag of reads."""
        now = self.clock.monotonic()
        recent = [x for x in self.past if x[0] >= now - LAG]
        _, net, cost = recent[-1 - back % len(recent)]
        side = "yes" if net > 0 else "no"
        held = [position(outcome=side, size=abs(net), cost=cost)] if net else []
        self.tracker.held(held, began=now)

    # -- what must hold -------------------------------------------------------------

    def check(self) -> None:
        claims = [
            Claim(x.side, x.price, x.left, x.is_reducing)
            for x in self.orders
            if x.left > 0
        ]
        really = self.cost + opening(claims, self.net)
        told = self.tracker.exposure()
        assert really <= told.total + ROUNDED
        assert min(told.orders, told.positions) >= 0
        if told.total:
            # What is found fast is never below what is found exactly.
            less = told.total - D("0.000001")
            assert not self.tracker.exposures.fits("A", [], less, None)
            assert not self.tracker.exposures.fits("A", [], None, less)
        more = Claim(BUY, D("0.5"), D(7)), Claim(SELL, D("0.3"), D(5))
        for claim in more:
            after = self.tracker.exposures.of("A", plus=[(("yes", ""), [claim])]).total
            less = after - D("0.000001")
            assert not self.tracker.exposures.fits("A", [claim], less, None)
            assert not self.tracker.exposures.fits("A", [claim], None, less)


PRICES = st.sampled_from([1, 10, 40, 60, 90, 99]).map(lambda cents: D(cents) / 100)
PICK = st.integers(0, 30)
SIZES = st.integers(1, 12)
SIDES = st.sampled_from([BUY, SELL])
PLACES = st.tuples(
    st.just("place"),
    st.tuples(SIDES, PRICES, SIZES.map(D), st.sampled_from([False] * 4 + [True])),
    st.sampled_from([0, 0, 3, 12]),
    st.sampled_from([0, 0, 30]),
)
HEARD = st.sampled_from(["made", "refused", "lost", "late"])
STEPS = st.one_of(
    PLACES,
    PLACES,
    st.tuples(st.just("fill"), PICK, SIZES),
    st.tuples(st.just("fill"), PICK, SIZES),
    st.tuples(st.just("show"), PICK),
    st.tuples(st.just("cancel"), PICK),
    st.tuples(st.just("edit"), PICK, PRICES, st.integers(1, 15), HEARD),
    st.tuples(st.just("land"), PICK),
    st.tuples(st.just("read"), PICK),
    st.tuples(st.just("wait"), st.sampled_from([1, 10])),
)


@pytest.mark.parametrize(
    "way", ["average", "oldest first", "newest first", "cheapest first"]
)
@settings(max_examples=150, deadline=None)
@given(steps=st.lists(STEPS, max_size=14))
def test_no_order_of_unseen_fills_puts_more_at_risk(way: str, steps: list[Any]) -> None:
    book = Book(way)
    for what, *rest in steps:
        book.past.append((book.clock.monotonic(), book.net, book.cost))
        if what == "place":
            book.place(*rest)
        elif what == "wait":
            book.clock.advance(rest[0])
        elif what == "read":
            # A read tells what all cost, which only an average can be divided from.
            if way == "average":
                book.read(*rest)
        elif what == "land":
            book.land(*rest)
        elif open_now := [x for x in book.orders if x.left > 0]:
            real = open_now[rest[0] % len(open_now)]
            getattr(book, what)(real, *rest[1:])
        book.check()


def test_a_purchase_that_seems_to_close_may_open() -> None:
    book = Book("average")
    for _ in range(3):
        book.place((SELL, D("0.73"), D(3), False), 3, 0)
    book.place((BUY, D("0.01"), D(12), False), 0, 0)
    book.fill(book.orders[-1], 12)
    book.place((BUY, D("0.74"), D(3), False), 3, 0)
    assert (book.net, book.cost) == (6, D("2.25"))
    # It seems to be 6 short, for 1.62: the three that closed, and three of the bids.
    assert book.tracker.exposure().total == D("2.25")
    book.check()


def test_of_fills_better_than_the_limit_the_dearest_may_be_left() -> None:
    book = Book("cheapest first")
    book.place((BUY, D("0.10"), D(5), False), 3, 9)
    book.place((SELL, D("0.01"), D(1), False), 1, 0)
    book.fill(book.orders[0], 1)
    book.show(book.orders[0])
    assert (book.net, book.cost) == (3, D("0.12"))
    # The four took 0.13 together: one and a bit of them may have taken the limit each.
    assert book.tracker.exposure().positions == D("0.1304")
    book.check()
