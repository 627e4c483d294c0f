"""What a recording is made of: one JSON object a line, and how it is read again.

A recording is appended to and never changed.  Its first line is a `Header`; an `End` is the
last one of a recording that was closed.  Every other line says with ``at`` when it happened,
in nanoseconds since 1970 in UTC by the clock of the exchange, and with ``mono`` the same by
a clock that never jumps: differences of ``mono`` are durations.  Lines stand in the order
of their receipt, for each connection and for REST; between those they may be apart by the
moment that a thread needs.

What was sent and told stands in a `Body`.  JSON is embedded as it is, byte by byte, and is
read as `msgspec.Raw`: whoever wants it decodes it, once.
"""

from __future__ import annotations

import gzip
import logging
import re
import zlib
from base64 import b64decode, b64encode
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from importlib import import_module
from io import BufferedReader
from os import PathLike
from pathlib import Path
from typing import IO, Final, Literal, TypeAlias, cast

import msgspec

from ..errors import BadRequest
from .position import note_opened

__all__ = [
    "FORMAT",
    "Body",
    "Closed",
    "DamagedRecording",
    "Dated",
    "End",
    "Flavour",
    "Frame",
    "Header",
    "Line",
    "Opened",
    "Rest",
    "Texts",
    "Torn",
    "Unanswered",
    "Withheld",
    "encode",
    "is_cassette",
    "open_recording",
    "read",
    "texts_of",
]

FORMAT: Final = 1
"""The version that is written; a reader refuses a higher one."""

_log = logging.getLogger(__name__)

_GZIP = b"\x1f\x8b"
_ZSTD = b"\x28\xb5\x2f\xfd"
_CASSETTE = re.compile(
    rb"""\A (?!\{) .{0,4096}? ^ (?:\xef\xbb\xbf)? ["']? interactions ["']? :""",
    re.DOTALL | re.MULTILINE | re.VERBOSE,
)
_JSON = (b"{", b"\xef\xbb\xbf{")
_INTERACTIONS = re.compile(rb'"interactions"\s*:')
"""The only key of a cassette in JSON that tells it; it may come after others, long ones."""
_BESIDE = 64
_ASIDE = (b"#", b"%", b"---")
"""What lines begin with that may come before."""
_BEGIN = 4096
_CHUNK = 1024 * 1024
_NONE = msgspec.Raw(b"")
_TAPE = (
    "{} is a cassette, which holds answers and no stream: replay it with "
    'exchange("replay", path=…), give it to backtest, or make a recording, with '
    "Recorder or unified-exchanges record"
)
_HOW = "; one is made with Recorder, or unified-exchanges record"

Flavour: TypeAlias = Literal["", "async", "blocking"]
"""Which kind of exchange was recorded; "" where that was not told."""


class DamagedRecording(BadRequest):
    """A file is no recording, is of a later version, or was changed in its middle."""


class Body(msgspec.Struct, frozen=True, omit_defaults=True):
    r"""Bytes that went over the wire, kept exactly, in the first form that can hold them.

    ``json`` is a JSON text without line breaks; ``text`` any other UTF-8; ``base64`` the
    rest.  ``redacted`` says that secrets were replaced, so that it is not what went.

    >>> Body.of(b'{"a": 1}').data, Body.of("é\n".encode()).text, Body.of(b"").data
    (b'{"a": 1}', 'é\n', b'')
    """

    json: msgspec.Raw = _NONE
    text: str = ""
    base64: str = ""
    redacted: bool = False

    @classmethod
    def of(cls, data: bytes | str, *, redacted: bool = False) -> Body:
        """Choose the form for some bytes."""
        raw = data.encode() if isinstance(data, str) else data
        try:
            text = raw.decode()
        except UnicodeDecodeError:
            return cls(base64=b64encode(raw).decode(), redacted=redacted)
        if _is_embeddable(raw):
            return cls(json=msgspec.Raw(raw), redacted=redacted)
        return cls(text=text, redacted=redacted)

    @property
    def data(self) -> bytes:
        """The bytes; JSON has to be decoded from these, or from ``json`` at once."""
        if self.base64:
            return b64decode(self.base64)
        return bytes(self.json) or self.text.encode()


class Header(msgspec.Struct, frozen=True, tag_field="kind", tag="header"):
    """The first line: whose recording it is.

    ``format`` is its version, ``library`` that of this library; ``environment`` is the
    name and ``rest`` the base URL of REST.  ``flavour`` is of the exchange that was
    recorded: a blocking one reads beside its stream one thing after another.
    """

    format: int
    venue: str
    environment: str
    library: str
    rest: str
    at: int
    mono: int
    flavour: Flavour = ""


class Rest(
    msgspec.Struct,
    frozen=True,
    omit_defaults=True,
    tag_field="kind",
    tag="rest",
):
    """One request over REST and its answer; ``at`` is when all of the answer was here.

    ``began`` is when it was handed to the transport (like ``at``); ``elapsed`` is
    nanoseconds from the first byte out to the last byte in.  ``url`` has neither query nor
    host; ``host`` is scheme, host and port.  ``query`` is in sending order.  Of the headers
    there are those of the answer that are read: its content type, date and
    what it says of limits.
    """

    at: int
    mono: int
    began: int
    elapsed: int
    method: str
    host: str
    path: str
    status: int
    query: list[tuple[str, str]] = []
    headers: dict[str, str] = {}
    request: Body = Body()
    body: Body = Body()


class Unanswered(
    msgspec.Struct,
    frozen=True,
    omit_defaults=True,
    tag_field="kind",
    tag="unanswered",
):
    """A request that got no whole answer; ``error`` is the class and ``reason`` the text.

    ``sent`` is False only if no byte of it left.
    """

    at: int
    mono: int
    began: int
    method: str
    host: str
    path: str
    error: str
    reason: str
    sent: bool
    query: list[tuple[str, str]] = []
    request: Body = Body()


class Opened(msgspec.Struct, frozen=True, tag_field="kind", tag="opened"):
    """A WebSocket was opened; ``connection`` counts from 1 through the recording."""

    at: int
    mono: int
    connection: int
    url: str


class Frame(msgspec.Struct, frozen=True, tag_field="kind", tag="frame"):
    """A message on a WebSocket, ``"in"`` from the venue or ``"out"`` to it."""

    at: int
    mono: int
    connection: int
    direction: Literal["in", "out"]
    body: Body


class Closed(msgspec.Struct, frozen=True, tag_field="kind", tag="closed"):
    """A WebSocket has ended, and why."""

    at: int
    mono: int
    connection: int
    reason: str


class Withheld(msgspec.Struct, frozen=True, tag_field="kind", tag="withheld"):
    """A line was not written, for it may have held a secret; ``where`` names the places.

    ``line`` is the kind of that line, ``about`` its method and path, or connection.  Where
    it was a message of a WebSocket that came from the venue, ``lost_on`` is its connection,
    and 0 otherwise: books that are built from what is left may be wrong from there on.
    """

    at: int
    mono: int
    line: str
    about: str
    where: list[str]
    lost_on: int = 0


class End(msgspec.Struct, frozen=True, tag_field="kind", tag="end"):
    """The last line of a recording that was closed: how many lines came before it."""

    at: int
    mono: int
    lines: int
    withheld: int


class Torn(msgspec.Struct, frozen=True):
    """Stands at the end of what is read, where the file ends within a line.

    It is never written: whoever recorded was killed, or the file was copied in part.
    ``bytes`` is how much of the line there is, which is left out.
    """

    bytes: int


Dated: TypeAlias = Header | Rest | Unanswered | Opened | Frame | Closed | Withheld | End
"""A line as it was written, which says when."""
Line: TypeAlias = Dated | Torn
"""What a recording holds; match by class."""

_decode = msgspec.json.Decoder(Dated).decode
_encoder = msgspec.json.Encoder()


def encode(line: Dated) -> bytes:
    """One line, with its end."""
    return _encoder.encode(line) + b"\n"


def read(path: str | PathLike[str]) -> Iterator[Line]:
    """Read a recording line by line, in bounded memory, compressed or not.

    The first is always a `Header`.  A file that ends within a line, since who wrote it was
    killed, ends with a `Torn`, and the log says so.  One without an `End` was never closed.

    Raises `DamagedRecording` where a line in the middle cannot be read, the version is a
    later one, or compressed data break off: no recorder leaves such, since it compresses
    what it has closed and puts it in place when it is whole.  And `OSError`.

    >>> list(read("none.jsonl"))
    Traceback (most recent call last):
    FileNotFoundError: ...
    """
    return _lines(path)


class Texts:
    """The lines of a recording as they stand in it, for who knows what most of them tell.

    It iterates over those after the ``header``, with their numbers; the last may be torn.
    """

    def __init__(self, texts: Iterable[bytes], name: str) -> None:
        self._name = name
        self._numbered = enumerate(texts, 1)
        for number, text in self._numbered:
            header = self.line(number, text)
            assert isinstance(header, Header)
            self.header = header
            return
        raise _empty(name)

    def __iter__(self) -> Iterator[tuple[int, bytes]]:
        return self._numbered

    def line(self, number: int, text: bytes) -> Line:
        """Read the line at hand."""
        if not text.endswith(b"\n"):
            return _torn(number, text, self._name)
        line = _read(text, number, self._name)
        if isinstance(line, End):
            for after, _ in self._numbered:
                raise _after_end(after, self._name)
        return line


@contextmanager
def texts_of(path: str | PathLike[str]) -> Generator[Texts]:
    """Open a recording for whoever reads by itself what comes most; else as `read`."""
    name = str(path)
    with open_recording(path) as file:
        yield Texts(_texts(file, name), name)


def open_recording(path: str | PathLike[str], *, is_aside: bool = False) -> IO[bytes]:
    """Open a recording for its bytes; gzip and zstd are known by how they begin.

    ``is_aside``: somebody else reads it, and how far this has come says nothing of that.
    """
    file = Path(path).open("rb")  # noqa: SIM115 - handed on
    if not is_aside:
        note_opened(file)
    begin = file.peek(4)[:4]
    if begin.startswith(_GZIP):
        return cast("IO[bytes]", _Gzip(file))
    if begin == _ZSTD:
        try:
            return cast("IO[bytes]", import_module("compression.zstd").open(file))
        except ImportError:
            file.close()
        raise DamagedRecording(
            f"{path} is compressed with zstd, which Python reads from 3.14 on: write it "
            "out with zstd -d first"
        )
    return file


def is_cassette(path: str | PathLike[str]) -> bool:
    """Whether a file is one of vcrpy's, in YAML or JSON, by how it begins.

    Raises `DamagedRecording` where compression breaks off before that can be said.
    """
    with open_recording(path) as file, _compression(str(path)):
        for line in file:
            if line.strip() and not line.startswith(_ASIDE):
                if not line.lstrip().startswith(_JSON):
                    return _CASSETTE.search(line + file.read(_BEGIN)) is not None
                # A recording has a version, and a cassette has no kind.
                return not _version_of(line) and _has_interactions(line, file)
    return False


def _has_interactions(begin: bytes, file: IO[bytes]) -> bool:
    seen = begin
    while not _INTERACTIONS.search(seen):
        more = file.read(_CHUNK)
        if not more:
            return False
        seen = seen[-_BESIDE:] + more
    return True


class _Gzip(gzip.GzipFile):
    """Closes the file beneath as well."""

    def __init__(self, file: BufferedReader) -> None:
        super().__init__(fileobj=file, mode="rb")
        self._beneath = file

    def close(self) -> None:
        super().close()
        self._beneath.close()


def _lines(path: str | PathLike[str]) -> Iterator[Line]:
    name = str(path)
    number = 0
    is_ended = False
    with open_recording(path) as file:
        for text in _texts(file, name):
            number += 1
            if is_ended:
                raise _after_end(number, name)
            if not text.endswith(b"\n"):
                yield _torn(number, text, name)
                return
            line = _read(text, number, name)
            is_ended = isinstance(line, End)
            yield line
    if not number:
        raise _empty(name)


def _texts(file: IO[bytes], name: str) -> Iterable[bytes]:
    return file if isinstance(file, BufferedReader) else _whole(file, name)


def _torn(number: int, text: bytes, name: str) -> Torn:
    """What stands for the beginning of a line, with which a file ends."""
    if number > 1:
        _log.warning("%s ends within line %d: left out", name, number)
        return Torn(len(text))
    if is_cassette(name):
        raise DamagedRecording(_TAPE.format(name))
    raise DamagedRecording(f"{name} is not a recording: no line is whole{_HOW}")


def _after_end(number: int, name: str) -> DamagedRecording:
    return DamagedRecording(
        f"{name}: line {number} comes after the end, which is the last line of a "
        "recording: restore it from a copy, or cut off what was appended; "
        "recordings are read together as a list of paths"
    )


def _empty(name: str) -> DamagedRecording:
    return DamagedRecording(f"{name} is empty: nothing was recorded{_HOW}")


def _read(text: bytes, number: int, name: str) -> Dated:
    try:
        line: Dated = _decode(text)
    except msgspec.MsgspecError as error:
        raise DamagedRecording(_damage(name, number, text, error)) from error
    if (number == 1) is not isinstance(line, Header):
        raise DamagedRecording(f"{name}: line {number} should be the header, alone")
    if isinstance(line, Header) and line.format > FORMAT:
        raise DamagedRecording(_later(name, line.format))
    return line


def _whole(file: IO[bytes], name: str) -> Iterator[bytes]:
    """Every line of compressed data."""
    with _compression(name):
        yield from file


@contextmanager
def _compression(name: str) -> Generator[None, None, None]:
    """Say what is wrong with compressed data in words of what to do."""
    try:
        yield
    except EOFError as error:
        raise DamagedRecording(
            f"{name} is a part of a compressed file, which was copied or stored in part: "
            "restore it from a copy; for what is left of it, write it out with gzip -dc or "
            "zstd -dc first"
        ) from error
    except (zlib.error, gzip.BadGzipFile) as error:
        raise DamagedRecording(
            f"{name} is damaged within its compression ({error}); restore it from a copy"
        ) from error


def _damage(name: str, number: int, text: bytes, error: Exception) -> str:
    if number == 1:
        later = _version_of(text)
        if later > FORMAT:
            return _later(name, later)
        if is_cassette(name):
            return _TAPE.format(name)
        return f"{name} is not a recording: its first line is no header ({error}){_HOW}"
    return f"{name}: line {number} cannot be read ({error}); restore it from a copy"


def _version_of(text: bytes) -> int:
    try:
        return msgspec.json.decode(text, type=_Versioned).format
    except msgspec.MsgspecError:
        return 0


class _Versioned(msgspec.Struct):
    format: int


def _later(name: str, version: int) -> str:
    return (
        f"{name} has version {version} of the format, and this library reads up to "
        f"{FORMAT}: use a later version of unified-exchanges"
    )


def _is_embeddable(raw: bytes) -> bool:
    """Whether it is one JSON value and nothing around it, on one line."""
    if not raw or b"\n" in raw or b"\r" in raw or raw != raw.strip():
        return False
    try:
        msgspec.json.decode(raw, type=msgspec.Raw)
    except (msgspec.MsgspecError, RecursionError):
        return False
    return True
