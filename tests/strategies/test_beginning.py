"""A run begins with its last read, live as over its recording, however long following takes."""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from unified_exchanges import OrderBook
from unified_exchanges.shells.aio import AsyncExchange
from unified_exchanges.shells.blocking import Exchange
from unified_exchanges.strategies import Desk, Strategy

from ..flavours import FLAVOURS
from ..recording.sessions import VENUES, stage
from .test_replayed import replayed
from .test_replayed_trouble import live, quoted

SLOW = 0.5


class Timed(Strategy):
    """Notes when it began, and what came first of a timer and a book."""

    def __init__(self, name: str) -> None:
        self.markets = [name]
        self.began: datetime | None = None
        self.told: list[str] = []

    def on_start(self, desk: Desk) -> None:
        self.began = desk.now
        desk.timer("soon", timedelta(seconds=SLOW / 2))

    def on_book(self, desk: Desk, book: OrderBook) -> None:
        if "book" not in self.told:
            self.told.append("book")
            # The account is followed by then, by a connection of its own.
            desk.timer("enough", timedelta(seconds=1))

    def on_timer(self, desk: Desk, name: str) -> None:
        if name == "enough":
            desk.stop()
        else:
            self.told.append("timer")


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let it take long until a market is followed."""
    for kind in (Exchange, AsyncExchange):
        hearing = kind.hearing

        def late(*given: Any, hearing: Any = hearing) -> Any:
            time.sleep(SLOW)
            return hearing(*given)

        monkeypatch.setattr(kind, "hearing", late)


@pytest.mark.usefixtures("slow")
@pytest.mark.parametrize("flavour", FLAVOURS)
@pytest.mark.parametrize("venue", VENUES)
def test_a_timer_of_its_start_comes_before_the_first_book_again(
    venue: str, flavour: str, tmp_path: Path
) -> None:
    path = tmp_path / "run.jsonl"
    with stage(venue) as at:
        first = Timed(quoted(at))
        real = live(flavour, first, at, path)
    again = Timed(first.markets[0])
    over = replayed(flavour, again, path)
    assert first.began == real.started_at
    assert again.began == over.started_at
    assert first.told == again.told == ["timer", "book"]
