"""Times variants beside their floor: interleaved rounds, medians of ratios, goals.

A ratio is taken within one round and the median of the rounds is reported, so that a
machine that slows down for a while slows both.  A goal is missed when it is exceeded by
more than `SLACK`.
"""

from __future__ import annotations

import argparse
import gc
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

__all__ = [
    "SLACK",
    "Goal",
    "Options",
    "Seconds",
    "arguments",
    "interleave",
    "ratio",
    "report",
    "verdict",
]

SLACK = 1.15
_ROUNDS = 9


class Seconds(float):
    """A variant may return its own time, if setting up is not to count."""


@dataclass(frozen=True)
class Goal:
    """A figure and the most that it may be."""

    name: str
    value: float
    limit: float
    unit: str = "×"


@dataclass(frozen=True)
class Options:
    """What the command line says."""

    rounds: int
    no_gate: bool


def arguments(description: str | None) -> Options:
    """Read ``--rounds`` and ``--no-gate``."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--rounds", type=int, default=_ROUNDS)
    parser.add_argument(
        "--no-gate", action="store_true", help="report, but do not fail"
    )
    given = parser.parse_args()
    return Options(given.rounds, given.no_gate)


def interleave(
    variants: Mapping[str, Callable[[], object]],
    rounds: int = _ROUNDS,
    *,
    clock: Callable[[], float] = time.perf_counter,
) -> dict[str, list[float]]:
    """Seconds of each variant in each round, after one round to warm up.

    Use ``time.process_time`` where another process answers.
    """
    times: dict[str, list[float]] = {name: [] for name in variants}
    for number in range(-1, rounds):
        for name in _order(variants, number):
            gc.collect()
            start = clock()
            result = variants[name]()
            taken = clock() - start
            if isinstance(result, Seconds):
                taken = float(result)
            del result  # after the clock: giving memory back is nobody's work
            if number >= 0:
                times[name].append(taken)
    return times


def _order(names: Mapping[str, object], number: int) -> list[str]:
    return list(names) if number % 2 else list(reversed(names))


def ratio(times: Mapping[str, list[float]], name: str, floor: str) -> float:
    """The median over rounds of a variant's time by its floor's."""
    pairs = zip(times[name], times[floor], strict=True)
    return statistics.median(a / b for a, b in pairs)


def report(
    title: str,
    times: Mapping[str, list[float]],
    floor: str,
    *,
    per: int = 1,
    unit: str = "item",
) -> None:
    """Print the median time of an item, its spread, and the ratio to the floor."""
    print(f"\n{title}  (floor: {floor})")
    for name, taken in times.items():
        each = [seconds / per * 1e6 for seconds in taken]
        spread = f"[{min(each):.1f}..{max(each):.1f}]"
        middle = statistics.median(each)
        found = ratio(times, name, floor)
        print(f"  {name:<34} {middle:>12.2f} µs/{unit:<8} ×{found:<7.3f} {spread}")


def verdict(goals: Sequence[Goal], *, gate: bool = True) -> None:
    """Print each goal; exit with an error if one is missed and ``gate`` is on."""
    missed = [goal for goal in goals if goal.value > goal.limit * SLACK]
    for goal in goals:
        word = "MISSED" if goal in missed else "met"
        if goal.limit < goal.value <= goal.limit * SLACK:
            word = "within slack"
        print(
            f"  goal {goal.name}: {goal.value:.3f}{goal.unit} ≤ {goal.limit}{goal.unit}: {word}"
        )
    if missed and gate:
        sys.exit(1)
