"""What is asked of the market channel, when, and again: the half that sends.

There are no acknowledgements (docs.polymarket.com, websockets, 2026-08): that a token is
told shows by its book, which is asked for anew where it does not come.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Collection, Iterable
from math import inf
from typing import Any, ClassVar, Final

import msgspec

from ....clock import Clock
from ....errors import BadRequest
from ....models import StreamState, Subject
from ....policy import StreamPolicy
from ....streams.protocol import BookWanted, Refused, Unheard
from .books import Asset, AssetBook
from .frost import Frost
from .names import Names
from .socket import NONE, Events, Socket
from .wishes import Wishes

__all__ = ["Asking"]

_encode: Final = msgspec.json.Encoder().encode

BATCH: Final = 200
"""Tokens in one frame."""
CROWD: Final = 500
"""Tokens on one connection above which no first books come (reported, undocumented)."""
_PATIENCE: Final = 5
"""Seconds that a book may take after it was asked for (the vendor's SDK, 2026-10)."""
_LONGEST: Final = 60
_ASKS: Final = 2
"""How often a book is asked for anew of which nothing comes, though REST has it."""
_UNKNOWN_AGAIN: Final = 10.0
"""Seconds after which a market that is not known is asked about again."""


class Asking(Socket):
    """Asks for tokens, gives them up, and asks anew for books that do not come."""

    keeps: ClassVar[type[AssetBook]] = AssetBook
    """What a book is kept in."""

    def __init__(
        self, *, clock: Clock, names: Names, policy: StreamPolicy | None = None
    ) -> None:
        super().__init__(clock=clock, policy=policy)
        self._names = names
        self._wishes = Wishes(names, self.policy, self, self.keeps)
        self._books = self._wishes.books
        self._assets = self._wishes.assets
        self._is_open = False
        """Whether this connection has been told what it is for."""
        self._told: set[str] = set()
        """Tokens that the venue was asked for on this connection."""
        self._to_add: dict[str, None] = {}
        self._to_drop: dict[str, None] = {}
        self._awaited: dict[str, float] = {}
        """Tokens whose book was asked for, and when it is overdue."""
        self._again: dict[str, float] = {}
        """Tokens to ask for anew, and when."""
        self._asked_at = -inf
        self._refusals: list[Refused] = []
        self._doubted: set[str] = set()
        """Tokens that REST had another book of, until it shows whether one comes."""
        self._frost = Frost()

    # -- what is asked for ----------------------------------------------------------

    def follow(
        self,
        subject: Subject,
        market_ids: Collection[str] | None,
        outcome: str | None = None,
    ) -> None:
        """Ask for these markets of a subject; counted, so ask again freely.

        Raises `BadRequest` for an outcome that a known market does not have, and
        `NotSupported` for the quotes of all markets.
        """
        try:
            new = self._wishes.follow(subject, market_ids, outcome)
        except BadRequest:
            self._wishes.unfollow(subject, market_ids, outcome)
            raise
        self._add(new)

    def unfollow(
        self,
        subject: Subject,
        market_ids: Collection[str] | None,
        outcome: str | None = None,
    ) -> None:
        """Take back one `follow` with the same arguments."""
        self._drop(self._wishes.unfollow(subject, market_ids, outcome))

    def tap(self, tokens: Iterable[str]) -> None:
        """Ask for all that is told of these tokens; counted."""
        taps = [self._wishes.tap(token) for token in tokens]
        self._add([asset for asset in taps if asset is not None])

    def untap(self, tokens: Iterable[str]) -> None:
        """Take back one `tap` of each."""
        for token in tokens:
            self._drop(self._wishes.untap(token))

    def _add(self, assets: Iterable[Asset]) -> None:
        """Ask for tokens; for those that are told already once more, to get their book."""
        for asset in assets:
            token = asset.token
            self._asked_at = self._monotonic()
            if token in self._to_drop:
                # It was to be given up, and is begun anew instead.
                self._to_add[token] = None
            elif token in self._told:
                self._ask_anew(token)
            else:
                self._to_add[token] = None

    def _drop(self, assets: Iterable[Asset]) -> None:
        for asset in assets:
            token = asset.token
            self._to_add.pop(token, None)
            self._forget_asking(token)
            if token in self._told:
                self._to_drop[token] = None

    def _forget_asking(self, token: str) -> None:
        self._again.pop(token, None)
        self._awaited.pop(token, None)
        self._doubted.discard(token)
        self._frost.settled(token)

    def _ask_anew(self, token: str) -> None:
        # Asking for what is subscribed is passed over (docs.polymarket.com, 2026-08).
        self._again.pop(token, None)
        self._to_drop[token] = self._to_add[token] = None

    @property
    def is_wanted(self) -> bool:
        """Whether anybody follows anything."""
        return bool(self._wishes)

    @property
    def is_settled(self) -> bool:
        """Whether there is a connection, and all that is followed was asked for."""
        return (
            self.is_connected
            and self._has_answered
            and not (self._to_add or self._wishes.unknown)
        )

    # -- connections ----------------------------------------------------------------

    def _begin(self) -> None:
        self._is_open = False
        self._told.clear()
        self._to_drop.clear()
        self._again.clear()
        self._awaited.clear()
        self._doubted.clear()
        self._frost.made(self._told_count)
        self._to_add = dict.fromkeys(self._assets)
        self._asked_at = self._monotonic()

    def _end(self) -> None:
        for book in self._books.values():
            book.forget()
        for asset in self._assets.values():
            asset.is_left = False
            # It may have moved unseen, and whoever comes is told where it stands.
            asset.owes_ticker = asset.has_ticker
            asset.top.forget()
            asset.wants_rest = False
        self._awaited.clear()

    def _asks(self) -> list[str]:
        if self._wishes.unknown:
            self._find_tokens()
        writes: list[str] = []
        if not (self._to_add or self._to_drop) and self._is_open:
            return writes
        drops, adds = list(self._to_drop), list(self._to_add)
        self._to_drop.clear()
        self._to_add.clear()
        for some in _batches(drops):
            writes += [_text({"operation": "unsubscribe", "assets_ids": some})]
        self._told.difference_update(drops)
        for some in _batches(adds):
            writes += [self._subscription(some)]
        was_crowded = self._is_crowded
        self._told.update(adds)
        if self._is_crowded and not was_crowded:
            self._note(
                f"{len(self._told)} tokens are followed on one connection: above some "
                f"{CROWD} Polymarket is said to send no first books, so that they are "
                "read over REST; share the markets out to several exchange objects",
                "crowd",
            )
        now = self._monotonic()
        for token in adds:
            if token in self._books:
                self._awaited[token] = now + _wait(self._assets[token].misses)
                self._frost.asked(token, self._told_count)
        if not self._is_open and self._wishes.everything:
            writes.append(self._subscription([]))
        return writes

    @property
    def _is_crowded(self) -> bool:
        """Whether first books are not to be expected."""
        return len(self._told) > CROWD

    def _subscription(self, tokens: list[str]) -> str:
        if self._is_open:
            return _text(
                {
                    "operation": "subscribe",
                    "assets_ids": tokens,
                    "custom_feature_enabled": True,
                }
            )
        self._is_open = True
        return _text(
            {"assets_ids": tokens, "type": "market", "custom_feature_enabled": True}
        )

    def _find_tokens(self) -> None:
        for found in self._wishes.resolve():
            if isinstance(found, Refused):
                self._refusals.append(found)
            else:
                self._add([found])

    # -- time -----------------------------------------------------------------------

    def _due(self, now: float) -> Events:
        if self._wishes.unknown:
            self._find_tokens()
        events: list[Any] = [*self._refusals, *self._ask_about(now)]
        self._refusals.clear()
        if self._wishes.owed:
            events += self._quotes_owed()
        for token in [x for x, due in self._again.items() if due <= now]:
            self._ask_anew(token)
        for token in [x for x, due in self._awaited.items() if due <= now]:
            events += self._overdue(self._assets[token], now)
        if self._frost.reason:
            self._judge(now)
        return events

    @abstractmethod
    def _quotes_owed(self) -> Events:
        """Tickers of tokens whose book was known already; of others they come with it."""

    @abstractmethod
    def _top(self, asset: Asset) -> Events:
        """The ticker of a book as it stands, if it is owed or another than before."""

    def _ask_about(self, now: float) -> Events:
        unknown = self._wishes.unknown
        due = {wish for wish, at in unknown.items() if at <= now}
        for wish in due:
            unknown[wish] = now + _UNKNOWN_AGAIN
        ids = frozenset(market_id for _, market_id, _ in due)
        return [Unheard(market_ids=ids)] if ids else NONE

    def _overdue(self, asset: Asset, now: float) -> Events:
        """A book did not come: it is asked for anew, and of REST where there is one."""
        token, book = asset.token, asset.book
        if book is not None and book.is_live:
            return self._untold(asset, is_bridged=book.is_bridged, now=now)
        if token in self._doubted and self._is_deaf(token):
            self._accuse("REST has another book, and none came though it was asked for")
        self._doubted.discard(token)
        asset.misses += 1
        self._note(f"the book of {asset.token} did not come", "book")
        self._awaited[asset.token] = now + _wait(asset.misses)
        self._ask_anew(asset.token)
        if not asset.market_id:
            return NONE
        asset.wants_rest = True
        if book is not None:
            book.await_rest()
        return [BookWanted(market_id=asset.market_id, outcome=asset.label)]

    def _untold(self, asset: Asset, *, is_bridged: bool, now: float) -> Events:
        """A book came over REST: whether the connection tells of it is left to find out.

        A market may be quiet, and above some number of tokens no books come: it is asked
        for once more, and stays live meanwhile.
        """
        token = asset.token
        if self._is_crowded:
            # None is to be expected, and between giving up and asking a change may be lost.
            self._arrived(asset)
            return NONE
        if is_bridged and asset.misses < _ASKS:
            asset.misses += 1
            self._awaited[token] = now + _wait(asset.misses)
            self._ask_anew(token)
            return NONE
        if is_bridged and self._is_deaf(token):
            self._accuse(f"no book came though it was asked for {_ASKS + 1} times")
        self._arrived(asset)
        return NONE

    def _arrived(self, asset: Asset) -> None:
        """Nobody waits for the book of a token any more."""
        self._forget_asking(asset.token)
        asset.misses = 0

    def _next_due(self, now: float) -> float:
        if self._to_add or self._to_drop or self._refusals or self._wishes.owed:
            return now
        due = (self._again, self._awaited, self._wishes.unknown)
        first = min((min(times.values()) for times in due if times), default=inf)
        return min(first, self._frost.next_due())

    # -- a connection that is frozen ------------------------------------------------

    @property
    def _told_count(self) -> int:
        """How many messages came so far, pongs not counted."""
        return self.counters.messages - self._pongs

    def _is_deaf(self, token: str) -> bool:
        return self._frost.is_deaf(token, self._told_count)

    def _accuse(self, what: str, token: str = "") -> None:
        silent = "nothing more of it" if token else "nothing more"
        reason = f"frozen: {what}; pings are answered, and {silent} is told"
        if not self._frost.reason:
            self._note(reason, "frost")
        self._frost.accuse(reason, self._told_count, token)

    def _judge(self, now: float) -> None:
        """Give the connection up if it is frozen: another may tell."""
        frost = self._frost
        accused = self._assets.get(frost.token)
        if frost.token and (
            accused is None or accused.book is None or not accused.book.is_bridged
        ):
            frost.acquit()
        reason = frost.verdict(now, self._told_count)
        if reason and not self.broken:
            self._break(reason)

    @property
    def _subscriptions(self) -> int:
        return len(self._told)

    def _state(self) -> StreamState:
        if not self.is_connected:
            return "connecting"
        if self._frost.reason:
            return "degraded"
        if self.is_settled and not self._stale_books:
            return "live"
        asked = max(self._asked_at, self._made_at)
        is_early = self._monotonic() - asked < self.policy.acknowledgement
        return "connecting" if is_early else "degraded"


def _wait(misses: int) -> int:
    return min(_LONGEST, _PATIENCE << min(misses, 8))


def _text(command: dict[str, object]) -> str:
    return _encode(command).decode()


def _batches(tokens: list[str]) -> Iterable[list[str]]:
    return [tokens[at : at + BATCH] for at in range(0, len(tokens), BATCH)]
