"""What a program has subscribed to on Kalshi's WebSocket, and what came of its calls."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from random import Random
from typing import TypeAlias

import attrs

from ...clock import Clock
from ...errors import BadRequest, RequestTimeout, UnifiedExchangesError
from ...models import OrderBook
from ...policy import StreamPolicy
from ...settings import PrivateKey, Settings
from ...streams.protocol import Refused, StreamEvent
from ...streams.session import Dial
from .arguments import read_id, read_several
from .stream import (
    BookDelta,
    BookSnapshot,
    CfBenchmarksIndexList,
    CfBenchmarksValue,
    EventFeeUpdate,
    EventLifecycle,
    KalshiStream,
    OrderGroupUpdate,
    PythUnderlyingList,
    PythValue,
    QuoteAccepted,
    QuoteCreated,
    QuoteExecuted,
    RfqCreated,
    RfqDeleted,
    Unrecognised,
)
from .stream.channels import channel_of
from .stream.parameters import Parameter, check_same, read_parameters
from .venue import KalshiVenue

__all__ = [
    "Asked",
    "KalshiEvent",
    "Params",
    "Subscriptions",
    "Words",
    "make_venue",
    "read_book",
]

KalshiEvent: TypeAlias = (
    StreamEvent
    | BookDelta
    | BookSnapshot
    | CfBenchmarksIndexList
    | CfBenchmarksValue
    | EventFeeUpdate
    | EventLifecycle
    | OrderGroupUpdate
    | PythUnderlyingList
    | PythValue
    | QuoteAccepted
    | QuoteCreated
    | QuoteExecuted
    | RfqCreated
    | RfqDeleted
    | Unrecognised
)
"""What Kalshi's WebSocket tells."""

Words: TypeAlias = "str | Iterable[str]"
"""One or several: channels by Kalshi's names, or market ids."""

Params: TypeAlias = "Mapping[str, Parameter]"
"""Kalshi's further words of a subscription, such as ``user_filter``."""

_OUTCOMES = ("yes", "no")


def make_venue(
    *,
    api_key: str | None,
    private_key: PrivateKey | None,
    password: str | None,
    environment: str,
    timeout: float,
    stream: StreamPolicy | None,
    clock: Clock | None,
    rng: Random | None,
    subaccount: int | None,
) -> tuple[KalshiVenue, Dial]:
    """The venue that signs, and how its stream is reached; refuses to go without a key."""
    options = None if subaccount is None else {"subaccount": subaccount}
    venue = KalshiVenue(
        Settings.of(
            api_key=api_key,
            private_key=private_key,
            password=password,
            environment=environment,
            timeout=timeout,
            stream=stream,
            clock=clock,
            rng=rng,
            options=options,
        )
    )
    venue.stream_headers()
    dial = Dial(
        url=venue.stream_url,
        headers=venue.stream_headers,
        observe=venue.offset.observe,
        timeout=timeout,
        venue=venue.id,
        taps=venue.taps,
    )
    return venue, dial


@attrs.define(slots=True, eq=False)
class Asked:
    """A call that waits for its acknowledgement."""

    stream: KalshiStream
    channels: tuple[str, ...]
    market_ids: frozenset[str] | None
    refusal: UnifiedExchangesError | None = None

    def hear(self, refused: Refused) -> None:
        """Take a refusal, if it answers this call."""
        if self.refusal is not None or refused.channel not in self.channels:
            return
        mine, theirs = self.market_ids, refused.market_ids
        if mine is None or theirs is None or mine & theirs:
            self.refusal = refused.error

    def is_over(self) -> bool:
        """Whether the venue has answered all of it."""
        return all(self.stream.has_settled(channel) for channel in self.channels)

    def late(self, seconds: float) -> RequestTimeout:
        """The error if it was not acknowledged in time."""
        message = (
            f"{', '.join(self.channels)}: not acknowledged within {seconds:g} s; it is "
            "asked for again on each connection until it is unsubscribed"
        )
        return RequestTimeout(message, venue="kalshi")


class Subscriptions:
    """The ledger of one program: each market of a channel is asked for once."""

    def __init__(self, stream: KalshiStream) -> None:
        self._stream = stream
        self._markets: dict[str, set[str]] = {}
        self._everything: set[str] = set()
        self._params: dict[str, dict[str, object]] = {}
        """The further words of each channel that is followed."""
        self._asked: list[Asked] = []

    def subscribe(
        self, channels: Words, market_ids: Words | None, params: Params | None
    ) -> Asked:
        """Ask for what was not asked for yet; all that is wrong is said before."""
        names, markets = _names("channels", channels), _market_ids(market_ids)
        words = {name: self._read(name, markets, params) for name in names}
        for name in names:
            self._params[name] = words[name]
            if markets is None:
                if name not in self._everything:
                    self._stream.subscribe(name, None, words[name])
                    self._everything.add(name)
                continue
            mine = self._markets.setdefault(name, set())
            if new := [x for x in markets if x not in mine]:
                self._stream.subscribe(name, new, words[name])
                mine.update(new)
        return self._await(names, markets)

    def _read(
        self, name: str, markets: Collection[str] | None, params: Params | None
    ) -> dict[str, object]:
        """The words for a channel: those that it has, if none are given."""
        channel = channel_of(name)
        channel.check_markets(markets)
        followed = self._params.get(name)
        if params is None and followed is not None:
            return followed
        words = read_parameters(channel, params)
        if followed is not None:
            check_same(name, followed, words)
        return words

    def unsubscribe(self, channels: Words, market_ids: Words | None) -> Asked:
        """Give up markets of channels, or all that was asked of them."""
        names, markets = _names("channels", channels), _market_ids(market_ids)
        for name in names:
            mine = self._markets.get(name, set())
            gone = mine & set(mine if markets is None else markets)
            if gone:
                self._stream.unsubscribe(name, sorted(gone))
                mine -= gone
            if markets is None and name in self._everything:
                self._stream.unsubscribe(name, None)
                self._everything.remove(name)
            self._forget_params(name)
        return self._await(names, markets)

    def _forget_params(self, name: str) -> None:
        """Whoever follows a channel that nobody follows says its words anew."""
        if name not in self._everything and not self._markets.get(name):
            self._params.pop(name, None)

    def hear(self, events: Iterable[object]) -> None:
        """Look for refusals: what is refused is asked for no more."""
        for event in events:
            if type(event) is Refused:
                self._refused(event)

    def forget(self, asked: Asked) -> None:
        """Nobody waits for this call any more."""
        self._asked.remove(asked)

    def _await(self, names: Sequence[str], markets: Collection[str] | None) -> Asked:
        wanted = None if markets is None else frozenset(markets)
        asked = Asked(self._stream, tuple(names), wanted)
        self._asked.append(asked)
        return asked

    def _refused(self, refused: Refused) -> None:
        channel = refused.channel
        if refused.market_ids is None:
            self._markets.pop(channel, None)
            self._everything.discard(channel)
        else:
            self._markets.get(channel, set()).difference_update(refused.market_ids)
        self._forget_params(channel)
        for asked in self._asked:
            asked.hear(refused)


def read_book(
    stream: KalshiStream, market_id: str, outcome: str | None
) -> OrderBook | None:
    """A book as it stands, of ``yes`` unless ``no`` is asked for."""
    wanted = None if outcome is None else outcome.lower()
    if wanted is not None and wanted not in _OUTCOMES:
        message = f"outcome {outcome!r} is neither yes nor no"
        raise BadRequest(message, venue="kalshi")
    return stream.order_book(market_id, wanted)


def _names(what: str, given: Words) -> list[str]:
    names = [given] if isinstance(given, str) else read_several(what, given)
    if what == "market_ids":
        names = [read_id(what, name) for name in names]
    if not names or not all(names) or {type(x) for x in names} != {str}:
        message = f"{what} is a name or several, not {given!r}"
        raise BadRequest(message, venue="kalshi")
    return list(dict.fromkeys(names))


def _market_ids(given: Words | None) -> list[str] | None:
    return None if given is None else _names("market_ids", given)
