"""A strategy live on a simulated venue while it is recorded, and over that recording."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from unified_exchanges import async_exchange, exchange
from unified_exchanges.strategies import RunReport, Strategy, async_run, run

from ..backtesting.test_making import Among, Crowd, Maker, cash_before, decided, filled
from ..backtesting.test_making import live as made
from ..backtesting.test_proof import Stopping
from ..backtesting.test_proof import decided as decided_by_market
from ..backtesting.test_proof import filled as filled_by_market
from ..backtesting.test_proof import live as went_round
from ..flavours import FLAVOURS
from ..recording.sessions import VENUES, stage


def replayed(flavour: str, strategy: Strategy, path: Path, **how: Any) -> RunReport:
    if flavour == "blocking":
        with exchange("replay", path=path) as ex:
            return run(strategy, ex, **how)

    async def go() -> RunReport:
        async with async_exchange("replay", path=path) as ex:
            return await async_run(strategy, ex, **how)

    return asyncio.run(go())


class Alone(Among):
    """The same, where the others are those of the recording."""

    def __init__(self, name: str) -> None:
        super().__init__(name, Absent())


class Absent(Crowd):
    """Who acts in a recording acts by himself."""

    def __init__(self) -> None: ...

    def step(self) -> bool:
        return False


@pytest.mark.parametrize("flavour", FLAVOURS)
@pytest.mark.parametrize("venue", VENUES)
def test_a_maker_decides_and_fills_over_its_recording_as_it_did_live(
    venue: str, flavour: str, tmp_path: Path
) -> None:
    path = tmp_path / "maker.jsonl"
    with stage(venue) as at:
        real, contract = made(flavour, at, path)
    assert [x.size for x in real.fills] == [12, 18, 30, 4]
    for other in FLAVOURS:
        again = replayed(other, Alone(contract.market_id), path)
        assert decided(again) == decided(real)
        assert filled(again.fills) == filled(real.fills)
        assert again.cash == real.cash
        assert again.positions == real.positions
        assert again.failures == real.failures == ()
