"""A strategy over what was recorded of an exchange: both venues, both flavours."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import pytest

from unified_exchanges import NotSupported, OrderBook, async_exchange, exchange
from unified_exchanges.recording import Recorder
from unified_exchanges.strategies import Desk, Strategy, async_run, run

from ..flavours import FLAVOURS
from ..recording.sessions import VENUES, stage


class Looker(Strategy):
    """Sees one book."""

    def __init__(self, name: str) -> None:
        self.markets = [name]

    def on_book(self, desk: Desk, book: OrderBook) -> None:
        desk.stop()


def looked(flavour: str, path: Path, name: str) -> None:
    """Run it over the recording; it has been stopped, so that one that begins also ends."""
    if flavour == "blocking":
        stopped = threading.Event()
        stopped.set()
        with exchange("replay", path=path) as ex:
            run(Looker(name), ex, stop=stopped)
        return

    async def go() -> None:
        stop = asyncio.Event()
        stop.set()
        async with async_exchange("replay", path=path) as ex:
            await async_run(Looker(name), ex, stop=stop)

    asyncio.run(go())


@pytest.mark.parametrize("flavour", FLAVOURS)
@pytest.mark.parametrize("venue", VENUES)
def test_a_run_on_a_replayed_exchange_is_refused_at_once_and_says_what_to_do(
    venue: str, flavour: str, tmp_path: Path
) -> None:
    path = tmp_path / "run.jsonl"
    with stage(venue) as at, exchange(at.venue, **at.account) as ex:
        name = next(m.market_id for m in ex.fetch_markets() if m.bid)
        with Recorder(ex, path):
            run(Looker(name), ex, seconds=20)
    with pytest.raises(NotSupported) as refused:
        looked(flavour, path, name)
    assert refused.value.venue == venue
    said = str(refused.value)
    assert 'exchange("paper", source="replay", path=…)' in said
    assert "backtest(strategy, path, contracts=…)" in said
