"""Where the orders of one market meet its source's book: what is offered, and queues.

The source does not know of our orders, so its book and trades must be read as what would
have been.  Wherever they leave that open, the worse for us is assumed:

- *Taking.*  What we took of a level stays taken as long as the level shows it: only
  what a level shows in addition, or anew, can be taken again.  What others took by a
  trade that was told is gone as well, before the book shows that: see `Prints`.
- *Queue.*  An order stands behind all that its level shows when it arrives, also where that
  is told later: until a book of a later time of the venue is, its place is that in the newest
  of those from before, and trades wait that would move it.  It moves up
  by trades at its price; cancels are taken to be of those behind it, except where the level
  shows less than what was ahead.  A trade told after the book has shown it counts once.
  What a trade gave to another order of ours it did not take from others: they stay before
  those of ours that come after that order.
- *Filling at rest.*  By the part of a trade at its price that is left over from those
  ahead; by a trade beyond its price, which would have met it first; and by the opposite
  side of a newer book that reaches its price.  Always at its own price.
- A trade whose taker is not told, a block trade, and one that happened before the order
  arrived, however late it is told, move and fill nothing.  That goes by the venue's time: by
  as much as a trade was told before it happened, the clock by which orders arrive is behind.
- *Without a book.*  Where none is known, nothing is offered: what must fill at once does
  not.  Whoever would rest meets the next book, as an order that arrives with it; nothing
  moves or fills it before.
- *Crossed or locked.*  Bids and asks that meet would have traded: such a book is a moment
  of its making, or of two that disagree.  While it stands no book is known.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from operator import attrgetter
from typing import Final

import attrs

from ..models import BUY, Level, MarketStatus, OrderBook, Side, Trade
from ..money import EXACT, ZERO, complement, total
from .arrival import concerns_early, is_before, is_surely_before, moment_of
from .contract import Contract
from .orders import PaperOrder, nanoseconds, priority
from .own import OwnTake, OwnTakes, deduct
from .prints import Place, Prints
from .refusals import PAUSES, Pause, not_trading
from .resting import Resting
from .standing import Standing
from .touched import Touched

__all__ = ["Pit", "Take", "is_crossed"]

_FAR: Final = 60_000_000_000
"""What is more than that ahead tells nothing of a clock: that time is wrong."""


@attrs.frozen(slots=True)
class Take:
    """``size`` of an order fills at ``price`` dollars of the first outcome."""

    order: PaperOrder
    price: Decimal
    size: Decimal


@attrs.define(kw_only=True, eq=False)
class Pit:
    """One market: the newest book of its source, what we took of it, our orders.

    Prices are of the first outcome.  The books of one outcome feed it, the first that is
    heard of: another's would tell the same orders a second time.
    """

    contract: Contract
    touched: Touched = attrs.field(factory=Touched)
    outcome: str | None = None
    latest: OrderBook | None = None
    status: MarketStatus = MarketStatus.OPEN
    pause: Pause | None = None
    """Whether trading pauses around it, whatever its own status is."""
    value: Decimal | None = None
    behind: int = 0
    """Nanoseconds by which the venue's clock was ahead of ours at least, as trades tell."""
    orders: Resting = attrs.field(factory=Resting)
    taken_bids: dict[Decimal, Decimal] = attrs.field(factory=dict)
    taken_asks: dict[Decimal, Decimal] = attrs.field(factory=dict)
    standing: Standing = attrs.field(factory=Standing)
    held: deque[Trade] = attrs.field(factory=deque)
    """Trades that wait until it is known where an order stood, oldest first."""
    prints: Prints = attrs.field(
        init=False,
        default=attrs.Factory(lambda pit: Prints(pit.contract.first), takes_self=True),
    )
    own: OwnTakes = attrs.field(
        init=False,
        default=attrs.Factory(
            lambda pit: OwnTakes(pit.contract.first), takes_self=True
        ),
    )

    @property
    def is_busy(self) -> bool:
        """Whether a newer book or a trade may change more than what is shown."""
        if self.orders or self.taken_bids or self.taken_asks:
            return True
        # What a book shows of it is told apart from what we take there later.
        return self.own.is_unshown

    def status_at(self, moment: int) -> MarketStatus:
        """Its status as it was told, or as its hours have it since."""
        market, status = self.contract.market, self.status
        if not self.contract.keeps_hours:
            return status
        if status is MarketStatus.UNOPENED and _is_past(market.opens_at, moment):
            status = MarketStatus.OPEN
        if status is MarketStatus.OPEN and _is_past(market.closes_at, moment):
            return MarketStatus.CLOSED
        return status

    def trades_at(self, moment: int) -> bool:
        """Whether orders are placed and changed in it."""
        return self.status_at(moment) is MarketStatus.OPEN

    def refusal_at(self, moment: int) -> str | None:
        """Why nothing is placed or changed in it; None if it trades."""
        status = self.status_at(moment)
        if status is not MarketStatus.OPEN:
            return not_trading(status)
        return None if self.pause is None else PAUSES[self.pause]

    def follows(self, outcome: str) -> bool:
        """Whether books of this outcome feed the pit; the first to come decides."""
        if self.outcome is None:
            self.outcome = outcome
            self.touched.markets.add(self.contract.market_id)
        return outcome == self.outcome

    def counts(self, outcome: str) -> bool:
        """Whether its trades do, which may be told of both; before a book the first one's."""
        return outcome == (self.outcome or self.contract.first)

    @property
    def known(self) -> OrderBook | None:
        """The newest book, if it can be believed."""
        book = self.latest
        return None if book is None or is_crossed(book) else book

    @property
    def shown(self) -> OrderBook | None:
        """The same in terms of the first outcome."""
        return self._in_first(self.known)

    def _in_first(self, book: OrderBook | None) -> OrderBook | None:
        first = self.contract.first
        return book if book is None or book.outcome == first else book.complement(first)

    def lose(self) -> None:
        """Until the next book nobody knows what is offered."""
        self.latest = None
        self.prints.forget()
        self.standing.forget()

    def empty(self) -> None:
        """Everybody's orders were canceled: what is shown from before is not there."""
        if self.latest is not None and (self.latest.bids or self.latest.asks):
            # It may have been told before, or is told next: nobody can say.
            self.lose()
        self.taken_bids, self.taken_asks = {}, {}

    def note(self, trade: Trade, moment: int) -> Trade | None:
        """Take what a trade that is told now took of the book, which may still show it.

        Gives what of it others did: not what we took ourselves, as the recording tells.
        """
        ahead = nanoseconds(trade.created_at) - moment
        if self.behind < ahead <= _FAR:
            self.behind = ahead
            self.touched.markets.add(self.contract.market_id)
        told: Trade | None = trade.in_terms_of(self.contract.first)
        if self.own.told and told is not None and told.taker_side is not None:
            told = self.own.others(told, self._taken(asks=told.taker_side is BUY))
        if told is not None:
            self.prints.note(told, self.known, is_lost=self.latest is None)
        self._look()
        return told

    def hear_own(self, own: OwnTake, moment: int) -> None:
        """The account that was recorded took something itself."""
        shown = None if self.latest is None else moment_of(self.latest)
        self.own.hear(own, moment, shown)

    # -- taking ------------------------------------------------------------------------

    def crossing(self, order: PaperOrder) -> list[Take]:
        """What an order that arrives now finds offered, best first."""
        found: list[Take] = []
        left = order.remaining
        own = self._nearest_own(order)
        for level, free in self._offered(order):
            if not left or not order.reaches(level.price):
                break
            size = min(left, free)
            if own is not None and not _before(order, level.price, own):
                if level.price != own:
                    break
                # Then it would meet ours, and takes nothing more.
                size = min(size, self._before_ours(order, own))
            if size:
                found.append(Take(order, level.price, size))
                left = EXACT.subtract(left, size)
        return found

    def meets_own(self, order: PaperOrder) -> bool:
        """Whether it would trade with an order of ours."""
        own = self._nearest_own(order)
        return own is not None and order.reaches(own)

    def take(self, take: Take) -> None:
        """Note what is no longer there to be taken."""
        taken = self._taken(asks=take.order.buys)
        if self.own.told and self.latest is not None:
            place = take.order.buys, take.price
            self.own.pass_over(place, moment_of(self.latest))
        taken[take.price] = EXACT.add(taken.get(take.price, ZERO), take.size)
        self.touched.markets.add(self.contract.market_id)
        self._look()

    def _taken(self, *, asks: bool) -> dict[Decimal, Decimal]:
        return self.taken_asks if asks else self.taken_bids

    def _offered(self, order: PaperOrder) -> Iterator[tuple[Level, Decimal]]:
        shown = self.shown
        if shown is None:
            return
        levels, taken = (
            (shown.asks, self.taken_asks)
            if order.buys
            else (shown.bids, self.taken_bids)
        )
        self.prints.follow(self.known)
        for level in levels:
            gone = self.prints.of((order.buys, level.price))
            gone = EXACT.add(gone, taken.get(level.price, ZERO))
            yield level, max(ZERO, EXACT.subtract(level.size, gone))

    def _free(self, order: PaperOrder) -> Decimal:
        """What is there to be taken at the price of an order that rests, by the other side.

        Less what is surely gone: what may be shown already is gone for a moment only.
        """
        gone = self.prints.certain((not order.buys, order.limit))
        taken = self._taken(asks=not order.buys).get(order.limit, ZERO)
        left = EXACT.subtract(self._displayed(order), EXACT.add(gone, taken))
        return max(ZERO, left)

    def _before_ours(self, order: PaperOrder, price: Decimal) -> Decimal:
        """What surely stands at a price before an order of ours that is met there."""
        place = order.buys, price
        doubt = EXACT.subtract(self.prints.of(place), self.prints.certain(place))
        least = self.standing.least(self.queue(buys=not order.buys)[0])
        return max(ZERO, EXACT.subtract(least, doubt))

    def _look(self) -> None:
        """See what is there now before orders that rest."""
        if self.latest is not None and self.latest.is_polled:
            self.standing.forget()  # since the one before some may have left, and others come
        elif self.orders:
            self.standing.look(self.orders, self._free)

    def _nearest_own(self, order: PaperOrder) -> Decimal | None:
        return self.orders.best(buys=not order.buys)

    # -- resting -----------------------------------------------------------------------

    def rest(self, order: PaperOrder) -> None:
        """Queue up behind all that is shown at the order's price."""
        order.ahead, order.clipped = self._displayed(order), ZERO
        order.spared = ZERO
        known = self.known
        order.is_blind, order.is_early = known is None, False
        if not self.orders:
            self.held.clear()
        self.orders.put(order)
        if known is None:
            return
        self.prints.follow(known)
        # The book will show less, and that is no cancel of one ahead.
        gone = self.prints.certain((not order.buys, order.limit))
        order.ahead = EXACT.subtract(order.ahead, gone)
        if not known.is_polled:
            self.standing.join(order, self._free(order))
        order.is_early = is_before(moment_of(known), order, self.behind)

    def _displayed(self, order: PaperOrder) -> Decimal:
        shown = self.shown
        if shown is None:
            return ZERO
        levels = shown.bids if order.buys else shown.asks
        return next((x.size for x in levels if x.price == order.limit), ZERO)

    def queue(self, *, buys: bool) -> list[PaperOrder]:
        """Our orders of one side, first to fill first."""
        return sorted((x for x in self.orders if x.buys is buys), key=priority)

    def renew(self, book: OrderBook) -> None:
        """Take a newer book: less may be taken or ahead than is shown."""
        if self.own.told and not is_crossed(book):
            self.prints.follow(self.known)
            taken = self.taken_bids, self.taken_asks
            if self.own.see(self.known, book, taken, self.prints):
                self.touched.markets.add(self.contract.market_id)
        self.latest = book
        if not self.is_busy:
            if self.prints.waiting:
                self.prints.follow(self.known)
            return
        known = self.known
        self.prints.follow(known)
        shown = self._in_first(known)
        if shown is None:
            self.standing.forget()
            return
        self._trim(shown, asks=False)
        self._trim(shown, asks=True)
        for order in self.orders:
            displayed = self._displayed(order)
            if order.is_early:
                self._join(order, displayed)
            if order.ahead > displayed:
                gone = EXACT.subtract(order.ahead, displayed)
                order.clipped = EXACT.add(order.clipped, gone)
                order.ahead = displayed
                self.touched.orders.add(order.number)
        self._look()

    def _trim(self, shown: OrderBook, *, asks: bool) -> None:
        """Of what we took, what a newer book shows no more was taken or withdrawn."""
        taken = self._taken(asks=asks)
        if not taken:
            return
        left = dict(taken)
        for level in shown.asks if asks else shown.bids:
            if level.price in left:
                self._deduct((asks, level.price), left.pop(level.price), level.size)
                if not left:
                    return
        for price, size in left.items():
            self._deduct((asks, price), size, ZERO)

    def _deduct(self, place: Place, size: Decimal, shown: Decimal) -> None:
        if size > shown:
            less = EXACT.subtract(size, shown)
            deduct(self._taken(asks=place[0]), place[1], less)
            self.touched.markets.add(self.contract.market_id)
            book = self.latest
            assert book is not None
            self.own.trim(place, less, moment_of(book))

    def _join(self, order: PaperOrder, displayed: Decimal) -> None:
        """See in a newer book who else had joined before an order, if it tells that."""
        moment = None if self.latest is None else moment_of(self.latest)
        self.touched.orders.add(order.number)
        order.is_early = is_before(moment, order, self.behind)
        if is_surely_before(moment, order, self.behind):
            # It is the queue that the order found, but for what is known to be gone of it.
            # By the same as of a trade that may fill it: each counts as before or as after.
            gone = self.prints.certain(
                (not order.buys, order.limit),
                counts=lambda moment: is_before(moment, order, self.behind),
            )
            order.ahead = EXACT.subtract(displayed, gone)
        elif order.is_early:
            order.ahead = max(order.ahead, displayed)

    def blind(self) -> list[PaperOrder]:
        """Our orders that arrived while no book was known, first to come first."""
        found = [x for x in self.orders if x.is_blind]
        return sorted(found, key=attrgetter("rank"))

    def reached(self) -> Iterator[Take]:
        """What of the book reaches our resting orders: each fills at its own price.

        The consumer books each before it asks for the next.
        """
        if not self.orders:
            return
        for buys in (True, False):
            met = ZERO
            for order in self.queue(buys=buys):
                if order.is_blind or order.is_early:
                    continue
                if met and order.spared:
                    order.spared = max(ZERO, EXACT.subtract(order.spared, met))
                    self.touched.orders.add(order.number)
                for level, free in self._offered(order):
                    if not order.reaches(level.price) or not order.remaining:
                        break
                    # Others who are no longer shown would have met it first.
                    theirs = min(order.spared, free)
                    if theirs:
                        self.take(Take(order, level.price, theirs))
                        order.spared = EXACT.subtract(order.spared, theirs)
                        self.touched.orders.add(order.number)
                        met = EXACT.add(met, theirs)
                    size = min(order.remaining, EXACT.subtract(free, theirs))
                    if size:
                        self.take(Take(order, level.price, size))
                        yield Take(order, order.limit, size)

    def traded(self, trade: Trade) -> Iterator[Take]:
        """What of a trade would have been with our resting orders."""
        if trade.taker_side is None or trade.is_block or not self.orders:
            return
        trade = trade.in_terms_of(self.contract.first)
        if self.held or concerns_early(trade, self.orders, self.behind):
            self.held.append(trade)
        else:
            yield from self._moved(trade)

    def released(self) -> Iterator[Take]:
        """The same of those that waited for the book that there is now."""
        while self.held:
            if concerns_early(self.held[0], self.orders, self.behind):
                break
            yield from self._moved(self.held.popleft())

    def _moved(self, trade: Trade) -> Iterator[Take]:
        moment = nanoseconds(trade.created_at)
        lifted, given = trade.taker_side is BUY, ZERO
        for order in self.queue(buys=not lifted):
            if order.is_blind:
                continue
            if not order.reaches(trade.price) and not given:
                break
            if is_before(moment, order, self.behind):
                continue
            self.touched.orders.add(order.number)
            if not order.reaches(trade.price):
                order.spared = EXACT.add(order.spared, given)
                continue
            size = min(order.remaining, _passed(order, trade, given))
            if size:
                given = EXACT.add(given, size)
                yield Take(order, order.limit, size)

    def worth(self, outcome: str) -> Decimal | None:
        """What a contract of an outcome pays, once that is told; then nobody trades it."""
        if self.value is None or outcome == self.contract.first:
            return self.value
        return complement(self.value)

    def mark(self, outcome: str, side: Side) -> Decimal | None:
        """The best price of an outcome to sell at, or with ``BUY`` to buy at."""
        shown = self.shown
        if shown is None:
            return None
        if outcome != self.contract.first:
            shown = shown.complement(outcome)
        level = shown.ask if side is BUY else shown.bid
        return None if level is None else level.price


def is_crossed(book: OrderBook) -> bool:
    """Whether bids and asks meet, so that no book is known while it stands."""
    bids, asks = book.bids, book.asks
    return bool(bids and asks) and bids[0].price >= asks[0].price


def _is_past(time: datetime | None, moment: int) -> bool:
    return time is not None and nanoseconds(time) <= moment


def _before(order: PaperOrder, price: Decimal, own: Decimal) -> bool:
    return price < own if order.buys else price > own


def _passed(order: PaperOrder, trade: Trade, given: Decimal) -> Decimal:
    """Let a trade pass those ahead; gives what is left of it for the order.

    ``given`` of it went to orders of ours that come first.  So many of those whom the source
    tells to have traded would still be there: they are spared.
    """
    is_beyond = order.limit != trade.price  # and so has passed all at its price
    ahead = ZERO if is_beyond else order.ahead
    explained = ZERO if is_beyond else min(trade.size, order.clipped)
    moved = EXACT.subtract(trade.size, explained)
    before = total((given, ahead, order.spared))
    left = EXACT.subtract(moved, before)
    order.clipped = EXACT.subtract(order.clipped, explained)
    order.ahead = max(ZERO, EXACT.subtract(ahead, moved))
    still = max(ZERO, EXACT.minus(left))
    order.spared = EXACT.subtract(still, order.ahead)
    return max(ZERO, left)
