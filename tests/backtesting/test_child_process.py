"""Runs in a process that a worker starts for them: what they do ends that one alone."""

from __future__ import annotations

import atexit
import importlib
import multiprocessing
import os
import pickle
import signal
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import psutil
import pytest

from unified_exchanges import GuardPolicy, OrderBook
from unified_exchanges.backtesting import sweep
from unified_exchanges.backtesting.child_process import in_child, rows_in
from unified_exchanges.backtesting.shipping import (
    PackedTrials,
    ProcessEnded,
    packed,
    unpacked,
)
from unified_exchanges.backtesting.trial import Setup, Trial
from unified_exchanges.strategies import Desk, Strategy

from ..unmeasured import unmeasured_children


@pytest.fixture(autouse=True, scope="module")
def unmeasured_workers() -> Iterator[None]:
    with unmeasured_children():
        yield


class Acting(Strategy):
    """Prints, leaves, or stays for ever."""

    how = "print"
    folder: Any = None

    def on_start(self, desk: Desk) -> None:
        print("what is not among the rows", flush=True)  # noqa: T201 - it is looked for
        if self.how == "leave":
            os._exit(0)
        if self.how == "stay":
            threading.Event().wait()
        if self.how == "thread":
            threading.Thread(target=threading.Event().wait).start()
        if self.how == "helper":
            context: Any = multiprocessing.get_context("fork")
            helper = context.Process(target=_help, args=(self.folder,))
            helper.start()
            while not Path(self.folder, "helper").exists():
                threading.Event().wait(0.05)
            if self.folder.endswith("crash"):
                os.kill(os.getpid(), signal.SIGKILL)
        if self.how == "end badly":
            atexit.register(os._exit, 3)


def _help(folder: str) -> None:
    Path(folder, "new").write_text(str(os.getpid()), encoding="ascii")
    Path(folder, "new").rename(Path(folder, "helper"))
    threading.Event().wait()


def setup_of() -> Setup:
    return Setup(
        make=Acting,
        markets=None,
        data={"": []},
        paths=[],
        contracts=[],
        cash=1,
        delays=None,
        sample=timedelta(minutes=1),
        guards=GuardPolicy(),
        keeps_reports=False,
    )


def played(
    how: Any, most: float | None = None, *, is_wanted: bool = True, **more: Any
) -> list[Any]:
    trials = [Trial(number=1, data="", parameters={"how": how, **more})]
    payload = packed(setup_of(), trials)
    group = pickle.loads(pickle.dumps(PackedTrials(trials)))
    return [*unpacked(trials, in_child(payload, group, most, lambda: is_wanted))]


def test_its_rows_come_back_whatever_it_prints() -> None:
    assert [row.pnl for row in played("print", 1e12)] == [0]


def test_a_thread_that_a_run_has_left_keeps_no_process() -> None:
    """Neither of a worker of a cluster, nor of this machine."""
    assert [row.pnl for row in played("thread")] == [0]
    report = sweep(
        Acting, {"how": ["thread", "print"]}, [(0, BOOK)], contracts=[], workers=2
    )
    assert [row.pnl for row in report.rows] == [0, 0]


BOOK = OrderBook(venue="kalshi", market_id="M", outcome="yes", bids=(), asks=())


def is_helper_alive(folder: Path) -> bool:
    helper = int(Path(folder, "helper").read_text(encoding="ascii"))
    until = time.monotonic() + 20
    while psutil.pid_exists(helper) and time.monotonic() < until:
        if psutil.Process(helper).status() == psutil.STATUS_ZOMBIE:
            return False
        threading.Event().wait(0.1)
    return psutil.pid_exists(helper)


def test_a_process_that_a_run_has_left_ends_with_that_of_the_run(
    tmp_path: Path,
) -> None:
    """It would keep it, and whoever waits for it, for as long as it lives."""
    assert [row.pnl for row in played("helper", folder=str(tmp_path))] == [0]
    assert not is_helper_alive(tmp_path)
    crashing = tmp_path / "crash"
    crashing.mkdir()
    with pytest.raises(ProcessEnded):
        played("helper", folder=str(crashing))
    assert not is_helper_alive(crashing)


def test_a_process_that_a_run_has_left_ends_with_the_sweep_on_this_machine(
    tmp_path: Path,
) -> None:
    grid = [{"how": "helper", "folder": str(tmp_path)}, {"how": "print"}]
    report = sweep(Acting, grid, [(0, BOOK)], contracts=[], workers=2)
    assert [row.pnl for row in report.rows] == [0, 0]
    assert not is_helper_alive(tmp_path)


def test_rows_count_however_their_process_ends_after_it_has_told_them() -> None:
    assert [row.pnl for row in played("end badly")] == [0]


def test_rows_that_were_not_told_to_the_end_do_not_count() -> None:
    rows = [b"a row", b"long" * 50_000]
    told = pickle.dumps(rows)
    assert rows_in(told) == rows
    for end in (*range(300), *range(300, len(told), 997), len(told) - 1):
        with pytest.raises(ProcessEnded):
            rows_in(told[:end])


def test_a_run_that_leaves_without_an_error_is_told_too() -> None:
    with pytest.raises(ProcessEnded):
        played("leave")


def test_a_parameter_of_a_script_goes_along() -> None:
    class Own:
        """As one of a script, it is found nowhere."""

        def __eq__(self, other: object) -> bool:
            return type(other) is type(self)

        __hash__ = None  # type: ignore[assignment]

    own = Own()
    for given in (own, lambda: 5):
        [row] = played(given)
        assert row.failure is None
    [row] = played(own)
    # Its class is that of the script again, not another of the same name.
    assert row.parameters == {"how": own}


def test_what_the_module_of_a_parameter_prints_is_not_among_the_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = ("print('at its import', flush=True)", "class Loud:", "    pass")
    Path(tmp_path, "loud_parameter.py").write_text("\n".join(lines), encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    kind = importlib.import_module("loud_parameter").Loud
    assert [row.failure for row in played(kind())] == [None]


def test_one_that_takes_too_much_memory_is_ended() -> None:
    with pytest.raises(ProcessEnded):
        played("stay", 1)


def test_one_that_nobody_waits_for_is_ended() -> None:
    with pytest.raises(ProcessEnded):
        played("stay", is_wanted=False)
