"""Failures of runs whose objects are odd: rows as any, and the same on any engine."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from typing import Any

import pytest

from unified_exchanges import OrderBook
from unified_exchanges.backtesting import sweep
from unified_exchanges.strategies import Desk, Strategy

from ..unmeasured import unmeasured_children
from .test_loop import CONTRACTS, randomly


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


def test_half_a_character_in_a_message_is_escaped() -> None:
    report = sweep(Odd, {"how": ["half"]}, EVENTS, contracts=CONTRACTS, workers=1)
    written = report.to_json().encode()
    assert b"half a character: \\ud800" in written
    assert json.loads(written)["rows"][0]["failure"]["message"].endswith("\ud800")
