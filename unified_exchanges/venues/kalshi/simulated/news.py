"""What happens to the catalog and elsewhere: the engine trades and does not know of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

import attrs

from .feeds import IndexTold, PriceTold
from .tariff import Terms

__all__ = ["EventListed", "FeesChanged", "MetadataChanged", "News"]


@attrs.frozen(slots=True)
class EventListed:
    """The first market of an event is about to be listed."""

    event_ticker: str


@attrs.frozen(slots=True)
class FeesChanged:
    """An event got fees of its own; None: those of its series apply again."""

    event_ticker: str
    terms: Terms | None


@attrs.frozen(slots=True)
class MetadataChanged:
    """Something written about a market changed: the fields and what they say now."""

    ticker: str
    fields: Mapping[str, Any]


News: TypeAlias = EventListed | FeesChanged | MetadataChanged | IndexTold | PriceTold
