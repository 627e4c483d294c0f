"""Orders on paper against the market of a source: exact, without input or output."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Final, TypeAlias

from ..errors import BadRequest
from ..models import (
    Gap,
    MarketChange,
    MarketStatus,
    Order,
    OrderBook,
    OrderStatus,
    Position,
    Side,
    Subject,
    TimeInForce,
    Trade,
)
from ..money import ZERO, Number, read_number
from .account import Account
from .contract import Contract, Delays
from .execution import Notice, RefusedChange
from .hours import NEVER
from .lifecycle import Lifecycle, Pits
from .order_entry import change_of, order_of
from .orders import PaperOrder
from .own import OwnTake
from .pit import Pit
from .refusals import Pause
from .register import Register
from .schedule import Schedule
from .touched import Command

__all__ = ["HEARD", "Command", "Notice", "PaperEngine", "PaperEvent", "RefusedChange"]

PaperEvent: TypeAlias = OrderBook | Trade | MarketChange | Gap | OwnTake
"""What a source tells: whole books, public trades, changes of markets, gaps; and what the
account took that was recorded, if one was."""
HEARD: Final[Mapping[Subject, type[PaperEvent]]] = {
    Subject.ORDER_BOOK: OrderBook,
    Subject.TRADES: Trade,
    Subject.MARKET_STATUS: MarketChange,
}
"""What is followed of a market to hear that, and what it tells."""


class PaperEngine(Lifecycle):
    """A venue on paper: orders of one account against books and trades of a source.

    Moments are nanoseconds since 1970 and never go back.  `receive` takes what the source
    tells, `place`, `amend` and `cancel` what the account wants: they take effect
    ``delays.order`` later, after everything received by then, which `advance` sees to where
    nothing is received.  `notices` gives what became of it.  The rules of filling are
    those of `Pit`; nothing ever fills at a price that the source did not offer.

    Fees of fills in pieces are rounded up by each piece, as the venue may: by those
    fractions, and nothing else, cash may go below zero.
    """

    def __init__(
        self,
        contracts: Iterable[Contract],
        *,
        cash: Number,
        delays: Delays | None = None,
    ) -> None:
        self.starting_cash = _cash(cash)
        given: object = delays
        if not isinstance(given, Delays | None):
            message = f"delays must be Delays(order=…, event=…) or None, not {given!r}"
            raise BadRequest(message)
        super().__init__(Pits(), Account(self.starting_cash), delays or Delays())
        for contract in contracts:
            self.admit(contract)

    # -- what the source tells ---------------------------------------------------------

    def receive(self, moment: int, event: PaperEvent) -> None:
        """Take an event of the source, after the commands that came before it."""
        self._until(moment)
        if isinstance(event, Gap):
            self._lose(event)
            return
        pit = self.pits[event.market_id]
        if isinstance(event, MarketChange):
            self._change(pit, event)
        elif isinstance(event, OwnTake):
            pit.hear_own(event, moment)
        elif isinstance(event, Trade):
            if pit.counts(event.outcome):
                # It has happened, whatever was told of the market: it may open by the clock.
                others = pit.note(event, moment)
                if others is not None and pit.status is MarketStatus.OPEN:
                    self._fill_resting(pit, pit.traded(others))
        elif pit.follows(event.outcome):
            pit.renew(event)
            self._meet(pit)

    def pause(self, moment: int, market_id: str, pause: Pause | None) -> None:
        """Take that trading pauses around a market, or does no more.

        Until then nothing is placed or changed there, and no book fills what rests.  A trade
        does: it happened while trading went on.
        """
        self._until(moment)
        pit = self.pits[market_id]
        if pit.pause != pause:
            pit.pause = pause
            self._meet(pit)

    def _lose(self, gap: Gap) -> None:
        # Of missed trades and statuses nothing is known; the book shows what it did.
        if not gap.is_of_books:
            return
        for market_id in gap.market_ids or tuple(self.pits):
            pit = self.pits.get(market_id)
            # Of another outcome's book nothing was taken.
            if pit is not None and gap.outcome in (None, pit.outcome):
                pit.lose()

    def advance(self, moment: int) -> None:
        """Let time pass: commands that arrive by this moment take effect."""
        self._pass_to(moment, NEVER)

    def land(self, moment: int, turn: int) -> None:
        """Let take effect what arrives before a moment, and then up to a turn of sending."""
        self._pass_to(moment, turn)

    def _until(self, moment: int) -> None:
        self._pass_to(moment, -1)

    def _pass_to(self, moment: int, turn: int) -> None:
        """Let everything happen that is due by a turn of a moment; first, markets close."""
        while True:
            command = self.commands.first
            coming = (NEVER, 0) if command is None else command[:2]
            closing = self.hours.due
            if min(coming, (closing, 0)) > (moment, turn):
                break
            if command is None or closing <= coming[0]:
                self._close(closing)
            else:
                self.commands.drop(command)
                self._execute(command)
        self._pass(moment)

    # -- what the account wants --------------------------------------------------------

    def place(
        self,
        moment: int,
        market_id: str,
        outcome: str,
        side: Side | str,
        price: Number,
        size: Number,
        *,
        time_in_force: TimeInForce | str = TimeInForce.GTC,
        post_only: bool = False,
        reduce_only: bool = False,
        expires_at: datetime | None = None,
        client_order_id: str | None = None,
        minimum_size: Decimal | None = None,
    ) -> str:
        """Send an order; gives its order id at once, as it arrives only later.

        ``price`` is dollars for ``outcome``, ``size`` contracts.  What is not on the grid
        or the lot raises here, as with the client of a venue; what the venue would refuse
        is told as an order with status ``rejected``.  ``minimum_size`` is for venues that
        want less of some orders than the market's.  ``reduce_only`` closes at most what is
        held on its arrival, and is canceled for the rest.
        """
        self._until(moment)
        order = order_of(
            self.pits[market_id].contract,
            outcome,
            side,
            price,
            size,
            number=self.turn + 1,
            moment=moment,
            time_in_force=time_in_force,
            post_only=post_only,
            reduce_only=reduce_only,
            expires_at=expires_at,
            client_order_id=client_order_id,
            minimum_size=minimum_size,
        )
        self.turn += 1
        self.orders.enter(order)
        self._send(moment, "place", order.number)
        return order.order_id

    def cancel(self, moment: int, order_id: str) -> int:
        """Send a cancel; what filled till then stays.

        Gives its turn, by which a `RefusedChange` names it, if it arrives while the whole
        venue is paused.
        """
        self._until(moment)
        self._send(moment, "cancel", self.find(order_id).number)
        return self.turn

    def amend(
        self,
        moment: int,
        order_id: str,
        *,
        price: Number | None = None,
        size: Number | None = None,
    ) -> int:
        """Send a new price for the order's outcome, or a new total size, filled included.

        Only a smaller size at the same price keeps the place in the queue.  Gives its turn,
        by which a `RefusedChange` names it, if it is refused when it arrives: the market does
        not trade, cash does not suffice, ``post_only`` would cross, as much has filled, or the
        order is over by then.  It then stays as it was.
        """
        self._until(moment)
        order = self.find(order_id)
        contract = self.pits[order.market_id].contract
        asked, contracts = change_of(contract, order, price, size)
        self._send(moment, "amend", order.number, asked, contracts)
        return self.turn

    def _send(
        self,
        moment: int,
        verb: str,
        number: int,
        price: Decimal | None = None,
        size: Decimal | None = None,
    ) -> None:
        self._schedule(moment + self.delays.order, verb, number, price, size)

    def withdraw(self, turn: int) -> None:
        """Make undone what was sent after a turn, and has not arrived."""
        sent = [x for x in self.commands if x[1] > turn and x[2] != "expire"]
        for command in sent:
            _, own, verb, number, *_ = command
            self.commands.drop(command)
            # It may have been written down all the same.
            self.touched.commands[own] = None
            if verb == "place":
                self._drop(self.orders[number])

    def hold(self, turn: int, market_ids: Collection[str]) -> frozenset[int]:
        """Let what was sent after a turn, in some markets, wait for `release`; gives its turns.

        Time passes by it: so it meets what is received until then.
        """
        held = frozenset(
            own
            for _, own, verb, number, *_ in self.commands
            if own > turn
            and verb != "expire"
            and self.orders[number].market_id in market_ids
        )
        self.commands.hold(held)
        return held

    def release(self, moment: int, turns: Collection[int]) -> None:
        """Let what was held arrive now, or when it is due if that is later."""
        # Not touched: what is written down of it stays true until it has taken effect.
        self.commands.release(moment, turns)

    # -- what there is -----------------------------------------------------------------

    @property
    def due(self) -> int | None:
        """When the next command takes effect, or a market closes in which orders rest.

        None if nothing is planned.
        """
        command = self.commands.first
        due = min(self.hours.due, NEVER if command is None else command[0])
        return None if due == NEVER else due

    def notices(self) -> list[tuple[int, Notice]]:
        """What the venue told since the last call, and when, oldest first."""
        told, self._notices = self._notices, []
        return told

    @property
    def untold(self) -> int:
        """How many notices nobody took yet."""
        return len(self._notices)

    def resume(
        self,
        *,
        moment: int,
        turn: int,
        fill_count: int,
        orders: Iterable[PaperOrder],
        commands: Iterable[Command],
    ) -> None:
        """Go on from what another engine was, as it was kept; its pits follow."""
        self.moment, self.turn, self.fill_count = moment, turn, fill_count
        self.orders = Register(orders)
        self.commands = Schedule(commands)

    def forget(self, order_id: str) -> None:
        """Leave no trace of an order that was rejected: its client order id is free."""
        order = self.find(order_id)
        if order.status is not OrderStatus.REJECTED:
            message = (
                f"order {order_id} is {order.status}, and only rejected are forgotten"
            )
            raise ValueError(message)
        self._drop(order)

    def _drop(self, order: PaperOrder) -> None:
        self.orders.strike(order)
        self.touched.orders.add(order.number)

    def find(self, order_id: str) -> PaperOrder:
        """An order by its order id; raises `OrderNotFound`."""
        return self.orders.find(order_id)

    def find_client(self, client_order_id: str) -> PaperOrder:
        """An order by its client order id; raises `OrderNotFound`."""
        return self.orders.find_client(client_order_id)

    def order(self, order_id: str) -> Order:
        """The order as it is at the venue now."""
        return self._told(self.find(order_id))

    def open_orders(self) -> list[Order]:
        """The orders that rest, oldest first."""
        resting = (x for pit in self.pits.values() for x in pit.orders)
        return [self._told(x) for x in sorted(resting, key=lambda x: x.number)]

    def busy_markets(self) -> list[str]:
        """Markets in which orders rest or are on their way."""
        coming = (self.orders[x[3]].market_id for x in self.commands)
        resting = (name for name, pit in self.pits.items() if pit.orders)
        return list(dict.fromkeys([*resting, *coming]))

    def held_markets(self) -> list[str]:
        """Markets of which contracts are held, and that have not been paid out."""
        return [
            name
            for name, pit in self.pits.items()
            if pit.status is not MarketStatus.SETTLED or pit.value is None
            if any(x.size for x in self.account.lots.get(name, {}).values())
        ]

    def positions(self) -> list[Position]:
        """What is held, marked at the best bid of each outcome, or at what it will pay."""
        return [
            position
            for pit in self.pits.values()
            for outcome in pit.contract.market.outcomes
            if (position := self.position(pit, outcome.label)) is not None
        ]

    def position(self, pit: Pit, outcome: str) -> Position | None:
        """The position in one outcome of a market; None if nothing is held."""
        worth = pit.worth(outcome)
        mark = pit.mark(outcome, Side.SELL) if worth is None else worth
        return self.account.position(pit.contract, outcome, mark)

    @property
    def cash(self) -> Decimal:
        """Dollars, what open orders hold back included."""
        return self.account.cash


def _cash(given: Number) -> Decimal:
    try:
        cash = read_number(given)
    except ValueError as error:
        raise BadRequest(f"cash must be a number of dollars: {error}") from error
    if cash < ZERO:
        raise BadRequest(f"cash of {given} dollars is less than nothing")
    return cash
