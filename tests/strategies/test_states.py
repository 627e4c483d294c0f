"""Fills, and then the state that counts them: in which order a session tells them."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unified_exchanges import (
    BUY,
    Fill,
    Liquidity,
    Order,
    OrderRejected,
    OrderStatus,
    OrderUnknown,
)
from unified_exchanges.strategies import Command
from unified_exchanges.strategies.own import HOLD

from .test_session import START, Scene, fill, order, scene

__all__ = ["scene"]

D = Decimal
CLOSED, CANCELED = OrderStatus.CLOSED, OrderStatus.CANCELED


def taken(size: int, number: int = 0) -> Fill:
    return fill(size=size, fill_id=f"taken-{number}")


def made(size: int, number: int = 0) -> Fill:
    return fill(size=size, fill_id=f"made-{number}", liquidity=Liquidity.MAKER)


def told(scene: Scene) -> list[Any]:
    """Sizes of fills; of states their word, and what they count."""
    return [
        int(x.size) if isinstance(x, Fill) else (x.status.value, int(x.filled))
        for x in scene.heard.told
        if isinstance(x, Fill | Order)
    ]


def later(scene: Scene, nanoseconds: int) -> None:
    scene.session.look_up(scene.desk.moment + nanoseconds)
    scene.session.release()


def texts(scene: Scene) -> list[str]:
    return [note.text for note in scene.desk.notes]


# -- fills first -----------------------------------------------------------------------


def test_a_state_waits_for_the_fills_that_it_counts(scene: Scene) -> None:
    place = scene.place()
    session = scene.session
    session.answered(place, order(None, status=CLOSED, filled=10))
    session.take(taken(4, 1))
    assert told(scene) == [4]
    # It is known to have ended: nothing is left to cancel.
    assert session.left() == []
    session.take(taken(6, 2))
    assert told(scene) == [4, 6, ("closed", 10)]
    assert scene.desk.held("RAIN", "yes") == 10
    assert not session.states


@pytest.mark.parametrize("first", ["fill", "state"])
def test_what_is_taken_back_is_told_before_the_state_that_knows_of_it(
    scene: Scene, first: str
) -> None:
    place = scene.place()
    ended = order(place.key, status=CLOSED, filled=10)
    scene.session.answered(place, ended)
    scene.session.take(taken(10))
    news: list[Any] = [taken(10).taken_back(), attrs.evolve(ended, failed=D(10))]
    for each in news if first == "fill" else news[::-1]:
        scene.session.take(each)
    assert told(scene) == [10, ("closed", 10), -10, ("closed", 10)]
    assert scene.heard.told[-1].failed == 10
    assert scene.desk.held("RAIN", "yes") == 0


def test_a_fill_that_failed_before_anybody_was_told_is_waited_for_no_more(
    scene: Scene,
) -> None:
    place = scene.place()
    ended = order(place.key, status=CLOSED, filled=10)
    scene.session.answered(place, ended)
    scene.session.take(attrs.evolve(ended, failed=D(10)))
    assert told(scene) == [("closed", 10)]
    assert texts(scene) == []


def test_a_state_that_was_overtaken_by_fills_is_left_out(scene: Scene) -> None:
    place = scene.place()
    session = scene.session
    session.answered(place, order(None))
    for each in (made(4, 1), made(6, 2)):
        session.take(each)
    session.take(order(place.key, filled=4))
    session.take(order(place.key, status=CLOSED, filled=10))
    assert told(scene) == [("open", 0), 4, 6, ("closed", 10)]


def test_a_fill_that_is_read_and_then_streamed_is_told_once(scene: Scene) -> None:
    place = scene.place()
    scene.session.answered(place, order(None, status=CLOSED, filled=10))
    scene.session.take(taken(10))
    scene.session.take(taken(10))
    assert told(scene) == [10, ("closed", 10)]


def test_states_of_a_part_and_a_cancel_are_told_each_with_its_fills(
    scene: Scene,
) -> None:
    place = scene.place()
    session = scene.session
    session.answered(place, order(None))
    scene.desk.cancel(place.key)
    cancel = scene.sent()
    # While the cancel is on its way.
    session.take(order(place.key, filled=4))
    session.take(made(4))
    session.answered(cancel, order(None, status=CANCELED, filled=4))
    assert told(scene) == [("open", 0), 4, ("open", 4), ("canceled", 4)]


def test_an_order_that_is_found_by_its_key_is_told_with_its_fills(scene: Scene) -> None:
    place = scene.place()
    error = OrderUnknown("no answer", client_order_id=place.key, maybe_executed=True)
    scene.session.failed(place, error)
    scene.session.take(order(place.key, status=CLOSED, filled=10))
    assert told(scene) == []
    scene.session.take(taken(10))
    assert told(scene) == [10, ("closed", 10)]


# -- no state that is before the answer ------------------------------------------------


@pytest.mark.parametrize("answer", ["before", "after"])
def test_no_order_is_open_before_what_it_took_at_once(
    scene: Scene, answer: str
) -> None:
    place = scene.place()
    session = scene.session

    def answered() -> None:
        session.answered(place, order(None, status=CLOSED, filled=10))

    if answer == "before":
        answered()
    session.take(order(place.key))
    session.take(order(place.key, filled=4))
    session.take(taken(4, 1))
    session.take(taken(6, 2))
    if answer == "after":
        answered()
    session.take(order(place.key, status=CLOSED, filled=10))
    assert told(scene) == [4, 6, ("closed", 10)]


def test_a_change_of_what_ended_untold_is_refused_by_the_venue(scene: Scene) -> None:
    place = scene.place()
    session = scene.session
    session.answered(place, order(None))
    session.take(order(place.key, status=CLOSED, filled=10))
    scene.desk.amend(place.key, price="0.40")
    session.failed(scene.sent(), OrderRejected("it has ended"))
    # A cancel would change nothing.
    scene.desk.cancel(place.key)
    assert session.ready() == []
    session.take(made(10))
    assert told(scene) == [("open", 0), 10, ("closed", 10)]
    assert len(session.failures) == 1
    scene.desk.amend(place.key, price="0.40")
    assert session.ready() == []


def test_who_fills_as_a_maker_was_open_before_whatever_the_answer_is(
    scene: Scene,
) -> None:
    place = scene.place()
    session = scene.session
    session.take(order(place.key))
    assert told(scene) == []
    session.take(made(3))
    session.take(order(place.key, filled=3))
    assert told(scene) == [("open", 0), 3, ("open", 3)]
    session.answered(place, order(None))
    assert told(scene) == [("open", 0), 3, ("open", 3)]


def test_an_answer_that_takes_long_hides_no_order(scene: Scene) -> None:
    place = scene.place()
    scene.session.take(order(place.key))
    later(scene, HOLD - 1)
    assert told(scene) == []
    later(scene, 1)
    assert told(scene) == [("open", 0)]
    scene.session.answered(place, order(None))
    assert told(scene) == [("open", 0)]


def test_what_may_be_refused_is_hidden_until_it_is_answered(scene: Scene) -> None:
    place = scene.place()
    scene.session.take(order(place.key, status=CANCELED))
    later(scene, 2 * HOLD)
    scene.session.failed(place, OrderRejected("no"))
    assert told(scene) == []


def test_a_state_of_before_a_change_is_not_told_after_it(scene: Scene) -> None:
    place = scene.place()
    session = scene.session
    session.answered(place, order(None))
    scene.desk.amend(place.key, price="0.40")
    amend = scene.sent()
    session.take(made(4))
    session.take(order(place.key, filled=4))
    session.answered(amend, attrs.evolve(order(None, filled=4), price=D("0.40")))
    assert told(scene) == [("open", 0), 4, ("open", 4)]
    assert scene.heard.told[-1].price == D("0.40")


def _life() -> list[tuple[Any, Any]]:
    """What a venue tells of an order that takes 4, and is then taken 3 and 3 of."""
    return [
        (None, order("?")),
        (taken(4), order("?", filled=4)),
        (made(3, 1), order("?", filled=7)),
        (made(3, 2), order("?", status=CLOSED, filled=10)),
    ]


@given(
    swaps=st.lists(st.booleans(), min_size=4, max_size=4),
    answer=st.integers(0, 7),
)
def test_who_is_told_the_same_is_told_it_in_one_order(
    swaps: list[bool], answer: int
) -> None:
    made_ = scene.__wrapped__  # type: ignore[attr-defined]
    there: Scene = made_()
    place = there.place()
    steps: list[Callable[[], None]] = []
    for (each, state), is_swapped in zip(_life(), swaps, strict=True):
        pair = [x for x in (each, state) if x is not None]
        for news in pair[::-1] if is_swapped else pair:
            named = attrs.evolve(news, client_order_id=place.key)
            steps.append(lambda named=named: there.session.take(named))  # type: ignore[misc]
    steps.insert(answer, lambda: there.session.answered(place, order(None, filled=4)))
    for step in steps:
        step()
    assert told(there) == [4, ("open", 4), 3, ("open", 7), 3, ("closed", 10)]
    assert not there.session.states
    assert not there.session.has_strangers


@given(data=st.data())
def test_whatever_comes_first_no_state_is_told_that_counts_other_fills(
    data: st.DataObject,
) -> None:
    made_ = scene.__wrapped__  # type: ignore[attr-defined]
    there: Scene = made_()
    place = there.place()
    fills = [x for x, _ in _life() if x is not None]
    states = [x for _, x in _life()]
    answers: list[Any] = [order(None, filled=4)]
    lanes = [fills, states, answers]
    held: list[tuple[Decimal, Decimal]] = []
    hear = there.heard.on_order

    def on_order(desk: Any, heard: Order) -> None:
        held.append((desk.held("RAIN", "yes"), heard.filled))
        hear(desk, heard)

    there.heard.on_order = on_order  # type: ignore[method-assign]
    while left := [lane for lane in lanes if lane]:
        lane = data.draw(st.sampled_from(left))
        news = lane.pop(0)
        if lane is answers:
            there.session.answered(place, news)
        else:
            there.session.take(attrs.evolve(news, client_order_id=place.key))
    assert all(size == counted for size, counted in held)
    assert told(there)[-1] == ("closed", 10)
    assert [x for x in told(there) if isinstance(x, int)] == [4, 3, 3]
    assert not there.session.states


# -- fills that do not come ------------------------------------------------------------


def test_a_fill_that_never_comes_is_read_and_then_said(scene: Scene) -> None:
    place = scene.place()
    session = scene.session
    session.answered(place, order(None, status=CLOSED, filled=10))
    session.take(taken(4))
    asked = []
    for second in range(1, 6):
        session.look_up(START + second * 10**9)
        session.release()
        asked += [second for _ in session.states.asks()]
        assert (told(scene) == [4]) is (second < 5)
    assert asked == [1, 2, 4]
    assert told(scene) == [4, ("closed", 10)]
    [text] = texts(scene)
    assert "order A is told to have 10 filled, and fills of 4 were told" in text
    assert "fetch_fills(order_id='A')" in text
    # It may come yet, and is said once.
    later(scene, HOLD)
    session.conclude()
    assert len(texts(scene)) == 1
    session.take(taken(6, 2))
    assert told(scene) == [4, ("closed", 10), 6]
    assert not session.states


def test_a_state_that_counts_too_few_is_told_at_last(scene: Scene) -> None:
    place = scene.place()
    session = scene.session
    session.answered(place, order(None))
    session.take(made(4))
    session.take(attrs.evolve(order(place.key), price=D("0.40")))
    assert told(scene) == [("open", 0), 4]
    assert session.states.asks() == []
    later(scene, HOLD)
    assert told(scene) == [("open", 0), 4, ("open", 0)]
    [text] = texts(scene)
    assert "0 filled, and fills of 4 were told" in text


def test_after_the_end_fills_are_booked_and_nobody_is_told(scene: Scene) -> None:
    place = scene.place()
    session = scene.session
    session.answered(place, order(None))
    session.stop()
    session.ended({place.key: order(None, status=CLOSED, filled=10)})
    assert session.states.is_holding
    session.book(taken(10))
    assert not session.states.is_holding
    session.conclude()
    assert told(scene) == [("open", 0)]
    assert [x.size for x in session.fills] == [10]
    assert scene.desk.held("RAIN", "yes") == 10
    assert texts(scene) == []


def test_after_the_end_a_fill_that_does_not_come_is_said(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    place = scene.place()
    session = scene.session
    session.answered(place, order(None))
    session.stop()
    session.ended({place.key: order(None, status=CANCELED, filled=3)})
    session.look_up(START + HOLD)
    assert session.states.is_overdue
    session.conclude()
    [text] = texts(scene)
    assert "order A is told to have 3 filled, and fills of 0 were told" in text
    assert text in [x.message for x in caplog.records if x.levelname == "WARNING"]


def test_what_raises_in_a_fill_loses_no_state(scene: Scene) -> None:
    place = scene.place()
    scene.session.answered(place, order(None, status=CLOSED, filled=10))
    scene.heard.on_fill = lambda desk, fill: 1 / 0  # type: ignore[assignment, method-assign, return-value]
    with pytest.raises(ZeroDivisionError):
        scene.session.take(taken(10))
    scene.session.release()
    assert told(scene) == [("closed", 10)]
    assert scene.desk.held("RAIN", "yes") == 10


def test_the_other_outcome_is_counted_alike(scene: Scene) -> None:
    place: Command = scene.place("no")
    sold = attrs.evolve(order(None, status=CLOSED, filled=10), side=BUY.opposite)
    scene.session.answered(place, sold)
    scene.session.take(attrs.evolve(taken(10), side=BUY.opposite))
    assert told(scene) == [10, ("closed", 10)]
    assert scene.desk.held("RAIN", "no") == 10
