"""What a recording is made of: one JSON object a line.

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

from base64 import b64decode, b64encode
from typing import Final, Literal, TypeAlias

import msgspec

from ..errors import BadRequest

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
    "Torn",
    "Unanswered",
    "Withheld",
    "encode",
]

FORMAT: Final = 1
"""The version that is written; a reader refuses a higher one."""

_NONE = msgspec.Raw(b"")

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


class Withheld(
    msgspec.Struct,
    frozen=True,
    omit_defaults=True,
    tag_field="kind",
    tag="withheld",
):
    """A line was not written, for it may have held a secret; ``where`` names the places.

    ``line`` is the kind of that line, ``about`` its method and path, or connection.  Where
    it was a message of a WebSocket that came from the venue, ``lost_on`` is its connection,
    and 0 otherwise: what is built from what is left may lack what it told.  Where it was
    one that went there, ``sent_on`` is: more or less may be told from then on than is known
    to be asked for.  ``outline`` is what is left of a message: the fields that say which it
    was, and of what, as far as they hold no secret; nothing where it was no JSON.
    """

    at: int
    mono: int
    line: str
    about: str
    where: list[str]
    lost_on: int = 0
    outline: msgspec.Raw = _NONE
    sent_on: int = 0


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

_encoder = msgspec.json.Encoder()


def encode(line: Dated) -> bytes:
    """One line, with its end."""
    return _encoder.encode(line) + b"\n"


def _is_embeddable(raw: bytes) -> bool:
    """Whether it is one JSON value and nothing around it, on one line."""
    if not raw or b"\n" in raw or b"\r" in raw or raw != raw.strip():
        return False
    try:
        msgspec.json.decode(raw, type=msgspec.Raw)
    except (msgspec.MsgspecError, RecursionError):
        return False
    return True
