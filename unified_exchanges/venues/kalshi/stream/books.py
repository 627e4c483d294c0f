"""The books of one connection: which are whole, and which wait for a snapshot."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Collection, Iterable, Iterator
from itertools import islice
from typing import Final

from ....streams.freshness import Listener
from ....streams.live import LiveBook
from .requests import Requests

__all__ = ["Books", "Market"]

WINDOW: Final = 1_000
"""Snapshots that may be awaited at once: they come in one burst."""

BATCH: Final = 250
"""Snapshots asked for in one command."""

_PARDONS: Final = 2
"""Connections that may be given up for a book that was there before and does not come."""


_MOST_BARREN: Final = 5
"""Connections without a snapshot after which the next is not given longer still."""


class Market(LiveBook):
    """The book of a market and where it stands.

    ``is_held``: the venue said that it sends it, and was not told to stop since.
    ``is_early``: a snapshot came while it was not, after which no change may follow.
    """

    __slots__ = ("is_early", "is_held", "sequence")

    def __init__(self, listener: Listener) -> None:
        super().__init__(listener)
        self.is_held = False
        self.is_early = False
        self.sequence = 0

    def make_whole(self) -> None:
        """A snapshot was loaded: it is whole, and what was read before is no more."""
        super().make_whole()
        self.is_held = True


class Books:
    """All markets that are followed, and the snapshots that are due.

    Nothing here looks at every market but a gap, a new connection and `stale`.
    """

    def __init__(self, listener: Listener) -> None:
        self.markets: dict[str, Market] = {}
        self.loaded = 0
        """Snapshots that this connection brought."""
        self.requests = Requests()
        self._listener = listener
        self._wanted: dict[str, None] = {}
        self._apart: deque[tuple[str, ...]] = deque()
        # Ordered: the first of a dictionary is slow to find where many were taken out.
        self._awaited: OrderedDict[str, float] = OrderedDict()
        self._missed: dict[str, int] = {}
        self._forgiven: dict[str, int] = {}
        self._asked_again: dict[str, int] = {}
        """How often snapshots that did not come on this connection were asked for."""
        self.barren = 0
        """Connections in a row that brought none, though it was asked for again."""

    # -- which markets --------------------------------------------------------------

    def open(self, market_ids: Iterable[str]) -> None:
        """Markets that are followed from now on."""
        for market_id in market_ids:
            if market_id not in self.markets:
                self.markets[market_id] = Market(self._listener)

    def close(self, market_ids: Iterable[str]) -> None:
        """Markets that nobody follows: apply nothing more, remember that they are held."""
        for market_id in market_ids:
            market = self.markets[market_id]
            market.spoil()
            self._drop(market_id)

    def remove(self, market_ids: Iterable[str]) -> None:
        """Markets that the venue sends no more, or never did."""
        for market_id in market_ids:
            market = self.markets.pop(market_id, None)
            if market is not None:
                market.spoil()
            self._drop(market_id)

    def _drop(self, market_id: str) -> None:
        """Its snapshot is of no interest any more."""
        self._wanted.pop(market_id, None)
        self._missed.pop(market_id, None)
        self._forgiven.pop(market_id, None)
        self._await_no_more(market_id)

    def _await_no_more(self, market_id: str) -> None:
        self._awaited.pop(market_id, None)
        self.requests.forget(market_id)

    def forget(self, market_ids: Collection[str]) -> list[str]:
        """Markets that nobody follows; those among them that the venue sends.

        These are known to be held until they were let go there: they may be followed
        again before that.
        """
        markets = self.markets
        held = [x for x in market_ids if x in markets and markets[x].is_held]
        self.close(held)
        self.remove(set(market_ids).difference(held))
        return held

    def leave(self, market_ids: Iterable[str]) -> None:
        """The venue is told to stop sending these."""
        for market_id in market_ids:
            self.markets[market_id].is_held = False

    def hold(self, market_id: str) -> bool:
        """The venue says that it sends a market; whether its snapshot came too early."""
        market = self.markets[market_id]
        was_early = market.is_early
        market.is_held, market.is_early = True, False
        return was_early

    def stay(self, market_ids: Collection[str]) -> None:
        """The venue did not stop sending these, followed or not."""
        self.open(market_ids)
        for market_id in market_ids:
            self.markets[market_id].is_held = True

    def let_go(self, market_id: str) -> None:
        """A market that the venue stopped to send, though it is wanted again."""
        market = self.markets[market_id]
        market.spoil()
        market.is_held = False
        self._wanted.pop(market_id, None)
        self._await_no_more(market_id)

    # -- doubts ---------------------------------------------------------------------

    def spoil(self, market_id: str) -> None:
        """One book cannot be trusted."""
        self.markets[market_id].spoil()

    def spoil_all(self) -> None:
        """No book can be trusted."""
        for market in self.markets.values():
            market.spoil()

    def want(self, market_ids: Iterable[str]) -> None:
        """Ask for snapshots of these; those on their way are asked for anew."""
        for market_id in market_ids:
            market = self.markets.get(market_id)
            if market is not None and market.is_held:
                self._awaited.pop(market_id, None)
                self._wanted[market_id] = None

    def want_apart(self, *batches: tuple[str, ...]) -> None:
        """Ask for snapshots in just these batches, to find out which is refused."""
        self._apart.extend(batches)

    def want_all(self, *, lost: bool) -> None:
        """Ask for every book; with ``lost`` also for those whose snapshot is on its way.

        What was lost may have been that snapshot; what came twice cannot.
        """
        self.want(
            [x for x in self.markets if lost or x not in self._awaited]
            if self._awaited
            else self.markets
        )

    # -- snapshots ------------------------------------------------------------------

    @property
    def room(self) -> int:
        """How many more may be on their way."""
        return WINDOW - len(self._awaited)

    def due(self) -> Iterator[tuple[str, ...]]:
        """Batches to ask for now."""
        while self._apart and self.room > 0:
            batch = tuple(x for x in self._apart.popleft() if self._is_missing(x))
            for market_id in batch:
                self._wanted.pop(market_id, None)
            if batch:
                yield batch
        while self._wanted and self.room > 0:
            batch = tuple(islice(self._wanted, min(BATCH, self.room)))
            for market_id in batch:
                del self._wanted[market_id]
            yield batch

    def _is_missing(self, market_id: str) -> bool:
        market = self.markets.get(market_id)
        return market is not None and market.is_held and not market.is_live

    @property
    def has_due(self) -> bool:
        """Whether snapshots can be asked for now."""
        return bool(self._wanted or self._apart) and self.room > 0

    def await_no_more(self, market_ids: Iterable[str]) -> None:
        """Snapshots of these were refused."""
        for market_id in market_ids:
            self._awaited.pop(market_id, None)

    def ask(self, number: int, market_ids: tuple[str, ...], deadline: float) -> None:
        """Snapshots of these were asked for, in the command of a number."""
        self.requests.add(number, market_ids)
        self.await_(market_ids, deadline)

    def await_(self, market_ids: Iterable[str], deadline: float) -> None:
        """Snapshots of these are on their way; deadlines only rise."""
        for market_id in market_ids:
            self._awaited.pop(market_id, None)
            self._awaited[market_id] = deadline

    def arrived(self, market_id: str, market: Market) -> None:
        """A snapshot was loaded: the book is whole."""
        market.make_whole()
        self.loaded += 1
        self.barren = 0
        self._drop(market_id)

    @property
    def deadline(self) -> float | None:
        """When the snapshot that is awaited longest is overdue."""
        return next(iter(self._awaited.values()), None)

    def overdue(self, now: float) -> list[str]:
        """Markets whose snapshot did not come in time."""
        found = []
        for market_id, deadline in self._awaited.items():
            if deadline > now:
                break
            found.append(market_id)
        return found

    def miss(self, market_id: str) -> int:
        """Count a snapshot that did not come; how often it did not."""
        self._missed[market_id] = count = self._missed.get(market_id, 0) + 1
        return count

    def ask_again(self, market_ids: Collection[str], times: int) -> bool:
        """Ask once more for snapshots that did not come; False where that was done.

        So many times on each connection: then it may be that which brings nothing.
        """
        asked = self._asked_again
        if any(asked.get(x, 0) >= times for x in market_ids):
            return False
        asked.update({x: asked.get(x, 0) + 1 for x in market_ids})
        self.want(market_ids)
        return True

    def count_anew(self, market_ids: Iterable[str]) -> None:
        """Whether these exist is being found out."""
        for market_id in market_ids:
            self._missed.pop(market_id, None)

    def forgive(self, market_id: str) -> bool:
        """Count anew how often its snapshot does not come, if it ever did come.

        False for one that never came, or that was forgiven on two connections: it may
        have been taken down.
        """
        market = self.markets.get(market_id)
        if market is None or not market.was_loaded:
            return False
        self._forgiven[market_id] = count = self._forgiven.get(market_id, 0) + 1
        self._missed.pop(market_id, None)
        return count <= _PARDONS

    def disconnect(self, followed: Collection[str]) -> None:
        """The subscription is gone: nothing is held, awaited or to be asked for."""
        self._apart.clear()
        self._wanted.clear()
        self._awaited.clear()
        self.requests.clear()
        if self._asked_again and not self.loaded:
            self.barren = min(self.barren + 1, _MOST_BARREN)
        self._asked_again.clear()
        self.loaded = 0
        self.spoil_all()
        for market in self.markets.values():
            market.is_held = market.is_early = False
        self.remove([x for x in self.markets if x not in followed])

    def stale(self) -> int:
        """How many are not whole."""
        return sum(not market.is_live for market in self.markets.values())
