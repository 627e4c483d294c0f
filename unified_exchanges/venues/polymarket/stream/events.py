"""What Polymarket tells that has no unified kind, and how its books change.

They are msgspec structs, where every frame makes one, and models elsewhere.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

import attrs
from msgspec import Struct

from ....grid import PriceGrid
from ....models import Level, Side
from ....models.record import Record
from ....streams.protocol import BookChanged
from ..parse.reading import milliseconds
from . import frames

__all__ = ["BookChange", "BookSnapshot", "NewMarket", "Unrecognised"]


class _Told(BookChanged, Struct, frozen=True, gc=False):
    """A book and the moment at which it became what it is.

    ``outcome`` is its label where that is known, else the token.  ``moment`` is Unix
    milliseconds by the venue's clock.
    """

    market_id: str
    outcome: str
    asset_id: str
    moment: int

    @property
    def own_outcome(self) -> str | None:
        """Whose book it is."""
        return self.outcome

    @property
    def timestamp(self) -> datetime:
        """When that was, by the venue's clock."""
        return milliseconds(self.moment, "timestamp")


class BookSnapshot(_Told, frozen=True, gc=False):
    """A whole book takes the place of what was known: read it with ``book``."""


class BookChange(_Told, frozen=True, gc=False):
    """Levels of a book were set; ``rows`` are the venue's texts, `changes` their meaning."""

    rows: tuple[frames.Change, ...]

    @property
    def changes(self) -> tuple[tuple[Side, Level], ...]:
        """Buy for bids, sell for asks, and what there is now at the price; 0 is nothing."""
        return tuple(
            (
                Side.BUY if row.side == "BUY" else Side.SELL,
                Level(Decimal(row.price), Decimal(row.size)),
            )
            for row in self.rows
        )


@attrs.frozen(kw_only=True, slots=True, repr=False, eq=False)
class NewMarket(Record):
    """A market was listed; ``tokens`` are in the order of its ``outcomes``."""

    market_id: str
    title: str
    slug: str
    outcomes: tuple[str, ...]
    tokens: tuple[str, ...]
    grid: PriceGrid | None
    timestamp: datetime


@attrs.frozen(kw_only=True, slots=True, repr=False, eq=False)
class Unrecognised(Record):
    """A frame of a type that this version does not know; ``raw`` has it."""

    kind: str
