"""Whatever an account does in whatever market: nothing is won or lost on paper."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from functools import cache
from typing import Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unified_exchanges import (
    BUY,
    Fill,
    Level,
    Liquidity,
    MarketStatus,
    OrderBook,
    Side,
    UnifiedExchangesError,
    exchange,
)
from unified_exchanges.money import complement, total
from unified_exchanges.paper import (
    Contract,
    Delays,
    PaperEngine,
)
from unified_exchanges.strategies import contract_of
from unified_exchanges.testing.scripted import ScriptedTransport

from ..venues.kalshi.ground import KalshiGround
from ..venues.polymarket.ground import PolymarketGround
from .scene import START, D, book, change, contract, engine, trade

PRICES = st.integers(40, 60).map(lambda x: Decimal(x) / 100)
SIZES = st.integers(1, 30).map(Decimal)


@st.composite
def books(draw: st.DrawFn) -> OrderBook:
    middle = draw(st.integers(42, 58))
    bids = draw(st.dictionaries(st.integers(middle - 4, middle - 1), SIZES, max_size=3))
    asks = draw(st.dictionaries(st.integers(middle, middle + 4), SIZES, max_size=3))
    shown = book()
    object.__setattr__(shown, "bids", _levels(bids, reverse=True))
    object.__setattr__(shown, "asks", _levels(asks, reverse=False))
    return shown if draw(st.booleans()) else shown.complement("no")


def _levels(sizes: dict[int, Decimal], *, reverse: bool) -> tuple[Level, ...]:
    ordered = sorted(sizes.items(), reverse=reverse)
    return tuple(Level(Decimal(price) / 100, size) for price, size in ordered)


@st.composite
def torn_books(draw: st.DrawFn) -> OrderBook:
    """Books of which the bids reach the asks, or meet them."""
    shown = draw(books())
    bids = draw(st.dictionaries(st.integers(50, 56), SIZES, min_size=1, max_size=3))
    asks = draw(st.dictionaries(st.integers(44, 50), SIZES, min_size=1, max_size=3))
    return attrs.evolve(
        shown, bids=_levels(bids, reverse=True), asks=_levels(asks, reverse=False)
    )


SIDES = st.sampled_from(["buy", "sell"])
TRADES = st.tuples(PRICES, SIZES, st.sampled_from([BUY, Side.SELL, None])).map(
    lambda x: ("trade", trade(str(x[0]), str(x[1]), x[2]))
)
EVENTS = st.one_of(books().map(lambda x: ("book", x)), TRADES)
ORDERS = st.fixed_dictionaries(
    {
        "outcome": st.sampled_from(["yes", "no"]),
        "side": SIDES,
        "price": PRICES,
        "size": SIZES,
        "time_in_force": st.sampled_from(["gtc", "gtc", "ioc", "fok"]),
    }
).map(lambda x: ("place", x))
CHANGES = st.one_of(
    st.integers(1, 40).map(lambda x: ("cancel", x)),
    st.tuples(st.integers(1, 40), st.none() | PRICES, st.none() | SIZES).map(
        lambda x: ("amend", x)
    ),
)
STEPS = st.lists(
    st.tuples(st.integers(0, 5), EVENTS | EVENTS | ORDERS | CHANGES), max_size=40
)
TORN_STEPS = st.lists(
    st.tuples(
        st.integers(0, 5),
        torn_books().map(lambda x: ("book", x)) | EVENTS | ORDERS | CHANGES,
    ),
    max_size=40,
)
DELAYS = st.integers(0, 6).map(lambda x: Delays(order=x))


def step(made: PaperEngine, moment: int, verb: str, what: Any) -> None:
    try:
        if verb in ("book", "trade"):
            made.receive(moment, what)
        elif verb == "place":
            made.place(moment, "RAIN", **what)
        elif verb == "cancel":
            made.cancel(moment, f"paper-{what}")
        else:
            number, price, size = what
            made.amend(moment, f"paper-{number}", price=price, size=size)
        made.advance(moment)
    except UnifiedExchangesError:
        pass  # an order that was never placed


def worth(made: PaperEngine, value: Decimal) -> Decimal:
    """Cash, and what is held if the first outcome pays this much."""
    each = {"yes": value, "no": complement(value)}
    return made.cash + sum(
        (x.size * each[x.outcome] for x in made.positions()), Decimal(0)
    )


def expected(fills: list[Fill], value: Decimal) -> Decimal:
    """Starting cash, and what each fill won or lost by itself."""
    each = {"yes": value, "no": complement(value)}
    won = D("100")
    for fill in fills:
        sign = 1 if fill.side is BUY else -1
        won += sign * fill.size * (each[fill.outcome] - fill.price) - fill.fee
    return won


@cache
def terms(whose: str) -> Contract:
    """A market like those of a venue: its fees, its rules, and what it nets."""
    if whose in ("nets", "does not net"):
        return contract(nets=whose == "nets")
    ground = KalshiGround() if whose == "kalshi" else PolymarketGround()
    ex = exchange(
        whose,
        clock=ground.clock,
        transport=ScriptedTransport(ground.venue, clock=ground.clock),
        **ground.account(),
    )
    label = "yes"
    for market in ex.fetch_markets(limit=50):
        found: Contract = contract_of(ex, market.market_id)
        # Kalshi charges makers of some series; Polymarket charges none.
        fee = found.fees.fee(label, BUY, D("0.4"), D(10), maker=whose == "kalshi")
        if fee and found.first == label:
            return attrs.evolve(found, market=attrs.evolve(market, market_id="RAIN"))
    raise AssertionError(whose)


def holds(made: PaperEngine, fills: list[Fill], *, nets: bool) -> bool:
    """Whether each outcome is held as it was bought and sold, or net as both were."""
    held = {x.outcome: x.size for x in made.positions()}
    signed: dict[str, Decimal] = defaultdict(Decimal)
    for fill in fills:
        signed[fill.outcome] += fill.size if fill.side is BUY else -fill.size
    if nets:
        net = signed["yes"] - signed["no"]
        signed = defaultdict(Decimal, {"yes": max(net, D(0)), "no": max(-net, D(0))})
    return held == {outcome: size for outcome, size in signed.items() if size}


@pytest.mark.parametrize("whose", ["nets", "does not net", "kalshi", "polymarket"])
@given(STEPS, DELAYS, st.sampled_from(["0", "1", "0.37"]))
@settings(max_examples=100)
def test_cash_contracts_and_fees_add_up_exactly(
    whose: str, steps: list[tuple[int, tuple[str, Any]]], delays: Delays, paid: str
) -> None:
    market = terms(whose)
    made, moment = PaperEngine([market], cash="100", delays=delays), START
    fills: list[Fill] = []
    for wait, (verb, what) in steps:
        moment += wait
        step(made, moment, verb, what)
        fills += [x for _, x in made.notices() if isinstance(x, Fill)]
        for value in (D("0"), D("1"), D("0.37")):
            assert worth(made, value) == expected(fills, value)
        # A fee that is rounded up for each piece may take that much more than was held back.
        rounding = D("0.01") * len(fills) if whose == "kalshi" else 0
        assert made.available >= -rounding
        assert made.cash >= -rounding
        assert all(x.size > 0 for x in made.positions())
        assert holds(made, fills, nets=market.nets)
        assert made.account.fees == total(x.fee or D(0) for x in fills)
        assert sum(x.fee for x in made.orders.values()) == made.account.fees
    made.receive(moment, change(MarketStatus.SETTLED, paid))
    fills += [x for _, x in made.notices() if isinstance(x, Fill)]
    assert made.cash == expected(fills, D(paid))
    assert made.positions() == made.open_orders() == []


@given(STEPS, DELAYS)
@settings(max_examples=150)
def test_nothing_fills_better_than_the_book_or_more_than_it_shows(
    steps: list[tuple[int, tuple[str, Any]]], delays: Delays
) -> None:
    _play(steps, delays)


@given(TORN_STEPS, DELAYS)
@settings(max_examples=300)
def test_nothing_fills_but_by_trades_while_the_book_is_crossed_or_locked(
    steps: list[tuple[int, tuple[str, Any]]], delays: Delays
) -> None:
    _play(steps, delays)


def _play(steps: list[tuple[int, tuple[str, Any]]], delays: Delays) -> None:
    made, moment = engine(cash="100", delays=delays), START
    shown: OrderBook | None = None
    followed: str | None = None
    used: dict[tuple[bool, Decimal], Decimal] = defaultdict(Decimal)
    for wait, (verb, what) in steps:
        moment += wait
        if verb in ("book", "trade"):
            # Commands that arrive before it still meet the older book.
            made.advance(max(moment - 1, made.moment))
            _check(made, shown, used, allowed=None)
        step(made, moment, verb, what)
        if verb == "book":
            # Of a trade it does not learn in which outcome books are told.
            followed = followed or what.outcome
        if verb == "book" and what.outcome == followed:
            newer = what if what.outcome == "yes" else what.complement("yes")
            # Nothing may be taken of one that is crossed, and nothing is learned from it.
            is_torn = newer.bids and newer.asks and newer.spread <= 0
            for key, size in () if is_torn else used.items():
                used[key] = min(size, _at(newer, *key))
            shown = None if is_torn else newer
        allowed = what.size if verb == "trade" else None
        _check(made, shown, used, allowed=allowed)
        for pit in made.pits.values():
            for order in pit.orders:
                assert order.ahead >= 0
                assert order.clipped >= 0
                assert order.remaining > 0


def _at(shown: OrderBook, buys: bool, price: Decimal) -> Decimal:
    levels = shown.asks if buys else shown.bids
    return next((x.size for x in levels if x.price == price), Decimal(0))


def _check(
    made: PaperEngine,
    shown: OrderBook | None,
    used: dict[tuple[bool, Decimal], Decimal],
    *,
    allowed: Decimal | None,
) -> None:
    """Each taking fill is of a level with so much left; a trade fills no more than it was."""
    given_away = Decimal(0)
    for _, fill in made.notices():
        if not isinstance(fill, Fill):
            continue
        told = fill.in_terms_of("yes")
        buys = told.side is BUY
        order = made.order(fill.order_id).in_terms_of("yes")
        assert told.price <= order.price if buys else told.price >= order.price
        if fill.liquidity is Liquidity.TAKER:
            assert shown is not None
            used[buys, told.price] += fill.size
            assert used[buys, told.price] <= _at(shown, buys, told.price)
        elif allowed is not None:
            given_away += fill.size
            assert given_away <= allowed
        else:
            assert shown is not None
            reaching = shown.asks if buys else shown.bids
            free = {
                x.price: x.size - used[buys, x.price]
                for x in reaching
                if (x.price <= told.price if buys else x.price >= told.price)
            }
            left = fill.size
            for price, size in free.items():
                eaten = min(left, size)
                used[buys, price] += eaten
                left -= eaten
            assert left == 0
