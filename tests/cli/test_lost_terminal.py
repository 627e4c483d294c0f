"""A terminal that goes away: what runs in it ends as with Ctrl-C, unless told to go on."""

from __future__ import annotations

import fcntl
import os
import pty
import signal
import subprocess
import termios
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from unified_exchanges import Exchange, exchange
from unified_exchanges.cli.practice import Practice, practice
from unified_exchanges.recording import End, read

from ..unmeasured import unmeasured
from .test_processes import COMMAND, heed

RESTING = """
import unified_exchanges as ux

class Resting(ux.Strategy):
    def on_book(self, desk, book):
        if not desk.open_orders:
            desk.place(book.market_id, "yes", "buy", "0.01", 7)
"""


@pytest.fixture
def place() -> Iterator[Practice]:
    with practice("kalshi", seed=7, key_type="ed25519", lively=True) as opened:
        yield opened


@pytest.fixture
def venue(place: Practice) -> Iterator[Exchange]:
    with exchange(place.venue, **place.account) as ex:
        yield ex


@pytest.fixture
def market(venue: Exchange) -> str:
    return next(m.market_id for m in venue.fetch_markets() if m.bid and m.ask)


@pytest.fixture
def resting(tmp_path: Path) -> Path:
    path = tmp_path / "resting.py"
    path.write_text(RESTING)
    return path


@contextmanager
def started(
    *words: str, place: Practice, prepare: Callable[[], None]
) -> Iterator[subprocess.Popen[str]]:
    running = subprocess.Popen(
        [*COMMAND, *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=unmeasured(**place.exports),
        text=True,
        preexec_fn=prepare,  # noqa: PLW1509 - what a signal does is said in the child
    )
    with running:
        try:
            yield running
        finally:
            running.kill()


def ignore() -> None:
    """As nohup does."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)


def until(is_so: Callable[[], object]) -> None:
    end = time.monotonic() + 30
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_a_hangup_cancels_the_open_orders_of_a_run(
    place: Practice, venue: Exchange, market: str, resting: Path
) -> None:
    words = ("run", str(resting), market)
    with started(*words, place=place, prepare=heed) as running:
        until(venue.fetch_open_orders)
        # The shell and the kernel both tell: the second one interrupts nothing.
        running.send_signal(signal.SIGHUP)
        running.send_signal(signal.SIGHUP)
        out, err = running.communicate(timeout=60)
    assert (running.returncode, venue.fetch_open_orders()) == (0, []), err
    assert "open when it stopped" in out


def test_a_run_whose_terminal_is_gone_leaves_no_order_open(
    place: Practice, venue: Exchange, market: str, resting: Path
) -> None:
    master, slave = pty.openpty()

    def control() -> None:
        heed()
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    with subprocess.Popen(
        [*COMMAND, "run", str(resting), market],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        env=unmeasured(**place.exports, TERM="xterm"),
        start_new_session=True,
        preexec_fn=control,  # noqa: PLW1509 - only a child can take a terminal
    ) as running:
        os.close(slave)
        until(venue.fetch_open_orders)
        os.close(master)
        running.wait(60)
    assert venue.fetch_open_orders() == []
    # The report could not be shown.
    assert running.returncode == 1


def test_a_hangup_ends_a_recording_whole(
    place: Practice, market: str, tmp_path: Path
) -> None:
    path = tmp_path / "day.jsonl"
    words = ("record", place.venue, market, "--out", str(path))
    with started(*words, place=place, prepare=heed) as running:
        until(lambda: path.exists() and b'"kind":"frame"' in path.read_bytes())
        running.send_signal(signal.SIGHUP)
        _, err = running.communicate(timeout=60)
    assert running.returncode == 0, err
    assert path.read_bytes().startswith(b"\x1f\x8b")
    assert isinstance(list(read(path))[-1], End)


def test_whoever_is_told_to_ignore_a_hangup_goes_on(
    place: Practice, venue: Exchange, market: str, resting: Path
) -> None:
    words = ("run", str(resting), market)
    with started(*words, place=place, prepare=ignore) as running:
        until(venue.fetch_open_orders)
        running.send_signal(signal.SIGHUP)
        with pytest.raises(subprocess.TimeoutExpired):
            running.wait(1)
        assert venue.fetch_open_orders()
        running.send_signal(signal.SIGTERM)
        _, err = running.communicate(timeout=60)
    assert (running.returncode, venue.fetch_open_orders()) == (0, []), err
