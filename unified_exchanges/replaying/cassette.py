"""A cassette of vcrpy as lines of a recording."""

from __future__ import annotations

import gc
import zlib
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from email.utils import parsedate_to_datetime
from gzip import BadGzipFile
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import attrs

from ..description import Description, Environment
from ..errors import BadRequest
from ..recording.format import Body, DamagedRecording, Rest, open_recording
from .document import read_document

__all__ = ["Tape", "load_cassette"]

_SECOND = 1_000_000_000
_GZIP = b"\x1f\x8b"
"""How an answer begins that was stored as it came: gzip is all that the library asks for."""
_OF_GZIP = 31
_WRONG = (
    AttributeError,
    LookupError,
    OverflowError,
    RecursionError,
    TypeError,
    ValueError,
    zlib.error,
)
"""What PyYAML, and what reads a cassette, stumbles with over one that is damaged."""
_HOW = "; restore it from a copy, or record it again"


@attrs.frozen(kw_only=True, slots=True)
class Tape:
    """What is on a cassette, and whose it is; ``start`` is nanoseconds since 1970."""

    venue: str
    environment: str
    start: int
    lines: list[Rest]


def load_cassette(file: Path, venues: Iterable[Description]) -> Tape:
    """Read a cassette that was made with vcrpy, by this library or not.

    Times are those that ``tape.clock`` told while it was recorded, or else the dates of the
    answers; a cassette that has neither stands at the last change of its file.
    """
    with _collector_paused():
        return _load(file, venues)


def _load(file: Path, venues: Iterable[Description]) -> Tape:
    try:
        pairs = _read(file)["interactions"]
        if pairs == []:
            raise DamagedRecording(
                f"{file} is no cassette that holds a request: nothing was recorded{_HOW}"
            )
        addresses = [str(pair["request"]["uri"]).partition("?")[0] for pair in pairs]
        moments = _moments(pairs, int(file.stat().st_mtime))
        spans = zip([moments[0], *moments], moments, strict=False)
        lines = [
            _line(pair["request"], pair["response"], began, at)
            for pair, (began, at) in zip(pairs, spans, strict=True)
        ]
    except _WRONG as error:
        raise DamagedRecording(
            f"{file} is no cassette that can be read ({type(error).__name__}: {error})"
            f"{_HOW}"
        ) from error
    venue, environment = _whose(addresses, venues, file)
    start = lines[0].began
    return Tape(venue=venue, environment=environment, start=start, lines=lines)


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


def _read(file: Path) -> Any:
    try:
        yaml = import_module("yaml")
    except ImportError:
        reason = (
            "cassettes need PyYAML: pip install 'unified-exchanges[testing]', or "
            "record with Recorder instead"
        )
    else:
        try:
            with open_recording(file) as opened:
                return read_document(yaml, opened.read())
        except yaml.YAMLError as error:
            where = " ".join(str(error).split())
            raise DamagedRecording(f"{file} is no YAML: {where}{_HOW}") from error
        except (EOFError, zlib.error, BadGzipFile) as error:
            raise DamagedRecording(f"{file} is not whole: {error}{_HOW}") from error
    raise ImportError(reason)


def _line(
    asked: Mapping[str, Any], told: Mapping[str, Any], began: int, at: int
) -> Rest:
    parts = urlsplit(asked["uri"])
    headers = {name.lower(): _first(text) for name, text in told["headers"].items()}
    if dates := told.get("clock_date"):
        headers["date"] = _first(dates)
    # Bodies are unpacked here, or were before they were stored.
    headers.pop("content-encoding", None)
    return Rest(
        at=at,
        mono=at,
        began=began,
        elapsed=0,
        method=asked["method"],
        host=f"{parts.scheme}://{parts.netloc}",
        path=parts.path,
        status=told["status"]["code"],
        query=parse_qsl(parts.query, keep_blank_values=True),
        headers=headers,
        request=_body(asked["body"]),
        body=_body(told["body"].get("string")),
    )


def _body(content: bytes | str | None) -> Body:
    if isinstance(content, bytes) and content.startswith(_GZIP):
        content = zlib.decompress(content, wbits=_OF_GZIP)
    return Body.of(content) if content else Body()


def _first(text: Any) -> str:
    return str(text[0] if isinstance(text, list) else text)


# -- when --------------------------------------------------------------------------------


def _moments(pairs: Sequence[Mapping[str, Any]], otherwise: int) -> list[int]:
    """When each answer came, in nanoseconds; never before the one that was before it."""
    moments: list[int] = []
    for place, pair in enumerate(pairs):
        found = _told(pair, pairs[place + 1 : place + 2])
        latest = moments[-1] if moments else 0
        moments.append(max(found or 0, latest) or otherwise * _SECOND)
    return moments


def _told(
    pair: Mapping[str, Any], following: Sequence[Mapping[str, Any]]
) -> int | None:
    """What the clock told last up to the answer, or first after it."""
    answer = pair["response"]
    after = [*answer.get("clock_after", [])]
    for other in following:
        after += other["response"].get("clock_before", [])
    readings = [*after[:1], *answer.get("clock_before", [])[-1:]]
    if readings:
        return int(readings[0] * _SECOND)
    dates = [x for name, x in answer["headers"].items() if name.lower() == "date"]
    if dates:
        return int(parsedate_to_datetime(_first(dates[0])).timestamp() * _SECOND)
    return None


# -- whose -------------------------------------------------------------------------------


def _whose(
    addresses: Sequence[str], venues: Iterable[Description], file: Path
) -> tuple[str, str]:
    """The venue whose addresses these are, and its environment, by name or base URL."""
    known = [
        (venue.id, place) for venue in venues for place in venue.environments.values()
    ]
    for venue, place in known:
        bases = tuple(f"{base}/" for base in (place.rest, *place.services.values()))
        if all(address.startswith(bases) for address in addresses):
            return venue, place.name
    for venue, place in known:
        for base in _bases(addresses[0], place):
            if all(address.startswith(f"{base}/") for address in addresses):
                return venue, base
    raise BadRequest(
        f"{file} holds requests to {urlsplit(addresses[0]).netloc}, which is no address "
        "of a venue: replay a recording of a venue that this library knows"
    )


def _bases(address: str, place: Environment) -> Iterator[str]:
    """Base URLs at which a venue of this shape may have been, such as a simulated one."""
    parts, known = urlsplit(address), urlsplit(place.rest)
    origin = f"{parts.scheme}://{parts.netloc}"
    if known.path:
        yield origin + known.path
    elif place.services and parts.path.split("/")[1] in place.services:
        yield origin
