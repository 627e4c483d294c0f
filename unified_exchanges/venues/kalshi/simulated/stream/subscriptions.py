"""Subscriptions of a connection: a channel, its markets, its numbers, who is looking."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

import attrs

from .....simulator.orders import Owner
from ..accounts import Account
from ..authentication import ApiKey
from ..house import House
from ..wire import Payload, market_uuid

__all__ = ["Channel", "Message", "Naming", "Subscription", "Viewer"]

_ALL = "all"

Message: TypeAlias = tuple[str, Payload]
"""The type of a frame and its ``msg``."""


@attrs.frozen(kw_only=True, slots=True)
class Viewer:
    """Whose connection it is: a key, and what it may see."""

    house: House
    key: ApiKey
    account: Account

    def owns(self, owner: Owner) -> bool:
        """Whether something is the key's own: of its subaccount, if it has only one."""
        mine = owner.account_id == self.account.user_id
        return mine and self.key.subaccount in {None, owner.subaccount}

    def subaccount(self, owner: Owner) -> int | None:
        """The number to show: none to who has no subaccounts."""
        numbers = self.house.engine.subaccounts(owner.account_id)
        return owner.subaccount if len(numbers) > 1 else None


@attrs.frozen(kw_only=True, slots=True)
class Naming:
    """How a channel is confined to what it names in ``field``, and asked what there is."""

    field: str
    add: str
    remove: str
    show: str
    kind: str
    code: int
    known: Callable[[House], list[str]]

    @property
    def actions(self) -> frozenset[str]:
        """What can be done with a subscription."""
        return frozenset({self.add, self.remove, self.show})


@attrs.frozen(kw_only=True, slots=True)
class Channel:
    """One channel: what it asks for, and what it makes of what happens.

    ``is_numbered``: its data carry a ``seq``. ``takes_markets``: it can be confined to
    markets, by id too with ``takes_ids``; the others ignore any market that is named.
    """

    name: str
    causes: tuple[type, ...]
    tell: Callable[[Any, Subscription, Viewer], Iterable[Message]]
    is_private: bool = False
    is_numbered: bool = True
    takes_markets: bool = False
    takes_ids: bool = False
    needs_markets: bool = False
    actions: frozenset[str] = frozenset()
    naming: Naming | None = None


@attrs.define(kw_only=True, slots=True)
class Subscription:
    """A channel as one connection sees it. ``markets`` None: all of them."""

    sid: int
    channel: Channel
    markets: set[str] | None = None
    is_by_id: bool = False
    in_yes_price: bool = False
    is_terse: bool = False
    names: set[str] = attrs.field(factory=set)
    """What is followed where it is not markets; ``all`` is everything."""
    number: int = 0
    shown: dict[str, Payload] = attrs.field(factory=dict)
    """The ticker last sent of each market."""

    def wants(self, ticker: str) -> bool:
        """Whether a market is among those subscribed to."""
        return self.markets is None or ticker in self.markets

    def wants_name(self, name: str) -> bool:
        """Whether something that is no market is among what is subscribed to."""
        return name in self.names or _ALL in self.names

    def remove_names(self, names: Iterable[str]) -> None:
        """Give names up, with ``all`` every one."""
        gone = set(names)
        self.names = set() if _ALL in gone else self.names - gone

    def next_number(self) -> int:
        """The next ``seq``."""
        self.number += 1
        return self.number

    def add(self, tickers: Iterable[str] | None) -> list[str]:
        """Subscribe to more markets, None to all; those that are new."""
        if tickers is None:
            self.markets = None
        if self.markets is None:
            return []
        new = [t for t in tickers or () if t not in self.markets]
        self.markets.update(new)
        return new

    def remove(self, tickers: Iterable[str]) -> None:
        """Give markets up."""
        self.markets = (self.markets or set()).difference(tickers)

    def listing(self) -> Payload:
        """All markets now, sorted (recorded 2026-08); all of the venue's: none named."""
        if self.markets is None or self.is_terse:
            return {}
        tickers = sorted(self.markets)
        if self.is_by_id:
            return {"market_ids": [market_uuid(ticker) for ticker in tickers]}
        return {"market_tickers": tickers}
