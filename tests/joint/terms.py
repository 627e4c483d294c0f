"""What is asked for, and what goes wrong with requests, drawn at random."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

import attrs
from hypothesis import strategies as st

from unified_exchanges.models import OrderRequest
from unified_exchanges.money import EXACT, complement
from unified_exchanges.simulator.faults import Fault, too_many_requests, unavailable

from .world import World

__all__ = [
    "FATES",
    "LOST",
    "OF_READS",
    "OF_WRITES",
    "PICK",
    "TERMS",
    "Terms",
    "shifted",
]

PICK: Final = st.integers(0, 1_000)

WAYS: Final = (
    ("crash",) * 6
    + ("interrupt",) * 4
    + ("trade", "trade", "wait", "cancel all here", "cancel all there")
    + ("reconcile here", "reconcile there", "create here", "create there")
    + ("again here", "again there", "read here", "edit here", "edit there")
    + ("halt here", "halt there")
)
FATES: Final[st.SearchStrategy[tuple[int, str] | None]] = st.one_of(
    st.none(), st.none(), st.tuples(st.integers(1, 14), st.sampled_from(WAYS))
)
"""At which instant of a call what happens."""


@attrs.frozen
class Terms:
    """An order that is to be placed, near the best price of its market."""

    place: int
    """Which of the two markets."""
    outcome: str
    side: str
    ticks: int
    size: str
    kind: str
    has_key: bool

    def request(self, world: World, key: str | None) -> OrderRequest:
        """What to ask for now."""
        is_first = self.outcome == "yes"
        is_bid = (self.side == "buy") is is_first
        name = world.markets[self.place]
        touch = world.engine.best(name, "bid" if is_bid else "ask")
        price = shifted(
            world, name, touch.price if touch else Decimal("0.5"), self.ticks
        )
        expires = None
        if self.kind == "gtd":
            expires = datetime.fromtimestamp(world.clock.now(), UTC) + timedelta(
                seconds=world.house.expiry
            )
        return OrderRequest(
            market_id=name,
            outcome=self.outcome,
            side=self.side,
            price=price if is_first else complement(price),
            size=world.house.least.get(self.size, self.size),
            time_in_force=self.kind if self.kind in {"ioc", "fok"} else "gtc",
            post_only=self.kind == "post",
            expires_at=expires,
            client_order_id=key,
        )


TERMS: Final[st.SearchStrategy[Terms]] = st.builds(
    Terms,
    st.integers(0, 1),
    st.sampled_from(["yes", "no"]),
    st.sampled_from(["buy", "buy", "sell"]),
    st.integers(-3, 3),
    st.sampled_from(["0.01", "1", "2.5", "7", "40", "400"]),
    st.sampled_from(["gtc", "gtc", "gtc", "post", "post", "gtd", "ioc", "fok"]),
    st.booleans(),
)


def shifted(world: World, name: str, price: Decimal, ticks: int) -> Decimal:
    """A price of the grid some cents away."""
    grid = world.engine.market(name).grid
    moved = EXACT.add(price, EXACT.multiply(Decimal("0.01"), Decimal(ticks)))
    inside = min(max(moved, grid.lowest), grid.highest)
    snapped: Any = grid.snap(inside, "down")
    return inside if snapped is None else snapped


LOST: Final = st.builds(
    Fault,
    st.sampled_from(["drop", "stall"]),
    method=st.just("POST"),
    path=st.just("events/orders"),
    commits=st.booleans(),
    count=st.none(),
)
"""Every try of a write is lost, or every answer."""
_COUNT: Final = st.sampled_from([1, 1, 2, 6])
OF_WRITES: Final = st.one_of(
    st.builds(
        Fault,
        st.sampled_from(["drop", "drop", "stall", "truncate", "duplicate", "garble"]),
        method=st.sampled_from(["POST", "DELETE"]),
        path=st.just("events/orders"),
        commits=st.booleans(),
        count=_COUNT,
    ),
    st.builds(
        Fault,
        st.just("delay"),
        method=st.sampled_from(["POST", "DELETE"]),
        path=st.just("events/orders"),
        seconds=st.sampled_from([0.4, 3.0]),
        count=_COUNT,
    ),
    st.builds(
        unavailable,
        st.sampled_from([500, 503]),
        method=st.sampled_from(["POST", "DELETE"]),
        path=st.just("events/orders"),
        commits=st.booleans(),
        count=_COUNT,
    ),
    st.builds(
        too_many_requests,
        method=st.sampled_from(["POST", "DELETE"]),
        path=st.just("events/orders"),
        count=_COUNT,
    ),
)
OF_READS: Final = st.one_of(
    st.builds(
        Fault,
        st.sampled_from(["drop", "delay", "truncate", "stall"]),
        method=st.just("GET"),
        path=st.sampled_from(["portfolio", "orders", "fills", "timestamp", "markets"]),
        seconds=st.sampled_from([0.4, 3.0]),
        count=st.sampled_from([1, 4, 20]),
    ),
    # Two refusals of the key in a row would be the end of the stream, rightly.
    st.builds(
        unavailable,
        st.sampled_from([500, 503, 429]),
        path=st.sampled_from(["/ws/", "portfolio/orders", "timestamp"]),
        method=st.just("GET"),
        count=st.sampled_from([1, 4]),
    ),
)
