"""Templates of combination markets out of Kalshi's answers."""

from __future__ import annotations

from datetime import datetime

import attrs
import msgspec

from ....models import Record
from ..wire import catalog as wire
from .reading import decode, read, read_all

__all__ = ["Collection", "collection", "collections_page"]


@attrs.frozen(kw_only=True, slots=True, repr=False)
class Collection(Record):
    """A template from which markets on several conditions are made.

    ``event_ids`` are the events whose markets may be its legs; a combination has between
    ``smallest`` and ``largest`` legs, where the venue tells.
    """

    collection_id: str
    series_id: str | None
    title: str
    event_ids: tuple[str, ...] = ()
    is_ordered: bool = False
    smallest: int | None = None
    largest: int | None = None
    opens_at: datetime | None = None
    closes_at: datetime | None = None
    shard: int = 0


def _collection(w: wire.Collection, payload: bytes) -> Collection:
    return Collection(
        venue="kalshi",
        raw_json=payload,
        collection_id=w.collection_ticker,
        series_id=w.series_ticker or None,
        title=w.title or "",
        event_ids=tuple(w.associated_event_tickers or ()),
        is_ordered=bool(w.is_ordered),
        smallest=w.size_min,
        largest=w.size_max,
        opens_at=w.open_date,
        closes_at=w.close_date,
        shard=w.exchange_index or 0,
    )


_COLLECTION = msgspec.json.Decoder(wire.Collection)
_PAGE = msgspec.json.Decoder(wire.CollectionsPage)
_ANSWER = msgspec.json.Decoder(wire.CollectionAnswer)


def collections_page(body: bytes) -> tuple[list[Collection], str | None]:
    """The templates of a page and the next cursor."""
    page = decode(_PAGE, body)
    rows = page.multivariate_contracts
    found = read_all(_COLLECTION, _collection, rows, "multivariate_contracts")
    return found, page.cursor or None


def collection(body: bytes) -> Collection:
    """One template."""
    row = decode(_ANSWER, body).multivariate_contract
    return read(_COLLECTION, _collection, row, "multivariate_contract")
