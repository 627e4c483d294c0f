"""Trading at random on the simulated Kalshi, beside a naive book-keeper.

After every step the venue's own books, what the adapter says of them, and the
book-keeper's sums must agree, whatever went wrong on the way: one order at most for each
intent, none lost; orders equal to their fills; positions equal to the signed sum of
fills; cash equal to the start plus what fills brought, less fees and reserves.
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

from tests.venues.kalshi.ground import KalshiGround
from unified_exchanges.errors import (
    NetworkError,
    OrderUnknown,
    RateLimitExceeded,
    UnifiedExchangesError,
)
from unified_exchanges.models import OrderRequest, OrderStatus, Side
from unified_exchanges.money import EXACT, ONE, ZERO, complement, total
from unified_exchanges.policy import LimitPolicy
from unified_exchanges.simulator.orderflow import FlowSettings
from unified_exchanges.testing.conformance.ground import Kind

NIGHTLY = os.environ.get("UNIFIED_EXCHANGES_NIGHTLY") == "1"
pytestmark = pytest.mark.timeout(3_600 if NIGHTLY else 120)

START = Decimal(10_000)
MARKETS = ("KXRAINSEA-26NOV25-R", "KXTOPALBUM-26NOV-BLUE0")
MARKETS += ("KXBTCD-26NOV2222-T84000", "KXNBAGAME-26NOV23ELPCAL-CAL")
FLOW = FlowSettings(actions_per_second=0.5, levels=3, catch_up_seconds=20, takes=0.6)

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
        "market": st.sampled_from(MARKETS),
        "outcome": st.sampled_from(["yes", "no"]),
        "side": st.sampled_from(["buy", "sell"]),
        "ticks": st.integers(-3, 3),
        "size": st.sampled_from(["0.01", "1", "2.5", "7", "40", "900"]),
        "tif": st.sampled_from(["gtc", "gtc", "gtc", "ioc", "fok"]),
    }
)


@attrs.define
class Intent:
    """What was asked for under one client order id; ``order`` once it was confirmed."""

    market: str
    is_bid: bool
    price: Decimal
    size: Decimal
    order: Any = None
    refused: bool = False
    doubtful: bool = False
    """Whether the caller was told that it may be at the venue."""
    alternatives: list[tuple[Decimal, Decimal]] = attrs.field(factory=list)
    """Price and size that an unconfirmed change may have given it."""

    def allows(self, price: Decimal, size: Decimal) -> bool:
        return (price, size) in [(self.price, self.size), *self.alternatives]


class Machine(RuleBasedStateMachine):
    """The same rules for both flavours."""

    flavour: ClassVar[str]

    def __init__(self) -> None:
        super().__init__()
        self.ground = KalshiGround(enforce_limits=False, lively=True, flow=FLOW, seed=7)
        self.clients = [self.trader() for _ in range(2)]
        # What is compared is read without waiting, so that no time passes meanwhile.
        self.reader = self.trader(limits=LimitPolicy(enabled=False))
        self.account = self.ground.key.user_id
        self.engine = self.ground.kalshi.engine
        self.numbers = count()
        self.intents: dict[str, Intent] = {}
        self.markets: dict[str, Any] = {}

    @initialize()
    def learn(self) -> None:
        for name in MARKETS:
            self.markets[name] = self.reader.fetch_market(name)
        assert {m.shard for m in self.markets.values()} == {0, 2, 3}

    # -- what is done ---------------------------------------------------------------

    @rule(terms=TERMS, post=st.booleans(), trouble=TROUBLE, who=st.integers(0, 1))
    def place(
        self, terms: dict[str, Any], post: bool, trouble: Trouble, who: int
    ) -> None:
        request = self.request(terms, post_only=post and terms["tif"] == "gtc")
        key = self.intend(request)
        order, error = self.attempt(trouble, lambda: create(self.clients[who], request))
        self.note(key, order, error)

    @rule(terms=st.lists(TERMS, min_size=2, max_size=4), trouble=TROUBLE)
    def place_several(self, terms: list[dict[str, Any]], trouble: Trouble) -> None:
        requests = [self.request(each) for each in terms]
        keys = [self.intend(request) for request in requests]
        results, error = self.attempt(
            trouble, lambda: self.clients[0].create_orders(requests)
        )
        assert error is None
        assert [result.request for result in results] == requests
        for key, result in zip(keys, results, strict=True):
            self.note(key, result.order, result.error)

    @rule(pick=PICK, trouble=TROUBLE, who=st.integers(0, 1))
    def place_again(self, pick: int, trouble: Trouble, who: int) -> None:
        """The same intent once more, as after a restart."""
        keys = [key for key, intent in self.intents.items() if not intent.alternatives]
        if not keys:
            return
        key = keys[pick % len(keys)]
        intent = self.intents[key]
        request = OrderRequest(
            market_id=intent.market,
            outcome="yes",
            side="buy" if intent.is_bid else "sell",
            price=intent.price,
            size=intent.size,
            client_order_id=key,
        )
        order, error = self.attempt(trouble, lambda: create(self.clients[who], request))
        if intent.order is None or error is None:
            self.note(key, order, error)

    @rule(pick=PICK, ticks=st.integers(-2, 2), size=st.none() | PICK, trouble=TROUBLE)
    def edit(self, pick: int, ticks: int, size: int | None, trouble: Trouble) -> None:
        order = self.open_order(pick)
        if order is None:
            return
        intent = self.intents[order.client_order_id]
        grid = self.markets[order.market_id].grid
        price = self.shifted(order.price, ticks, grid)
        wanted = order.size if size is None else Decimal(1 + size % 60)
        intent.alternatives.append((price, wanted))
        done, error = self.attempt(
            trouble,
            lambda: self.clients[0].edit_order(
                order.order_id, outcome="yes", price=price, size=wanted
            ),
        )
        if error is None:
            intent.price, intent.size = price, wanted
            said = done.in_terms_of("yes")
            assert (said.price, said.size) == (price, wanted)
        if error is None or not error.maybe_executed:
            intent.alternatives.clear()

    @rule(pick=PICK, trouble=TROUBLE, who=st.integers(0, 1))
    def cancel(self, pick: int, trouble: Trouble, who: int) -> None:
        order = self.any_order(pick)
        if order is None:
            return
        ended, error = self.attempt(
            trouble, lambda: self.clients[who].cancel_order(order.order_id)
        )
        if error is None:
            assert not self.engine_order(order.order_id).is_open
            assert ended.filled == self.engine_order(order.order_id).filled
            assert ended.status is not OrderStatus.OPEN

    @rule(picks=st.lists(PICK, min_size=1, max_size=4), trouble=TROUBLE)
    def cancel_several(self, picks: list[int], trouble: Trouble) -> None:
        orders = [order for pick in picks if (order := self.any_order(pick))]
        ids = [order.order_id for order in orders]
        results, error = self.attempt(
            trouble, lambda: self.clients[1].cancel_orders(ids)
        )
        assert error is None
        assert [result.order_id for result in results] == ids
        for result in results:
            if result.error is None:
                truth = self.engine_order(result.order_id)
                assert not truth.is_open
                assert result.order.filled == truth.filled

    @rule(market=st.none() | st.sampled_from(MARKETS), trouble=TROUBLE)
    def cancel_all(self, market: str | None, trouble: Trouble) -> None:
        report, error = self.attempt(
            trouble, lambda: self.clients[0].cancel_all_orders(market_id=market)
        )
        left = [o.order_id for o in self.resting() if market in (None, o.market_id)]
        if trouble is None:
            assert error is None
            assert report.is_complete
        if error is None:
            assert sorted(o.order_id for o in report.remaining) == sorted(left)
            assert report.is_complete is not bool(left)

    @rule(market=st.sampled_from(MARKETS), trouble=TROUBLE)
    def close(self, market: str, trouble: Trouble) -> None:
        before = self.held(market)
        known = {order.order_id for order in self.engine.orders(self.account)}
        key = f"close-{next(self.numbers)}"
        order, error = self.attempt(
            trouble,
            lambda: self.clients[0].close_position(
                market, max_slippage="0.05", client_order_id=key
            ),
        )
        new = [o for o in self.engine.orders(self.account) if o.order_id not in known]
        assert len(new) <= 1
        for each in new:
            assert each.client_order_id == key
            is_bid = each.side == "bid"
            self.intents[key] = Intent(market, is_bid, each.price, each.size, order)
        if error is None:
            assert (order is None) is (before == ZERO)
        # Not further from nothing, and not to the other side.
        after = self.held(market)
        assert min(ZERO, before) <= after <= max(ZERO, before)

    @rule(seconds=st.integers(1, 40))
    def wait(self, seconds: int) -> None:
        self.ground.clock.advance(seconds)

    # -- what must hold -------------------------------------------------------------

    @invariant()
    def agreed(self) -> None:
        self.ground.kalshi.advance()
        began = self.ground.clock.monotonic()
        self.check_intents()
        self.check_orders()
        self.check_fills()
        self.check_positions()
        self.check_cash()
        # Else strangers trade meanwhile, and what is compared is not of one moment.
        assert self.ground.clock.monotonic() == began

    def check_intents(self) -> None:
        orders = self.engine.orders(self.account)
        keys = [order.client_order_id for order in orders]
        assert len(set(keys)) == len(keys)
        assert set(keys) <= self.intents.keys()
        for key, intent in self.intents.items():
            found = [order for order in orders if order.client_order_id == key]
            if intent.order is not None:
                assert [o.order_id for o in found] == [intent.order.order_id]
            if intent.refused:
                assert found == []
            for order in found:
                assert (order.market_id, order.side == "bid") == (
                    intent.market,
                    intent.is_bid,
                )
                assert intent.allows(order.price, order.size)

    def check_orders(self) -> None:
        truth = {
            order.order_id: (
                order.client_order_id,
                order.market_id,
                order.price,
                order.size,
                order.filled,
                order.remaining if order.is_open else ZERO,
                order.is_open,
            )
            for order in self.engine.orders(self.account)
        }
        listed = [order.in_terms_of("yes") for order in self.reader.fetch_orders()]
        assert len(listed) == len(truth)
        assert {
            order.order_id: (
                order.client_order_id,
                order.market_id,
                order.price,
                order.size,
                order.filled,
                order.remaining,
                order.is_open,
            )
            for order in listed
        } == truth
        resting = sorted(key for key, order in truth.items() if order[-1])
        shown = sorted(order.order_id for order in self.reader.fetch_open_orders())
        assert shown == resting

    def check_fills(self) -> None:
        self.fills = [fill.in_terms_of("yes") for fill in self.reader.fetch_fills()]
        assert len({fill.fill_id for fill in self.fills}) == len(self.fills)
        for order in self.engine.orders(self.account):
            mine = [fill for fill in self.fills if fill.order_id == order.order_id]
            assert total(fill.size for fill in mine) == order.filled
            assert total(fill.fee for fill in mine) == order.fees

    def check_positions(self) -> None:
        held = {
            p.market_id: p.size if p.outcome == "yes" else EXACT.minus(p.size)
            for p in self.reader.fetch_positions(mark=False)
        }
        sums = {market: self.held(market) for market in MARKETS}
        assert held == {market: size for market, size in sums.items() if size}

    def check_cash(self) -> None:
        balance = self.reader.fetch_balance()
        shown = {shard.shard: shard.available for shard in balance.shards}
        wanted = dict.fromkeys(shown, START)
        for name, market in self.markets.items():
            moved = [fill for fill in self.fills if fill.market_id == name]
            spent = total(EXACT.multiply(signed(f), f.price) for f in moved)
            fees = total(fill.fee for fill in moved)
            # A contract of NO is a dollar put aside and a contract of YES sold.
            aside = max(ZERO, EXACT.minus(self.held(name)))
            for cost in (spent, fees, aside, self.reserved(name)):
                wanted[market.shard] = EXACT.subtract(wanted[market.shard], cost)
        assert shown == wanted
        assert balance.available == total(wanted.values())

    def held(self, market: str) -> Decimal:
        fills = self.engine.fills(self.account)
        return total(
            f.size if f.side == "bid" else EXACT.minus(f.size)
            for f in fills
            if f.market_id == market
        )

    def reserved(self, market: str) -> Decimal:
        """What resting orders may cost; what is held covers the dearest of them."""
        held = self.held(market)
        reserved = ZERO
        for side, cover in (("bid", EXACT.minus(held)), ("ask", held)):
            left = max(ZERO, cover)
            mine = [o for o in self.resting() if o.market_id == market]
            costs = [
                (o.price if side == "bid" else EXACT.subtract(ONE, o.price), o)
                for o in mine
                if o.side == side
            ]
            for unit, order in sorted(costs, key=lambda cost: -cost[0]):
                covered = min(left, order.remaining)
                left = EXACT.subtract(left, covered)
                open_size = EXACT.subtract(order.remaining, covered)
                reserved = EXACT.add(reserved, EXACT.multiply(unit, open_size))
        return reserved

    # -- small parts ----------------------------------------------------------------

    def trader(self, **more: Any) -> Any:
        return self.ground.trader(self.flavour, rng=Random(7), **more)

    def attempt(self, trouble: Trouble, act: Callable[[], Any]) -> tuple[Any, Any]:
        """The result or the error of an action that meets trouble."""
        if trouble is not None:
            kind, times, reads = trouble
            self.clients[0].suffer(kind, times, reads=reads)
        try:
            return act(), None
        except UnifiedExchangesError as error:
            return None, error.with_traceback(None)
        finally:
            self.ground.venue.troubles.clear()

    def request(self, terms: dict[str, Any], **more: Any) -> OrderRequest:
        market = self.markets[terms["market"]]
        is_first = terms["outcome"] == "yes"
        is_bid = (terms["side"] == "buy") is is_first
        touch = self.engine.best(market.market_id, "bid" if is_bid else "ask")
        base = touch.price if touch else Decimal("0.5")
        price = self.shifted(base, terms["ticks"], market.grid)
        return OrderRequest(
            market_id=market.market_id,
            outcome=terms["outcome"],
            side=terms["side"],
            price=price if is_first else complement(price),
            size=terms["size"],
            time_in_force=terms["tif"],
            client_order_id=f"intent-{next(self.numbers)}",
            **more,
        )

    def shifted(self, price: Decimal, ticks: int, grid: Any) -> Decimal:
        moved = EXACT.add(price, EXACT.multiply(Decimal("0.01"), Decimal(ticks)))
        inside = min(max(moved, grid.lowest), grid.highest)
        snapped: Decimal = grid.snap(inside, "down")
        return snapped

    def intend(self, request: OrderRequest) -> str:
        key = request.client_order_id
        assert key is not None
        is_first = request.outcome == "yes"
        price = Decimal(str(request.price))
        self.intents[key] = Intent(
            request.market_id,
            (request.side == "buy") is is_first,
            price if is_first else complement(price),
            Decimal(str(request.size)),
        )
        return key

    def note(self, key: str, order: Any, error: UnifiedExchangesError | None) -> None:
        """What the caller was told must be true, and must not change."""
        intent = self.intents[key]
        if error is None:
            said = order.in_terms_of("yes")
            assert order.client_order_id == key
            assert (said.price, said.size) == (intent.price, intent.size)
            assert (said.side is Side.BUY) is intent.is_bid
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

    def open_order(self, pick: int) -> Any:
        orders = self.resting()
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


def signed(fill: Any) -> Decimal:
    """Contracts of YES that came in; those that went are negative."""
    return fill.size if fill.side is Side.BUY else EXACT.minus(fill.size)


class Blocking(Machine):
    flavour = "blocking"


class Async(Machine):
    flavour = "async"


SIZE = settings(
    max_examples=400 if NIGHTLY else 16,
    stateful_step_count=50 if NIGHTLY else 25,
    derandomize=not NIGHTLY,
    # Explaining traces every line of a failing run, for minutes.
    phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink],
)


class TestBlocking(Blocking.TestCase):  # type: ignore[name-defined,misc]
    settings = SIZE


class TestAsync(Async.TestCase):  # type: ignore[name-defined,misc]
    settings = SIZE
