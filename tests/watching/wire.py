"""A stream and the work over REST beside it, carried in one thread on a virtual clock."""

from __future__ import annotations

from random import Random
from typing import Any

from unified_exchanges.clock import Clock, VirtualClock
from unified_exchanges.errors import ConnectionLost, NetworkError
from unified_exchanges.flow import Done, Request, Response, Sleep, advance
from unified_exchanges.simulator.faults import FaultyStream, FaultyVenue
from unified_exchanges.streams.session import Session, UpgradeRefused
from unified_exchanges.venue import Venue
from unified_exchanges.watching.feed import Feed
from unified_exchanges.watching.job import Job
from unified_exchanges.watching.listener import Listener

__all__ = ["Wire"]

_PING = 5.0
_TICK = 5.0


class Wire:
    """What a driver does, in one thread: frames, reconnects, work over REST, time."""

    def __init__(
        self,
        kalshi: Any,
        server: FaultyVenue,
        venue: Venue,
        clock: VirtualClock,
        *,
        rng: Random,
        own: Clock | None = None,
        listener: Listener | None = None,
        line: int = 0,
    ) -> None:
        """``clock`` is the venue's; this machine's is its ``own``, if that is another.

        ``line`` is which of the venue's connections it is.
        """
        self.kalshi, self.server, self.venue, self.clock = kalshi, server, venue, clock
        self.protocol = venue.lines()[line].open()
        self.feed = Feed(self.protocol, venue, listener=listener)
        self.session = Session(
            venue.lines()[line].dial, venue.settings.stream, own or clock, rng
        )
        self.line: FaultyStream | None = None
        self._dial_at = self._ping_at = 0.0

    # -- the stream -----------------------------------------------------------------

    def pump(self) -> None:
        """Carry frames both ways until nothing moves."""
        self.kalshi.advance()
        if self.line is None and self.clock.monotonic() >= self._dial_at:
            self._dial()
        while self.line is not None and self._carry(self.line):
            pass

    def _carry(self, line: FaultyStream) -> bool:
        protocol, now = self.protocol, self.clock.monotonic()
        if now >= self._ping_at:
            self._ping_at = now + _PING
            if line.sends_pings:
                protocol.heard()
        self.feed.handle(protocol.poll())
        sent = [] if protocol.broken else protocol.data_to_send()
        for text in sent:
            line.receive(str(text))
        frames = line.data_to_send()
        for frame in frames:
            self.feed.handle(protocol.receive(frame))
        if protocol.broken or line.closing is not None:
            self._lose(protocol.broken or f"closed with {line.closing}")
            return False
        return bool(sent or frames)

    def _dial(self) -> None:
        self.session.begin()
        url = "http" + self.session.dial.url.removeprefix("ws")
        request = Request("GET", url, headers=self.session.dial.headers())
        try:
            line = self.server.connect(request)
        except NetworkError as error:
            self._fail(error)
            return
        if isinstance(line, Response):
            self._fail(UpgradeRefused(line.status, line.headers))
            return
        self.line = line
        self._ping_at = self.clock.monotonic()
        events = list(self.protocol.connection_made())
        made = self.session.made()
        self.feed.handle([*events, made] if made else events)

    def lose(self, seconds: float) -> None:
        """Break the connection; there is no other for a while."""
        self._lose("the network is gone")
        self._dial_at = self.clock.monotonic() + seconds

    def _lose(self, reason: str) -> None:
        assert self.line is not None
        self.line.close()
        self.line = None
        self.feed.handle(self.protocol.connection_lost(reason))
        self._fail(ConnectionLost(reason))

    def _fail(self, failure: NetworkError | UpgradeRefused) -> None:
        delay = self.session.failed(failure)
        self._dial_at = self.clock.monotonic() + delay

    # -- time and work --------------------------------------------------------------

    def pass_time(self, seconds: float) -> None:
        """Let time pass and everything happen that falls into it."""
        end = self.clock.monotonic() + seconds
        while (now := self.clock.monotonic()) < end:
            self.clock.advance(min(max(0.01, self.nap(now)), end - now))
            self.pump()
            self.work()
            self.tick()

    def tick(self) -> None:
        """Do what is due besides."""

    def nap(self, now: float) -> float:
        """Seconds until something is due by itself."""
        naps = [self.feed.delay(), _TICK]
        if self.line is None:
            naps.append(self._dial_at - now)
        else:
            naps += [self.protocol.next_poll(), self._ping_at - now]
            if self.line.next_due is not None:
                naps.append(self.line.next_due - now)
        return min(naps)

    def work(self) -> None:
        """Do what is due over REST."""
        for job in self.feed.jobs():
            self._run(job)

    def _run(self, job: Job[Any]) -> None:
        outcome: Any = None
        try:
            while not isinstance(step := advance(job.flow, outcome), Done):
                if isinstance(step, Sleep):
                    self.clock.advance(step.seconds)
                    outcome = None
                else:
                    assert isinstance(step, Request), step
                    outcome = self._ask(step)
                self.pump()
        except Exception as error:  # noqa: BLE001 - as a driver does
            job.failed(error)
        else:
            job.done(step.value)
        self.pump()

    def _ask(self, request: Request) -> Response | NetworkError:
        try:
            return self.server.handle(request)
        except NetworkError as error:
            return error
