"""What a wallet did and was given on Polymarket, newest first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Final

from ...errors import BadRequest
from ...flow import Page, Pages
from ...models import Activity, Params
from ...venue.merging import next_page
from . import parse
from .account import Account
from .arguments import (
    Span,
    read_event_id,
    read_limit,
    read_market_id,
    read_params,
    read_span,
)

__all__ = ["ActivityHistory"]

_PATH: Final = "/data/v2/activity"
_ARGUMENTS: Final = (
    "condition_id",
    "cursor",
    "end",
    "event_id",
    "exclude_deposits_withdrawals",
    "limit",
    "offset",
    "sort_direction",
    "start",
)
_WORDS: Final[Mapping[str, type]] = {"side": str, "type": str, "user": str}


class ActivityHistory(Account):
    """Lists what a wallet did."""

    def fetch_activity(
        self,
        *,
        market_id: str | None = None,
        event_id: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int | None = None,
        params: Params | None = None,
        ahead: bool = False,  # noqa: ARG002 - what comes next is told by each page only
    ) -> Pages[Activity]:
        """All that a wallet did and was given, newest first, deposits too.

        Told late, like positions, and of any wallet without a key.  A trade of a wallet that
        took from several orders is several rows.  ``params`` takes ``type`` (the venue's
        words, commas between), ``side`` and ``user``, another wallet.  A market or event
        that does not exist raises.
        """
        wanted, span = read_limit(limit), read_span(since, until)
        given = read_params(params, _ARGUMENTS, _WORDS)
        _check_types(given)
        if market_id is not None and event_id is not None:
            message = "give market_id or event_id, not both"
            raise BadRequest(message, venue=self.id)
        start, end = span.seconds()
        query: dict[str, object] = {
            **given,
            "user": self._whose(given),
            # Without a start only what is recent may come (vendor's SDK, 2026-10).
            "start": start or 1,
            "end": end,
            # Else the venue leaves them out, whatever the type (its specification, 2026-08).
            "exclude_deposits_withdrawals": False,
        }
        if market_id is not None:
            query["condition_id"] = read_market_id(market_id)
        if event_id is not None:
            query["event_id"] = read_event_id(event_id)
        is_sifted = span.since is not None or span.until is not None
        return self._activity(
            query, span, market_id, event_id, limit=None if is_sifted else wanted
        )

    def _activity(
        self,
        query: Mapping[str, object],
        span: Span,
        market_id: str | None,
        event_id: str | None,
        *,
        limit: int | None,
    ) -> Pages[Activity]:
        is_empty = True
        pages = self.told(
            _PATH,
            query,
            partial(parse.activity_page, alone=Counter()),
            lambda row: row[0],
            about="activity",
            limit=limit,
        )
        try:
            while (rows := (yield from next_page(pages))) is not None:
                kept = [act for _, act in rows if span.holds(act.happened_at)]
                is_empty = is_empty and not kept
                yield Page(kept)
        finally:
            pages.close()
        if is_empty:
            yield from self._require(market_id, event_id)


def _check_types(given: Mapping[str, object]) -> None:
    words = str(given.get("type", "TRADE")).split(",")
    for word in words:
        if word not in parse.KINDS:
            known = ", ".join(parse.KINDS)
            message = f"params type {word!r} is not one of {known}"
            raise BadRequest(message, venue="polymarket")
