"""Every refusal becomes the right error, with what to do next and without secrets."""

from __future__ import annotations

import json
from email.utils import formatdate

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests import recorded
from unified_exchanges.errors import (
    AuthenticationError,
    BadRequest,
    ClockSkew,
    DuplicateOrderId,
    EventNotFound,
    ExchangeError,
    ExchangeNotAvailable,
    InsufficientFunds,
    InvalidOrder,
    InvalidPrice,
    InvalidSize,
    MarketClosed,
    MarketNotFound,
    OnMaintenance,
    OrderNotFound,
    OrderRejected,
    PermissionDenied,
    RateLimitExceeded,
    UnifiedExchangesError,
    VenueSchemaError,
)
from unified_exchanges.venues.kalshi.errors import error_from
from unified_exchanges.venues.kalshi.simulated import errors as simulated

NOW = 1_781_159_364.0
CREATE = "POST /portfolio/events/orders"
CANCEL = "DELETE /portfolio/events/orders/97ec18b7"


def refused(
    status: int = 400,
    body: object = b"",
    *,
    path: str = CREATE,
    headers: dict[str, str] | None = None,
    environment: str = "demo",
) -> UnifiedExchangesError:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return error_from(
        status,
        headers or {},
        raw,
        asked="buy order on KXTEST-1",
        path=path,
        environment=environment,
        now=NOW,
    )


def nested(code: str, details: str | None = None) -> dict[str, object]:
    return {"error": flat(code, details)}


def flat(code: str, details: str | None = None) -> dict[str, str]:
    body = {"code": code, "message": code.replace("_", " ")}
    return body if details is None else body | {"details": details}


# -- recorded and documented -----------------------------------------------------------

RECORDED = {
    "auth__bad_signature": AuthenticationError,
    "auth__unknown_key_id": AuthenticationError,
    "auth__missing_signature_header": AuthenticationError,
    "auth__skew_minus30s": ClockSkew,
    "auth__skew_minus5min": ClockSkew,
    "auth__skew_plus5min": ClockSkew,
    "orders__duplicate_client_order_id": DuplicateOrderId,
    "orders__reuse_canceled_client_id": DuplicateOrderId,
    "orders__insufficient_balance": InsufficientFunds,
    "orders__invalid_price_structure": InvalidPrice,
    "orders__post_only_cross": OrderRejected,
    "orders__numeric_field_types": BadRequest,
    "orders__cancel_already_canceled": OrderNotFound,
    "orders__cancel_executed": OrderNotFound,
    "orders__cancel_unknown_id": OrderNotFound,
    "markets__limit_over_max": BadRequest,
    "rate limited": RateLimitExceeded,
    "legacy order endpoint": BadRequest,
    "trading paused market": MarketClosed,
}


def cases() -> list[dict[str, object]]:
    names = ("recorded_errors", "documented_errors")
    return [c for n in names for c in recorded.read_example(f"errors/{n}.json")]


def test_every_recorded_error_is_known():
    assert {case["case"] for case in cases()} == set(RECORDED)


def test_every_recorded_error_has_its_class():
    found = {
        case["case"]: type(
            refused(
                case["status"],
                b"" if case["body"] is None else case["body"],
                path=f"{case.get('method', 'POST')} {case.get('path', '/x')}",
            )
        )
        for case in cases()
    }
    assert found == RECORDED


# -- the shapes of bodies --------------------------------------------------------------


@pytest.mark.parametrize("shape", [nested, flat])
def test_nested_and_flat_bodies_say_the_same(shape):
    error = refused(400, shape("invalid_price", "off tick"))
    assert type(error) is InvalidPrice
    assert error.code == "invalid_price"
    assert "off tick" in error.message


def test_a_bare_message_is_told():
    error = refused(400, {"msg": "Parameter validation failed for GetMarkets"})
    assert type(error) is BadRequest
    assert error.code is None
    assert "Parameter validation failed" in error.message


def test_a_bare_string_is_told():
    assert "(no such thing)" in refused(400, {"error": "no such thing"}).message


def test_details_that_are_a_list_are_told():
    body = {"error": {"code": "duplicated_legs", "details": ["KXA", "KXB"]}}
    error = refused(400, body)
    assert type(error) is BadRequest
    assert '["KXA","KXB"]' in error.message


def test_details_that_only_repeat_the_code_are_not_told_twice():
    assert "400 invalid_price. " in refused(400, nested("invalid_price")).message


@pytest.mark.parametrize("body", [b"[1, 2]", b"null", b"7", b'"text"', b"{}"])
def test_json_without_a_reason_is_still_an_error(body):
    assert type(refused(400, body)) is BadRequest


def test_an_empty_body_is_said_to_be_empty():
    assert "502 with no text" in refused(502).message


# -- status and code -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (400, nested("invalid_order", "size too odd"), InvalidOrder),
        (400, nested("invalid_order", "post only cross"), OrderRejected),
        (400, nested("invalid_order_size"), InvalidSize),
        (400, nested("available_balance_too_low"), InsufficientFunds),
        (400, nested("order_side_mismatch"), BadRequest),
        (400, nested("conflicting_leg_outcomes", "KXA, KXB"), BadRequest),
        (400, flat("invalid_content_type"), BadRequest),
        (400, nested("invalid_parameters", "price off grid"), BadRequest),
        (400, nested("something_new"), BadRequest),
        (403, nested("permission_denied"), PermissionDenied),
        (403, b"<html>blocked</html>", PermissionDenied),
        (404, b"<html>nginx</html>", BadRequest),
        (404, nested("user_not_found:_4f1c9a52-0d3e"), AuthenticationError),
        (400, nested("user_not_found:_4f1c9a52-0d3e"), AuthenticationError),
        (408, b"", ExchangeNotAvailable),
        (409, nested("trading_is_paused"), MarketClosed),
        (409, nested("exchange_is_paused"), MarketClosed),
        (409, nested("rfq_closed"), ExchangeError),
        (400, nested("invalid_parameters", "RFQ closed"), ExchangeError),
        (409, nested("transfer_already_exists"), OrderRejected),
        (410, b"", BadRequest),
        (422, b"", BadRequest),
        (425, b"", ExchangeNotAvailable),
        (429, {"error": "too many requests"}, RateLimitExceeded),
        (500, b"", ExchangeNotAvailable),
        (502, b"<html>Bad Gateway</html>", ExchangeNotAvailable),
        (503, nested("exchange_paused"), OnMaintenance),
        (503, b'{"msg": "Scheduled maintenance"}', OnMaintenance),
        (
            504,
            {"exchange_active": False, "trading_active": False},
            ExchangeNotAvailable,
        ),
    ],
)
def test_status_and_code_decide_the_class(status, body, kind):
    assert type(refused(status, body)) is kind


@pytest.mark.parametrize("code", ["market_closed", "MARKET_INACTIVE"])
def test_the_refusal_of_a_closed_market_promises_no_resting_orders(code):
    message = str(refused(409, nested(code)))
    assert "resting orders stay" not in message
    assert "cancelled shortly after it closes" in message


def test_the_refusal_of_a_pause_says_that_resting_orders_stay():
    assert "resting orders stay" in str(refused(409, nested("trading_is_paused")))


@pytest.mark.parametrize(
    ("reason", "kind"),
    [
        ("MARKET_INACTIVE", MarketClosed),
        ("TRADING_PAUSED", MarketClosed),
        ("EXCHANGE_PAUSED", MarketClosed),
        ("FOK_INSUFFICIENT_VOLUME", OrderRejected),
        ("EXCEEDED_ORDER_GROUP_RISK_LIMIT", OrderRejected),
        ("EXCEEDED_PER_MARKET_RISK_LIMIT", OrderRejected),
        ("EXCEEDED_SELL_POSITION_FLOOR", OrderRejected),
        ("ORDER_GROUP_NOT_FOUND", BadRequest),
        ("ORDER_GROUP_CANCEL", OrderRejected),
        ("TAKER_CANCEL_FOR_SELF_TRADE_PREVENTION", OrderRejected),
        ("MAKER_CANCEL_FOR_SELF_TRADE_PREVENTION", OrderRejected),
        ("INVALID_AMEND_QTY_FOR_ORDER", InvalidSize),
        ("CANNOT_UPDATE_FILLED_ORDER", OrderRejected),
        ("SELF_CROSS_ATTEMPT", OrderRejected),
    ],
)
def test_reasons_of_the_engine_are_found_wherever_they_stand(reason, kind):
    spaced = reason.lower().replace("_", " ")
    bodies = [
        nested(reason),
        flat(reason.lower()),
        nested("invalid_order", reason),
        nested("invalid_order", f"rejected: {spaced}"),
        {"error": spaced},
    ]
    assert [type(refused(400, body)) for body in bodies] == [kind] * 5


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("POST /portfolio/events/orders", OrderRejected),
        ("/portfolio/events/orders", OrderRejected),
        ("POST /portfolio/events/orders/batched", OrderRejected),
        ("DELETE /portfolio/events/orders/x", OrderNotFound),
        ("POST /portfolio/events/orders/x/amend", OrderNotFound),
        ("GET /portfolio/orders/x", OrderNotFound),
        ("GET /trade-api/v2/portfolio/orders/x?subaccount=1", OrderNotFound),
        ("GET /markets/KXTEST-1", MarketNotFound),
        ("GET /markets/KXTEST-1/orderbook", MarketNotFound),
        ("GET /historical/markets/KXTEST-1", MarketNotFound),
        ("GET /series/KXTEST/markets/KXTEST-1/candlesticks", MarketNotFound),
        ("GET /events/KXTEST", EventNotFound),
        ("GET /series/KXTEST", EventNotFound),
        ("GET /multivariate_event_collections/KXMVE", EventNotFound),
        ("GET /portfolio/order_groups/x", ExchangeError),
    ],
)
def test_not_found_is_named_by_what_was_asked(path, kind):
    assert type(refused(404, nested("not_found"), path=path)) is kind


@pytest.mark.parametrize(
    ("details", "kind", "named"),
    [
        (None, OrderRejected, "order_group_id, exchange_index or subaccount"),
        ("order group not found", BadRequest, "order_group_id"),
        ("unknown exchange_index 7", BadRequest, "exchange_index"),
        ("market not found", MarketNotFound, "ticker"),
    ],
)
def test_what_an_order_names_and_is_not_there_is_told_by_the_details(
    details, kind, named
):
    error = refused(404, nested("not_found", details))
    assert type(error) is kind
    assert named in error.message


def test_an_order_that_is_not_found_says_what_to_do_next():
    error = refused(404, nested("not_found"), path=CANCEL)
    assert "fetch_orders()" in error.message
    assert "subaccount" in error.message


@pytest.mark.parametrize("body", [b"404 page not found", nested("not_found")])
def test_a_404_of_an_address_above_the_api_says_so(body):
    url = "https://external-api.kalshi.com"
    error = refused(404, body, path="GET /markets", environment=url)
    assert type(error) is BadRequest
    assert "does not end in /trade-api/v2" in error.message


def test_a_404_of_a_full_address_is_about_what_was_asked():
    url = "https://external-api.kalshi.com/trade-api/v2"
    path = "GET /markets/X"
    error = refused(404, nested("not_found"), path=path, environment=url)
    assert type(error) is MarketNotFound


def test_not_found_in_a_batch_has_no_status_of_its_own():
    error = refused(400, flat("not_found"), path="/portfolio/events/orders/x")
    assert type(error) is OrderNotFound


def test_p12_a_duplicate_order_is_not_a_network_error():
    error = refused(409, nested("order_already_exists"))
    assert type(error) is DuplicateOrderId
    assert not error.retryable


def test_p12_lack_of_funds_is_not_a_bad_request():
    error = refused(400, nested("insufficient_balance"))
    assert not isinstance(error, BadRequest)
    assert "shard" in error.message


@pytest.mark.parametrize("status", [500, 502, 503, 504, 599])
def test_fault_06_no_code_makes_a_server_error_a_refusal(status):
    error = refused(status, nested("order_already_exists"))
    assert type(error) is ExchangeNotAvailable


def test_fault_07_the_message_says_what_to_do_with_the_id():
    assert "look that order up" in refused(409, nested("order_already_exists")).message


@pytest.mark.parametrize("body", [b"<html>sign in</html>", b"", b'{"order": '])
def test_fault_08_45_a_success_that_cannot_be_read_is_no_refusal(body):
    error = refused(200, body)
    assert type(error) is VenueSchemaError
    assert "read before acting" in error.message


def test_fault_45_a_redirect_is_not_followed():
    error = refused(301, headers={"location": "https://elsewhere.example/"})
    assert type(error) is ExchangeError
    assert "elsewhere" not in error.message


# -- waiting ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("", None),
        ("soon", None),
        ("2", 2),
        ("99999999999999999999", 3600),
        ("-1", None),
        ("１", None),
        (formatdate(NOW + 30, usegmt=True), 30),
        (formatdate(NOW - 30, usegmt=True), 0),
    ],
)
def test_fault_09_a_rate_limit_carries_the_venues_hint(header, seconds):
    headers = {} if header is None else {"retry-after": header}
    error = refused(429, {"error": "too many requests"}, headers=headers)
    assert isinstance(error, RateLimitExceeded)
    assert error.retry_after == seconds


def test_a_rate_limit_in_a_batch_is_one_too():
    assert type(refused(400, flat("too_many_requests"))) is RateLimitExceeded


# -- authentication --------------------------------------------------------------------


def authentication(details: str, environment: str = "production"):
    body = {"error": {"code": "authentication_error", "details": details}}
    return refused(401, body, environment=environment)


def test_fault_51_an_unknown_key_names_the_environment():
    message = authentication("NOT_FOUND").message
    assert "unknown on production" in message
    assert "demo key does not work" in message


def test_a_wrong_signature_says_that_id_and_key_do_not_belong_together():
    message = authentication("INCORRECT_API_KEY_SIGNATURE").message
    assert "private_key is not its key" in message


def test_a_missing_header_says_that_the_request_arrived_unsigned():
    body = nested("signature_is_missing_from_headers")
    assert "arrived unsigned" in refused(401, body).message


def test_an_unexplained_401_names_the_environment():
    assert "rights on demo" in refused(401, b"").message


@pytest.mark.parametrize(
    ("ahead", "offset", "words"),
    [(-40, 40_000, "40 s behind"), (300, -300_000, "300 s ahead of")],
)
def test_fault_44_an_expired_timestamp_tells_the_clocks_offset(ahead, offset, words):
    headers = {"Date": formatdate(NOW - ahead, usegmt=True)}
    error = refused(401, nested("header_timestamp_expired"), headers=headers)
    assert isinstance(error, ClockSkew)
    assert error.offset_ms == offset
    assert words in error.message


@pytest.mark.parametrize("date", [None, "yesterday", "", "Mon, 99 Foo 99999 1:1:1"])
def test_a_skew_without_a_readable_date_has_no_offset(date):
    headers = {} if date is None else {"date": date}
    error = refused(401, nested("header_timestamp_expired"), headers=headers)
    assert isinstance(error, ClockSkew)
    assert error.offset_ms is None


# -- what an error carries -------------------------------------------------------------


def test_an_error_says_what_was_asked_what_was_said_and_what_to_do():
    error = refused(400, nested("invalid_order", "post only cross"))
    assert str(error) == (
        "kalshi: buy order on KXTEST-1: Kalshi answered 400 invalid_order (post only "
        "cross). It would have traded at once: use a price that rests, or leave out "
        "post_only"
    )


def test_an_error_carries_the_same_for_a_program():
    error = refused(409, nested("trading_is_paused"), path=CANCEL)
    assert (error.venue, error.request, error.status, error.code) == (
        "kalshi",
        CANCEL,
        409,
        "trading_is_paused",
    )
    assert json.loads(error.payload or "")["error"]["code"] == "trading_is_paused"


def test_a_long_page_is_cut():
    error = refused(502, b"<html>" + b"x y " * 5_000)
    assert error.payload is not None
    assert len(error.payload) == 300


SIGNATURE = (
    "R3Qv9ns++ueJegQGcV3L4uq9LAtJagRbqLXQJ/fmTfD9pK+0VR1gFeJbe9nnkElEXuHzSMfonMlW="
)


@pytest.mark.parametrize(
    ("page", "secret"),
    [
        (f"KALSHI-ACCESS-SIGNATURE: {SIGNATURE}", SIGNATURE),
        (f"you sent {SIGNATURE} to us", SIGNATURE),
        ("kalshi-access-key: 4f1c9a52-0d3e", "4f1c9a52"),
        ("<td>KALSHI-ACCESS-KEY</td>: canary", None),
        ('{"api_key_id": "canary-1", "x": 1}', "canary-1"),
        ('{"private_key": "-----BEGIN PRIVATE KEY-----\\nMC4CAQ\\n"}', "MC4CAQ"),
        ("-----BEGIN RSA PRIVATE KEY-----\nMIIEow\nIBAAK", "MIIEow"),
        ("Authorization: Bearer canary.jwt", "canary.jwt"),
        ("sent with Bearer canary.jwt today", "canary.jwt"),
        ("Cookie: session=canary", "canary"),
        ('"token":"canary word"', "canary word"),
        ("password='canary'", "canary"),
    ],
)
def test_fault_48_a_page_that_repeats_our_secrets_does_not_get_through(page, secret):
    error = refused(502, page.encode())
    shown = f"{error}{error.__dict__}"
    assert secret is None or secret not in shown
    echoed = refused(400, {"error": {"code": "bad_request", "details": page}})
    assert secret is None or secret not in f"{echoed}{echoed.__dict__}"


def test_fault_48_prose_that_speaks_of_secrets_is_left_readable():
    words = "signature is missing from headers"
    assert words in (refused(401, {"error": words}).payload or "")


# -- anything --------------------------------------------------------------------------

statuses = st.integers(100, 599)
leaves = st.none() | st.booleans() | st.integers() | st.text() | st.floats()
jsons = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(
            st.sampled_from(["error", "code", "message", "msg", "details", "x"]), inner
        )
    ),
    max_leaves=8,
).map(lambda content: json.dumps(content).encode())


@given(statuses, st.binary() | jsons, st.text(), st.text(), st.text())
@example(400, b"[" * 200_000, "", "", "")
@example(400, b'{"a":' * 200_000, "", "", "")
@example(400, b'{"code": 1e400}', "", "", "")
@example(401, b'{"error": {"code": {"a": [1]}}}', "GET", "", "x")
def test_any_answer_is_an_error_of_ours(status, body, path, date, pause):
    error = error_from(
        status,
        {"date": date, "retry-after": pause},
        body,
        asked="anything",
        path=path,
        environment="demo",
        now=NOW,
    )
    assert isinstance(error, UnifiedExchangesError)
    assert error.status == status
    assert error.message.startswith("anything: Kalshi answered ")
    assert len(error.payload or "") <= 300


@given(st.sampled_from([400, 403, 404, 409]), jsons)
def test_a_refusal_never_looks_like_a_lost_answer(status, body):
    error = refused(status, body)
    assert not isinstance(error, VenueSchemaError)


REFUSALS = [
    (simulated.bad_request("json: cannot unmarshal"), BadRequest),
    (simulated.bad_parameter("GetMarkets", "limit", "lte"), BadRequest),
    (simulated.gone(), BadRequest),
    (simulated.incorrect_signature(), AuthenticationError),
    (simulated.missing_header("timestamp"), AuthenticationError),
    (simulated.missing_scope("write"), PermissionDenied),
    (simulated.no_content_type(), BadRequest),
    (simulated.restricted_key(), PermissionDenied),
    (simulated.timestamp_expired(), ClockSkew),
    (simulated.too_many(), RateLimitExceeded),
    (simulated.unknown_key(), AuthenticationError),
]


@pytest.mark.parametrize(("failure", "kind"), REFUSALS)
def test_the_simulated_venues_refusals_have_their_classes(failure, kind):
    assert type(refused(failure.status, dict(failure.payload))) is kind
