"""What orders open is worked out as if contracts were counted one by one."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from unified_exchanges.models import Position
from unified_exchanges.venues.kalshi.stakes import Held, Stake, opening

STAKES = st.lists(
    st.builds(
        Stake,
        is_bid=st.booleans(),
        price=st.integers(1, 99).map(lambda cents: Decimal(cents) / 100),
        size=st.integers(0, 20).map(Decimal),
        reduce_only=st.booleans(),
    ),
    max_size=6,
)


def one_by_one(stakes: list[Stake], yes: int, no: int) -> Decimal:
    left, taken = {True: no, False: yes}, Decimal(0)
    for stake in stakes:
        for _ in range(int(stake.size)):
            if left[stake.is_bid]:
                left[stake.is_bid] -= 1
            elif not stake.reduce_only:
                taken += stake.price if stake.is_bid else 1 - stake.price
    return taken


@given(stakes=STAKES, yes=st.integers(0, 30), no=st.integers(0, 30))
def test_what_is_held_is_closed_before_anything_is_opened(
    stakes: list[Stake], yes: int, no: int
) -> None:
    held = Held(Decimal(yes), Decimal(no))
    assert opening(stakes, held) == one_by_one(stakes, yes, no)


def position(outcome: str, size: str) -> Position:
    return Position(
        venue="kalshi",
        market_id="RAIN",
        outcome=outcome,
        size=Decimal(size),
        cost=Decimal(size) / 2,
        entry_price=None,
        realized_pnl=Decimal(0),
        fees_paid=Decimal(0),
    )


def test_positions_add_up() -> None:
    found = Held.of([position("yes", "4"), position("no", "1"), position("yes", "2")])
    assert found == Held(Decimal(6), Decimal(1), Decimal("3.5"))
