"""What the simulated Polymarket lists: events, their markets, tags.

The engine trades; this is all that is written about what it trades. Times are µs UTC.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Literal, TypeAlias

import attrs

from .chain import NEG_RISK, STANDARD, V3, Exchange

__all__ = ["Catalog", "Event", "Fees", "Listed", "Series", "Tag", "Version"]

Version: TypeAlias = Literal["v1", "v2"]


@attrs.frozen(slots=True)
class Tag:
    """A label by which events are found."""

    tag_id: str
    label: str
    slug: str


@attrs.frozen(slots=True)
class Series:
    """What recurs."""

    series_id: str
    slug: str
    title: str
    recurrence: str


@attrs.frozen(kw_only=True, slots=True)
class Fees:
    """What takers are charged in a market: rate · (p · (1 − p)), exponent 1."""

    kind: str
    rate: Decimal
    rebate: Decimal


@attrs.frozen(kw_only=True, slots=True)
class Event:
    """A group of questions; ``neg_risk_id`` where at most one of them is true."""

    event_id: str
    slug: str
    title: str
    description: str
    tags: tuple[Tag, ...]
    start_us: int
    end_us: int
    created_us: int
    neg_risk_id: str = ""
    is_augmented: bool = False
    series: Series | None = None
    image: str = ""

    @property
    def is_neg_risk(self) -> bool:
        """Whether at most one of its markets is true."""
        return bool(self.neg_risk_id)


@attrs.frozen(kw_only=True, slots=True)
class Listed:
    """What is written about a market. ``fair`` is where its price wanders around.

    ``tokens`` are the ids that trade, of outcome 0 and of outcome 1; ``seconds_delay``
    holds taking orders back, ``blocks_takers`` lets their calls last.
    """

    market_id: str
    event_id: str
    slug: str
    question: str
    condition_id: str
    question_id: str
    tokens: tuple[str, str]
    outcomes: tuple[str, str]
    tick: Decimal
    fair: Decimal
    start_us: int
    end_us: int
    created_us: int
    version: Version = "v1"
    fees: Fees | None = None
    neg_risk_id: str = ""
    is_other: bool = False
    group_title: str = ""
    threshold: int = 0
    description: str = ""
    source: str = ""
    min_size: Decimal = Decimal(5)
    seconds_delay: int = 0
    blocks_takers: bool = False
    game_start_us: int | None = None
    sports_type: str = ""
    line: Decimal | None = None
    opens_us: int | None = None
    legacy_tokens: tuple[str, str] | None = None

    @property
    def is_neg_risk(self) -> bool:
        """Whether it belongs to an event of which at most one market is true."""
        return bool(self.neg_risk_id)

    @property
    def exchange(self) -> Exchange:
        """The contract that settles its trades."""
        if self.version == "v2":
            return V3
        return NEG_RISK if self.is_neg_risk else STANDARD


class Catalog:
    """Everything listed, in the order of listing."""

    def __init__(self) -> None:
        self.events: dict[str, Event] = {}
        self.markets: dict[str, Listed] = {}
        """By condition id."""
        self.tags: dict[str, Tag] = {}
        self._of_token: dict[str, tuple[str, int]] = {}
        self._of_event: dict[str, list[str]] = {}

    def add_event(self, event: Event) -> None:
        """Write an event down, and its tags."""
        self.events[event.event_id] = event
        for tag in event.tags:
            self.tags.setdefault(tag.tag_id, tag)

    def add_market(self, listed: Listed) -> None:
        """Write a market down under its event."""
        self.markets[listed.condition_id] = listed
        self._of_event.setdefault(listed.event_id, []).append(listed.condition_id)
        for index, token in enumerate(listed.tokens):
            self._of_token[token] = (listed.condition_id, index)

    def event_of(self, listed: Listed) -> Event:
        """The event of a market."""
        return self.events[listed.event_id]

    def markets_of(self, event_id: str) -> list[Listed]:
        """The markets of an event."""
        return [self.markets[name] for name in self._of_event.get(event_id, ())]

    def of_token(self, token: str) -> tuple[Listed, int] | None:
        """The market of a token, and which outcome it is."""
        found = self._of_token.get(token)
        return None if found is None else (self.markets[found[0]], found[1])

    def find(self, word: str) -> Listed | None:
        """A market by its Gamma id or its slug."""
        return _first(self.markets.values(), word)

    def find_event(self, word: str) -> Event | None:
        """An event by its Gamma id or its slug."""
        names = ((e, (e.event_id, e.slug)) for e in self.events.values())
        return next((event for event, own in names if word in own), None)


def _first(markets: Iterable[Listed], word: str) -> Listed | None:
    return next((m for m in markets if word in {m.market_id, m.slug}), None)
