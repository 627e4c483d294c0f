"""What a program follows on Polymarket's sockets, and what they want to know over REST."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from random import Random
from typing import Any, Final, TypeAlias

import attrs

from ...clock import Clock
from ...errors import BadRequest, RequestTimeout
from ...flow import Flow
from ...models import OrderBook, Subject
from ...policy import StreamPolicy
from ...settings import PrivateKey, Settings
from ...streams.protocol import BookWanted, StreamEvent, Unheard
from .stream import (
    BookChange,
    BookSnapshot,
    MarketStream,
    NewMarket,
    Unrecognised,
    UserStream,
)
from .venue import PolymarketVenue

__all__ = [
    "MARKET",
    "USER",
    "Errand",
    "Ledger",
    "PolymarketEvent",
    "Words",
    "errands",
    "late",
    "make_venue",
    "read_channel",
]

PolymarketEvent: TypeAlias = (
    StreamEvent | BookChange | BookSnapshot | NewMarket | Unrecognised
)
"""What Polymarket's sockets tell."""

Words: TypeAlias = "str | Iterable[str]"
"""One token or several."""

_WANTED: Final = frozenset({BookWanted, Unheard})
MARKET: Final = "market"
USER: Final = "user"


def make_venue(
    *,
    private_key: PrivateKey | None,
    api_key: str | None,
    secret: str | None,
    password: str | None,
    environment: str,
    timeout: float,
    stream: StreamPolicy | None,
    clock: Clock | None,
    rng: Random | None,
    options: Mapping[str, str | int | bool] | None,
) -> PolymarketVenue:
    """The venue that signs, and answers what a stream wants to know."""
    return PolymarketVenue(
        Settings.of(
            private_key=private_key,
            api_key=api_key,
            secret=secret,
            password=password,
            environment=environment,
            timeout=timeout,
            stream=stream,
            clock=clock,
            rng=rng,
            options=options,
        )
    )


@attrs.frozen(slots=True, eq=False)
class Errand:
    """Something to be read over REST, and what it makes the stream tell."""

    flow: Flow[Any]
    done: Callable[[Any], Iterable[StreamEvent]]


def errands(
    venue: PolymarketVenue,
    stream: MarketStream | UserStream,
    events: Iterable[Any],
) -> tuple[list[Any], list[Errand]]:
    """What is to be told of these events, and what a stream asks for by them."""
    events = list(events)
    if _WANTED.isdisjoint(map(type, events)):
        return events, []
    told: list[Any] = []
    found: list[Errand] = []
    for event in events:
        if isinstance(event, Unheard):
            flow = venue.missing_markets(sorted(event.market_ids))
            found.append(Errand(flow, lambda _: stream.poll()))
        elif isinstance(event, BookWanted):
            book = venue.fetch_order_book(event.market_id, outcome=event.outcome)
            found.append(Errand(book, partial(_load, stream)))
        else:
            told.append(event)
    return told, found


def _load(stream: MarketStream | UserStream, book: OrderBook) -> Iterable[StreamEvent]:
    return stream.load(book)


class Ledger:
    """What one program has asked for; each token is asked for once."""

    def __init__(self, market: MarketStream, user: UserStream) -> None:
        self._market = market
        self._user = user
        self._tokens: dict[str, None] = {}
        self._has_user = False

    def subscribe(self, channel: str, tokens: Words | None) -> None:
        """Ask for what was not asked for yet."""
        if read_channel(channel) == USER:
            _refuse_tokens(tokens)
            if not self._has_user:
                self._has_user = True
                self._user.follow(Subject.ORDERS, None)
                self._user.follow(Subject.FILLS, None)
            return
        new = [x for x in read_tokens(tokens) if x not in self._tokens]
        self._tokens |= dict.fromkeys(new)
        self._market.tap(new)

    def unsubscribe(self, channel: str, tokens: Words | None) -> None:
        """Give up some tokens, all of them, or the account."""
        if read_channel(channel) == USER:
            _refuse_tokens(tokens)
            if self._has_user:
                self._has_user = False
                self._user.unfollow(Subject.ORDERS, None)
                self._user.unfollow(Subject.FILLS, None)
            return
        named = list(self._tokens) if tokens is None else read_tokens(tokens)
        gone = [x for x in named if x in self._tokens]
        for token in gone:
            del self._tokens[token]
        self._market.untap(gone)


def late(channel: str, seconds: float) -> RequestTimeout:
    """The error if nothing came back in time."""
    message = (
        f"the {channel} channel did not answer within {seconds:g} s; what was asked for is "
        "asked for again on each connection until it is unsubscribed"
    )
    return RequestTimeout(message, venue="polymarket")


def read_channel(channel: object) -> str:
    """Read the name of a channel."""
    if channel in (MARKET, USER):
        return str(channel)
    message = f"channel {channel!r} is neither 'market' nor 'user'"
    raise BadRequest(message, venue="polymarket")


def _refuse_tokens(tokens: Words | None) -> None:
    if tokens is not None:
        message = "the user channel tells of all markets: name no tokens"
        raise BadRequest(message, venue="polymarket")


def read_tokens(tokens: object) -> list[str]:
    """Read one token id or several."""
    named = [tokens] if isinstance(tokens, str) else tokens
    found = list(named) if isinstance(named, Iterable) else []
    if not found or not all(_is_token(x) for x in found):
        message = (
            f"tokens are ids of outcomes, decimal digits (Outcome.outcome_id), not "
            f"{tokens!r}"
        )
        raise BadRequest(message, venue="polymarket")
    return list(dict.fromkeys(found))


def _is_token(text: object) -> bool:
    return isinstance(text, str) and text.isascii() and text.isdigit()
