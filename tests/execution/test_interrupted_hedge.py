"""A hedge whose process ends in the middle is told from the journal, leg by leg."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.guards import ROOT
from tests.unmeasured import unmeasured
from tests.venues.kalshi.ground import KalshiGround, key_pair
from tests.venues.polymarket.ground import PolymarketGround
from tests.watching.face import MARKET, OTHER, soon
from tests.watching.face import Scene as Served
from unified_exchanges.errors import BadRequest, ConnectionLost, JournalError
from unified_exchanges.execution import (
    HedgeLeg,
    HedgeReport,
    async_hedge,
    async_hedge_report,
    hedge,
    hedge_report,
)
from unified_exchanges.flow import Request, Response
from unified_exchanges.policy import LimitPolicy, RetryPolicy
from unified_exchanges.testing.conformance import Ground, Trader

FREE = LimitPolicy(enabled=False, discover=False)
D = Decimal
Turn = Callable[[Callable[[], Response]], Response]
GROUNDS = {
    "kalshi": lambda: KalshiGround(enforce_limits=False),
    "polymarket": PolymarketGround,
}


class Killed(BaseException):
    """As if the process ended here."""


@pytest.fixture(params=["blocking", "async"])
def flavour(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture(params=["kalshi", "polymarket"])
def ground(request: pytest.FixtureRequest) -> Ground:
    ground = GROUNDS[request.param]()
    ground.clock.advance(60)
    return ground


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    return tmp_path / "orders.db"


@pytest.fixture
def trader(ground: Ground, flavour: str, journal: Path) -> Trader:
    return another(ground, flavour, journal)


def another(ground: Ground, flavour: str, journal: Path) -> Trader:
    retry = RetryPolicy(attempts=1)
    return ground.trader(flavour, limits=FREE, retry=retry, journal=journal)


@pytest.fixture
def legs(trader: Trader) -> list[HedgeLeg]:
    found = [
        x
        for x in trader.fetch_markets()
        if not x.legs and x.bid and x.ask and D("0.2") < x.bid < x.ask < D("0.8")
    ]
    if trader.ground.exchange_id == "polymarket":
        listed = trader.ground.polymarket.catalog.markets  # type: ignore[attr-defined]
        found = [x for x in found if not listed[x.market_id].seconds_delay]
    return [HedgeLeg(x.market_id, x.outcomes[0].label) for x in found[:3]]


def hedged(trader: Trader, legs: list[HedgeLeg], **settings: Any) -> HedgeReport:
    settings = {"dry_run": False, **settings}
    if trader.is_async:
        return asyncio.run(async_hedge(trader.exchange, legs, 60, **settings))
    return hedge(trader.exchange, legs, 60, **settings)


def told(trader: Trader, name: str | None = None) -> HedgeReport:
    if trader.is_async:
        return asyncio.run(async_hedge_report(trader.exchange, name))
    return hedge_report(trader.exchange, name)


def at_write(ground: Ground, turns: Mapping[int, Turn]) -> None:
    """Let something else happen to some orders, counted from 0."""
    venue: Any = ground.venue
    serve = venue.server.handle
    count = iter(range(99))

    class Between:
        def handle(self, request: Request) -> Response:
            if request.method == "POST" and "order" in request.url:
                turn = turns.get(next(count))
                if turn is not None:
                    return turn(lambda: serve(request))
            answer: Response = serve(request)
            return answer

    venue.server = Between()


def killed(serve: Callable[[], Response]) -> Response:
    raise Killed


def killed_late(serve: Callable[[], Response]) -> Response:
    serve()
    raise Killed


def refused(serve: Callable[[], Response]) -> Response:
    error = {"code": "insufficient_balance", "message": "x"}
    return Response(400, {}, json.dumps({"error": error}).encode())


def held(trader: Trader) -> dict[str, Decimal]:
    trader.ground.clock.advance(60)
    return {x.market_id: x.size for x in trader.fetch_positions(mark=False)}


def states(report: HedgeReport) -> list[str]:
    return [str(leg.state) for leg in report.legs]


# -- which legs there are --------------------------------------------------------------


@pytest.mark.parametrize("name", [None, "my hedge"])
def test_a_hedge_that_was_carried_out_is_told_again_to_the_cent(
    trader: Trader, legs: list[HedgeLeg], journal: Path, name: str | None
) -> None:
    done = hedged(trader, legs, name=name)
    assert done.name == name or name is None
    held(trader)
    again = told(another(trader.ground, "blocking", journal), name)
    assert states(again) == ["filled"] * 3
    assert (again.name, again.budget, again.size) == (done.name, 60, done.size)
    assert (again.cost, again.fees, again.payout) == (
        done.cost,
        done.fees,
        done.payout,
    )
    assert [x.client_order_id for x in again.legs] == [
        x.client_order_id for x in done.legs
    ]
    assert again.is_complete
    assert told(trader) == again


@pytest.mark.parametrize(
    ("act", "before", "after"),
    [
        (killed, ["filled", "unknown", "skipped"], ["filled", "refused", "skipped"]),
        (killed_late, ["filled", "filled", "skipped"], ["filled", "filled", "skipped"]),
    ],
)
def test_fault_12_a_hedge_that_was_killed_tells_what_is_unhedged(
    ground: Ground,
    flavour: str,
    journal: Path,
    legs: list[HedgeLeg],
    act: Any,
    before: list[str],
    after: list[str],
) -> None:
    cash = another(ground, "blocking", journal).fetch_balance().available
    at_write(ground, {1: act})
    with pytest.raises(Killed):
        hedged(another(ground, flavour, journal), legs)
    restarted = another(ground, flavour, journal)
    report = told(restarted)
    assert states(report) == before
    unknown = report.legs[1].client_order_id
    assert report.unresolved == ((unknown,) if before[1] == "unknown" else ())
    assert restarted.reconcile().is_complete
    report = told(restarted)
    assert (states(report), report.unresolved) == (after, ())
    assert not report.is_complete
    assert held(restarted) == {x.market_id: x.held for x in report.legs if x.held}
    spent = report.cost + report.fees
    assert restarted.fetch_balance().available == cash - spent
    # Nothing of it was sent again.
    assert restarted.writes == []


@pytest.mark.parametrize("act", [killed, killed_late])
def test_fault_12_a_hedge_that_was_killed_while_it_sold_back_tells_what_is_left(
    ground: Ground, flavour: str, journal: Path, legs: list[HedgeLeg], act: Any
) -> None:
    at_write(ground, {2: refused, 3: act})
    with pytest.raises(Killed):
        hedged(another(ground, flavour, journal), legs, on_failure="unwind")
    restarted = another(ground, flavour, journal)
    first = told(restarted)
    assert states(first) == ["filled", "filled", "refused"]
    is_sold = act is killed_late
    assert len(first.unresolved) == (0 if is_sold else 1)
    restarted.reconcile()
    report = told(restarted)
    assert report.unresolved == ()
    sold = report.size if is_sold else 0
    assert [x.unwound for x in report.legs] == [sold, 0, 0]
    assert held(restarted) == {x.market_id: x.held for x in report.legs if x.held}


def test_fault_47_an_interrupt_says_that_the_leg_on_its_way_may_be_there(
    trader: Trader, legs: list[HedgeLeg], caplog: pytest.LogCaptureFixture
) -> None:
    at_write(trader.ground, {1: killed})
    with pytest.raises(Killed):
        hedged(trader, legs, name="rain")
    said = [r.getMessage() for r in caplog.records if "in a hedge" in r.getMessage()]
    starts = [f"interrupted in a hedge, 'rain': {x}" for x in ("filled", "unknown")]
    assert [x.startswith(y) for x, y in zip(said, starts, strict=False)] == [True] * 2


# -- names -----------------------------------------------------------------------------


def test_a_name_is_good_for_one_hedge(trader: Trader, legs: list[HedgeLeg]) -> None:
    hedged(trader, legs, name="rain")
    count = len(trader.writes)
    with pytest.raises(BadRequest, match="'rain' was begun before, and nothing was"):
        hedged(trader, legs, name="rain")
    assert len(trader.writes) == count


def test_a_dry_run_uses_no_name_up(trader: Trader, legs: list[HedgeLeg]) -> None:
    planned = hedged(trader, legs, name="rain", dry_run=True)
    with pytest.raises(BadRequest, match="no hedge was begun"):
        told(trader)
    done = hedged(trader, legs, name="rain")
    assert [x.client_order_id for x in planned.legs] == [
        x.client_order_id for x in done.legs
    ]


def test_the_hedge_that_began_last_is_told_unless_another_is_named(
    trader: Trader, legs: list[HedgeLeg]
) -> None:
    for name, count in (("one", 1), ("two", 2)):
        hedged(trader, legs[:count], name=name)
    assert (told(trader).name, told(trader, "one").name) == ("two", "one")
    with pytest.raises(BadRequest, match="no hedge named 'three'"):
        told(trader, "three")


@pytest.mark.parametrize("name", ["", " ", "a\nb", 7])
def test_a_name_is_a_printable_text(
    trader: Trader, legs: list[HedgeLeg], name: Any
) -> None:
    with pytest.raises(BadRequest, match="printable text"):
        hedged(trader, legs, name=name)
    with pytest.raises(BadRequest, match="printable text"):
        told(trader, name)


def test_a_record_that_cannot_be_read_is_said(
    trader: Trader, legs: list[HedgeLeg], journal: Path
) -> None:
    hedged(trader, legs[:1], name="rain")
    with closing(sqlite3.connect(journal)) as file, file:
        file.execute("UPDATE texts SET text = '{}' WHERE name = 'hedge rain'")
    with pytest.raises(BadRequest, match="cannot be read"):
        told(trader)


def test_fault_25_a_leg_that_cannot_be_looked_up_is_unknown(
    trader: Trader, legs: list[HedgeLeg], journal: Path
) -> None:
    hedged(trader, legs, name="rain")
    restarted = another(trader.ground, "blocking", journal)
    restarted.suffer("lost before", 9_999, reads=True, writes=False)
    report = told(restarted)
    assert states(report) == ["unknown"] * 3
    assert isinstance(report.legs[0].error, ConnectionLost)
    assert report.worst_case == -sum(x.most for x in report.legs)


def test_a_hedge_that_cannot_be_written_down_is_not_begun(
    trader: Trader, legs: list[HedgeLeg], journal: Path
) -> None:
    hedged(trader, legs[:1])
    count = len(trader.writes)
    journal.unlink()
    with pytest.raises(JournalError):
        hedged(trader, legs)
    assert len(trader.writes) == count


# -- a real process --------------------------------------------------------------------

PROGRAM = """
import asyncio, sys
from unified_exchanges import async_exchange, exchange
from unified_exchanges.execution import HedgeLeg
from unified_exchanges.execution import async_hedge, async_hedge_report
from unified_exchanges.execution import hedge, hedge_report

flavour, url, journal, what, *markets = sys.argv[1:]
legs = [HedgeLeg(x, "yes") for x in markets]

async def main():
    async with async_exchange("kalshi", environment=url, journal=journal) as kalshi:
        if what == "hedge":
            return await async_hedge(kalshi, legs, 20, dry_run=False)
        return await async_hedge_report(kalshi)

def blocking():
    with exchange("kalshi", environment=url, journal=journal) as kalshi:
        if what == "hedge":
            return hedge(kalshi, legs, 20, dry_run=False)
        return hedge_report(kalshi)

report = asyncio.run(main()) if flavour == "async" else blocking()
print(*(leg.state for leg in report.legs), *report.unresolved)
"""


@pytest.mark.skipif(os.name != "posix", reason="SIGKILL")
@pytest.mark.parametrize("arrived", [False, True], ids=["lost", "arrived"])
@pytest.mark.parametrize("flavour", ["blocking", "async"])
def test_fault_12_a_restarted_process_lists_the_legs_of_a_killed_hedge(
    tmp_path: Path, journal: Path, flavour: str, *, arrived: bool
) -> None:
    key = tmp_path / "key.pem"
    key.touch(mode=0o600)
    key.write_text(key_pair().private_pem)
    with Served() as scene:
        markets = [MARKET, OTHER, third(scene)]
        # The answer for the second leg never comes; the process waits for it, and dies.
        scene.fault(
            "stall",
            nth=2,
            commits=arrived,
            method="POST",
            path="portfolio/events/orders",
        )
        environ = unmeasured(
            PYTHONPATH=str(ROOT),
            KALSHI_API_KEY=scene.key.key_id,
            KALSHI_PRIVATE_KEY_PATH=str(key),
        )
        url = scene.account["environment"]
        command = [sys.executable, "-c", PROGRAM, flavour, url, str(journal)]
        with subprocess.Popen([*command, "hedge", *markets], env=environ) as process:
            try:
                assert soon(lambda: len(scene.requests.struck) == 1, 30)
                if arrived:
                    assert soon(lambda: len(scene.trader.fetch_positions()) == 2)
            finally:
                process.send_signal(signal.SIGKILL)
        answer = subprocess.run(
            [*command, "look", *markets],
            env=environ,
            check=True,
            capture_output=True,
            text=True,
            timeout=60,
        )
        words = answer.stdout.split()
        assert words[:3] == ["filled", "filled" if arrived else "unknown", "skipped"]
        with closing(sqlite3.connect(journal)) as file:
            rows = file.execute("SELECT client_order_id, state FROM intents").fetchall()
        open_ones = [key for key, state in rows if state == "pending"]
        assert words[3:] == ([] if arrived else open_ones)
        assert len(words[3:]) == (0 if arrived else 1)
        bought = {x.market_id for x in scene.trader.fetch_positions()}
        assert bought == set(markets[: 2 if arrived else 1])


def third(scene: Served) -> str:
    return next(
        str(x.market_id)
        for x in scene.trader.iter_markets()
        if x.bid and x.ask and not x.legs and x.market_id not in (MARKET, OTHER)
    )
