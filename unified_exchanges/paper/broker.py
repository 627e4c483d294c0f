"""One account on paper, as the calls and the streams of one exchange share it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Generator, Iterable
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal

from .. import fork
from ..errors import OrderNotFound
from ..models import (
    Fill,
    Gap,
    Market,
    MarketChange,
    Order,
    OrderBook,
    OrderStatus,
    Position,
    Trade,
)
from ..money import Number
from .account_events import AccountEvents
from .contract import Contract, Delays
from .departure import Departure, unread_gap
from .engine import PaperEngine
from .kept import Keeper, Kept
from .orders import PaperOrder, at
from .own import OwnTake
from .refusals import PAUSES, Pause
from .session import PaperSession
from .tape import Tape

__all__ = ["PaperBroker", "Refusal"]


class Refusal(Exception):
    """An order was refused on its arrival; the text is why."""


class PaperBroker:
    """An engine with a clock, a lock, and what it told so far.

    ``now`` gives nanoseconds since 1970 by the clock of the source, which may go back: here
    time stands still then, but for what is waited for.  Every method may be called from any
    thread.

    >>> broker = PaperBroker(cash="1000", now=lambda: 1_795_200_000_000_000_000)
    >>> broker.cash, broker.open_orders()
    (Decimal('1000'), [])
    """

    def __init__(
        self,
        *,
        cash: Number,
        delays: Delays | None = None,
        now: Callable[[], int],
        keeper: Keeper | None = None,
    ) -> None:
        self.engine = PaperEngine([], cash=cash, delays=delays)
        self._now = now
        self._is_kept = keeper is not None
        self._leaving: int | None = None
        """The moment at which all leaves that is sent together."""
        self._lock = fork.rlock()
        self.events = AccountEvents(self._lock, keeper)
        self._tapes: dict[str, Tape] = {}

    # -- what the source tells ---------------------------------------------------------

    def has_market(self, market_id: str) -> bool:
        """Whether a market is traded here already."""
        return market_id in self.engine.pits

    def admit(self, contract: Contract) -> None:
        """Trade a market from now on, unless it is."""
        with self._lock:
            if not self.has_market(contract.market_id):
                self.engine.admit(contract)
            self._tape(contract.market_id)

    def market(self, market_id: str) -> Market:
        """A market as it is known by now."""
        return self.engine.pits[market_id].contract.market

    def hear(self, event: object) -> None:
        """Take what the stream of the source tells; what is not of its markets passes.

        That the account cannot be kept is no matter of the market: who asks for the account
        is told, and the market goes on.
        """
        if not isinstance(event, OrderBook | Trade | MarketChange | Gap | OwnTake):
            return
        with self._lock:
            if not isinstance(event, Gap):
                if not self.has_market(event.market_id):
                    return
                if isinstance(event, Trade) and not self._tape(
                    event.market_id
                ).from_stream(event):
                    return
            self.engine.receive(self._moment(), event)
            self.events.tell_if_kept(self.engine)

    def read_trades(self, market_id: str, trades: Iterable[Trade]) -> None:
        """Take trades that were listed, the newest first."""
        with self._lock:
            first = self.engine.pits[market_id].contract.first
            for trade in self._tape(market_id).from_listing(trades):
                # Each is listed once, for the outcome that its taker traded.
                self.engine.receive(self._moment(), trade.in_terms_of(first))
            self.events.tell(self.engine)

    def read_market(self, market: Market) -> None:
        """Take a market that was read: its status, its grid and what it pays."""
        change = MarketChange(
            venue=market.venue,
            market_id=market.market_id,
            change="read",
            status=market.status,
            closes_at=market.closes_at,
            value=market.settlement_price,
            grid=market.grid,
        )
        self.hear(change)

    def renew(self, contract: Contract) -> None:
        """Take all that was read of a market that is traded here already."""
        with self._lock:
            self.engine.renew(contract)
            self.read_market(contract.market)

    def abandon(self, market_id: str) -> None:
        """Trade a market no more of which nothing can be read: see `PaperEngine`."""
        with self._lock:
            self.engine.abandon(market_id)
            self.events.tell(self.engine)

    def pause(
        self,
        pause_of: Callable[[Market], Pause | None],
        market_ids: Iterable[str] | None = None,
    ) -> None:
        """Take whether trading pauses around some markets, or all, by what was read."""
        with self._lock:
            names = tuple(self.engine.pits) if market_ids is None else market_ids
            for market_id in names:
                pit = self.engine.pits[market_id]
                pause = pause_of(pit.contract.market)
                if pause != pit.pause:
                    self.engine.pause(self._moment(), market_id, pause)
            self.events.tell_if_kept(self.engine)

    def require_fees(self, market_id: str) -> None:
        """See to it that it is known what a fill pays: raises `NotSupported`."""
        self.engine.pits[market_id].contract.require_fees()

    def is_streamed(self, market_id: str) -> None:
        """The stream tells of a market now: nothing up to here needs to be read."""
        with self._lock:
            tape = self._tape(market_id)
            tape.streamed = max(tape.streamed, self._moment())

    def since(self, market_id: str) -> datetime:
        """From when on trades of a market are to be listed."""
        return self._tape(market_id).since

    def _tape(self, market_id: str) -> Tape:
        tape = self._tapes.get(market_id)
        if tape is None:
            tape = self._tapes[market_id] = Tape(self._moment())
        return tape

    def busy_markets(self) -> list[str]:
        """Markets in which orders rest or are on their way."""
        with self._lock:
            return self.engine.busy_markets()

    def held_markets(self) -> list[str]:
        """Markets of which contracts are held, and that have not been paid out."""
        with self._lock:
            return self.engine.held_markets()

    # -- what the account wants --------------------------------------------------------

    @contextmanager
    def leaving(self, unread: Collection[str] = ()) -> Generator[Departure, None, None]:
        """What is sent in here leaves at one moment, and is kept before it goes its way.

        Raises what the keeper raises if it cannot be, and what breaks off the sending: then
        nothing of it was sent.  Were time to pass in here, the first would have arrived
        before the last has left, and could not be taken back.

        What goes to markets that are ``unread``, of which no stream tells, waits on its arrival
        for `meet`, which comes once they have been read: the book of its sending is gone.
        """
        departure = Departure(unread=tuple(unread))
        with self._lock:
            self._leaving, turn = self._moment(), self.engine.turn
            try:
                yield departure
                if self._is_kept:
                    self.keep()
                departure.turns = self.engine.hold(turn, departure.unread)
                departure.due = self._leaving + self.engine.delays.order
            except BaseException:
                self.engine.withdraw(turn)
                raise
            finally:
                self._leaving = None

    def meet(self, departure: Departure, unknown: Iterable[str]) -> None:
        """Let what waits for its market to be read meet it; what is ``unknown`` has no book."""
        with self._lock:
            names = tuple(unknown)
            if names:
                self.hear(unread_gap(names, at(self._moment())))
            moment = self._moment()
            departure.due = max(departure.due, moment)
            self.engine.release(moment, departure.turns)

    def place(
        self,
        market_id: str,
        outcome: str,
        side: str,
        price: Number,
        size: Number,
        *,
        client_order_id: str | None = None,
        **how: object,
    ) -> str:
        """Send an order, as `PaperEngine.place`; gives its order id."""
        with self._lock:
            moment = self._moment()
            self._forget_refused(client_order_id)
            order_id = self.engine.place(
                moment,
                market_id,
                outcome,
                side,
                price,
                size,
                client_order_id=client_order_id,
                **how,  # type: ignore[arg-type]  # as it takes them
            )
            # What is on its way arrives by the clock of who follows it.
            self.events.ring()
            return order_id

    def _forget_refused(self, client_order_id: str | None) -> None:
        """Free an id of which nobody could be told that its order was refused."""
        try:
            order = self.engine.find_client(client_order_id or "")
        except OrderNotFound:
            return
        if order.status is OrderStatus.REJECTED:
            self.engine.forget(order.order_id)

    def cancel(self, order_id: str) -> int:
        """Send a cancel; gives the turn by which `changed` asks for it."""
        with self._lock:
            return self.engine.cancel(self._moment(), order_id)

    def amend(self, order_id: str, *, price: Number | None, size: Number | None) -> int:
        """Send a change of an order; gives the turn by which `changed` asks for it."""
        with self._lock:
            return self.engine.amend(self._moment(), order_id, price=price, size=size)

    def changed(self, turn: int) -> None:
        """See to it that nothing was refused when it arrived: raises `Refusal`."""
        with self._lock:
            reason = self.events.refusal(turn)
        if reason is not None:
            raise Refusal(reason)

    def check_trading(self, market_id: str) -> None:
        """Refuse what a market that does not trade now would: raises `Refusal`."""
        with self._lock:
            reason = self.engine.pits[market_id].refusal_at(self._moment())
        if reason is not None:
            raise Refusal(reason)

    def check_canceling(self, market_id: str) -> None:
        """Refuse a cancel while the whole venue is paused: raises `Refusal`."""
        if self.engine.pits[market_id].pause == "venue":
            raise Refusal(PAUSES["venue"])

    def advance(self, *, until: int = 0) -> None:
        """Let time pass up to now, or to a moment that has come whatever the clock shows.

        Who has waited for as long as an order is on its way knows that it has arrived. The
        clock may say otherwise: it is one in floats, and may be set back meanwhile.
        """
        with self._lock:
            self.engine.advance(max(self._moment(), until))
            self.events.tell(self.engine)

    @property
    def turn(self) -> int:
        """Counts what was sent."""
        return self.engine.turn

    def land(self, moment: int, turn: int) -> None:
        """Let take effect what comes before a moment, and of what comes then up to a turn.

        So who is told when each took effect learns of one after another.
        """
        with self._lock:
            self.engine.land(max(moment, self.engine.moment), turn)
            self.events.tell(self.engine)

    def arrived(self, order_id: str) -> Order | None:
        """An order that was sent: None while it is on its way.

        Raises `Refusal`, and forgets it, if it was refused.
        """
        with self._lock:
            order = self.engine.find(order_id)
            if order.status is OrderStatus.REJECTED:
                self.engine.forget(order_id)
                raise Refusal(order.reason)
            return None if order.arrived is None else self.engine.order(order_id)

    # -- what there is -----------------------------------------------------------------

    @property
    def cash(self) -> Decimal:
        """Dollars, what open orders hold back included."""
        return self.engine.cash

    @property
    def available(self) -> Decimal:
        """Dollars that open orders do not hold back."""
        with self._lock:
            return self.engine.available

    def find(self, order_id: str) -> Order | None:
        """An order by its order id; None if there is none, or none yet."""
        return self._found(self.engine.find, order_id)

    def find_client(self, client_order_id: str) -> Order | None:
        """An order by its client order id, likewise."""
        return self._found(self.engine.find_client, client_order_id)

    def _found(self, find: Callable[[str], PaperOrder], name: str) -> Order | None:
        with self._lock:
            try:
                order = find(name)
            except OrderNotFound:
                return None
            return self.engine.order(order.order_id) if _is_there(order) else None

    def orders(self) -> list[Order]:
        """All orders that have arrived, newest first."""
        with self._lock:
            found = [x for x in self.engine.orders.values() if _is_there(x)]
            return [self.engine.order(x.order_id) for x in reversed(found)]

    def open_orders(self) -> list[Order]:
        """The orders that rest, newest first."""
        with self._lock:
            return list(reversed(self.engine.open_orders()))

    def positions(self) -> list[Position]:
        """What is held, marked at the best bid as far as a book is known."""
        with self._lock:
            return self.engine.positions()

    def held(self, market_id: str, outcome: str) -> Decimal:
        """Contracts of an outcome that are held."""
        return self.engine.account.size(market_id, outcome)

    @property
    def due(self) -> int | None:
        """When something happens by itself."""
        return self.engine.due

    def moment(self) -> int:
        """Now, in nanoseconds since 1970; it never goes back."""
        with self._lock:
            return self._moment()

    def _moment(self) -> int:
        now = self._now() if self._leaving is None else self._leaving
        return max(now, self.engine.moment)

    def take(self, session: PaperSession) -> list[Order | Fill]:
        """What a session may be told by now."""
        with self._lock:
            self.advance()
            return session.take(self._moment())

    # -- keeping it --------------------------------------------------------------------

    def keep(self) -> None:
        """Keep what has changed and nobody was told of, such as places in queues."""
        with self._lock:
            self.events.tell(self.engine)
            if self.engine.touched:
                self.events.keep(self.engine)

    def load(self, kept: Kept) -> None:
        """Go on as an account that was kept; its delays are those of now.

        What its books were is not known any more, nor what happened meanwhile.
        """
        with self._lock:
            self.engine = kept.engine
            self.events.load(kept.news)
            self._tapes = {name: Tape(self._moment()) for name in self.engine.pits}


def _is_there(order: PaperOrder) -> bool:
    return order.arrived is not None and order.status is not OrderStatus.REJECTED
