"""How far a command is: a bar on a terminal, else a line now and then."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich.progress import (
    BarColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from ..recording.position import watched
from .screen import Screen

__all__ = ["Show", "shown", "shown_of", "shown_of_files"]

_NOTE = 10.0
"""Seconds between two words on progress where there is no terminal."""


class Show:
    """Says how far it is; ``done`` is of the total, where that is not what is counted."""

    def __init__(
        self,
        screen: Screen,
        bar: Progress | None,
        total: float | None,
        noun: str,
        done: Callable[[], float] | None,
    ) -> None:
        self._screen = screen
        self._bar = bar
        self._noun = noun
        self._done = done
        self._next = time.monotonic() + _NOTE
        self._task = None if bar is None else bar.add_task(f"0 {noun}", total=total)

    def __call__(self, count: int, words: str) -> None:
        """So many of them, and what came of it."""
        if self._bar is not None and self._task is not None:
            told = f"{count:,} {self._noun}  {words}"
            done = count if self._done is None else self._done()
            self._bar.update(self._task, completed=done, description=told)
        elif time.monotonic() >= self._next:
            self._next += _NOTE
            self._screen.note(f"{count:,} {self._noun}  {words}")


@contextmanager
def shown(
    screen: Screen, total: int | None, noun: str = "events"
) -> Generator[Show, None, None]:
    """Show how far it is, of so many, as long as it lasts."""
    with shown_of(screen, total, None, noun) as show:
        yield show


@contextmanager
def shown_of(
    screen: Screen,
    total: float | None,
    done: Callable[[], float] | None,
    noun: str = "events",
) -> Generator[Show, None, None]:
    """The same, where something else is counted than what it is a part of."""
    if not screen.err.is_terminal or screen.err.is_dumb_terminal:
        yield Show(screen, None, total, noun, done)
        return
    bar = Progress(
        TextColumn("{task.description}"),
        *((BarColumn(None), TaskProgressColumn()) if total else ()),
        TimeElapsedColumn(),
        *((TextColumn("left"), TimeRemainingColumn(compact=True)) if total else ()),
        console=screen.err,
        transient=True,
        expand=bool(total),
    )
    with bar:
        yield Show(screen, bar, total, noun, done)


@contextmanager
def shown_of_files(
    screen: Screen, paths: Sequence[Path], noun: str = "events"
) -> Generator[Show, None, None]:
    """The same, of the bytes of these recordings; of tables nobody knows before."""
    are_known = all(path.is_file() for path in paths)
    files = {path.resolve(): path.stat().st_size for path in paths if are_known}
    with watched() as position:
        total = sum(files.values())
        done = (lambda: position.read) if total else None
        with shown_of(screen, total or None, done, noun) as show:
            yield show
