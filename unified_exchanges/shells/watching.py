"""The blocking ``watch_*``: what `Exchange` has of streams."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from threading import Lock
from typing import TYPE_CHECKING, Any, Literal, overload

from ..drivers.blocking import BlockingDriver
from ..drivers.dropped import close_when_dropped
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
from ..watching.blocking import Watch
from ..watching.follower import check_wish
from ..watching.handed import Handed
from ..watching.mailbox import Policy

if TYPE_CHECKING:
    from ..watching.hub import Hub

__all__ = ["Watching"]


class Watching:
    """Follows what happens; all of it over one connection, opened by the first.

    The connection ends with `close`, or once the exchange and all watches were dropped.
    """

    venue: Venue
    _driver: BlockingDriver
    _calls: TrackedCalls
    _hubs: dict[str, Hub]
    _call_off: Callable[[], object] | None
    _is_closed: bool
    _making: Lock

    @overload
    def watch_order_book(
        self,
        market_ids: str | Sequence[str],
        *,
        outcome: str | None = None,
        policy: Policy = "latest",
        events: Literal[False] = False,
    ) -> Watch[OrderBook]: ...

    @overload
    def watch_order_book(
        self,
        market_ids: str | Sequence[str],
        *,
        outcome: str | None = None,
        policy: Policy = "latest",
        events: bool,
    ) -> Watch[OrderBook | StreamNotice]: ...

    def watch_order_book(
        self,
        market_ids: str | Sequence[str],
        *,
        outcome: str | None = None,
        policy: Policy = "latest",
        events: bool = False,
    ) -> Watch[OrderBook] | Watch[OrderBook | StreamNotice]:
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
    ) -> Watch[Ticker]: ...

    @overload
    def watch_ticker(
        self,
        market_ids: str | Sequence[str] | None = None,
        *,
        outcome: str | None = None,
        policy: Policy = "latest",
        events: bool,
    ) -> Watch[Ticker | StreamNotice]: ...

    def watch_ticker(
        self,
        market_ids: str | Sequence[str] | None = None,
        *,
        outcome: str | None = None,
        policy: Policy = "latest",
        events: bool = False,
    ) -> Watch[Ticker] | Watch[Ticker | StreamNotice]:
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
    ) -> Watch[Trade]: ...

    @overload
    def watch_trades(
        self,
        market_ids: str | Sequence[str] | None = None,
        *,
        outcome: str | None = None,
        policy: Policy = "every",
        events: bool,
    ) -> Watch[Trade | StreamNotice]: ...

    def watch_trades(
        self,
        market_ids: str | Sequence[str] | None = None,
        *,
        outcome: str | None = None,
        policy: Policy = "every",
        events: bool = False,
    ) -> Watch[Trade] | Watch[Trade | StreamNotice]:
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
    ) -> Watch[Order]: ...

    @overload
    def watch_orders(
        self,
        market_ids: str | Sequence[str] | None = None,
        *,
        policy: Policy = "every",
        events: bool,
    ) -> Watch[Order | StreamNotice]: ...

    def watch_orders(
        self,
        market_ids: str | Sequence[str] | None = None,
        *,
        policy: Policy = "every",
        events: bool = False,
    ) -> Watch[Order] | Watch[Order | StreamNotice]:
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
    ) -> Watch[Fill]: ...

    @overload
    def watch_fills(
        self,
        market_ids: str | Sequence[str] | None = None,
        *,
        policy: Policy = "every",
        events: bool,
    ) -> Watch[Fill | FillSettled | StreamNotice]: ...

    def watch_fills(
        self,
        market_ids: str | Sequence[str] | None = None,
        *,
        policy: Policy = "every",
        events: bool = False,
    ) -> Watch[Fill] | Watch[Fill | FillSettled | StreamNotice]:
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
    ) -> Watch[Position]: ...

    @overload
    def watch_positions(
        self,
        market_ids: str | Sequence[str] | None = None,
        *,
        policy: Policy = "latest",
        events: bool,
    ) -> Watch[Position | StreamNotice]: ...

    def watch_positions(
        self,
        market_ids: str | Sequence[str] | None = None,
        *,
        policy: Policy = "latest",
        events: bool = False,
    ) -> Watch[Position] | Watch[Position | StreamNotice]:
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
    ) -> Watch[MarketChange]: ...

    @overload
    def watch_market_status(
        self,
        market_ids: str | Sequence[str] | None = None,
        *,
        policy: Policy = "every",
        events: bool,
    ) -> Watch[MarketChange | StreamNotice]: ...

    def watch_market_status(
        self,
        market_ids: str | Sequence[str] | None = None,
        *,
        policy: Policy = "every",
        events: bool = False,
    ) -> Watch[MarketChange] | Watch[MarketChange | StreamNotice]:
        """Follow markets as they open, pause, close and settle, or change times or grid."""
        return self._watch(
            Subject.MARKET_STATUS, market_ids, None, policy=policy, events=events
        )

    def unwatch(self, market_ids: str | Sequence[str] | None = None) -> None:
        """End every watch of some markets, or all watches there are.

        What waits for their consumers is still delivered.  Whoever follows all markets
        goes on, unless all watches end.
        """
        if self._hubs:
            ids = self.venue.read_watch(market_ids, None)[0]
            for hub in list(self._hubs.values()):
                hub.drop(ids)

    def stream_health(self) -> StreamHealth:
        """Connections, messages, gaps and what came of them, since the first watch."""
        return together([hub.health() for hub in list(self._hubs.values())])

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
    ) -> Watch[Any]:
        self.venue.require_stream(f"watch_{subject}")
        ids, told = self.venue.read_watch(market_ids, outcome)
        check_wish(subject, ids, policy, events)
        hub = self._open_hub(subject)
        # Who keeps a watch keeps the exchange: the stream would end beneath it.
        return hub.watch(
            subject, ids, outcome=told, policy=policy, events=events, keeps=self
        )

    def _open_hub(self, subject: Subject) -> Hub:
        """The line on which a subject is told, made where there is none that lives."""
        # Threads that begin together share one stream.
        with self._making:
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
                if self._call_off is None:
                    self._call_off = close_when_dropped(
                        self, partial(_close_all, self._hubs)
                    )
            return hub

    def _close_streams(self) -> None:
        with self._making:
            self._is_closed = True
        _close_all(self._hubs)
        if self._call_off is not None:
            self._call_off()
            self._call_off = None


def _hub_kind(venue: Venue) -> type[Hub]:
    # Either loads much that few programs need: a WebSocket, or a replay.
    if venue.taps.is_replay:
        from ..watching.replay_hub import ReplayHub  # noqa: PLC0415

        return ReplayHub
    from ..watching.hub import Hub  # noqa: PLC0415

    return Hub


def _close_all(hubs: dict[str, Hub]) -> None:
    for hub in list(hubs.values()):
        hub.close()
