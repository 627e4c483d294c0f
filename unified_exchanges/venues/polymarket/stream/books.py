"""The tokens that are followed over one connection, and the books of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from ....grid import PriceGrid
from ....models import Subject
from ....policy import StreamPolicy
from ....streams.book import ASKS, BIDS, BookError
from ....streams.freshness import Listener
from ....streams.live import LiveBook
from ....streams.pace import Pace
from ....streams.totals import TotalsBook
from . import frames

__all__ = ["Asset", "AssetBook", "Top"]


class AssetBook(LiveBook, TotalsBook):
    """The book of one token.

    ``seen`` is the latest moment that the venue told of it, applied or not: what is older
    does not fit any more.  ``is_bridged``: it was read over REST, so that changes that are
    older than it are in it already.
    """

    __slots__ = ("is_bridged", "repeats", "seen")

    def __init__(self, listener: Listener) -> None:
        super().__init__(listener)
        self.seen = 0
        self.is_bridged = False
        self.repeats: list[list[tuple[str, str, str, str]]] = []
        """What was told of the moment that was seen last."""

    def forget(self) -> None:
        """Another connection tells from its own beginning."""
        self.spoil()
        self.seen = 0
        self.is_bridged = False
        self.repeats.clear()

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
        self._took(moment, is_bridged=True)

    def _took(self, moment: int, *, is_bridged: bool) -> None:
        self.begin()
        self.moment = self.seen = moment
        self.is_bridged = is_bridged
        self.repeats.clear()

    def admits(self, moment: int) -> bool:
        """Whether a change is to be applied; an older one that is in it already is not.

        Raises `BookError` where one is older than what was told before.
        """
        if moment > self.seen:
            self.seen = moment
            self.is_bridged = False
            self.repeats.clear()
        elif moment < self.seen:
            if self.is_bridged:
                return False
            if self.is_live:
                message = f"a change of {moment} came after one of {self.seen}"
                raise BookError(message)
        return self.is_live

    def apply(self, changes: Sequence[frames.Change]) -> None:
        """Apply the changes of one frame, and hold the book against the last of them.

        Of one moment the same frame may come again, which does no harm at once, and after
        another would undo that.  Raises `BookError`, after which the book is not to be
        believed.
        """
        told = [(x.price, x.size, x.side, x.hash) for x in changes]
        repeats = self.repeats
        if repeats and told in repeats and repeats[-1] != told:
            message = f"the change of {told[0][0]} to {told[0][1]} was told twice"
            raise BookError(message)
        repeats.append(told)
        for change in changes:
            self._set(change)
        self._check(changes[-1])

    def _set(self, change: frames.Change) -> None:
        if change.side == "BUY":
            self.set_bid(change.price, change.size)
        elif change.side == "SELL":
            self.set_ask(change.price, change.size)
        else:
            message = f"side {change.side[:20]!r} is neither BUY nor SELL"
            raise BookError(message)

    def _check(self, change: frames.Change) -> None:
        bid, ask = change.best_bid, change.best_ask
        if self.is_crossed:
            raise BookError(f"bid {self.bid} and ask {self.ask} cross")
        if bid is not None and ask is not None and not self.is_best(bid, ask):
            ours = f"{self.bid}/{self.ask}"
            raise BookError(f"its best prices are {ours}, the venue says {bid}/{ask}")


class Top:
    """The best quotes and the last trade of a token, by the texts that told them."""

    __slots__ = ("ask", "ask_size", "bid", "bid_size", "last")

    def __init__(self) -> None:
        self.bid = self.ask = self.last = ""
        self.bid_size = self.ask_size = ""

    def quote(self, bid: str, ask: str, sizes: tuple[str, str] = ("", "")) -> bool:
        """Take best prices; whether they are others."""
        is_new = (bid, ask) != (self.bid, self.ask)
        if is_new or sizes != ("", ""):
            self.bid, self.ask = bid, ask
            self.bid_size, self.ask_size = sizes
        return is_new

    def read(self, told: frames.Book) -> bool:
        """Take the best of a whole book; whether they are others."""
        bid = max(told.bids, key=lambda x: BIDS[x.price], default=None)
        ask = max(told.asks, key=lambda x: ASKS[x.price], default=None)
        last = told.last_trade_price or self.last
        is_new = last != self.last
        self.last = last
        sizes = bid.size if bid else "", ask.size if ask else ""
        prices = bid.price if bid else "", ask.price if ask else ""
        return self.quote(*prices, sizes) or is_new


class Asset:
    """A token that somebody follows, for these subjects; ``taps`` want all of it."""

    __slots__ = (
        "book",
        "grid",
        "label",
        "market_id",
        "misses",
        "pace",
        "subjects",
        "taps",
        "token",
        "top",
    )

    def __init__(
        self, token: str, market_id: str, label: str, policy: StreamPolicy
    ) -> None:
        self.token = token
        self.market_id = market_id
        self.label = label
        self.subjects: Counter[Subject] = Counter()
        self.taps = 0
        self.book: AssetBook | None = None
        self.top = Top()
        self.grid: PriceGrid | None = None
        self.pace = Pace(policy)
        self.misses = 0
        """How often its book did not come in time."""

    @property
    def is_wanted(self) -> bool:
        """Whether anybody follows it."""
        return bool(self.taps or +self.subjects)

    def wants(self, subject: Subject) -> bool:
        """Whether anybody follows that of it."""
        return bool(self.taps or self.subjects[subject])
