"""`health`: a table, JSON, again and again; and an exit code for scripts."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import attrs
import pytest

from unified_exchanges import AlertPolicy, RetryPolicy, exchange
from unified_exchanges.cli import health as command
from unified_exchanges.cli.checkup import Checkup, line, picture
from unified_exchanges.cli.practice import Practice
from unified_exchanges.cli.screen import Screen
from unified_exchanges.cli.session import Session
from unified_exchanges.errors import OrderUnknown, RequestTimeout
from unified_exchanges.models import Latency
from unified_exchanges.models.streams import IDLE
from unified_exchanges.simulator.faults import Fault, FaultPlan, unavailable
from unified_exchanges.simulator.server import SimulatorServer
from unified_exchanges.venues.kalshi.simulated import simulated

from .conftest import Command, invoke
from .test_processes import start

HEALTH = exchange("kalshi", environment="demo").health()
LIVE = attrs.evolve(IDLE, state="live", connections=1)
MEASURED = (
    "errors, last minute",
    "latency of reads",
    "order acknowledgement",
    "limiter, read",
    "clock offset",
    "last contact",
    "stream",
    "latency of messages",
    "reconnections",
    "stale books",
    "unresolved orders",
)


def checkup(**fields: Any) -> Checkup:
    known: dict[str, Any] = {
        "venue": "kalshi",
        "environment": "demo",
        "health": HEALTH,
        "stream": LIVE,
        "is_followed": True,
        "trouble": "",
        "thresholds": AlertPolicy(),
    }
    return Checkup(**known | fields)


def drawn(found: Checkup, capsys: pytest.CaptureFixture[str]) -> str:
    Screen().out.print(picture(found))
    return capsys.readouterr().out


# -- once ------------------------------------------------------------------------------


def test_one_command_shows_the_health_of_a_simulated_venue() -> None:
    done = invoke("health", "--simulate", "--for", "0.3")
    assert (done.code, done.err) == (0, "")
    assert "healthy" in done.out.splitlines()[0]
    for measured in MEASURED:
        assert measured in done.out


def test_an_environment_is_asked_like_by_other_commands(
    look: Command, market: str
) -> None:
    done = look("health", "--for", "0.3", "--market", market, "--json")
    told = done.document
    assert (done.code, told["is_healthy"], told["reasons"]) == (0, True, [])
    assert told["thresholds"] == {
        "latency_ms": 50,
        "acknowledgement_ms": 100,
        "errors": 0.05,
        "least_requests": 20,
        "limiter_used": 0.8,
        "stream_ms": 10_000,
        "calm_ms": 30_000,
    }
    assert told["health"]["requests"] >= 1
    assert told["health"]["unresolved_orders"] == 0
    assert told["stream"]["state"] == "live"
    assert told["stream"]["subscriptions"] == 2
    assert told["stream"]["stale_ms"] == 0.0


def test_orders_that_a_journal_has_unresolved_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "orders.db"
    box = simulated(key_type="ed25519")
    lost = [
        Fault("drop", method="POST", path="/orders", count=None),
        unavailable(count=None, path="/portfolio/orders"),
    ]
    plan = FaultPlan(lost)
    with SimulatorServer(box.venue, faults=plan) as server:
        settings: dict[str, Any] = {
            "api_key": box.api_key,
            "private_key": box.private_key,
            "environment": server.url + box.path,
            "retry": RetryPolicy(attempts=1, order_deadline=1.0, order_grace=0.1),
        }
        env = {
            "UNIFIED_EXCHANGES_ENVIRONMENT": settings["environment"],
            "KALSHI_API_KEY": box.api_key,
            "KALSHI_PRIVATE_KEY": box.private_key,
        }
        words = ("health", "--for", "0.1", "--journal", str(path), "--json")
        with exchange("kalshi", **settings, journal=path) as trading:
            market = next(m for m in trading.iter_markets() if m.bid)
            with pytest.raises(OrderUnknown):
                trading.create_order(
                    market.market_id, "yes", "buy", market.grid.lowest, 1
                )
            plan.clear()
            told = invoke(*words, env=env).document
            assert told["health"]["unresolved_orders"] == 1
            assert trading.reconcile().is_complete
        told = invoke(*words, env=env).document
        assert told["health"]["unresolved_orders"] == 0
        missing = invoke("health", "--journal", str(tmp_path / "none.db"), env=env)
    assert missing.code == 2


def test_without_a_key_the_stream_is_not_followed_and_that_is_no_error(
    stand: Practice,
) -> None:
    done = invoke("health", "--environment", stand.url, "--for", "0.1")
    assert done.code == 0
    assert "the stream is not followed: kalshi: the stream needs a key" in done.out
    assert "latency of messages" not in done.out
    done = invoke("health", "--environment", stand.url, "--for", "0.1", "--json")
    assert done.document["stream"] is None


def test_a_wrong_key_is_unhealthy(stand: Practice) -> None:
    env = {**stand.exports, "KALSHI_API_KEY": "3f0c5c1a-0000-4c9a-9a53-7d1f4c1d9a77"}
    done = invoke("health", "--for", "5", env=env)
    assert done.code == 1
    assert "UNHEALTHY" in done.out
    assert "does not accept the key" in done.out


def test_a_venue_that_is_not_there_is_told_and_has_a_code() -> None:
    done = invoke("health", "--environment", "http://127.0.0.1:1/x", "--json")
    assert done.code == 6
    told = done.document
    assert (told["is_healthy"], told["stream"]) == (False, None)
    assert "the venue could not be asked" in told["reasons"][0]
    (alert,) = told["alerts"]
    assert alert.startswith("the share of failed requests is 100%, above 5%: ")


def test_a_venue_that_fails_is_unhealthy() -> None:
    box = simulated(key_type="ed25519")
    plan = FaultPlan([unavailable(count=None, path="/exchange/status")])
    with SimulatorServer(box.venue, faults=plan) as server:
        url = server.url + box.path
        done = invoke("health", "--environment", url, "--for", "0.1")
    assert done.code == 1
    assert "✗ the venue could not be asked" in done.out


def test_a_market_that_does_not_exist_is_trouble(look: Command) -> None:
    done = look("health", "--market", "KXNOPE", "--for", "20")
    assert done.code == 1
    assert "KXNOPE" in done.out


@pytest.mark.parametrize("has_key", [False, True])
def test_an_unknown_market_is_trouble_with_a_key_and_without(
    stand: Practice, has_key: bool
) -> None:
    env = stand.exports if has_key else {}
    words = "--environment", stand.url, "--market", "NOPE", "--for", "0.3"
    done = invoke("health", *words, env=env)
    assert (done.code, "no market 'NOPE'" in done.out) == (1, True)


def test_a_stream_that_is_not_reached_in_time_is_trouble() -> None:
    box = simulated(key_type="ed25519")
    plan = FaultPlan([Fault("delay", path="/ws/v2", seconds=30.0, count=None)])
    with SimulatorServer(box.venue, faults=plan) as server:
        env = {
            "UNIFIED_EXCHANGES_ENVIRONMENT": server.url + box.path,
            "KALSHI_API_KEY": box.api_key,
            "KALSHI_PRIVATE_KEY": box.private_key,
        }
        done = invoke("health", "--for", "0.3", "--json", env=env)
    assert done.document["reasons"] == ["the stream was not reached within 0.3 s"]
    assert done.code == 1


# -- again and again -------------------------------------------------------------------


def test_json_is_a_line_for_each_look_until_it_is_stopped(stand: Practice) -> None:
    words = ("health", "--watch", "--interval", "0.2", "--json")
    with start(*words, env=stand.exports) as running:
        assert running.stdout is not None
        told = [json.loads(running.stdout.readline()) for _ in range(3)]
        running.send_signal(signal.SIGINT)
        _, err = running.communicate()
    assert (running.returncode, err) == (0, "")
    asked = [each["health"]["requests"] for each in told]
    assert asked == sorted(set(asked))
    assert told[-1]["stream"]["state"] == "live"


def test_a_pipe_gets_a_line_for_people(stand: Practice) -> None:
    words = ("health", "--watch", "--interval", "0.1")
    with start(*words, env=stand.exports) as running:
        assert running.stdout is not None
        told = [running.stdout.readline() for _ in range(2)]
        running.send_signal(signal.SIGTERM)
        running.communicate()
    assert running.returncode == 0
    assert all(re.match(r"kalshi http\S+ healthy  errors 0% · read ", x) for x in told)


def test_a_terminal_gets_a_table_that_stays_in_its_place(stand: Practice) -> None:
    master, slave = pty.openpty()
    size = {"COLUMNS": "90", "LINES": "40", "TERM": "xterm"}
    words = [sys.executable, "-m", "unified_exchanges.cli", "health", "--watch"]
    env = os.environ | stand.exports | size
    with subprocess.Popen(
        [*words, "--interval", "0.1"], stdout=slave, stderr=slave, env=env
    ) as running:
        os.close(slave)
        text = _read(master, "unresolved orders", times=3)
        running.send_signal(signal.SIGINT)
        text += _read(master, None)
    os.close(master)
    assert running.returncode == 0
    assert text.count("\x1b[?25l") == text.count("\x1b[?25h") == 1


def _read(master: int, until: str | None, times: int = 1) -> str:
    text, deadline = "", time.monotonic() + 30
    while time.monotonic() < deadline:
        if until is not None and text.count(until) >= times:
            break
        if not select.select([master], [], [], 0.5)[0]:
            continue
        try:
            text += os.read(master, 65536).decode(errors="replace")
        except OSError:
            break
    return text


def test_the_code_is_that_of_the_last_look() -> None:
    words = ("health", "--watch", "--interval", "0.1", "--json")
    with start(*words, "--environment", "http://127.0.0.1:1/x") as running:
        assert running.stdout is not None
        running.stdout.readline()
        running.send_signal(signal.SIGINT)
        running.communicate()
    assert running.returncode == 6


# -- what is made of it ----------------------------------------------------------------


def test_what_is_above_its_threshold_is_shown_and_is_no_error(
    capsys: pytest.CaptureFixture[str],
) -> None:
    slow = Latency(20.0, 120.0, 130.0, 40)
    health = attrs.evolve(
        HEALTH,
        acknowledgement=slow,
        limiter_used={"read": 0.9},
        error_rate=0.5,
        alerts=("the acknowledgement of orders is 120 ms, above 100 ms",),
        unresolved_orders=2,
        key_expires_at=exchange("kalshi", environment="demo").health().last_contact_at,
    )
    found = checkup(health=health, stream=attrs.evolve(LIVE, latency=slow))
    text = drawn(found, capsys)
    assert "p50 20.0  p90 120.0  p99 130.0 ms  (40)" in text
    assert re.search(r"limiter, read\s+0\.90 used\s+0\.8 used", text)
    assert "! the acknowledgement of orders is 120 ms, above 100 ms" in text
    assert re.search(r"unresolved orders\s+2", text)
    assert found.is_healthy
    told = line(found).plain
    assert "ack 120.0 ms · message 120.0 ms" in told
    assert "above 100 ms" in told
    assert "message" not in line(attrs.evolve(found, is_followed=False)).plain


def test_thresholds_that_are_off_are_not_shown(
    capsys: pytest.CaptureFixture[str],
) -> None:
    off = AlertPolicy(
        latency_ms=None, acknowledgement_ms=None, errors=None, limiter_used=None
    )
    health = attrs.evolve(HEALTH, limiter_used={"read": 1.0}, error_rate=1.0)
    text = drawn(checkup(health=health, thresholds=off), capsys)
    assert "50 ms" not in text
    assert "0.8 used" not in text


@pytest.mark.parametrize(
    ("stream", "reasons"),
    [
        ({"state": "connecting"}, ()),
        (
            {"state": "connecting", "last_error": "refused"},
            ("the stream is connecting: refused",),
        ),
        ({"state": "degraded"}, ()),
        ({"state": "stopped"}, ("the stream is stopped",)),
        ({"state": "paused", "last_error": "busy"}, ("the stream is paused: busy",)),
        ({"state": "live", "last_error": "long ago"}, ()),
    ],
)
def test_a_stream_that_ails_is_a_reason(
    stream: dict[str, Any], reasons: tuple[str, ...]
) -> None:
    found = checkup(stream=attrs.evolve(LIVE, **stream))
    assert found.reasons == reasons
    assert attrs.evolve(found, is_followed=False).reasons == ()


def test_stale_books_and_silence_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    stream = attrs.evolve(LIVE, stale_books=2, stale_ms=3_250.4, silence_ms=1_500.0)
    text = drawn(checkup(stream=stream), capsys)
    assert re.search(r"stale books\s+2  \(for 3,250 ms\)", text)
    assert re.search(r"silence\s+1,500 ms", text)


def test_an_expiry_of_the_key_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    from .test_board import NOW

    health = attrs.evolve(HEALTH, key_expires_at=NOW)
    assert "key until" in drawn(checkup(health=health), capsys)


class Deaf:
    """A watch of which an error of the stream comes."""

    def next(self, timeout: float) -> None:
        raise RequestTimeout("no stream within 1 s", venue="toy", sent=False)


def test_an_error_of_the_stream_is_no_silence(stand: Practice) -> None:
    session = Session(screen=Screen(), environment=stand.url)
    with session:
        ear = command._Ear(session, [])
        ear._watches = [Deaf()]  # type: ignore[list-item]
        ear.listen(0.2, threading.Event())
    assert ear.trouble == "toy: no stream within 1 s"


def test_a_venue_without_streams_is_asked_all_the_same(
    stand: Practice, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Session(screen=Screen(), environment=stand.url) as session:
        monkeypatch.setattr(
            type(session.exchange), "has", {"watch_trades": False}, raising=True
        )
        ear = command._Ear(session, [])
    assert (ear.is_off, ear.trouble) == (True, "")


def test_a_market_id_that_can_be_none_is_trouble(look: Command) -> None:
    done = look("health", "--market", "no such", "--for", "0.1")
    assert done.code == 1
    assert "✗" in done.out
    assert "no such" in done.out
