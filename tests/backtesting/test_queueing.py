"""What fills at rest in a backtest, and what the same order would have got at the venue.

The crowd trades twice on the engine of the simulated venues: with our orders among them, and
without.  Prices and sizes are few, so that queues form, are eaten up and form again.
"""

from __future__ import annotations

from decimal import Decimal

from hypothesis import event, example, given, settings
from hypothesis import strategies as st

from unified_exchanges.money import total

from .crowd import (
    Act,
    Filling,
    World,
    backtested,
    course,
    filled,
    left,
    moment_of,
    without_ours,
    world,
)

SIDES = st.sampled_from(["bid", "ask"])
SIZES = st.integers(1, 12)
RESTS = st.one_of(
    st.builds(Act, st.just("rest"), st.just("bid"), st.integers(47, 50), SIZES),
    st.builds(Act, st.just("rest"), st.just("ask"), st.integers(49, 52), SIZES),
)
OTHERS = st.one_of(
    RESTS,
    st.builds(Act, st.just("take"), st.just("ask"), st.integers(46, 50), SIZES),
    st.builds(Act, st.just("take"), st.just("bid"), st.integers(49, 53), SIZES),
)
CANCELS = st.integers(0, 9).map(lambda x: Act("cancel", which=x))
BIDS = st.builds(Act, st.just("place"), st.just("bid"), st.integers(47, 49), SIZES)
ASKS = st.builds(Act, st.just("place"), st.just("ask"), st.integers(50, 52), SIZES)
WITHDRAWALS = st.integers(0, 4).map(lambda x: Act("withdraw", which=x))


def scripts(*more: st.SearchStrategy[Act]) -> st.SearchStrategy[list[Act]]:
    """What others do, among it some of what else may be done."""
    return st.lists(st.one_of(OTHERS, OTHERS, OTHERS, *more), min_size=8, max_size=40)


EVERYTHING = scripts(CANCELS, BIDS, ASKS, WITHDRAWALS)
ONE_A_SIDE = st.builds(
    lambda bid, ask, before, after: [*before, bid, ask, *after],
    BIDS,
    ASKS,
    st.lists(OTHERS, max_size=8),
    scripts(),
)


def arrivals(played: World) -> list[int]:
    """When each of our orders was placed."""
    acts = enumerate(played.script, 1)
    return [moment_of(number) for number, act in acts if act.verb == "place"]


# One taker meets eight of ours and others': seven are of our first, one is of others.
TWO_AT_A_PRICE = [
    Act("rest", "bid", 48, 5),
    Act("place", "bid", 49, 7),
    Act("rest", "bid", 49, 7),
    Act("place", "bid", 49, 1),
    Act("take", "ask", 48, 8),
]
# The same at two prices: of what our better one took nothing comes to the other.
TWO_PRICES = [
    Act("rest", "bid", 47, 2),
    Act("rest", "bid", 50, 8),
    Act("rest", "bid", 48, 1),
    Act("place", "bid", 48, 1),
    Act("place", "bid", 49, 2),
    Act("take", "ask", 47, 11),
]


def noted(fills: object) -> None:
    event("something of ours filled" if fills else "nothing of ours filled")


@given(EVERYTHING)
@example(TWO_AT_A_PRICE)
@example(TWO_PRICES)
@settings(max_examples=200, deadline=None)
def test_an_order_never_gets_more_or_sooner_than_it_would_have_got(
    script: list[Act],
) -> None:
    told = without_ours(script)
    real = world(told.script, with_ours=True)
    fills, _ = backtested(told)
    noted(fills)
    placed = arrivals(told)
    for key, order in told.orders.items():
        # The one thing that nobody is told: whom our earlier fills left standing.
        before = total(
            filled(fills, other, placed[key])
            for other in range(key)
            if told.orders[other].side == order.side
        )
        ours, theirs = course(told, fills, key), course(real, real.fills, key)
        assert all(x <= y + before for x, y in zip(ours, theirs, strict=True))
        limit = Decimal(order.price) / 100
        better = min if order.side == "bid" else max
        assert {price for _, price, _ in fills.get(key, [])} <= {limit}
        assert all(better(x, limit) == x for _, x, _ in real.fills.get(key, []))


def seen_whole(script: list[Act]) -> World:
    """Without those who found less than they wanted, as what they wanted is not told."""
    told = without_ours(script)
    while told.unseen:
        told = without_ours(left(told, told.unseen))
    return told


# Offers that met a bid of ours are still there in the recording, before an offer of ours.
@given(st.one_of(scripts(BIDS, WITHDRAWALS), scripts(ASKS, WITHDRAWALS)))
@settings(max_examples=150, deadline=None)
def test_an_order_gets_the_same_where_nobody_cancels_and_all_is_seen(
    script: list[Act],
) -> None:
    told = seen_whole(script)
    real = world(told.script, with_ours=True)
    fills, report = backtested(told)
    noted(fills)
    assert not report.failures
    placed = arrivals(told)
    for key in told.orders:
        if not any(filled(fills, other, placed[key]) for other in range(key)):
            assert course(told, fills, key) == course(real, real.fills, key)


@given(scripts(CANCELS, BIDS, ASKS, WITHDRAWALS))
@settings(max_examples=150, deadline=None)
def test_a_recording_with_our_orders_in_it_never_gives_them_more_or_sooner(
    script: list[Act],
) -> None:
    real = world(script, with_ours=True)
    real = world(left(real, real.refused), with_ours=True)
    fills, _ = backtested(real)
    noted(fills)
    for key in real.orders:
        ours, theirs = course(real, fills, key), course(real, real.fills, key)
        assert all(x <= y for x, y in zip(ours, theirs, strict=True))


@given(ONE_A_SIDE)
@settings(max_examples=150, deadline=None)
def test_a_recording_with_our_orders_in_it_gives_them_the_same_at_the_same_time(
    script: list[Act],
) -> None:
    # Whoever rests may trade on arrival here, and whoever takes may find too little.
    real = world(script, with_ours=True)
    real = world(left(real, real.refused), with_ours=True)
    fills, _ = backtested(real)
    noted(fills)
    for key in real.orders:
        assert course(real, fills, key) == course(real, real.fills, key)


def exits(side: str) -> st.SearchStrategy[Act]:
    """Takes of ours at our own bid or ask, or through it."""
    prices = st.integers(46, 49) if side == "ask" else st.integers(50, 53)
    return st.builds(Act, st.just("exit"), st.just(side), prices, st.integers(1, 40))


def with_an_exit(others: st.SearchStrategy[Act]) -> st.SearchStrategy[list[Act]]:
    """An order of ours that rests, and later one that takes the other way."""
    return st.builds(
        lambda before, ours, between: [*before, ours[0], *between, ours[1]],
        st.lists(others, min_size=8, max_size=40),
        st.one_of(st.tuples(BIDS, exits("ask")), st.tuples(ASKS, exits("bid"))),
        st.lists(others, max_size=8),
    )


# Five stand before ours, three leave, two come behind: two are sure.
TOUCH = [
    Act("rest", "bid", 49, 5),
    Act("place", "bid", 49, 4),
    Act("rest", "bid", 49, 2),
    Act("take", "ask", 49, 3),
    Act("exit", "ask", 47, 9),
]


def exited(played: World, fills: Filling) -> Decimal:
    """How much an exit took, which is the last of ours."""
    return filled(fills, len(played.orders) - 1, moment_of(len(played.script)))


@given(with_an_exit(st.one_of(OTHERS, OTHERS, CANCELS)))
@example(TOUCH)
@settings(max_examples=200, deadline=None)
def test_who_takes_at_an_own_price_never_gets_more_than_stood_before_it(
    script: list[Act],
) -> None:
    told = without_ours(script)
    real = world(told.script, with_ours=True)
    took = exited(told, backtested(told)[0])
    event("took something" if took else "took nothing")
    assert took <= exited(real, real.fills)


@given(with_an_exit(RESTS))
@settings(max_examples=150, deadline=None)
def test_where_nobody_leaves_it_gets_all_that_stood_before_it(
    script: list[Act],
) -> None:
    real = world(script, with_ours=True, crosses=False)
    real = world(left(real, real.refused), with_ours=True)
    took = exited(real, backtested(real)[0])
    event("took something" if took else "took nothing")
    assert took == exited(real, real.fills)
