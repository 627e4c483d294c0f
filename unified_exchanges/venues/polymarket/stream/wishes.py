"""What is wished of the market channel, and which tokens that is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from typing import Final, TypeAlias

from ....errors import BadRequest, NotSupported
from ....models import Outcome, Subject
from ....policy import StreamPolicy
from ....streams.freshness import Listener
from ....streams.protocol import Refused
from .books import Asset, AssetBook
from .names import Names

__all__ = ["Wish", "Wishes"]

Wish: TypeAlias = tuple[Subject, str, str | None]
"""A subject of a market, and the outcome that was named, None for the first."""

_QUOTES: Final = frozenset({Subject.ORDER_BOOK, Subject.TICKER, Subject.TRADES})


class Wishes:
    """Counts wishes, and turns them into tokens once their markets are known."""

    def __init__(
        self,
        names: Names,
        policy: StreamPolicy,
        listener: Listener,
        keeps: type[AssetBook],
    ) -> None:
        self._names = names
        self._policy = policy
        self._listener = listener
        self._keeps = keeps
        self._counts: Counter[Wish] = Counter()
        self.assets: dict[str, Asset] = {}
        self.books: dict[str, AssetBook] = {}
        self.tokens: dict[tuple[str, str | None], str] = {}
        """The token of each market and outcome that was wished, once it is known."""
        self._found: dict[Wish, tuple[str, ...]] = {}
        self.unknown: dict[Wish, float] = {}
        """Wishes whose markets are not known yet, and when to ask about them."""
        self.owed: list[Asset] = []
        """Tokens whose ticker is followed from now on."""
        self.everything = 0
        """How many follow the lives of all markets."""

    def __bool__(self) -> bool:
        return bool(self.assets or self.unknown or self.everything)

    @property
    def subjects(self) -> frozenset[Subject]:
        """What is followed of some market."""
        return frozenset(subject for subject, _, _ in self._counts)

    # -- coming and going -----------------------------------------------------------

    def follow(
        self, subject: Subject, market_ids: Collection[str] | None, outcome: str | None
    ) -> list[Asset]:
        """Take wishes; the tokens that are followed anew."""
        if market_ids is None:
            _check_everything(subject)
            self.everything += 1
            return []
        wishes = [(subject, x, outcome) for x in market_ids]
        for wish in wishes:
            self._counts[wish] += 1
            if self._counts[wish] == 1:
                self.unknown[wish] = 0.0
        found = self.resolve([x for x in wishes if x in self.unknown])
        for refused in found:
            if isinstance(refused, Refused):
                # Nobody has heard of it yet: whoever asks is told at once.
                raise refused.error
        return [x for x in found if isinstance(x, Asset)]

    def unfollow(
        self, subject: Subject, market_ids: Collection[str] | None, outcome: str | None
    ) -> list[Asset]:
        """Take back wishes; the tokens that nobody follows any more."""
        if market_ids is None:
            self.everything = max(0, self.everything - 1)
            return []
        wishes = [(subject, x, outcome) for x in market_ids]
        return [asset for wish in wishes for asset in self._take_back(wish)]

    def _take_back(self, wish: Wish) -> Iterator[Asset]:
        if not self._counts[wish]:
            return
        self._counts[wish] -= 1
        if self._counts[wish]:
            return
        del self._counts[wish]
        if self.unknown.pop(wish, None) is not None:
            return
        subject = wish[0]
        for token in self._found.pop(wish):
            asset = self.assets[token]
            asset.subjects[subject] -= 1
            if not asset.subjects[subject]:
                del asset.subjects[subject]
            asset.has_ticker = Subject.TICKER in asset.subjects
            asset.owes_ticker &= asset.has_ticker
            yield from self._let_go(asset)

    def tap(self, token: str) -> Asset | None:
        """Follow all of a token; it comes back if nobody did."""
        is_new = token not in self.assets
        asset = self._asset(token, "", token)
        asset.taps += 1
        self._open_book(asset)
        return asset if is_new else None

    def untap(self, token: str) -> list[Asset]:
        """Take back one `tap`; the token comes back if nobody follows it any more."""
        asset = self.assets.get(token)
        if asset is None or not asset.taps:
            return []
        asset.taps -= 1
        return list(self._let_go(asset))

    def _let_go(self, asset: Asset) -> Iterator[Asset]:
        if not asset.wants(Subject.ORDER_BOOK):
            book = self.books.pop(asset.token, None)
            if book is not None:
                book.spoil()
            asset.book = None
        if not asset.is_wanted:
            del self.assets[asset.token]
            for name in asset.names:
                self.tokens.pop(name, None)
            yield asset

    # -- tokens ---------------------------------------------------------------------

    def resolve(self, wishes: Iterable[Wish] | None = None) -> list[Asset | Refused]:
        """Find the tokens of what was not known: those followed anew, and what is none."""
        found: list[Asset | Refused] = []
        for wish in list(self.unknown) if wishes is None else wishes:
            subject, market_id, outcome = wish
            known = self._names.market(market_id)
            if known is None:
                continue
            del self.unknown[wish]
            try:
                side = known.outcome(outcome)
            except BadRequest as error:
                del self._counts[wish]
                found.append(
                    Refused(
                        subject=subject,
                        market_ids=frozenset([market_id]),
                        error=error,
                        outcome=outcome,
                    )
                )
                continue
            # A trade is told of the taker's token only (docs.polymarket.com, 2026-08).
            is_whole = subject is Subject.TRADES and outcome is None
            sides = known.outcomes if is_whole else (side,)
            self._found[wish] = tuple(x.outcome_id for x in sides)
            for each in sides:
                asset = self._follow(wish, each)
                if asset is not None:
                    found.append(asset)
            self.tokens[market_id, outcome] = side.outcome_id
            self.assets[side.outcome_id].names.add((market_id, outcome))
        return found

    def _follow(self, wish: Wish, side: Outcome) -> Asset | None:
        """Follow an outcome; its token comes back if it is to be asked for."""
        subject, market_id, _ = wish
        is_new = side.outcome_id not in self.assets
        asset = self._asset(side.outcome_id, market_id, side.label)
        asset.subjects[subject] += 1
        had_book, had_ticker = asset.book is not None, asset.has_ticker
        asset.has_ticker = Subject.TICKER in asset.subjects
        if subject is Subject.ORDER_BOOK:
            self._open_book(asset)
        has_new_book = asset.book is not None and not had_book
        if asset.has_ticker and not had_ticker:
            asset.owes_ticker = True
            self.owed.append(asset)
            # Only a whole book tells where it stands.
            has_new_book = has_new_book or asset.book is None
        return asset if is_new or has_new_book else None

    def _asset(self, token: str, market_id: str, label: str) -> Asset:
        asset = self.assets.get(token)
        if asset is None:
            asset = self.assets[token] = Asset(token, market_id, label, self._policy)
        elif market_id:
            asset.market_id, asset.label = market_id, label
        return asset

    def _open_book(self, asset: Asset) -> None:
        if asset.book is None:
            asset.book = self.books[asset.token] = self._keeps(self._listener)


def _check_everything(subject: Subject) -> None:
    if subject in _QUOTES:
        message = (
            f"Polymarket tells {subject} of named markets only: name them in market_ids"
        )
        raise NotSupported(message, venue="polymarket")
