"""The tokens that are followed over one connection, and the books of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final, TypeAlias

from ....grid import PriceGrid
from ....models import OrderBook, Subject
from ....money import text
from ....policy import StreamPolicy
from ....streams.book import ASKS, BIDS, BookError
from ....streams.freshness import Listener
from ....streams.live import LiveBook
from ....streams.pace import Pace
from ....streams.totals import BEST_ASKS, BEST_BIDS, TOTALS, TotalsBook
from . import frames

__all__ = ["NO_ROWS", "Asset", "AssetBook", "Rows", "Top"]


Levels: TypeAlias = Sequence[tuple[str, str]]
"""Prices and sizes of one side."""
Rows: TypeAlias = tuple[frames.Change, ...]
"""The changes of one token in one frame."""

NO_ROWS: Final[tuple[Rows, ...]] = ()
_SIDES: Final = frozenset({"BUY", "SELL"})
_LATER: Final = 1.0
"""Seconds between two tellings of one book: a frame may come twice at once."""


class AssetBook(LiveBook, TotalsBook):
    """The book of one token.

    ``seen`` is the latest moment that the venue told of it, applied or not: what is older
    does not fit any more.  ``is_bridged``: it was read over REST, so that changes that are
    older than it should be in it already.

    Nothing says that the clock of REST is that of the changes.  So it is not believed that
    they are: the last that was told of each level since REST was asked is ``passed``, and
    holds as soon as a change is newer than the book, by when all that could be in it was
    told.  Where the clocks agree that changes nothing.
    """

    __slots__ = (
        "asked",
        "earlier",
        "is_bridged",
        "latest",
        "passed",
        "passed_at",
        "passed_book",
        "refused",
        "refused_at",
        "seen",
    )

    def __init__(self, listener: Listener) -> None:
        super().__init__(listener)
        self.seen = 0
        self.is_bridged = False
        self.latest: Rows = ()
        self.earlier: tuple[Rows, ...] = NO_ROWS
        """What was told of the moment that was seen last, and before that of the same."""
        self.refused: tuple[int, int] | None = None
        """The moment of a whole book that was too old, and the one seen by then."""
        self.refused_at = 0.0
        self.asked: int | None = None
        """What was seen when REST was asked first since it was whole."""
        self.passed: dict[tuple[str, str], str] = {}
        self.passed_book: tuple[Levels, Levels] | None = None
        """The whole book that was told before those."""
        self.passed_at = 0

    def forget(self) -> None:
        """Another connection tells from its own beginning."""
        self.spoil()
        self.seen = 0
        self.is_bridged = False
        self.latest, self.earlier = (), NO_ROWS
        self.refused = None

    def spoil(self) -> None:
        """Something was lost: what was told before it is not the last."""
        super().spoil()
        self._pass_none()

    def await_rest(self) -> None:
        """REST is asked for it: what is told from here on may not be in the answer."""
        if self.asked is None:
            self._pass_none()
            self.asked = self.seen

    @property
    def oldest(self) -> int:
        """The moment from which on a book over REST has all that is not passed."""
        return self.seen if self.asked is None else self.asked

    def is_all_there_is(
        self, bids: Levels, asks: Levels, moment: int, now: float
    ) -> bool:
        """Whether a book that is older than what was seen is the newest all the same.

        Nothing says that the clocks of the venue's machines agree (2026-10).  Where one
        that is behind tells of a market that is quiet, its book stays older than the
        change that it has in it, and would be refused for ever.  It is believed when it is
        told again a while later, nothing newer came meanwhile, and it has all that was
        told of the last moment; one that was overtaken by a change lacks that, or is newer
        when it is told again.
        """
        told = moment, self.seen
        if self.refused != told:
            self.refused, self.refused_at = told, now
            return False
        if now - self.refused_at < _LATER:
            return False
        held = {
            "BUY": {BIDS[price]: TOTALS[size] for price, size in bids},
            "SELL": {ASKS[price]: TOTALS[size] for price, size in asks},
        }
        wanted = {
            (x.side, (BIDS if x.side == "BUY" else ASKS)[x.price]): TOTALS[x.size]
            for rows in (*self.earlier, self.latest)
            for x in rows
        }
        return all(
            held.get(side, {}).get(key, 0) == total
            for (side, key), total in wanted.items()
        )

    def take(self, told: frames.Book, moment: int) -> None:
        """Take a whole book."""
        self.load(
            [(x.price, x.size) for x in told.bids],
            [(x.price, x.size) for x in told.asks],
        )
        self._took(moment, is_bridged=False)

    def bridge(
        self,
        bids: Iterable[tuple[str, str]],
        asks: Iterable[tuple[str, str]],
        moment: int,
    ) -> None:
        """Take a book that came another way than the changes."""
        self.load(bids, asks)
        passed, passed_at = self.passed, self.passed_at
        if passed_at <= moment:
            self._took(moment, is_bridged=True)
            self.passed, self.passed_at = passed, passed_at
            return
        self._apply_passed()
        self.make_whole()
        self.moment = self.seen
        self.is_bridged = False
        self._pass_none()

    def _took(self, moment: int, *, is_bridged: bool) -> None:
        self.make_whole()
        self.moment = self.seen = moment
        self.is_bridged = is_bridged
        self.latest, self.earlier = (), NO_ROWS
        self.refused = None
        self._pass_none()

    def pass_book(self, bids: Levels, asks: Levels, moment: int) -> None:
        """Keep in mind a whole book that should be older than the one from REST."""
        self._note_passed(moment)
        self.passed = {}
        self.passed_book = bids, asks

    def _pass(self, rows: Rows, moment: int) -> None:
        """Keep in mind what may be in the book from REST, or not."""
        self._note_passed(moment)
        for change in rows:
            if change.side not in _SIDES:
                raise BookError(f"side {change.side[:20]!r} is neither BUY nor SELL")
            level = change.side, change.price
            # Behind the others: one price may be written in two ways.
            self.passed.pop(level, None)
            self.passed[level] = change.size

    def _miss(self, rows: Rows, moment: int) -> None:
        """Changes come while the book is not whole."""
        if self.asked is not None:
            self._pass(rows, moment)

    def _cross(self) -> None:
        """A change is newer than the book from REST."""
        self.is_bridged = False
        if self.is_live:
            self._apply_passed()
            self._pass_none()

    def _note_passed(self, moment: int) -> None:
        if moment < self.passed_at:
            raise BookError(f"a change of {moment} came after one of {self.passed_at}")
        self.passed_at = moment

    def _apply_passed(self) -> None:
        """Let hold what was passed."""
        if self.passed_book is not None:
            self.load(*self.passed_book)
        for (side, price), size in self.passed.items():
            (self.set_bid if side == "BUY" else self.set_ask)(price, size)
        if self.is_crossed:
            raise BookError(f"bid {self.bid} and ask {self.ask} cross")

    def _pass_none(self) -> None:
        self.asked = None
        self.passed, self.passed_book, self.passed_at = {}, None, 0

    def apply(self, rows: Rows, moment: int) -> bool:  # noqa: C901 - the hottest code of all
        """Apply the changes of one frame; False where they are in it already, or it waits.

        Of one moment the same frame may come again, which does no harm at once, and after
        another would undo that.  Raises `BookError` where something does not fit, after
        which the book is not to be believed.
        """
        if moment > self.seen:
            self.seen = moment
            if self.is_bridged:
                self._cross()
            self.latest, self.earlier = rows, NO_ROWS
        elif not self._fits(rows, moment):
            return False
        if not self.is_live:
            self._miss(rows, moment)
            return False
        for change in rows:
            side = change.side
            if side == "BUY":
                self.set_bid(change.price, change.size)
            elif side == "SELL":
                self.set_ask(change.price, change.size)
            else:
                raise BookError(f"side {side[:20]!r} is neither BUY nor SELL")
        last = rows[-1]
        bid, ask = last.best_bid, last.best_ask
        # As `is_best`, without a call.
        if bid is None or ask is None:
            if self.is_crossed:
                raise BookError(f"bid {self.bid} and ask {self.ask} cross")
        elif BEST_BIDS[bid] != self._best_bid or BEST_ASKS[ask] != self._best_ask:
            ours = f"{self.bid}/{self.ask}"
            raise BookError(f"its best prices are {ours}, the venue says {bid}/{ask}")
        self.moment = moment
        if self.life is not None:
            self.life.end()
            self.life = None
        return True

    def _fits(self, rows: Rows, moment: int) -> bool:
        """Whether changes may follow those that came, of which none is older."""
        if moment < self.seen:
            if self.is_live and not self.is_bridged:
                message = f"a change of {moment} came after one of {self.seen}"
                raise BookError(message)
            if self.is_live:
                self._pass(rows, moment)
            else:
                # Which of two was the last is not known any more.
                self._pass_none()
            return False
        if rows != self.latest:
            if rows in self.earlier:
                change = rows[0]
                message = (
                    f"the change of {change.price} to {change.size} was told twice"
                )
                raise BookError(message)
            self.earlier = (*self.earlier, self.latest)
            self.latest = rows
        if self.is_bridged and self.is_live:
            self._pass(rows, moment)
        return True


class Top:
    """The best quotes and the last trade of a token, by the texts that told them.

    ``moment`` and ``traded`` are when the quotes and the trade were: an older one, which
    came out of its place, takes the place of none.
    """

    __slots__ = ("ask", "ask_size", "bid", "bid_size", "last", "moment", "traded")

    def __init__(self) -> None:
        self.bid = self.ask = self.last = ""
        self.bid_size = self.ask_size = ""
        self.moment = self.traded = 0

    def forget(self) -> None:
        """Another connection tells from its own beginning."""
        self.moment = self.traded = 0

    def quote(
        self, bid: str, ask: str, moment: int, sizes: tuple[str, str] = ("", "")
    ) -> bool:
        """Take best prices; whether they are others."""
        if moment < self.moment:
            return False
        self.moment = moment
        is_new = bid != self.bid or ask != self.ask
        if is_new or sizes != ("", ""):
            self.bid, self.ask = bid, ask
            self.bid_size, self.ask_size = sizes
        return is_new

    def trade(self, price: str, moment: int) -> bool:
        """Take the price of a trade; whether it is another one than the last."""
        if moment < self.traded:
            return False
        self.traded = moment
        is_new = price != self.last
        self.last = price
        return is_new

    def show(self, book: OrderBook, moment: int) -> bool:
        """Take the best of a book as it stands; whether they are others."""
        best = [side[0] if side else None for side in (book.bids, book.asks)]
        bid, ask = (text(x.price) if x else "" for x in best)
        bid_size, ask_size = (text(x.size) if x else "" for x in best)
        return self.quote(bid, ask, moment, (bid_size, ask_size))

    def read(self, told: frames.Book, moment: int) -> bool:
        """Take the best of a whole book; whether they are others."""
        bid = max(told.bids, key=lambda x: BIDS[x.price], default=None)
        ask = max(told.asks, key=lambda x: ASKS[x.price], default=None)
        price = told.last_trade_price
        is_new = bool(price) and self.trade(price or "", moment)
        sizes = bid.size if bid else "", ask.size if ask else ""
        prices = bid.price if bid else "", ask.price if ask else ""
        return self.quote(*prices, moment, sizes) or is_new


class Asset:
    """A token that somebody follows, for these subjects; ``taps`` want all of it."""

    __slots__ = (
        "book",
        "grid",
        "has_ticker",
        "is_left",
        "label",
        "market_id",
        "misses",
        "names",
        "owes_ticker",
        "pace",
        "subjects",
        "taps",
        "token",
        "top",
        "wants_rest",
    )

    def __init__(
        self, token: str, market_id: str, label: str, policy: StreamPolicy
    ) -> None:
        self.token = token
        self.market_id = market_id
        self.label = label
        self.subjects: Counter[Subject] = Counter()
        self.names: set[tuple[str, str | None]] = set()
        """The market and outcome that it was wished by."""
        self.taps = 0
        self.has_ticker = False
        """Whether anybody follows its ticker."""
        self.owes_ticker = False
        """Whether its ticker is to be told also if nothing moves: somebody has come."""
        self.book: AssetBook | None = None
        self.top = Top()
        self.grid: PriceGrid | None = None
        self.pace = Pace(policy)
        self.wants_rest = False
        """Whether its book was asked of REST since it is followed on this connection."""
        self.misses = 0
        """How often its book did not come in time."""
        self.is_left = False
        """Whether nobody asks for it any more where it is told, in a recording."""

    @property
    def is_wanted(self) -> bool:
        """Whether anybody follows it."""
        return bool(self.taps or +self.subjects)

    def wants(self, subject: Subject) -> bool:
        """Whether anybody follows that of it."""
        return bool(self.taps or self.subjects[subject])
