"""The answers of a recording, found by what is asked for; the index is made once."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator
from functools import partial
from itertools import islice
from typing import TypeAlias

from .. import errors, fork
from ..errors import NetworkError
from ..flow import Request, Response
from ..recording.format import Rest, Unanswered, Withheld
from .aliases import Aliases
from .clock import ReplayClock
from .entries import Entry, Equals, given_ids, is_unclear, places
from .matching import Key, has_moved, key_of, loosened
from .missing import Missing
from .moments import Moments, fitting
from .nearest import InTime

__all__ = ["Answers", "Entry"]

_Recorded: TypeAlias = Rest | Unanswered
_LOOKED_AT = 100
"""Requests with other bounds of time among which the next is looked for."""
_SECOND = 1_000_000_000
_JITTER = 1_000_000
"""Nanoseconds by which threads may have told what happened in another order."""


class Answers:
    """Answers requests from what was recorded, each once, in the order in which they began.

    Of those that ask for the same an order is given what was recorded of itself, as far as
    that is known by the ids that a client gives it.

    What a stream reads by itself takes nothing from the program, which may ask for the same
    before it or after: each answer is there once for the program, and once for its streams.

    Usable from several threads.  ``name`` is that of the recording, for errors.
    """

    def __init__(
        self,
        lines: Iterable[Rest | Unanswered | Withheld],
        clock: ReplayClock,
        name: str,
    ) -> None:
        self._clock = clock
        self._missing = Missing(name)
        self._lock = fork.lock()
        self._aliases = Aliases()
        self._equals = Equals()
        self._exact: dict[Key, deque[Entry]] = defaultdict(deque)
        self._loose: dict[Key, deque[Entry]] = defaultdict(deque)
        self._number = 0
        self._entries: list[Entry] = []
        same: dict[Key, list[Entry]] = defaultdict(list)
        for line in lines:
            self._enter(line)
        # Of requests at once, the last to begin may have been answered first.
        for entry in sorted(self._entries, key=lambda entry: entry.line.began):
            self._index(entry, same)
        self._commands = InTime([x for x in self._entries if x.line.method == "POST"])
        self._moments = Moments(same)

    @property
    def requests(self) -> Iterator[_Recorded]:
        """What was asked, in order."""
        return (entry.line for entry in self._entries)

    @property
    def writes(self) -> list[Entry]:
        """What was asked for that is no read, in the order in which it was sent."""
        found = (entry for entry in self._entries if entry.line.method != "GET")
        return sorted(found, key=lambda entry: entry.began)

    @property
    def played(self) -> Iterator[_Recorded]:
        """What the program was given, in the order in which it was recorded."""
        return (entry.line for entry in self._entries if entry.is_played)

    @property
    def unplayed(self) -> list[str]:
        """Method and path of what was recorded and not asked for yet."""
        left = (entry.line for entry in self._entries if not entry.is_played)
        return [f"{line.method} {line.path}" for line in left]

    def has(self, request: Request) -> bool:
        """Whether just this was asked for, whether or not it was given already."""
        key = _asked(request)
        return self._missing.has(key)

    def answer(self, request: Request) -> Response:
        """Answer as the venue did, or fail as the network did.

        Raises `NotRecorded`, and the `NetworkError` that was recorded.
        """
        key = _asked(request)
        with self._lock:
            ids = given_ids(request.body)
            entry = self._taken(self._next(key, ids), key, request)
        self._clock.answered(began=entry.line.began, at=entry.line.at)
        return self.told(entry)

    def claim(
        self,
        request: Request,
        within: tuple[int, int] | None = None,
        *,
        since: int | None = None,
        is_shared: bool = False,
    ) -> Entry:
        """Take what was recorded of a request, while streams are replayed beside it.

        That is the next one from now on, else the last one before.  ``within`` is how many
        nanoseconds before and after now it may have begun: so a command gets no answer of
        another moment.  It is decided a little later than it was then where a timer rings
        later, so that one before now is taken if it is nearer and no stream has read it.
        ``since`` is a moment of `ReplayClock.wall` that stands for now, where the program
        has waited for as long as was drawn by lot.  ``is_shared`` takes what was asked
        within that time though it was given already.  Raises `NotRecorded`.
        """
        key = _asked(request)
        ids = given_ids(request.body)
        with self._lock:
            now = self._clock.wall if since is None else since
            entry = self._choice(key, ids, now, within)
            if entry is None and within is not None and is_shared:
                entry = self._moments.nearest(key, now, within)
                if entry is not None:
                    entry.is_shared = True
            if entry is None and within is not None:
                raise self._missing.now(key, request)
            return self._taken(entry, key, request)

    def promise(
        self,
        request: Request,
        within: tuple[int, int] | None = None,
        *,
        is_timed: bool = True,
    ) -> bytes | None:
        """What was sent by whoever placed the orders that `claim` is about to be asked for.

        So they can be those very orders, and no others are given their answer.  None where
        there is none, or it is known already which these are.  ``within`` as of `claim`;
        what is not ``is_timed`` is about to be asked of `answer`.
        """
        key, ids = _asked(request), given_ids(request.body)
        with self._lock:
            if self._equals.knows(ids):
                return None
            if is_timed:
                entry = self._choice(key, ids, self._clock.wall, within)
            else:
                entry = self._next(key, ids)
            if entry is None:
                return None
            self._equals.promise(entry.ids)
            return entry.line.request.data

    def release(self, ids: Iterable[str]) -> bool:
        """Orders with these ids were not sent: what was promised them is anybody's again.

        Whether anything was, and had not been asked for.
        """
        with self._lock:
            return self._equals.release(ids)

    def overhear(self, request: Request, within: tuple[int, int]) -> Entry:
        """As `claim`, for what a stream reads by itself; the program is given it as well."""
        key = _asked(request)
        with self._lock:
            entry = self._moments.news(key, self._clock.wall, within)
            if entry is None:
                raise self._missing.now(key, request)
            entry.is_overheard = True
            return entry

    def changing(self, order_id: str, within: tuple[int, int]) -> Entry | None:
        """What first changed an order about now and was not given yet, as of `claim`."""
        own, (before, after) = order_id.encode(), within
        with self._lock:
            now = self._clock.wall
            some = (*self._commands.sooner(now), *self._commands.later(now))
            found = (
                x
                for x in some
                if now - before <= x.began <= now + after
                and (own in x.line.path.encode() or own in x.line.request.data)
            )
            return min(found, key=lambda entry: entry.began, default=None)

    def is_left(
        self, request: Request, since: int | None, within: tuple[int, int]
    ) -> bool:
        """Whether there is what was not given yet, as of `claim`."""
        return self.ahead(request, since, within) is not None

    def ahead(
        self, request: Request, since: int | None, within: tuple[int, int]
    ) -> Entry | None:
        """What `claim` would give of what was not given yet."""
        key, ids = _asked(request), given_ids(request.body)
        with self._lock:
            now = self._clock.wall if since is None else since
            return self._choice(key, ids, now, within)

    def nearest(self, request: Request, *, since: int | None = None) -> str:
        """What is nearest to a request that is not there, in words that end a sentence.

        ``since`` as of `claim`: the same may be there at another moment.
        """
        key = _asked(request)
        with self._lock:
            now = self._clock.wall if since is None else since
            return self._moments.another(key, now) or self._missing.nearest(key)

    def told(self, entry: Entry) -> Response:
        """What was answered; raises the `NetworkError` that was recorded."""
        line = entry.line
        if isinstance(line, Unanswered):
            raise _failure(line)
        body = self.aliased(line.body.data)
        return Response(line.status, line.headers, body, line.elapsed / _SECOND)

    def aliased(self, told: bytes) -> bytes:
        """What the venue told, with the client order ids of the program."""
        with self._lock:
            return self._aliases.apply(told)

    def alias(self, client_order_id: str | None) -> str | None:
        """The client order id of the program in place of one that was recorded."""
        with self._lock:
            return client_order_id and self._aliases.of(client_order_id)

    def placing(
        self,
        order_id: str,
        client_order_id: str | None,
        late: int,
        *,
        is_new: bool = True,
    ) -> Entry | None:
        """What placed an order not longer ago than that, if the program has not done so yet.

        Where no answer tells, as one was lost, it is the first that has the order's client
        id; where no such id is told either, of one that ``is_new`` the first of which nobody
        knew what it placed.
        """
        own: Entry | None = None
        lost: Entry | None = None
        with self._lock:
            for entry in self._commands.sooner(self._clock.wall + _JITTER):
                if entry.began < self._clock.wall - late:
                    break
                if places(entry.line, order_id.encode()):
                    return entry
                if client_order_id in entry.ids:
                    own = entry
                elif entry.ids and is_unclear(entry.line):
                    lost = entry
            if client_order_id is None:
                return lost if is_new else None
            return None if self._equals.is_used(client_order_id) else own

    def _taken(self, entry: Entry | None, key: Key, request: Request) -> Entry:
        if entry is None:
            raise self._missing.at_all(key, request)
        entry.is_played = True
        if request.body:
            self._aliases.learn(entry.line.request.data, request.body)
            if entry.ids:
                self._equals.learn(entry, given_ids(request.body))
        return entry

    def _enter(self, line: Rest | Unanswered | Withheld) -> None:
        if isinstance(line, Withheld):
            self._missing.withhold(line.about)
            return
        self._number += 1
        if isinstance(line, Unanswered) and not _is_of_network(line.error):
            # Such as a call that the program itself has given up.
            return
        key = key_of(line.method, line.host + line.path, line.query, line.request.data)
        ids = given_ids(line.request.data)
        self._entries.append(Entry(key, line, self._number, ids))
        self._missing.add(key)

    def _index(self, entry: Entry, same: dict[Key, list[Entry]]) -> None:
        key = entry.key
        if entry.ids:
            self._equals.add(entry)
        self._exact[key].append(entry)
        same[key].append(entry)
        if (loose := loosened(key)) is not key:
            self._loose[loose].append(entry)
            same[loose].append(entry)

    def _next(self, key: Key, ids: tuple[str, ...]) -> Entry | None:
        if ids and (found := next(self._equals.same(key, ids), None)):
            return found
        entries = self._exact.get(key)
        # What another index has handed out is passed over, once.
        while entries and entries[0].is_played:
            entries.popleft()
        if entries and ids:
            left = (x for x in islice(entries, _LOOKED_AT) if not x.is_played)
            return next((x for x in left if self._equals.is_free(x, ids)), None)
        if entries:
            return entries[0]
        loose = loosened(key)
        return None if loose is key else self._moved(key, self._loose.get(loose))

    def _moved(self, key: Key, entries: deque[Entry] | None) -> Entry | None:
        """The next of those whose bounds have moved with the clock."""
        while entries and entries[0].is_played:
            entries.popleft()
        now = self._clock.now()
        for entry in islice(entries or (), _LOOKED_AT):
            seconds = round(now - entry.line.began / _SECOND)
            if not entry.is_played and has_moved(key, entry.key, seconds):
                return entry
        return None

    def _choice(
        self,
        key: Key,
        ids: tuple[str, ...],
        now: int,
        within: tuple[int, int] | None,
    ) -> Entry | None:
        """Which of those that ask for the same is the one of now."""
        if ids:
            return self._own(key, ids, now, within)
        return self._moments.left(key, now, within)

    def _own(
        self,
        key: Key,
        ids: tuple[str, ...],
        now: int,
        within: tuple[int, int] | None,
    ) -> Entry | None:
        """What was recorded of these very orders, else of none that is known."""
        entry = fitting(self._equals.same(key, ids), key, key, now, within)
        if entry is None:
            is_free = partial(self._equals.is_free, ids=ids)
            entry = self._moments.left(key, now, within, is_free)
            if entry is not None:
                # Of one that was sent again, as sent first.
                copies = self._equals.copies(entry)
                entry = fitting(copies, key, key, now, within) or entry
        return entry


def _asked(request: Request) -> Key:
    return key_of(request.method, request.url, request.query, request.body or b"")


def _is_of_network(name: str) -> bool:
    kind = getattr(errors, name, None)
    return isinstance(kind, type) and issubclass(kind, NetworkError)


def _failure(line: Unanswered) -> NetworkError:
    kind: type[NetworkError] = getattr(errors, line.error)
    return kind(
        line.reason, sent=line.sent, request=f"{line.method} {line.host}{line.path}"
    )
