"""A run that is told to end, and told again: what it leaves is said."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import attrs
import pytest

from unified_exchanges import Exchange, Order, exchange
from unified_exchanges.simulator.faults import Fault, StreamFault
from unified_exchanges.strategies.interruptions import REPEAT

from ..recording.sessions import Stage, stage
from .test_processes import start

MAKER = """
import sys
import unified_exchanges as ux


class A(ux.Strategy):
    def on_book(self, desk, book):
        if not desk.decisions:
            low = desk.market(book.market_id).grid.lowest
            for _ in range(12):
                desk.place(book.market_id, "yes", "buy", low, 10)

    def on_stop(self, desk):
        LAST
"""


@attrs.frozen
class Place:
    stage: Stage
    exchange: Exchange
    words: tuple[str, ...]
    env: dict[str, str]

    def until(self, is_so: Callable[[list[Order]], bool]) -> list[Order]:
        end = time.monotonic() + 30
        while not is_so(found := self.exchange.fetch_open_orders()):
            assert time.monotonic() < end, found
            time.sleep(0.05)
        return found


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with (
        stage("kalshi", enforce_limits=False) as at,
        exchange(at.venue, **at.account) as ex,
    ):
        name = next(m for m in ex.fetch_markets() if m.bid and m.bid > m.grid.lowest)
        key = tmp_path / "key.pem"
        key.touch(0o600)
        key.write_text(str(at.account["private_key"]))
        env = {
            "UNIFIED_EXCHANGES_VENUE": at.venue,
            "UNIFIED_EXCHANGES_ENVIRONMENT": at.account["environment"],
            "KALSHI_API_KEY": str(at.account["api_key"]),
            "KALSHI_PRIVATE_KEY_PATH": str(key),
        }
        yield Place(at, ex, ("run", str(tmp_path / "maker.py"), name.market_id), env)


def write(place: Place, last: str) -> None:
    Path(place.words[1]).write_text(MAKER.replace("LAST", last))


@pytest.mark.parametrize(
    ("number", "code", "said"),
    [(signal.SIGINT, 130, "stopped"), (signal.SIGTERM, 143, "ended by SIGTERM")],
)
def test_a_second_signal_gives_up_and_names_what_may_be_open(
    place: Place, number: int, code: int, said: str
) -> None:
    write(place, "pass")
    with start(*place.words, env=place.env) as running:
        resting = place.until(lambda found: len(found) == 12)
        slow = Fault("delay", method="DELETE", seconds=3, count=None)
        place.stage.server.faults.add(slow)
        # Nor does the stream tell what became of them.
        lost = StreamFault("drop", frame="user_order", count=None)
        place.stage.server.stream_faults.add(lost)
        running.send_signal(number)
        time.sleep(REPEAT + 0.1)
        running.send_signal(number)
        _, err = running.communicate(timeout=60)
    assert running.returncode == code, err
    assert said in err
    told = [line for line in err.splitlines() if "may still be open" in line]
    assert all(sum(x.order_id in line for line in told) == 1 for x in resting)
    # Nobody waited for an answer, and each cancel was sent.
    assert place.exchange.fetch_open_orders() == []


def test_a_signal_that_comes_twice_at_once_cancels_all(place: Place) -> None:
    write(place, "pass")
    with start(*place.words, env=place.env) as running:
        place.until(lambda found: len(found) == 12)
        slow = Fault("delay", method="DELETE", seconds=0.5, count=None)
        place.stage.server.faults.add(slow)
        running.send_signal(signal.SIGINT)
        time.sleep(0.05)
        running.send_signal(signal.SIGINT)
        _, err = running.communicate(timeout=60)
    assert "may still be open" not in err
    assert place.exchange.fetch_open_orders() == []


def test_a_strategy_that_exits_leaves_no_order(place: Place) -> None:
    write(place, "sys.exit(5)")
    with start(*place.words, env=place.env) as running:
        place.until(lambda found: len(found) == 12)
        running.send_signal(signal.SIGINT)
        _, err = running.communicate(timeout=60)
    assert (running.returncode, place.exchange.fetch_open_orders()) == (1, []), err
    assert "StrategyFailed" in err
    assert "it called sys.exit(5)" in err


def test_a_strategy_that_exits_tells_what_it_may_leave(place: Place) -> None:
    write(place, "sys.exit(5)")
    with start(*place.words, env=place.env) as running:
        place.until(lambda found: len(found) == 12)
        refuse = Fault(
            "answer", method="DELETE", status=400, body=b"{}", count=None, commits=False
        )
        place.stage.server.faults.add(refuse)
        running.send_signal(signal.SIGINT)
        _, err = running.communicate(timeout=60)
    assert (running.returncode, "it called sys.exit(5)" in err) == (1, True)
    left = place.exchange.fetch_open_orders()
    assert len(left) == 12
    told = [line for line in err.splitlines() if "may still be open" in line]
    assert all(any(x.order_id in line for line in told) for x in left)
