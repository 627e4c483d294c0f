"""How a call reaches Polymarket: hosts, signatures, buckets, keys."""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any

import attrs
import msgspec
import pytest

from tests.venues.polymarket.desk import (
    SECONDS,
    URL,
    Desk,
    Turns,
    balance,
    body,
    catalog,
    condition,
    desk,
    market,
    page,
    told,
)
from tests.venues.polymarket.keys import (
    ADDRESS,
    API_KEY,
    API_SECRET,
    PASSPHRASE,
    SECRET_KEY,
)
from unified_exchanges import (
    AuthenticationError,
    BadRequest,
    ConnectionLost,
    ExchangeNotAvailable,
    GuardPolicy,
    GuardTripped,
    LimitPolicy,
    RateLimitExceeded,
    ReadOnly,
    RetryPolicy,
)
from unified_exchanges.limiter import take_together
from unified_exchanges.venues.polymarket import limits, own_key

CASH = "/clob/balance-allowance"
ORDERS = "/clob/data/orders"
KEY = {"apiKey": API_KEY, "secret": API_SECRET, "passphrase": PASSPHRASE}
DERIVE = "/clob/auth/derive-api-key"
CREATE = "/clob/auth/api-key"


def keyed(flavour: str = "blocking", /, *, more: Any = None, **fields: Any) -> Desk:
    answers = {CASH: balance(), ORDERS: page(), DERIVE: KEY, CREATE: KEY}
    return desk(flavour, answers | (more or {}), **fields)


def signature(timestamp: int, method: str, path: str, sent: bytes = b"") -> str:
    """The HMAC of a call, worked out another way."""
    text = f"{timestamp}{method}{path}".encode() + sent
    made = hmac.new(urlsafe_b64decode(API_SECRET), text, "sha256")
    return urlsafe_b64encode(made.digest()).decode()


# -- hosts -----------------------------------------------------------------------------


def test_in_production_each_service_has_its_host() -> None:
    exchange = desk(
        environment="production",
        keyed=False,
        answers={
            "/markets/keyset": catalog(market(1)),
            "/v2/trades": told(),
            "/ok": "OK",
            "/time": 1,
        },
    )
    exchange("fetch_markets")
    exchange("fetch_trades")
    exchange("fetch_status")
    assert [x.url for x in exchange.transport.requests] == [
        "https://gamma-api.polymarket.com/markets/keyset",
        "https://data-api.polymarket.com/v2/trades",
        "https://clob.polymarket.com/ok",
        "https://clob.polymarket.com/time",
    ]


def test_at_a_url_the_services_are_told_apart_by_their_path() -> None:
    exchange = keyed()
    exchange("fetch_balance")
    assert exchange.transport.requests[0].url == f"{URL}{CASH}"


@pytest.mark.parametrize(
    ("environment", "real"),
    [("production", True), ("local", False), (URL, False), ("https://else.test", True)],
)
def test_money_is_real_unless_it_is_on_this_machine(
    environment: str, real: bool
) -> None:
    assert desk(environment=environment).venue.environment.is_real_money is real


# -- signatures ------------------------------------------------------------------------


def test_a_private_call_is_signed_over_the_path_below_the_service(flavour: str) -> None:
    exchange = keyed(flavour)
    exchange("fetch_balance")
    headers = dict(exchange.transport.requests[0].headers)
    assert headers == {
        "POLY_ADDRESS": ADDRESS,
        "POLY_API_KEY": API_KEY,
        "POLY_PASSPHRASE": PASSPHRASE,
        "POLY_TIMESTAMP": str(SECONDS),
        "POLY_SIGNATURE": signature(SECONDS, "GET", "/balance-allowance"),
    }


def test_the_body_is_signed_as_it_is_sent(flavour: str) -> None:
    exchange = keyed(flavour, more={"/clob/order": {"canceled": []}})
    exchange("request", "DELETE", "/clob/order", body={"orderID": "0x1"})
    (sent,) = exchange.transport.requests
    assert sent.body == b'{"orderID":"0x1"}'
    assert sent.headers["POLY_SIGNATURE"] == signature(
        SECONDS, "DELETE", "/order", sent.body
    )
    assert sent.headers["content-type"] == "application/json"


def test_public_calls_bear_no_key(flavour: str) -> None:
    exchange = keyed(
        flavour, more={"/gamma/markets/keyset": catalog(market(1)), "/clob/books": []}
    )
    exchange("fetch_order_books", [condition(1)])
    assert [dict(x.headers) for x in exchange.transport.requests] == [
        {},
        {"content-type": "application/json"},
    ]


def test_the_venue_s_clock_is_signed_with() -> None:
    late = "Fri, 20 Nov 2026 19:40:00 GMT"
    exchange = keyed(more={CASH: body(balance(), date=late)})
    exchange("fetch_balance")
    exchange("fetch_balance")
    moment = int(exchange.transport.requests[2].headers["POLY_TIMESTAMP"])
    assert moment - SECONDS == pytest.approx(3_600, abs=1)


def test_secrets_are_nowhere_to_be_read(flavour: str) -> None:
    exchange = keyed(flavour)
    exchange("fetch_balance")
    shown = repr((exchange.exchange, exchange.venue, exchange.transport.requests))
    for secret in (SECRET_KEY[2:], API_SECRET, PASSPHRASE, API_KEY):
        assert secret not in shown


# -- the API key -----------------------------------------------------------------------


def test_the_api_key_is_derived_before_the_first_private_call(flavour: str) -> None:
    exchange = keyed(flavour, api=False)
    exchange("fetch_balance")
    exchange("fetch_balance")
    assert exchange.asked == [
        f"GET {DERIVE}",
        *[f"GET {CASH}", f"GET {ORDERS}"] * 2,
    ]
    first = exchange.transport.requests[0].headers
    assert set(first) == {
        "POLY_ADDRESS",
        "POLY_SIGNATURE",
        "POLY_TIMESTAMP",
        "POLY_NONCE",
    }
    assert exchange.venue.key_id == API_KEY


def test_public_calls_derive_none(flavour: str) -> None:
    exchange = keyed(flavour, api=False, more={"/data/v2/trades": told()})
    exchange("fetch_trades")
    assert exchange.asked == ["GET /data/v2/trades"]


@pytest.mark.parametrize("status", [400, 401])
def test_one_is_made_where_there_is_none(status: int, flavour: str) -> None:
    none = body({"error": "Could not derive api key!"}, status)
    exchange = keyed(flavour, api=False, more={DERIVE: none})
    exchange("fetch_balance")
    assert exchange.asked[:2] == [f"GET {DERIVE}", f"POST {CREATE}"]
    assert "POLY_NONCE" in exchange.transport.requests[1].headers


@pytest.mark.parametrize(
    "fields",
    [
        {"environment": "production"},
        {"guards": GuardPolicy(read_only=True)},
    ],
)
def test_none_is_made_by_who_may_not_write(fields: dict[str, Any]) -> None:
    none = body({"error": "Could not derive api key!"}, 400)
    exchange = keyed(
        api=False, more={DERIVE: none, "/auth/derive-api-key": none}, **fields
    )
    with pytest.raises(BadRequest, match="There may be none yet"):
        exchange("fetch_balance")
    assert len(exchange.asked) == 1


@pytest.mark.parametrize("failure", [ConnectionLost("reset"), body("", 502)])
def test_a_key_whose_making_lost_its_answer_is_derived(
    failure: Any, flavour: str
) -> None:
    none = body({"error": "Could not derive api key!"}, 400)
    more = {DERIVE: Turns(none, KEY), CREATE: failure}
    exchange = keyed(flavour, api=False, more=more, retry=RetryPolicy(attempts=1))
    exchange("fetch_balance")
    assert exchange.asked[:3] == [f"GET {DERIVE}", f"POST {CREATE}", f"GET {DERIVE}"]
    assert exchange.venue.key_id == API_KEY


def test_a_key_that_was_not_made_is_told_by_what_its_making_met(flavour: str) -> None:
    none = body({"error": "Could not derive api key!"}, 400)
    more = {DERIVE: none, CREATE: ConnectionLost("reset")}
    exchange = keyed(flavour, api=False, more=more, retry=RetryPolicy(attempts=1))
    with pytest.raises(ConnectionLost):
        exchange("fetch_balance")
    refused = {DERIVE: none, CREATE: body({"error": "no"}, 400)}
    exchange = keyed(flavour, api=False, more=refused)
    with pytest.raises(BadRequest, match="no"):
        exchange("fetch_balance")
    assert exchange.asked == [f"GET {DERIVE}", f"POST {CREATE}", f"GET {DERIVE}"]


def test_a_key_that_another_process_had_made_meanwhile_is_derived(flavour: str) -> None:
    none = body({"error": "Could not derive api key!"}, 400)
    late = body({"error": "Could not create api key"}, 400)
    more = {DERIVE: Turns(none, KEY), CREATE: late}
    exchange = keyed(flavour, api=False, more=more)
    exchange("fetch_balance")
    assert exchange.asked[:3] == [f"GET {DERIVE}", f"POST {CREATE}", f"GET {DERIVE}"]
    assert exchange.venue.key_id == API_KEY


def test_a_derived_key_that_was_never_taken_is_not_derived_again(flavour: str) -> None:
    revoked = {CASH: body({"error": "Unauthorized/Invalid api key"}, 401)}
    exchange = keyed(flavour, api=False, more=revoked)
    for _ in range(2):
        with pytest.raises(AuthenticationError, match="refused from the first"):
            exchange("fetch_balance")
    assert exchange.asked.count(f"GET {DERIVE}") == 1
    given = keyed(flavour, more=revoked)
    with pytest.raises(AuthenticationError) as caught:
        given("fetch_balance")
    assert "No api_key= was given" not in str(caught.value)


def test_an_api_key_that_cannot_be_read_is_not_shown() -> None:
    exchange = keyed(
        api=False, more={DERIVE: {"apiKey": API_KEY, "secret": API_SECRET}}
    )
    with pytest.raises(
        AuthenticationError, match="words that cannot be read"
    ) as caught:
        exchange("fetch_balance")
    assert API_SECRET not in str(caught.value)


def test_an_api_key_on_its_way_shows_nothing() -> None:
    on_its_way = own_key._KEY.decode(msgspec.json.encode(KEY))
    assert repr(on_its_way) == "<API key>"


def test_an_outage_is_no_missing_key() -> None:
    exchange = keyed(
        api=False,
        more={DERIVE: body("", 503)},
        retry=RetryPolicy(attempts=1),
    )
    with pytest.raises(ExchangeNotAvailable):
        exchange("fetch_balance")
    assert exchange.asked == [f"GET {DERIVE}"]


# -- buckets ---------------------------------------------------------------------------

ALL = "everything"


@pytest.mark.parametrize(
    ("path", "groups"),
    [
        ("/gamma/markets/keyset", ("gamma:markets", "gamma:listings", "gamma", ALL)),
        ("/gamma/events/7", ("gamma:events", "gamma:listings", "gamma", ALL)),
        ("/gamma/series", ("gamma", ALL)),
        ("/clob/book", ("clob:book", "clob", ALL)),
        ("/clob/books", ("clob:books", "clob", ALL)),
        ("/clob/data/orders", ("clob:orders", "clob:ledger", "clob", ALL)),
        ("/clob/data/trades", ("clob:trades", "clob:ledger", "clob", ALL)),
        ("/clob/data/order/0x1", ("clob:ledger", "clob", ALL)),
        ("/clob/notifications", ("clob:notifications", "clob:ledger", "clob", ALL)),
        ("/clob/balance-allowance/update", ("clob:refresh", "clob", ALL)),
        ("/data/v2/positions", ("data:positions", "data", ALL)),
        ("/data/positions", ("data1:positions", "data1", ALL)),
        ("/else", ()),
    ],
)
def test_a_path_counts_in_its_group_in_what_that_shares_and_its_host(
    path: str, groups: tuple[str, ...]
) -> None:
    assert limits.groups_of(path) == groups


@pytest.mark.parametrize(
    ("method", "path", "name", "short", "long"),
    [
        ("POST", "/clob/order", "place", 5000, 120_000),
        ("DELETE", "/clob/order", "cancel", 5000, 120_000),
        ("POST", "/clob/orders", "place_batch", 2000, 21_000),
        ("DELETE", "/clob/orders", "cancel_batch", 2000, 15_000),
        ("DELETE", "/clob/cancel-all", "cancel_all", 250, 6000),
        ("DELETE", "/clob/cancel-market-orders", "cancel_market", 1500, 21_000),
    ],
)
def test_a_write_counts_in_ten_seconds_and_in_ten_minutes_of_its_address(
    method: str, path: str, name: str, short: int, long: int
) -> None:
    groups = limits.groups_of(path, method)
    assert groups == (f"clob:{name}", f"clob:{name}:long", "clob", ALL)
    for group, seconds, count in zip(groups, (10, 600), (short, long), strict=False):
        rate, at_once = limits.granted(group)
        assert at_once + rate * seconds == pytest.approx(count)


def test_reads_of_a_path_that_is_written_to_count_as_reads() -> None:
    assert limits.groups_of("/clob/orders", "GET") == ("clob", ALL)


def test_no_ten_seconds_see_more_than_is_granted() -> None:
    exchange = desk(
        answers={"/clob/balance-allowance/update": {}},
        limits=LimitPolicy(discover=False),
    )
    sent = []
    for _ in range(120):
        exchange("request", "GET", "/clob/balance-allowance/update")
        sent.append(exchange.clock.now())
    most = max(sum(at <= x < at + 10 for x in sent) for at in sent)
    assert 40 <= most <= 50


def test_a_write_is_charged_to_its_signer(flavour: str) -> None:
    exchange = keyed(
        flavour,
        more={"/clob/order": {"canceled": []}},
        limits=LimitPolicy(discover=False),
    )
    exchange("request", "DELETE", "/clob/order", body={"orderID": "0x1"})
    address = {"clob:cancel", "clob:cancel:long", "clob", ALL}
    assert set(exchange.venue.buckets) == {"cancels", *address}
    assert exchange.venue.bucket("cancels").capacity == 120


def test_an_answer_tells_the_tier_and_what_is_left(flavour: str) -> None:
    answer = body(
        {},
        poly_ratelimit_tier="Gold",
        poly_ratelimit_remaining="3",
    )
    exchange = keyed(
        flavour, more={"/clob/order": answer}, limits=LimitPolicy(discover=False)
    )
    exchange("request", "DELETE", "/clob/order", body={})
    bucket = exchange.venue.bucket("cancels")
    assert exchange.venue.tier == "gold"
    assert bucket.capacity == 1_200
    assert bucket.fill(exchange.clock.monotonic()) * 1_200 == pytest.approx(3)


def test_who_has_cancelled_more_than_was_left_waits_until_it_is_earned() -> None:
    answer = body({}, poly_ratelimit_remaining="-160")
    exchange = keyed(
        more={"/clob/order": answer}, limits=LimitPolicy(discover=False, cancel_share=0)
    )
    exchange("request", "DELETE", "/clob/order", body={})
    bucket = exchange.venue.bucket("cancels")
    # 80 come back each second.
    now = exchange.clock.monotonic()
    assert bucket.turn(now, 80) - now == pytest.approx(3)


@pytest.mark.parametrize("words", ["", "-", "many", "1.5", "²", "9" * 10])
def test_what_is_left_is_a_whole_number_or_nothing_is_known(words: str) -> None:
    answer = body({}, poly_ratelimit_remaining=words.encode().decode("latin-1"))
    exchange = keyed(more={"/clob/order": answer}, limits=LimitPolicy(discover=False))
    exchange("request", "DELETE", "/clob/order", body={})
    assert exchange.venue.bucket("cancels").fill(exchange.clock.monotonic()) > 0.9


def test_a_tier_that_nobody_knows_changes_nothing() -> None:
    answer = body({}, poly_ratelimit_tier="mythic")
    exchange = keyed(more={"/clob/order": answer})
    exchange("request", "DELETE", "/clob/order", body={})
    assert exchange.venue.tier == "standard"


def test_headers_of_reads_concern_no_signer() -> None:
    answer = body(balance(), poly_ratelimit_remaining="0")
    exchange = keyed(more={CASH: answer}, limits=LimitPolicy(discover=False))
    exchange("fetch_balance")
    assert {"orders", "cancels"}.isdisjoint(exchange.venue.buckets)


def test_what_the_caller_chose_stays() -> None:
    answer = body({}, poly_ratelimit_tier="gold")
    policy = LimitPolicy(discover=False, buckets={"cancels": (1.0, 2.0)})
    exchange = keyed(more={"/clob/order": answer}, limits=policy)
    exchange("request", "DELETE", "/clob/order", body={})
    assert exchange.venue.bucket("cancels").capacity == 2


def test_too_many_requests_hold_everybody_back() -> None:
    refused = body({"error": "Too Many Requests"}, 429, retry_after="2")
    exchange = keyed(more={CASH: Turns(refused, balance())})
    began = exchange.clock.monotonic()
    exchange("fetch_balance")
    assert exchange.clock.monotonic() - began >= 2


def test_a_mode_is_waited_out_where_that_does_no_harm(flavour: str) -> None:
    refused = body({"error": "Trading is currently disabled"}, 503, retry_after="5")
    exchange = keyed(flavour, more={CASH: Turns(refused, balance())})
    began = exchange.clock.monotonic()
    exchange("fetch_balance")
    assert exchange.clock.monotonic() - began >= 5


@pytest.mark.parametrize(
    "fields",
    [
        {"options": {"subaccount": 3}},
        {"limits": LimitPolicy(buckets={"read": (1.0, 1.0)})},
    ],
)
def test_what_nothing_would_read_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(BadRequest, match="not known here"):
        desk(**fields)


def test_endpoints_are_monitored_by_their_group() -> None:
    venue = desk().venue
    call = venue.read("/clob/book", about="book")
    assert venue.family(call) == "clob:book"
    assert venue.family(attrs.evolve(call, path="/else")) == "clob"
    assert venue.family(attrs.evolve(call, is_order=True)) == "orders"


# -- raw calls -------------------------------------------------------------------------


def test_a_raw_read_goes_to_the_service_of_its_path(flavour: str) -> None:
    exchange = keyed(flavour, more={"/gamma/tags": [{"id": "1"}], "/clob/time": 5})
    assert exchange("request", "GET", "/gamma/tags", query={"limit": 1}) == [
        {"id": "1"}
    ]
    assert exchange("request", "get", "/clob/time") == 5
    first, second = exchange.transport.requests
    assert (first.query, "POLY_ADDRESS" in first.headers) == ((("limit", "1"),), False)
    assert "POLY_ADDRESS" in second.headers


def test_a_raw_read_needs_no_key(flavour: str) -> None:
    exchange = desk(flavour, {"/clob/time": 5}, keyed=False)
    assert exchange("request", "GET", "/clob/time") == 5


def test_a_post_that_only_asks_is_a_read(flavour: str) -> None:
    exchange = keyed(flavour, more={"/clob/midpoints": {"1": "0.5"}}, guards=_READ_ONLY)
    assert exchange("request", "POST", "/clob/midpoints", body={}) == {"1": "0.5"}
    assert exchange.transport.requests[0].is_read


_READ_ONLY = GuardPolicy(read_only=True)


@pytest.mark.parametrize(
    ("method", "path", "fields", "match"),
    [
        ("PATCH", "/clob/order", {}, "not one of GET, POST, DELETE"),
        ("GET", "/markets", {}, "must be one of /gamma/"),
        ("GET", "https://clob.polymarket.com/time", {}, "must be one of"),
        ("GET", "/clob/../x", {}, "must be one of"),
        ("GET", "/clob/time?x=1", {}, "must be one of"),
        ("GET", "/clob/time", {"body": {"a": 1}}, "has no body"),
    ],
)
def test_a_raw_call_that_is_none_is_refused_unsent(
    method: str, path: str, fields: dict[str, Any], match: str
) -> None:
    exchange = desk()
    with pytest.raises(BadRequest, match=match):
        exchange("request", method, path, **fields)
    assert exchange.asked == []


def test_a_raw_write_where_money_is_real_must_be_unlocked() -> None:
    with pytest.raises(ReadOnly, match="live=True"):
        desk(environment="production")("request", "DELETE", "/clob/cancel-all")


def test_a_raw_write_may_be_guarded_and_what_stops_goes_on(flavour: str) -> None:
    exchange = keyed(
        flavour,
        more={"/clob/v1/heartbeats": {"heartbeat_id": "1"}},
        guards=GuardPolicy(raw_writes=False),
    )
    with pytest.raises(GuardTripped):
        exchange("request", "POST", "/clob/order", body={})
    assert exchange("request", "POST", "/clob/v1/heartbeats", body={}) == {
        "heartbeat_id": "1"
    }


def test_a_raw_write_is_not_repeated_when_its_answer_is_lost() -> None:
    exchange = keyed(more={"/clob/order": body("", 500)})
    with pytest.raises(ExchangeNotAvailable) as caught:
        exchange("request", "POST", "/clob/order", body={})
    assert caught.value.maybe_executed
    assert len(exchange.asked) == 1


def test_a_read_that_is_held_back_for_too_long_is_not_sent() -> None:
    policy = LimitPolicy(discover=False, buckets={"clob": (0.001, 1.0)})
    exchange = keyed(more={"/clob/time": 5}, limits=policy)
    exchange("request", "GET", "/clob/time")
    with pytest.raises(RateLimitExceeded, match="our own limiter"):
        exchange("request", "GET", "/clob/time")


def test_what_groups_share_holds_for_all_of_them_together() -> None:
    """Orders and trades may be read 500 times each, but 900 times together."""
    charged = [limits.groups_of(f"/clob/data/{x}") for x in ("orders", "trades")]
    shared = set(charged[0]) & set(charged[1])
    assert min(limits.GROUPS[name] for name in shared) == (900, 10)


@pytest.mark.parametrize(
    ("tier", "orders", "cancels"),
    [
        # docs.polymarket.com, rate limits, 2026-08.
        ("standard", (40, 60), (80, 120)),
        ("copper", (60, 90), (120, 180)),
        ("bronze", (80, 120), (160, 240)),
        ("silver", (200, 300), (400, 600)),
        ("gold", (400, 600), (800, 1200)),
        ("platinum", (450, 675), (900, 1350)),
        ("diamond", (525, 787), (1050, 1575)),
        ("elite", (600, 900), (1200, 1800)),
    ],
)
def test_each_tier_has_the_documented_buckets(
    tier: str, orders: tuple[int, int], cancels: tuple[int, int]
) -> None:
    found = limits.bucket_limits(tier.title())
    assert [(x.name, x.refill_rate, x.capacity) for x in found] == [
        ("orders", *orders),
        ("cancels", *cancels),
    ]


@pytest.mark.parametrize(
    ("name", "share"), [("orders", 0.2), ("clob", 0.1), ("clob:book", 0.0)]
)
def test_of_what_cancels_are_charged_to_a_share_is_kept_for_them(
    name: str, share: float
) -> None:
    policy = LimitPolicy(discover=False, cancel_share=0.2)
    bucket = keyed(limits=policy).exchange.venue.bucket(name)
    assert bucket._share == share


def test_orders_that_wait_keep_their_places_whoever_cancels() -> None:
    """Each cancel took them all away, so that with a few in a second none left any more."""
    venue = keyed(limits=LimitPolicy(discover=False)).exchange.venue
    now = venue.clock.monotonic()
    orders = [*limits.groups_of("/clob/order", "POST"), limits.ORDERS]
    cancels = [*limits.groups_of("/clob/order", "DELETE"), limits.CANCELS]

    def take(names: list[str], *, urgent: bool) -> float:
        charged = [(venue.bucket(name), 1.0) for name in names]
        return take_together(charged, now, urgent=urgent, within=600) - now

    def marks() -> int:
        return sum(venue.bucket(name).marks() for name in orders)

    while take(orders, urgent=False) < 2:
        pass
    before = marks()
    for _ in range(50):
        now += 0.03
        assert take(cancels, urgent=True) == 0
    assert marks() == before
