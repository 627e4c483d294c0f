"""Orders on paper against the market of a source: exact, without input or output."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Final, TypeAlias

import attrs

from ..errors import BadRequest, MarketNotFound
from ..grid import PriceGrid
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
from .asked import change_of, order_of
from .contract import Contract, Delays
from .execution import Execution, Notice, RefusedChange
from .hours import NEVER
from .orders import PaperOrder
from .pit import Pit
from .register import Register
from .touched import Command

__all__ = ["HEARD", "Command", "Notice", "PaperEngine", "PaperEvent", "RefusedChange"]

PaperEvent: TypeAlias = OrderBook | Trade | MarketChange | Gap
"""What a source tells: whole books, public trades, changes of markets, gaps."""
HEARD: Final[Mapping[Subject, type[PaperEvent]]] = {
    Subject.ORDER_BOOK: OrderBook,
    Subject.TRADES: Trade,
    Subject.MARKET_STATUS: MarketChange,
}
"""What is followed of a market to hear that, and what it tells."""


_DONE = (MarketStatus.CLOSED, MarketStatus.SETTLED)


class _Pits(dict[str, Pit]):
    def __missing__(self, market_id: str) -> Pit:
        known = ", ".join(sorted(self)) or "none"
        message = (
            f"paper: no contract was given for market {market_id!r}; there are: {known}"
        )
        raise MarketNotFound(message, venue="paper")


class PaperEngine(Execution):
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
        super().__init__(_Pits(), Account(self.starting_cash), delays or Delays())
        for contract in contracts:
            self.admit(contract)

    def admit(self, contract: Contract) -> None:
        """Trade one more market from now on; ValueError if it is traded already.

        Raises `NotSupported` for one of which nobody knows what a fill pays.
        """
        given: object = contract
        if not isinstance(given, Contract):
            message = f"contracts must be of the type Contract, and {given!r} is none"
            raise BadRequest(message)
        if contract.market_id in self.pits:
            message = f"market {contract.market_id!r} was given twice"
            raise ValueError(message)
        contract.require_fees()
        self.reopen(contract)

    def reopen(self, contract: Contract) -> None:
        """Trade a market as before, whose fees may not be known yet."""
        status = contract.market.status
        self.pits[contract.market_id] = Pit(
            contract=contract, status=status, touched=self.touched
        )
        self.touched.markets.add(contract.market_id)

    def renew(self, contract: Contract) -> None:
        """Trade a market by what is known of it now; what it does is told by a change."""
        self.pits[contract.market_id].contract = contract
        self.reserves.note(self.pits[contract.market_id])
        self.touched.markets.add(contract.market_id)

    def abandon(self, market_id: str) -> None:
        """Trade a market no more of which nothing can be known: its orders are canceled.

        What is held of it stays, and pays if a change tells what.  No time passes: what is
        due by now might want to know its fees.
        """
        pit = self.pits[market_id]
        pit.lose()
        pit.status = MarketStatus.UNKNOWN
        self.touched.markets.add(market_id)
        self._clear(pit)

    # -- what the source tells ---------------------------------------------------------

    def receive(self, moment: int, event: PaperEvent) -> None:
        """Take an event of the source, after the commands that came before it."""
        self._until(moment)
        if isinstance(event, Gap):
            for market_id in event.market_ids or tuple(self.pits):
                pit = self.pits.get(market_id)
                # Of another outcome's book nothing was taken.
                if pit is not None and event.outcome in (None, pit.outcome):
                    pit.lose()
            return
        pit = self.pits[event.market_id]
        if isinstance(event, MarketChange):
            self._change(pit, event)
        elif not pit.follows(event.outcome):
            return
        elif isinstance(event, Trade):
            if pit.status is MarketStatus.OPEN:
                pit.note(event, moment)
                self._fill_resting(pit, pit.traded(event))
        else:
            pit.renew(event)
            if pit.orders and pit.status is MarketStatus.OPEN and pit.known is not None:
                self._fill_resting(pit, pit.reached())
                self._see(pit)

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
            coming = self.commands[0][:2] if self.commands else (NEVER, 0)
            closing = self.hours.due
            if min(coming, (closing, 0)) > (moment, turn):
                break
            if closing <= coming[0]:
                self._close(closing)
            else:
                self._execute(heapq.heappop(self.commands))
        self._pass(moment)

    def _change(self, pit: Pit, change: MarketChange) -> None:
        self.touched.markets.add(change.market_id)
        is_paid = pit.status is MarketStatus.SETTLED and pit.value is not None
        if change.value is not None and not is_paid:
            # What was paid stands.  A value told only after the end is paid now.
            pit.value = change.value
            self._settle_if_known(pit)
        if change.grid is not None:
            pit.contract = _regridded(pit.contract, change.grid)
        if change.closes_at is not None:
            self._close_at(pit, change.closes_at)
        if change.status is None or change.status is MarketStatus.UNKNOWN:
            return
        if pit.status is MarketStatus.SETTLED:
            return
        pit.status = change.status
        if change.status is MarketStatus.OPEN and not pit.trades_at(self.moment):
            # It trades though its close has passed: when it closes is not known.
            self._close_at(pit, None)
        if pit.status in _DONE:
            self._clear(pit)
        self._settle_if_known(pit)

    def _close_at(self, pit: Pit, closes: datetime | None) -> None:
        market = attrs.evolve(pit.contract.market, closes_at=closes)
        pit.contract = attrs.evolve(pit.contract, market=market)
        if pit.orders:
            self.hours.note(pit)

    def _close(self, moment: int) -> None:
        """Close the markets whose time it is, as nobody tells of that."""
        self._pass(moment)
        for market_id in self.hours.closed(moment):
            pit = self.pits[market_id]
            pit.status = pit.status_at(moment)
            self.touched.markets.add(market_id)
            if pit.status in _DONE:
                self._clear(pit)

    def _settle_if_known(self, pit: Pit) -> None:
        if pit.status is MarketStatus.SETTLED and pit.value is not None:
            paid = self.account.settle(pit.contract, pit.value, self.moment)
            if paid is not None:
                self._notices.append((self.moment, paid))

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
        expires_at: datetime | None = None,
        client_order_id: str | None = None,
        minimum_size: Decimal | None = None,
    ) -> str:
        """Send an order; gives its order id at once, as it arrives only later.

        ``price`` is dollars for ``outcome``, ``size`` contracts.  What is not on the grid
        or the lot raises here, as with the client of a venue; what the venue would refuse
        is told as an order with status ``rejected``.  ``minimum_size`` is for venues that
        want less of some orders than the market's.
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
            expires_at=expires_at,
            client_order_id=client_order_id,
            minimum_size=minimum_size,
        )
        self.turn += 1
        self.orders.enter(order)
        self._send(moment, "place", order.number)
        return order.order_id

    def cancel(self, moment: int, order_id: str) -> None:
        """Send a cancel, by order id or client order id; what filled till then stays."""
        self._until(moment)
        self._send(moment, "cancel", self.find(order_id).number)

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
        not trade, cash does not suffice, ``post_only`` would cross, or as much has filled.
        The order then stays as it was.
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
            self.commands.remove(command)
            # It may have been written down all the same.
            self.touched.commands[own] = None
            if verb == "place":
                self._drop(self.orders[number])
        heapq.heapify(self.commands)

    # -- what there is -----------------------------------------------------------------

    @property
    def due(self) -> int | None:
        """When the next command takes effect, or a market closes in which orders rest.

        None if nothing is planned.
        """
        due = min(self.hours.due, self.commands[0][0] if self.commands else NEVER)
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
        commands: list[Command],
    ) -> None:
        """Go on from what another engine was, as it was kept; its pits follow."""
        self.moment, self.turn, self.fill_count = moment, turn, fill_count
        self.orders = Register(orders)
        self.commands = commands

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
        """An order by its order id or client order id; raises `OrderNotFound`."""
        return self.orders.find(order_id)

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


def _regridded(contract: Contract, grid: PriceGrid) -> Contract:
    market = attrs.evolve(contract.market, grid=grid)
    return attrs.evolve(contract, market=market)
