"""`Desk`: what a strategy acts through, and what it knows of its account."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Final

import attrs

from ..errors import ArgumentsRequired, BadRequest, NotSupported
from ..execution.sizing import lots_of
from ..models import (
    BUY,
    Fill,
    Liquidity,
    Market,
    MarketChange,
    MarketStatus,
    Order,
    OrderBook,
    Position,
    Settlement,
    Side,
    TimeInForce,
)
from ..money import EXACT, ZERO, Number, text
from ..paper import Contract, at
from ..paper.account import Account
from ..paper.pit import is_crossed
from .commands import Amend, Cancel, Command, Note, Place
from .forecasts import Forecasts, read_probability
from .order_entry import check_terms, read_amount, read_id, read_word, wanted
from .supposed import Supposed
from .timers import NEVER, Timers

__all__ = ["Desk"]

_DONE: Final = 10_000
"""Orders that have ended and can still be asked about."""
_MICROSECOND: Final = timedelta(microseconds=1)


def _nowhere(_: Note) -> None:
    """Only the report has it."""


class Desk:
    """Handed to every method of a `Strategy`.

    Nothing here waits, and nothing is known before it was told: positions and cash are
    what the run began with and what its own fills and settlements made of that.

    ``moment`` is now, in nanoseconds since 1970.
    """

    def __init__(
        self,
        contracts: Iterable[Contract],
        account: Account,
        *,
        book: Callable[[str], OrderBook | None],
        prefix: str = "order",
        keep: int | None = None,
        heard: Callable[[Note], object] = _nowhere,
    ) -> None:
        self.moment = 0
        self.due = NEVER
        """When whoever runs it has to look again: a timer, or 0 for a command."""
        self.outbox: deque[Command] = deque()
        self.decisions: deque[Command] = deque(maxlen=keep)
        self.notes: deque[Note] = deque(maxlen=keep)
        self.counts: Counter[str] = Counter()
        """Of all that was decided and noted, kept or not."""
        self._heard = heard
        self.forecasts = Forecasts()
        self.account = account
        self._supposed = Supposed()
        self.timers = Timers()
        self.is_stopped = False
        self.is_closed = False
        self._contracts = {contract.market_id: contract for contract in contracts}
        self._book = book
        self._prefix = prefix
        self._count = 0
        self._places: dict[str, Place] = {}
        self._orders: dict[str, Order] = {}
        self._open: dict[str, Order] = {}
        self._ended: dict[str, None] = {}
        self._paid: set[str] = set()
        """Markets that were settled."""

    # -- acting ------------------------------------------------------------------------

    def place(
        self,
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
    ) -> str:
        """Ask for an order; gives its key at once, its ``client_order_id``.

        ``price`` is dollars for ``outcome``, ``size`` contracts.  ``reduce_only=True`` says
        that it is to close what is held and no more: no cap of the guards and no price collar
        stops it.  Where the venue, the grid, the guards
        or the money refuses it, `Strategy.on_failure` is told.  Raises `BadRequest` for
        what is no number, side, flag, outcome or market of this run, for an ``expires_at``
        that is no datetime with a time zone, and in `Strategy.on_stop`.  What is asked for
        in answer to what is told while the run ends is in ``report.unsent``.
        """
        market = self.market(market_id)
        check_terms(post_only, reduce_only, expires_at)
        self._count += 1
        place = Place(
            at=self.moment,
            key=f"{self._prefix}-{self._count}",
            market_id=market_id,
            outcome=market.outcome(outcome).label,
            side=read_word(Side, side),
            price=read_amount(price),
            size=read_amount(size),
            time_in_force=read_word(TimeInForce, time_in_force),
            post_only=post_only,
            reduce_only=reduce_only,
            expires_at=expires_at,
        )
        self._ask(place)
        self._places[place.key] = place
        return place.key

    def amend(
        self, key: str, *, price: Number | None = None, size: Number | None = None
    ) -> None:
        """Ask for another price of an order's outcome, or another total size.

        Raises `ArgumentsRequired` for neither, else as `place`.
        """
        self.placed(key)
        if price is None and size is None:
            raise ArgumentsRequired(
                f"nothing to change on {key!r}: give price= or size="
            )
        asked = None if price is None else read_amount(price)
        contracts = None if size is None else read_amount(size)
        self._ask(Amend(at=self.moment, key=key, price=asked, size=contracts))

    def cancel(self, key: str) -> None:
        """Ask for the end of an order; what fills until then stays filled."""
        self.placed(key)
        self._ask(Cancel(at=self.moment, key=key))

    def timer(self, name: str, after: timedelta) -> None:
        """Have `Strategy.on_timer` called once, so much later, with this name.

        In `Strategy.on_timer` that is later than its timer was due, which live rings a moment
        after that: so what asks for the next in each call keeps its beat, unless a call takes
        longer than that.
        Of zero it comes next, after what waits now; where each of 10,000 such is asked for
        in the call of the one before, the last is refused with `BadRequest`.
        """
        if not isinstance(name, str):
            raise wanted("name", name, "a name, which is a text")
        if not isinstance(after, timedelta):
            raise wanted("after", after, "a span of time, timedelta(seconds=5)")
        wait = after // _MICROSECOND * 1_000
        if wait < 0:
            raise BadRequest(f"timer {name!r} would be due {-after} ago")
        self.timers.ask(name, wait, self.moment)
        self.due = min(self.due, self.timers.due)

    def log(self, text: Number) -> None:
        """Write a line, or a number, into the report.

        Other than in a backtest it goes at once to the logger
        ``unified_exchanges.strategies`` as well.
        Raises `BadRequest` for anything else: what is to be read of it, str() says.
        """
        told: object = text
        if not isinstance(told, str | int | float | Decimal):
            raise wanted("text", told, "a text or a number, such as str(it)")
        note = Note(at=self.moment, text=str(text))
        self.notes.append(note)
        self.counts["notes"] += 1
        self._heard(note)

    def forecast(self, market_id: str, outcome: str, probability: Number) -> None:
        """State a probability, to be judged once the market is settled.

        One of a market of which it was told what it pays, or what came true, does not count.
        """
        market = self.market(market_id)
        label, first = market.outcome(outcome).label, market.outcomes[0].label
        said = read_probability(read_amount(probability))
        if market.result is None and market.settlement_price is None:
            self.forecasts.add(market_id, said, is_first=label == first)

    def stop(self) -> None:
        """End the run after this call: own orders are canceled, positions are kept."""
        self.is_stopped = True
        self.due = 0

    # -- knowing -----------------------------------------------------------------------

    @property
    def now(self) -> datetime:
        """The time, to the microsecond."""
        return at(self.moment)

    @property
    def cash(self) -> Decimal:
        """Dollars, what open orders hold back included."""
        return self.account.cash

    @property
    def markets(self) -> tuple[str, ...]:
        """The ids of the markets of this run.

        In a backtest of a strategy that names none these are all that were given.
        """
        return tuple(self._contracts)

    @property
    def open_orders(self) -> list[Order]:
        """The orders of this run that are open, as far as was told, oldest first."""
        return list(self._open.values())

    def order(self, key: str) -> Order | None:
        """An order as it was told last; None if nothing was told of it yet."""
        return self._orders.get(read_id("key", key))

    def positions(self) -> list[Position]:
        """What is held, marked at the best bids that were told.

        While a book is not known, or is crossed or locked, there is no mark.
        """
        return [
            position
            for contract in self._contracts.values()
            for outcome in contract.market.outcomes
            if (position := self._position(contract, outcome.label)) is not None
        ]

    def held(self, market_id: str, outcome: str) -> Decimal:
        """Contracts of an outcome that are held."""
        return self.account.size(
            market_id, self.market(market_id).outcome(outcome).label
        )

    def market(self, market_id: str) -> Market:
        """A market that is followed: its grid, lot, times; `BadRequest` for another."""
        return self.contract(market_id).market

    def book(self, market_id: str) -> OrderBook | None:
        """The book that was told last, of the first outcome; None if it is not known.

        Raises `BadRequest` for a market that is not of this run.
        """
        self.contract(market_id)
        return self._book(market_id)

    def _position(self, contract: Contract, outcome: str) -> Position | None:
        if not self.account.size(contract.market_id, outcome):
            return None
        book = self._book(contract.market_id)
        if book is not None and outcome != contract.first:
            book = book.complement(outcome)
        bid = None if book is None or is_crossed(book) else book.bid
        mark = None if bid is None else bid.price
        return self.account.position(contract, outcome, mark)

    # -- for whoever runs it -----------------------------------------------------------

    def contract(self, market_id: str) -> Contract:
        """A market with its fees."""
        contract = self._contracts.get(read_id("market_id", market_id))
        if contract is None:
            known = ", ".join(sorted(self._contracts)) or "none"
            raise BadRequest(
                f"market {market_id!r} is not followed by this run; there are: {known}"
            )
        return contract

    def know(self, contract: Contract) -> None:
        """A market of this run is from now on what this says."""
        self._contracts[contract.market_id] = contract

    def ring(self, tell: Callable[[Desk, str], None]) -> None:
        """Tell the timer that is due first."""
        self.timers.ring(partial(tell, self))

    def told_change(self, change: MarketChange) -> None:
        """A market has another grid, status or close from now on, or pays what it is worth."""
        contract = self.contract(change.market_id)
        before = contract.market
        is_paid = change.market_id in self._paid
        paid, value = before.settlement_price, change.value
        if is_paid and paid is not None and value is not None and value != paid:
            # Tables have other decimals than their recording.
            self.log(
                f"{change.market_id} was settled at {text(paid)} and is told to be worth "
                f"{text(value)}: what was paid stands"
            )
        market = attrs.evolve(
            before,
            grid=change.grid or before.grid,
            status=self._status(before, change.status),
            closes_at=change.closes_at or before.closes_at,
        )
        if not is_paid:
            # What it pays is known from now on, also where it is paid later.
            value = value if value is not None else paid
            result = change.result or market.result
            market = attrs.evolve(market, result=result, settlement_price=value)
            if market.status is MarketStatus.SETTLED and value is not None:
                self._paid.add(change.market_id)
                self.settle(change.market_id, value)
        self.know(attrs.evolve(contract, market=market))

    def _status(self, market: Market, told: MarketStatus | None) -> MarketStatus:
        """What a market is from now on: one that is settled stays so."""
        if market.status is not MarketStatus.SETTLED:
            return told or market.status
        if told not in (None, MarketStatus.SETTLED, MarketStatus.UNKNOWN):
            self.log(
                f"{market.market_id} is settled and is told to be {told}: it stays "
                "settled, and what was paid stands"
            )
        return market.status

    def placed(self, key: str) -> Place:
        """What was asked for under a key."""
        place = self._places.get(read_id("key", key))
        if place is None:
            raise BadRequest(f"no order of this run has the key {key!r}")
        return place

    def told_order(self, order: Order, key: str) -> None:
        """Remember an order as it is now."""
        before = self._orders.get(key)
        self._orders[key] = order
        if order.is_open:
            self._open[key] = order
            return
        self._open.pop(key, None)
        if before is None or before.is_open:
            self.forget(key)

    def forget(self, key: str) -> None:
        """An order has ended; of those, the last ones are remembered."""
        self._ended[key] = None
        if len(self._ended) > _DONE:
            gone = next(iter(self._ended))
            del self._ended[gone]
            self._orders.pop(gone, None)
            self._places.pop(gone, None)

    def has_ended(self, key: str) -> bool:
        """Whether the end of an order was told, or that it was refused."""
        return key in self._ended

    def told_fill(self, fill: Fill) -> None:
        """Book a fill; one that takes back another is booked as its opposite."""
        contract = self.contract(fill.market_id)
        side, size = fill.side, fill.size
        if fill.is_reversal:
            side, size = side.opposite, EXACT.minus(size)
        held = self.account.held(fill.market_id, fill.outcome)
        if not contract.nets and side is not BUY:
            self._supposed.sold(fill, size, held)
        fee = fill.fee if fill.fee is not None else self._most_fee(contract, fill)
        self.account.trade(contract, fill.outcome, side, fill.price, size, fee)
        if not contract.nets and side is BUY and not fill.is_reversal:
            self._supposed.bought(fill, held)

    def _most_fee(self, contract: Contract, fill: Fill) -> Decimal:
        """What a fill pays at most whose fee is not known, below 0 if it takes one back.

        By the rule as it was when the run began; nothing where that does not tell it.
        """
        rule, size = contract.fees, abs(fill.size)
        try:
            if fill.liquidity is Liquidity.MAKER:
                most = rule.fee(fill.outcome, fill.side, fill.price, size, maker=True)
            else:
                lot = contract.market.lot
                each = rule.lot_fee(fill.outcome, fill.side, fill.price, lot)
                most = EXACT.multiply(lots_of(size, lot), each)
        except NotSupported:
            self.log(f"the fee of {fill!r} is not known: none is counted for it")
            return ZERO
        self.log(
            f"the fee of {fill!r} is not known: {text(most)} is counted, the most that "
            "it can be"
        )
        return EXACT.minus(most) if fill.is_reversal else most

    def told_settlement(self, settlement: Settlement) -> None:
        """Book what a market paid."""
        if settlement.value is not None:
            self.settle(settlement.market_id, settlement.value)

    def settle(self, market_id: str, value: Decimal) -> None:
        """A contract of the first outcome of a market pays so many dollars."""
        self.forecasts.settle(market_id, value)
        self.account.settle(self.contract(market_id), value, self.moment)

    def _ask(self, command: Command) -> None:
        if self.is_closed:
            raise BadRequest("the run has ended: no more orders, changes or cancels")
        self.outbox.append(command)
        self.decisions.append(command)
        self.counts["decisions"] += 1
        self.due = 0
