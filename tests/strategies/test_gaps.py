"""A gap is told once to who may have missed something in it, by every kind of run."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from unified_exchanges import Gap, async_exchange, exchange
from unified_exchanges.backtesting import backtest
from unified_exchanges.models import MarketStatus, Subject
from unified_exchanges.paper import Delays, at
from unified_exchanges.recording import Recorder
from unified_exchanges.simulator.faults import StreamFault, StreamPlan
from unified_exchanges.strategies import Desk, Strategy, async_run, contract_of, run

from ..flavours import FLAVOURS
from ..paper.scene import SECOND, START, book, change, contract
from ..recording.sessions import VENUES, Stage, stage
from .test_left import on_replay

EVERYTHING = ("order_book", "trades", "market_status")
CONNECTIONS = {"kalshi": 1, "polymarket": 2}
"""Each of which breaks once: the account's as well."""


class Told(Strategy):
    """Writes gaps down, and ends some time after the first."""

    def __init__(self, names: list[str], subjects: Any) -> None:
        self.markets, self.subjects = names, subjects
        self.gaps: list[tuple[Subject | None, tuple[str, ...]]] = []

    def on_gap(self, desk: Desk, gap: Gap) -> None:
        self.gaps.append((gap.subject, tuple(sorted(gap.market_ids))))
        desk.timer("enough", timedelta(milliseconds=300))

    def on_timer(self, desk: Desk, name: str) -> None:
        desk.stop()


def breaking(venue: str) -> StreamPlan:
    return StreamPlan([StreamFault("reset", after=0.5, count=CONNECTIONS[venue])])


def names_of(at: Stage) -> list[str]:
    with exchange(at.venue, **at.account) as ex:
        return sorted(m.market_id for m in ex.fetch_markets() if m.bid and m.ask)[:2]


def live(flavour: str, strategy: Strategy, at: Stage, path: Path) -> list[Any]:
    if flavour == "blocking":
        with exchange(at.venue, **at.account) as ex, Recorder(ex, path):
            known = [contract_of(ex, x) for x in strategy.markets]
            run(strategy, ex, seconds=20)
            return known

    async def go() -> None:
        async with async_exchange(at.venue, **at.account) as ex:
            await async_run(strategy, ex, seconds=20)

    asyncio.run(go())
    return []


@pytest.mark.parametrize("subjects", [("trades",), ("market_status",), EVERYTHING])
@pytest.mark.parametrize("flavour", FLAVOURS)
@pytest.mark.parametrize("venue", VENUES)
def test_a_connection_that_breaks_is_told_once_whatever_is_followed(
    venue: str, flavour: str, subjects: tuple[str, ...], tmp_path: Path
) -> None:
    with stage(venue, breaking(venue)) as at:
        told = Told(names_of(at), subjects)
        live(flavour, told, at, tmp_path / "broken.jsonl")
    assert told.gaps == [(None, tuple(told.markets))]


@pytest.mark.parametrize("venue", VENUES)
def test_over_a_recording_it_is_told_once_as_well(venue: str, tmp_path: Path) -> None:
    path = tmp_path / "broken.jsonl"
    with stage(venue, breaking(venue)) as at:
        told = Told(names_of(at), EVERYTHING)
        contracts = live("blocking", told, at, path)
    for flavour in FLAVOURS:
        again, paper = (Told(told.markets, EVERYTHING) for _ in range(2))
        on_replay(flavour, again, "replay", path=path)
        on_replay(flavour, paper, "paper", source="replay", path=path)
        assert again.gaps == paper.gaps == told.gaps
    tested = Told(told.markets, EVERYTHING)
    backtest(tested, path, contracts=contracts)
    [(subject, names)] = tested.gaps
    assert subject is None
    assert names in {(), tuple(told.markets)}


LOST = [None, Subject.ORDER_BOOK, Subject.TRADES, Subject.MARKET_STATUS]


@pytest.mark.parametrize(
    ("subjects", "expected"),
    [
        ([], []),
        (["trades"], [None, Subject.TRADES]),
        (["order_book"], [None, Subject.ORDER_BOOK]),
        (EVERYTHING, LOST),
    ],
)
def test_a_backtest_tells_no_gap_of_what_is_not_followed(
    subjects: list[str], expected: list[Subject | None]
) -> None:
    events: list[tuple[int, Any]] = []
    for number, subject in enumerate(LOST):
        moment = START + number * SECOND // 100
        gap = Gap(subject=subject, reason="lost", at=at(moment))
        events += [(moment, book("1@0.40", "1@0.60")), (moment + 1, gap)]
    told = Told(["RAIN"], subjects)
    backtest(told, events, contracts=[contract()])
    assert [subject for subject, _ in told.gaps] == expected


class Taking(Told):
    """Takes what its desk shows whenever something was missed, and then looks on."""

    def on_gap(self, desk: Desk, gap: Gap) -> None:
        self.gaps.append((gap.subject, gap.market_ids))
        self.knows = desk.book("RAIN") is not None
        desk.place("RAIN", "yes", "buy", "0.60", 1, time_in_force="ioc")


@pytest.mark.parametrize("delays", [None, Delays(event=SECOND)])
@pytest.mark.parametrize("subject", LOST)
def test_of_trades_or_statuses_alone_it_leaves_the_book(
    subject: Subject | None, delays: Delays | None
) -> None:
    gap = Gap(subject=subject, reason="lost", at=at(START))
    known = book("1@0.40", "1@0.60")
    events: list[tuple[int, Any]] = [
        (START, known),
        (START + SECOND, gap),
        (START + 3 * SECOND, change(MarketStatus.PAUSED)),
    ]
    taking = Taking(["RAIN"], EVERYTHING)
    report = backtest(taking, events, contracts=[contract()], delays=delays)
    leaves = subject not in (None, Subject.ORDER_BOOK)
    assert taking.knows is leaves
    assert len(report.fills) == leaves


def test_of_the_other_outcome_it_is_told_to_nobody() -> None:
    events: list[tuple[int, Any]] = [(START, book("1@0.40", "1@0.60"))]
    for number, outcome in enumerate(("no", "yes"), 1):
        gap = Gap(
            subject=Subject.ORDER_BOOK,
            market_ids=("RAIN",),
            outcome=outcome,
            reason="lost",
            at=at(START + number * SECOND),
        )
        events.append((START + number * SECOND, gap))
    taking = Taking(["RAIN"], EVERYTHING)
    backtest(taking, events, contracts=[contract()])
    assert taking.gaps == [(Subject.ORDER_BOOK, ("RAIN",))]
    assert not taking.knows
