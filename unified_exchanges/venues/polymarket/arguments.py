"""What callers pass to Polymarket's listings, checked before anything is sent."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

from ...errors import EventNotFound, MarketNotFound, OrderNotFound
from ...hidden import told
from ...models import Params
from ...venue.arguments import Arguments, Span, page_size, pages_for

__all__ = [
    "ARGUMENTS",
    "Span",
    "asked",
    "page_size",
    "pages_for",
    "read_event_id",
    "read_id",
    "read_limit",
    "read_market_id",
    "read_market_ids",
    "read_order_id",
    "read_params",
    "read_query",
    "read_resolution",
    "read_span",
    "refusal",
    "refuse_unknown",
    "with_tag",
]

_CONDITION: Final = re.compile(r"0x[0-9a-f]{64}")
_NUMBER: Final = re.compile(r"[0-9]{1,18}")
_ORDER: Final = re.compile(r"(?:dry-run-)?0x[0-9a-f]{64}")

ARGUMENTS: Final = Arguments(
    venue="polymarket",
    people="Polymarket",
    ids="condition ids of markets (0x and 64 hexadecimal digits), numbers of events, as "
    "listings give them",
)
read_id = ARGUMENTS.read_id
read_limit = ARGUMENTS.read_limit
read_resolution = ARGUMENTS.read_resolution
read_span = ARGUMENTS.read_span
refuse_unknown = ARGUMENTS.refuse_unknown
refusal = ARGUMENTS.refusal


def read_market_id(value: object) -> str:
    """Read the id of a market; what cannot be one is known to no market."""
    text = read_id("market_id", value).lower()
    if not _CONDITION.fullmatch(text):
        message = (
            f"no market {told(value)}: Polymarket's are condition ids, 0x and 64 hexadecimal "
            "digits (Market.market_id); by a slug or a token they are found with "
            'fetch_markets(status="all", params={"slug": …}) or {"clob_token_ids": …}'
        )
        raise MarketNotFound(message, venue="polymarket")
    return text


def read_market_ids(values: Iterable[str]) -> list[str]:
    """Read several ids of markets, each once, in the order given."""
    ids = ARGUMENTS.read_ids("market_ids", values)
    return list(dict.fromkeys(map(read_market_id, ids)))


def read_event_id(value: object, name: str = "event_id") -> str:
    """Read the number of an event or series; what cannot be one is known to none."""
    text = read_id(name, value)
    if not _NUMBER.fullmatch(text):
        message = (
            f"no {name.removesuffix('_id')} {told(value)}: Polymarket's are numbers, as "
            "listings give them; by a slug they are found with fetch_events("
            'status="all", params={"slug": …})'
        )
        raise EventNotFound(message, venue="polymarket")
    return text


def with_tag(given: dict[str, str | int | bool], tag_id: object) -> None:
    """Add a tag to the words of a listing."""
    if tag_id is None:
        return
    if "tag_id" in given:
        raise refusal("give tag_id or params tag_id, not both")
    if not isinstance(tag_id, str) or not _NUMBER.fullmatch(tag_id):
        message = (
            f"tag_id {tag_id!r} is not a Tag.tag_id, which are numbers: fetch_tags() lists "
            'them; events are also found by a slug, with params={"tag_slug": …}'
        )
        raise refusal(message)
    given["tag_id"] = tag_id


def read_query(value: object) -> str:
    """Read the words of a search."""
    if isinstance(value, str) and value.strip():
        return value.strip()
    raise refusal(f"query {value!r} holds no words to search for")


def read_order_id(value: object) -> str:
    """Read the id of an order, which is a hash; what cannot be one is known to none."""
    text = read_id("order_id", value).lower()
    if not _ORDER.fullmatch(text):
        message = (
            f"no order {told(value)}: Polymarket's are hashes, 0x and 64 hexadecimal digits "
            "(Order.order_id)"
        )
        raise OrderNotFound(message, venue="polymarket")
    return text


def read_params(
    params: Params | None, taken: Iterable[str], known: Mapping[str, type]
) -> dict[str, str | int | bool]:
    """Read the caller's venue words; the number of something may be a number."""
    if isinstance(params, Mapping):
        params = {
            name: str(value) if known.get(name) is str and type(value) is int else value
            for name, value in params.items()
        }
    return ARGUMENTS.read_params(params, taken, known)


def asked(
    given: Mapping[str, object], lists: Iterable[str] = ()
) -> tuple[tuple[str, str], ...]:
    """Query pairs; what is a list of the venue's is repeated (docs.polymarket.com, 2026-08).

    >>> asked({"slug": "a,b", "closed": True}, ["slug"])
    (('slug', 'a'), ('slug', 'b'), ('closed', 'true'))
    """
    several = frozenset(lists)
    pairs: list[tuple[str, str]] = []
    for name, value in given.items():
        if value is None:
            continue
        text = str(value).lower() if isinstance(value, bool) else str(value)
        parts = text.split(",") if name in several else [text]
        pairs += [(name, part) for part in parts]
    return tuple(pairs)
