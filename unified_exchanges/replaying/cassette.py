"""A cassette of vcrpy as lines of a recording."""

from __future__ import annotations

import json
import logging
import zlib
from codecs import BOM_UTF8
from collections.abc import Iterable, Iterator, Mapping, Sequence
from email.utils import parsedate_to_datetime
from gzip import BadGzipFile
from importlib import import_module
from pathlib import Path
from typing import Any, Literal, TypeAlias
from urllib.parse import parse_qsl, urlsplit

import attrs

from ..description import Description
from ..errors import BadRequest
from ..recording.format import Body, DamagedRecording, Rest
from ..recording.opening import open_recording
from ..wording import installed_by
from .addresses import Place, places_of
from .counterpart import some_of
from .document import read_document

__all__ = ["Heard", "Tape", "load_answers", "load_cassette", "venues_on"]

_log = logging.getLogger(__name__)

_Mark: TypeAlias = Literal["clock", "date"] | None
"""What tells when an answer came: the clock of the recording, its date, or nothing."""

_SECOND = 1_000_000_000
_GZIP = b"\x1f\x8b"
"""How an answer begins that was stored as it came: gzip is all that the library asks for."""
_OF_GZIP = 31
_SHOWN = 60
"""Characters of what is wrong that are shown."""
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


@attrs.frozen(kw_only=True, slots=True)
class Heard:
    """The answers of a cassette, of whatever venues, each with whose it is.

    ``is_dated``: at least one has no time but the date that the venue gave it.
    """

    lines: list[tuple[Place, Rest]]
    is_dated: bool


def load_answers(file: Path, venues: Sequence[Description]) -> Heard:
    """Read a cassette for what its answers tell, and when.

    Raises `BadRequest` where an answer does not say when it came: neither did
    ``tape.clock``, nor has it a date.
    """
    lines, marks = _lines(file)
    places = places_of(lines, venues)
    for venue in {place[0] for place in places if place is not None}:
        _chosen(lines, places, venue, file)
    if not any(places):
        _chosen(lines, places, None, file)
    mine = [
        (place, line, mark)
        for place, line, mark in zip(places, lines, marks, strict=True)
        if place is not None
    ]
    for place, line, mark in mine:
        if mark is None:
            raise BadRequest(
                f"{file} does not say when {line.method} {line.path} of {place[0]} was "
                "answered, which a backtest must know: keep the header Date of the answers, "
                "or record with unified_exchanges.testing.cassettes and clock=tape.clock"
            )
    return Heard(
        lines=[(place, line) for place, line, _ in mine],
        is_dated=any(mark == "date" for *_, mark in mine),
    )


def load_cassette(
    file: Path, venues: Sequence[Description], venue: str | None = None
) -> Tape:
    """Read a cassette that was made with vcrpy, by this library or not.

    Requests to others than the ``venue`` are left out; it need not be given where there is
    one.  Times are those that ``tape.clock`` told while it was recorded, or else the dates
    of the answers; a cassette that has neither stands at the last change of its file.
    """
    lines, _ = _lines(file)
    places = places_of(lines, venues)
    chosen = _chosen(lines, places, venue, file)
    if {*places} != {chosen}:
        lines = [x for x, place in zip(lines, places, strict=True) if place == chosen]
    name, environment = chosen
    start = lines[0].began
    return Tape(venue=name, environment=environment, start=start, lines=lines)


def venues_on(file: Path, venues: Sequence[Description]) -> list[str]:
    """The ids of the venues that the requests of a cassette went to."""
    lines, _ = _lines(file)
    return sorted({place[0] for place in places_of(lines, venues) if place is not None})


def _lines(file: Path) -> tuple[list[Rest], list[_Mark]]:
    """All interactions, and what each has its time of."""
    number = 0
    try:
        pairs = _read(file)["interactions"]
        if pairs == []:
            raise DamagedRecording(
                f"{file} is no cassette that holds a request: nothing was recorded{_HOW}"
            )
        for number, pair in enumerate(pairs, 1):  # noqa: B007 - told below
            _check(pair["request"], pair["response"])
        lines: list[Rest] = []
        marks: list[_Mark] = [
            _mark(pair, pairs[place : place + 1]) for place, pair in enumerate(pairs, 1)
        ]
        moments = _moments(pairs, int(file.stat().st_mtime))
        for number, pair in enumerate(pairs, 1):  # noqa: B007 - told below
            at = next(moments)
            began = lines[-1].at if lines else at
            lines.append(_line(pair["request"], pair["response"], began, at))
    except _WRONG as error:
        where = f": interaction {number}" if number else ""
        raise DamagedRecording(
            f"{file} is no cassette that can be read{where} "
            f"({type(error).__name__}: {error}){_HOW}"
        ) from error
    return lines, marks


def _read(file: Path) -> Any:
    try:
        yaml = import_module("yaml")
    except ImportError:
        reason = (
            f"cassettes need PyYAML: {installed_by('testing')}, or record with Recorder "
            "instead"
        )
    else:
        try:
            with open_recording(file) as opened:
                data = opened.read()
            if data.removeprefix(BOM_UTF8).lstrip().startswith(b"{"):
                # YAML knows nearly all of JSON, but no pairs of surrogates.
                return json.loads(data)
            return read_document(yaml, data)
        except yaml.YAMLError as error:
            where = " ".join(str(error).split())
            raise DamagedRecording(f"{file} is no YAML: {where}{_HOW}") from error
        except (EOFError, zlib.error, BadGzipFile) as error:
            raise DamagedRecording(f"{file} is not whole: {error}{_HOW}") from error
    raise ImportError(reason)


def _check(asked: Mapping[str, Any], told: Mapping[str, Any]) -> None:
    """Refuse what nobody would look at before it is used: somebody edited the file."""
    method, uri, code = asked["method"], asked["uri"], told["status"]["code"]
    if not isinstance(method, str):
        raise _mistaken("the method", "a text", method)
    if not isinstance(uri, str):
        raise _mistaken("the uri", "a text", uri)
    if type(code) is not int:
        raise _mistaken("the status code", "a number", code)
    if not isinstance(told["headers"], dict):
        raise _mistaken("the headers", "a mapping", told["headers"])
    for name in ("clock_before", "clock_after"):
        for reading in told.get(name, ()):
            if not isinstance(reading, int | float):
                raise _mistaken(name, "a list of numbers", reading)


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


def _body(content: object) -> Body:
    if isinstance(content, bytes) and content.startswith(_GZIP):
        content = zlib.decompress(content, wbits=_OF_GZIP)
    if isinstance(content, bytes | str):
        return Body.of(content) if content else Body()
    if content is not None:
        raise _mistaken("a body", "a text", content)
    return Body()


def _first(text: Any) -> str:
    found = text[0] if isinstance(text, list) else text
    if not isinstance(found, str):
        raise _mistaken("a header", "a text", found)
    return found


def _mistaken(what: str, wanted: str, found: object) -> TypeError:
    return TypeError(f"{what} should be {wanted}, not {repr(found)[:_SHOWN]}")


# -- when --------------------------------------------------------------------------------


def _moments(pairs: Sequence[Mapping[str, Any]], otherwise: int) -> Iterator[int]:
    """When each answer came, in nanoseconds; never before the one that was before it."""
    latest = 0
    for place, pair in enumerate(pairs):
        found = _told(pair, pairs[place + 1 : place + 2])
        latest = max(found or 0, latest) or otherwise * _SECOND
        yield latest


def _told(
    pair: Mapping[str, Any], following: Sequence[Mapping[str, Any]]
) -> int | None:
    """What the clock told last up to the answer, or first after it."""
    readings = _readings(pair, following)
    if readings:
        return int(readings[0] * _SECOND)
    dates = _dates(pair)
    if dates:
        return int(parsedate_to_datetime(_first(dates[0])).timestamp() * _SECOND)
    return None


def _mark(pair: Mapping[str, Any], following: Sequence[Mapping[str, Any]]) -> _Mark:
    """What `_told` goes by."""
    if _readings(pair, following):
        return "clock"
    return "date" if _dates(pair) else None


def _readings(
    pair: Mapping[str, Any], following: Sequence[Mapping[str, Any]]
) -> list[Any]:
    answer = pair["response"]
    after = [*answer.get("clock_after", [])]
    for other in following:
        after += other["response"].get("clock_before", [])
    return [*after[:1], *answer.get("clock_before", [])[-1:]]


def _dates(pair: Mapping[str, Any]) -> list[Any]:
    headers = pair["response"]["headers"]
    return [x for name, x in headers.items() if name.lower() == "date"]


# -- whose -------------------------------------------------------------------------------


def _chosen(
    lines: Sequence[Rest], places: Sequence[Place | None], venue: str | None, file: Path
) -> Place:
    """Where the requests went that are to be replayed; says how many are left out."""
    found = {place: None for place in places if place is not None}
    ids = sorted({each for each, _ in found})
    if venue is None and len(ids) > 1:
        raise BadRequest(
            f"{file} holds requests to {' and '.join(ids)}: a replay is one of them, say "
            f'which, as in exchange("replay", path=…, venue="{ids[0]}")'
        )
    mine = [place for place in found if venue in {None, place[0]}]
    if not mine:
        hosts = _hosts(lines)
        raise BadRequest(
            f"{file} holds requests to {hosts}, which is no address of "
            f"{venue or 'a venue'}: replay a recording of a venue that this library knows"
        )
    if len(mine) > 1:
        at = " and ".join(environment for _, environment in mine)
        raise BadRequest(
            f"{file} holds requests to {mine[0][0]} at {at}, which answer for themselves: "
            "record each on a cassette of its own"
        )
    strange = [x for x, place in zip(lines, places, strict=True) if place is None]
    if strange:
        _log.warning(
            "%s: %d of %d requests went to %s, which is no address of a venue: left out",
            file,
            len(strange),
            len(lines),
            _hosts(strange),
        )
    return mine[0]


def _hosts(lines: Iterable[Rest]) -> str:
    return some_of(list(dict.fromkeys(urlsplit(line.host).netloc for line in lines)))
