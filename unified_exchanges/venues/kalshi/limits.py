"""What Kalshi's rate limits are: token buckets by tier, and the cost of each request.

docs.kalshi.com rate limits, as of 2026-09-24; capacities changed twice in autumn 2026,
so the account's own numbers replace these as soon as they are known.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import ROUND_CEILING, Decimal
from functools import lru_cache
from types import MappingProxyType
from typing import TypeAlias

__all__ = ["SHARDS", "TIERS", "Costs", "buckets_of", "write_buckets"]

SHARDS = 4
"""How many shards there are; a write that Kalshi routes itself is charged on each."""

TIERS: Mapping[str, Mapping[str, tuple[int, int]]] = MappingProxyType(
    {
        "basic": {"read": (200, 600), "write": (100, 100)},
        "advanced": {"read": (300, 900), "write": (300, 900)},
        "expert": {"read": (600, 600), "write": (600, 1800)},
        "premier": {"read": (1200, 1200), "write": (1200, 3600)},
        "paragon": {"read": (2400, 2400), "write": (2400, 7200)},
        "prime": {"read": (4800, 4800), "write": (4800, 14_400)},
        "prestige": {"read": (12_000, 12_000), "write": (9600, 28_800)},
    }
)
"""Tokens per second and capacity of the read and the write bucket, by tier."""

_ROOT = "/trade-api/v2"
_DEFAULT = 10
_DEFAULTS = (
    ("POST", "/account/api_usage_level/upgrade", 30),
    ("GET", "/cfbenchmarks", 50),
    ("GET", "/cfbenchmarks/*endpoint", 50),
    ("POST", "/communications/quotes", 2),
    ("GET", "/communications/quotes/:quote_id", 2),
    ("DELETE", "/communications/quotes/:quote_id", 2),
    ("PUT", "/multivariate_event_collections/:collection_ticker/lookup", 2),
    ("DELETE", "/portfolio/events/orders", 2),
    ("DELETE", "/portfolio/events/orders/:order_id", 2),
    ("DELETE", "/portfolio/events/orders/batched", 2),
    ("GET", "/portfolio/orders/:order_id", 2),
)
_QUOTING = ("/communications/rfqs", "/communications/quotes")
_COMBINATIONS = 1

_Segments: TypeAlias = tuple[str, ...]


class Costs:
    """Tokens per request; Kalshi's published table until `update` brings today's.

    >>> costs = Costs()
    >>> costs.cost_of("GET", "/trade-api/v2/markets")
    10
    >>> costs.cost_of("DELETE", "/trade-api/v2/portfolio/events/orders/batched", 20)
    40
    """

    def __init__(self) -> None:
        self._table = _Table(_DEFAULT, _DEFAULTS)

    def update(
        self,
        default_cost: Decimal | int,
        endpoint_costs: Iterable[tuple[str, str, Decimal | int]],
    ) -> None:
        """Replace the whole table by ``/account/endpoint_costs``.

        Entries are (method, path, cost); a path may hold ``:name`` for one segment and
        end in ``*name`` for the rest.  What is not listed costs ``default_cost``.
        """
        # Built first and then put in place at once: other threads may be reading.
        self._table = _Table(default_cost, endpoint_costs)

    def cost_of(self, method: str, path: str, items: int = 1) -> int:
        """Tokens for a request; ``items`` is the number of entries of a batch."""
        return self._table.find(method, path) * items


class _Table:
    def __init__(
        self,
        default: Decimal | int,
        entries: Iterable[tuple[str, str, Decimal | int]],
    ) -> None:
        self._default = _whole(default)
        self._exact: dict[tuple[str, str], int] = {}
        self._patterns: dict[tuple[str, int], list[tuple[_Segments, int]]] = {}
        self._prefixes: list[tuple[str, str, int]] = []
        for method, path, cost in entries:
            self._add(method.upper(), _relative(path), _whole(cost))
        # The longest prefix says most.
        self._prefixes.sort(key=lambda entry: -len(entry[1]))
        self.find = lru_cache(maxsize=256)(self._find)

    def _add(self, method: str, path: str, cost: int) -> None:
        prefix, wildcard, _ = path.partition("*")
        segments = tuple(path.split("/"))
        if wildcard:
            self._prefixes.append((method, prefix, cost))
        elif any(segment.startswith(":") for segment in segments):
            key = method, len(segments)
            self._patterns.setdefault(key, []).append((segments, cost))
        else:
            self._exact[method, path] = cost

    def _find(self, method: str, path: str) -> int:
        """The cost of the entry that fits most exactly."""
        path = _relative(path)
        exact = self._exact.get((method, path))
        if exact is not None:
            return exact
        segments = path.split("/")
        for pattern, cost in self._patterns.get((method, len(segments)), ()):
            if _fits(pattern, segments):
                return cost
        for verb, prefix, cost in self._prefixes:
            if verb == method and path.startswith(prefix):
                return cost
        return self._default


def _fits(pattern: _Segments, segments: list[str]) -> bool:
    return all(
        wanted.startswith(":") or wanted == found
        for wanted, found in zip(pattern, segments, strict=True)
    )


def _relative(path: str) -> str:
    """The path below the API's root, wherever that root is mounted, without query."""
    below = path.partition("?")[0]
    _, found, rest = below.partition(_ROOT)
    return rest if found else below


def _whole(cost: Decimal | int) -> int:
    return int(Decimal(cost).to_integral_value(ROUND_CEILING))


def write_buckets(shard: int | None) -> tuple[str, ...]:
    """The buckets that a write to a shard is charged to.

    Shard 0 is served by the account's bucket.  With None (or Kalshi's −1) the venue
    routes by ticker and charges every shard.

    >>> write_buckets(2), write_buckets(0)
    (('write:2',), ('write',))
    """
    if shard is None or shard < 0:
        return tuple(_bucket(number) for number in range(SHARDS))
    return (_bucket(shard),)


def buckets_of(method: str, path: str, shard: int | None = 0) -> tuple[str, ...]:
    """The buckets that a request is charged to, by name.

    Reads share one bucket, batches take from the account's, and requests for quotes
    and quotes from that of the combinations' shard.
    """
    if method.upper() == "GET":
        return ("read",)
    below = _relative(path)
    if below.startswith(_QUOTING):
        return (_bucket(_COMBINATIONS),)
    if below.endswith("/batched"):
        return (_bucket(0),)
    return write_buckets(shard)


def _bucket(shard: int) -> str:
    return f"write:{shard}" if shard else "write"
