"""What the streams of a recording hold, as far as it is known before they are replayed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from pathlib import Path
from typing import NoReturn

import attrs

from ..errors import NotRecorded
from ..models import Subject
from ..recording.format import (
    End,
    Frame,
    Header,
    Line,
    Opened,
    Rest,
    Torn,
    Withheld,
)
from ..venue import Venue
from .counterpart import Contents

__all__ = ["Streams", "no_stream", "no_stream_async"]

_MOST = 400


@attrs.define(slots=True, eq=False)
class Streams:
    """Where a recording is, which connections were opened, and what was asked on them.

    Lines are counted from 1, the header.
    """

    file: Path
    header: Header
    contents: Contents
    opened: dict[str, list[int]] = attrs.field(factory=lambda: defaultdict(list))
    """The lines in which connections to an address were opened."""
    last: int = 0
    """When the last line came, in nanoseconds since 1970."""
    is_closed: bool = False
    """Whether the recorder was closed, and not killed."""

    def note(self, line: Line, number: int) -> None:
        """Take a line, in order."""
        if isinstance(line, End):
            self.is_closed = True
        elif not isinstance(line, Torn):
            self.last = line.at
        if isinstance(line, Frame):
            frame = line.body.data
            self.contents.told(line.connection, line.direction, frame, number)
        elif isinstance(line, Withheld):
            if line.sent_on:
                self.contents.unsaid(line.sent_on, bytes(line.outline), number)
        elif isinstance(line, Opened):
            self.opened[line.url].append(number)
        elif isinstance(line, Rest) and line.status == HTTPStatus.OK:
            self.contents.answered(line.path, line.body)

    def is_opened_after(self, url: str, line: int) -> bool:
        """Whether there is a later connection to an address."""
        return any(x > line for x in self.opened.get(url, ())[-1:])

    def check(
        self,
        venue: Venue,
        subject: Subject,
        market_ids: Sequence[str] | None,
        outcome: str | None = None,
    ) -> None:
        """Refuse what was not followed when it was recorded: raises `NotRecorded`."""
        unnamed = self.contents.unnamed(venue, subject, market_ids or ())
        if missing := self.contents.missing(venue, subject, market_ids, outcome):
            raise NotRecorded(
                f"{self._asked(missing)}, which was not followed when it was recorded. "
                f"{_short(self.contents.described())}. Nothing was sent: watch what was "
                "recorded, or record again",
            )
        if unnamed:
            raise NotRecorded(
                f"{self._asked([f'{subject} of {x}' for x in unnamed])}. It was followed "
                "when it was recorded, and no answer in it lists the market, so that it is "
                "not known which outcome was told of. Nothing was sent: record again, and "
                "begin the Recorder before the markets are fetched; what there is, is read "
                "with unified_exchanges.recording.read",
            )

    def _asked(self, what: Sequence[str]) -> str:
        return (
            f"the replay of {self.file} was asked for the stream of "
            f"{_short(', '.join(what))}"
        )


def no_stream(
    url: str,
    headers: Mapping[str, str],  # noqa: ARG001 - as `Connect` has them
    *,
    heard: Callable[[], None],  # noqa: ARG001
    timeout: float,  # noqa: ARG001
) -> NoReturn:
    """Refuse to open a WebSocket: raises `NotRecorded`."""
    raise NotRecorded(
        f"a replay was asked for the stream {url}, and no WebSocket is opened in a replay: "
        "what a recording holds is told by watch_*, and its frames are read with "
        "unified_exchanges.recording.read. Nothing was sent"
    )


async def no_stream_async(
    url: str,
    headers: Mapping[str, str],
    *,
    heard: Callable[[], None],
    timeout: float,  # noqa: ASYNC109 - as `AsyncConnect` has it
) -> NoReturn:
    """As `no_stream`, for an event loop."""
    no_stream(url, headers, heard=heard, timeout=timeout)


def _short(text: str) -> str:
    return text if len(text) <= _MOST else f"{text[:_MOST]}…"
