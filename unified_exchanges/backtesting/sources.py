"""What a backtest is fed with: events and when they were received, from wherever."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from os import PathLike
from pathlib import Path
from typing import Final, TypeAlias

import attrs

from ..models import Order, OrderBook, Ticker
from ..paper import PaperEvent
from ..recording import Header
from ..recording.format import read_shortened
from ..recording.overheard import Heard, LineClock, Overheard, hear
from ..registry import folder
from .merging import Events, merged

__all__ = ["Data", "Feed", "events_of", "feeds_of", "recorded"]

Data: TypeAlias = "Events | str | PathLike[str] | Sequence[str | PathLike[str]]"
"""Events; or the path of a recording or of the Parquet files of one; or several paths."""

_Shortened: TypeAlias = tuple[int, *tuple[OrderBook, ...]]
"""What `Overheard.shortcut` makes of a line."""

_ONE: Final = 2
"""Parts of what was made of a line that tells of one book, as nearly all do."""
_PASSED_OVER: Final = frozenset((Ticker, Order))
"""What a backtest is not told."""


@attrs.define
class Feed:
    """One of the places that events come from; the moments are of what was read of it."""

    name: str | None
    began: int | None = None
    ended: int | None = None


def events_of(data: Data) -> Events:
    """The events of whatever a backtest was given."""
    return feeds_of(data)[0]


def feeds_of(data: Data) -> tuple[Events, list[Feed]]:
    """The same, and where they come from; one feed alone is timed by who reads it."""
    if isinstance(data, str | PathLike):
        path = Path(data)
        return _stored(path), [Feed(path.name)]
    if isinstance(data, Sequence) and data and isinstance(data[0], str | PathLike):
        paths = [Path(x) for x in data if isinstance(x, str | PathLike)]
        feeds = [Feed(path.name) for path in paths]
        if len(paths) == 1:
            return _stored(paths[0]), feeds
        return merged(*map(_timed, feeds, map(_stored, paths))), feeds
    return data, [Feed(None)]  # type: ignore[return-value]  # no paths, so events


def _timed(feed: Feed, events: Events) -> Events:
    for told in events:
        if feed.began is None:
            feed.began = told[0]
        feed.ended = told[0]
        yield told


def _stored(path: Path) -> Events:
    if path.is_dir():
        from ..research.reading import tables  # noqa: PLC0415 - pyarrow is an extra

        return tables(path)
    return recorded(path)


def recorded(path: str | PathLike[str]) -> Iterator[tuple[int, PaperEvent]]:
    """Read the events of a recording, by the parsers that read them live.

    Their time is that of their receipt; it never goes back, also if the clock was set.
    Raises `DamagedRecording` and `OSError`.
    """
    listener = _Listener()
    moment = 0
    for line in read_shortened(path, listener.begin):
        if type(line) is tuple:
            if line[0] >= moment:
                moment = line[0]
                if len(line) == _ONE:
                    yield line
                    continue
            for book in line[1:]:
                yield moment, book
            continue
        moment = max(moment, getattr(line, "at", moment))
        for event in listener.hear(moment, line):
            if type(event) not in _PASSED_OVER:
                yield moment, event  # type: ignore[misc]  # mypy does not see it narrowed


class _Listener:
    """Hears a recording, by a clock that shows the time of the line at hand."""

    overheard: Overheard

    def __init__(self) -> None:
        self._clock = LineClock(0)

    def begin(self, head: Header) -> Callable[[bytes], _Shortened | None]:
        self.overheard = folder(head.venue, "overheard").OVERHEARD(self._clock)
        return self.overheard.shortcut

    def hear(self, moment: int, line: object) -> Iterable[Heard]:
        self._clock.moment = moment
        return hear(self.overheard, line)
