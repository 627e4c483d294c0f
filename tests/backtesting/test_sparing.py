"""Runs in a process that a worker starts for them: what they do ends that one alone."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from unified_exchanges.backtesting.shipping import ProcessEnded, packed, unpacked
from unified_exchanges.backtesting.sparing import in_child
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
        keeps_reports=False,
    )


def played(how: str, most: float | None = None) -> list[Any]:
    trials = [Trial(number=1, data="", parameters={"how": how})]
    payload = packed(setup_of(), trials)
    return [*unpacked(trials, in_child(payload, trials, most))]


def test_its_rows_come_back_whatever_it_prints() -> None:
    assert [row.pnl for row in played("print", 1e12)] == [0]


def test_a_run_that_leaves_without_an_error_is_told_too() -> None:
    with pytest.raises(ProcessEnded):
        played("leave")


def test_one_that_takes_too_much_memory_is_ended() -> None:
    with pytest.raises(ProcessEnded):
        played("stay", 1)
