"""Keeping one connection: when to try again, when to stop, and what to say about it.

Pure decisions: the clock and the dice are arguments, and no socket is seen.  A driver
says what happened (`Session.begin`, `Session.made`, `Session.broke`, `Session.failed`) and
is told how long to wait, or is given the error to stop with.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

import attrs

from ..clock import Clock
from ..errors import (
    AuthenticationError,
    ConnectionLost,
    InternalError,
    NetworkError,
    PermissionDenied,
    RequestTimeout,
    UnifiedExchangesError,
)
from ..models import Reconnected, StreamState
from ..policy import StreamPolicy
from ..tap import Taps

__all__ = ["Dial", "Session", "UpgradeRefused"]

_log = logging.getLogger(__name__)

_UNAUTHORIZED = 401
_FORBIDDEN = 403
_BUSY = frozenset({429, 503})
_POLICY = "1008"
"""How a stream ends on which a key was said in a frame that is not accepted."""
_DENIALS = 2
"""Refusals of the key in a row after which it is the key, and not the clock."""
_PAUSES = frozenset({"1012", "1013"})
_PAUSE_ATTEMPT = 3
"""A venue that restarts is tried as if so many attempts had failed already."""
_FLAPPING = 3
"""Connections in a row that did not last, from which on a new one is doubted."""
_LONGEST = 200


class UpgradeRefused(Exception):
    """The venue answered the attempt to connect with something else than a stream.

    ``headers`` have lower-case names; ``body`` is an excerpt without our headers' values.
    """

    def __init__(self, status: int, headers: Mapping[str, str], body: str = "") -> None:
        super().__init__(f"HTTP {status}")
        self.status = status
        self.headers = headers
        self.body = body

    @property
    def retry_after(self) -> float:
        """Seconds that the venue asks for, 0 if it does not say."""
        text = self.headers.get("retry-after", "")
        return float(text) if text.isdigit() else 0.0

    def __str__(self) -> str:
        body = " ".join(self.body.split())[:_LONGEST]
        return f"HTTP {self.status}{': ' if body else ''}{body}"


@attrs.frozen(kw_only=True)
class Dial:
    """Where a stream is, and how to introduce oneself.

    ``headers`` is called for each attempt, since a signature grows old.  ``observe`` is
    told the ``Date`` of an answer and when it was asked for and came, by our wall clock
    as it is set by then.  With ``says_key`` the key is said in a frame, once there is a
    connection.
    """

    url: str
    headers: Callable[[], Mapping[str, str]] = attrs.field(repr=False)
    observe: Callable[[str | None, float, float], None] = attrs.field(
        default=lambda _date, _sent, _received: None, repr=False
    )
    timeout: float = 10.0
    venue: str | None = None
    taps: Taps = attrs.field(factory=Taps, repr=False)
    says_key: bool = attrs.field(default=False, repr=False)


class Session:
    """The story of one stream over all of its connections."""

    def __init__(
        self, dial: Dial, policy: StreamPolicy, clock: Clock, rng: random.Random
    ) -> None:
        self.dial = dial
        self.connections = 0
        self.last_error = ""
        self._told = ""
        self._policy = policy
        self._clock = clock
        self._rng = rng
        self._attempts = 0
        self._short = 0
        self._denials = 0
        self._rejections = 0
        self._failures = 0
        self._began = 0.0
        self._made_at: float | None = None
        self._lost_at: float | None = None
        self._is_begun = False
        self._is_paused = False
        self._is_stopped = False

    @property
    def is_connected(self) -> bool:
        """Whether there is a connection now."""
        return self._made_at is not None

    @property
    def state(self) -> StreamState:
        """What `StreamHealth` says.

        ``paused``: the venue said that it restarts or is busy.  ``degraded``: connections
        do not last; it becomes ``live`` when one does.
        """
        if self._is_stopped:
            return "stopped"
        if not self._is_begun:
            return "idle"
        if self._is_paused:
            return "paused"
        if self._short >= _FLAPPING and not self._has_lasted():
            return "degraded"
        return "live" if self.is_connected else "connecting"

    def state_with(self, protocol: StreamState) -> StreamState:
        """The state where the protocol has one too: it may know of less than ``live``.

        ``connecting`` is then that what is followed was asked for a moment ago.
        """
        mine = self.state
        is_less = protocol in {"connecting", "degraded"}
        return protocol if mine == "live" and is_less else mine

    def begin(self) -> None:
        """An attempt to connect begins."""
        self._is_begun = True
        self._attempts += 1
        self._began = self._clock.monotonic()

    def made(self) -> Reconnected | None:
        """The attempt has led to a connection; the event if it is not the first one."""
        now = self._clock.monotonic()
        lost, attempts = self._lost_at, self._attempts
        self.connections += 1
        self._made_at = now
        self._attempts = self._denials = 0
        self._is_paused = False
        if self.connections == 1 or lost is None:
            return None
        at = datetime.fromtimestamp(self._clock.now(), UTC)
        return Reconnected(at=at, downtime=now - lost, attempts=attempts)

    def broke(self) -> None:
        """The connection is of no use any more, though a goodbye may still take a while."""
        if not self.is_connected:
            return
        if self._has_lasted():
            self._short = self._failures = self._rejections = 0
        else:
            self._short += 1
        self._made_at = None
        self._lost_at = self._clock.monotonic()

    def rested(self) -> None:
        """Nobody wants a connection: that there is none is no failure, nor is another one."""
        self._is_begun = False
        self._lost_at = None
        self._short = self._failures = 0

    def failed(self, failure: NetworkError | UpgradeRefused, told: str = "") -> float:
        """An attempt or a connection has come to an end: seconds to wait before the next.

        ``told`` is what the protocol has as its last trouble by now.  Raises the error to
        stop with where another attempt would not help.
        """
        self.last_error, self._told = str(failure), told
        least = 0.0
        if isinstance(failure, UpgradeRefused):
            if failure.status in {_UNAUTHORIZED, _FORBIDDEN}:
                return self._denied(failure)
            self._is_paused = failure.status in _BUSY
            least = failure.retry_after
        else:
            self._is_paused = failure.code in _PAUSES
        self.broke()
        if isinstance(failure, NetworkError) and failure.code == _POLICY:
            self._rejected(failure)
        attempt = self._failures
        if self._is_paused:
            attempt = max(attempt, _PAUSE_ATTEMPT)
        self._failures += 1
        delay = least + self._policy.backoff(attempt, self._rng)
        self._tell(failure, delay)
        return delay

    def _tell(self, failure: Exception, delay: float) -> None:
        """Log a failure; aloud ever more rarely, but not that a connection broke once."""
        number = self._failures
        is_aloud = not number & (number - 1) and (number > 1 or not self.connections)
        level = logging.WARNING if is_aloud else logging.INFO
        _log.log(
            level,
            "%s stream: down, and nothing is told that is followed; %d in a row failed or "
            "did not last, the last: %s; next try in %.1f s",
            self.dial.venue or "the",
            number,
            failure,
            delay,
        )

    def stop(self, error: BaseException | None, told: str = "") -> None:
        """There will be no other attempt; ``told`` as in `failed`."""
        self._is_stopped = True
        self._made_at = None
        if error is not None:
            self.last_error, self._told = str(error), told

    def typed(self, error: Exception | None) -> UnifiedExchangesError | None:
        """What is told to everybody who follows a stream that an error has ended.

        One that is not of our kinds is a mistake of ours, which a bare `KeyError` would
        tell nobody.
        """
        if error is None or isinstance(error, UnifiedExchangesError):
            return error
        _log.error("the stream ends by a mistake of this library", exc_info=error)
        what = f"{type(error).__name__}: {error}"[:_LONGEST]
        message = (
            "the stream has ended by a mistake of this library, and nothing is followed "
            f"any more ({what}). Watch again, and please report it with the log"
        )
        found = InternalError(message, venue=self.dial.venue)
        found.__cause__ = error
        return found

    def newest(self, told: str) -> str:
        """The later of our last trouble and that of the protocol."""
        return self.last_error if told == self._told and self.last_error else told

    def late(self, seconds: float) -> RequestTimeout:
        """The error for whoever waited in vain for a connection."""
        last = f"; the last try: {self.last_error}" if self.last_error else ""
        message = f"no stream within {seconds:g} s{last}"
        return RequestTimeout(message, sent=False, venue=self.dial.venue)

    def closed(self) -> ConnectionLost:
        """The error for whoever waits for a stream that was closed."""
        return ConnectionLost("the stream is closed", sent=False, venue=self.dial.venue)

    def _has_lasted(self) -> bool:
        made = self._made_at
        return (
            made is not None and self._clock.monotonic() - made >= self._policy.stable
        )

    def _denied(self, refusal: UpgradeRefused) -> float:
        """A wrong clock makes a wrong signature: the answer's ``Date`` says which."""
        self._denials += 1
        if self._denials >= _DENIALS:
            raise self._unauthorized(refusal)
        # By our clock as it is now, which may have been set meanwhile.
        now = self._clock.now()
        began = now - (self._clock.monotonic() - self._began)
        self.dial.observe(refusal.headers.get("date"), began, now)
        return 0.0

    def _rejected(self, failure: NetworkError) -> None:
        """Once may be a whim of the venue; in a row, as soon as the key is said, it is that."""
        self._rejections += self.dial.says_key
        if self._rejections >= _DENIALS:
            message = (
                f"the stream does not accept the key ({failure}), which was said to it "
                f"{self._rejections} times; check the key, its secret and passphrase, and "
                "its environment"
            )
            raise AuthenticationError(message, venue=self.dial.venue, code=_POLICY)

    def _unauthorized(self, refusal: UpgradeRefused) -> UnifiedExchangesError:
        kind = PermissionDenied if refusal.status == _FORBIDDEN else AuthenticationError
        message = (
            f"the stream does not accept the key ({refusal}), also not with a fresh "
            "signature by the venue's clock; check the key, its environment and its "
            "permissions"
        )
        return kind(
            message,
            venue=self.dial.venue,
            status=refusal.status,
            payload=refusal.body[:_LONGEST] or None,
        )
