"""Strategies that run side by side; apart, as other processes load them and little else."""

from __future__ import annotations

import asyncio
import decimal
import os
import random
import signal
import sys
from datetime import timedelta
from decimal import Decimal
from typing import Any

import numpy as np

from unified_exchanges.models import Fill, OrderBook
from unified_exchanges.strategies import Desk, Failure, Strategy


class Trading(Strategy):
    """Trades by chance, and stops at an event, or in a timer after it, if it is told to."""

    seed, last, how = 1, 0, "book"

    def on_start(self, desk: Desk) -> None:
        self.seen = 0
        random.seed(self.seed)
        if self.last == 1 and self.how == "start":
            desk.place("M", "yes", "buy", "0.40", 1)
            desk.stop()

    def on_book(self, desk: Desk, book: OrderBook) -> None:
        self.seen += 1
        if random.random() < 0.7:
            price = random.choice(["0.39", "0.40", "0.41"])
            desk.place("M", "yes", random.choice(["buy", "sell"]), price, 2)
        if self.seen == self.last:
            if self.how == "book":
                desk.stop()
            if self.how == "timer":
                desk.timer("enough", timedelta(milliseconds=100))
            if self.how == "raise":
                raise ZeroDivisionError(f"at event {self.seen}")
            if self.how == "exit":
                sys.exit(f"enough after {self.seen}")

    def on_timer(self, desk: Desk, name: str) -> None:
        desk.stop()

    def on_fill(self, desk: Desk, fill: Fill) -> None:
        desk.log(f"{fill.fill_id} {desk.cash} {desk.positions()}")

    def on_failure(self, desk: Desk, failure: Failure) -> None:
        desk.log(f"{failure.error} {random.random()}")

    def on_stop(self, desk: Desk) -> None:
        desk.log(f"over {desk.now} {random.random()}")


class Drawing(Strategy):
    """Draws random numbers of every kind, and works with decimals of its own precision."""

    seed = 0
    precision = 28
    draws = "both"

    def on_start(self, desk: Desk) -> None:
        random.seed(self.seed)
        np.random.seed(self.seed)  # noqa: NPY002 - what strategies do
        decimal.getcontext().prec = self.precision

    def on_book(self, desk: Desk, book: OrderBook) -> None:
        third = Decimal(1) / 3
        desk.log(f"{random.random()} {random.gauss(0, 1)} {np.random.rand()} {third}")  # noqa: NPY002


class Unseeded(Strategy):
    """Draws what there is."""

    number = 0

    def on_book(self, desk: Desk, book: OrderBook) -> None:
        desk.log(f"{random.random()} {np.random.rand()}")  # noqa: NPY002


class Ending(Trading):
    """Ends its process in the midst of it."""

    dies = False

    def on_book(self, desk: Desk, book: OrderBook) -> None:
        super().on_book(desk, book)
        if self.dies and self.seen == 4:
            os.kill(os.getpid(), signal.SIGKILL)


class Staying:
    """Comes to another process, and cannot go back from there."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.has_arrived = False

    def __reduce__(self) -> Any:
        if self.has_arrived and self.number == 2:
            raise TypeError("it stays here")
        return _arrived, (self.number,)

    def __deepcopy__(self, memo: dict[int, Any]) -> Staying:
        found = Staying(self.number)
        found.has_arrived = self.has_arrived
        return found


def _arrived(number: int) -> Staying:
    found = Staying(number)
    found.has_arrived = True
    return found


class Taking(Strategy):
    """Takes anything."""

    what: Any = None


class Own(BaseException):
    """One of the strategy's, which is no Exception."""


RAISED = {
    "canceled": asyncio.CancelledError,
    "interrupted": KeyboardInterrupt,
    "closed": GeneratorExit,
    "own": Own,
}


class Escaping(Strategy):
    """Raises what is no Exception, if it is told to."""

    how = ""

    def on_book(self, desk: Desk, book: OrderBook) -> None:
        if self.how:
            raise RAISED[self.how](f"it is {self.how}")
