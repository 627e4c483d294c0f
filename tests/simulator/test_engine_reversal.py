"""A trade that is taken back never happened, to the last digit."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unified_exchanges.simulator.notices import PositionChanged
from unified_exchanges.simulator.orders import Owner

from .scene import QuadraticFees, Scene, d, refused


@pytest.fixture
def scene() -> Scene:
    return Scene(fees=QuadraticFees())


def state(scene: Scene) -> tuple[object, ...]:
    books = scene.engine.books()
    assert books.cash + books.fees + books.locked == books.deposited
    return (
        books,
        [scene.engine.cash(Owner(name)) for name in ("ann", "bob")],
        [scene.position(name) for name in ("ann", "bob")],
        scene.engine.market("M").open_interest,
    )


def fills(scene: Scene) -> list:
    return [*scene.engine.fills("ann")[:1], *scene.engine.fills("bob")[:1]]


def test_what_was_paid_and_charged_goes_back(scene) -> None:
    before = state(scene)
    scene.ask("ann", "0.40", 10)
    scene.bid("bob", "0.40", 10)
    assert state(scene) != before
    scene.engine.reverse(*fills(scene))
    assert state(scene) == before


def test_the_orders_stay_filled(scene) -> None:
    maker = scene.ask("ann", "0.40", 10)
    taker = scene.bid("bob", "0.40", 10)
    scene.engine.reverse(*fills(scene))
    assert [scene.now(o).status for o in (maker, taker)] == ["executed", "executed"]


def test_both_owners_are_told(scene) -> None:
    scene.ask("ann", "0.40", 10)
    scene.bid("bob", "0.40", 10)
    scene.notices.clear()
    scene.engine.reverse(*fills(scene))
    told = [n.position for n in scene.notices if isinstance(n, PositionChanged)]
    assert [(p.owner.account_id, p.size) for p in told] == [("ann", 0), ("bob", 0)]


def test_resting_orders_hold_what_they_need_again(scene) -> None:
    scene.bid("ann", "0.40", 10)
    scene.ask("bob", "0.40", 10)
    scene.ask("ann", "0.90", 10)
    assert scene.engine.cash(Owner("ann")).reserved == 0
    scene.engine.reverse(*fills(scene))
    assert scene.engine.cash(Owner("ann")).reserved == d("1.00")


@pytest.mark.parametrize("count", [1, 0])
def test_half_a_trade_is_not_taken_back(scene, count) -> None:
    scene.ask("ann", "0.40", 10)
    scene.bid("bob", "0.40", 10)
    code = refused(scene.engine.reverse, *fills(scene)[:count])
    assert code == ("invalid_order" if count else "accepted")


def test_a_settled_market_keeps_its_trades(scene) -> None:
    scene.ask("ann", "0.40", 10)
    scene.bid("bob", "0.40", 10)
    scene.engine.determine("M", d(1))
    assert refused(scene.engine.reverse, *fills(scene)) == "market_closed"


Trade = tuple[bool, int, int]


@given(
    st.lists(
        st.tuples(st.booleans(), st.integers(1, 99), st.integers(1, 50)), max_size=8
    ),
    st.integers(0, 7),
)
def test_taking_one_of_many_back_keeps_the_books(
    trades: list[Trade], which: int
) -> None:
    scene = Scene(fees=QuadraticFees())
    for is_ann, cents, size in trades:
        maker, taker = ("ann", "bob") if is_ann else ("bob", "ann")
        price = str(Decimal(cents) / 100)
        scene.ask(maker, price, size)
        scene.bid(taker, price, size)
    if not trades:
        return
    trade_id = scene.engine.trades("M")[which % len(trades)].trade_id
    pair = [
        fill
        for name in ("ann", "bob")
        for fill in scene.engine.fills(name)
        if fill.trade_id == trade_id
    ]
    before = scene.position("ann")
    scene.engine.reverse(*pair)
    state(scene)
    size = pair[0].size
    moved = size if pair[0].side == "ask" else -size
    assert scene.position("ann") == before + moved
    assert scene.position("ann") == -scene.position("bob")
