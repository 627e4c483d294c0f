"""What waits for a consumer: the newest of each key, or everything up to a bound."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unified_exchanges.errors import MarketNotFound, StreamOverflow
from unified_exchanges.watching.mailbox import Ended, Every, Latest, Look


def nothing() -> None:
    """Nobody waits."""


def latest(most: int | None = None) -> Latest[Any]:
    return Latest(most=most, wake=nothing)


def every(most: int | None = None) -> Every[Any]:
    return Every(most=most, wake=nothing)


def drain(box: Any) -> list[Any]:
    found = []
    while (item := box.take()) is not None:
        found.append(item)
    return found


def test_latest_gives_the_newest_of_each_key_and_counts_what_it_folded() -> None:
    box = latest()
    for number, key in enumerate("ABACAB"):
        box.put(key, (key, number))
    assert drain(box) == [("A", 4), ("B", 5), ("C", 3)]
    assert box.folded == 3


def test_a_key_that_was_taken_begins_anew() -> None:
    box = latest()
    box.put("A", 1)
    assert box.take() == 1
    box.put("A", 2)
    assert (box.take(), box.folded) == (2, 0)


def test_what_is_folded_comes_behind_what_came_since() -> None:
    box = latest()
    for key, item in [("gap", 1), ("A", 2), ("gap", 3)]:
        if key == "gap":
            box.fold(key)
        box.put(key, item)
    assert (drain(box), box.folded) == ([2, 3], 1)


def test_every_folds_nothing() -> None:
    box = every()
    for item in (1, 2):
        box.fold("gap")
        box.put("gap", item)
    assert (drain(box), box.folded) == ([1, 2], 0)


def test_every_gives_every_item_in_order() -> None:
    box = every()
    for number, key in enumerate("ABA"):
        box.put(key, (key, number))
    assert drain(box) == [("A", 0), ("B", 1), ("A", 2)]
    assert box.folded == 0


def test_what_is_marked_is_made_once_and_only_when_it_is_taken() -> None:
    made: list[int] = []
    look: Look[int] = Look(lambda: made.append(len(made)) or len(made))
    box = latest()
    for _ in range(5):
        box.mark("A", look)
    assert made == []
    assert (box.take(), box.take(), box.folded) == (1, None, 4)


def test_what_is_marked_under_every_is_made_at_once() -> None:
    state = iter([1, 2, 3])
    box = every()
    for _ in range(3):
        box.mark("A", Look(lambda: next(state)))
    assert drain(box) == [1, 2, 3]


@pytest.mark.parametrize("make", [latest, every])
def test_what_cannot_be_had_now_is_passed_over(make: Any) -> None:
    box = make()
    box.mark("A", Look(lambda: None))
    box.put("B", 2)
    assert drain(box) == [2]


def test_fault_39_more_than_may_wait_ends_it_after_all_that_waited() -> None:
    box = every(most=3)
    for number in range(10):
        box.put("A", number)
    assert len(box) == 3
    assert [box.take() for _ in range(3)] == [0, 1, 2]
    with pytest.raises(StreamOverflow, match="3 items behind"):
        box.take()
    with pytest.raises(StreamOverflow):
        box.take()


def test_latest_is_bounded_where_keys_are_not() -> None:
    box = latest(most=2)
    for number in range(3):
        box.put(number, number)
    assert [box.take(), box.take()] == [0, 1]
    with pytest.raises(StreamOverflow):
        box.take()


def test_latest_lets_newer_states_in_though_it_is_full() -> None:
    box = latest(most=2)
    for key in "ABAB":
        box.put(key, key)
    assert (drain(box), box.folded) == (["A", "B"], 2)


@pytest.mark.parametrize("make", [latest, every])
def test_a_closed_mailbox_delivers_what_waits_and_then_the_end(make: Any) -> None:
    box = make()
    box.put("A", 1)
    box.close()
    box.put("B", 2)
    box.mark("C", Look(lambda: 3))
    assert (box.take(), box.is_closed, box.is_spent) == (1, True, True)
    with pytest.raises(Ended):
        box.take()


@pytest.mark.parametrize("make", [latest, every])
def test_the_error_comes_after_what_waits_and_the_first_one_stays(make: Any) -> None:
    box = make()
    box.put("A", 1)
    box.close(MarketNotFound("first"))
    box.close()
    assert (box.take(), box.is_spent) == (1, False)
    with pytest.raises(MarketNotFound, match="first"):
        box.take()


@pytest.mark.parametrize("kind", [Latest, Every])
def test_a_consumer_is_woken_by_the_first_item_and_by_the_end(kind: Any) -> None:
    wakes: list[int] = []
    box = kind(most=None, wake=lambda: wakes.append(1))
    box.put("A", 1)
    box.put("B", 2)
    assert len(wakes) == 1
    drain(box)
    box.put("A", 3)
    box.close()
    assert len(wakes) == 3


def test_what_is_not_followed_any_more_is_dropped_from_the_newest() -> None:
    box = latest()
    box.put("A", 1)
    box.put("B", 2)
    box.forget("A")
    box.forget("C")
    assert drain(box) == [2]


def test_what_was_told_stays_where_every_item_counts() -> None:
    box = every()
    box.put("A", 1)
    box.forget("A")
    assert drain(box) == [1]


STEPS = st.lists(st.one_of(st.just(None), st.sampled_from("ABC")), max_size=60)


@given(STEPS)
def test_p18_every_delivers_all_and_latest_counts_what_it_folds(
    steps: list[str | None],
) -> None:
    newest, all_ = latest(), every()
    told = 0
    got: tuple[list[Any], list[Any]] = ([], [])
    for step in steps:
        if step is None:
            for box, items in zip((newest, all_), got, strict=True):
                if (item := box.take()) is not None:
                    items.append(item)
        else:
            told += 1
            newest.put(step, (step, told))
            all_.put(step, (step, told))
    got[0].extend(drain(newest))
    got[1].extend(drain(all_))
    assert [number for _, number in got[1]] == list(range(1, told + 1))
    assert len(got[0]) + newest.folded == told
    for key in "ABC":
        mine = [number for name, number in got[0] if name == key]
        assert mine == sorted(mine)
        assert mine[-1:] == [n for name, n in got[1] if name == key][-1:]


@pytest.mark.parametrize("make", [latest, every])
def test_a_copy_has_what_waits_and_goes_its_own_way(make: Any) -> None:
    rung: list[str] = []
    box = make()
    for item in (1, 2):
        box.put(item, item)
    other = box.copy(lambda: rung.append("other"))
    box.put(3, 3)
    assert (drain(box), drain(other), rung) == ([1, 2, 3], [1, 2], [])
    other.put(4, 4)
    assert (drain(box), drain(other), rung) == ([], [4], ["other"])


@pytest.mark.parametrize("make", [latest, every])
def test_what_is_put_back_comes_first(make: Any) -> None:
    box = make()
    for item in (1, 2):
        box.put(item, item)
    box.put_back(box.take())
    assert drain(box) == [1, 2]


def test_a_book_that_is_stale_is_put_back_for_nobody_who_wants_the_newest() -> None:
    class Stale:
        stale = True

    box = latest()
    box.put_back(Stale())
    assert (drain(box), box.folded) == ([], 1)
