"""Where output goes: results to stdout, everything else to stderr."""

from __future__ import annotations

import os
import sys
import time
import traceback
from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout, suppress
from itertools import islice
from typing import TextIO, TypeVar

import attrs
from rich.console import Console, RenderableType
from rich.progress import (
    BarColumn,
    Progress,
    SpinnerColumn,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
)
from rich.text import Text

from ..errors import UnifiedExchangesError
from ..models.json_text import encode_json
from ..models.record import plain
from ..wording import notes_of
from .exits import advice, exit_code
from .layout import Column, lay_out

__all__ = ["UNBOUNDED", "Screen", "flat"]

T = TypeVar("T")

UNBOUNDED = 10_000
"""Columns of what is no terminal."""
_PATIENCE = 0.4
"""Seconds after which a listing shows its progress."""
_STDOUT, _STDERR = 1, 2


class _Console(Console):
    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


def flat(value: object) -> object:
    """A JSON-safe form: decimals as text, measured floats as numbers.

    >>> flat({"rate": 0.5, "sizes": (1, 2)})
    {'rate': 0.5, 'sizes': [1, 2]}
    """
    kind = type(value)
    if isinstance(value, UnifiedExchangesError):
        return _error(value)
    if isinstance(value, Mapping):
        return {str(key): flat(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [flat(item) for item in value]
    if callable(told := getattr(value, "to_dict", None)):
        return told()
    if attrs.has(kind):
        names = (field.name for field in attrs.fields(kind))
        return {name: flat(getattr(value, name)) for name in names}
    return value if isinstance(value, float) else plain(value)


def _error(error: UnifiedExchangesError) -> dict[str, object]:
    """What a program needs of an error."""
    found: dict[str, object] = {"error": type(error).__name__, "message": str(error)}
    details = {
        "venue": error.venue,
        "request": error.request,
        "status": error.status,
        "code": error.code,
        "client_order_id": error.client_order_id,
        "nearest": getattr(error, "nearest", None),
        "retry_after": getattr(error, "retry_after", None),
        "notes": tuple(notes_of(error)),
        "next": advice(error),
    }
    found |= {k: flat(v) for k, v in details.items() if v not in (None, ())}
    return found | {"exit_code": int(exit_code(error))}


class Screen:
    """Prints tables for people or JSON for programs, never both to stdout."""

    def __init__(self, *, as_json: bool = False, debug: bool = False) -> None:
        self.as_json = as_json
        self.debug = debug
        # A pipe has no width: nothing is shortened for a program that reads tables, unless
        # it says how wide they may be, and no path in a message is ever cut in two.
        sized = None if os.environ.get("COLUMNS") else _width(sys.stdout)
        self.out = _Console(width=sized, highlight=False)
        self.err = _Console(stderr=True, width=_width(sys.stderr), highlight=False)
        self.told: set[str] = set()
        """Warnings that stand on stderr already, in their own words."""

    # -- results --------------------------------------------------------------------

    def document(self, value: object, *shown: RenderableType) -> None:
        """Print one result: its JSON, or what is shown of it."""
        if self.as_json:
            self.line(value)
        else:
            for item in shown:
                self.out.print(item)

    def table(
        self, rows: Sequence[T], columns: Sequence[Column[T]], *, empty: str
    ) -> None:
        """Print a table that fits, or say that there is nothing."""
        if not rows:
            self.note(empty)
            return
        table, left_out = lay_out(columns, rows, self.out.width)
        self.out.print(table)
        if left_out:
            self.note(
                f"left out to fit {self.out.width} columns: {', '.join(left_out)}"
            )

    def listing(
        self,
        items: Iterable[T],
        columns: Sequence[Column[T]],
        *,
        noun: str,
        limit: int | None = None,
    ) -> None:
        """Print a listing, and say so when ``limit`` ended it."""
        rows = self._watched(items, noun, limit)
        found: list[T] = []
        for item in islice(rows, limit):
            if self.as_json:
                self.line(item)
            else:
                found.append(item)
        is_cut = limit is not None and next(rows, None) is not None
        rows.close()
        if not self.as_json:
            self.table(found, columns, empty=f"no {noun}")
        if is_cut:
            self.note(f"the first {limit:,}; more with --limit or --all")

    def _watched(
        self, items: Iterable[T], noun: str, limit: int | None
    ) -> Generator[T, None, None]:
        """The items, with a progress bar as soon as they take their time."""
        started = time.monotonic()
        bar: Progress | None = None
        try:
            for count, item in enumerate(items, start=1):
                yield item
                if bar is None and time.monotonic() - started > _PATIENCE:
                    bar = self._bar(noun, limit)
                if bar is not None:
                    bar.update(bar.task_ids[0], completed=count)
        finally:
            if bar is not None:
                bar.stop()

    def _bar(self, noun: str, limit: int | None) -> Progress:
        # Lines of JSON on the same terminal would be torn by it.
        torn = self.as_json and self.out.is_terminal
        bar = Progress(
            SpinnerColumn(),
            TextColumn("{task.completed:,.0f} " + noun),
            *((BarColumn(), TaskProgressColumn()) if limit else ()),
            TimeElapsedColumn(),
            console=self.err,
            transient=True,
            disable=torn or not self.err.is_terminal,
        )
        bar.add_task(noun, total=limit)
        bar.start()
        return bar

    def line(self, value: object) -> None:
        """Print one line of JSON now."""
        sys.stdout.write(encode_json(flat(value)) + "\n")
        sys.stdout.flush()

    @contextmanager
    def results_alone(self) -> Generator[None, None, None]:
        """Have what others print on stderr, if results are JSON: stdout is to have no more.

        Others are the code of a strategy, the libraries it calls, and the processes that
        are begun meanwhile.
        """
        if not self.as_json:
            yield
            return
        with _descriptor_turned(), redirect_stdout(sys.stderr):
            yield

    # -- everything else ------------------------------------------------------------

    def note(self, words: str) -> None:
        """Say something beside the result."""
        with suppress(OSError):
            self.err.print(Text(words, style="dim"))

    def warn(self, error: BaseException) -> None:
        """Say what is noted with an interruption, such as orders that may be open."""
        with suppress(OSError):
            self._warn(error)

    def fail(self, error: UnifiedExchangesError) -> None:
        """Say what went wrong and what to do next; the exit code says it too."""
        with suppress(OSError):
            self._fail(error)

    def _fail(self, error: UnifiedExchangesError) -> None:
        if self.debug:
            # Without local variables, which may hold a key.
            sys.stderr.write("".join(traceback.format_exception(error)))
        if self.as_json:
            sys.stderr.write(encode_json(flat(error)) + "\n")
            return
        head = Text.assemble(("✗ ", "red"), (f"{type(error).__name__} ", "bold"))
        self.err.print(head + Text(str(error)))
        self._warn(error)
        hint = advice(error)
        if hint:
            self.err.print(Text(f"→ {hint}", style="cyan"))

    def _warn(self, error: BaseException) -> None:
        for note in notes_of(error):
            if note not in self.told:
                self.err.print(Text(f"! {note}", style="yellow"))

    def abandon(self) -> None:
        """Write no more to a pipe whose reader has gone."""
        with suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@contextmanager
def _descriptor_turned() -> Generator[None, None, None]:
    """Have the number of stdout lead to stderr: not all that is printed knows `sys`."""
    out, kept = sys.stdout, os.dup(_STDOUT)
    os.dup2(_STDERR, _STDOUT)
    try:
        yield
    finally:
        with suppress(OSError):  # as of all that goes to stderr
            out.flush()
        os.dup2(kept, _STDOUT)
        os.close(kept)


def _width(stream: TextIO) -> int | None:
    return None if stream.isatty() else UNBOUNDED
