"""`Recorder`: keeps everything that an exchange is asked and told in a file.

Whoever trades only hands over what it has; a thread takes out secrets, and writes.
"""

from __future__ import annotations

import logging
import os
import weakref
from collections.abc import Callable, Iterable, Sequence
from os import PathLike
from queue import Empty, SimpleQueue
from threading import Thread
from types import TracebackType
from typing import Protocol, Self

import attrs

from .. import fork
from ..errors import BadRequest, NetworkError, NotSupported, UnifiedExchangesError
from ..flow import Request, Response
from ..models import StreamHealth
from ..tap import Direction
from ..venue import Venue
from .drafts import Draft, Drafts
from .file import RecordingFile
from .given import read_never, read_path
from .own_secrets import own_secrets

__all__ = ["Recorder", "RecordingFailed", "RecordingProgress"]

_log = logging.getLogger(__name__)

_MOST = 256 * 1024 * 1024
"""Bytes that may wait to be written: a disk that is slower than the venue ends it."""
_FRAME = 200
"""Bytes that a line takes beside what it holds."""


class RecordingFailed(UnifiedExchangesError):
    """A recording ended before it was closed; the lines before that are in the file."""


class _Recordable(Protocol):
    """An exchange of either flavour."""

    @property
    def venue(self) -> Venue:
        """Whose wire is listened to."""
        ...

    def stream_health(self) -> StreamHealth:
        """Whether there is a stream already."""
        ...


@attrs.frozen(kw_only=True, slots=True)
class RecordingProgress:
    """How far a recording has come: lines and bytes in the file, and lines withheld.

    What came a moment ago may not be in it yet.

    ``failure`` is why closing would raise, None while all is well: nothing can be written any
    more, or the file was moved or deleted.
    """

    lines: int
    size: int
    withheld: int
    failure: str | None


class Recorder:
    """Records an exchange of either flavour, from now on until it is closed.

    Every request with its answer, every message of every stream, with the time at which it
    came, goes into a new file at ``path``; one that is there is not written over.  Begin
    before the first watch: of a stream that is open already nothing could be replayed.
    `read` reads it again, also while it is written or after a crash.

    Keys, signatures, fields named like secrets and the texts in ``never`` are replaced; a
    line in which something else looks like a secret is left out, which the recording, the
    log and ``progress`` say.

    Of an exchange on paper, the source is recorded, as that is all that goes over the wire:
    the recording is one of the source, with what was read and told of its markets.

    A call is neither slowed nor failed by it.  Where the file cannot be written any more,
    the log and ``progress`` say so at once, trading goes on, and closing raises
    `RecordingFailed`; within an error of yours it only logs.  Closing compresses the file,
    if ``compress``.

    >>> import unified_exchanges as ux
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder, ux.exchange("kalshi") as kalshi:
    ...     with Recorder(kalshi, f"{folder}/session.jsonl") as recorder:
    ...         recorder.progress().lines
    1
    """

    def __init__(
        self,
        exchange: _Recordable,
        path: str | PathLike[str],
        *,
        never: Iterable[str] = (),
        compress: bool = True,
    ) -> None:
        if not hasattr(exchange, "venue"):
            raise NotSupported(
                f"a {type(exchange).__name__} is not recorded: record an exchange of either "
                "flavour, whose watch_* follow the same WebSockets"
            )
        # On paper nothing but the source is on the wire: that is what can be replayed.
        venue = exchange.venue.on_the_wire
        if venue.taps.is_replay:
            raise NotSupported(
                "a replay is not recorded, as nothing of it goes over a wire: copy the file "
                "that it is made of",
                venue=venue.id,
            )
        if exchange.stream_health().state not in {"idle", "stopped"}:
            raise BadRequest("begin to record before the first watch", venue=venue.id)
        if venue.taps.tap is not None:
            raise BadRequest("this exchange is being recorded already", venue=venue.id)
        self.path = read_path(path)
        words = read_never(never)
        if not isinstance(compress, bool):
            raise BadRequest(f"compress= must be True or False, not {compress!r}")
        self._venue = venue
        self._clock = venue.clock
        self._process = os.getpid()
        self._queue: SimpleQueue[Draft | None] = SimpleQueue()
        self._lock = fork.lock()
        self._waiting = self._done = 0
        self._connections = 0
        self._failure: Exception | None = None
        self._is_ended = self._has_end = self._is_finished = False
        self._closing = fork.lock()
        self._drafts = Drafts(
            venue,
            never=[*own_secrets(venue.id, venue.settings), *words],
            flavour="async" if hasattr(exchange, "aclose") else "blocking",
        )
        self._file = RecordingFile(self.path, compress=compress)
        self._begin()
        self._thread = Thread(
            target=_write, args=(weakref.ref(self), self._queue), daemon=True
        )
        self._thread.name = "unified-exchanges-recorder"
        self._thread.start()
        if self._failure is None:
            venue.taps.tap = self

    def __repr__(self) -> str:
        return f"<Recorder {self.path}{' (ended)' if self._is_ended else ''}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            self.close()
        except RecordingFailed:
            # It was logged; what went wrong inside is more than that.
            if error is None:
                raise

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        import asyncio  # noqa: PLC0415 - of one flavour only

        await asyncio.to_thread(self.__exit__, kind, error, trace)

    def progress(self) -> RecordingProgress:
        """How far it has come."""
        return RecordingProgress(
            lines=self._file.lines,
            size=self._file.size,
            withheld=self._drafts.withheld,
            failure=self._why(),
        )

    def close(self) -> None:
        """Write what waits, and the end; compress.  Raises `RecordingFailed`.

        Twice is allowed, as where the first time was interrupted, and in a forked child it
        does nothing: the file is the parent's.
        """
        if self._process != os.getpid():
            return
        with self._lock:
            is_first, self._is_ended = not self._is_ended, True
        self._let_go()
        if is_first:
            self._queue.put(None)
        # Who closes it while another does has nothing to do.
        if not self._is_finished and self._closing.acquire(blocking=False):
            try:
                self._thread.join()
                self._finish()
                self._is_finished = True
            finally:
                self._closing.release()
        if (why := self._why()) is not None:
            raise RecordingFailed(
                f"{why}; what was traded is not affected", venue=self._venue.id
            ) from self._failure

    def _why(self) -> str | None:
        if self._failure is None:
            return self._file.lost
        if not self._file.has_begun:
            return (
                f"{self.path} could not be begun: {self._failure}; nothing was recorded"
            )
        return (
            f"{self.path} ended early, after {self._file.lines} lines: {self._failure}; "
            "what was written can be read"
        )

    # -- what the drivers say -------------------------------------------------------

    def begun(self) -> int:
        """The moment at which a request is handed to the transport."""
        return self._moment()[0]

    def answered(self, request: Request, response: Response, began: int) -> None:
        """A request was answered."""
        size = len(response.body) + len(request.body or b"")
        at, mono = self._moment()
        self._take(size, lambda: self._drafts.rest(request, response, began, at, mono))

    def unanswered(self, request: Request, error: BaseException, began: int) -> None:
        """A request got no whole answer."""
        # Only what is said: the error itself would keep the frames of the call alive.
        name, reason = type(error).__name__, str(error)
        ours = isinstance(error, UnifiedExchangesError)
        sent = error.sent if isinstance(error, NetworkError) else not ours
        at, mono = self._moment()
        self._take(
            len(request.body or b""),
            lambda: self._drafts.unanswered(
                request, name, reason, began, at, mono, sent=sent
            ),
        )

    def opened(self, url: str) -> int:
        """A WebSocket was opened."""
        with self._lock:
            self._connections += 1
            number = self._connections
        at, mono = self._moment()
        self._take(0, lambda: self._drafts.opened(number, url, at, mono))
        return number

    def told(
        self, connection: int, direction: Direction, frames: Sequence[str | bytes]
    ) -> None:
        """Messages came, or leave now."""
        at, mono = self._moment()
        # A copy: the transport empties what it hands over.
        kept = tuple(frames)
        self._take(
            sum(map(len, kept)) + _FRAME * len(kept),
            lambda: self._drafts.frames(connection, direction, kept, at, mono),
        )

    def closed(self, connection: int, reason: str) -> None:
        """A WebSocket has ended."""
        at, mono = self._moment()
        self._take(0, lambda: self._drafts.closed(connection, reason, at, mono))

    # -- within ---------------------------------------------------------------------

    def _moment(self) -> tuple[int, int]:
        clock = self._clock
        return int(clock.now() * 1e9), int(clock.monotonic() * 1e9)

    def _take(self, size: int, draft: Callable[[], list[bytes]]) -> None:
        if self._failure is not None or self._process != os.getpid():
            return
        size += _FRAME
        with self._lock:
            # Under the lock: nothing may come behind the end.
            if self._is_ended:
                return
            self._waiting += size
            is_full = self._waiting - self._done > _MOST
            if not is_full:
                self._queue.put(Draft(size, draft))
        if is_full:
            self._fail(OSError("the disk is slower than what comes"))

    def write(self, draft: Draft) -> None:
        """Write one draft; for the thread of the recorder alone."""
        self._done += draft.size
        if self._failure is not None:
            return
        try:
            for line in draft.lines():
                self._file.write(line)
            if self._queue.empty():
                self._file.flush()
        except Exception as error:  # noqa: BLE001 - no call may fail with it
            self._fail(error)

    def _fail(self, error: Exception) -> None:
        with self._lock:
            if self._failure is not None:
                return
            self._failure = error
        self._let_go()
        _log.error(
            "the recording %s has ended: %s; trading goes on unrecorded",
            self.path,
            error,
        )

    def _begin(self) -> None:
        try:
            self._file.write(self._drafts.header(*self._moment()))
            self._file.flush()
        except OSError as error:
            self._fail(error)

    def _let_go(self) -> None:
        if self._venue.taps.tap is self:
            self._venue.taps.tap = None

    def _finish(self) -> None:
        try:
            if self._failure is None and not self._has_end:
                self._has_end = True
                self._file.write(self._drafts.end(self._file.written, *self._moment()))
            self._file.close(is_whole=self._failure is None)
        except OSError as error:
            self._fail(error)
        if self._file.lost is not None:
            _log.error("%s; trading goes on", self._file.lost)


def _write(owner: weakref.ref[Recorder], queue: SimpleQueue[Draft | None]) -> None:
    """Write what comes until the end, or until nobody holds the recorder any more."""
    while True:
        try:
            draft = queue.get(timeout=5)
        except Empty:
            if owner() is None:
                return
            continue
        recorder = owner()
        if draft is None or recorder is None:
            return
        recorder.write(draft)
        del recorder
