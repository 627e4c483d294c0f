"""What is raised in the end, of all that was raised."""

from __future__ import annotations

import logging
from asyncio import CancelledError
from typing import Any

import pytest

from unified_exchanges import InvalidPrice, OrderStatus, OrderUnknown
from unified_exchanges.strategies.ending import Ending, is_nothing

from .test_session import order

INTERRUPTIONS = (KeyboardInterrupt, CancelledError)


def raised(*errors: BaseException) -> BaseException:
    """What comes out of a run in which these were raised, one after another."""
    ending = Ending(*INTERRUPTIONS)
    for error in errors:
        ending.met(error)
    with pytest.raises(type(ending.broke)) as found:  # type: ignore[arg-type]
        ending.conclude({}, str)
    return found.value


def test_the_first_is_raised_and_its_notes_tell_the_others() -> None:
    first = ValueError("one")
    # A bug that is met again and again is told once.
    others = (SystemExit(5), KeyError(), KeyError(), ValueError("one"))
    assert raised(first, *others) is first
    assert first.__notes__ == [
        "then, while the run ended: SystemExit: 5",
        "then, while the run ended: KeyError",
    ]


@pytest.mark.parametrize("kind", INTERRUPTIONS)
def test_an_interruption_goes_before_an_error_that_it_tells(
    kind: type[BaseException],
) -> None:
    first, second = ValueError("one"), kind()
    first.add_note("a note")
    assert raised(first, second, OSError("two")) is second
    assert second.__context__ is first
    assert second.__notes__ == [
        "a note",
        "before that: ValueError: one",
        "then, while the run ended: OSError: two",
    ]


@pytest.mark.parametrize("kind", INTERRUPTIONS)
def test_an_interruption_goes_before_no_exit_and_is_no_news_to_another(
    kind: type[BaseException],
) -> None:
    first = SystemExit(5)
    assert raised(first, kind()) is first
    other = KeyboardInterrupt()
    assert raised(other, other, kind()) is other
    assert not hasattr(other, "__notes__")


def test_where_an_interruption_comes_from_stands() -> None:
    cause, second = KeyError(), KeyboardInterrupt()
    second.__context__ = cause
    assert raised(ValueError("one"), second).__context__ is cause


def test_it_is_urgent_once_it_was_asked_for_twice() -> None:
    ending = Ending(*INTERRUPTIONS)
    ending.ask()
    ending.met(ValueError())
    assert not ending.is_urgent
    ending.met(KeyboardInterrupt())
    assert ending.is_urgent


def test_orders_that_may_be_open_are_raised_noted_and_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    ending = Ending(*INTERRUPTIONS)
    with caplog.at_level(logging.WARNING), pytest.raises(OrderUnknown) as found:
        ending.conclude({"k": None, "l": OrderUnknown("no answer")}, "order {}".format)
    note = "an order of the run may still be open: order l: no answer"
    assert found.value.__notes__ == [note]
    assert [record.message for record in caplog.records] == [note]


@pytest.mark.parametrize(
    ("answer", "is_so"),
    [
        (order("k"), False),
        (order("k", status=OrderStatus.CLOSED, filled=10), True),
        (InvalidPrice("between two steps"), True),
        (OrderUnknown("no answer"), False),
        (CancelledError(), False),
    ],
)
def test_what_is_answered_late_is_nothing_only_where_that_is_sure(
    answer: Any, *, is_so: bool
) -> None:
    assert is_nothing(answer) is is_so
