"""What was decided over a recording that has nothing of it, as it was taken back live."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from unified_exchanges import InvalidPrice, LimitPolicy, NotRecorded, Order
from unified_exchanges.simulator.faults import Fault
from unified_exchanges.strategies import Desk, Failure, RunReport, Strategy

from ..flavours import FLAVOURS
from ..recording.sessions import VENUES, stage
from .test_replayed import replayed
from .test_replayed_trouble import live, quoted

PLACED = {10: 900}
"""After how many milliseconds the run that is recorded places which size."""
SOON = timedelta(milliseconds=60)


class Planned(Strategy):
    """Places sizes, and cancels them, after so many milliseconds; notes what it is told."""

    def __init__(
        self,
        name: str,
        places: Mapping[int, int] = PLACED,
        cancels: Mapping[int, int] | None = None,
        stops: int = 1_500,
    ) -> None:
        self.markets = [name]
        self.steps = [(at, "place", size) for size, at in places.items()]
        self.steps += [(at, "cancel", size) for size, at in (cancels or {}).items()]
        self.steps.append((stops, "stop", 0))
        self.placed: dict[int, tuple[str, datetime]] = {}
        self.told: list[tuple[int, str]] = []
        self.taken_back: list[int] = []
        self.failed: dict[int, tuple[type[Exception], timedelta]] = {}

    def on_start(self, desk: Desk) -> None:
        for at, what, size in self.steps:
            desk.timer(f"{what} {size}", timedelta(milliseconds=at))

    def on_timer(self, desk: Desk, name: str) -> None:
        what, size = name.split()
        if what == "stop":
            desk.stop()
        elif what == "cancel":
            desk.cancel(self.placed[int(size)][0])
        else:
            market = desk.market(self.markets[0])
            terms = market.market_id, market.outcomes[0].label, "buy"
            key = desk.place(*terms, market.grid.lowest, int(size))
            self.placed[int(size)] = key, desk.now

    def on_order(self, desk: Desk, order: Order) -> None:
        if order.order_id:
            self.told.append((int(order.size), order.order_id))
        else:
            assert order.status == "canceled"
            self.taken_back.append(int(order.size))

    def on_failure(self, desk: Desk, failure: Failure) -> None:
        for size, (key, at) in self.placed.items():
            if key == failure.command.key:
                self.failed[size] = type(failure.error), desk.now - at


@pytest.mark.parametrize("flavour", FLAVOURS)
@pytest.mark.parametrize("venue", VENUES)
def test_what_is_canceled_or_left_over_a_moment_later_was_not_sent(
    venue: str, flavour: str, tmp_path: Path
) -> None:
    path = tmp_path / "one.jsonl"
    with stage(venue) as at:
        real = Planned(quoted(at))
        before = live(flavour, real, at, path)
    assert real.told
    for other in FLAVOURS:
        # Live an order leaves a moment after it was decided, and so may be taken back.
        again = Planned(
            real.markets[0],
            {7: 400, 8: 420, 9: 420} | PLACED,
            {7: 401, 8: 420, 9: 440},
        )
        report = replayed(other, again, path)
        assert report.failures == ()
        assert sorted(again.taken_back) == [7, 8, 9]
        assert again.told == real.told
        assert report.cash == before.cash
        # A run ends by its strategy, and the recording goes on.
        stops = Planned(real.markets[0], {7: 400}, stops=401)
        report = replayed(other, stops, path)
        assert report.failures == ()
        assert [x.key for x in report.unsent] == [stops.placed[7][0]]


@pytest.mark.parametrize("flavour", FLAVOURS)
@pytest.mark.parametrize("venue", VENUES)
def test_what_was_never_decided_fails_soon_and_holds_up_nothing(
    venue: str, flavour: str, tmp_path: Path
) -> None:
    path = tmp_path / "one.jsonl"
    with stage(venue) as at:
        real = Planned(quoted(at))
        live(flavour, real, at, path)
    ((own, milliseconds),) = PLACED.items()
    for other in FLAVOURS:
        more = dict.fromkeys((5, 6, 7), milliseconds - 10) | {8: milliseconds}
        again = Planned(real.markets[0], more | PLACED)
        report = replayed(other, again, path)
        # None is thought to have waited for the one before it.
        assert {size: kind for size, (kind, _) in again.failed.items()} == (
            dict.fromkeys(more, NotRecorded)
        )
        assert max(waited for _, waited in again.failed.values()) < SOON
        assert again.told == real.told
        assert {size for size, _ in again.told} == {own}
        assert report.unsent == ()


class AtOnce(Strategy):
    """Places orders and cancels each in the same call, again and again.

    The first is refused by its price.  ``more`` is the size of one more.
    """

    def __init__(self, name: str, more: int | None = None) -> None:
        self.markets = [name]
        self.more = more
        self.told: list[tuple[str, str, int]] = []
        self.failed: list[type[Exception]] = []

    def on_start(self, desk: Desk) -> None:
        for count in range(10):
            desk.timer(str(count), timedelta(milliseconds=100 * (count + 1)))
        if self.more is not None:
            desk.timer(str(self.more), timedelta(milliseconds=350))
        desk.timer("enough", timedelta(milliseconds=1_300))

    def on_timer(self, desk: Desk, name: str) -> None:
        if name == "enough":
            desk.stop()
            return
        market = desk.market(self.markets[0])
        terms = market.market_id, market.outcomes[0].label, "buy"
        price = market.grid.lowest / (2 if name == "0" else 1)
        desk.cancel(desk.place(*terms, price, 20 + int(name)))

    def on_order(self, desk: Desk, order: Order) -> None:
        self.told.append((order.order_id, str(order.status), int(order.size)))

    def on_failure(self, desk: Desk, failure: Failure) -> None:
        self.failed.append(type(failure.error))


@pytest.mark.parametrize("flavour", FLAVOURS)
@pytest.mark.parametrize("venue", VENUES)
def test_what_is_placed_and_canceled_in_one_call_is_so_again(
    venue: str, flavour: str, tmp_path: Path
) -> None:
    path = tmp_path / "at_once.jsonl"
    with stage(venue) as at:
        real = AtOnce(quoted(at))
        live(flavour, real, at, path)
    assert real.failed == [InvalidPrice]
    for other in FLAVOURS:
        again = AtOnce(real.markets[0], more=50)
        replayed(other, again, path)
        assert again.failed == [InvalidPrice]
        assert sorted(again.told) == sorted([*real.told, ("", "canceled", 70)])


class Changing(Strategy):
    """Changes price and size of an order and cancels it, all in one call.

    A moment before that it asks for the same price, and has that taken back.
    """

    def __init__(self, name: str) -> None:
        self.markets = [name]
        self.told: list[tuple[str, str, Decimal, Decimal]] = []
        self.lasted = timedelta(0)

    def on_start(self, desk: Desk) -> None:
        self.began = desk.now
        steps = {"place": 300, "before": 900, "change": 930, "enough": 1_500}
        for name, milliseconds in steps.items():
            desk.timer(name, timedelta(milliseconds=milliseconds))

    def on_timer(self, desk: Desk, name: str) -> None:
        market = desk.market(self.markets[0])
        low = market.grid.lowest
        if name == "place":
            terms = market.market_id, market.outcomes[0].label, "buy"
            self.key = desk.place(*terms, low, 17)
        elif name == "enough":
            desk.stop()
        else:
            desk.amend(self.key, price=low * 6)
            if name == "change":
                desk.amend(self.key, size=11)
                desk.cancel(self.key)

    def on_order(self, desk: Desk, order: Order) -> None:
        self.told.append((order.order_id, str(order.status), order.price, order.size))
        self.lasted = desk.now - self.began


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_a_change_that_was_taken_back_while_it_read_keeps_none_behind_it(
    flavour: str, tmp_path: Path
) -> None:
    path = tmp_path / "changing.jsonl"
    with stage("kalshi") as at:
        one = "/portfolio/orders/[^/]+$"
        at.server.faults.add(Fault("delay", method="GET", path=one, seconds=0.2))
        real = Changing(quoted(at))
        before = live(flavour, real, at, path)
    assert before.failures == before.unsent == before.left_orders == ()
    for other in FLAVOURS:
        again = Changing(real.markets[0])
        report = replayed(other, again, path)
        assert report.failures == report.unsent == report.left_orders == ()
        assert again.told == real.told
        # Nor is the cancel behind them told later.
        assert again.lasted < real.lasted + timedelta(milliseconds=100)


class Ending(Strategy):
    """Three orders rest; when the run ends one is being changed, and still reads, or canceled.

    ``last`` is which of both is asked for, and how many milliseconds before the end.
    """

    def __init__(self, name: str, *last: tuple[str, int], ends: int = 900) -> None:
        self.markets = [name]
        self.ends = ends
        self.last = dict(last)
        self.told: list[tuple[str, str, Decimal]] = []

    def on_start(self, desk: Desk) -> None:
        steps = {name: self.ends - before for name, before in self.last.items()}
        for name, milliseconds in ({"place": 300, "end": self.ends} | steps).items():
            desk.timer(name, timedelta(milliseconds=milliseconds))

    def on_timer(self, desk: Desk, name: str) -> None:
        market = desk.market(self.markets[0])
        low = market.grid.lowest
        if name == "place":
            terms = market.market_id, market.outcomes[0].label, "buy"
            self.keys = [desk.place(*terms, low * n, 20) for n in (1, 2, 3)]
        elif name == "change":
            desk.amend(self.keys[0], price=low * 6)
        elif name == "cancel":
            desk.cancel(self.keys[0])
        else:
            desk.stop()

    def on_order(self, desk: Desk, order: Order) -> None:
        self.told.append((order.order_id, str(order.status), order.price))


def assert_unsent(again: RunReport, before: RunReport) -> None:
    assert again.failures == ()
    assert len(again.unsent) == 1
    assert {x.order_id for x in again.left_orders} == {
        x.order_id for x in before.left_orders
    }
    assert len(again.left_orders) == 3


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_a_change_that_still_read_when_the_run_ended_does_not_keep_it_from_ending(
    flavour: str, tmp_path: Path
) -> None:
    path = tmp_path / "ending.jsonl"
    with stage("kalshi") as at:
        reads = "/portfolio/orders|user_data_timestamp"
        lag = Fault("lag", method="GET", path=reads, seconds=0.36, count=None)
        at.server.faults.add(lag)
        real = Ending(quoted(at), ("change", 100))
        before = live(flavour, real, at, path)
    assert_unsent(before, before)
    for other in FLAVOURS:
        again = Ending(real.markets[0], ("change", 100))
        assert_unsent(replayed(other, again, path), before)
        assert sorted(again.told) == sorted(real.told)


@pytest.mark.parametrize("flavour", FLAVOURS)
@pytest.mark.parametrize("venue", VENUES)
def test_a_cancel_right_before_the_end_is_not_that_of_the_end(
    venue: str, flavour: str, tmp_path: Path
) -> None:
    path = tmp_path / "ending.jsonl"
    with stage(venue) as at:
        slow = Fault("delay", method="DELETE", path="order", seconds=0.2, count=None)
        at.server.faults.add(slow)
        real = Ending(quoted(at))
        before = live(flavour, real, at, path)
    for other in FLAVOURS:
        # Live it had not left by then: the recording has only the cancels of the end.
        again = Ending(real.markets[0], ("cancel", 1))
        assert_unsent(replayed(other, again, path), before)
        assert sorted(again.told) == sorted(real.told)


@pytest.mark.parametrize("flavour", FLAVOURS)
@pytest.mark.parametrize("venue", VENUES)
def test_a_cancel_that_had_left_right_before_the_end_leaves_in_a_run_that_ends_sooner(
    venue: str, flavour: str, tmp_path: Path
) -> None:
    path = tmp_path / "ending.jsonl"
    with stage(venue) as at:
        slow = Fault("delay", method="DELETE", path="order", seconds=0.2, count=None)
        at.server.faults.add(slow)
        real = Ending(quoted(at), ("cancel", 30))
        before = live(flavour, real, at, path)
    assert before.unsent == ()
    for other in FLAVOURS:
        again = Ending(real.markets[0], ("cancel", 20), ends=870)
        report = replayed(other, again, path)
        assert report.failures == report.unsent == ()
        assert sorted(again.told) == sorted(real.told)


class Expiring(Strategy):
    """An order expires; ``cancels`` is when it is canceled besides."""

    def __init__(self, name: str, cancels: datetime | None = None) -> None:
        self.markets = [name]
        self.cancels = cancels
        self.ended: datetime | None = None

    def on_start(self, desk: Desk) -> None:
        market = desk.market(self.markets[0])
        terms = market.market_id, market.outcomes[0].label, "buy", market.grid.lowest
        expires = desk.now.replace(microsecond=0) + timedelta(seconds=3)
        self.key = desk.place(*terms, 10, expires_at=expires)
        if self.cancels is not None:
            desk.timer("cancel", self.cancels - desk.now)

    def on_timer(self, desk: Desk, name: str) -> None:
        if name == "cancel":
            desk.cancel(self.key)
        else:
            desk.stop()

    def on_order(self, desk: Desk, order: Order) -> None:
        if not order.is_open:
            self.ended = desk.now
            desk.timer("enough", timedelta(milliseconds=200))


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_a_cancel_of_what_ends_in_a_moment_goes_nowhere(
    flavour: str, tmp_path: Path
) -> None:
    path = tmp_path / "expiring.jsonl"
    with stage("kalshi") as at:
        real = Expiring(quoted(at))
        live(flavour, real, at, path)
    assert real.ended is not None
    for other in FLAVOURS:
        # Live the end was told first: here a stream is a moment later.
        again = Expiring(real.markets[0], real.ended - timedelta(milliseconds=20))
        report = replayed(other, again, path)
        assert report.failures == report.unsent == ()
        assert again.ended is not None


class Limited(Strategy):
    """Places more orders at once than the limiter lets go, and cancels the last one later."""

    def __init__(self, name: str) -> None:
        self.markets = [name]
        self.told: list[tuple[int, str]] = []

    def on_start(self, desk: Desk) -> None:
        for name, milliseconds in {"place": 300, "cancel": 600, "end": 2_500}.items():
            desk.timer(name, timedelta(milliseconds=milliseconds))

    def on_timer(self, desk: Desk, name: str) -> None:
        market = desk.market(self.markets[0])
        if name == "place":
            terms = market.market_id, market.outcomes[0].label, "buy"
            sizes = range(20, 26)
            self.keys = [desk.place(*terms, market.grid.lowest, n) for n in sizes]
        elif name == "cancel":
            desk.cancel(self.keys[-1])
        else:
            desk.stop()

    def on_order(self, desk: Desk, order: Order) -> None:
        self.told.append((int(order.size), order.order_id))


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_what_waited_for_the_limiter_behind_others_was_canceled_before_it_left(
    flavour: str, tmp_path: Path
) -> None:
    path = tmp_path / "limited.jsonl"
    with stage("kalshi") as at:
        # Some at once, and then one each quarter of a second.
        limits = LimitPolicy(buckets={"write": (40, 30)}, discover=False)
        real = Limited(quoted(at))
        before = live(flavour, real, at, path, limits=limits)
    assert before.failures == ()
    assert (25, "") in real.told
    for other in FLAVOURS:
        again = Limited(real.markets[0])
        assert replayed(other, again, path).failures == ()
        assert sorted(again.told) == sorted(real.told)
