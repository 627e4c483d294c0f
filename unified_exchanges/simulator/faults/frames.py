"""Faults of streams: what goes wrong with which frame or connection.

A `StreamPlan` is a list of `StreamFault`. A fault names what it meets (``frame``: the
``event_type`` or ``type`` of a frame, the ``cmd``, ``operation`` or ``type`` of a command,
or the text of what is no JSON, as a regular expression; ``market``; from the
``nth`` match on, each ``every``-th, ``count`` times, each time with ``probability``) and
one kind of trouble. Frames that the venue sends:

============= ==================================================================
``drop``      the frame is lost, and its ``seq`` with it
``duplicate`` it comes twice
``reorder``   it comes after the next ``places``, at the latest ``seconds`` later
``delay``     it comes ``seconds`` late, and so does all that is behind it
``skip``      ``places`` numbers are left out before its ``seq``
``alter``     its ``field`` (such as ``msg.side``) has this ``value``
``strip``     its ``field`` is missing
``insert``    ``text`` comes before it; bytes come as a binary frame
``binary``    it comes as a binary frame
``garble``    it comes as a text frame that is not UTF-8
``truncate``  only its first ``keep`` characters come
``inflate``   ``size`` bytes of padding are in it, in a field nobody knows
``fail``      instead of it its subscription ends with the error ``code``; an
              ``error`` is no match, as that is what an end is told by
============= ==================================================================

The connection, at a frame, or with ``after`` once that many seconds old:

============= ==================================================================
``close``     the venue closes with ``code``, after the frame
``reset``     the connection breaks without a close frame, after the frame
``silence``   for ``seconds`` nothing more comes, and is lost; no Ping frames come
              without ``pings``, no Pong frames without ``pongs``, nor the text
              ``PONG``; with both it is frozen, and seems to live
``half_open`` for ``seconds`` the venue neither sends nor reads
============= ==================================================================

Commands of the client:

============= ==================================================================
``refuse``    the answer is the error ``code``
``ignore``    the command is lost
============= ==================================================================

A close every 20 frames, and one every 3 seconds: ``StreamFault("close", every=20,
nth=20, count=None)`` and ``StreamFault("close", after=3, count=None)``. An upgrade is a
request like any other: `unavailable(401, path="/ws/", count=3)` refuses three of them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from random import Random
from typing import Any, Literal, TypeAlias, get_args

import attrs

from .plans import Plan, check

__all__ = ["Frame", "Label", "NotText", "StreamFault", "StreamKind", "StreamPlan"]

StreamKind: TypeAlias = Literal[
    "drop",
    "duplicate",
    "reorder",
    "delay",
    "skip",
    "alter",
    "strip",
    "insert",
    "binary",
    "garble",
    "truncate",
    "inflate",
    "fail",
    "close",
    "reset",
    "silence",
    "half_open",
    "refuse",
    "ignore",
]
_OF_CONNECTIONS = frozenset({"close", "reset", "silence", "half_open"})
_OF_COMMANDS = frozenset({"refuse", "ignore"})
_CODES = {"close": 1001, "fail": 10, "refuse": 18}
_NOVELTY = '{"type":"novelty","msg":{"simulated":true}}'


class NotText(bytes):
    """What comes as a text frame and is not UTF-8."""


Frame: TypeAlias = str | bytes
"""Text, or the bytes of a binary frame, or `NotText`."""


@attrs.frozen(slots=True)
class StreamFault:
    """One kind of trouble and what it meets; see the module's tables.

    ``count`` None: every match. ``code`` None: 1001 of ``close``, 10 of ``fail``, 18
    of ``refuse``.
    """

    kind: StreamKind
    frame: str = attrs.field(default=".*", kw_only=True)
    market: str | None = attrs.field(default=None, kw_only=True)
    nth: int = attrs.field(default=1, kw_only=True)
    every: int = attrs.field(default=1, kw_only=True)
    count: int | None = attrs.field(default=1, kw_only=True)
    probability: float = attrs.field(default=1.0, kw_only=True)
    after: float | None = attrs.field(default=None, kw_only=True)
    seconds: float = attrs.field(default=1.0, kw_only=True)
    places: int = attrs.field(default=1, kw_only=True)
    code: int | None = attrs.field(default=None, kw_only=True)
    pings: bool = attrs.field(default=False, kw_only=True)
    pongs: bool = attrs.field(default=False, kw_only=True)
    field: str = attrs.field(default="msg.novelty", kw_only=True)
    value: Any = attrs.field(default="novelty", kw_only=True)
    text: Frame = attrs.field(default=_NOVELTY, kw_only=True)
    keep: int = attrs.field(default=10, kw_only=True)
    size: int = attrs.field(default=5 * 1024 * 1024, kw_only=True)

    def __attrs_post_init__(self) -> None:
        check(self, self.kind, get_args(StreamKind), self.frame)
        if self.after is not None and self.kind not in _OF_CONNECTIONS:
            kinds = ", ".join(sorted(_OF_CONNECTIONS))
            message = f"after goes with {kinds}, not with {self.kind}"
            raise ValueError(message)

    @property
    def number(self) -> int:
        """The code of the error or of the close."""
        return _CODES.get(self.kind, 0) if self.code is None else self.code

    def meets(self, label: Label) -> bool:
        """Whether a frame, or a command, is of the kind that is in for trouble."""
        if self.after is not None or label.is_command != (self.kind in _OF_COMMANDS):
            return False
        if self.market not in {None, label.market}:
            return False
        if self.kind == "fail" and label.kind == "error":
            return False
        return re.fullmatch(self.frame, label.kind) is not None


@attrs.frozen(kw_only=True, slots=True)
class Label:
    """What can be seen of a frame from outside."""

    kind: str = ""
    sid: int | None = None
    market: str | None = None
    is_command: bool = False

    @classmethod
    def of(cls, text: str) -> Label:
        """That of a frame of the venue: of several objects in one, that of the first.

        A frame that is no JSON is named by its text.
        """
        frame = _first(text)
        if frame is None:
            return cls(kind=text)
        body = frame.get("msg")
        named = body if isinstance(body, dict) else frame
        market = named.get("market_ticker", named.get("ticker", named.get("market")))
        return cls(
            kind=frame.get("event_type", frame.get("type", "")),
            sid=frame.get("sid"),
            market=market,
        )

    @classmethod
    def of_command(cls, data: Frame) -> Label:
        """That of whatever the client sent."""
        frame = _first(data)
        if frame is None:
            return cls(kind=data if isinstance(data, str) else "", is_command=True)
        names = (frame.get(field) for field in ("cmd", "operation", "type"))
        name = next((name for name in names if isinstance(name, str)), "")
        return cls(kind=name, is_command=True)


def _first(data: Frame) -> dict[str, Any] | None:
    """The object, or the first of a list of them; None where there is none."""
    try:
        read = json.loads(data)
    except ValueError:
        return None
    if isinstance(read, list):
        read = read[0] if read else None
    return read if isinstance(read, dict) else None


class StreamPlan(Plan[StreamFault]):
    """Which frames and connections meet which fault.

    ``struck`` lists what happened: the fault, and the type of the frame, the name of
    the command, or nothing.
    """

    def __init__(
        self, faults: Iterable[StreamFault] = (), *, rng: Random | None = None
    ) -> None:
        super().__init__(faults, rng=rng)
        self.struck: list[tuple[StreamFault, str]] = []

    def take(self, label: Label) -> StreamFault | None:
        """The fault that this frame or command meets; the first that is due wins."""
        return self._take(
            lambda fault: fault.meets(label),
            lambda fault: self.struck.append((fault, label.kind)),
        )

    def take_aged(self, age: float, met: dict[int, StreamFault]) -> StreamFault | None:
        """A fault of a connection that is so old; ``met``: those it met, by identity."""

        def meets(fault: StreamFault) -> bool:
            is_met = fault.after is not None and fault.after <= age
            if not is_met or id(fault) in met:
                return False
            met[id(fault)] = fault
            return True

        return self._take(meets, lambda fault: self.struck.append((fault, "")))
