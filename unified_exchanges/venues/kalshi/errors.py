"""Kalshi's refusals as our errors: a pure function of status, headers and body.

The status decides first, then the code, then the words.  Four shapes of body are live
(docs.kalshi.com and recordings, 2026-06 to 2026-10): ``{"error": {code, message,
details}}``, the same flat, ``{"msg": …}`` and ``{"error": "…"}``; proxies add pages that
are no JSON at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs
import msgspec

from ...errors import (
    AuthenticationError,
    BadRequest,
    ClockSkew,
    ExchangeError,
    ExchangeNotAvailable,
    OnMaintenance,
    OrderRejected,
    PermissionDenied,
    RateLimitExceeded,
    UnifiedExchangesError,
    VenueSchemaError,
)
from ...venue.refusals import LONGEST, Reason, clean, clock_offset, header, pause
from .reasons import NOT_FOUND, missing, reason_in, speaks_of_pause

__all__ = ["error_from"]

_ROOT = "/trade-api/v2"

_MOVED, _REFUSED, _SERVER_FAILED = 300, 400, 500
_UNAUTHENTICATED, _ABSENT = 401, 404

_DECIDED: dict[int, Reason] = {
    403: Reason(
        PermissionDenied,
        "The key may not do this: use one with the scope, or for the subaccount, that "
        "it needs; without a key, Kalshi or a proxy before it refuses this network",
    ),
    429: Reason(
        RateLimitExceeded,
        "The tokens are used up: wait for the bucket to refill and send less; "
        "fetch_limits() tells the budget",
    ),
}
"""Statuses that no code explains further."""

_BY_STATUS: dict[int, Reason] = {
    408: Reason(ExchangeNotAvailable, "Try again"),
    409: Reason(
        OrderRejected, "It contradicts the present state: read it, then decide"
    ),
    410: Reason(BadRequest, "Kalshi no longer has this endpoint"),
    425: Reason(ExchangeNotAvailable, "Try again"),
}
_SILENT = Reason(
    ExchangeNotAvailable, "Wait and try again; fetch_status() may tell more"
)
_MAINTAINED = Reason(OnMaintenance, "Wait; fetch_status() tells when it resumes")
_UNREADABLE = Reason(
    VenueSchemaError,
    "That is a success whose content cannot be read; a write may have happened, so read "
    "before acting",
)
_REDIRECTED = Reason(
    ExchangeError,
    "Redirects are not followed, since signatures must not travel: check environment=",
)
_WRONG_ADDRESS = Reason(
    BadRequest, "That is not an answer of Kalshi's API: check environment= and the path"
)
_FIX = Reason(BadRequest, "Change the call: repeating it will fail again")


@attrs.frozen(slots=True, eq=False, repr=False)
class _Said:
    """What the body says, cleaned of secrets; ``is_json`` is False for a proxy's page."""

    code: str | None
    message: str | None
    details: str | None
    excerpt: str
    is_json: bool


def error_from(
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    *,
    asked: str,
    path: str,
    environment: str,
    now: float,
    key_id: str = "",
) -> UnifiedExchangesError:
    """The error for an answer: its class, what was asked, what was said, what to do.

    ``asked`` says in words what was wanted, ``path`` is "METHOD /path" or "/path",
    ``now`` our wall clock in seconds when the answer came.  Any status and any bytes
    give an error; entries of a batch are read alike, with status 400.  ``key_id`` is left
    out wherever the answer echoes it.
    """
    if key_id:
        body = body.replace(key_id.encode(), b"REDACTED")
    said = _read(body)
    date = header(headers, "date")
    reason = _reason(status, said, path, environment)
    message = f"{asked}: Kalshi answered {_words(status, said)}. {reason.advice}"
    context: dict[str, Any] = {
        "venue": "kalshi",
        "request": path,
        "status": status,
        "code": said.code,
        "payload": said.excerpt or None,
    }
    if reason.kind is ClockSkew:
        offset = clock_offset(date, now)
        message = f"{message}{_clock_words(offset)}"
        return ClockSkew(message, offset_ms=offset, **context)
    if reason.kind is RateLimitExceeded:
        wait = pause(header(headers, "retry-after"), now)
        return RateLimitExceeded(message, retry_after=wait, **context)
    return reason.kind(message, **context)


# -- what the body says ----------------------------------------------------------------


def _read(body: bytes) -> _Said:
    excerpt = clean(body[:LONGEST].decode("utf-8", "replace"))
    try:
        content = msgspec.json.decode(body)
    except (ValueError, RecursionError):
        return _Said(None, None, None, excerpt, is_json=False)
    if not isinstance(content, dict):
        return _Said(None, None, None, excerpt, is_json=True)
    error = content.get("error")
    if isinstance(error, dict):
        content = error
    elif isinstance(error, str):
        content = {"message": error} | content
    return _Said(
        _text(content.get("code")),
        _text(content.get("message")) or _text(content.get("msg")),
        _text(content.get("details")),
        excerpt,
        is_json=True,
    )


def _text(value: object) -> str | None:
    if value is None or value == "":
        return None
    words = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return clean(words) or None


def _words(status: int, said: _Said) -> str:
    """The status, the code, and the prose that adds something to the code."""
    told = [str(status)]
    if said.code:
        told.append(said.code)
    prose = said.details or said.message
    plain = (said.code or "").replace("_", " ").lower()
    if prose and prose.replace("_", " ").lower() != plain:
        told.append(f"({prose})")
    elif not said.code and not said.is_json:
        told.append("with a page that is not JSON" if said.excerpt else "with no text")
    return " ".join(told)


# -- what it means ---------------------------------------------------------------------


def _reason(status: int, said: _Said, path: str, environment: str) -> Reason:
    texts = (said.details, said.code, said.message)
    if status in _DECIDED:
        return _DECIDED[status]
    if status >= _SERVER_FAILED:
        return _MAINTAINED if speaks_of_pause(*texts) else _SILENT
    if status == _UNAUTHENTICATED:
        return _unauthenticated(said, environment)
    if status < _REFUSED:
        return _UNREADABLE if status < _MOVED else _REDIRECTED
    return reason_in(*texts) or _by_status(status, said, path, environment)


def _by_status(status: int, said: _Said, path: str, environment: str) -> Reason:
    if status == _ABSENT and _lacks_root(environment):
        return Reason(
            BadRequest,
            f"The URL given as environment= does not end in {_ROOT}, where Kalshi's API "
            "begins: add it",
        )
    if status == _ABSENT and not said.is_json:
        return _WRONG_ADDRESS
    if status == _ABSENT or said.code == NOT_FOUND:
        return missing(_target(path), said.details, said.message)
    return _BY_STATUS.get(status, _FIX)


def _lacks_root(environment: str) -> bool:
    """Whether the environment is a URL that stops above the API."""
    return "://" in environment and not environment.rstrip("/").endswith(_ROOT)


def _target(path: str) -> str:
    """The path below the API's root, without method and query."""
    target = path.rpartition(" ")[2].partition("?")[0]
    _, found, below = target.partition(_ROOT)
    return below if found else target


def _unauthenticated(said: _Said, environment: str) -> Reason:
    told = f"{said.code} {said.details} {said.message}".lower()
    if "timestamp_expired" in told:
        return Reason(ClockSkew, "The signature's time is outside Kalshi's window")
    if NOT_FOUND in told:
        return Reason(
            AuthenticationError,
            f"This key id is unknown on {environment}: a demo key does not work on "
            "production, nor the reverse. Check api_key and environment=",
        )
    if "signature" in told and "missing" not in told:
        return Reason(
            AuthenticationError,
            f"The key id is known on {environment}, but private_key is not its key: "
            "check that both belong together",
        )
    if "missing" in told:
        return Reason(
            AuthenticationError,
            "The request arrived unsigned: pass api_key= and private_key=; if they are "
            "given, something between here and Kalshi removes headers",
        )
    return Reason(AuthenticationError, f"Check the key and its rights on {environment}")


# -- the clock -------------------------------------------------------------------------


def _clock_words(offset: int | None) -> str:
    if offset is None:
        return "; set this machine's clock by a time service"
    side = "behind" if offset > 0 else "ahead of"
    return (
        f"; this machine's clock is {abs(offset) / 1000:.0f} s {side} Kalshi's: set it by "
        "a time service"
    )
