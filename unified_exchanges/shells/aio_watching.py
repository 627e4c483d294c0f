"""The asynchronous ``watch_*``: what `AsyncExchange` has of streams."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Literal, overload

from ..drivers.aio import AsyncDriver
from ..models import (
    Fill,
    FillSettled,
    MarketChange,
    Order,
    OrderBook,
    Position,
    StreamHealth,
    StreamNotice,
    Subject,
    Ticker,
    Trade,
)
from ..streams.health import together
from ..tracking.calls import TrackedCalls
from ..venue import Venue
from ..watching import misuse
from ..watching.aio import AsyncWatch
from ..watching.follower import check_wish
from ..watching.handed import Handed
from ..watching.mailbox import Policy
from ..watching.seat import Wish

if TYPE_CHECKING:
    from ..watching.aio_hub import AsyncHub

__all__ = ["AsyncWatching"]


class AsyncWatching:
    """Follows what happens; all of it over one connection, opened by the first."""

    venue: Venue
    _driver: AsyncDriver
    _calls: TrackedCalls
    _hubs: dict[str, AsyncHub]
    _is_closed: bool

    @overload
    def watch_order_book(
        self,
        market_ids: str | Sequence[str],
        *,
        outcome: str | None = None,
        policy: Policy = "latest",
        events: Literal[False] = False,
    ) -> AsyncWatch[OrderBook]: ...

    @overload
    def watch_order_book(
        self,
        market_ids: str | Sequence[str],
        *,
        outcome: str | None = None,
        policy: Policy = "latest",
        events: bool,
    ) -> AsyncWatch[OrderBook | StreamNotice]: ...

    def watch_order_book(
        self,
        market_ids: str | Sequence[str],
        *,
        outcome: str | None = None,
        policy: Policy = "latest",
        events: bool = False,
    ) -> AsyncWatch[OrderBook] | AsyncWatch[OrderBook | StreamNotice]:
        """Follow the book of one outcome, of one market or of several; default the first (YES).

        First comes the book as it is, then a whole book whenever it changed.  One that
        may have missed a change is never handed out: the next comes when it is whole
        again, and one in hand turns ``stale`` at once.  With the policy ``latest`` a
        book is made when it is taken, so a slow consumer skips states but is never
        behind; ``every`` makes one for each change.  ``events=True`` adds `Gap`,
        `Reconnected` and `Reconciled` in their places.
        """
        return self._watch(
            Subject.ORDER_BOOK, market_ids, outcome, policy=policy, events=events
        )

    @overload
    def watch_ticker(
        self,
        market_ids: str | Sequence[str] | None = None,
        *,
        outcome: str | None = None,
        policy: Policy = "latest",
        events: Literal[False] = False,
    ) -> AsyncWatch[Ticker]: ...

    @overload
    def watch_ticker(
        self,
        market_ids: str | Sequence[str] | None = None,
        *,
        outcome: str | None = None,
        policy: Policy = "latest",
        events: bool,
    ) -> AsyncWatch[Ticker | StreamNotice]: ...

    def watch_ticker(
        self,
        market_ids: str | Sequence[str] | None = None,
        *,
        outcome: str | None = None,
        policy: Policy = "latest",
        events: bool = False,
    ) -> AsyncWatch[Ticker] | AsyncWatch[Ticker | StreamNotice]:
        """Follow best quotes and last trades, of one market or of several.

        First comes the ticker as it is.  ``outcome`` is which outcome they are told
        for, default the first (YES).  See `watch_order_book` for ``policy`` and
        ``events``.
        """
        return self._watch(
            Subject.TICKER, market_ids, outcome, policy=policy, events=events
        )

    @overload
    def watch_trades(
        self,
        market_ids: str | Sequence[str] | None = None,
        *,
        outcome: str | None = None,
        policy: Policy = "every",
        events: Literal[False] = False,
    ) -> AsyncWatch[Trade]: ...

    @overload
    def watch_trades(
        self,
        market_ids: str | Sequence[str] | None = None,
        *,
        outcome: str | None = None,
        policy: Policy = "every",
        events: bool,
    ) -> AsyncWatch[Trade | StreamNotice]: ...

    def watch_trades(
        self,
        market_ids: str | Sequence[str] | None = None,
        *,
        outcome: str | None = None,
        policy: Policy = "every",
        events: bool = False,
    ) -> AsyncWatch[Trade] | AsyncWatch[Trade | StreamNotice]:
        """Follow public trades from now on, of some markets or of all.

        That is once the venue has acknowledged it: `stream_health` says ``live``.
        ``outcome`` is which outcome they are priced for, default the first (YES).  Where each
        has its own book (Polymarket) it picks those of it, and without it come those of
        both, each priced for its own: `Trade.in_first_terms`.  With the policy ``latest``
        there is the last trade of each market.
        """
        return self._watch(
            Subject.TRADES, market_ids, outcome, policy=policy, events=events
        )

    @overload
    def watch_orders(
        self,
        market_ids: str | Sequence[str] | None = None,
        *,
        policy: Policy = "every",
        events: Literal[False] = False,
    ) -> AsyncWatch[Order]: ...

    @overload
    def watch_orders(
        self,
        market_ids: str | Sequence[str] | None = None,
        *,
        policy: Policy = "every",
        events: bool,
    ) -> AsyncWatch[Order | StreamNotice]: ...

    def watch_orders(
        self,
        market_ids: str | Sequence[str] | None = None,
        *,
        policy: Policy = "every",
        events: bool = False,
    ) -> AsyncWatch[Order] | AsyncWatch[Order | StreamNotice]:
        """Follow our orders: first those that are open, then each as it changes.

        Each state comes once, whatever the stream lost or repeated: it is compared with
        REST after every break and every few minutes.  What has filled never falls, and
        what has ended never opens again.  They are said in terms of the first outcome
        (YES): to buy NO comes as to sell YES.  With the policy ``latest`` there is the
        newest state of each.

        One of which a fill fails to settle after it matched (Polymarket) comes again, with
        that in ``failed``, however long ago it ended.
        """
        return self._watch(
            Subject.ORDERS, market_ids, None, policy=policy, events=events
        )

    @overload
    def watch_fills(
        self,
        market_ids: str | Sequence[str] | None = None,
        *,
        policy: Policy = "every",
        events: Literal[False] = False,
    ) -> AsyncWatch[Fill]: ...

    @overload
    def watch_fills(
        self,
        market_ids: str | Sequence[str] | None = None,
        *,
        policy: Policy = "every",
        events: bool,
    ) -> AsyncWatch[Fill | FillSettled | StreamNotice]: ...

    def watch_fills(
        self,
        market_ids: str | Sequence[str] | None = None,
        *,
        policy: Policy = "every",
        events: bool = False,
    ) -> AsyncWatch[Fill] | AsyncWatch[Fill | FillSettled | StreamNotice]:
        """Follow our executions from now on, by the venue's clock, each exactly once.

        Also those of orders that were placed elsewhere.  They are said in terms of the
        first outcome (YES): to buy NO comes as to sell YES.  Fills are never folded,
        whatever the policy; a consumer that lets more than ``StreamPolicy.queue`` wait
        gets `StreamOverflow`.

        One that fails to settle after it matched (Polymarket) is taken back by another, of
        negative size.  With ``events`` `FillSettled` tells of each that was pending, or made
        before this began, that it is final or has failed: once, and not to be counted.
        """
        return self._watch(
            Subject.FILLS, market_ids, None, policy=policy, events=events
        )

    @overload
    def watch_positions(
        self,
        market_ids: str | Sequence[str] | None = None,
        *,
        policy: Policy = "latest",
        events: Literal[False] = False,
    ) -> AsyncWatch[Position]: ...

    @overload
    def watch_positions(
        self,
        market_ids: str | Sequence[str] | None = None,
        *,
        policy: Policy = "latest",
        events: bool,
    ) -> AsyncWatch[Position | StreamNotice]: ...

    def watch_positions(
        self,
        market_ids: str | Sequence[str] | None = None,
        *,
        policy: Policy = "latest",
        events: bool = False,
    ) -> AsyncWatch[Position] | AsyncWatch[Position | StreamNotice]:
        """Follow what we hold: first all of it, then each position as it changes.

        Each names the outcome that is held: bought NO comes as a position in ``no``, whose
        size, cost and entry price are those of NO.  One that was closed comes with size 0.
        """
        return self._watch(
            Subject.POSITIONS, market_ids, None, policy=policy, events=events
        )

    @overload
    def watch_market_status(
        self,
        market_ids: str | Sequence[str] | None = None,
        *,
        policy: Policy = "every",
        events: Literal[False] = False,
    ) -> AsyncWatch[MarketChange]: ...

    @overload
    def watch_market_status(
        self,
        market_ids: str | Sequence[str] | None = None,
        *,
        policy: Policy = "every",
        events: bool,
    ) -> AsyncWatch[MarketChange | StreamNotice]: ...

    def watch_market_status(
        self,
        market_ids: str | Sequence[str] | None = None,
        *,
        policy: Policy = "every",
        events: bool = False,
    ) -> AsyncWatch[MarketChange] | AsyncWatch[MarketChange | StreamNotice]:
        """Follow markets as they open, pause, close and settle, or change times or grid."""
        return self._watch(
            Subject.MARKET_STATUS, market_ids, None, policy=policy, events=events
        )

    async def unwatch(self, market_ids: str | Sequence[str] | None = None) -> None:
        """End every watch of some markets, or all watches there are.

        What waits for their consumers is still delivered.  Whoever follows all markets
        goes on, unless all watches end.
        """
        if self._hubs:
            ids = self.venue.read_watch(market_ids, None)[0]
            for hub in self._hubs.values():
                hub.drop(ids)

    def stream_health(self) -> StreamHealth:
        """Connections, messages, gaps and what came of them, since the first watch."""
        return together([hub.health() for hub in self._hubs.values()])

    def hearing(
        self, subject: Subject, market_ids: Sequence[str], hear: Callable[[Any], None]
    ) -> Handed:
        """Have somebody called with all that is told, and gaps, in the order of the stream.

        For what goes along with it, such as a run over a recording: ``hear`` is called by
        whoever drives the stream, under its lock, and must not wait.
        """
        self.venue.require_stream(f"watch_{subject}")
        return self._open_hub(subject).feed(subject, market_ids, hear)

    def _watch(
        self,
        subject: Subject,
        market_ids: str | Sequence[str] | None,
        outcome: str | None,
        *,
        policy: Policy,
        events: bool,
    ) -> AsyncWatch[Any]:
        self.venue.require_stream(f"watch_{subject}")
        ids, told = self.venue.read_watch(market_ids, outcome)
        check_wish(subject, ids, policy, events)
        return self._open_hub(subject).watch(Wish(subject, ids, told, policy, events))

    def _open_hub(self, subject: Subject) -> AsyncHub:
        """The line on which a subject is told, made where there is none that lives."""
        if self._is_closed:
            raise misuse.closed()
        line = self.venue.line_of(subject)
        hub = self._hubs.get(line.name)
        if hub is None or not hub.is_usable:
            hears = self._calls.tracker if Subject.ORDERS in line.subjects else None
            hub = _hub_kind(self.venue)(self.venue, self._driver, hears, line=line)
            self._hubs[line.name] = hub
            if Subject.ORDER_BOOK in line.subjects:
                self._calls.show_books(hub.live_book)
        return hub

    async def _close_streams(self) -> None:
        self._is_closed = True
        for hub in list(self._hubs.values()):
            await hub.aclose()


def _hub_kind(venue: Venue) -> type[AsyncHub]:
    # Either loads much that few programs need: a WebSocket, or a replay.
    if venue.taps.is_replay:
        from ..watching.aio_replay_hub import AsyncReplayHub  # noqa: PLC0415

        return AsyncReplayHub
    from ..watching.aio_hub import AsyncHub  # noqa: PLC0415

    return AsyncHub
