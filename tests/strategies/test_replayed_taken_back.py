"""What was decided over a recording that has nothing of it, as it was taken back live."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from unified_exchanges import NotRecorded, Order
from unified_exchanges.strategies import Desk, Failure, Strategy

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
    """Places orders and cancels each in the same call, again and again."""

    def __init__(self, name: str) -> None:
        self.markets = [name]
        self.told: list[tuple[str, str, int]] = []

    def on_start(self, desk: Desk) -> None:
        for count in range(10):
            desk.timer(str(count), timedelta(milliseconds=100 * (count + 1)))
        desk.timer("enough", timedelta(milliseconds=1_300))

    def on_timer(self, desk: Desk, name: str) -> None:
        if name == "enough":
            desk.stop()
            return
        market = desk.market(self.markets[0])
        terms = market.market_id, market.outcomes[0].label, "buy"
        desk.cancel(desk.place(*terms, market.grid.lowest, 20 + int(name)))

    def on_order(self, desk: Desk, order: Order) -> None:
        self.told.append((order.order_id, str(order.status), int(order.size)))


@pytest.mark.parametrize("flavour", FLAVOURS)
@pytest.mark.parametrize("venue", VENUES)
def test_what_is_placed_and_canceled_in_one_call_is_so_again(
    venue: str, flavour: str, tmp_path: Path
) -> None:
    path = tmp_path / "at_once.jsonl"
    with stage(venue) as at:
        real = AtOnce(quoted(at))
        before = live(flavour, real, at, path)
    assert before.failures == ()
    for other in FLAVOURS:
        again = AtOnce(real.markets[0])
        assert replayed(other, again, path).failures == ()
        assert sorted(again.told) == sorted(real.told)
