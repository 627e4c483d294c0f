"""Reading the account over REST, so that what the stream lost is told all the same.

It is read when a connection follows everything, once more when reads can no longer lag
behind that moment, and then every so often; at once after a gap.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Hashable, Iterable
from datetime import UTC, datetime
from math import inf
from typing import Final

import attrs

from ..errors import NotRecorded, UnifiedExchangesError
from ..models import (
    AccountState,
    Fill,
    FillSettled,
    Order,
    Position,
    Reconciled,
    Resync,
    Subject,
)
from ..streams.protocol import StreamProtocol
from ..venue import Venue
from .account import Account
from .job import Job
from .known import fill_key
from .listener import Listener

__all__ = ["News", "Reconciler"]

_log = logging.getLogger(__name__)

_AGAIN: Final = 15.0
"""Seconds after which a read does not lag behind what was before the last one."""
_MARGIN: Final = 60.0
"""Seconds by which reads overlap."""
_PATIENCE: Final = 10.0
"""Seconds that the stream may take to follow everything before it is read regardless."""
_STRANGER: Final = 2.0
"""Seconds that the stream may take to tell of an order after its fill."""
_LIVE: Final = 30.0
"""Seconds after which a connection should have told everything that is older."""
_LATE: Final = 10.0
"""Seconds that what the stream tells may take."""
_STEP: Final = 1.0
"""Seconds by which a wall clock that is not set does not leave the monotonic one."""
_OVERDUE: Final = 30.0
"""Seconds that a read which is due may take to succeed before it is said aloud."""
_WHAT: Final = "orders, fills and positions"
_LONGEST: Final = 60.0
"""Seconds at most between tries of a read that fails."""
_WHILE_OPEN: Final = 30.0
"""Seconds between reads while orders rest: the loss of an end does not show by itself."""
_FEW: Final = 100
"""Open orders up to which that is so: a page, of which a listing of more takes many."""


@attrs.frozen(kw_only=True, slots=True, eq=False, repr=False)
class News:
    """What a read told that was not known; ``subjects`` are those it was about.

    ``adopted`` are the orders that nobody had heard of at all.  The times are of a read
    that showed what stood when it began, but for the lag of reads.
    """

    subjects: frozenset[Subject]
    orders: tuple[Order, ...]
    fills: tuple[Fill, ...]
    positions: tuple[Position, ...]
    adopted: frozenset[str]
    event: Reconciled
    state: AccountState
    """All that was read, known before or not."""
    read_at: float
    """When the read began, by the monotonic clock."""
    began: datetime
    ended: datetime
    """When it began and ended, by the venue's clock."""
    has_positions: bool
    """Whether positions were asked for."""
    failed: tuple[Order, ...] = ()
    """Orders that were known, of which something has failed to settle."""
    settled: tuple[FillSettled, ...] = ()


@attrs.frozen(kw_only=True, slots=True, eq=False, repr=False)
class _Read:
    """One read: of what, what of it for the first time, and when it was begun.

    ``at`` is on the monotonic clock, ``wall`` on our wall clock, ``venue`` on the venue's,
    in seconds.
    """

    subjects: frozenset[Subject]
    first: frozenset[Subject]
    at: float
    wall: float
    venue: float
    has_positions: bool


class Reconciler:
    """Decides when to read, and merges what was read into the account."""

    def __init__(
        self,
        protocol: StreamProtocol,
        venue: Venue,
        account: Account,
        *,
        tell: Callable[[News], None],
        give_up: Callable[[UnifiedExchangesError], None],
        be_late: Callable[[], None],
        has_work: Callable[[], None],
        followed: Callable[[], frozenset[Subject]],
        listener: Listener | None = None,
    ) -> None:
        self._protocol = protocol
        self._venue = venue
        self._clock = venue.clock
        self._account = account
        self._tell = tell
        self._give_up = give_up
        self._be_late = be_late
        self._has_work = has_work
        self._followed = followed
        self._listener = listener
        self._due = self._asked = inf
        self._twice = self._ask_again = False
        self._is_running = self._is_wondering = self._wonders_again = False
        self._wanted = inf
        """When the read fell due that has not succeeded yet."""
        self._failures = 0
        self._connected_at = inf
        self._lost_at = self._read_at = -inf
        """When something may have been lost last, and when the last good read began."""
        self._complete: float | None = None
        """Until when everything was read, by the venue's clock."""
        self._drift = 0.0
        """Our wall clock less the monotonic one at the last read."""
        self.synced: set[Subject] = set()
        """What was read since it is followed, and is told by the stream from there."""
        self._passed_over: frozenset[Subject] = frozenset()
        """What a replay has no read of, and is told by the stream alone."""
        self._dropped: set[Subject] = set()
        """What is followed no more, or anew, since a read was begun."""
        self._owed: dict[Hashable, float] = {}
        """What was read, and when it happened, as long as the stream may still tell it."""
        self.missed = self.count = self.failed = 0
        self._was_passed_over = False
        self.is_late = False
        """Whether it was said that a read is overdue, which did not succeed since."""
        self.last_error = ""
        self.succeeded_at: datetime | None = None

    # -- when -----------------------------------------------------------------------

    def ask(self) -> None:
        """Read now, and once more when nothing can lag behind now."""
        self._twice = True
        if self._is_running:
            self._ask_again = True
        else:
            self._due = self._asked = self._clock.monotonic()
            self._wanted = min(self._wanted, self._due)
            self._has_work()

    def ask_in(self, seconds: float) -> None:
        """Read once when that time has passed: not sooner would it tell more."""
        due = self._clock.monotonic() + seconds
        if due < self._due:
            self._due = self._asked = due
            self._wanted = min(self._wanted, due)
            self._has_work()

    def opened(self) -> None:
        """An order is open, whose end may not be told."""
        if self._often == _WHILE_OPEN:
            self.ask_in(_WHILE_OPEN)

    def wonder(self, *, again: bool = False) -> None:
        """A fill came without its order, which may still come: look in a moment.

        ``again``: and once more when nothing can lag behind now.
        """
        now = self._clock.monotonic()
        if self._is_running:
            self._is_wondering = True
            self._wonders_again |= again
            return
        self._twice |= again
        if now + _STRANGER < self._due:
            self._due = self._asked = now + _STRANGER
            self._wanted = min(self._wanted, self._due)
            self._has_work()

    def connected(self, at: float) -> None:
        """A connection was made: what happened before may not have been told."""
        self._connected_at = at
        self._lost_at = self._clock.monotonic()
        self.ask()

    def lost(self) -> None:
        """The stream said itself that something was not told: read, and hold it no less."""
        if self._connected_at < inf:
            self._connected_at = self._clock.now()
        self._lost_at = self._clock.monotonic()
        self.ask()

    def disconnected(self) -> None:
        """There is none: what it did not tell it never will."""
        self._connected_at = inf
        self.missed += len(self._owed)
        self._owed.clear()

    def forget(self, subject: Subject) -> None:
        """A subject is not followed any more."""
        self.synced.discard(subject)
        self._dropped.add(subject)
        self._owed.clear()
        if not self.synced:
            self._complete = None
        if not self._followed():
            # Nothing is promised to anybody.
            self._wanted = inf
            self._failures = 0
            self.is_late = False

    def is_current(self, subject: Subject) -> bool:
        """Whether a subject was read, and nothing gave cause to read it again since."""
        is_due = self._clock.monotonic() >= self._wanted
        return subject in self.synced and not is_due and not self._was_set

    @property
    def is_caught_up(self) -> bool:
        """Whether all that is followed was read since the stream may have lost something.

        Until then what happened is told late, and to who has just come nothing is.
        """
        followed = self._followed()
        is_read = followed <= self.synced and self._read_at >= self._lost_at
        return is_read or followed <= self._passed_over

    @property
    def _was_set(self) -> bool:
        """Whether our wall clock was set, so that the venue's is known again by a read."""
        drift = self._clock.now() - self._clock.monotonic()
        return abs(drift - self._drift) > _STEP

    def delay(self) -> float:
        """Seconds until there may be something to do; infinite if nothing is planned."""
        if not self._followed():
            return inf
        now = self._clock.monotonic()
        late = inf if self.is_late else max(0.0, self._wanted + _OVERDUE - now)
        if self._is_running or self._due == inf:
            return late
        return min(late, max(0.0, self._due - now, 0.0 if self._may(now) else 0.05))

    # -- what does not come ---------------------------------------------------------

    @property
    def _is_overdue(self) -> bool:
        return self._clock.monotonic() - self._wanted >= _OVERDUE

    @property
    def trouble(self) -> str:
        """Why what the stream lost cannot be told just now; empty if it can."""
        if not self._followed():
            return ""
        if self._failures:
            return self.last_error
        return f"{_WHAT} were not read for {_OVERDUE:g} s" if self._is_overdue else ""

    def check(self) -> None:
        """Say it once if a read is overdue; that it succeeded is told like any other."""
        if not self.is_late and self._is_overdue and self._followed():
            self.is_late = True
            self._be_late()

    def _may(self, now: float) -> bool:
        """Whether what is read now cannot be followed by what nobody tells."""
        told = self._protocol.is_acknowledged
        asked = min(self._asked, self._wanted)
        return now - asked >= _PATIENCE or all(map(told, self._followed()))

    # -- reading --------------------------------------------------------------------

    def job(self, since: float) -> Job[AccountState] | None:
        """The read that is due.

        ``since`` is our wall clock of the earliest wish that was not read for yet,
        infinite if there is none.
        """
        subjects, now = self._followed(), self._clock.monotonic()
        if not subjects or self._is_running or now < self._due or not self._may(now):
            return None
        self._is_running, self._ask_again = True, False
        self._dropped.clear()
        self._due = inf
        wall = self._clock.now()
        missing = None if self._listener is None else self._listener.missing_since
        joined = since if missing is None else min(since, missing)
        venue = self._venue_seconds(wall)
        unsettled = self._account.unsettled_since
        earliest = min(
            self._venue_seconds(joined),
            venue,
            venue if self._complete is None else self._complete,
            inf if unsettled is None else unsettled.timestamp(),
        )
        wanted = self._wanted_of(subjects, _moment(earliest - _MARGIN))
        read = _Read(
            subjects=subjects,
            first=subjects - self.synced,
            at=now,
            wall=wall,
            venue=venue,
            has_positions=Subject.POSITIONS in wanted.subjects,
        )

        def done(state: AccountState) -> None:
            self._failures = 0
            self.is_late = False
            self._finished(min(_AGAIN, self._often) if self._twice else self._often)
            self._wanted = self._due
            self._twice = self._ask_again or self._wonders_again
            self._wonders_again = False
            self._tell(self._merge(state, read))

        def failed(error: Exception) -> None:
            if isinstance(error, NotRecorded):
                self._pass_over(error, read.subjects)
                return
            self._failures += 1
            self.failed += 1
            self.last_error = f"{_WHAT} could not be read: {error}"
            _log.warning("%s", self.last_error)
            self._finished(min(_LONGEST, 2.0 ** min(self._failures, 6)))
            if isinstance(error, UnifiedExchangesError) and not error.retryable:
                self._give_up(error)

        return Job(self._venue.resync(wanted), done, failed)

    def _pass_over(self, error: NotRecorded, subjects: frozenset[Subject]) -> None:
        """A replay has no such read: to try again would be in vain, and it lost nothing."""
        self._passed_over |= subjects
        self._finished(self._often)
        self._wanted = inf
        if not self._was_passed_over:
            self._was_passed_over = True
            _log.warning(
                "%s were not read at this moment when it was recorded, so that only what "
                "the stream tells is told from here on: %s",
                _WHAT,
                error,
            )

    def _wanted_of(self, subjects: frozenset[Subject], since: datetime) -> Resync:
        """What to ask for: what is followed, and what the listener wants besides."""
        account, listener = self._account, self._listener
        open_orders = {order.order_id: order for order in account.open_orders}
        strangers, unexplained = account.strangers, frozenset[str]()
        if listener is not None:
            known = {order.order_id: order for order in listener.open_orders}
            open_orders = known | open_orders
            strangers |= listener.strangers
            unexplained = listener.unexplained
            if Subject.FILLS in subjects:
                # Fills are held against positions.
                subjects |= {Subject.POSITIONS}
        return Resync(
            subjects=subjects,
            since=since,
            open_orders=tuple(open_orders.values()),
            strangers=strangers,
            held=tuple(account.positions),
            unexplained=unexplained,
        )

    @property
    def _often(self) -> float:
        every = self._venue.settings.stream.reconcile
        if every is None:
            return inf
        has_few = 0 < self._account.open_count <= _FEW
        return min(every, _WHILE_OPEN) if has_few else every

    def _finished(self, again: float) -> None:
        self._is_running = False
        now = self._clock.monotonic()
        self._asked = now
        self._due = now if self._ask_again else now + again
        if self._is_wondering:
            self._is_wondering = False
            self._due = min(self._due, now + _STRANGER)

    # -- merging --------------------------------------------------------------------

    def _merge(self, state: AccountState, read: _Read) -> News:
        account, now = self._account, self._clock.monotonic()
        # Of a clock that was set meanwhile, or is only known now, the earlier holds.
        wall = self._clock.now()
        passed = now - read.at
        began = min(read.venue, self._venue_seconds(wall - passed))
        self._drift = wall - now
        read = attrs.evolve(read, subjects=read.subjects - self._dropped, venue=began)
        orders: tuple[Order, ...] = ()
        fills: tuple[Fill, ...] = ()
        positions: tuple[Position, ...] = ()
        # First: of an order that is not known yet its states tell it.
        changes = [account.failed_of(fill) for fill in state.fills]
        ends = [account.settled(fill) for fill in state.fills]
        adopted: frozenset[str] = frozenset()
        if Subject.ORDERS in read.subjects:
            # Oldest first, as they would have come.
            changed = sorted(state.orders, key=_changed_at)
            ids = (order.order_id for order in changed)
            adopted = frozenset(name for name in ids if account.find(name) is None)
            told = [account.order(x, at=now, read_at=read.at) for x in changed]
            orders = tuple(x for x in told if x is not None)
        if self._counts_fills(read.subjects):
            made = sorted(state.fills, key=lambda fill: fill.created_at)
            fills = tuple(x for x in map(account.fill, made) if x is not None)
        if Subject.FILLS in read.subjects:
            account.fills_complete(_moment(read.venue - 2 * _MARGIN))
        if Subject.POSITIONS in read.subjects:
            positions = tuple(self._positions(state, read, now))
        account.balance = state.balance
        self._find_missed(orders, fills, read)
        self.synced |= read.subjects
        self._read_at = read.at
        self._complete = read.venue
        self.count += 1
        self.succeeded_at = _moment(self._clock.now())
        is_news = read.subjects - read.first
        return News(
            state=state,
            read_at=read.at,
            began=_moment(read.venue),
            ended=_moment(self._venue_seconds(self._clock.now())),
            has_positions=read.has_positions,
            subjects=read.subjects,
            orders=orders,
            fills=fills,
            failed=tuple(x for x in changes if x is not None),
            settled=tuple(x for x in ends if x is not None),
            positions=positions,
            adopted=adopted,
            event=Reconciled(
                at=_moment(self._clock.now()),
                orders=len(orders) if Subject.ORDERS in is_news else 0,
                fills=len(fills) if Subject.FILLS in is_news else 0,
                available=None if state.balance is None else state.balance.available,
            ),
        )

    def _counts_fills(self, subjects: frozenset[Subject]) -> bool:
        """Whether fills are kept in mind: orders change too where one may fail."""
        if self._venue.settles_late and Subject.ORDERS in subjects:
            return True
        return Subject.FILLS in subjects

    def _positions(
        self, state: AccountState, read: _Read, now: float
    ) -> Iterable[Position]:
        account = self._account
        for position in state.positions:
            news = account.position(position, at=now, read_at=read.at)
            if news is not None:
                yield news
        yield from account.absent_positions(state.positions, read_at=read.at)

    def heard(self, key: Hashable) -> None:
        """The stream tells of an order or a fill."""
        self._owed.pop(key, None)

    def _find_missed(
        self, orders: Iterable[Order], fills: Iterable[Fill], read: _Read
    ) -> None:
        """Count what the stream did not tell; give up one that only seems to live."""
        known, offset = read.subjects - read.first, self._venue.offset.seconds
        if Subject.FILLS in known:
            for fill in fills:
                self._owed[fill_key(fill)] = fill.created_at.timestamp() - offset
        if Subject.ORDERS in known:
            for order in orders:
                self._owed[order.order_id] = _changed_at(order) - offset
        # What happened a moment ago may still come.
        late = {key: at for key, at in self._owed.items() if at < read.wall - _LATE}
        for key in late:
            del self._owed[key]
        self.missed += len(late)
        connected = self._connected_at
        if read.wall - connected < _LIVE:
            return
        if silent := [at for at in late.values() if at > connected + _PATIENCE]:
            self._protocol.broken = (
                f"{len(silent)} orders or fills were found over REST, of which a "
                "connection that seemed to live had not told"
            )

    def _venue_seconds(self, wall: float) -> float:
        return wall + self._venue.offset.seconds


def _changed_at(order: Order) -> float:
    told = order.updated_at or order.created_at
    return 0.0 if told is None else told.timestamp()


def _moment(wall: float) -> datetime:
    return datetime.fromtimestamp(wall, UTC)
