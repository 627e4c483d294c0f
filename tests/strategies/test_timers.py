"""When a timer is due that is asked for in the call of another, which rang late."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from unified_exchanges.paper.account import Account
from unified_exchanges.strategies import Desk, Strategy
from unified_exchanges.strategies.session import Session

from ..paper.scene import START, contract

_MS = 1_000_000
"""Nanoseconds."""


class Beats(Strategy):
    """Asks for the next call in each, so many milliseconds later."""

    def __init__(self, span: int) -> None:
        self.span = timedelta(milliseconds=span)

    def on_start(self, desk: Desk) -> None:
        desk.timer("beat", self.span)

    def on_timer(self, desk: Desk, name: str) -> None:
        desk.timer(name, self.span)


def begun(strategy: Strategy) -> Session:
    desk = Desk([contract()], Account(Decimal(100)), book={}.get)
    session = Session(strategy, desk, {}, keep=100)
    session.start(START)
    return session


def due_after(session: Session, *rings: float) -> float:
    """When the next is due, in milliseconds, once the others rang."""
    for ring in rings:
        assert session.ring_next(START + round(ring * _MS))
    return (session.due - START) / _MS


def test_a_timer_counts_from_when_the_one_before_was_due_and_not_from_when_it_rang() -> (
    None
):
    assert due_after(begun(Beats(20)), 20.3, 41, 60.1) == 80


@pytest.mark.parametrize(("ring", "due"), [(39.9, 40), (40, 60), (45, 65)])
def test_it_counts_from_now_where_it_would_have_rung_by_now(
    ring: float, due: float
) -> None:
    assert due_after(begun(Beats(20)), ring) == due


def test_what_is_asked_for_elsewhere_counts_from_now() -> None:
    session = begun(Beats(20))
    assert session.ring_next(START + 21 * _MS)
    session.look_up(START + 33 * _MS)
    session.desk.timer("other", timedelta(milliseconds=1))
    assert due_after(session) == 34


def test_of_no_time_at_all_it_is_due_now() -> None:
    assert due_after(begun(Beats(0)), 0.5) == 0.5
