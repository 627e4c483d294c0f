"""A hedge: nothing by default, all legs alike, and a defined end when one fails."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable
from decimal import Decimal
from itertools import pairwise
from typing import Any

import attrs
import pytest

from tests.venues.kalshi.ground import KalshiGround, key_pair
from unified_exchanges.errors import (
    AuthenticationError,
    BadRequest,
    CombinationMarket,
    ConnectionLost,
    InvalidOrder,
    InvalidPrice,
    OrderRejected,
    VenueSchemaError,
)
from unified_exchanges.execution import (
    ExitPlan,
    HedgeLeg,
    HedgeReport,
    LegState,
    against,
    async_hedge,
    async_run_exit,
    contracts_for,
    hedge,
    marketable_limit,
    run_exit,
)
from unified_exchanges.execution.hedging import Hedging
from unified_exchanges.flow import Done, Flow, Request, Response, Sleep, advance
from unified_exchanges.guards import GuardPolicy
from unified_exchanges.models import (
    Leg,
    Market,
    Order,
    OrderRequest,
    Side,
    TimeInForce,
)
from unified_exchanges.policy import LimitPolicy, RetryPolicy
from unified_exchanges.testing.conformance import Trader

FREE = LimitPolicy(enabled=False, discover=False)
D = Decimal
Act = Callable[[dict[str, Any], Callable[[], Response]], Response]


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
    return ground.trader(flavour, limits=FREE, retry=RetryPolicy(attempts=1))


@pytest.fixture
def markets(trader: Trader) -> list[Market]:
    """Three markets with offers for both outcomes."""
    found = [
        m
        for m in trader.fetch_markets()
        if not m.legs and m.bid and m.ask and D("0.1") < m.bid < m.ask < D("0.9")
    ]
    return found[:3]


@pytest.fixture
def legs(markets: list[Market]) -> list[HedgeLeg]:
    first, second, third = (m.market_id for m in markets)
    return [HedgeLeg(first, "yes"), HedgeLeg(second, "NO"), HedgeLeg(third, "yes")]


def hedged(trader: Trader, legs: Any, budget: Any = 20, **settings: Any) -> HedgeReport:
    if trader.is_async:
        return asyncio.run(async_hedge(trader.exchange, legs, budget, **settings))
    return hedge(trader.exchange, legs, budget, **settings)


def exited(trader: Trader, plan: ExitPlan) -> None:
    if trader.is_async:
        asyncio.run(async_run_exit(trader.exchange, plan, timeout=1))
    else:
        run_exit(trader.exchange, plan, timeout=1)


def when(trader: Trader, market_id: str, act: Act, *, side: str | None = None) -> None:
    """Let something happen to the creates of one market."""
    venue: Any = trader.ground.venue
    serve = venue.server.handle

    class Between:
        def handle(self, request: Request) -> Response:
            body = json.loads(request.body or b"{}")
            concerned = (
                request.method == "POST"
                and body.get("ticker") == market_id
                and side in (None, body["side"])
            )
            if concerned:
                return act(body, lambda: serve(request))
            answer: Response = serve(request)
            return answer

    venue.server = Between()


def refuse(body: dict[str, Any], serve: Any) -> Response:
    error = {"code": "insufficient_balance", "message": "insufficient balance"}
    return Response(400, {}, json.dumps({"error": error}).encode())


def receipt(filled: str, remaining: str = "0.00") -> Act:
    told = {"order_id": "o1", "fill_count": filled, "remaining_count": remaining}
    return lambda body, serve: Response(201, {}, json.dumps(told).encode())


def busy(pause: str | None = None) -> Act:
    """Too many requests, for now."""
    error = json.dumps({"error": "too many requests"}).encode()
    headers = {} if pause is None else {"Retry-After": pause}
    return lambda body, serve: Response(429, headers, error)


def first(times: int, act: Act) -> Act:
    """So at first, then as ever."""
    left = iter(range(times))

    def acted(body: dict[str, Any], serve: Callable[[], Response]) -> Response:
        return serve() if next(left, None) is None else act(body, serve)

    return acted


def lose(body: dict[str, Any], serve: Any) -> Response:
    raise ConnectionLost("gone")


class At:
    """An exchange at which orders are created in another way."""

    def __init__(
        self, exchange: Any, placing: Callable[[OrderRequest], Flow[Order]]
    ) -> None:
        self.venue = exchange.venue
        self.placing = placing
        self.looking = exchange.looking
        self.ending = exchange.ending


def held(trader: Trader) -> dict[str, Decimal]:
    return {x.market_id: x.size for x in trader.fetch_positions(mark=False)}


# -- nothing by default ----------------------------------------------------------------


def test_nothing_is_sent_unless_it_is_asked_for(
    trader: Trader, legs: list[HedgeLeg]
) -> None:
    report = hedged(trader, legs)
    assert trader.writes == []
    assert (report.is_dry_run, report.is_complete) == (True, False)
    assert {leg.state for leg in report.legs} == {LegState.PLANNED}
    assert {leg.size for leg in report.legs} == {report.size}
    for leg in report.legs:
        assert leg.preview is not None
        assert json.loads(leg.preview.body)["count"] == f"{report.size:.2f}"
        assert leg.limit <= leg.bound
        assert leg.cost + leg.fees <= leg.most
    assert sum(leg.most for leg in report.legs) <= report.budget == 20
    assert report.payout == report.size
    assert report.worst_case == -(report.cost + report.fees)
    assert report.if_one_pays == report.payout + report.worst_case
    assert str(report).startswith("DRY RUN, nothing was sent")


def test_an_exchange_in_a_dry_run_sends_nothing_whatever_is_asked(
    ground: KalshiGround, flavour: str, legs: list[HedgeLeg]
) -> None:
    rehearsal = ground.trader(flavour, limits=FREE, dry_run=True)
    report = hedged(rehearsal, legs, dry_run=False)
    assert (report.is_dry_run, rehearsal.writes) == (True, [])


def test_what_is_planned_is_what_is_done(trader: Trader, legs: list[HedgeLeg]) -> None:
    before = trader.fetch_balance().available
    planned, done = hedged(trader, legs), hedged(trader, legs, dry_run=False)
    assert done.is_complete
    assert [x.filled for x in done.legs] == [planned.size] * 3
    assert [(x.limit, x.cost) for x in done.legs] == [
        (x.limit, x.cost) for x in planned.legs
    ]
    assert all(leg.is_exact for leg in done.legs)
    assert done.cost + done.fees <= done.budget
    assert (done.payout, done.unresolved) == (planned.size, ())
    assert set(held(trader).values()) == {planned.size}
    fills = trader.fetch_fills()
    assert done.fees == sum(fill.fee for fill in fills)
    assert before - done.cost - done.fees == trader.fetch_balance().available


@pytest.mark.parametrize("budget", ["0.75", "3.33", "57.01", "250"])
def test_the_budget_holds_to_the_last_digit(
    trader: Trader, legs: list[HedgeLeg], budget: str
) -> None:
    before = trader.fetch_balance().available
    report = hedged(trader, legs, budget, dry_run=False, max_slippage="0.10")
    spent = before - trader.fetch_balance().available
    assert report.is_complete
    assert report.cost + report.fees == spent <= D(budget)


CRUMBS = 250


def test_the_budget_holds_though_a_leg_fills_in_crumbs(
    trader: Trader, markets: list[Market]
) -> None:
    market_id = markets[0].market_id
    book = trader.fetch_order_book(market_id, outcome="yes")
    price = book.asks[0].price
    key = trader.ground.kalshi.add_account(public_key=key_pair().public_key)
    other = trader.ground.trader("blocking", limits=FREE, api_key=key.key_id).exchange
    other.create_order(market_id, "yes", "buy", price, book.asks[0].size)
    for _ in range(CRUMBS):
        other.create_order(market_id, "yes", "sell", price, "0.01")
    before = trader.fetch_balance().available
    report = hedged(
        trader, [HedgeLeg(market_id, "yes")], "1", dry_run=False, max_slippage=0
    )
    spent = before - trader.fetch_balance().available
    assert report.is_complete
    assert len(trader.fetch_fills()) == report.size * 100
    assert spent == report.cost + report.fees <= report.legs[0].most <= 1


def test_legs_are_all_or_nothing_where_the_venue_can_do_that(
    trader: Trader, legs: list[HedgeLeg], monkeypatch: pytest.MonkeyPatch
) -> None:
    def words() -> set[str]:
        previews = [leg.preview for leg in hedged(trader, legs).legs]
        return {json.loads(x.body)["time_in_force"] for x in previews if x}

    assert words() == {"fill_or_kill"}
    venue = trader.exchange.venue
    facts = attrs.evolve(venue.facts, time_in_force=(TimeInForce.IOC,))
    monkeypatch.setattr(type(venue), "facts", facts)
    assert words() == {"immediate_or_cancel"}


# -- when a leg fails ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("on_failure", "states"),
    [
        ("stop", ["filled", "refused", "skipped"]),
        ("hold", ["filled", "refused", "filled"]),
        ("unwind", ["filled", "refused", "skipped"]),
    ],
)
def test_fault_21_a_refused_leg_is_followed_by_what_was_chosen(
    trader: Trader, legs: list[HedgeLeg], on_failure: Any, states: list[str]
) -> None:
    before = trader.fetch_balance().available
    when(trader, legs[1].market_id, refuse)
    report = hedged(trader, legs, dry_run=False, on_failure=on_failure)
    assert [str(leg.state) for leg in report.legs] == states
    assert type(report.legs[1].error).__name__ == "InsufficientFunds"
    # Exposure is told as it is now, and nothing is entered again by itself.
    unwinds = on_failure == "unwind"
    expected = {
        leg.market_id: report.size
        for leg, state in zip(report.legs, states, strict=True)
        if state == "filled" and not unwinds
    }
    assert (
        held(trader)
        == expected
        == {leg.market_id: leg.held for leg in report.legs if leg.held}
    )
    assert report.payout == 0
    assert report.legs[0].unwound == (report.size if unwinds else 0)
    assert before + report.worst_case == trader.fetch_balance().available


def test_unwinding_is_bounded_and_only_reduces(
    trader: Trader, legs: list[HedgeLeg], markets: list[Market]
) -> None:
    when(trader, legs[1].market_id, refuse)
    report = hedged(
        trader, legs, dry_run=False, on_failure="unwind", unwind_slippage="0"
    )
    sold = json.loads(trader.writes[-1].body)
    best = markets[0].bid
    assert (D(sold["price"]), sold["reduce_only"], sold["time_in_force"]) == (
        best,
        True,
        "immediate_or_cancel",
    )
    assert report.legs[0].unwinding is not None
    # What buying and selling back cost, and no contract is left.
    assert (report.legs[0].held, report.cost > 0) == (0, True)
    assert "sold back" in str(report)


def test_what_cannot_be_unwound_is_said_and_still_held(
    trader: Trader, legs: list[HedgeLeg]
) -> None:
    when(trader, legs[1].market_id, refuse)
    when(trader, legs[0].market_id, refuse, side="ask")
    report = hedged(trader, legs, dry_run=False, on_failure="unwind")
    assert report.legs[0].unwinding_error is not None
    assert report.legs[0].held == report.size == held(trader)[legs[0].market_id]
    assert str(report.legs[0].unwinding_error) in str(report)


def test_fault_02_a_sale_back_of_which_nobody_knows_is_unresolved(
    trader: Trader, legs: list[HedgeLeg]
) -> None:
    when(trader, legs[1].market_id, refuse)
    when(trader, legs[0].market_id, lose, side="ask")
    report = hedged(trader, legs, dry_run=False, on_failure="unwind")
    lost = report.legs[0].unwinding_error
    assert lost is not None
    assert lost.client_order_id is not None
    assert report.unresolved == (lost.client_order_id,)
    assert (report.is_complete, report.legs[0].unwound) == (False, 0)
    # Until it is known nothing counts as got back.
    assert report.worst_case == -(report.cost + report.fees)


@pytest.mark.parametrize(("pause", "least"), [(None, 1.0), ("3", 6.0)])
def test_fault_19_a_sale_back_that_is_refused_for_now_is_tried_again(
    trader: Trader, legs: list[HedgeLeg], pause: str | None, least: float
) -> None:
    when(trader, legs[1].market_id, busy())
    when(trader, legs[0].market_id, first(2, busy(pause)), side="ask")
    began = trader.ground.clock.monotonic()
    report = hedged(trader, legs, dry_run=False, on_failure="unwind")
    first_leg = report.legs[0]
    assert (first_leg.unwound, first_leg.unwinding_error) == (report.size, None)
    assert (held(trader), report.unresolved) == ({}, ())
    assert trader.ground.clock.monotonic() - began >= least
    sales = [json.loads(x.body) for x in trader.writes[2:]]
    # Always the same id: two of them cannot both be placed.
    assert len(sales) == 3
    assert len({x["client_order_id"] for x in sales}) == 1


@pytest.mark.parametrize(
    ("pauses", "least", "most"),
    [(("5", "1"), 5.0, 6.0), (("1", "5"), 5.0, 6.0), (("0", "0"), 0.5, 1.0)],
)
def test_fault_19_sales_back_wait_as_long_as_any_of_them_must(
    trader: Trader,
    legs: list[HedgeLeg],
    pauses: tuple[str, str],
    least: float,
    most: float,
) -> None:
    at: list[float] = []

    def late(act: Act) -> Act:
        def acted(body: dict[str, Any], serve: Callable[[], Response]) -> Response:
            at.append(trader.ground.clock.monotonic())
            return act(body, serve)

        return acted

    # NO is sold by buying YES.
    for leg, pause, side in zip(legs, pauses, ("ask", "bid"), strict=False):
        when(trader, leg.market_id, late(first(1, busy(pause))), side=side)
    when(trader, legs[2].market_id, refuse)
    report = hedged(trader, legs, dry_run=False, on_failure="unwind")
    assert [leg.unwound for leg in report.legs] == [report.size, report.size, 0]
    assert len(at) == 4
    assert least <= at[2] - at[1] <= most


def test_fault_19_a_sale_back_that_stays_refused_is_pressed_less_and_less(
    trader: Trader, legs: list[HedgeLeg]
) -> None:
    at: list[float] = []

    def act(body: dict[str, Any], serve: Callable[[], Response]) -> Response:
        at.append(trader.ground.clock.monotonic())
        return busy()(body, serve)

    when(trader, legs[1].market_id, refuse)
    when(trader, legs[0].market_id, act, side="ask")
    hedged(trader, legs, dry_run=False, on_failure="unwind")
    # No guard counts what only closes: a dozen in a minute are all that ever leave.
    assert len(at) <= 12
    pauses = [later - sooner for sooner, later in pairwise(at)]
    assert pauses == pytest.approx([0.5, 1, 2, 4, *[8] * (len(at) - 5)], abs=0.3)


def test_fault_19_a_sale_back_that_stays_refused_ends_after_a_minute(
    trader: Trader, legs: list[HedgeLeg]
) -> None:
    when(trader, legs[1].market_id, refuse)
    when(trader, legs[0].market_id, busy(), side="ask")
    began = trader.ground.clock.monotonic()
    report = hedged(trader, legs, dry_run=False, on_failure="unwind")
    assert 50 < trader.ground.clock.monotonic() - began < 70
    assert type(report.legs[0].unwinding_error).__name__ == "RateLimitExceeded"
    assert report.legs[0].held == held(trader)[legs[0].market_id] == report.size


def test_fault_19_a_sale_back_that_waits_does_not_keep_the_others_waiting(
    trader: Trader, legs: list[HedgeLeg]
) -> None:
    when(trader, legs[2].market_id, refuse)
    when(trader, legs[0].market_id, first(1, busy()), side="ask")
    report = hedged(trader, legs, dry_run=False, on_failure="unwind")
    assert [leg.unwound for leg in report.legs] == [report.size, report.size, 0]
    sold = [json.loads(x.body)["ticker"] for x in trader.writes[3:]]
    one, other = legs[0].market_id, legs[1].market_id
    assert sold == [one, other, one]


def test_fault_02_a_sale_back_of_which_nobody_knows_is_not_tried_again(
    trader: Trader, legs: list[HedgeLeg]
) -> None:
    when(trader, legs[1].market_id, refuse)
    when(trader, legs[0].market_id, first(1, lose), side="ask")
    report = hedged(trader, legs, dry_run=False, on_failure="unwind")
    assert len(report.unresolved) == 1
    assert len(trader.writes) == 3


@pytest.mark.parametrize("reads", [0, 999])
def test_fault_02_a_sale_back_that_was_placed_after_all_is_looked_up(
    trader: Trader, legs: list[HedgeLeg], reads: int
) -> None:
    sent: list[str] = []

    def place(body: dict[str, Any], serve: Callable[[], Response]) -> Response:
        answer = serve()
        sent.append(body["client_order_id"])
        if len(sent) == 1:
            return busy()(body, serve)
        if reads:
            trader.suffer("lost before", reads, reads=True, writes=False)
        return answer

    when(trader, legs[1].market_id, refuse)
    when(trader, legs[0].market_id, place, side="ask")
    report = hedged(trader, legs, dry_run=False, on_failure="unwind")
    trader.relieve()
    assert held(trader) == {}
    assert sent == [sent[0]] * 2
    assert report.unresolved == ((sent[0],) if reads else ())
    assert report.legs[0].unwound == (0 if reads else report.size)


def test_fault_02_a_sale_back_that_rests_is_unresolved(
    trader: Trader, legs: list[HedgeLeg]
) -> None:
    when(trader, legs[1].market_id, refuse)
    when(trader, legs[0].market_id, receipt("0.00", "1.00"), side="ask")
    report = hedged(trader, legs, dry_run=False, on_failure="unwind")
    sale = report.legs[0].unwinding
    assert sale is not None
    assert report.unresolved == (sale.client_order_id,)
    assert "UNRESOLVED" in str(report)


@pytest.mark.parametrize("on_failure", ["stop", "hold"])
def test_fault_02_a_leg_of_which_nobody_knows_ends_the_placing(
    trader: Trader, legs: list[HedgeLeg], on_failure: Any
) -> None:
    when(trader, legs[1].market_id, lose)
    report = hedged(trader, legs, dry_run=False, on_failure=on_failure)
    states = [str(leg.state) for leg in report.legs]
    assert states == ["filled", "unknown", "skipped"]
    unknown = report.legs[1]
    assert report.unresolved == (unknown.client_order_id,)
    assert unknown.client_order_id is not None
    gone = report.cost + report.fees + unknown.most
    assert report.worst_case == -gone
    assert report.legs[0].held == report.size
    assert f"UNRESOLVED: {unknown.client_order_id} may be at the venue" in str(report)


def lose_answer(trader: Trader, reads: int) -> Act:
    """The order arrives and its answer does not, nor do those to so many reads."""

    def act(body: dict[str, Any], serve: Callable[[], Response]) -> Response:
        serve()
        trader.suffer("lost before", reads, reads=True, writes=False)
        raise ConnectionLost("gone")

    return act


def test_fault_02_nothing_is_sold_back_while_a_leg_is_unknown(
    trader: Trader, legs: list[HedgeLeg]
) -> None:
    when(trader, legs[1].market_id, lose_answer(trader, 9_999))
    report = hedged(trader, legs[:2], dry_run=False, on_failure="unwind")
    trader.relieve()
    assert [str(leg.state) for leg in report.legs] == ["filled", "unknown"]
    # It had filled: with the other one sold, it would be held naked.
    assert held(trader) == dict.fromkeys([x.market_id for x in legs[:2]], report.size)
    assert report.unresolved == (report.legs[1].client_order_id,)
    assert "UNRESOLVED: nothing was sold back, since" in str(report)
    assert report.legs[0].unwinding is report.legs[0].unwinding_error is None


def test_fault_02_a_leg_whose_answer_was_lost_is_looked_up_and_not_unwound(
    trader: Trader, legs: list[HedgeLeg]
) -> None:
    when(trader, legs[1].market_id, lose_answer(trader, 9))
    report = hedged(trader, legs[:2], dry_run=False, on_failure="unwind")
    assert (report.is_complete, report.unresolved) == (True, ())
    assert [leg.error for leg in report.legs] == [None, None]
    assert held(trader) == {leg.market_id: leg.held for leg in report.legs}


def test_fault_02_a_leg_that_is_found_late_is_sold_back_with_the_others(
    trader: Trader, legs: list[HedgeLeg]
) -> None:
    # Buying NO is selling YES here: the sale back is not hit.
    when(trader, legs[1].market_id, lose_answer(trader, 9), side="ask")
    report = hedged(trader, legs, dry_run=False, on_failure="unwind")
    states = [str(leg.state) for leg in report.legs]
    assert states == ["filled", "filled", "skipped"]
    assert [leg.unwound for leg in report.legs] == [report.size, report.size, 0]
    assert held(trader) == {}


def test_fault_02_a_leg_that_is_proven_absent_lets_the_others_be_sold_back(
    trader: Trader, legs: list[HedgeLeg]
) -> None:
    when(trader, legs[1].market_id, lose)
    report = hedged(trader, legs, dry_run=False, on_failure="unwind")
    states = [str(leg.state) for leg in report.legs]
    assert states == ["filled", "refused", "skipped"]
    assert (report.unresolved, held(trader)) == ((), {})
    assert "is proven not to be there" in str(report)


def test_fault_02_a_leg_that_rests_is_unknown_until_it_ends(
    trader: Trader, legs: list[HedgeLeg]
) -> None:
    when(trader, legs[1].market_id, receipt("0.00", "1.00"))
    report = hedged(trader, legs, dry_run=False, on_failure="unwind")
    assert [str(leg.state) for leg in report.legs] == ["filled", "unknown", "skipped"]
    assert report.legs[0].held == report.size


# -- what is held of the other outcome -------------------------------------------------


@pytest.fixture
def other_held(trader: Trader, markets: list[Market]) -> Decimal:
    """Contracts held against the first leg."""
    price = trader.fetch_order_book(markets[0].market_id, outcome="no").ask.price
    trader.create_order(markets[0].market_id, "no", "buy", price, 3)
    assert held(trader) == {markets[0].market_id: 3}
    return D(3)


@pytest.mark.parametrize("dry_run", [True, False])
def test_a_leg_that_would_close_a_position_cannot_be_unwound_and_is_refused(
    trader: Trader, legs: list[HedgeLeg], other_held: Decimal, *, dry_run: bool
) -> None:
    count = len(trader.writes)
    with pytest.raises(InvalidOrder, match=r"would close the 3\S* no that you hold"):
        hedged(trader, legs, dry_run=dry_run, on_failure="unwind")
    assert (len(trader.writes), held(trader)) == (
        count,
        {legs[0].market_id: other_held},
    )


@pytest.mark.parametrize("dry_run", [True, False])
def test_what_closes_a_position_does_not_count_as_held(
    trader: Trader, legs: list[HedgeLeg], other_held: Decimal, *, dry_run: bool
) -> None:
    report = hedged(trader, legs, dry_run=dry_run)
    first = report.legs[0]
    assert (first.netted, first.held) == (other_held, report.size - other_held)
    assert [leg.netted for leg in report.legs[1:]] == [0, 0]
    # The pairs that were closed have paid already.
    assert report.payout == report.size
    assert "closed what was held of the other outcome" in str(report)
    if not dry_run:
        assert held(trader) == {leg.market_id: leg.held for leg in report.legs}


def test_both_outcomes_of_a_market_are_no_hedge_where_they_net(
    trader: Trader, legs: list[HedgeLeg]
) -> None:
    both = [legs[0], HedgeLeg(legs[0].market_id, "no")]
    with pytest.raises(BadRequest, match="both outcomes of a market cannot be held"):
        hedged(trader, both)


def test_where_outcomes_are_held_apart_a_leg_closes_nothing(
    trader: Trader,
    legs: list[HedgeLeg],
    other_held: Decimal,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(type(trader.exchange.venue), "first_outcome", None)
    report = hedged(trader, legs, on_failure="unwind")
    assert (other_held, report.legs[0].netted) == (3, 0)


def test_whoever_has_no_account_can_still_rehearse(
    ground: KalshiGround, flavour: str, legs: list[HedgeLeg]
) -> None:
    guest = ground.trader(flavour, limits=FREE, api_key=None, private_key=None)
    assert hedged(guest, legs, on_failure="unwind").is_dry_run
    with pytest.raises(AuthenticationError):
        hedged(guest, legs, dry_run=False)


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        (receipt("0.00"), LegState.UNFILLED),
        (receipt("1.00"), LegState.PARTIAL),
        (receipt("0.00", "1.00"), LegState.UNKNOWN),
    ],
)
def test_a_leg_that_does_not_fill_whole_has_failed(
    trader: Trader, legs: list[HedgeLeg], answer: Act, state: LegState
) -> None:
    when(trader, legs[1].market_id, answer)
    report = hedged(trader, legs, dry_run=False)
    assert [leg.state for leg in report.legs] == [
        LegState.FILLED,
        state,
        LegState.SKIPPED,
    ]
    assert (report.is_complete, report.payout) == (
        False,
        0,
    )


def test_fault_28_fills_that_do_not_show_are_estimated_and_marked(
    trader: Trader, legs: list[HedgeLeg]
) -> None:
    when(trader, legs[0].market_id, receipt("2.00"))
    (leg,) = hedged(trader, legs[:1], dry_run=False).legs
    assert (leg.is_exact, leg.filled, leg.cost) == (False, 2, 2 * leg.limit)
    assert leg.fees > 0


def test_fault_28_fills_of_which_some_do_not_show_are_not_taken_for_all(
    trader: Trader, legs: list[HedgeLeg]
) -> None:
    venue: Any = trader.ground.venue
    serve = venue.server.handle

    class Lagging:
        def handle(self, request: Request) -> Response:
            answer: Response = serve(request)
            if "/portfolio/fills" not in request.url:
                return answer
            told = json.loads(answer.body)
            for fill in told["fills"]:
                fill["count_fp"] = "1.00"
            return Response(200, answer.headers, json.dumps(told).encode())

    venue.server = Lagging()
    (leg,) = hedged(trader, legs[:1], dry_run=False).legs
    assert leg.filled > 1
    assert (leg.is_exact, leg.cost) == (False, leg.filled * leg.limit)


def test_fault_28_fills_that_cannot_be_read_are_estimated_too(
    trader: Trader, legs: list[HedgeLeg]
) -> None:
    def place(body: dict[str, Any], serve: Callable[[], Response]) -> Response:
        trader.suffer("lost before", 99, reads=True, writes=False)
        return serve()

    when(trader, legs[0].market_id, place)
    (leg,) = hedged(trader, legs[:1], dry_run=False).legs
    assert (leg.is_exact, leg.state) == (False, LegState.FILLED)
    assert leg.cost == leg.filled * leg.limit


def test_fault_28_fills_that_cannot_be_read_are_waited_for_once_for_all_legs(
    trader: Trader, legs: list[HedgeLeg]
) -> None:
    venue: Any = trader.ground.venue
    serve, slow = venue.server.handle, 2.0

    class Failing:
        def handle(self, request: Request) -> Response:
            if "/portfolio/fills" not in request.url:
                answer: Response = serve(request)
                return answer
            trader.ground.clock.advance(slow)
            return Response(500, {}, b"")

    venue.server = Failing()
    began = trader.ground.clock.monotonic()
    report = hedged(trader, legs, dry_run=False)
    assert trader.ground.clock.monotonic() - began < 15
    assert [leg.state for leg in report.legs] == [LegState.FILLED] * 3
    assert [leg.is_exact for leg in report.legs] == [False] * 3
    # What is not known is told as the most that it may be.
    assert [leg.cost + leg.fees for leg in report.legs] == [x.most for x in report.legs]


def test_fault_47_an_interrupt_leaves_what_was_done_in_the_log(
    trader: Trader, legs: list[HedgeLeg], caplog: pytest.LogCaptureFixture
) -> None:
    class Interrupt(BaseException):
        pass

    def interrupt(body: dict[str, Any], serve: Any) -> Response:
        raise Interrupt

    when(trader, legs[1].market_id, interrupt)
    with (
        caplog.at_level(logging.WARNING, "unified_exchanges"),
        pytest.raises(Interrupt),
    ):
        hedged(trader, legs, dry_run=False)
    told = [r.getMessage() for r in caplog.records if "in a hedge" in r.getMessage()]
    assert len(told) == 3
    assert "filled: buy" in told[0]


# -- before anything is sent -----------------------------------------------------------


def test_fault_14_what_our_own_checks_refuse_leaves_no_half_hedge(
    ground: KalshiGround, flavour: str, legs: list[HedgeLeg], markets: list[Market]
) -> None:
    last = HedgeLeg(legs[2].market_id, "yes", "0.0000001")
    cases: list[tuple[Any, dict[str, Any], type[BadRequest]]] = [
        ([*legs[:2], last], {}, InvalidPrice),
        (legs, {"guards": GuardPolicy(max_order_cost=D("0.5"))}, InvalidOrder),
    ]
    for asked, settings, kind in cases:
        trader = ground.trader(flavour, limits=FREE, **settings)
        with pytest.raises(kind):
            hedged(trader, asked, dry_run=False)
        assert trader.writes == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"legs": []}, "at least one leg"),
        ({"on_failure": "panic"}, "not one of hold, unwind, stop"),
        ({"dry_run": None}, "neither True nor False"),
        ({"budget": -1}, "budget"),
        ({"max_slippage": "x"}, "max_slippage"),
    ],
)
def test_a_hedge_that_makes_no_sense_is_refused(
    trader: Trader, legs: list[HedgeLeg], change: dict[str, Any], message: str
) -> None:
    with pytest.raises(BadRequest, match=message):
        hedged(trader, **{"legs": legs, **change})
    assert trader.transport.requests[-1].method == "GET"


def test_an_outcome_is_named_once(trader: Trader, legs: list[HedgeLeg]) -> None:
    twice = [legs[0], HedgeLeg(legs[0].market_id, "YES")]
    with pytest.raises(BadRequest, match="each outcome once"):
        hedged(trader, twice)


def test_a_budget_that_is_too_small_says_what_it_would_take(
    trader: Trader, legs: list[HedgeLeg]
) -> None:
    with pytest.raises(InvalidOrder, match=r"of each leg take 0\.0\d+ dollars"):
        hedged(trader, legs, "0.001")


# -- combinations ----------------------------------------------------------------------


def combination(trader: Trader) -> Market:
    """A combination market, made of two plain ones."""
    (collection, *_) = trader.request("GET", "/multivariate_event_collections")[
        "multivariate_contracts"
    ]
    chosen: list[dict[str, str]] = []
    for event in collection["associated_events"][:2]:
        for market in trader.fetch_event(event["ticker"]).markets:
            if market.status == "open" and market.bid and market.ask:
                chosen.append(
                    {
                        "market_ticker": market.market_id,
                        "event_ticker": market.event_id,
                        "side": "yes",
                    }
                )
                break
    path = f"/multivariate_event_collections/{collection['collection_ticker']}"
    made = trader.request("POST", path, body={"selected_markets": chosen})
    found: Market = trader.fetch_market(made["market_ticker"])
    return found


def test_a_combination_is_refused_with_its_legs_and_hedged_by_them(
    trader: Trader,
) -> None:
    parlay = combination(trader)
    assert (parlay.is_combination, len(parlay.legs)) == (True, 2)
    count = len(trader.writes)
    with pytest.raises(CombinationMarket) as told:
        hedged(trader, [HedgeLeg(parlay.market_id, "yes")], dry_run=False)
    assert told.value.legs == parlay.legs
    plan = ExitPlan(
        name="parlay",
        market_id=parlay.market_id,
        outcome="yes",
        size=1,
        stop_loss="0.5",
        max_slippage=0,
    )
    with pytest.raises(CombinationMarket) as told:
        exited(trader, plan)
    assert told.value.legs == parlay.legs
    with pytest.raises(CombinationMarket) as told:
        contracts_for(20, "0.50", parlay, fees=None)
    assert told.value.legs == parlay.legs
    # Its legs are in the words, for whoever only reads them.
    assert all(leg.market_id in str(told.value) for leg in parlay.legs)
    # A book is a book: what it gives now is no matter of conditions.
    book = trader.fetch_order_book(parlay.market_id)
    assert marketable_limit(book, "buy", 1, "0.99").market_id == parlay.market_id
    ids = [leg.market_id for leg in parlay.legs]
    legs = against(parlay, trader.fetch_markets(market_ids=ids))
    assert [leg.outcome for leg in legs] == ["no", "no"]
    assert len(trader.writes) == count
    report = hedged(trader, legs, dry_run=False)
    assert report.is_complete
    assert held(trader) == dict.fromkeys(ids, report.size)


def test_legs_of_a_combination_are_legs_of_a_hedge(
    trader: Trader, legs: list[HedgeLeg]
) -> None:
    report = hedged(trader, [Leg("EVENT", legs[0].market_id, "yes")])
    assert report.legs[0].market_id == legs[0].market_id


def test_steps_can_be_taken_by_hand(trader: Trader, legs: list[HedgeLeg]) -> None:
    hedging = Hedging.read(
        legs,
        20,
        max_slippage="0.02",
        unwind_slippage=0,
        dry_run=True,
        on_failure="stop",
    )
    flow = hedging.flow(trader.exchange)
    step = advance(flow, None)
    assert not isinstance(step, Done)
    flow.close()


def test_fault_02_a_leg_is_unknown_by_whatever_error_it_may_be_at_the_venue(
    ground: KalshiGround, legs: list[HedgeLeg]
) -> None:
    exchange = ground.trader("blocking", limits=FREE).exchange
    hedging = Hedging.read(
        legs,
        20,
        max_slippage="0.02",
        unwind_slippage=0,
        dry_run=False,
        on_failure="stop",
    )

    def placing(request: OrderRequest) -> Flow[Order]:
        yield Sleep(0)
        raise VenueSchemaError("no sense", maybe_executed=True, client_order_id="k")

    report = exchange.run(hedging.flow(At(exchange, placing)))
    assert [str(x.state) for x in report.legs] == ["unknown", "skipped", "skipped"]
    assert report.unresolved == ("k",)


def test_fault_02_a_sale_back_is_not_tried_again_by_whatever_error_it_may_be_there(
    ground: KalshiGround, legs: list[HedgeLeg]
) -> None:
    exchange = ground.trader("blocking", limits=FREE).exchange
    hedging = Hedging.read(
        legs,
        20,
        max_slippage="0.02",
        unwind_slippage="0.05",
        dry_run=False,
        on_failure="unwind",
    )
    sales = []

    def placing(request: OrderRequest) -> Flow[Order]:
        if request.side is Side.SELL:
            sales.append(request)
            raise ConnectionLost("gone", maybe_executed=True, client_order_id="k")
        if request.market_id == legs[1].market_id:
            raise OrderRejected("no")
        return (yield from exchange.placing(request))

    report = exchange.run(hedging.flow(At(exchange, placing)))
    assert (len(sales), report.unresolved) == (1, ("k",))


@pytest.mark.parametrize("on_failure", ["stop", "hold", "unwind"])
def test_fault_24_a_halt_ends_the_placing_whatever_was_chosen(
    trader: Trader, legs: list[HedgeLeg], on_failure: Any
) -> None:
    def act(body: dict[str, Any], serve: Callable[[], Response]) -> Response:
        answer = serve()
        trader.exchange.stop_new_orders("meanwhile")
        return answer

    when(trader, legs[0].market_id, act)
    report = hedged(trader, legs, dry_run=False, on_failure=on_failure)
    states = [str(leg.state) for leg in report.legs]
    assert states == ["filled", "refused", "skipped"]
    assert type(report.legs[1].error).__name__ == "Halted"
    # Nor is anything sold back: that would be an order too.
    unwinding = report.legs[0].unwinding_error
    assert type(unwinding).__name__ == (
        "Halted" if on_failure == "unwind" else "NoneType"
    )
    assert report.legs[0].held == report.size
    assert len(trader.writes) == 1
    assert "halted" in str(report)
