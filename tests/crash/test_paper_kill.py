"""Processes that are killed while their account on paper is written: what was told is kept."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path
from random import Random

import pytest

from tests.paper.scene import SECOND, START, book, contract, contract_of, trade
from unified_exchanges import BUY, SELL, Fill
from unified_exchanges.paper import Delays
from unified_exchanges.paper.broker import PaperBroker
from unified_exchanges.paper.kept import restored
from unified_exchanges.paper_exchange.file import Source, StateFile

KILLS = 48

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="forks"),
    pytest.mark.timeout(120),
]

SOURCE = Source("kalshi", "demo")


def trades_on(file: StateFile, tell: int) -> None:
    """Go on with an account, fill upon fill, and tell each as it is told here."""
    moment = START
    broker = PaperBroker(cash="100000", now=lambda: moment, keeper=file)
    rows = file.read(SOURCE)
    if rows:
        broker.load(restored(rows, contract_of, Delays()))
    else:
        broker.admit(contract())
    session = broker.events.open_session()
    moment = broker.moment()
    broker.hear(book("100@0.40", "1000000@0.60"))
    while True:
        broker.place("RAIN", "yes", BUY, "0.60", 1, time_in_force="ioc")
        broker.place("RAIN", "yes", BUY, "0.50", 1)
        broker.place("RAIN", "yes", SELL, "0.99", 1)
        broker.advance()
        moment += SECOND
        broker.hear(trade("0.50", "1", SELL, moment=moment))
        told = [x.fill_id for x in broker.take(session) if isinstance(x, Fill)]
        os.write(tell, f"{json.dumps(told)}\n".encode())


def killed(path: Path, rounds: int, after: float) -> list[str]:
    """What a process told of its fills before it was killed, some time after so many rounds."""
    read, write = os.pipe()
    child = os.fork()
    if not child:
        os.close(read)
        try:
            trades_on(StateFile(path), write)
        finally:
            os._exit(1)
    os.close(write)
    with os.fdopen(read) as pipe:
        said = "".join(pipe.readline() for _ in range(rounds))
        time.sleep(after)
        os.kill(child, signal.SIGKILL)
        lines = (said + pipe.read()).split("\n")[:-1]
    assert os.waitpid(child, 0)[1] == signal.SIGKILL
    return [name for line in lines for name in json.loads(line)]


def test_what_was_told_is_there_after_a_kill_at_any_moment(tmp_path: Path) -> None:
    rng = Random(7)
    told: list[str] = []
    count = 0
    for number in range(KILLS):
        # Some begin a new account: to make the file is to be killed at, too.
        is_new = number % 3 == 0
        if is_new:
            path, told = tmp_path / f"{number}.db", []
        rounds = 0 if is_new else number % 4
        now = killed(path, rounds, rng.uniform(0.001, 0.2))
        told, count = told + now, count + len(now)
        file = StateFile(path)
        rows = file.read(SOURCE)
        broker = PaperBroker(cash="100000", now=lambda: START)
        if rows:
            # It refuses what does not add up.
            broker.load(restored(rows, contract_of, Delays()))
        file.close()
        kept = {x.fill_id for x in broker.events.fills}
        assert set(told) <= kept
        # No more than what was on its way to be told: one round of three orders.
        assert len(kept) - len(told) <= 2 * (number % 3 + 1)
        assert {x.order_id for x in broker.events.fills} <= {
            x.order_id for x in broker.orders()
        }
    # Killed at work, and not only on the way to it.
    assert count > KILLS
