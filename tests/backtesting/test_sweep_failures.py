"""Failures of runs whose objects are odd: rows as any, and the same on any engine."""

from __future__ import annotations

import json
import os
import pickle
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from unified_exchanges import OrderBook
from unified_exchanges.backtesting import sweep
from unified_exchanges.backtesting.child_process import in_child
from unified_exchanges.backtesting.shipping import PackedTrials, Unloadable, packed
from unified_exchanges.backtesting.sweep_report import SweepFailure
from unified_exchanges.backtesting.trial import Trial
from unified_exchanges.strategies import Desk, Strategy

from ..research.test_conversion import DELTA, SNAPSHOT, journal
from ..unmeasured import unmeasured_children
from .test_child_process import setup_of
from .test_loop import CONTRACTS, randomly
from .test_sources import kalshi_contract


@pytest.fixture(autouse=True, scope="module")
def unmeasured_workers() -> Iterator[None]:
    with unmeasured_children():
        yield


EVENTS = randomly(random.Random(5), 20)


class Wordless(Exception):
    def __str__(self) -> str:
        return str(self.args[5])


class Odd(Strategy):
    """Fails in odd ways."""

    how: Any = "not"

    def on_book(self, desk: Desk, book: OrderBook) -> None:
        if self.how == "wordless":
            raise Wordless
        if self.how == "half":
            raise ValueError("half a character: \ud800")


@pytest.mark.parametrize("workers", [1, 2])
def test_an_error_that_cannot_say_its_words_is_a_row_as_any(workers: int) -> None:
    grid = {"how": ["not", "wordless", "not"]}
    report = sweep(Odd, grid, EVENTS, contracts=CONTRACTS, workers=workers)
    assert [row.pnl for row in report.rows] == [0, None, 0]
    [row] = report.failed
    assert row.failure is not None
    assert row.failure.error == "Wordless"
    assert row.failure.message.endswith("its __str__ raised IndexError)")


class Lost:
    """Can be packed, and not unpacked but where it was packed."""

    def __reduce__(self) -> tuple[Any, ...]:
        return _found, (os.getpid(),)


def _found(process: int) -> object:
    return Lost() if process == os.getpid() else int("x")


@pytest.mark.parametrize("stored", [True, False])
def test_a_parameter_that_cannot_be_unpacked_is_a_failure_of_its_run_alone(
    tmp_path: Path, *, stored: bool
) -> None:
    grid = {"how": ["not", Lost(), "not"]}
    data: Any = EVENTS
    if stored:
        data = journal(tmp_path / "a", SNAPSHOT % 1, DELTA % (2, "1.00"))
    contracts = [kalshi_contract("M")] if stored else CONTRACTS
    report = sweep(Odd, grid, data, contracts=contracts, workers=2)
    assert [row.pnl for row in report.rows] == [0, None, 0]
    [row] = report.failed
    assert str(row.failure) == str(unloadable())
    # What is not sent need not be.
    assert not sweep(Odd, grid, data, contracts=contracts, workers=1).failed


def test_it_is_the_same_failure_in_a_process_of_a_worker() -> None:
    trials = [Trial(number=1, data="", parameters={"how": Lost()})]
    payload = packed(setup_of(), trials)
    found = pickle.dumps(PackedTrials(trials))
    with pytest.raises(Unloadable) as told:
        in_child(payload, pickle.loads(found), None, lambda: True)
    assert str(told.value) == unloadable().message


def unloadable() -> SweepFailure:
    message = (
        "its parameters cannot be loaded in another process: ValueError: invalid literal "
        "for int() with base 10: 'x'; with workers=1 nothing is sent"
    )
    return SweepFailure(error="Unloadable", message=message)


def test_half_a_character_in_a_message_is_escaped() -> None:
    report = sweep(Odd, {"how": ["half"]}, EVENTS, contracts=CONTRACTS, workers=1)
    written = report.to_json().encode()
    assert b"half a character: \\ud800" in written
    assert json.loads(written)["rows"][0]["failure"]["message"].endswith("\ud800")
