"""What the command says when the venue is in trouble."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import attrs
import pytest

from unified_exchanges.cli.service import shown_status
from unified_exchanges.flow import Request, Response
from unified_exchanges.models import Health, Latency, ShardStatus, Status
from unified_exchanges.simulator.faults import Fault, FaultPlan, Venue
from unified_exchanges.simulator.sandbox import Sandbox
from unified_exchanges.simulator.server import SimulatorServer
from unified_exchanges.venues.kalshi.simulated import SimulatedKalshi, simulated

from .conftest import Command, Run, invoke


@contextmanager
def served(
    sandbox: Sandbox, tmp_path: Path, venue: Venue | None = None, *faults: Fault
) -> Iterator[Command]:
    """Run commands on a venue of one's own making."""
    key = tmp_path / "key.pem"
    key.touch(mode=0o600)
    key.write_text(sandbox.private_key)
    plan = FaultPlan(list(faults))
    with SimulatorServer(venue or sandbox.venue, faults=plan) as server:
        env = {
            sandbox.key_variable: sandbox.api_key,
            sandbox.path_variable: str(key),
            "UNIFIED_EXCHANGES_ENVIRONMENT": server.url + sandbox.path,
        }

        def run(*words: str) -> Run:
            return invoke(*words, env=env)

        yield run


@pytest.fixture
def sandbox() -> Sandbox:
    return simulated(key_type="ed25519")


def kalshi(sandbox: Sandbox) -> SimulatedKalshi:
    assert isinstance(sandbox.venue, SimulatedKalshi)
    return sandbox.venue


def test_a_venue_that_is_closed_is_told_by_the_exit_code(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    kalshi(sandbox).engine.pause(whole_exchange=True)
    with served(sandbox, tmp_path) as run:
        done = run("status")
    assert done.code == 6
    assert "up        no" in done.out


def test_a_shard_that_does_not_trade_is_named(sandbox: Sandbox, tmp_path: Path) -> None:
    kalshi(sandbox).engine.pause(shard=2)
    with served(sandbox, tmp_path) as run:
        done = run("status")
    assert done.code == 0
    assert "stopped   shards 2" in done.out


def test_orders_that_stay_open_are_shown_and_have_a_code(
    sandbox: Sandbox, tmp_path: Path, market: str
) -> None:
    # The venue says that it cancelled, and did not.
    lie = Fault("answer", method="DELETE", status=204, commits=False, count=None)
    with served(sandbox, tmp_path, None, lie) as run:
        order = run("order", market, "yes", "buy", "0.01", "1", "--json").document
        done = run("cancel", "--all")
        told = run("cancel", "--all", "--json")
    assert (done.code, told.code) == (8, 8)
    assert "0 cancelled, 1 still open" in done.out
    assert order["order_id"] in done.out
    assert "cancel them again" in done.err
    assert told.document["is_complete"] is False


class Interrupting:
    """A venue at which the user presses Ctrl-C while an order is on its way."""

    def __init__(self, venue: Venue) -> None:
        self._venue = venue
        self.released = threading.Event()

    def handle(self, request: Request, *, lag: float = 0.0) -> Response:
        if request.method == "POST":
            os.kill(os.getpid(), signal.SIGINT)
            self.released.wait()
        return self._venue.handle(request, lag=lag)


def test_an_interrupted_order_can_be_looked_up(
    sandbox: Sandbox, tmp_path: Path, market: str
) -> None:
    venue = Interrupting(sandbox.venue)
    with served(sandbox, tmp_path, venue) as run:
        words = (
            "order",
            market,
            "yes",
            "buy",
            "0.01",
            "1",
            "--client-order-id",
            "mine",
        )
        done = run(*words)
        venue.released.set()
        found = run("orders", "--client-id", "mine", "--json")
    assert done.code == 130
    assert (
        "it may exist. Look it up: unified-exchanges orders --client-id mine"
        in done.err
    )
    assert found.document["client_order_id"] == "mine"


HEALTH = Health(
    venue="toy",
    is_healthy=True,
    reasons=(),
    requests=0,
    errors=0,
    error_rate=0.0,
    latency=Latency(None, None, None, 0),
    acknowledgement=Latency(None, None, None, 0),
    limiter_used={},
    clock_offset_ms=None,
    key_expires_at=None,
    last_contact_at=None,
)
STATUS = Status(
    venue="toy",
    is_active=True,
    is_trading=False,
    shards=(ShardStatus(0, is_active=True, is_trading=False),),
)
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({}, "latency   –"),
        ({"clock_offset_ms": -1500}, "clock     -1,500 ms"),
        ({"key_expires_at": NOON}, "key until 2026-11-21 12:00:00 UTC"),
        ({"is_healthy": False, "reasons": ("too slow",)}, "unhealthy too slow"),
    ],
)
def test_the_connection_is_told_line_by_line(change: dict[str, Any], line: str) -> None:
    assert line in shown_status(STATUS, attrs.evolve(HEALTH, **change)).plain


def test_the_end_of_a_pause_is_told() -> None:
    paused = attrs.evolve(STATUS, resumes_at=NOON + timedelta(hours=1))
    assert "resumes   2026-11-21 13:00:00 UTC" in shown_status(paused, HEALTH).plain
