"""Events on their way to another process: they arrive as they were, in few bytes."""

from __future__ import annotations

import pickle
import random
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import attrs
import cloudpickle
import pytest

from unified_exchanges import Level, MarketStatus, OrderBook
from unified_exchanges.backtesting.packing import PackedEvents
from unified_exchanges.backtesting.shipping import packed
from unified_exchanges.backtesting.trial import Trial
from unified_exchanges.models.quotes import POLLED

from ..paper.scene import SECOND, START, book, change
from .test_child_process import setup_of
from .test_loop import randomly

EVENTS = randomly(random.Random(5), 300)


class Old:
    """What tells that a book does not hold any more."""

    def is_stale(self) -> bool:
        return True

    def age(self) -> float:
        return 7.5


class Fresh(Old):
    """What tells that it does."""

    def is_stale(self) -> bool:
        return False


class Deeper(Level):
    """A level of somebody's own."""


def there(events: Any) -> Any:
    return pickle.loads(pickle.dumps(PackedEvents(events)))


def digits(events: Any) -> list[Any]:
    """Each number to its last zero, which equality does not look at."""
    return [
        (moment, str([(str(x.price), str(x.size)) for x in (*told.bids, *told.asks)]))
        for moment, told in events
        if isinstance(told, OrderBook)
    ]


def test_events_arrive_as_they_were_to_the_last_zero() -> None:
    others = [
        (START, book("50@0.4", "50@0.50")),
        (START + SECOND, book("50.0@0.40", "5E+1@0.5")),
        (START + SECOND, change(MarketStatus.SETTLED, "1")),
        (
            START + SECOND,
            attrs.evolve(
                book("1@0.4"),
                sequence=7,
                timestamp=datetime(2026, 1, 5, tzinfo=UTC),
                raw_json=b'{"a":1}',
            ),
        ),
    ]
    for given in (EVENTS, others, []):
        found = there(given)
        assert found == given
        assert digits(found) == digits(given)
        raws = [x.raw_json for _, x in given if isinstance(x, OrderBook)]
        assert [x.raw_json for _, x in found if isinstance(x, OrderBook)] == raws


def test_a_book_is_as_fresh_as_where_it_is_pickled_by_itself() -> None:
    given = [(START, attrs.evolve(book("1@0.4"), freshness=x())) for x in (Old, Fresh)]
    (_, old), (_, fresh) = there(given)
    assert (old.stale, old.age) == (True, 7.5)
    assert (fresh.stale, fresh.age) == (False, None)


def test_a_book_that_was_polled_is_known_as_one_there() -> None:
    polled = attrs.evolve(book("1@0.4"), freshness=POLLED)
    (_, found), (_, other) = there([(START, polled), (START, book("1@0.4"))])
    assert (found.is_polled, other.is_polled) == (True, False)
    assert (found.stale, found.age) == (False, None)


def test_what_is_no_plain_book_goes_along_as_it_is() -> None:
    own = attrs.evolve(book("1@0.4"), bids=(Deeper(Decimal("0.4"), Decimal(1)),))
    whole = attrs.evolve(book("1@0.4"), asks=(Level(Decimal(1), 1),))  # type: ignore[arg-type]
    found = there([(START, own), (START, whole), "no event", (1, 2, 3)])
    assert type(found[0][1].bids[0]) is Deeper
    assert type(found[1][1].asks[0].size) is int
    assert found[2:] == ["no event", (1, 2, 3)]


@pytest.mark.parametrize("kind", [list, tuple])
def test_a_sweep_sends_books_in_a_third_of_the_bytes(kind: Any) -> None:
    chance = random.Random(5)
    sizes = [[chance.randint(1, 40) for _ in range(8)] for _ in range(200)]
    bids = [[f"{x}@0.{40 - n}" for n, x in enumerate(each)] for each in sizes]
    events = [(START + n, book(" ".join(each))) for n, each in enumerate(bids)]
    setup = attrs.evolve(setup_of(), data={"": kind(events)})
    trials = [Trial(number=1, data="", parameters={})]
    sent = packed(setup, trials)
    assert pickle.loads(sent).data == {"": events}
    assert len(sent) < len(cloudpickle.dumps(events)) / 3
