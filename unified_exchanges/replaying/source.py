"""Opens what is replayed: a recording, or a cassette of vcrpy."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from os import PathLike, fspath
from pathlib import Path

import attrs

from ..description import Description
from ..errors import BadRequest, NotRecorded
from ..recording.format import (
    Header,
    Line,
    Rest,
    Unanswered,
    Withheld,
    open_recording,
    read,
)
from .answers import Answers
from .clock import ReplayClock
from .counterpart import Contents
from .streams import Streams

__all__ = ["Source", "load"]

_CASSETTE = b"interactions:"
_BEGIN = 4096


@attrs.frozen(kw_only=True, slots=True)
class Source:
    """What a replay is made of: whose wire it was, its answers, and their clock.

    ``streams`` is what WebSockets told, None where that is not known.
    """

    venue: str
    environment: str
    answers: Answers
    clock: ReplayClock
    streams: Streams | None = None


def load(
    path: str | PathLike[str],
    venues: Iterable[Description],
    contents: Callable[[str], Contents] | None = None,
    *,
    lag: int = 0,
) -> Source:
    """Read a recording once; its requests into memory, and of its streams what was asked.

    ``venues`` are those that there are: a cassette does not say whose it is.
    ``contents`` makes what takes note of the streams of a venue; ``lag`` is how many
    nanoseconds late everything is heard.  Raises
    `NotRecorded` where there is no such file, and `DamagedRecording`.
    """
    file = Path(path)
    if file.is_dir():
        raise NotRecorded(
            f"{fspath(path)} is a folder: a replay wants the recording itself, a file"
        )
    if not file.is_file():
        raise NotRecorded(f"there is no recording {fspath(path)}; record it first")
    with open_recording(file) as opened:
        begin = opened.read(_BEGIN)
    if _CASSETTE in begin and not begin.lstrip().startswith(b"{"):
        from .cassette import load_cassette  # noqa: PLC0415 - YAML is an extra

        tape = load_cassette(file, venues)
        return _source(tape.venue, tape.environment, tape.start, tape.lines, file, lag)
    lines = read(file)
    header = next(lines)
    assert isinstance(header, Header)
    if header.venue not in {venue.id for venue in venues}:
        raise BadRequest(
            f"{file} was recorded at {header.venue}, which this library does not know"
        )
    streams = None
    if contents is not None:
        streams = Streams(file, header, contents(header.venue))
        lines = _noted(lines, streams)
    wanted = (x for x in lines if isinstance(x, Rest | Unanswered | Withheld))
    source = _source(header.venue, header.environment, header.at, wanted, file, lag)
    return attrs.evolve(source, streams=streams)


def _noted(lines: Iterator[Line], streams: Streams) -> Iterator[Line]:
    for number, line in enumerate(lines, 2):
        streams.note(line, number)
        yield line


def _source(
    venue: str,
    environment: str,
    start: int,
    lines: Iterable[Rest | Unanswered | Withheld],
    file: Path,
    lag: int,
) -> Source:
    clock = ReplayClock(start, lag=lag)
    return Source(
        venue=venue,
        environment=environment,
        answers=Answers(lines, clock, str(file)),
        clock=clock,
    )
