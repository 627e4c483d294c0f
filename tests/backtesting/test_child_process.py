"""Runs in a process that a worker starts for them: what they do ends that one alone."""

from __future__ import annotations

import importlib
import os
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from unified_exchanges import GuardPolicy, OrderBook
from unified_exchanges.backtesting import sweep
from unified_exchanges.backtesting.child_process import in_child
from unified_exchanges.backtesting.shipping import ProcessEnded, packed, unpacked
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

    def on_start(self, desk: Desk) -> None:
        print("what is not among the rows", flush=True)  # noqa: T201 - it is looked for
        if self.how == "leave":
            os._exit(0)
        if self.how == "stay":
            threading.Event().wait()
        if self.how == "thread":
            threading.Thread(target=threading.Event().wait).start()


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


def played(how: Any, most: float | None = None, *, is_wanted: bool = True) -> list[Any]:
    trials = [Trial(number=1, data="", parameters={"how": how})]
    payload = packed(setup_of(), trials)
    return [*unpacked(trials, in_child(payload, trials, most, lambda: is_wanted))]


def test_its_rows_come_back_whatever_it_prints() -> None:
    assert [row.pnl for row in played("print", 1e12)] == [0]


def test_a_thread_that_a_run_has_left_keeps_no_process() -> None:
    """Neither of a worker of a cluster, nor of this machine."""
    assert [row.pnl for row in played("thread")] == [0]
    book = OrderBook(venue="kalshi", market_id="M", outcome="yes", bids=(), asks=())
    report = sweep(
        Acting, {"how": ["thread", "print"]}, [(0, book)], contracts=[], workers=2
    )
    assert [row.pnl for row in report.rows] == [0, 0]


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
