"""A strategy live on a simulated venue while it is recorded, and over that recording."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from unified_exchanges import (
    GuardPolicy,
    LimitPolicy,
    NotRecorded,
    Order,
    OrderBook,
    RetryPolicy,
    async_exchange,
    exchange,
)
from unified_exchanges.recording import Recorder
from unified_exchanges.strategies import (
    Desk,
    Failure,
    RunReport,
    Strategy,
    async_run,
    run,
)

from ..backtesting.test_making import Among, Crowd, Maker, cash_before, decided, filled
from ..backtesting.test_making import live as made
from ..backtesting.test_proof import Stopping
from ..backtesting.test_proof import decided as decided_by_market
from ..backtesting.test_proof import filled as filled_by_market
from ..backtesting.test_proof import live as went_round
from ..flavours import FLAVOURS
from ..recording.sessions import VENUES, Stage, stage


def replayed(
    flavour: str,
    strategy: Strategy,
    path: Path,
    *,
    dry_run: bool = False,
    guards: GuardPolicy | None = None,
    limits: LimitPolicy | None = None,
    retry: RetryPolicy | None = None,
    **how: Any,
) -> RunReport:
    made: dict[str, Any] = {
        "path": path,
        "dry_run": dry_run,
        "guards": guards or GuardPolicy(),
        "limits": limits,
        "retry": retry,
    }
    if flavour == "blocking":
        with exchange("replay", **made) as ex:
            return run(strategy, ex, **how)

    async def go() -> RunReport:
        async with async_exchange("replay", **made) as ex:
            return await async_run(strategy, ex, **how)

    return asyncio.run(go())


class Alone(Among):
    """The same, where the others are those of the recording."""

    def __init__(self, name: str) -> None:
        super().__init__(name, Absent(), lambda: True)


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


@pytest.mark.parametrize("flavour", FLAVOURS)
@pytest.mark.parametrize("venue", VENUES)
def test_orders_and_cancels_in_several_markets_come_out_as_they_did_live(
    venue: str, flavour: str, tmp_path: Path
) -> None:
    path = tmp_path / "rounds.jsonl"
    with stage(venue) as at:
        real, _, names = went_round(flavour, at, path)
    assert [len(x) for x in decided_by_market(real.decisions).values()] == [4, 4, 4]
    for other in FLAVOURS:
        again = replayed(other, Stopping(names), path)
        assert decided_by_market(again.decisions) == decided_by_market(real.decisions)
        assert filled_by_market(again.fills) == filled_by_market(real.fills)
        assert again.cash == real.cash
        assert again.failures == real.failures == ()
        assert again.left_orders == ()


class Larger(Maker):
    """Bids for one more than was recorded, and remembers why it could not."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.heard: list[Failure] = []

    def quote(self, desk: Desk, side: str, size: int) -> None:
        super().quote(desk, side, size + 1)


class Hardened(Larger):
    """Goes on without."""

    def on_failure(self, desk: Desk, failure: Failure) -> None:
        self.heard.append(failure)


@pytest.mark.parametrize("venue", VENUES)
def test_who_decides_otherwise_is_told_so_and_the_run_ends(
    venue: str, tmp_path: Path
) -> None:
    path = tmp_path / "maker.jsonl"
    with stage(venue) as at:
        real, contract = made("blocking", at, path)
    name = contract.market_id
    for flavour in FLAVOURS:
        with pytest.raises(NotRecorded) as raised:
            replayed(flavour, Larger(name), path)
        said = str(raised.value)
        assert "the strategy decides otherwise" in said
        assert "the nearest that is there is POST" in said
        assert 'exchange("paper", source="replay", path=…)' in said
        assert not raised.value.maybe_executed
        assert getattr(raised.value, "__notes__", []) == []
        # Who hears of it himself goes on to the end of the recording.
        hardened = Hardened(name)
        report = replayed(flavour, hardened, path)
        assert [type(x.error) for x in hardened.heard] == [NotRecorded]
        assert report.failures == tuple(hardened.heard)
        assert report.fills == report.left_orders == ()
        assert report.cash == cash_before(real)
        assert report.events > 3


class Busy(Strategy):
    """Is refused, changes an order, cancels it, and leaves another one to the end."""

    subjects = ("order_book", "trades", "market_status")

    def __init__(self, name: str) -> None:
        self.markets = [name]
        self.keys: list[str] = []
        self.said: dict[str, list[Any]] = defaultdict(list)

    def on_book(self, desk: Desk, book: OrderBook) -> None:
        if self.keys:
            return
        assert book.ask is not None
        name, low = book.market_id, desk.market(book.market_id).grid.lowest
        yes, no = (x.label for x in desk.market(name).outcomes)
        self.keys = [
            desk.place(name, yes, "buy", book.ask.price, 10, post_only=True),
            desk.place(name, yes, "buy", low, 10, post_only=True),
            desk.place(name, no, "buy", low, 20, post_only=True),
        ]
        desk.amend(self.keys[1], size=12)
        desk.cancel(self.keys[1])

    def on_order(self, desk: Desk, order: Order) -> None:
        key = (order.client_order_id or "").rpartition("-")[2]
        about = order.outcome, order.side, order.price, order.size, order.status
        self.said[key].append((order.order_id, *about))
        if order.status == "canceled":
            desk.timer("enough", timedelta(milliseconds=300))

    def on_failure(self, desk: Desk, failure: Failure) -> None:
        key = failure.command.key.rpartition("-")[2]
        said = failure.error.message.replace(failure.command.key, "")
        self.said[key].append((type(failure.command), type(failure.error), said))

    def on_timer(self, desk: Desk, name: str) -> None:
        desk.stop()


def busy(flavour: str, at: Stage, path: Path) -> tuple[Busy, RunReport]:
    with exchange(at.venue, **at.account) as ex:
        name = next(
            m.market_id
            for m in ex.fetch_markets()
            if m.bid and m.ask and m.bid > m.grid.lowest and m.ask < m.grid.highest
        )
    strategy = Busy(name)
    if flavour == "blocking":
        with exchange(at.venue, **at.account) as ex, Recorder(ex, path):
            return strategy, run(strategy, ex, seconds=20)

    async def go() -> RunReport:
        async with async_exchange(at.venue, **at.account) as ex, Recorder(ex, path):
            return await async_run(strategy, ex, seconds=20)

    return strategy, asyncio.run(go())


@pytest.mark.parametrize("flavour", FLAVOURS)
@pytest.mark.parametrize("venue", VENUES)
def test_refusals_changes_and_the_cancels_of_the_end_come_again(
    venue: str, flavour: str, tmp_path: Path
) -> None:
    path = tmp_path / "busy.jsonl"
    with stage(venue) as at:
        live, real = busy(flavour, at, path)
    assert len(real.failures) == (1 if venue == "kalshi" else 2)
    assert [x.status.value for x in real.left_orders] == ["canceled"]
    for other in FLAVOURS:
        strategy = Busy(live.markets[0])
        again = replayed(other, strategy, path)
        assert strategy.said == live.said
        assert [x.order_id for x in again.left_orders] == [
            x.order_id for x in real.left_orders
        ]
        assert [x.status.value for x in again.left_orders] == ["canceled"]
        assert again.cash == real.cash
