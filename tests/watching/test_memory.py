"""What was known before a call is no news after it, whatever any clock shows."""

from __future__ import annotations

from decimal import Decimal

import attrs
import pytest

from unified_exchanges.clock import ClockOffset, VirtualClock
from unified_exchanges.models import Fill, Order, OrderStatus, Subject
from unified_exchanges.watching import memory as module
from unified_exchanges.watching.follower import Follower
from unified_exchanges.watching.memory import Memory

from .samples import fill, order
from .toy import Stage

CANCELED = OrderStatus.CANCELED


class Watcher:
    """Somebody who begins to watch while nothing is known of the venue's clock."""

    def __init__(self, memory: Memory, subject: Subject = Subject.FILLS) -> None:
        self._memory = memory
        stage = Stage()
        self._offset = ClockOffset(VirtualClock())
        self._follower = Follower(
            subject,
            None,
            outcome=None,
            policy="every",
            wants_events=False,
            clock=stage.clock,
            moment=memory.moment(),
            most=10,
            wake=lambda: None,
            delivery=stage.venue.monitor.delivery(str(subject), 0.0),
            in_seconds=False,
        )

    def news(self, *told: Fill) -> list[str]:
        """The fills that are news, of these that it is told."""
        follower = self._follower
        return [
            x.fill_id
            for x in told
            if follower.wants_fill(x, self._memory, self._offset)
        ]

    def is_news(self, told: Order) -> bool:
        return self._follower.wants_order(told, self._memory, self._offset)


@pytest.fixture
def memory() -> Memory:
    return Memory()


def sized(name: str, size: int, at: float) -> Fill:
    return fill(name, at=at, size=Decimal(size))


def test_fault_22_what_the_answer_to_an_order_counted_is_no_news(
    memory: Memory,
) -> None:
    memory.order(order(filled=10), placed=memory.moment())
    assert Watcher(memory).news(sized("t1", 4, 0), sized("t2", 6, 0)) == []


def test_fault_22_what_fills_after_the_answer_is_news(memory: Memory) -> None:
    memory.order(order(filled=4, at=1), placed=memory.moment())
    told = sized("t1", 4, 1), sized("t2", 6, 1.2)
    assert Watcher(memory).news(*told) == ["t2"]


def test_fault_22_an_old_fill_that_is_not_read_hides_no_new_one(memory: Memory) -> None:
    memory.order(order(filled=4, at=1), placed=memory.moment())
    assert Watcher(memory).news(sized("t2", 4, 3_600)) == ["t2"]


def test_fault_22_in_one_millisecond_no_more_was_known_than_was_counted(
    memory: Memory,
) -> None:
    memory.order(order(filled=4, at=1), placed=memory.moment())
    told = sized("t1", 4, 1), sized("t2", 4, 1)
    assert Watcher(memory).news(*told) == ["t2"]


def test_an_answer_tells_milliseconds_and_a_fill_more(memory: Memory) -> None:
    memory.order(order(filled=4, at=1.002), placed=memory.moment())
    assert Watcher(memory).news(sized("t1", 4, 1.0027)) == []


def test_fault_22_a_fill_that_was_seen_is_no_news_and_those_beside_it_are(
    memory: Memory,
) -> None:
    seen = sized("t1", 4, 0)
    memory.order(order(filled=4, status=CANCELED), placed=None)
    memory.fill(seen, placed=None)
    # It ended with those four: so this one was counted by nobody.
    assert Watcher(memory).news(seen, sized("t2", 2, 0)) == ["t2"]


def test_what_becomes_known_after_the_call_is_news(memory: Memory) -> None:
    watcher = Watcher(memory)
    memory.order(order(filled=10), placed=None)
    memory.fill(seen := sized("t1", 4, 0), placed=None)
    assert watcher.news(seen, sized("t2", 6, 0)) == ["t1", "t2"]
    assert Watcher(memory).news(seen, sized("t2", 6, 0)) == []


def test_an_order_without_the_time_of_its_change_proves_nothing_of_its_fills(
    memory: Memory,
) -> None:
    memory.order(order(filled=4, at=None), placed=None)
    assert Watcher(memory).news(sized("t1", 4, 0)) == ["t1"]


def test_each_who_watches_is_judged_on_their_own(memory: Memory) -> None:
    memory.order(order(filled=2, at=1), placed=None)
    early = Watcher(memory)
    memory.order(order(filled=5, at=2), placed=None)
    late = Watcher(memory)
    told = sized("t1", 2, 1), sized("t2", 3, 2)
    assert (early.news(*told), late.news(*told)) == (["t2"], [])


def test_an_end_that_was_known_is_no_news_and_a_fuller_one_is(memory: Memory) -> None:
    memory.order(order(filled=4, status=CANCELED), placed=None)
    watcher = Watcher(memory, Subject.ORDERS)
    assert not watcher.is_news(order(filled=4, status=CANCELED))
    assert watcher.is_news(order(filled=6, status=CANCELED))
    assert watcher.is_news(order("o2", filled=4, status=CANCELED))


def test_fault_22_that_an_order_was_open_is_no_news_after_its_end_was_known(
    memory: Memory,
) -> None:
    early = Watcher(memory, Subject.ORDERS)
    memory.order(order(filled=4, status=CANCELED), placed=None)
    late = Watcher(memory, Subject.ORDERS)
    # A stream that is behind the answer.
    told = order(filled=0)
    assert (early.is_news(told), late.is_news(told)) == (True, False)
    assert late.is_news(order("o2", filled=0))


def test_an_end_by_a_word_nobody_knows_is_not_known(memory: Memory) -> None:
    memory.order(order(filled=4, status=OrderStatus.UNKNOWN), placed=None)
    assert Watcher(memory, Subject.ORDERS).is_news(order(filled=4, status=CANCELED))


def test_orders_are_remembered_up_to_a_bound(
    memory: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_MOST", 2)
    for name in ("o1", "o2", "o1", "o3"):
        memory.order(order(name, filled=10), placed=None)
    watcher = Watcher(memory)
    names = ("o1", "o2", "o3")
    told = [attrs.evolve(fill(f"t-{x}"), order_id=x) for x in names]
    # What is forgotten is told rather than not.
    assert watcher.news(*told) == ["t-o2"]
