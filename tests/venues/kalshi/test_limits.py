"""The cost of every request, and the buckets it is taken from."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import recorded
from unified_exchanges.venues.kalshi.limits import (
    SHARDS,
    TIERS,
    Costs,
    buckets_of,
    write_buckets,
)
from unified_exchanges.venues.kalshi.simulated import limits as simulated

ROOT = "/trade-api/v2"
EVERY_SHARD = ("write", "write:1", "write:2", "write:3")


# -- costs -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path", "cost"),
    [
        ("GET", "/markets", 10),
        ("GET", "/markets/KXTEST-1/orderbook", 10),
        ("GET", "/portfolio/orders", 10),
        ("GET", "/portfolio/orders/a-b-c", 2),
        ("GET", "/portfolio/orders/queue_positions", 2),
        ("GET", "/cfbenchmarks", 50),
        ("GET", "/cfbenchmarks/brti/latest", 50),
        ("POST", "/portfolio/events/orders", 10),
        ("POST", "/portfolio/events/orders/a-b-c/amend", 10),
        ("POST", "/portfolio/events/orders/a-b-c/decrease", 10),
        ("DELETE", "/portfolio/events/orders/a-b-c", 2),
        ("DELETE", "/portfolio/events/orders", 2),
        ("POST", "/communications/quotes", 2),
        ("GET", "/communications/quotes/q", 2),
        ("DELETE", "/communications/quotes/q", 2),
        ("POST", "/account/api_usage_level/upgrade", 30),
    ],
)
def test_requests_cost_what_is_published(method, path, cost):
    assert Costs().cost_of(method, ROOT + path) == cost


@pytest.mark.parametrize(("method", "cost"), [("POST", 200), ("DELETE", 40)])
def test_a_batch_costs_the_sum_of_its_entries(method, cost):
    path = f"{ROOT}/portfolio/events/orders/batched"
    assert Costs().cost_of(method, path, 20) == cost


@pytest.mark.parametrize("root", ["", ROOT, f"/proxy{ROOT}"])
def test_a_path_counts_from_the_root_wherever_it_is_mounted(root):
    assert Costs().cost_of("GET", f"{root}/portfolio/orders/x?subaccount=1") == 2


def test_the_venues_own_costs_replace_the_published_ones():
    costs = Costs()
    costs.update(Decimal(7), [("GET", f"{ROOT}/portfolio/orders/:order_id", 3)])
    assert costs.cost_of("GET", f"{ROOT}/portfolio/orders/x") == 3
    assert costs.cost_of("DELETE", f"{ROOT}/portfolio/events/orders/x") == 7


def test_a_named_path_goes_before_a_placeholder_and_that_before_a_wildcard():
    costs = Costs()
    costs.update(10, [("GET", "/a/*x", 1), ("GET", "/a/:x", 2), ("GET", "/a/b", 3)])
    found = [costs.cost_of("GET", path) for path in ("/a/b", "/a/c", "/a/c/d")]
    assert found == [3, 2, 1]


def test_the_longest_wildcard_decides():
    costs = Costs()
    costs.update(10, [("GET", "/a/*x", 1), ("GET", "/a/b/*x", 2)])
    assert costs.cost_of("GET", "/a/b/c") == 2


def test_a_cost_of_another_method_does_not_count():
    costs = Costs()
    costs.update(10, [("DELETE", "/a/*x", 1), ("DELETE", "/a/:x", 2)])
    assert costs.cost_of("GET", "/a/b") == 10


def test_a_placeholder_stands_for_one_segment():
    costs = Costs()
    costs.update(10, [("GET", "/a/:x/c", 1)])
    found = [costs.cost_of("GET", path) for path in ("/a/b/c", "/a/b/d", "/a/b/b/c")]
    assert found == [1, 10, 10]


def test_a_fraction_of_a_token_counts_whole():
    costs = Costs()
    costs.update(Decimal("2.5"), [])
    assert costs.cost_of("GET", "/markets") == 3


def test_the_recorded_costs_are_kept():
    answer = recorded.read_example("rest/account_endpoint_costs.json")
    entries = [(e["method"], e["path"], e["cost"]) for e in answer["endpoint_costs"]]
    costs = Costs()
    costs.update(answer["default_cost"], entries)
    found = [
        costs.cost_of(method, path.replace(":", "x").replace("*", "y"))
        for method, path, _ in entries
    ]
    assert found == [cost for _, _, cost in entries]


@given(st.sampled_from(["GET", "POST", "PUT", "DELETE"]), st.text(), st.integers(1, 99))
def test_any_request_has_a_cost(method, path, items):
    assert Costs().cost_of(method, path, items) >= items * 2


# -- buckets ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shard", "names"),
    [
        (0, ("write",)),
        (1, ("write:1",)),
        (3, ("write:3",)),
        (9, ("write:9",)),
        (None, EVERY_SHARD),
        (-1, EVERY_SHARD),
    ],
)
def test_a_write_is_charged_where_it_goes(shard, names):
    assert write_buckets(shard) == names


@pytest.mark.parametrize(
    ("method", "path", "shard", "names"),
    [
        ("GET", "/portfolio/orders/x", 2, ("read",)),
        ("POST", "/portfolio/events/orders", 2, ("write:2",)),
        ("POST", "/portfolio/events/orders", None, EVERY_SHARD),
        ("POST", "/portfolio/events/orders/batched", 2, ("write",)),
        ("DELETE", "/portfolio/events/orders/batched", None, ("write",)),
        ("POST", "/communications/rfqs", 0, ("write:1",)),
        ("DELETE", "/communications/quotes/q", 0, ("write:1",)),
        ("GET", "/communications/quotes/q", 0, ("read",)),
    ],
)
def test_every_request_has_its_buckets(method, path, shard, names):
    assert buckets_of(method, ROOT + path, shard) == names


def test_the_recorded_basic_rates_are_the_defaults():
    answer = recorded.read_example("rest/account_limits_basic.json")
    rates = {name: TIERS["basic"][name][0] for name in ("read", "write")}
    assert rates == {name: answer[name]["refill_rate"] for name in ("read", "write")}


def test_the_simulated_venue_has_the_same_tiers_and_shards():
    ours = {tier: (*t["read"], *t["write"]) for tier, t in TIERS.items()}
    assert (ours, SHARDS) == (simulated.TIERS, simulated.SHARDS)


def test_the_tiers_cannot_be_changed():
    with pytest.raises(TypeError):
        TIERS["basic"] = {}  # type: ignore[index]
