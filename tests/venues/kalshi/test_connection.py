"""How calls reach Kalshi: addresses, signatures, tokens, and what is refused unsent."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tests.venues.kalshi.desk import Desk, body, desk, refusal
from unified_exchanges.errors import (
    AuthenticationError,
    BadRequest,
    ExchangeNotAvailable,
    OrderRejected,
    ReadOnly,
    UnifiedExchangesError,
)
from unified_exchanges.flow import Response
from unified_exchanges.policy import LimitPolicy
from unified_exchanges.venues.kalshi import Kalshi

ORDERS = "/portfolio/events/orders"


def refused(act: Any) -> UnifiedExchangesError:
    with pytest.raises(UnifiedExchangesError) as caught:
        act()
    return caught.value


# -- raw requests ----------------------------------------------------------------------


@pytest.mark.parametrize("method", ["PATCH", "", "GETS", "get me"])
def test_a_method_that_kalshi_has_not_is_refused_unsent(method: str) -> None:
    place = desk({})
    error = refused(lambda: place.kalshi.request(method, "/markets"))
    assert isinstance(error, BadRequest)
    assert "GET, POST, PUT, DELETE" in str(error)
    assert place.asked == []


@pytest.mark.parametrize(
    "path",
    [
        "markets",
        "",
        "/",
        "/markets?limit=5",
        "/markets/../api_keys",
        "https://evil.example/markets",
        "/markets#x",
        "/mark ets",
        "/märkte",
        "/markets\r\nX-Header: 1",
        "/trade-api/v2/markets",
        "/markets/",
    ],
)
def test_a_path_that_leaves_the_base_address_is_refused_unsent(path: str) -> None:
    place = desk({})
    error = refused(lambda: place.kalshi.request("GET", path))
    assert isinstance(error, BadRequest)
    assert place.asked == []


def test_a_method_is_read_in_any_case() -> None:
    place = desk({"/milestones": {"milestones": []}})
    assert place.kalshi.request("get", "/milestones") == {"milestones": []}


def test_a_query_is_sent_in_order_and_none_is_left_out() -> None:
    place = desk({"/milestones": {}})
    query = {"limit": 5, "cursor": None, "live": True}
    place.kalshi.request("GET", "/milestones", query=query)
    assert place.transport.requests[0].query == (("limit", "5"), ("live", "true"))


def test_a_body_that_a_read_would_drop_is_refused_unsent() -> None:
    place = desk({"/milestones": {}})
    error = refused(
        lambda: place.kalshi.request("get", "/milestones", body={"limit": 5})
    )
    assert isinstance(error, BadRequest)
    assert "pass query=" in str(error)
    assert place.asked == []


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_a_raw_write_sends_a_body_of_json_even_when_it_is_empty(method: str) -> None:
    place = desk({"/portfolio/order_groups/g/reset": {}})
    place.kalshi.request(method, "/portfolio/order_groups/g/reset")
    sent = place.transport.requests[0]
    assert (sent.method, sent.body) == (method, b"{}")
    assert sent.headers["content-type"] == "application/json"


def test_fault_06_a_raw_write_is_not_repeated_and_says_that_it_may_have_happened() -> (
    None
):
    place = desk({"/portfolio/subaccounts": Response(503, {}, b"busy")})
    error = refused(lambda: place.kalshi.request("POST", "/portfolio/subaccounts"))
    assert isinstance(error, ExchangeNotAvailable)
    assert error.maybe_executed
    assert len(place.asked) == 1


def test_a_raw_read_is_repeated() -> None:
    answers = [Response(503, {}, b"busy"), body({"milestones": []})]
    place = desk({"/milestones": answers})
    assert place.kalshi.request("GET", "/milestones") == {"milestones": []}
    assert len(place.asked) == 2


def test_fault_51_a_raw_write_where_money_is_real_needs_live() -> None:
    place = desk({})
    careful = Kalshi(environment="production", transport=place.transport)
    error = refused(lambda: careful.request("POST", "/portfolio/subaccounts"))
    assert isinstance(error, ReadOnly)
    assert place.asked == []


# -- signing ---------------------------------------------------------------------------


def test_without_a_key_public_data_is_asked_for_unsigned() -> None:
    place = desk({"/milestones": {}}, key_id=None)
    place.kalshi.request("GET", "/milestones")
    assert place.transport.requests[0].headers == {}


@pytest.mark.parametrize("name", ["fetch_balance", "fetch_positions", "fetch_limits"])
def test_without_a_key_private_data_is_refused_unsent(name: str) -> None:
    place = desk({}, key_id=None)
    error = refused(getattr(place.kalshi, name))
    assert isinstance(error, AuthenticationError)
    assert "KALSHI_API_KEY" in str(error)
    assert place.asked == []


def test_without_a_key_a_raw_order_is_refused_unsent() -> None:
    place = desk({}, key_id=None)
    error = refused(lambda: place.kalshi.request("POST", ORDERS))
    assert isinstance(error, AuthenticationError)
    assert place.asked == []


def test_the_path_is_signed_without_the_query() -> None:
    place = desk({"/milestones": {}})
    place.kalshi.request("GET", "/milestones", query={"limit": 1})
    place.kalshi.request("GET", "/milestones", query={"limit": 2})
    one, two = (r.headers["KALSHI-ACCESS-SIGNATURE"] for r in place.transport.requests)
    # Ed25519 is deterministic: the same time, method and path.
    assert one == two


# -- subaccount ------------------------------------------------------------------------


@pytest.mark.parametrize("value", [-1, 64, "1", 1.0, True, "primary"])
def test_a_subaccount_that_cannot_be_is_refused_at_once(value: Any) -> None:
    error = refused(lambda: desk({}, options={"subaccount": value}))
    assert isinstance(error, BadRequest)
    assert "0 to 63" in str(error)


def test_a_subaccount_is_asked_for_in_every_private_listing() -> None:
    place = desk(
        {"/portfolio/balance": {"balance": 0, "balance_dollars": "0.0000"}},
        options={"subaccount": 7},
    )
    place.kalshi.fetch_balance()
    assert place.queries("/portfolio/balance") == [{"subaccount": "7"}]


# -- tokens ----------------------------------------------------------------------------


def charged(place: Desk, act: Any) -> dict[str, float]:
    """How many tokens a call took from which bucket."""
    venue = place.kalshi.venue
    taken: dict[str, float] = {}
    names = ["read", "write", *(f"write:{shard}" for shard in range(1, 4))]
    now = venue.clock.monotonic()
    before = {name: venue.bucket(name).fill(now) for name in names}
    act()
    for name in names:
        spent = (before[name] - venue.bucket(name).fill(now)) * venue.bucket(
            name
        ).capacity
        if spent > 1e-6:
            taken[name] = round(spent, 6)
    return taken


def free_of_waiting() -> LimitPolicy:
    huge = (10_000.0, 10_000.0)
    names = ["read", "write", "write:1", "write:2", "write:3"]
    return LimitPolicy(discover=False, buckets=dict.fromkeys(names, huge))


def test_fault_43_a_little_of_the_venue_s_buckets_is_never_counted_on() -> None:
    venue = desk(limits=LimitPolicy(discover=False)).kalshi.venue
    held = {name: venue.bucket(name).capacity for name in ("read", "write")}
    assert held == pytest.approx({"read": 590, "write": 90})


def test_buckets_that_the_caller_set_are_as_they_were_set() -> None:
    limits = LimitPolicy(discover=False, buckets={"write": (20, 20)})
    venue = desk(limits=limits).kalshi.venue
    assert venue.bucket("write").capacity == pytest.approx(20)


@pytest.mark.parametrize(
    ("method", "path", "sent", "wanted"),
    [
        ("GET", "/milestones", None, {"read": 10}),
        ("POST", ORDERS, {"exchange_index": 0}, {"write": 10}),
        ("POST", ORDERS, {"exchange_index": 2}, {"write:2": 10}),
        (
            "POST",
            ORDERS,
            {"exchange_index": -1},
            {"write": 10, "write:1": 10, "write:2": 10, "write:3": 10},
        ),
        ("POST", f"{ORDERS}/batched", {"orders": [{}, {}, {}]}, {"write": 30}),
        ("DELETE", f"{ORDERS}/batched", {"orders": [{}, {}]}, {"write": 4}),
        ("POST", "/portfolio/subaccounts", {}, {"write": 10}),
    ],
)
def test_a_raw_call_is_charged_as_kalshi_charges_it(
    method: str, path: str, sent: Any, wanted: dict[str, float]
) -> None:
    place = desk({path: {}}, limits=free_of_waiting())
    spent = charged(place, lambda: place.kalshi.request(method, path, body=sent))
    assert spent == wanted


def test_a_refused_entry_of_a_batch_is_a_typed_error() -> None:
    venue = desk({}).kalshi.venue
    entry = msgspec.json.encode({"code": "invalid_order", "message": "no"})
    error = venue.refusal_of_entry("buy 1 yes", ORDERS, entry)
    assert isinstance(error, OrderRejected | BadRequest)
    assert isinstance(
        venue.refusal_of_entry("buy 1 yes", ORDERS, None), UnifiedExchangesError
    )


def test_the_key_s_expiry_is_unknown_until_it_is_told() -> None:
    venue = desk({}).kalshi.venue
    assert venue.key_expires_at is None
    venue.note_key_expiry(None)
    assert venue.key_expires_at is None
    venue.note_key_expiry(1_795_200_000)
    assert venue.key_expires_at is not None


def test_a_refusal_names_what_was_asked_and_where() -> None:
    place = desk({"/milestones": refusal(400, "invalid_parameters")})
    error = refused(lambda: place.kalshi.request("GET", "/milestones"))
    assert error.request == "GET /milestones"
    assert (error.status, error.venue) == (400, "kalshi")
