"""What may be asked of Polymarket in any span of time, as its pages publish it."""

from __future__ import annotations

import pytest

from unified_exchanges.venues.polymarket import limits

ADDRESS = [
    ("GET", "/gamma/events", 500),
    ("GET", "/gamma/markets/keyset", 300),
    ("GET", "/gamma/public-search", 350),
    ("GET", "/gamma/tags", 200),
    ("GET", "/gamma/comments", 200),
    ("GET", "/gamma/series", 4000),
    ("GET", "/data/v2/trades", 300),
    ("GET", "/data/v2/positions", 200),
    ("GET", "/data/v2/activity", 200),
    ("GET", "/data/v2/prices-history", 200),
    ("GET", "/data/v2/status", 100),
    ("GET", "/data/v2/value", 800),
    ("GET", "/data/trades", 200),
    ("GET", "/data/positions", 150),
    ("GET", "/data/closed-positions", 150),
    ("GET", "/data/holders", 1000),
    ("GET", "/clob/book", 1500),
    ("POST", "/clob/books", 500),
    ("GET", "/clob/price", 1500),
    ("POST", "/clob/prices", 500),
    ("GET", "/clob/midpoint", 1500),
    ("POST", "/clob/midpoints", 500),
    ("POST", "/clob/spreads", 500),
    ("GET", "/clob/prices-history", 1000),
    ("GET", "/clob/tick-size", 200),
    ("GET", "/clob/data/orders", 500),
    ("GET", "/clob/data/trades", 500),
    ("GET", "/clob/data/order/0x1", 900),
    ("GET", "/clob/notifications", 125),
    ("GET", "/clob/balance-allowance", 200),
    ("GET", "/clob/balance-allowance/update", 50),
    ("GET", "/clob/auth/api-keys", 100),
    ("GET", "/clob/time", 9000),
]
"""Requests with what is granted of them in ten seconds (rate limits, 2026-08, 2026-10)."""
WRITES = [
    ("POST", "/clob/order", 5000, 120_000),
    ("DELETE", "/clob/order", 5000, 120_000),
    ("POST", "/clob/orders", 2000, 21_000),
    ("DELETE", "/clob/orders", 2000, 15_000),
    ("DELETE", "/clob/cancel-all", 250, 6000),
    ("DELETE", "/clob/cancel-market-orders", 1500, 21_000),
]
"""Those, with what is granted in ten seconds and in ten minutes."""


def most_in(name: str, seconds: float) -> float:
    """The most that a bucket lets pass in so long: what is there, and what comes back."""
    rate, at_once = limits.granted(name)
    assert rate > 0
    assert at_once >= 1
    return at_once + rate * seconds


@pytest.mark.parametrize(("method", "path", "granted"), ADDRESS)
def test_no_ten_seconds_ask_for_more_than_is_published(
    method: str, path: str, granted: int
) -> None:
    names = limits.groups_of(path, method)
    assert min(most_in(name, 10) for name in names) == pytest.approx(granted)
    assert most_in(names[-1], 10) == pytest.approx(15_000)


@pytest.mark.parametrize(("method", "path", "short", "long"), WRITES)
def test_no_ten_minutes_of_writes_either(
    method: str, path: str, short: int, long: int
) -> None:
    names = limits.groups_of(path, method)
    assert most_in(names[0], 10) == pytest.approx(short)
    assert min(most_in(name, 10) for name in names) <= short
    assert min(most_in(name, 600) for name in names) == pytest.approx(long)


@pytest.mark.parametrize(
    ("parts", "granted"),
    [
        (("/gamma/events", "/gamma/markets"), 900),
        (("/clob/data/orders", "/clob/data/trades", "/clob/notifications"), 900),
        (("/data/v2/trades", "/data/v2/positions"), 800),
        (("/data/trades", "/data/positions"), 1000),
        (("/clob/book", "/clob/price", "/clob/order"), 9000),
        (("/gamma/tags", "/gamma/comments"), 4000),
    ],
)
def test_what_endpoints_share_is_counted_together(
    parts: tuple[str, ...], granted: int
) -> None:
    shared = set.intersection(*(set(limits.groups_of(path)) for path in parts))
    least = min(shared, key=lambda name: most_in(name, 10))
    assert most_in(least, 10) == pytest.approx(granted)


@pytest.mark.parametrize(
    ("tier", "orders", "cancels"),
    [
        ("standard", (40, 60), (80, 120)),
        ("Copper", (60, 90), (120, 180)),
        ("bronze", (80, 120), (160, 240)),
        ("silver", (200, 300), (400, 600)),
        ("gold", (400, 600), (800, 1200)),
        ("platinum", (450, 675), (900, 1350)),
        ("diamond", (525, 787), (1050, 1575)),
        ("ELITE", (600, 900), (1200, 1800)),
        ("of-no-name-yet", (40, 60), (80, 120)),
    ],
)
def test_a_signer_has_what_its_tier_grants(
    tier: str, orders: tuple[int, int], cancels: tuple[int, int]
) -> None:
    found = [(x.name, x.refill_rate, x.capacity) for x in limits.bucket_limits(tier)]
    assert found == [("orders", *orders), ("cancels", *cancels)]
