"""Polymarket's words for no, what each means here, and what to do next.

The CLOB has prose and, but for one mode, no codes (docs.polymarket.com, error codes,
2026-08; order texts from issues of the vendor's clients, 2026-05 to 2026-09).  A text is
known by what it contains, the most telling first.
"""

from __future__ import annotations

from typing import Final

from ...errors import (
    AuthenticationError,
    BadRequest,
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
)
from ...venue.refusals import Reason

__all__ = [
    "BY_CODE",
    "BY_STATUS",
    "DECIDED",
    "MODES",
    "REFUSED",
    "missing",
    "name_of",
    "reason_in",
]

_CANCEL_ONLY: Final = Reason(
    OnMaintenance, "New orders are not taken now; cancels are", "cancel-only"
)
_POST_ONLY: Final = Reason(
    OnMaintenance,
    "Only post_only orders and cancels are taken now, as for two minutes after a restart",
    "post-only",
)
_DISABLED: Final = Reason(
    OnMaintenance, "Nothing is traded and nothing cancelled now", "disabled"
)
_RESTARTING: Final = Reason(
    ExchangeNotAvailable,
    "The matching engine restarts; wait and try again, for a second at first",
    "restarting",
)

MODES: Final = {
    reason.name for reason in (_CANCEL_ONLY, _POST_ONLY, _DISABLED, _RESTARTING)
}
"""Names of the reasons that mean that the venue does not trade as usual."""

REFUSED: Final = MODES | {"timed out"}
"""Names of those after which nothing of what was asked has been done.

``order timed out`` never reached the book (docs.polymarket.com, error codes, 2026-08).
"""

BY_CODE: Final = {
    # The CLOB's only one.
    "post_only_mode": _POST_ONLY,
    # Those of the Data API, version 2 (docs.polymarket.com, 2026-10).
    "invalid_request": Reason(BadRequest, "Change the parameter that is named"),
    "unauthorized": Reason(AuthenticationError, "Check the key and environment="),
    "method_not_allowed": Reason(BadRequest, "Use the documented method"),
    "rate_limited": Reason(RateLimitExceeded, "Send less often"),
    "internal": Reason(ExchangeNotAvailable, "Wait and try again"),
    "request_timeout": Reason(ExchangeNotAvailable, "Try again, for a shorter span"),
    "dependency_unavailable": Reason(ExchangeNotAvailable, "Wait and try again"),
}

_KEY: Final = Reason(
    AuthenticationError,
    "Check private_key=, the API key with its secret and passphrase, and environment=; "
    "without api_key= one is derived from the private key",
)
_WALLET: Final = Reason(
    AuthenticationError,
    "The order's wallet, its type, the private key and the API key do not belong "
    "together: check options['funder'] and options['signature_type'], as polymarket.com "
    "shows them for the account",
    "wallet",
)
_SIZE: Final = Reason(
    InvalidSize,
    "Sizes have 2 decimals and a minimum (market.minimum_size); an order that takes at "
    "once must be worth a dollar",
)
_MARKET: Final = Reason(
    MarketNotFound,
    "There is no book of it: the market is closed, or the id is not one of Polymarket's",
)

_TEXTS: Final = (
    ("invalid api key", _KEY),
    ("invalid l1 request headers", _KEY),
    (
        "not enough balance / allowance",
        Reason(
            InsufficientFunds,
            "Cash that open orders hold back is not free, shares must be held to be sold, "
            "and the exchange's contract must be allowed to take them: fetch_balance() "
            "tells the first and the last",
        ),
    ),
    (
        "breaks minimum tick size rule",
        Reason(
            InvalidPrice,
            "The price is not on the market's grid, which may have changed: read the "
            "market again (market.grid)",
        ),
    ),
    ("lower than the minimum", _SIZE),
    ("maximum lot size", _SIZE),
    ("min size:", _SIZE),
    ("invalid amount", _SIZE),
    (
        "invalid expiration",
        Reason(InvalidOrder, "An order must live for two minutes at least"),
    ),
    ("invalid order payload", Reason(InvalidOrder, "Change the order")),
    (
        "crosses book",
        Reason(
            OrderRejected,
            "It would have traded at once: use a price that rests, or leave out post_only",
            "crossed",
        ),
    ),
    (
        "crosses the book",
        Reason(
            OrderRejected,
            "It would have traded at once: use a price that rests, or leave out post_only",
            "crossed",
        ),
    ),
    (
        "fok orders are fully filled or killed",
        Reason(
            OrderRejected,
            "The book could not fill it whole, so nothing of it was",
            "killed",
        ),
    ),
    (
        "no orders found to match with fak order",
        Reason(OrderRejected, "The book had nothing at its price", "killed"),
    ),
    (
        "duplicated",
        Reason(
            DuplicateOrderId, "This very order is there: fetch_order()", "duplicated"
        ),
    ),
    (
        "order_version_mismatch",
        Reason(
            OrderRejected,
            "It was signed for another contract than the market's: read the market again",
            "version",
        ),
    ),
    # Not in its documents: what users of its clients report (2026-09).
    ("invalid signature", _WALLET),
    ("maker address not allowed", _WALLET),
    ("order signer address has to be", _WALLET),
    ("order owner has to be", _WALLET),
    (
        "address banned",
        Reason(PermissionDenied, "Polymarket has banned this address"),
    ),
    (
        "closed only mode",
        Reason(PermissionDenied, "This account may only close what it holds"),
    ),
    (
        "not yet ready to process new orders",
        Reason(MarketClosed, "The market does not take orders yet; try again later"),
    ),
    (
        "order match delayed",
        Reason(
            ExchangeNotAvailable,
            "It may have been placed all the same: look it up by its id",
            "delayed",
        ),
    ),
    ("invalid token id", _MARKET),
    ("no orderbook exists", _MARKET),
    ("market not found", _MARKET),
    (
        "order not found",
        Reason(OrderNotFound, "fetch_orders() lists those that there are"),
    ),
    ("cancel-only", _CANCEL_ONLY),
    ("post-only mode", _POST_ONLY),
    ("trading is currently disabled", _DISABLED),
    (
        "order timed out",
        # It never reached the book (docs.polymarket.com, error codes, 2026-08).
        Reason(ExchangeNotAvailable, "It was not placed: place it again", "timed out"),
    ),
    (
        "offset too large",
        Reason(BadRequest, "Use the keyset listings for deeper pages"),
    ),
)

BY_STATUS: Final = {
    401: _KEY,
    403: Reason(
        PermissionDenied,
        "The venue or a proxy before it refuses this place or network: reads are open "
        "everywhere, orders are not (GET https://polymarket.com/api/geoblock tells)",
    ),
    408: Reason(ExchangeNotAvailable, "Try again"),
    422: Reason(BadRequest, "Change the parameter that is named"),
    425: _RESTARTING,
    429: Reason(
        RateLimitExceeded,
        "Wait as long as it says, and send less; fetch_limits() tells",
    ),
}
"""Statuses, where no text tells more."""

DECIDED: Final = frozenset({403, 425, 429})
"""Of those, the ones that no code explains further."""


def reason_in(text: str | None) -> Reason | None:
    """What a text of the venue's means, if that is known.

    >>> reason_in("order 0x1 is invalid. Duplicated.").name
    'duplicated'
    """
    words = " ".join((text or "").lower().split())
    return next((reason for part, reason in _TEXTS if part in words), None)


def name_of(error: UnifiedExchangesError) -> str:
    """Which reason an error of ours has, where others of its class have another.

    Those of `MODES`, and ``crossed``, ``killed``, ``duplicated``, ``delayed``, ``timed out``,
    ``version`` and ``wallet``; else nothing.
    """
    found = reason_in(error.payload) or BY_STATUS.get(error.status or 0)
    return found.name if found else ""


def missing(path: str) -> Reason:
    """What a "not found" means for the path that was asked."""
    match [part for part in path.split("/") if part]:
        case ["clob", "data", "order", *_]:
            return Reason(
                OrderNotFound,
                "The CLOB may not tell orders that have ended: look in fetch_fills()",
            )
        case ["gamma", "events" | "series", *_]:
            return Reason(
                EventNotFound, "fetch_events() and fetch_series() list the ids"
            )
        case ["gamma", "markets", *_] | [
            "clob",
            "book" | "books" | "clob-markets" | "markets",
            *_,
        ]:
            return _MARKET
        case _:
            return Reason(ExchangeError, "Check the id and the path")
