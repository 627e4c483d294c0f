"""The four bodies in which Kalshi says no, and which of them says what.

docs.kalshi.com and recordings, 2026-06 to 2026-10. What was never seen on a wire is
marked "invented": status and shape are documented, the words are ours.
"""

from __future__ import annotations

from collections.abc import Mapping

from ....simulator.orders import Refusal

__all__ = [
    "Failure",
    "bad_parameter",
    "bad_request",
    "bad_status",
    "duplicate_transfer",
    "flat",
    "gone",
    "incorrect_signature",
    "missing_header",
    "missing_scope",
    "nested",
    "no_content_type",
    "not_found",
    "refusal",
    "restricted_key",
    "timestamp_expired",
    "too_many",
    "unfit",
    "unknown_key",
]


class Failure(Exception):
    """An answer that is not a success: its HTTP status and its body."""

    def __init__(self, status: int, payload: Mapping[str, object]) -> None:
        super().__init__(status, payload)
        self.status = status
        self.payload = payload


def nested(status: int, code: str, details: str | None = None) -> Failure:
    """``{"error": {...}}``: authentication and most refusals."""
    return Failure(status, {"error": flat(code, details)})


def flat(code: str, details: str | None = None) -> dict[str, str]:
    """``{"code", "message", "details"}``: decoding errors and items of batches."""
    body = {"code": code, "message": code.replace("_", " ")}
    return body if details is None else body | {"details": details}


def bad_request(details: str) -> Failure:
    """JSON that does not fit the request, as the venue's decoder words it."""
    return Failure(400, flat("bad_request", details))


def bad_parameter(operation: str, name: str, tag: str) -> Failure:
    """``{"msg": ...}``: a query parameter that breaks its rule."""
    field = "".join(part.capitalize() for part in name.split("_"))
    return Failure(
        400,
        {
            "msg": f"Parameter validation failed for {operation}: "
            f"Key: '{operation}Params.{field}' "
            f"Error:Field validation for '{field}' failed on the '{tag}' tag"
        },
    )


def bad_status(word: str) -> Failure:
    """A status that is no filter word (text recorded in August 2026, shape invented)."""
    return nested(400, "invalid_parameters", f"invalid status filter: {word}")


def unfit(details: str) -> Failure:
    """A body whose values contradict the documentation (code invented)."""
    return nested(400, "invalid_parameters", details)


def missing_header(name: str) -> Failure:
    """A request that is not signed in full.

    Recorded for the signature only; the other two are worded alike (invented).
    """
    code = f"{name}_is_missing_from_headers"
    return nested(401, code)


def missing_scope(scope: str) -> Failure:
    """A key that may not do this (details invented)."""
    return nested(403, "permission_denied", f"this API key lacks the scope {scope}")


def _unauthenticated(details: str) -> Failure:
    body = {"code": "authentication_error", "message": "authentication_error"}
    return Failure(401, {"error": body | {"details": details}})


def not_found() -> Failure:
    """Unknown, ended, somewhere else: all answered alike (recorded)."""
    return nested(404, "not_found")


def too_many() -> Failure:
    """The bare 429."""
    return Failure(429, {"error": "too many requests"})


def no_content_type() -> Failure:
    """A body or a content type is missing (seen by third parties)."""
    return Failure(400, flat("invalid_content_type"))


def incorrect_signature() -> Failure:
    """The signature is not that of the key."""
    return _unauthenticated("INCORRECT_API_KEY_SIGNATURE")


def unknown_key() -> Failure:
    """No such key, as also with a key of another environment."""
    return _unauthenticated("NOT_FOUND")


def timestamp_expired() -> Failure:
    """The timestamp is outside the window."""
    return nested(401, "header_timestamp_expired")


def gone() -> Failure:
    """A legacy order write: the code was seen, its body was not (invented)."""
    return nested(410, "deprecated_v1_order_endpoint")


def restricted_key() -> Failure:
    """A key bound to a subaccount asks for something else (docs.kalshi.com)."""
    return nested(
        403,
        "permission_denied",
        "this API key is restricted to a single sub-account "
        "and cannot access this endpoint",
    )


def duplicate_transfer() -> Failure:
    """A ``client_transfer_id`` again; the status is documented, the code invented."""
    return nested(409, "transfer_already_exists")


_REFUSALS: dict[str, tuple[int, str, str | None]] = {
    "fok_insufficient_volume": (400, "fok_insufficient_volume", None),  # invented
    "insufficient_balance": (400, "insufficient_balance", None),
    "invalid_amount": (400, "invalid_parameters", "invalid amount"),  # invented
    "invalid_price": (400, "invalid_price", None),
    "invalid_size": (400, "invalid_order_size", None),
    "market_not_found": (404, "not_found", None),
    "order_already_exists": (409, "order_already_exists", None),
    "order_group_not_found": (404, "not_found", None),
    "order_not_found": (404, "not_found", None),
    "post_only_cross": (400, "invalid_order", "post only cross"),
    "subaccount_not_found": (404, "not_found", None),
    "trading_is_paused": (409, "trading_is_paused", None),
    # These reasons are known from FIX; how REST spells them is invented.
    "exchange_paused": (409, "exchange_is_paused", None),
    "market_closed": (409, "market_inactive", None),
    "market_inactive": (409, "trading_is_paused", None),
    "market_not_open": (409, "market_inactive", None),
    "order_group_triggered": (400, "exceeded_order_group_risk_limit", None),
}


def refusal(refused: Refusal) -> Failure:
    """What the venue answers when its engine refuses."""
    known = _REFUSALS.get(refused.code, (400, "invalid_order", refused.details))
    return nested(*known)
