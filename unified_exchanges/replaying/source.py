"""Opens what is replayed: a recording, or a cassette of vcrpy."""

from __future__ import annotations

import gc
import re
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from os import PathLike, fspath
from pathlib import Path

import attrs

from ..description import Description
from ..errors import BadRequest, NotRecorded
from ..recording.format import Header, Line, Rest, Unanswered, Withheld
from ..recording.line_clock import LineClock, in_time
from ..recording.opening import is_cassette
from ..recording.places import is_there
from ..recording.reading import read
from .answers import Answers
from .clock import ReplayClock
from .counterpart import Contents, some_of
from .streams import Streams

__all__ = ["Source", "load"]

_LOOKS_LIKE = re.compile(r"\.(jsonl?|ya?ml)\b")


@attrs.frozen(kw_only=True, slots=True)
class Source:
    """What a replay is made of: a file, whose wire it was, its answers, and their clock.

    ``streams`` is what WebSockets told, None where that is not known.
    """

    file: Path
    venue: str
    environment: str
    answers: Answers
    clock: ReplayClock
    streams: Streams | None = None


def load(
    path: str | PathLike[str],
    venues: Sequence[Description],
    contents: Callable[[str], Contents] | None = None,
    *,
    lag: int = 0,
    venue: str | None = None,
    wants_streams: bool = False,
) -> Source:
    """Read a recording once; its requests into memory, and of its streams what was asked.

    ``venues`` are those that there are: a cassette does not say whose it is, and ``venue``
    is the one that is meant where it may be of several.
    ``contents`` makes what takes note of the streams of a venue; ``lag`` is how many
    nanoseconds late everything is heard.  Raises
    `NotRecorded` where there is no such file, `DamagedRecording`, and `BadRequest` for a
    cassette, whosever it is, where streams are wanted.
    """
    ids = [known.id for known in venues]
    if venue is not None and venue not in ids:
        raise BadRequest(f"there is no venue {venue!r}; there are: {', '.join(ids)}")
    try:
        file = _file(path)
        is_tape = is_cassette(file)
    except OSError as error:
        raise BadRequest(
            f"the recording {fspath(path)} cannot be read: {error.strerror or error}; see "
            "that it may be, or give another path="
        ) from error
    if is_tape and wants_streams:
        raise BadRequest(
            f"{file} is a cassette, and holds no stream: paper wants to see books and "
            "trades, as Recorder or unified-exchanges record write them"
        )
    if is_tape:
        from .cassette import load_cassette  # noqa: PLC0415 - YAML is an extra

        with _collector_paused():
            tape = load_cassette(file, venues, venue)
            return _source(
                tape.venue, tape.environment, tape.start, tape.lines, file, lag
            )
    lines = read(file)
    header = next(lines)
    assert isinstance(header, Header)
    lines = in_time(lines, LineClock(header.at, header.mono))
    if header.venue not in ids:
        raise BadRequest(
            f"{file} was recorded at {header.venue}, which this version of the library "
            f"does not know: it knows {', '.join(ids)}"
        )
    if venue not in {None, header.venue}:
        raise BadRequest(
            f"{file} was recorded at {header.venue}, not at {venue}: leave venue= away, or "
            "give the path of another recording"
        )
    streams = None
    if contents is not None:
        streams = Streams(file, header, contents(header.venue))
        lines = _noted(lines, streams)
    wanted = (x for x in lines if isinstance(x, Rest | Unanswered | Withheld))
    source = _source(header.venue, header.environment, header.at, wanted, file, lag)
    return attrs.evolve(source, streams=streams)


def _file(path: object) -> Path:
    """The file that is meant; raises `NotRecorded` where there is none."""
    if not isinstance(path, str | PathLike) or not fspath(path):
        raise BadRequest(
            f"path= of a replay must be that of one recording or cassette, not {path!r}"
        )
    file = Path(path)
    if file.is_dir():
        raise NotRecorded(
            f"{file} is a folder, {_held(file)}: a replay wants the recording itself, a file"
        )
    if is_there(file):
        return file
    folder = file.parent
    there = _held(folder) if folder.is_dir() else "which is not there"
    raise NotRecorded(
        f"there is no recording {file}, in the folder {folder.absolute()}, {there}: correct "
        "path=, or record it first"
    )


def _held(folder: Path) -> str:
    """What may have been meant of a folder, in words."""
    names = sorted(x.name for x in folder.iterdir() if _LOOKS_LIKE.search(x.name))
    if not names:
        return "which holds no recording"
    return f"which holds {some_of(names)}"


@contextmanager
def _collector_paused() -> Generator[None, None, None]:
    """Look for no cycles meanwhile: there are none, and each look is at all there is yet.

    It took as long as all the rest, and longer for each request of a longer cassette.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


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
        file=file,
        venue=venue,
        environment=environment,
        answers=Answers(lines, clock, str(file)),
        clock=clock,
    )
