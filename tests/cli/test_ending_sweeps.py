"""A sweep that is ended, or killed: none of its processes goes on without it."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from unified_exchanges import exchange
from unified_exchanges.cli.practice import practice

from ..unmeasured import unmeasured
from .conftest import invoke
from .test_processes import COMMAND, heed

ENDLESS = """
import os
import pathlib
import unified_exchanges as ux

class Endless(ux.Strategy):
    lot = 1

    def on_start(self, desk):
        folder = pathlib.Path(os.environ["FOLDER"])
        (folder / str(os.getpid())).touch()
        while True:
            pass
"""


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("day") / "day.jsonl"
    with practice("kalshi", seed=7, key_type="ed25519", lively=True) as place:
        with exchange(place.venue, **place.account) as ex:
            market = next(m.market_id for m in ex.fetch_markets() if m.bid and m.ask)
        words = ("record", place.venue, market, "--out", str(path), "--for", "1s")
        assert invoke(*words, env=place.exports).code == 0
    return path


@pytest.fixture
def running(
    recording: Path, tmp_path: Path
) -> Iterator[tuple[subprocess.Popen[bytes], list[int]]]:
    """A sweep on two processes that never ends, and the ids of the two."""
    strategy = tmp_path / "endless.py"
    strategy.write_text(ENDLESS)
    folder = tmp_path / "workers"
    folder.mkdir()
    words = ("--data", str(recording), "--param", "lot=1,2", "--workers", "2")
    with (tmp_path / "told").open("wb") as told:
        sweeping = subprocess.Popen(
            [*COMMAND, "sweep", str(strategy), *words],
            env=unmeasured(FOLDER=str(folder)),
            stdout=told,
            stderr=told,
            preexec_fn=heed,  # noqa: PLW1509 - also where the tests run under nohup
        )
    try:
        assert until(
            lambda: len([*folder.iterdir()]) == 2 or sweeping.poll() is not None
        )
        assert sweeping.poll() is None, (tmp_path / "told").read_text()
        yield sweeping, [int(path.name) for path in folder.iterdir()]
    finally:
        sweeping.kill()
        sweeping.wait()
        for path in folder.iterdir():
            if is_alive(int(path.name)):
                os.kill(int(path.name), signal.SIGKILL)


def until(is_so: Callable[[], bool], seconds: float = 60) -> bool:
    end = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


def is_alive(process: int) -> bool:
    """Whether it runs: who was killed and not waited for yet does not."""
    try:
        told = Path(f"/proc/{process}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return told.rpartition(")")[2].split()[0] not in {"Z", "X"}


@pytest.mark.parametrize(
    "number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL]
)
def test_no_process_of_a_sweep_outlives_it(
    running: tuple[subprocess.Popen[bytes], list[int]], number: int
) -> None:
    sweeping, workers = running
    assert all(map(is_alive, workers))
    sweeping.send_signal(number)
    assert sweeping.wait(30) != 0
    # Each looks for its parent now and then.
    assert until(lambda: not any(map(is_alive, workers)), 15)
