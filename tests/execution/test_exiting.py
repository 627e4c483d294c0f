"""An exit sends one order, whatever breaks: its answer, the process, the market."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import attrs
import pytest

from tests.journal.samples import intent
from tests.venues.kalshi.ground import KalshiGround
from unified_exchanges.errors import (
    BadRequest,
    Halted,
    InvalidPrice,
    MarketClosed,
    OrderUnknown,
)
from unified_exchanges.execution import (
    ExitPlan,
    ExitRecord,
    ExitState,
    Trigger,
)
from unified_exchanges.execution.exiting import Exiting
from unified_exchanges.flow import Request, Response
from unified_exchanges.journal import MemoryJournal
from unified_exchanges.models import Account, Market, OrderBook
from unified_exchanges.policy import LimitPolicy, RetryPolicy
from unified_exchanges.testing.conformance import Trader

FREE = LimitPolicy(enabled=False, discover=False)
ORDERS = "/portfolio/events/orders"


@pytest.fixture(params=["blocking", "async"])
def flavour(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def ground() -> KalshiGround:
    ground = KalshiGround(enforce_limits=False)
    ground.clock.advance(60)
    return ground


@pytest.fixture
def trader(ground: KalshiGround, flavour: str) -> Trader:
    return ground.trader(flavour, limits=FREE)


@pytest.fixture
def market(trader: Trader) -> Market:
    """A market of which 5 contracts are held."""
    found = trader.quoted_market()
    assert trader.lift(found, size="5").filled == 5
    return found


def plan_for(trader: Trader, market: Market, **fields: Any) -> ExitPlan:
    """An exit that the book as it is sets off."""
    bid = trader.book(market).bid
    assert bid is not None
    made: dict[str, Any] = {
        "name": "exit",
        "market_id": market.market_id,
        "outcome": "yes",
        "size": 5,
        "stop_loss": bid.price,
        "max_slippage": 0,
        **fields,
    }
    return ExitPlan(**made)


class Store(MemoryJournal):
    """A journal that outlives the programs of a test, and may be looked into."""

    def record(self) -> ExitRecord | None:
        texts = list(self._texts.values())
        return ExitRecord.from_dict(json.loads(texts[0])) if texts else None

    def put(self, trader: Trader, record: ExitRecord) -> None:
        told = json.dumps(record.to_dict())
        key = trader.exchange.venue.account, f"exit {record.plan.name}"
        self.save(*key, told, self.load(*key))


class Life:
    """One run of a program that has an exit; the journal outlives it."""

    def __init__(self, trader: Trader, plan: ExitPlan, store: Store) -> None:
        self.trader = trader
        trader.exchange._driver._journal = store
        self.exiting = Exiting(plan, trader.exchange.placing)

    def _do(self, flow: Any) -> ExitRecord:
        result = self.trader.exchange.run(flow)
        done = asyncio.run(result) if self.trader.is_async else result
        assert isinstance(done, ExitRecord)
        return done

    def begin(self) -> ExitRecord:
        return self._do(self.exiting.begin(self.trader.exchange.venue))

    def saw(self, book: OrderBook) -> ExitRecord:
        return self._do(self.exiting.saw(self.trader.exchange.venue, book))


def at_venue(trader: Trader, key: str) -> list[Any]:
    """The orders that the venue itself has of a key."""
    ground = trader.ground
    assert isinstance(ground, KalshiGround)
    orders = ground.kalshi.engine.orders(ground.key.user_id)
    return [order for order in orders if order.client_order_id == key]


def intercept(trader: Trader, act: Any) -> None:
    """Put something between us and the venue, for creates."""
    venue: Any = trader.ground.venue
    serve = venue.server.handle

    class Between:
        def handle(self, request: Request) -> Response:
            if request.method == "POST":
                answer: Response = act(request, serve)
                return answer
            through: Response = serve(request)
            return through

    venue.server = Between()


# -- one order -------------------------------------------------------------------------


def test_it_sends_one_bounded_immediate_reducing_order(
    trader: Trader, market: Market
) -> None:
    plan = plan_for(trader, market, max_slippage="0.03")
    life = Life(trader, plan, store := Store())
    assert life.begin().state is ExitState.ARMED
    record = life.saw(trader.book(market))
    assert (record.state, record.filled, record.remaining) == (ExitState.FILLED, 5, 0)
    sent = json.loads(trader.writes[-1].body)
    assert Decimal(sent["price"]) == plan.stop_loss - Decimal("0.03") == record.price
    assert (sent["time_in_force"], sent["reduce_only"], sent["side"]) == (
        "immediate_or_cancel",
        True,
        "ask",
    )
    assert sent["client_order_id"] == record.client_order_id
    assert store.record() == record
    assert trader.fetch_positions(market_id=market.market_id) == []


def test_it_is_over_after_that(trader: Trader, market: Market) -> None:
    life = Life(trader, plan_for(trader, market), store := Store())
    life.begin()
    record = life.saw(trader.book(market))
    count = len(trader.writes)
    assert life.saw(trader.book(market)) == record
    again = Life(trader, plan_for(trader, market), store)
    assert again.begin() == record
    assert again.saw(trader.book(market)) == record
    assert len(trader.writes) == count


def test_a_book_that_says_nothing_sends_nothing(trader: Trader, market: Market) -> None:
    life = Life(trader, plan_for(trader, market, stop_loss="0.01"), Store())
    life.begin()
    count = len(trader.writes)
    assert life.saw(trader.book(market)).state is ExitState.ARMED
    assert len(trader.writes) == count


def test_it_sells_the_other_outcome_as_well(trader: Trader, market: Market) -> None:
    other = trader.fetch_order_book(market.market_id, outcome="no")
    trader.close_position(market.market_id, max_slippage="0.5")
    price = other.ask.price
    trader.create_order(market.market_id, "no", "buy", price, 5, time_in_force="ioc")
    plan = plan_for(trader, market, outcome="NO", stop_loss="0.99", max_slippage="0.9")
    life = Life(trader, plan, Store())
    life.begin()
    seen = trader.fetch_order_book(market.market_id, outcome="no")
    assert life.saw(seen).state is ExitState.FILLED
    assert trader.fetch_positions(market_id=market.market_id) == []


def test_what_does_not_fill_stays_held_and_is_said(
    trader: Trader, market: Market
) -> None:
    bid = trader.book(market).bid
    assert bid is not None
    more = bid.size + 5
    trader.lift(market, size=str(more))
    held = trader.fetch_positions(market_id=market.market_id)[0].size
    assert held > bid.size
    plan = plan_for(trader, market, size=held)
    life = Life(trader, plan, Store())
    life.begin()
    record = life.saw(trader.book(market))
    assert (record.state, record.filled) == (ExitState.PARTIAL, bid.size)
    assert record.remaining == held - bid.size
    (left,) = trader.fetch_positions(market_id=market.market_id)
    assert left.size == record.remaining


def test_an_order_that_nobody_meets_is_over_too(trader: Trader, market: Market) -> None:
    def vanish(request: Request, serve: Any) -> Response:
        # The bid that set it off is gone when the order arrives.
        body = json.loads(request.body or b"{}")
        body["price"] = "0.9990" if body["side"] == "ask" else "0.0010"
        return serve(attrs.evolve(request, body=json.dumps(body).encode()))

    life = Life(trader, plan_for(trader, market), Store())
    life.begin()
    seen = trader.book(market)
    intercept(trader, vanish)
    record = life.saw(seen)
    assert (record.state, record.filled) == (ExitState.UNFILLED, 0)
    assert len(trader.fetch_positions(market_id=market.market_id)) == 1


# -- restarts --------------------------------------------------------------------------


class Crash(BaseException):
    """The process dies."""


class Crashing(Store):
    """Kills the process at a write to disk, before or after it."""

    def __init__(self, state: ExitState, *, after: bool) -> None:
        super().__init__()
        self.state: ExitState | None = state
        self.after = after

    def save(
        self, account: Account, name: str, text: str, before: str | None
    ) -> str | None:
        dies = json.loads(text)["state"] == self.state
        stands = before
        if not dies or self.after:
            stands = super().save(account, name, text, before)
        if dies:
            self.state = None
            raise Crash
        return stands


@pytest.mark.parametrize(
    "state", [ExitState.ARMED, ExitState.SENDING, ExitState.FILLED]
)
@pytest.mark.parametrize("after", [False, True])
def test_fault_12_whenever_it_dies_there_is_one_order_in_the_end(
    ground: KalshiGround,
    trader: Trader,
    market: Market,
    flavour: str,
    state: ExitState,
    after: bool,
) -> None:
    store = Crashing(state, after=after)
    plan, seen = plan_for(trader, market), trader.book(market)
    first = Life(trader, plan, store)
    with pytest.raises(Crash):
        (first.begin(), first.saw(seen))
    second = Life(ground.trader(flavour, limits=FREE), plan, store)
    record = second.begin()
    if not record.is_over:
        ground.clock.advance(0.5)
        record = second.saw(seen)
    assert (record.state, record.filled) == (ExitState.FILLED, 5)
    assert len(at_venue(trader, record.client_order_id)) == 1


@pytest.mark.parametrize("kind", ["lost before", "lost after"])
def test_fault_02_and_03_a_lost_answer_is_looked_up_after_a_restart(
    ground: KalshiGround, trader: Trader, market: Market, flavour: str, kind: Any
) -> None:
    plan, seen, store = plan_for(trader, market), trader.book(market), Store()
    once = ground.trader(flavour, limits=FREE, retry=RetryPolicy(attempts=1))
    first = Life(once, plan, store)
    first.begin()
    once.suffer(kind)
    once.suffer("lost before", 99, reads=True, writes=False)
    assert first.saw(seen).state is ExitState.SENDING
    ground.venue.troubles.clear()
    kept = store.record()
    assert kept is not None
    assert kept.state is ExitState.SENDING
    second = Life(ground.trader(flavour, limits=FREE), plan, store)
    record = second.begin()
    expected = ExitState.FILLED if kind == "lost after" else ExitState.ARMED
    assert record.state is expected
    ground.clock.advance(0.5)
    record = second.saw(seen)
    assert record.state is ExitState.FILLED
    assert len(at_venue(trader, record.client_order_id)) == 1


@pytest.mark.parametrize("other", [False, True], ids=["same terms", "other terms"])
def test_fault_07_an_order_that_shows_late_is_taken_for_what_it_is(
    ground: KalshiGround, trader: Trader, market: Market, flavour: str, *, other: bool
) -> None:
    seen, store = trader.book(market), Store()
    profit = seen.bids[0].price
    plan = plan_for(trader, market, take_profit=profit, stop_loss=seen.bids[1].price)
    life = Life(trader, plan, store)
    life.begin()
    record = life.saw(seen)
    # As if it had not been found: armed again under the same key.
    store.put(trader, record.rearmed())
    trader.lift(market, size="5")
    second = Life(ground.trader(flavour, limits=FREE), plan, store)
    second.begin()
    low = attrs.evolve(seen, bids=seen.bids[1:])
    found = second.saw(low if other else seen)
    assert (found.state, found.order_id) == (ExitState.FILLED, record.order_id)
    assert len(at_venue(trader, record.client_order_id)) == 1
    (held,) = trader.fetch_positions(market_id=market.market_id)
    assert held.size == 5


def test_a_name_stands_for_one_exit(trader: Trader, market: Market) -> None:
    store = Store()
    Life(trader, plan_for(trader, market), store).begin()
    with pytest.raises(BadRequest, match="a new exit needs a new name"):
        Life(trader, plan_for(trader, market, size=4), store).begin()


# -- a price that jumps over the stop --------------------------------------------------


def test_fault_23_a_gap_does_not_use_a_stop_up(
    trader: Trader, market: Market, caplog: pytest.LogCaptureFixture
) -> None:
    life = Life(trader, plan_for(trader, market), store := Store())
    armed = life.begin()
    count, seen = len(trader.writes), trader.book(market)
    gap = attrs.evolve(seen, bids=seen.bids[1:])
    for _ in range(2):
        record = life.saw(gap)
        assert (record.state, record.missed_bid) == (
            ExitState.ARMED,
            seen.bids[1].price,
        )
    assert (len(trader.writes), store.record()) == (count, armed)
    assert caplog.text.count("is below its limit; it waits") == 1
    # Nobody bids at all: said once as well.
    for _ in range(2):
        assert life.saw(attrs.evolve(seen, bids=())).missed_bid == 0
    assert caplog.text.count("nobody bids; it waits") == 1
    record = life.saw(seen)
    assert (record.state, record.missed_bid) == (ExitState.FILLED, None)


# -- refusals --------------------------------------------------------------------------


def test_fault_12_what_an_earlier_run_left_open_is_waited_for(
    ground: KalshiGround, trader: Trader, market: Market, flavour: str, tmp_path: Path
) -> None:
    again = ground.trader(flavour, limits=FREE, journal=tmp_path / "orders.db")
    life = Life(again, plan_for(trader, market), store := Store())
    now = datetime.fromtimestamp(ground.clock.now(), UTC)
    left = attrs.evolve(
        intent(market_id=market.market_id),
        account=again.exchange.venue.account,
        written_at=now,
        arrives_by=now + timedelta(seconds=30),
    )
    store.note([left])
    life.begin()
    assert life.saw(seen := trader.book(market)).state is ExitState.ARMED
    assert (life.exiting.is_urgent, again.writes) == (True, [])
    ground.clock.advance(40)
    assert life.saw(seen).state is ExitState.FILLED


def test_a_refusal_that_waiting_cannot_help_ends_in_its_error(
    ground: KalshiGround, trader: Trader, market: Market
) -> None:
    life = Life(trader, plan_for(trader, market), store := Store())
    first = life.begin()
    seen = trader.book(market)
    ground.kalshi.engine.deactivate(market.market_id)
    ground.kalshi.engine.determine(market.market_id, Decimal(1))
    with pytest.raises(MarketClosed, match="trades no more"):
        life.saw(seen)
    # With the same key: whoever else may be sending it cannot make a second order.
    assert store.record() == first


def test_fault_09_a_refusal_for_speed_is_tried_again_with_the_next_book(
    trader: Trader, market: Market, caplog: pytest.LogCaptureFixture
) -> None:
    life = Life(trader, plan_for(trader, market), Store())
    life.begin()
    seen = trader.book(market)
    trader.suffer("429")
    assert life.saw(seen).state is ExitState.ARMED
    assert "goes on" in caplog.text
    assert life.saw(seen).state is ExitState.ARMED  # not before a while has passed
    trader.ground.clock.advance(0.5)
    record = life.saw(seen)
    assert record.state is ExitState.FILLED


def test_a_grid_that_changed_is_read_again(trader: Trader, market: Market) -> None:
    plan = plan_for(trader, market)
    life = Life(trader, plan, Store())
    life.begin()
    seen = trader.book(market)
    assert life.exiting._market is not None
    # As if the market had been finer when the exit was armed.
    odd = market.grid.lowest / 4
    life.exiting.record = attrs.evolve(
        life.exiting.record, plan=attrs.evolve(plan, max_slippage=odd)
    )
    fine = attrs.evolve(life.exiting._market, grid=type(market.grid).of(str(odd)))
    life.exiting._market = fine
    assert life.saw(seen).state is ExitState.ARMED
    trader.ground.clock.advance(0.5)
    assert life.saw(seen).state is ExitState.FILLED


def test_a_price_that_stays_wrong_is_raised(trader: Trader, market: Market) -> None:
    plan = plan_for(trader, market)
    life = Life(trader, plan, Store())
    life.begin()
    seen = trader.book(market)

    def refuse(request: Request, serve: Any) -> Response:
        error = {"code": "invalid_price", "message": "invalid price"}
        return Response(400, {}, json.dumps({"error": error}).encode())

    intercept(trader, refuse)
    with pytest.raises(InvalidPrice):
        life.saw(seen)


def test_an_immediate_order_that_is_shown_open_is_not_known(
    trader: Trader, market: Market
) -> None:
    life = Life(trader, plan_for(trader, market), store := Store())
    life.begin()
    seen = trader.book(market)

    def rests(request: Request, serve: Any) -> Response:
        told = {"order_id": "o1", "fill_count": "0.00", "remaining_count": "5.00"}
        return Response(201, {}, json.dumps(told).encode())

    intercept(trader, rests)
    assert life.saw(seen).state is ExitState.SENDING
    kept = store.record()
    assert kept is not None
    assert kept.state is ExitState.SENDING


def test_without_idempotency_an_order_that_is_not_found_is_not_sent_again(
    trader: Trader, market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan, store = plan_for(trader, market), Store()
    life = Life(trader, plan, store)
    record = life.begin()
    store.put(trader, record.sending(Trigger.STOP_LOSS, Decimal("0.5")))
    venue = trader.exchange.venue
    none = attrs.evolve(venue.facts, idempotent_create="none")
    monkeypatch.setattr(type(venue), "facts", none)
    with pytest.raises(OrderUnknown, match="a second one could not be told"):
        Life(trader, plan, store).begin()


def test_in_a_dry_run_nothing_is_sent_and_nothing_written_down(
    ground: KalshiGround, trader: Trader, market: Market, flavour: str
) -> None:
    rehearsal = ground.trader(flavour, limits=FREE, dry_run=True)
    life = Life(rehearsal, plan_for(trader, market), store := Store())
    life.begin()
    record = life.saw(trader.book(market))
    assert (record.state, store.record()) == (ExitState.UNFILLED, None)
    assert rehearsal.writes == []
    assert len(rehearsal.exchange.dry_runs) == 1


def test_fault_24_an_exit_that_meets_a_halt_stays_armed_and_says_so(
    trader: Trader, market: Market
) -> None:
    life = Life(trader, plan_for(trader, market), store := Store())
    armed = life.begin()
    trader.exchange.stop_new_orders("because")
    sent = len(trader.writes)
    with pytest.raises(Halted, match="exit 'exit' wanted to sell and has not"):
        life.saw(trader.book(market))
    assert len(trader.writes) == sent
    assert store.record() == armed
    trader.resume("found it")
    again = Life(trader, life.exiting.record.plan, store)
    again.begin()
    assert again.saw(trader.book(market)).state is ExitState.FILLED
