"""Trading at random on the simulated Polymarket, beside a naive book-keeper.

After every step the venue's own books, what the adapter says of them, and the
book-keeper's sums must agree, whatever went wrong on the way: one order at most for each
intent, none lost; orders equal to their fills; what is held of each outcome equal to the
signed sum of its fills; cash equal to the start plus what fills brought, less fees.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from decimal import Decimal
from itertools import count
from random import Random
from typing import Any, ClassVar, get_args

import attrs
import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from tests.venues.polymarket.ground import PolymarketGround
from unified_exchanges.errors import (
    NetworkError,
    OrderUnknown,
    RateLimitExceeded,
    UnifiedExchangesError,
)
from unified_exchanges.models import OrderRequest, OrderStatus, Side
from unified_exchanges.money import EXACT, ZERO, total
from unified_exchanges.policy import LimitPolicy
from unified_exchanges.simulator.orderflow import FlowSettings
from unified_exchanges.testing.conformance.ground import Kind
from unified_exchanges.venues.polymarket.simulated import SimulatedPolymarket
from unified_exchanges.venues.polymarket.simulated.sandbox import _drawn, sandbox_of

NIGHTLY = os.environ.get("UNIFIED_EXCHANGES_NIGHTLY") == "1"
pytestmark = pytest.mark.timeout(3_600 if NIGHTLY else 120)

START = Decimal(10_000)
FLOW = FlowSettings(actions_per_second=0.5, levels=3, catch_up_seconds=20, takes=0.6)
SLUGS = 4
"""Markets: with the coarse and with a fine grid, of each contract."""

Trouble = tuple[str, int, bool] | None

TROUBLES: list[Trouble] = [
    (kind, times, reads)
    for kind in get_args(Kind)
    for times, reads in ((1, False), (3, False), (3, True), (1000, False))
]
TROUBLE: st.SearchStrategy[Trouble] = st.one_of(
    st.none(), st.none(), st.sampled_from(TROUBLES)
)
PICK = st.integers(0, 1_000)
TERMS = st.fixed_dictionaries(
    {
        "market": st.integers(0, SLUGS - 1),
        "index": st.integers(0, 1),
        "side": st.sampled_from(["buy", "buy", "sell"]),
        "ticks": st.integers(-3, 3),
        "size": st.sampled_from(["4", "5", "7.5", "10", "100", "900"]),
        "tif": st.sampled_from(["gtc", "gtc", "gtc", "ioc", "fok"]),
    }
)


@attrs.define
class Intent:
    """What was asked for under one client order id; ``order`` once it was confirmed."""

    request: OrderRequest
    order: Any = None
    refused: bool = False
    doubtful: bool = False
    """Whether the caller was told that it may be at the venue."""
    salts: set[int] = attrs.field(factory=set)


class LivelyGround(PolymarketGround):
    """A ground whose books move, and that refuses nothing for speed."""

    def server(self) -> SimulatedPolymarket:
        venue = SimulatedPolymarket(
            seed=7, clock=self.clock, enforce_limits=False, lively=True, flow=FLOW
        )
        # Grids that change are tested by themselves: here a price would be refused by one.
        venue.settings.moves_ticks = False
        self.wallet = venue.add_account(_drawn(7), kind="deposit")
        self._sandbox = sandbox_of(venue, self.wallet, _drawn(7))
        return venue


class Machine(RuleBasedStateMachine):
    """The same rules for both flavours."""

    flavour: ClassVar[str]

    def __init__(self) -> None:
        super().__init__()
        self.ground = LivelyGround()
        self.clients = [self.trader(rng=Random(seed)) for seed in (7, 8)]
        # What is compared is read without waiting, so that no time passes meanwhile.
        self.reader = self.trader(limits=LimitPolicy(enabled=False))
        self.venue = self.ground.polymarket
        self.engine = self.venue.engine
        self.account = self.ground.wallet.name
        self.numbers = count()
        self.intents: dict[str, Intent] = {}
        self.owners: dict[str, int] = {}
        self.markets: list[Any] = []

    @initialize()
    def learn(self) -> None:
        found: dict[tuple[str, bool, Decimal], Any] = {}
        for market in self.reader.fetch_markets():
            listed = self.venue.catalog.markets[market.market_id]
            if market.bid and market.ask and not listed.seconds_delay:
                kind = listed.version, bool(listed.neg_risk_id), listed.tick
                found.setdefault(kind, market)
        self.markets = list(found.values())[:SLUGS]
        assert len(self.markets) == SLUGS

    # -- what is done ---------------------------------------------------------------

    @rule(terms=TERMS, post=st.booleans(), trouble=TROUBLE, who=st.integers(0, 1))
    def place(
        self, terms: dict[str, Any], post: bool, trouble: Trouble, who: int
    ) -> None:
        request = self.request(terms, post_only=post and terms["tif"] == "gtc")
        key = self.intend(request, who)
        order, error = self.attempt(
            who, trouble, lambda: create(self.clients[who], request)
        )
        self.note(key, order, error)

    @rule(terms=st.lists(TERMS, min_size=2, max_size=4), trouble=TROUBLE)
    def place_several(self, terms: list[dict[str, Any]], trouble: Trouble) -> None:
        requests = [self.request(each) for each in terms]
        keys = [self.intend(request, 0) for request in requests]
        results, error = self.attempt(
            0, trouble, lambda: self.clients[0].create_orders(requests)
        )
        assert error is None
        assert [result.request for result in results] == requests
        for key, result in zip(keys, results, strict=True):
            self.note(key, result.order, result.error)

    @rule(pick=PICK, trouble=TROUBLE)
    def place_again(self, pick: int, trouble: Trouble) -> None:
        """The same intent once more, by whoever had it."""
        keys = list(self.intents)
        if not keys:
            return
        key = keys[pick % len(keys)]
        intent, who = self.intents[key], self.owners[key]
        order, error = self.attempt(
            who, trouble, lambda: create(self.clients[who], intent.request)
        )
        if intent.order is None or error is None:
            self.note(key, order, error)

    @rule(pick=PICK, trouble=TROUBLE, who=st.integers(0, 1))
    def cancel(self, pick: int, trouble: Trouble, who: int) -> None:
        order = self.any_order(pick)
        if order is None:
            return
        ended, error = self.attempt(
            who, trouble, lambda: self.clients[who].cancel_order(order.order_id)
        )
        if error is None:
            truth = self.engine_order(order.order_id)
            assert not truth.is_open
            assert ended.filled == truth.filled
            assert ended.status is not OrderStatus.OPEN

    @rule(picks=st.lists(PICK, min_size=1, max_size=4), trouble=TROUBLE)
    def cancel_several(self, picks: list[int], trouble: Trouble) -> None:
        orders = [order for pick in picks if (order := self.any_order(pick))]
        ids = [order.order_id for order in orders]
        results, error = self.attempt(
            1, trouble, lambda: self.clients[1].cancel_orders(ids)
        )
        assert error is None
        assert [result.order_id for result in results] == ids
        for result in results:
            if result.error is None:
                truth = self.engine_order(result.order_id)
                assert not truth.is_open
                assert result.order.filled == truth.filled

    @rule(which=st.none() | st.integers(0, SLUGS - 1), trouble=TROUBLE)
    def cancel_all(self, which: int | None, trouble: Trouble) -> None:
        market = None if which is None else self.markets[which].market_id
        report, error = self.attempt(
            0, trouble, lambda: self.clients[0].cancel_all_orders(market_id=market)
        )
        left = [o.order_id for o in self.resting() if market in (None, o.market_id)]
        if trouble is None:
            assert error is None
            assert report.is_complete
        if error is None:
            assert sorted(o.order_id for o in report.remaining) == sorted(left)
            assert not (report.is_complete and left)

    @rule(which=st.integers(0, SLUGS - 1), trouble=TROUBLE)
    def close(self, which: int, trouble: Trouble) -> None:
        market = self.markets[which]
        before = [self.held(market, index) for index in (0, 1)]
        order, error = self.attempt(
            0,
            trouble,
            lambda: self.clients[0].close_position(
                market.market_id, max_slippage="0.05"
            ),
        )
        after = [self.held(market, index) for index in (0, 1)]
        assert all(a <= b for a, b in zip(after, before, strict=True))
        if error is None and order is None:
            assert before == after == [ZERO, ZERO]

    @rule(pairs=st.integers(1, 40), which=st.integers(0, SLUGS - 1))
    def split(self, pairs: int, which: int) -> None:
        """Both outcomes at once, as the chain makes them."""
        name = self.markets[which].market_id
        if self.venue.collateral(self.ground.wallet) < pairs * 3:
            return
        listed = self.venue.catalog.markets[name]
        self.venue.split(self.ground.wallet, listed, pairs)

    @rule(seconds=st.integers(1, 40))
    def wait(self, seconds: int) -> None:
        self.ground.clock.advance(seconds)

    # -- what must hold -------------------------------------------------------------

    @invariant()
    def agreed(self) -> None:
        self.venue.advance()
        self.check_intents()
        self.check_orders()
        self.check_fills()
        self.check_positions()
        self.check_cash()

    def check_intents(self) -> None:
        orders = {order.order_id: order for order in self.engine.orders(self.account)}
        by_key: dict[str, list[Any]] = {key: [] for key in self.intents}
        for order_id, order in orders.items():
            (key,) = {
                name
                for client in self.clients
                if (name := client.exchange.venue.memory.client_id(order_id))
            }
            by_key.setdefault(key, []).append(order)
        for key, intent in self.intents.items():
            found, request = by_key[key], intent.request
            assert len(found) <= 1
            if intent.order is not None and intent.order.filled:
                assert [o.order_id for o in found] == [intent.order.order_id]
            if intent.refused:
                assert found == []
            for order in found:
                placed = self.venue._house.orders[order.order_id]
                assert placed.listed.condition_id == request.market_id
                assert placed.outcome.lower() == request.outcome.lower()
                assert placed.side.lower() == request.side
                assert placed.price == Decimal(str(request.price))
                assert placed.size == Decimal(str(request.size))

    def check_orders(self) -> None:
        # Each is read by itself: those that changed last.
        latest = sorted(self.engine.orders(self.account), key=lambda o: o.updated_us)
        for order in latest[-3:]:
            shown = self.reader.fetch_order(order.order_id)
            assert (shown.filled, shown.is_open) == (order.filled, order.is_open)
        resting = sorted(order.order_id for order in self.resting())
        shown = sorted(order.order_id for order in self.reader.fetch_open_orders())
        assert shown == resting

    def check_fills(self) -> None:
        self.fills = self.reader.fetch_fills()
        assert len({fill.fill_id for fill in self.fills}) == len(self.fills)
        for order in self.engine.orders(self.account):
            mine = [fill for fill in self.fills if fill.order_id == order.order_id]
            assert total(fill.size for fill in mine) == order.filled

    def check_positions(self) -> None:
        told = {
            (p.market_id, p.outcome): p.size
            for p in self.reader.fetch_positions(mark=False)
        }
        truth = {
            (market.market_id, market.outcomes[index].label): self.held(market, index)
            for market in self.markets
            for index in (0, 1)
        }
        assert told == {name: size for name, size in truth.items() if size}
        for (market_id, label), size in truth.items():
            moved = total(
                fill.size if fill.side is Side.BUY else EXACT.minus(fill.size)
                for fill in self.fills
                if (fill.market_id, fill.outcome) == (market_id, label)
            )
            assert size == EXACT.add(moved, self.pairs(market_id))

    def check_cash(self) -> None:
        moved = total(fill.proceeds for fill in self.fills)
        fees = total(order.fees for order in self.engine.orders(self.account))
        # Rounded for each maker there, and for each trade here: nobody tells which.
        told = total(fill.fee for fill in self.fills)
        makers = len(self.engine.fills(self.account))
        assert abs(told - fees) <= makers * Decimal("0.00001")
        made = total(self.pairs(market.market_id) for market in self.markets)
        wanted = EXACT.subtract(EXACT.add(START, moved), EXACT.add(fees, made))
        balance = self.reader.fetch_balance()
        assert balance.total == wanted
        held_back = total(
            EXACT.multiply(self.venue._house.orders[o.order_id].price, o.remaining)
            for o in self.resting()
            if self.venue._house.orders[o.order_id].side == "BUY"
        )
        assert balance.available == EXACT.subtract(wanted, held_back)

    def pairs(self, market_id: str) -> Decimal:
        """Pairs that were made of a market."""
        return total(
            act.size
            for act in self.venue._house.acts
            if act.kind == "SPLIT"
            and act.wallet == self.account
            and act.listed.condition_id == market_id
        )

    def held(self, market: Any, index: int) -> Decimal:
        token = market.outcomes[index].outcome_id
        return self.venue.tokens(self.ground.wallet, token)

    # -- small parts ----------------------------------------------------------------

    def trader(self, **more: Any) -> Any:
        return self.ground.trader(self.flavour, **more)

    def attempt(
        self, who: int, trouble: Trouble, act: Callable[[], Any]
    ) -> tuple[Any, Any]:
        """The result or the error of an action that meets trouble."""
        if trouble is not None:
            kind, times, reads = trouble
            self.clients[who].suffer(kind, times, reads=reads)
        try:
            return act(), None
        except UnifiedExchangesError as error:
            return None, error.with_traceback(None)
        finally:
            self.ground.venue.troubles.clear()

    def request(self, terms: dict[str, Any], **more: Any) -> OrderRequest:
        market = self.markets[terms["market"]]
        label = market.outcomes[terms["index"]].label
        book = self.reader.fetch_order_book(market.market_id, outcome=label)
        touch = book.ask if terms["side"] == "buy" else book.bid
        base = touch.price if touch else Decimal("0.5")
        moved = EXACT.add(
            base, EXACT.multiply(Decimal("0.01"), Decimal(terms["ticks"]))
        )
        inside = min(max(moved, market.grid.lowest), market.grid.highest)
        return OrderRequest(
            market_id=market.market_id,
            outcome=label,
            side=terms["side"],
            price=market.grid.snap(inside, "down"),
            size=terms["size"],
            time_in_force=terms["tif"],
            client_order_id=f"intent-{next(self.numbers)}",
            **more,
        )

    def intend(self, request: OrderRequest, who: int) -> str:
        key = request.client_order_id
        assert key is not None
        self.intents[key] = Intent(request)
        self.owners[key] = who
        return key

    def note(self, key: str, order: Any, error: UnifiedExchangesError | None) -> None:
        """What the caller was told must be true, and must not change."""
        intent = self.intents[key]
        if error is None:
            request = intent.request
            assert order.client_order_id == key
            assert (order.price, order.size) == (
                Decimal(str(request.price)),
                Decimal(str(request.size)),
            )
            assert (order.side, order.outcome) == (request.side, request.outcome)
            intent.order, intent.refused, intent.doubtful = order, False, False
            return
        assert error.client_order_id == key
        if isinstance(error, OrderUnknown):
            assert error.maybe_executed
        elif isinstance(error, NetworkError | RateLimitExceeded):
            # It did not leave this time; what became of it before may not be known.
            assert intent.doubtful or not error.maybe_executed
        intent.refused = not error.maybe_executed
        intent.doubtful = error.maybe_executed

    def resting(self) -> list[Any]:
        return self.engine.orders(self.account, status="resting")

    def engine_order(self, order_id: str) -> Any:
        return self.engine.order(order_id, account_id=self.account)

    def any_order(self, pick: int) -> Any:
        orders = self.engine.orders(self.account)
        return orders[pick % len(orders)] if orders else None


def create(client: Any, request: OrderRequest) -> Any:
    """One order, from the same terms as in a batch."""
    return client.create_order(
        request.market_id,
        request.outcome,
        request.side,
        request.price,
        request.size,
        time_in_force=request.time_in_force,
        post_only=request.post_only,
        client_order_id=request.client_order_id,
    )


class Blocking(Machine):
    flavour = "blocking"


class Async(Machine):
    flavour = "async"


SIZE = settings(
    max_examples=400 if NIGHTLY else 12,
    stateful_step_count=50 if NIGHTLY else 20,
    derandomize=not NIGHTLY,
    # Explaining traces every line of a failing run, for minutes.
    phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink],
)


class TestBlocking(Blocking.TestCase):  # type: ignore[name-defined,misc]
    settings = SIZE


class TestAsync(Async.TestCase):  # type: ignore[name-defined,misc]
    settings = SIZE
