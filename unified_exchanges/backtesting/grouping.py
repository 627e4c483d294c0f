"""Which runs of a sweep go side by side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby, pairwise
from operator import attrgetter
from pathlib import Path
from typing import Final

from .sources import Data
from .trial import Setup, Trial

__all__ = ["grouped", "is_stored"]

_MOST: Final = 16
"""Runs side by side at most: what they keep is in memory at once."""


def grouped(
    setup: Setup,
    trials: Sequence[Trial],
    workers: int,
    *,
    alone_in_memory: bool = True,
) -> list[Sequence[Trial]]:
    """Put runs over the same stored data together, and leave no worker without any.

    They stay in their order.  Events in memory need not be read: their runs go alone, where
    it costs nothing to begin one.
    """
    return [
        group
        for name, found in groupby(trials, attrgetter("data"))
        for group in _parts(
            [*found],
            len(setup.data),
            workers,
            alone=alone_in_memory and not is_stored(setup.data[name]),
        )
    ]


def _parts(
    trials: Sequence[Trial], total: int, workers: int, *, alone: bool
) -> Iterator[Sequence[Trial]]:
    count = len(trials)
    if not alone:
        count = _ceil(count, _MOST)
        if total < workers:
            # All of them end at about the same time: they are as many as there are workers,
            # or twice as many, and so on.
            rounds = _ceil(count * total, workers)
            count = min(len(trials), _ceil(rounds * workers, total))
    ends = [len(trials) * n // count for n in range(count + 1)]
    for begin, end in pairwise(ends):
        yield trials[begin:end]


def is_stored(data: Data) -> bool:
    """Whether it is read from files, as the paths of a sweep are by then."""
    is_path = isinstance(data, Path)
    return is_path or (
        isinstance(data, Sequence) and bool(data) and isinstance(data[0], Path)
    )


def _ceil(number: int, by: int) -> int:
    return -(-number // by)
