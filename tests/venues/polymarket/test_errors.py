"""Every refusal that is known, as the error that says what to do."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tests.venues.polymarket.keys import API_KEY
from unified_exchanges import errors
from unified_exchanges.errors import UnifiedExchangesError
from unified_exchanges.venues.polymarket.errors import error_from
from unified_exchanges.venues.polymarket.reasons import MODES, name_of

NOW = 1_795_200_000.0
ORDER = "0x" + "df" * 32


def refused(
    status: int,
    body: Any = "",
    *,
    path: str = "POST /clob/order",
    headers: dict[str, str] | None = None,
    **fields: Any,
) -> Any:
    encoded = body if isinstance(body, bytes) else msgspec.json.encode(body)
    return error_from(
        status, headers or {}, encoded, asked="order", path=path, now=NOW, **fields
    )


CASES: list[tuple[int, str, type[UnifiedExchangesError], str]] = [
    (401, "Unauthorized/Invalid api key", errors.AuthenticationError, ""),
    (401, "Invalid L1 Request headers", errors.AuthenticationError, ""),
    (401, "something else", errors.AuthenticationError, ""),
    (400, "not enough balance / allowance", errors.InsufficientFunds, ""),
    (
        400,
        f"order {ORDER} is invalid. Price (0.525) breaks minimum tick size rule: 0.01",
        errors.InvalidPrice,
        "",
    ),
    (
        400,
        f"order {ORDER} is invalid. Size (3) lower than the minimum: 5",
        errors.InvalidSize,
        "",
    ),
    (400, "Maximum lot size is 2", errors.InvalidSize, ""),
    (
        400,
        "invalid amount for a marketable BUY order ($0.5), min size: $1",
        errors.InvalidSize,
        "",
    ),
    (
        400,
        "invalid amounts, the market buy orders maker amount supports a max accuracy of …",
        errors.InvalidSize,
        "",
    ),
    (400, "invalid expiration", errors.InvalidOrder, ""),
    (400, "Invalid order payload", errors.InvalidOrder, ""),
    (
        400,
        "invalid post-only order: order crosses book",
        errors.OrderRejected,
        "crossed",
    ),
    (400, "it crosses the book", errors.OrderRejected, "crossed"),
    (
        400,
        "order couldn't be fully filled. FOK orders are fully filled or killed.",
        errors.OrderRejected,
        "killed",
    ),
    (
        400,
        "no orders found to match with FAK order. FAK orders are partially filled or …",
        errors.OrderRejected,
        "killed",
    ),
    (
        400,
        f"order {ORDER} is invalid. Duplicated.",
        errors.DuplicateOrderId,
        "duplicated",
    ),
    (400, "order_version_mismatch", errors.OrderRejected, "version"),
    (
        400,
        "maker address not allowed, please use the deposit wallet flow",
        errors.AuthenticationError,
        "wallet",
    ),
    (
        400,
        "the order signer address has to be the address of the API KEY",
        errors.AuthenticationError,
        "wallet",
    ),
    (
        400,
        "order owner has to be the owner of the API KEY",
        errors.AuthenticationError,
        "wallet",
    ),
    (400, "address banned", errors.PermissionDenied, ""),
    (400, "'0xf3…' address in closed only mode", errors.PermissionDenied, ""),
    (400, "the market is not yet ready to process new orders", errors.MarketClosed, ""),
    (
        400,
        "order match delayed due to market conditions",
        errors.ExchangeNotAvailable,
        "delayed",
    ),
    (400, "Invalid token id", errors.MarketNotFound, ""),
    (404, "No orderbook exists for the requested token id", errors.MarketNotFound, ""),
    (404, "market not found", errors.MarketNotFound, ""),
    (404, "order not found", errors.OrderNotFound, ""),
    (500, "order timed out", errors.ExchangeNotAvailable, "timed out"),
    (500, "oops", errors.ExchangeNotAvailable, ""),
    (
        503,
        "Trading is currently cancel-only. New orders are not accepted, but …",
        errors.OnMaintenance,
        "cancel-only",
    ),
    (
        503,
        "Trading is currently disabled. Check polymarket.com for updates",
        errors.OnMaintenance,
        "disabled",
    ),
    (503, "busy", errors.ExchangeNotAvailable, ""),
    (425, "", errors.ExchangeNotAvailable, "restarting"),
    (429, "Too Many Requests", errors.RateLimitExceeded, ""),
    (403, "Trading restricted in your region", errors.PermissionDenied, ""),
    (408, "", errors.ExchangeNotAvailable, ""),
    (422, "invalid limit", errors.BadRequest, ""),
    (400, "offset too large, use /markets/keyset", errors.BadRequest, ""),
    (400, "whatever", errors.BadRequest, ""),
    (302, "", errors.ExchangeError, ""),
    (200, "", errors.VenueSchemaError, ""),
]


@pytest.mark.parametrize(("status", "text", "kind", "name"), CASES)
def test_a_text_is_an_error(
    status: int, text: str, kind: type[UnifiedExchangesError], name: str
) -> None:
    error = refused(status, {"error": text})
    assert type(error) is kind
    assert name_of(error) == name
    assert error.message.startswith(f"order: Polymarket answered {status}")
    assert (error.venue, error.status, error.request) == (
        "polymarket",
        status,
        "POST /clob/order",
    )


def test_ids_are_no_secrets() -> None:
    text = f"order {ORDER} is invalid. Duplicated. token {'7' * 77}"
    error = refused(400, {"error": text})
    assert ORDER in error.message
    assert "7" * 77 in error.message


@pytest.mark.parametrize(
    "secret",
    [
        "0x" + "ab" * 65,  # a signature of an order
        "A" * 64,
        API_KEY,
        "POLY_PASSPHRASE: 5c1f0e9a7b3d4826",
        '"passphrase": "5c1f0e9a7b3d4826"',
    ],
)
def test_what_looks_like_a_secret_is_left_out(secret: str) -> None:
    error = refused(400, {"error": f"bad {secret} here"}, hidden=(API_KEY,))
    word = secret.rpartition(" ")[2].strip('"')
    assert word not in f"{error.message} {error.payload}"


def test_post_only_mode_says_how_long() -> None:
    body = {
        "error": "post-only mode: …",
        "code": "post_only_mode",
        "retry_after_seconds": 79,
    }
    error = refused(503, body)
    assert type(error) is errors.OnMaintenance
    assert (error.code, error.retry_after, name_of(error)) == (
        "post_only_mode",
        79,
        "post-only",
    )
    assert name_of(error) in MODES
    assert refused(503, body, headers={"Retry-After": "12"}).retry_after == 12


@pytest.mark.parametrize(
    ("told", "wait"), [(True, None), ("soon", None), (10**9, 3_600)]
)
def test_a_wait_that_makes_no_sense_is_none_and_none_is_endless(
    told: Any, wait: float | None
) -> None:
    body = {"error": "post-only mode", "retry_after_seconds": told}
    assert refused(503, body).retry_after == wait


@pytest.mark.parametrize(
    ("header", "wait"),
    [
        ("7", 7),
        ("Fri, 20 Nov 2026 18:40:09 GMT", 9),
        ("Fri, 20 Nov 2026 18:39:00 GMT", 0),
        ("later", None),
        ("", None),
    ],
)
def test_too_many_requests_wait_as_long_as_is_said(header: str, wait: float) -> None:
    error = refused(
        429, {"error": "Too Many Requests"}, headers={"retry-after": header}
    )
    assert error.retry_after == wait


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("GET /clob/data/order/0x1", errors.OrderNotFound),
        ("GET /clob/book", errors.MarketNotFound),
        ("POST /clob/books", errors.MarketNotFound),
        ("GET /clob/clob-markets/0x1", errors.MarketNotFound),
        ("GET /gamma/markets/7", errors.MarketNotFound),
        ("GET /gamma/events/7", errors.EventNotFound),
        ("GET /gamma/series/7", errors.EventNotFound),
        ("GET /data/v2/nothing", errors.ExchangeError),
    ],
)
def test_not_found_means_what_was_asked_for(
    path: str, kind: type[UnifiedExchangesError]
) -> None:
    body = {"type": "not found error", "error": "id not found"}
    assert type(refused(404, body, path=path)) is kind


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("invalid_request", errors.BadRequest),
        ("unauthorized", errors.AuthenticationError),
        ("method_not_allowed", errors.BadRequest),
        ("internal", errors.ExchangeNotAvailable),
        ("request_timeout", errors.ExchangeNotAvailable),
        ("dependency_unavailable", errors.ExchangeNotAvailable),
        ("rate_limited", errors.RateLimitExceeded),
        ("something_new", errors.BadRequest),
    ],
)
def test_codes_of_the_data_api(code: str, kind: type[UnifiedExchangesError]) -> None:
    body = {
        "error": "limit must be at most 1000",
        "code": code,
        "retryable": False,
        "trace_id": "4bf9",
        "parameter": "limit",
    }
    error = refused(400, body, path="GET /data/v2/trades")
    assert (type(error), error.code) == (kind, code)
    assert "(limit must be at most 1000)" in error.message


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (403, errors.PermissionDenied),
        (404, errors.BadRequest),
        (502, errors.ExchangeNotAvailable),
        (525, errors.ExchangeNotAvailable),
        (400, errors.BadRequest),
    ],
)
def test_a_page_of_a_proxy_is_judged_by_its_status(
    status: int, kind: type[UnifiedExchangesError]
) -> None:
    error = refused(status, b"<html><h1>Attention required</h1></html>")
    assert type(error) is kind
    assert "with a page that is not JSON" in error.message


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "400 with no text"),
        (b"[1]", "400."),
        (b'"order not found"', "400 (order not found)"),
        (b"[" * 9_000, "with a page that is not JSON"),
        (b'{"error": {"why": 1}}', '400 ({"why":1})'),
        (b'{"error_msg": "Invalid Heartbeat ID"}', "(Invalid Heartbeat ID)"),
    ],
)
def test_any_bytes_make_an_error(body: bytes, words: str) -> None:
    assert words in refused(400, body).message
