"""What callers pass to Kalshi's listings, checked before anything is sent."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from ...models import Outcome
from ...models.catalog import no_outcome
from ...venue.arguments import Arguments, Span, page_size, pages_for

__all__ = [
    "ARGUMENTS",
    "LAST_SUBACCOUNT",
    "NO",
    "YES",
    "Span",
    "bounds",
    "page_size",
    "pages_for",
    "read_id",
    "read_ids",
    "read_limit",
    "read_moment",
    "read_optional_id",
    "read_outcome",
    "read_params",
    "read_resolution",
    "read_several",
    "read_span",
    "read_tag",
    "refuse_unknown",
]

YES: Final = "yes"
NO: Final = "no"
LAST_SUBACCOUNT: Final = 63
_SELF_TRADE: Final = ("taker_at_cross", "maker")


def _wrong(name: str, value: object) -> str | None:
    """What Kalshi documents as allowed, if it is not this (docs.kalshi.com, 2026-10)."""
    if name == "subaccount" and value not in range(LAST_SUBACCOUNT + 1):
        return f"a number from 0 to {LAST_SUBACCOUNT}"
    if name == "exchange_index" and isinstance(value, int) and value < -1:
        return "the number of a shard, or -1 for Kalshi's own routing"
    if name == "self_trade_prevention_type" and value not in _SELF_TRADE:
        return " or ".join(_SELF_TRADE)
    return None


ARGUMENTS: Final = Arguments(
    venue="kalshi",
    people="Kalshi",
    ids="letters, digits and dashes, as listings give them",
    # Hashes and tokens of a chain.
    foreign=re.compile(r"0x[0-9a-fA-F]{40,}|[0-9]{40,}"),
    wrong=_wrong,
)
read_id = ARGUMENTS.read_id
read_ids = ARGUMENTS.read_ids
read_limit = ARGUMENTS.read_limit
read_moment = ARGUMENTS.read_moment
read_optional_id = ARGUMENTS.read_optional_id
read_params = ARGUMENTS.read_params
read_several = ARGUMENTS.read_several
read_resolution = ARGUMENTS.read_resolution
read_span = ARGUMENTS.read_span
refuse_unknown = ARGUMENTS.refuse_unknown


def read_outcome(outcome: object) -> str:
    """Read an outcome, in any case; every market of Kalshi's has the same two."""
    if outcome is None:
        return YES
    if isinstance(outcome, str) and outcome.casefold() in (YES, NO):
        return outcome.casefold()
    if isinstance(outcome, Outcome):
        raise ARGUMENTS.refusal(no_outcome("", outcome, ()))
    raise ARGUMENTS.refusal(f"outcome {outcome!r} is not one of yes, no")


def bounds(span: Span) -> Mapping[str, int | None]:
    """A span in Kalshi's words; "after" and "before" it says (docs.kalshi.com, 2026-10)."""
    since, until = span.seconds()
    return {"min_ts": since, "max_ts": until}


def read_tag(value: object) -> str | None:
    """Read a tag, which may hold blanks but no comma: that parts them in a query."""
    if value is None or (isinstance(value, str) and value.strip() and "," not in value):
        return value
    message = f"tag_id {value!r} is not a Tag.tag_id, as fetch_tags() lists them"
    raise ARGUMENTS.refusal(message)
