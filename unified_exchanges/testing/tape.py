"""vcrpy, set up for this library; loaded only when a cassette is used."""

# pyright: reportArgumentType=false
# vcrpy is untyped: what is inferred for a body is more than it ever holds.

from __future__ import annotations

import threading
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from vcr import VCR  # type: ignore[import-untyped]
from vcr.cassette import Cassette  # type: ignore[import-untyped]
from vcr.patch import PATCHER_NAMES  # type: ignore[import-untyped]
from vcr.persisters.filesystem import (  # type: ignore[import-untyped]
    CassetteNotFoundError,
    FilesystemPersister,
)
from vcr.record_mode import RecordMode  # type: ignore[import-untyped]
from vcr.request import Request  # type: ignore[import-untyped]
from vcr.stubs.requests_stubs import (  # type: ignore[import-untyped]
    VCRRequestsHTTPConnection,
    VCRRequestsHTTPSConnection,
)

from ..clock import Clock
from ..errors import NotRecorded
from ..replaying.aliases import Aliases, terms
from ..transports import blocking
from .cassettes import Mode
from .moments import RecordedMoments, RecordingMoments
from .redaction import (
    REDACTED_KEY,
    SuspectedSecret,
    chain_words,
    hide_owners,
    key_in,
    redact_body,
    redact_headers,
    suspects,
)

__all__ = ["Tape", "tape"]

_KEPT_OF_ANSWERS = frozenset(
    {"age", "cache-control", "content-encoding", "content-type", "retry-after"}
)
_BEFORE, _AFTER, _DATE = "clock_before", "clock_after", "clock_date"
"""What the clock told before an answer and after the last, and the venue's own date."""
_REFUSED = 400


class Tape(Cassette):  # type: ignore[misc]
    """vcrpy's cassette, which raises `NotRecorded` where vcrpy raises its own."""

    time: Clock
    """Whose time is recorded."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._lock = threading.Lock()
        self._aliases = Aliases()
        self._recording: RecordingMoments | None = None
        self._recorded: RecordedMoments | None = None
        self._latest: int | None = None

    @property
    def clock(self) -> Clock:
        """A clock for the exchange: its time is recorded, and replayed, with the answers.

        Without it what depends on the time does not replay.
        """
        if not self.write_protected:
            self._recording = self._recording or RecordingMoments(self.time)
            return self._recording
        if self._recorded is None:
            self._recorded = RecordedMoments(self._spans(), self.time)
            if self._latest is not None:
                self._recorded.answered(self._latest)
        return self._recorded

    def _spans(self) -> list[list[float]]:
        spans = [answer.get(_BEFORE, []) for answer in self.responses]
        spans += [answer.get(_AFTER, []) for answer in self.responses[-1:]]
        if not any(spans):
            raise NotRecorded(
                f"{self._path} was recorded without tape.clock; record it again with"
                " exchange(..., clock=tape.clock)"
            )
        return spans

    @property
    def unplayed(self) -> list[str]:
        """Method and path of what was recorded and not asked for yet."""
        return [
            f"{request.method} {request.path}"
            for index, (request, _) in enumerate(self.data)
            if not self.play_counts[index]
        ]

    def can_play_response_for(self, request: Request) -> bool:
        """Tell whether an answer is left, raising at once in a replay."""
        if super().can_play_response_for(request):
            return True
        if self.write_protected:
            raise self._missing(request)
        return False

    def play_response(self, request: Request) -> Any:
        """Hand out the next answer, to one thread only."""
        with self._lock:
            index = self._next(request)
            answer = super().play_response(request)
            self._aliases.learn(self.data[index][0].body, request.body)
            self._latest = index
            if self._recorded is not None:
                self._recorded.answered(index)
        return self._as_asked(answer, key_in(request.headers))

    def _next(self, request: Request) -> int:
        for index, _ in self._responses(request):
            if not self.play_counts[index]:
                return int(index)
        raise self._missing(request)

    def _as_asked(self, answer: dict[str, Any], key: str) -> dict[str, Any]:
        headers = dict(answer["headers"])
        if self._recorded is not None and _DATE in answer:
            # Dates belong to the recorded time: they tell how far the clock was off.
            headers["date"] = answer[_DATE]
        body = self._aliases.apply(answer["body"]["string"])
        body = body.replace(_quoted(REDACTED_KEY), _quoted(key or REDACTED_KEY))
        return {**answer, "headers": headers, "body": {"string": body}}

    def append(self, request: Request, response: dict[str, Any]) -> None:
        """Record an answer, and what the clock told before it."""
        super().append(request, response)
        stored = self.responses[-1]
        told = stored["body"]["string"]
        if key := key_in(request.headers):
            # Orders and trades name their owner by it.
            told = told.replace(_quoted(key), _quoted(REDACTED_KEY))
        stored["body"] = {"string": hide_owners(told)}
        if self._recording is None:
            return
        stored[_BEFORE] = self._recording.taken()
        for name, value in response["headers"].items():
            if name.lower() == "date":
                stored[_DATE] = value

    def end(self) -> None:
        """Record what the clock told after the last answer."""
        if self._recording is not None and self.data:
            self.responses[-1][_AFTER] = self._recording.taken()

    def _missing(self, request: Request) -> NotRecorded:
        asked = f"{request.method} {request.path}"
        return NotRecorded(
            f"{asked} is not in {self._path}, or was played already; record it again, or"
            f" ask for what was recorded{self._hint()}. Nothing was sent",
            request=asked,
        )

    def _hint(self) -> str:
        if self._recorded is not None:
            return ""
        return "; what depends on the time needs clock=tape.clock in both"


class _Seat:
    """A connection of ours with vcrpy in front of it.

    vcrpy's own undoes all of its patches, for the whole process, whenever it makes a
    connection; a second thread then slips through.
    """

    _baseclass: Any
    real_connection: Any

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self.real_connection = self._baseclass(*arguments, **options)
        self._sock = None

    @property
    def is_connected(self) -> bool:
        real = self.real_connection
        return real.sock is None or bool(real.is_connected)


class _Plain(_Seat, VCRRequestsHTTPConnection):  # type: ignore[misc]
    _baseclass = blocking.Connection


class _Secure(_Seat, VCRRequestsHTTPSConnection):  # type: ignore[misc]
    _baseclass = blocking.SecureConnection


@contextmanager
def tape(
    path: Path,
    mode: Mode,
    never: Iterable[str],
    public: Iterable[str],
    clock: Clock,
) -> Generator[Tape, None, None]:
    """Put a cassette in; when recording, save it if the block ends without an error."""
    shelf = _Shelf(path, mode, never, public)
    recorder = VCR(
        record_mode=RecordMode.ALL if mode == "record" else RecordMode.NONE,
        match_on=("method", "path", "query", "terms"),
        before_record_request=_clean_request,
        before_record_response=_clean_answer,
        decode_compressed_response=True,
        record_on_exception=False,
        skip_patchers=[name for name in PATCHER_NAMES if name != "aiohttp"],
        custom_patches=(
            (HTTPConnectionPool, "ConnectionCls", _Plain),
            (HTTPSConnectionPool, "ConnectionCls", _Secure),
        ),
    )
    recorder.register_matcher("terms", _same_terms)
    recorder.register_persister(shelf)
    with Tape.use(**recorder.get_merged_config(path=str(path))) as inserted:
        inserted.time = clock
        yield inserted
        inserted.end()
    shelf.put_away()


class _Shelf:
    """Reads a cassette for a replay, and writes one that holds no secret.

    It writes after vcrpy is done: an error raised in the middle would leave its patches
    in place.
    """

    def __init__(
        self, path: Path, mode: Mode, never: Iterable[str], public: Iterable[str]
    ) -> None:
        self._path = path
        self._mode = mode
        self._never = tuple(never)
        self._known = chain_words(*public)
        self._content: dict[str, Any] | None = None

    def load_cassette(self, path: str, serializer: Any) -> Any:
        if self._mode == "record":
            raise CassetteNotFoundError
        if not self._path.is_file():
            raise NotRecorded(f"there is no cassette {path}; record it first")
        return FilesystemPersister.load_cassette(path, serializer)

    def save_cassette(self, _: str, content: dict[str, Any], serializer: Any) -> None:
        self._content = content
        self._serializer = serializer

    def put_away(self) -> None:
        if self._content is None:
            return
        pairs = zip(self._content["requests"], self._content["responses"], strict=True)
        found = [place for pair in pairs for place in self._suspects(*pair)]
        if found:
            raise SuspectedSecret(
                f"{self._path} was not saved, for it may hold a secret in"
                f" {'; in '.join(dict.fromkeys(found))}. Take it out of what is sent, or"
                " record with an account that has none; an id of 0x and 64 digits that"
                " the venue did not tell is let pass if it is given in public="
            )
        FilesystemPersister.save_cassette(self._path, self._content, self._serializer)

    def _suspects(self, request: Request, answer: dict[str, Any]) -> list[str]:
        told = answer["body"]["string"]
        # What the venue tells is no key of ours; a refusal may repeat what was sent.
        if answer["status"]["code"] < _REFUSED:
            self._known |= chain_words(told.decode(errors="replace"))
        asked = suspects(
            request.uri, request.headers, request.body or b"", self._never, self._known
        )
        given = suspects("", answer["headers"], told, self._never)
        where = f"{request.method} {request.path}"
        return [f"{place} of {where}" for place in asked] + [
            f"{place} of the answer to {where}" for place in given
        ]


def _clean_request(request: Request) -> Request:
    if request.body:
        body = redact_body(request.body)
        if key := key_in(request.headers):
            body = body.replace(_quoted(key), _quoted(REDACTED_KEY))
        request.body = hide_owners(body)
    request.headers = redact_headers(request.headers)
    return request


def _quoted(key: str) -> bytes:
    return b'"%b"' % key.encode()


def _clean_answer(answer: dict[str, Any]) -> dict[str, Any]:
    # Dates would be read as the venue's clock, and the rest speaks of the route only.
    headers = {
        name: value
        for name, value in answer["headers"].items()
        if name.lower() in _KEPT_OF_ANSWERS
    }
    body = redact_body(answer["body"].get("string") or b"")
    return {**answer, "headers": headers, "body": {"string": body}}


def _same_terms(one: Request, other: Request) -> bool:
    return bool(terms(one.body) == terms(other.body))
