"""What is raised in the end, of all that was raised."""

from __future__ import annotations

import logging
import signal
import threading
import time
from asyncio import CancelledError
from typing import Any

import pytest

from unified_exchanges import InvalidPrice, OrderStatus, OrderUnknown
from unified_exchanges.strategies.ending import Ending, is_nothing
from unified_exchanges.strategies.interruptions import REPEAT
from unified_exchanges.wording import notes_of

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
    others = (OSError(5), KeyError(), KeyError(), ValueError("one"))
    assert raised(first, *others) is first
    assert first.__notes__ == [
        "then, while the run ended: OSError: 5",
        "then, while the run ended: KeyError",
    ]


@pytest.mark.skipif(not hasattr(signal, "SIGTERM"), reason="there is no such signal")
def test_an_exit_by_the_handler_of_a_signal_ends_who_would_begin_anew() -> None:
    def leave(number: int, frame: object) -> None:
        raise SystemExit(143)

    before = signal.signal(signal.SIGTERM, leave)
    try:
        ending = Ending(KeyboardInterrupt)
        ending.met(ValueError("a bug"))
        with ending:
            ending.hold()
            for _ in range(2):
                signal.raise_signal(signal.SIGTERM)
                assert ending.asked == 1
            with pytest.raises(SystemExit):
                ending.conclude({}, str)
        assert signal.getsignal(signal.SIGTERM) is leave
    finally:
        signal.signal(signal.SIGTERM, before)


@pytest.mark.parametrize("kind", [*INTERRUPTIONS, SystemExit])
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
    asked = [False]
    ending = Ending(*INTERRUPTIONS, is_asked=lambda: asked[0])
    ending.met(ValueError())
    ending.met(KeyboardInterrupt())
    assert not ending.is_urgent
    # Also while it ends, and however late that is looked at.
    asked[0] = True
    assert ending.is_urgent


def test_one_that_comes_right_after_another_is_the_same() -> None:
    ending = Ending(*INTERRUPTIONS)
    ending.met(KeyboardInterrupt())
    ending.met(CancelledError())
    assert ending.asked == 1
    time.sleep(REPEAT)
    ending.met(CancelledError())
    assert (ending.asked, ending.is_urgent) == (2, True)


class Frozen(Exception):
    """Its class lets nothing be set."""

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(name)


class Wordless(ValueError):
    """Its notes cannot be read."""

    @property
    def __notes__(self) -> list[str]:
        raise LookupError


def numbered() -> ValueError:
    error = ValueError("one")
    error.__notes__ = 3  # type: ignore[assignment]
    return error


@pytest.mark.parametrize(
    ("error", "notes"), [(Frozen("one"), []), (numbered(), ["3"])], ids=["frozen", "3"]
)
def test_an_error_whose_notes_are_no_list_tells_what_may_be_open(
    error: BaseException, notes: list[str]
) -> None:
    ending = Ending(*INTERRUPTIONS)
    ending.met(error)
    with pytest.raises(type(error)) as found:
        ending.conclude({"k": OrderUnknown("no answer")}, str)
    said = "an order of the run may still be open: k: no answer"
    assert notes_of(found.value) == [*notes, said]


@pytest.mark.parametrize("error", [Frozen("one"), Wordless("one"), numbered()])
def test_an_interruption_tells_of_an_error_whatever_its_notes_are(
    error: BaseException,
) -> None:
    found = raised(error, KeyboardInterrupt())
    assert type(found) is KeyboardInterrupt
    assert notes_of(found)[-1] == f"before that: {type(error).__name__}: one"


def test_an_error_that_takes_no_note_is_raised_and_what_may_be_open_is_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    ending = Ending(*INTERRUPTIONS)
    ending.met(Wordless("one"))
    with pytest.raises(Wordless):
        ending.conclude({"k": OrderUnknown("no answer")}, str)
    assert "may still be open: k" in caplog.text


def test_what_is_told_can_be_interrupted_and_nothing_else() -> None:
    ending = Ending(*INTERRUPTIONS)
    done: list[str] = []

    def act() -> None:
        signal.raise_signal(signal.SIGINT)
        done.append("act")

    def end() -> None:
        with ending:
            ending.hold()
            ending.hold()
            act()
            assert done == ["act"]
            assert type(ending.broke) is KeyboardInterrupt
            time.sleep(REPEAT)
            ending.tell(act)
            assert (done, ending.asked) == (["act"], 2)
            # The same again, as of a terminal and of whoever started the process.
            ending.tell(act)
            assert (done, ending.asked) == (["act", "act"], 2)
            ending.conclude({}, str)

    handler = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        end()
    assert signal.getsignal(signal.SIGINT) is handler


def test_one_that_comes_once_all_is_told_is_raised_all_the_same() -> None:
    def end() -> None:
        with Ending(*INTERRUPTIONS) as ending:
            ending.hold()
            assert ending.conclude({}, str) == []
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        end()


def test_a_handler_of_another_kind_does_what_it_does() -> None:
    heard: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _: heard.append(number))
    own = signal.getsignal(signal.SIGINT)
    try:
        with Ending(*INTERRUPTIONS) as ending:
            ending.hold()
            signal.raise_signal(signal.SIGINT)
        assert (heard, ending.asked) == ([signal.SIGINT], 0)
        assert signal.getsignal(signal.SIGINT) is own
    finally:
        signal.signal(signal.SIGINT, before)


def test_runs_of_one_loop_end_in_any_order() -> None:
    handler = signal.getsignal(signal.SIGINT)
    first, second = Ending(*INTERRUPTIONS), Ending(*INTERRUPTIONS)
    with second:
        with first:
            first.hold()
            second.hold()
        # Its handler lies beneath, and passes on what comes.
        signal.raise_signal(signal.SIGINT)
        assert (first.asked, second.asked) == (0, 1)
    assert signal.getsignal(signal.SIGINT) is handler


def test_each_run_that_ends_in_a_loop_is_told_of_one_and_once() -> None:
    first, second = Ending(*INTERRUPTIONS), Ending(*INTERRUPTIONS)
    with first, second:
        first.hold()
        second.hold()
        signal.raise_signal(signal.SIGINT)
        assert (first.asked, second.asked) == (1, 1)
        assert first.broke is second.broke
        time.sleep(REPEAT)
        # Out of the strategy that hangs, and the other run is told all the same.
        first.tell(lambda: signal.raise_signal(signal.SIGINT))
        assert (first.asked, second.asked) == (2, 2)


def test_one_is_raised_where_the_end_does_not_run() -> None:
    is_here = True
    with Ending(*INTERRUPTIONS, is_here=lambda: is_here) as ending:
        ending.hold()
        is_here = False
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        assert ending.broke is None
        is_here = True
        signal.raise_signal(signal.SIGINT)
        assert ending.asked == 1


def test_one_while_its_handlers_are_given_back_is_raised_at_last() -> None:
    ending = Ending(*INTERRUPTIONS)
    given_back = signal.signal

    def interrupted(number: int, handler: Any) -> Any:
        """The system's, with a signal right before it."""
        signal.raise_signal(signal.SIGINT)
        return given_back(number, handler)

    def end() -> None:
        with ending:
            ending.hold()
            signal.signal = interrupted
            try:
                ending.__exit__(None, None, None)
            finally:
                signal.signal = given_back

    handler = signal.getsignal(signal.SIGINT)
    try:
        with pytest.raises(KeyboardInterrupt):
            end()
        # Whoever interrupts from now on is heard.
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    finally:
        signal.signal(signal.SIGINT, handler)


def test_in_another_thread_no_handler_is_touched() -> None:
    handler = signal.getsignal(signal.SIGINT)
    found = []

    def act() -> None:
        with Ending(*INTERRUPTIONS) as ending:
            ending.hold()
            found.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=act)
    thread.start()
    thread.join()
    assert found == [handler]


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
