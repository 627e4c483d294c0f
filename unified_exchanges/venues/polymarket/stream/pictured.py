"""The book of a token that can be looked at later as it was, which recordings are read with.

What a change would do is found out first, and done afterwards: one that does not fit the
book leaves it as it is, for whoever tells what to do about that.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import gcd
from typing import TypeAlias

from ....models.quotes import Level
from ....models.unread import Picture
from ....streams.book import ASKS, BIDS, DOLLARS, NO_ASK, NO_BID, next_best
from ....streams.freshness import Listener
from ....streams.pictures import Side, pictures
from ....streams.totals import BEST_ASKS, BEST_BIDS, TOTALS
from . import frames
from .books import NO_ROWS, AssetBook

__all__ = ["PicturedAssetBook", "Step"]

Step: TypeAlias = tuple[frames.Change, bool, int, int, int]
"""A change, whether of a bid, the key of its level, how much there is then, and the key of
the best level of its side then."""


class PicturedAssetBook(AssetBook):
    """An `AssetBook` whose sides can be kept as they are now, as those of `PicturedBook`."""

    __slots__ = ("ask_picture", "bid_picture")

    def __init__(self, listener: Listener) -> None:
        super().__init__(listener)
        self.bid_picture: Picture
        self.ask_picture: Picture
        self.bid_picture, self.ask_picture = pictures(self, {}, {})

    def load(
        self, bids: Iterable[tuple[str, str]], asks: Iterable[tuple[str, str]]
    ) -> None:
        """Take a snapshot; pictures of what was there before stay what they are."""
        super().load(bids, asks)
        self.bid_picture, self.ask_picture = pictures(self, self._bids, self._asks)

    def set_bid(self, price: str, total: str) -> None:
        """Say how much is bid at a price; nothing removes the level."""
        super().set_bid(price, total)
        self.bid_picture = self.bid_picture[0].change(BIDS[price], TOTALS[total])

    def set_ask(self, price: str, total: str) -> None:
        """Say how much is asked at a price; nothing removes the level."""
        super().set_ask(price, total)
        self.ask_picture = self.ask_picture[0].change(ASKS[price], TOTALS[total])

    def made(self, held: dict[int, int]) -> list[Level]:
        """Levels of what a side held, best first."""
        return list(self._read(held))

    # -- one change at a time -------------------------------------------------------

    def step(self, change: frames.Change, moment: int) -> Step | None:  # noqa: C901, PLR0911, PLR0912 - hottest of a recording
        """Find out what the only change of a frame would do; it does nothing yet.

        None where anything is not as nearly always: `apply` knows what to do then.  Raises
        `BookError` where a number cannot be read.
        """
        if moment <= self.seen and not self._is_new(change, moment):
            return None
        bid, ask = change.best_bid, change.best_ask
        if not (bid and ask and self.is_live) or self.life is not None:
            return None
        now, side = TOTALS[change.size], change.side
        if side == "BUY":
            key, best = BIDS[change.price], self._best_bid
            if now:
                best = key if key > best else best  # noqa: FURB136 - no call
            elif key == best:
                levels = self._bids
                best = next_best(levels, key, self._bid_step, NO_BID)
                if best == key:
                    if len(levels) > 1:
                        return None  # the next one is far away
                    best = NO_BID
            if BEST_BIDS[bid] == best and BEST_ASKS[ask] == self._best_ask:
                return change, True, key, now, best
        elif side == "SELL":
            key, best = ASKS[change.price], self._best_ask
            if now:
                best = key if key > best else best  # noqa: FURB136 - no call
            elif key == best:
                levels = self._asks
                best = next_best(levels, key, self._ask_step, NO_ASK)
                if best == key:
                    if len(levels) > 1:
                        return None
                    best = NO_ASK
            if BEST_ASKS[ask] == best and BEST_BIDS[bid] == self._best_bid:
                return change, False, key, now, best
        return None

    def take_step(self, step: Step, moment: int) -> None:  # noqa: C901, PLR0912 - as hot
        """Do what `step` has found out."""
        change, is_bid, key, now, best = step
        if moment > self.seen:
            self.seen = moment
            self.earlier = NO_ROWS
        else:
            self.earlier = (*self.earlier, self.latest)
        self.latest = (change,)
        self.moment = moment
        side: Side
        if is_bid:
            self._bid_levels = None
            if now:
                self._bids[key] = now
                if key % self._bid_step:
                    self._bid_step = gcd(self._bid_step, key)
            else:
                self._bids.pop(key, None)
            if best != self._best_bid:
                self._best_bid = best
                self.bid = DOLLARS[best] if best else None
            side = self.bid_picture[0]
            if len(side.changes) >= side.most:
                # It has the change already, and takes it once more: it is a total.
                side = Side(self, dict(self._bids), side)
            changes = side.changes
            changes.append((key, now))
            self.bid_picture = [side, len(changes), None]
        else:
            self._ask_levels = None
            if now:
                self._asks[key] = now
                if key % self._ask_step:
                    self._ask_step = gcd(self._ask_step, key)
            else:
                self._asks.pop(key, None)
            if best != self._best_ask:
                self._best_ask = best
                self.ask = None if best == NO_ASK else DOLLARS[best]
            side = self.ask_picture[0]
            if len(side.changes) >= side.most:
                side = Side(self, dict(self._asks), side)
            changes = side.changes
            changes.append((key, now))
            self.ask_picture = [side, len(changes), None]

    def _is_new(self, change: frames.Change, moment: int) -> bool:
        """Whether a change of no later moment than the last was not told before."""
        rows = (change,)
        return moment == self.seen and rows != self.latest and rows not in self.earlier
