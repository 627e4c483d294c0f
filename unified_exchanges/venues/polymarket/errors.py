"""Polymarket's refusals as our errors: a pure function of status, headers and body.

Some statuses decide alone; else the code does where there is one, then the text, then the
status.  Three shapes of body are live (docs.polymarket.com, 2026-08 and 2026-10): the CLOB's
``{"error": text}``, Gamma's with a ``type``, the Data API's with ``code`` and ``trace_id``;
proxies add pages that are no JSON at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import attrs
import msgspec

from ...errors import (
    BadRequest,
    ExchangeError,
    ExchangeNotAvailable,
    RateLimitExceeded,
    UnifiedExchangesError,
    VenueSchemaError,
)
from ...venue.refusals import LONGEST, Reason, clean, header, pause
from .reasons import BY_CODE, BY_STATUS, DECIDED, REFUSED, missing, reason_in

__all__ = ["error_from"]

_MOVED, _REFUSED, _UNSIGNED, _ABSENT, _SERVER_FAILED = 300, 400, 401, 404, 500
_LONGEST_PAUSE: Final = 3_600

_UNREADABLE: Final = Reason(
    VenueSchemaError,
    "That is a success whose content cannot be read; a write may have happened, so read "
    "before acting",
)
_REDIRECTED: Final = Reason(
    ExchangeError,
    "Redirects are not followed, since signatures must not travel: check environment=",
)
_WRONG_ADDRESS: Final = Reason(
    BadRequest, "That is not an answer of Polymarket's: check environment= and the path"
)
_WORDLESS: Final = Reason(
    ExchangeNotAvailable,
    "That says not why, so it is no proof that nothing was done: it is looked up",
)
_SILENT: Final = Reason(
    ExchangeNotAvailable, "Wait and try again; fetch_status() may tell more"
)
_FIX: Final = Reason(BadRequest, "Change the call: repeating it will fail again")


@attrs.frozen(slots=True, eq=False, repr=False)
class _Said:
    """What the body says, cleaned of secrets; ``is_json`` is False for a proxy's page."""

    code: str | None
    text: str | None
    wait: float | None
    excerpt: str
    is_json: bool


def error_from(
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    *,
    asked: str,
    path: str,
    now: float,
    hidden: tuple[str, ...] = (),
    is_order: bool = False,
) -> UnifiedExchangesError:
    """The error for an answer: its class, what was asked, what was said, what to do.

    ``asked`` says in words what was wanted, ``path`` is "METHOD /service/path", ``now`` our
    wall clock in seconds when the answer came.  Any status and any bytes give an error;
    entries of a batch are read alike, with status 400.  ``hidden`` are texts that are left
    out wherever the answer echoes them.  ``is_order``: an order was to be made or cancelled,
    and only a reason proves that it was not.
    """
    for secret in filter(None, hidden):
        body = body.replace(secret.encode(), b"REDACTED")
    said = _read(body)
    reason = _reason(status, said, path)
    if is_order and _is_wordless(status, said):
        reason = _WORDLESS
    message = f"{asked}: Polymarket answered {_words(status, said)}. {reason.advice}"
    context: dict[str, Any] = {
        "venue": "polymarket",
        "request": path,
        "status": status,
        "code": said.code,
        "payload": said.excerpt or None,
    }
    if issubclass(reason.kind, RateLimitExceeded | ExchangeNotAvailable):
        wait = pause(header(headers, "retry-after"), now)
        context["retry_after"] = said.wait if wait is None else wait
    if issubclass(reason.kind, ExchangeNotAvailable):
        context["refused"] = reason.name in REFUSED
    return reason.kind(message, **context)


# -- what the body says ----------------------------------------------------------------


def _read(body: bytes) -> _Said:
    excerpt = clean(body[:LONGEST].decode("utf-8", "replace"))
    try:
        content = msgspec.json.decode(body)
    except (ValueError, RecursionError):
        return _Said(None, None, None, excerpt, is_json=False)
    if isinstance(content, str):
        return _Said(None, clean(content) or None, None, excerpt, is_json=True)
    if not isinstance(content, dict):
        return _Said(None, None, None, excerpt, is_json=True)
    told = next((content[x] for x in _TEXTS if content.get(x)), None)
    return _Said(
        _text(content.get("code")),
        _text(told),
        _wait(content.get("retry_after_seconds")),
        excerpt,
        is_json=True,
    )


_TEXTS: Final = ("error", "error_msg", "errorMsg", "message")


def _text(value: object) -> str | None:
    if value is None or value == "":
        return None
    words = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return clean(words) or None


def _wait(value: object) -> float | None:
    if not isinstance(value, int) or isinstance(value, bool):
        return None
    return min(max(0, value), _LONGEST_PAUSE)


def _words(status: int, said: _Said) -> str:
    told = [str(status)]
    if said.code:
        told.append(said.code)
    if said.text:
        told.append(f"({said.text})")
    elif not said.code and not said.is_json:
        told.append("with a page that is not JSON" if said.excerpt else "with no text")
    return " ".join(told)


# -- what it means ---------------------------------------------------------------------


def _reason(status: int, said: _Said, path: str) -> Reason:
    if status < _REFUSED:
        return _UNREADABLE if status < _MOVED else _REDIRECTED
    told = reason_in(said.text)
    if status in DECIDED:
        return told or BY_STATUS[status]
    told = BY_CODE.get(said.code or "") or told
    if told is not None:
        return told
    return _SILENT if status >= _SERVER_FAILED else _by_status(status, said, path)


def _is_wordless(status: int, said: _Said) -> bool:
    """Whether an answer refuses, but neither gives a reason nor has one by its status.

    A page that something before the venue made is as silent as no body at all.
    """
    if said.code or said.text or status < _REFUSED:
        return False
    if status == _ABSENT and said.excerpt and not said.is_json:
        return False
    return status not in DECIDED and status != _UNSIGNED


def _by_status(status: int, said: _Said, path: str) -> Reason:
    if status != _ABSENT:
        return BY_STATUS.get(status, _FIX)
    if said.excerpt and not said.is_json:
        return _WRONG_ADDRESS
    return missing(path.rpartition(" ")[2])
