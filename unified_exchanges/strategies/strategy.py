"""`Strategy`: what decides, told what happens one thing after another."""

from __future__ import annotations

from collections.abc import Sequence

from ..models import Fill, Gap, MarketChange, Order, OrderBook, Subject, Trade
from .commands import Failure
from .desk import Desk

__all__ = ["Strategy"]


class Strategy:
    """Override what you care for; the same object runs live, on paper and in a backtest.

    ``markets`` are the ids of what it follows, as ``venue:id`` where several exchanges
    are given, live or on paper over that venue.  ``subjects`` is what is told of them:
    ``order_book``, ``trades`` and ``market_status``.  Its own orders and fills are always
    told.  Prices, and books and trades, are of the first outcome (YES); orders and fills
    are of the outcome that was asked for.

    Every method gets the `Desk`, and is called in one thread or loop, never twice at a
    time.  It must not wait: what is asked of the desk is sent while the strategy goes on,
    and what comes of it is told by `on_order`, `on_fill` or `on_failure`.  What a method
    raises ends the run: its open orders are canceled, then it is raised.

    >>> from decimal import Decimal
    >>> class Bidder(Strategy):
    ...     markets = ("RAIN",)
    ...
    ...     def on_book(self, desk: Desk, book: OrderBook) -> None:
    ...         if book.ask and book.ask.price < Decimal("0.20") and not desk.open_orders:
    ...             desk.place(book.market_id, "yes", "buy", book.ask.price, 10)
    """

    markets: Sequence[str] = ()
    subjects: Sequence[Subject | str] = (Subject.ORDER_BOOK,)

    def on_start(self, desk: Desk) -> None:
        """Before anything else."""

    def on_book(self, desk: Desk, book: OrderBook) -> None:
        """A book changed; whoever is slower than the venue skips states, and is told fewer."""

    def on_trade(self, desk: Desk, trade: Trade) -> None:
        """Somebody traded either outcome; told of the first, with the taker's side turned."""

    def on_status(self, desk: Desk, change: MarketChange) -> None:
        """A market opened, paused, closed or settled, or changed its grid."""

    def on_gap(self, desk: Desk, gap: Gap) -> None:
        """Something was missed: books are not known until the next one comes."""

    def on_order(self, desk: Desk, order: Order) -> None:
        """An order of this run is other than before; ``client_order_id`` is its key.

        The fills that it counts were told before, unless a note of the run says otherwise.
        """

    def on_fill(self, desk: Desk, fill: Fill) -> None:
        """An order of this run traded; the desk's cash and positions have it already."""

    def on_failure(self, desk: Desk, failure: Failure) -> None:  # noqa: ARG002
        """A command was refused, or nobody knows what became of it.

        Unless this is overridden the error ends the run: it is never lost.
        """
        raise failure.error

    def on_timer(self, desk: Desk, name: str) -> None:
        """A timer of `Desk.timer` has come due."""

    def on_stop(self, desk: Desk) -> None:
        """After everything else; what is asked of the desk now is refused."""
