"""An id that another process used: whatever refuses it, its order is told, not denied."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import attrs
import pytest

from tests.venues.kalshi.ground import KalshiGround
from unified_exchanges.errors import (
    DuplicateOrderId,
    GuardTripped,
    Halted,
    InsufficientFunds,
    InvalidPrice,
    OrderUnknown,
    RateLimitExceeded,
    UnifiedExchangesError,
)
from unified_exchanges.flow import Request, Response
from unified_exchanges.guards import GuardPolicy
from unified_exchanges.journal.sqlite import SqliteJournal
from unified_exchanges.models import Intent, Market, Order, OrderRequest
from unified_exchanges.money import text
from unified_exchanges.policy import LimitPolicy, RetryPolicy
from unified_exchanges.testing.conformance import Trader

FREE = LimitPolicy(enabled=False, discover=False)
ONCE = RetryPolicy(attempts=1, order_deadline=1.0)
GUARDS: dict[str, Any] = {
    "rate": {"guards": GuardPolicy(max_orders=1, seconds=1e6)},
    "cost": {"guards": GuardPolicy(max_order_cost=Decimal("0.000001"))},
    "exposure": {"guards": GuardPolicy(max_exposure=Decimal("0.000001"))},
    "markets": {"guards": GuardPolicy(allowed_markets=["NONE"])},
    "read only": {"guards": GuardPolicy(read_only=True)},
    "halt": {},
    "halt of another": {},
}


class Two:
    """Two processes of one account that share a journal."""

    def __init__(self, flavour: str, path: Path) -> None:
        self.flavour, self.path = flavour, path
        self.traders: list[Trader] = []
        self.ground = KalshiGround(enforce_limits=False)
        self.ground.clock.advance(60)
        self.first = self.another()
        self.market: Market = self.first.quoted_market()
        self.refusal: tuple[int, bytes] | None = None
        serve = self.ground.venue.handle

        def handle(request: Request) -> Response:
            if request.method == "POST" and self.refusal is not None:
                return Response(self.refusal[0], body=self.refusal[1])
            return serve(request)

        self.ground.venue.handle = handle  # type: ignore[method-assign]

    def another(self, **settings: Any) -> Trader:
        made = self.ground.trader(
            self.flavour, limits=FREE, retry=ONCE, journal=self.path, **settings
        )
        self.traders.append(made)
        return made

    def close(self) -> None:
        for x in self.traders:
            x.do(x.exchange.aclose if x.is_async else x.exchange.close)

    def refusing(self, guard: str) -> Trader:
        """A second process that places nothing any more."""
        second = self.another(**GUARDS[guard])
        if guard == "rate":
            second.exchange.venue.guards.admit(1, self.ground.clock.monotonic(), "")
        if guard == "halt":
            second.exchange.stop_new_orders("enough")
        if guard == "halt of another":
            self.first.halt("enough", cancel=False)
        return second

    def request(self, key: str = "same", **fields: Any) -> OrderRequest:
        terms: dict[str, Any] = {
            "market_id": self.market.market_id,
            "outcome": "yes",
            "side": "buy",
            "price": self.market.grid.lowest,
            "size": 1,
            "client_order_id": key,
        }
        return OrderRequest(**{**terms, **fields})

    def place(self, trader: Trader, key: str = "same", **fields: Any) -> Order:
        request = self.request(key, **fields)
        told = attrs.asdict(request, filter=lambda _, value: value is not None)
        placed: Order = trader.create_order(**told)
        return placed

    def leave_open(self, *, arrives: bool) -> None:
        """The first process loses the answer, and is gone."""
        serve = self.ground.venue.handle

        def handle(request: Request) -> Response:
            if request.method == "POST":
                if arrives:
                    serve(request)
                return Response(503)
            return Response(503)

        self.market = self.first.quoted_market()
        self.ground.venue.handle = handle  # type: ignore[method-assign]
        with pytest.raises(OrderUnknown):
            self.place(self.first)
        self.ground.venue.handle = serve  # type: ignore[method-assign]


@pytest.fixture(params=["blocking", "async"])
def two(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Two]:
    made = Two(request.param, tmp_path / "orders.db")
    yield made
    made.close()


def told(act: Any) -> UnifiedExchangesError:
    with pytest.raises(UnifiedExchangesError) as caught:
        act()
    return caught.value


@pytest.mark.parametrize("guard", GUARDS)
def test_fault_13_what_another_process_placed_is_told_by_whatever_would_refuse_it(
    two: Two, guard: str
) -> None:
    placed = two.place(two.first)
    second = two.refusing(guard)
    sent = len(second.writes)
    assert two.place(second).order_id == placed.order_id
    assert len(second.writes) == sent
    (tracked,) = [x for x in second.exchange.orders if x.client_order_id == "same"]
    assert (tracked.state, tracked.is_external) == ("open", False)


@pytest.mark.parametrize("guard", GUARDS)
def test_fault_14_an_id_that_nobody_used_is_refused_as_ever(
    two: Two, guard: str
) -> None:
    second = two.refusing(guard)
    sent = len(second.transport.requests)
    error = told(lambda: two.place(second, "new"))
    assert not error.maybe_executed
    assert "client_order_id" not in error.message
    if guard not in ("cost", "exposure"):
        # Any order would be refused, so nobody is asked for this one.
        asked = [x.url for x in second.transport.requests[sent:]]
        assert [x for x in asked if "/portfolio/orders" in x] == []


@pytest.mark.parametrize("guard", GUARDS)
def test_fault_13_other_terms_under_a_used_id_are_no_refusal_either(
    two: Two, guard: str
) -> None:
    placed = two.place(two.first)
    second = two.refusing(guard)
    error = told(lambda: two.place(second, size=2))
    assert isinstance(error, DuplicateOrderId)
    assert placed.order_id in error.message


@pytest.mark.parametrize("guard", ["rate", "halt", "cost"])
def test_fault_13_what_cannot_be_read_is_in_doubt(two: Two, guard: str) -> None:
    placed = two.place(two.first)
    second = two.refusing(guard)
    second.quoted_market()
    serve = two.ground.venue.handle

    def handle(request: Request) -> Response:
        is_lost = "/portfolio/orders" in request.url
        return Response(503) if is_lost else serve(request)

    two.ground.venue.handle = handle  # type: ignore[method-assign]
    error = told(lambda: two.place(second))
    assert isinstance(error, RateLimitExceeded | Halted | GuardTripped)
    assert error.maybe_executed
    assert f"order {placed.order_id} was placed" in error.message
    assert error.client_order_id == "same"


@pytest.mark.parametrize("guard", ["rate", "halt", "cost"])
def test_fault_12_what_an_earlier_process_left_open_is_in_doubt(
    two: Two, guard: str
) -> None:
    two.leave_open(arrives=False)
    second = two.refusing(guard)
    error = told(lambda: two.place(second))
    assert error.maybe_executed
    assert "whether an earlier call has placed it" in error.message
    two.ground.clock.advance(600)
    # It cannot arrive any more, and is not there.
    assert not told(lambda: two.place(second)).maybe_executed


@pytest.mark.parametrize("arrives", [True, False])
def test_fault_12_a_refusal_by_the_venue_denies_no_earlier_sending(
    two: Two, arrives: bool
) -> None:
    two.leave_open(arrives=arrives)
    second = two.another()
    second.quoted_market()
    two.refusal = 400, b'{"error": {"code": "insufficient_balance"}}'
    if arrives:
        assert two.place(second).client_order_id == "same"
        return
    error = told(lambda: two.place(second))
    assert isinstance(error, InsufficientFunds)
    assert error.maybe_executed
    (tracked,) = second.exchange.orders.unresolved
    assert (tracked.client_order_id, tracked.state) == ("same", "unresolved")


def test_fault_13_what_another_process_placed_does_not_leave_again(two: Two) -> None:
    placed = two.place(two.first)
    second = two.another()
    assert two.place(second).order_id == placed.order_id
    assert second.writes == []
    assert isinstance(told(lambda: two.place(second, price="0.02")), DuplicateOrderId)
    assert [x.client_order_id for x in second.exchange.orders.open] == ["same"]


def test_fault_13_an_id_that_was_placed_on_another_market_is_a_duplicate(
    two: Two,
) -> None:
    two.place(two.first)
    second = two.refusing("halt")
    other = next(
        x
        for x in two.first.fetch_markets(limit=20)
        if x.market_id != two.market.market_id and x.status == "open"
    )
    error = told(lambda: two.place(second, market_id=other.market_id))
    assert isinstance(error, DuplicateOrderId)


def test_fault_13_no_order_at_all_under_a_used_id_names_the_one_there_is(
    two: Two,
) -> None:
    placed = two.place(two.first)
    error = told(lambda: two.place(two.another(), price="a fortune"))
    assert isinstance(error, InvalidPrice)
    assert (error.maybe_executed, placed.order_id in error.message) == (True, True)


@pytest.mark.parametrize("guard", ["rate", "halt", "markets"])
def test_fault_20_each_of_a_batch_is_told_of_its_own_id(two: Two, guard: str) -> None:
    placed = two.place(two.first)
    second = two.refusing(guard)
    sent = len(second.writes)
    used, new = second.create_orders([two.request(), two.request("new")])
    assert used.order is not None
    assert used.order.order_id == placed.order_id
    assert isinstance(new.error, RateLimitExceeded | Halted | GuardTripped)
    assert not new.error.maybe_executed
    assert len(second.writes) == sent


def test_fault_20_a_batch_sends_only_what_no_process_has_placed(two: Two) -> None:
    placed = two.place(two.first)
    second = two.another()
    used, new = second.create_orders([two.request(), two.request("new")])
    assert used.order is not None
    assert new.order is not None
    assert used.order.order_id == placed.order_id
    (write,) = second.writes
    assert b'"new"' in (write.body or b"")
    assert b'"same"' not in (write.body or b"")


def test_fault_20_a_batch_of_what_was_placed_sends_nothing(two: Two) -> None:
    placed = two.place(two.first)
    second = two.another()
    (used,) = second.create_orders([two.request()])
    assert used.order is not None
    assert (used.order.order_id, second.writes) == (placed.order_id, [])


def test_fault_20_a_batch_of_new_ids_is_refused_as_a_whole(two: Two) -> None:
    second = two.refusing("halt")
    with pytest.raises(Halted):
        second.create_orders([two.request(), two.request("new")])


@pytest.mark.parametrize("who", ["another process", "the same object"])
@pytest.mark.parametrize(
    ("other", "difference"),
    [
        ({"price": "0.02"}, "price LOWEST, not 0.02"),
        ({"size": 2}, "size 1, not 2"),
        ({"side": "sell"}, "side buy, not sell"),
        ({"time_in_force": "ioc"}, "time_in_force gtc, not ioc"),
        ({"post_only": True}, "params no params, not post_only=True"),
    ],
)
def test_fault_07_12_other_terms_under_an_id_left_open_do_not_leave(
    two: Two, who: str, other: dict[str, Any], difference: str
) -> None:
    two.leave_open(arrives=False)
    asker = two.first if who == "the same object" else two.another()
    sent = len(asker.writes)
    error = told(lambda: two.place(asker, **other))
    assert isinstance(error, DuplicateOrderId)
    assert (error.client_order_id, error.maybe_executed) == ("same", True)
    market, price = two.market.market_id, two.market.grid.lowest
    difference = difference.replace("LOWEST", text(price))
    for words in (
        f"buy 1 yes of {market} at {text(price)} ({difference}). Nothing was sent",
        "Ask for that order again, or use a new id; or call reconcile()",
    ):
        assert words in error.message
    assert len(asker.writes) == sent
    # What is at risk is what may be at the venue, by whoever counts it.
    for trader in (two.first, asker):
        (kept,) = trader.exchange.orders.unresolved
        assert (kept.side, kept.price, kept.size) == ("buy", price, 1)
        (intent,) = trader.unresolved_intents()
        assert (intent.price, intent.size) == (price, 1)
    placed = two.place(asker)
    assert (placed.price, placed.size) == (price, 1)
    assert two.place(two.first).order_id == placed.order_id


def test_fault_07_12_other_terms_under_an_id_that_is_proven_free_are_placed(
    two: Two,
) -> None:
    two.leave_open(arrives=False)
    second = two.another()
    assert len(second.reconcile().absent) == 1
    assert two.place(second, size=2).size == 2


def test_fault_07_12_other_terms_are_told_of_the_order_that_has_arrived(
    two: Two,
) -> None:
    two.leave_open(arrives=True)
    second = two.another()
    error = told(lambda: two.place(second, size=2))
    assert isinstance(error, DuplicateOrderId)
    assert "belongs to another order" in error.message
    assert second.writes == []
    assert second.unresolved_intents() == []
    (kept,) = second.exchange.orders
    assert (kept.state, kept.size) == ("open", 1)


def test_fault_07_12_20_other_terms_in_a_batch_keep_no_other_order_back(
    two: Two,
) -> None:
    two.leave_open(arrives=False)
    second = two.another()
    other, new = second.create_orders([two.request(size=2), two.request("new")])
    assert isinstance(other.error, DuplicateOrderId)
    assert new.order is not None
    (write,) = second.writes
    assert b'"same"' not in (write.body or b"")
    assert [x.client_order_id for x in second.unresolved_intents()] == ["same"]


def test_a_journal_that_cannot_be_asked_leaves_a_refusal_in_doubt(
    two: Two, monkeypatch: pytest.MonkeyPatch
) -> None:
    second = two.refusing("halt")

    def find(journal: SqliteJournal, *_: object) -> Intent | None:
        raise journal._failed("read", "disk I/O error")

    monkeypatch.setattr(SqliteJournal, "find", find)
    error = told(lambda: two.place(second))
    assert isinstance(error, Halted)
    assert (error.maybe_executed, "disk I/O error" in error.message) == (True, True)
