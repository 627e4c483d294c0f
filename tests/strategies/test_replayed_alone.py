"""A recording is played by one run at a time."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from unified_exchanges import BadRequest, OrderBook, async_exchange, exchange
from unified_exchanges.recording import Recorder
from unified_exchanges.strategies import Desk, Strategy, async_run, run

from ..flavours import FLAVOURS
from ..recording.sessions import VENUES, stage
from .test_replayed_trouble import quoted

REPLAYS: list[tuple[str, dict[str, Any]]] = [
    ("replay", {}),
    ("paper", {"source": "replay"}),
]


class Counts(Strategy):
    """Counts books."""

    def __init__(self, name: str) -> None:
        self.markets = [name]
        self.count = 0

    def on_book(self, desk: Desk, book: OrderBook) -> None:
        self.count += 1


class Nests(Counts):
    """Runs another over the same exchange meanwhile."""

    def __init__(self, name: str, ex: Any) -> None:
        super().__init__(name)
        self.ex = ex
        self.other = Counts(name)
        self.refusal: BadRequest | None = None

    def on_book(self, desk: Desk, book: OrderBook) -> None:
        if self.count == 0:
            with pytest.raises(BadRequest) as refused:
                self.run_other()
            self.refusal = refused.value
        super().on_book(desk, book)

    def run_other(self) -> None:
        run(self.other, self.ex)


class NestsAsync(Nests):
    """As `Nests`: what is refused is refused before anything is waited for."""

    def run_other(self) -> None:
        async_run(self.other, self.ex).send(None)


def nested(
    flavour: str, name: str, kind: str, how: dict[str, Any]
) -> tuple[Nests, int]:
    """Of the first how it went, and how much the next is told."""
    last = Counts(name)
    if flavour == "blocking":
        with exchange(kind, **how) as ex:
            first = Nests(name, ex)
            run(first, ex, seconds=0.7)
            run(last, ex, seconds=0.7)
        return first, last.count

    async def go() -> Nests:
        async with async_exchange(kind, **how) as ex:
            first = NestsAsync(name, ex)
            await async_run(first, ex, seconds=0.7)
            await async_run(last, ex, seconds=0.7)
        return first

    return asyncio.run(go()), last.count


@pytest.mark.parametrize(("kind", "more"), REPLAYS)
@pytest.mark.parametrize("flavour", FLAVOURS)
@pytest.mark.parametrize("venue", VENUES)
def test_a_run_is_refused_while_another_goes_on_over_the_same_recording(
    venue: str, flavour: str, kind: str, more: dict[str, Any], tmp_path: Path
) -> None:
    path = tmp_path / "books.jsonl"
    with stage(venue) as at:
        name = quoted(at)
        with exchange(at.venue, **at.account) as ex, Recorder(ex, path):
            for _ in range(2):
                run(Counts(name), ex, seconds=1)
    first, told = nested(flavour, name, kind, {"path": path, **more})
    assert "one after another" in str(first.refusal)
    assert first.other.count == 0
    assert first.count > 0
    assert told > 0
