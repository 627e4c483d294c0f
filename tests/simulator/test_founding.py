"""A venue that was founded before is a copy of how it began, and nobody can tell."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from enum import Enum
from typing import Any

import attrs
import pytest

from unified_exchanges.clock import VirtualClock
from unified_exchanges.simulator import Engine, Owner, Ticket
from unified_exchanges.simulator.founding import Foundings
from unified_exchanges.venues.kalshi.simulated import SimulatedKalshi, dialect
from unified_exchanges.venues.polymarket.simulated import (
    SimulatedPolymarket,
    settings,
)
from unified_exchanges.venues.polymarket.simulated import dialect as polymarket_dialect

VENUES: list[Callable[..., Any]] = [SimulatedKalshi, SimulatedPolymarket]
venues = pytest.mark.parametrize("venue", VENUES)
NOBODY = iter(range(1, 1_000))
"""Seconds at which no other test founds a venue."""


COUNT = 4


def moment() -> float:
    return 1_790_000_000.0 + next(NOBODY)


def founded(venue: Callable[..., Any], **terms: Any) -> list[tuple[Any, VirtualClock]]:
    """Venues founded alike: two by themselves, and copies."""
    now = moment()
    clocks = [VirtualClock(now) for _ in range(COUNT)]
    return [(venue(clock=clock, **terms), clock) for clock in clocks]


def tradable(engine: Engine) -> str:
    return next(
        name
        for name in engine.market_ids()
        if engine.best(name, "ask") is not None and engine.market(name).bid is not None
    )


def told(engine: Engine) -> list[Any]:
    """All that the engine tells of its markets and accounts."""
    found: list[Any] = []
    for name in engine.market_ids():
        found += [engine.market(name), engine.trades(name)]
        found += [engine.levels(name, side) for side in ("bid", "ask")]
    for account in sorted(engine._floor.accounts):
        owner = Owner(account)
        found += [engine.orders(account), engine.fills(account)]
        found += [engine.cash(owner), engine.positions(account)]
    return found


def lived(venue: Any, clock: VirtualClock) -> list[Any]:
    """What comes of an order, and of half a minute among synthetic traders."""
    engine, notices = venue.engine, []
    engine.subscribe(notices.append)
    engine.open_account("ada")
    engine.deposit(Owner("ada"), Decimal(5_000))
    name = tradable(engine)
    ask = engine.best(name, "ask")
    ticket = Ticket(
        market_id=name, owner=Owner("ada"), side="bid", price=ask.price, size=Decimal(7)
    )
    notices.append(engine.place(ticket))
    for _ in range(2):
        clock.advance(15)
        venue._house.advance()
    return [*notices, *told(engine)]


@venues
def test_a_copy_begins_and_goes_on_as_the_first_did(venue: Callable[..., Any]) -> None:
    begun, gone_on = [], []
    for each, clock in founded(venue, lively=True):
        begun.append(told(each.engine))
        gone_on.append(lived(each, clock))
    assert [x == begun[0] for x in begun] == [True] * COUNT
    assert [x == gone_on[0] for x in gone_on] == [True] * COUNT
    assert gone_on[0] != begun[0]


@venues
def test_what_happens_at_a_copy_shows_at_no_other(venue: Callable[..., Any]) -> None:
    (_, _), (second, _), (one, clock), (other, _) = founded(venue, lively=True)
    before = told(other.engine)
    lived(one, clock)
    assert told(other.engine) == before
    assert told(second.engine) == before
    latest = venue(clock=other.clock, lively=True)
    assert told(latest.engine) == before


@venues
def test_a_copy_runs_by_the_clock_it_was_given(venue: Callable[..., Any]) -> None:
    for each, clock in founded(venue):
        began = each._house.now_us
        clock.advance(2.5)
        assert each.engine._floor.read_clock() == each._house.now_us
        assert each._house.now_us == began + 2_500_000


@venues
def test_what_was_founded_otherwise_is_no_copy(venue: Callable[..., Any]) -> None:
    now = moment()
    usual = [venue(clock=VirtualClock(now)) for _ in range(3)]
    seeded, lively, free = (
        venue(clock=VirtualClock(now), **terms)
        for terms in ({"seed": 8}, {"lively": True}, {"enforce_limits": False})
    )
    assert told(seeded.engine) != told(usual[-1].engine)
    assert [x._house.lively for x in (usual[-1], lively)] == [False, True]
    assert [limits(x) is None for x in (usual[-1], free)] == [False, True]


def limits(venue: Any) -> Any:
    """What a venue counts requests with, where it does."""
    house = venue._house
    return house.anonymous if isinstance(venue, SimulatedKalshi) else house.limits


def test_a_copy_behaves_by_the_settings_of_its_own_caller() -> None:
    now = moment()
    for _ in range(3):
        mine = settings.PolymarketSettings()
        venue = SimulatedPolymarket(clock=VirtualClock(now), settings=mine)
        mine.ledger_page = 3
        assert venue._house.settings is mine


def test_a_later_moment_is_founded_anew() -> None:
    clock = VirtualClock(moment())
    for _ in range(3):
        kalshi = SimulatedKalshi(clock=clock)
    began = kalshi._house.now_us
    clock.advance(1)
    later = SimulatedKalshi(clock=clock)
    assert later.engine.now_us() == began + 1_000_000


def test_who_moves_the_clock_while_founding_leaves_nothing_to_copy() -> None:
    clock, foundings = VirtualClock(moment()), Foundings()

    def make() -> list[float]:
        clock.advance(1)
        return [clock.now()]

    began = clock.now()
    for _ in range(3):
        foundings.found(make, clock)
    assert foundings.found(lambda: [0.0], VirtualClock(began)) == [0.0]


def test_only_the_latest_beginnings_are_kept() -> None:
    foundings, clock = Foundings(kept=2), VirtualClock(moment())
    made: list[int] = []

    def make() -> int:
        made.append(1)
        return 0

    for terms in (1, 1, 1, 2, 3, 1):
        foundings.found(make, clock, terms=terms)
    assert len(made) == 2 + 3


def test_a_beginning_that_is_too_deep_to_copy_is_made_each_time() -> None:
    foundings, clock = Foundings(), VirtualClock(moment())

    def make() -> list[Any]:
        nested: list[Any] = []
        for _ in range(2_000):
            nested = [nested]
        return nested

    one, other, third = (foundings.found(make, clock) for _ in range(3))
    assert len({id(x) for x in (one, other, third)}) == 3


def is_fixed(item: Any) -> bool:
    """Whether something can never change, down to its last part."""
    if isinstance(item, str | int | float | Decimal | Enum | None):
        return True
    if isinstance(item, tuple | frozenset):
        return all(map(is_fixed, item))
    if not attrs.has(type(item)):
        return False
    fields = attrs.fields(type(item))
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        setattr(item, fields[0].name, None)
    return all(is_fixed(getattr(item, field.name)) for field in fields)


@pytest.mark.parametrize("module", [dialect, polymarket_dialect])
def test_what_copies_share_cannot_change(module: Any) -> None:
    for venue in VENUES:
        founded(venue)
    moulds = [mould for mould in module._FOUNDINGS._moulds.values() if mould]
    shared = [each for mould in moulds for each in mould.shared]
    assert len(shared) > 1_000
    assert all(map(is_fixed, shared))
