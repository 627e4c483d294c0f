"""Kalshi's words for no, what each means here, and what to do next.

docs.kalshi.com and recordings, 2026-06 to 2026-10.  The reasons marked "unverified" are
known from FIX; how REST spells them, and whether in ``code`` or ``details``, is not, so
they are looked for in both.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

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
    OrderNotFound,
    OrderRejected,
    PermissionDenied,
    RateLimitExceeded,
)
from ...venue.refusals import Reason

__all__ = ["NOT_FOUND", "missing", "reason_in", "speaks_of_pause"]

NOT_FOUND = "not_found"

_FUNDS = Reason(
    InsufficientFunds,
    "Only free cash on the market's own shard counts, whatever other shards hold "
    "(fetch_balance().shards): move money there, or order less",
)
_PAUSED = Reason(
    MarketClosed,
    "Trading is paused; resting orders stay. fetch_status() and fetch_market() tell when "
    "it goes on",
)
_CLOSED = Reason(  # one word for closed and for inactive: docs.kalshi.com, 2026-10
    MarketClosed,
    "The market does not trade now; its resting orders are cancelled shortly after it "
    "closes, and when it is activated again. fetch_market() tells its status",
)
_EXCHANGE_PAUSED = Reason(
    MarketClosed,
    "The whole exchange is paused, cancels included. fetch_status() tells when it "
    "resumes",
)
_SIZE = Reason(
    InvalidSize, "Use a size of at least 0.01 contracts in steps of 0.01 (market.lot)"
)
_OTHER_TERMS = Reason(
    BadRequest, "The change names other terms than the order has: read the order first"
)
_SELF_TRADE = Reason(
    OrderRejected,
    "It would have traded with your own order: cancel that one, or choose another "
    "self_trade_prevention_type",
)
_RISK = Reason(
    OrderRejected, "A risk limit of the account or of the order group is reached"
)
_GROUP = Reason(
    OrderRejected,
    "Its order group has triggered: reset the group to place orders again",
)
_COMBINATION = Reason(
    BadRequest, "These legs cannot be combined; the details name the markets"
)
_WAIT = Reason(ExchangeNotAvailable, "Wait and try again")
_ACCOUNT = Reason(
    AuthenticationError,
    "The key's account is not known there: check the account and environment=",
)

_REASONS: dict[str, Reason] = {
    "order_already_exists": Reason(
        DuplicateOrderId,
        "This client_order_id was used before and is used up for ever: look that order "
        "up, or use a new id for a new order",
    ),
    "insufficient_balance": _FUNDS,
    "available_balance_too_low": _FUNDS,
    "invalid_price": Reason(
        InvalidPrice,
        "The price is not on the market's grid, which may have changed: read the market "
        "again (market.grid)",
    ),
    "invalid_order_size": _SIZE,
    "post_only_cross": Reason(
        OrderRejected,
        "It would have traded at once: use a price that rests, or leave out post_only",
    ),
    "trading_is_paused": _PAUSED,
    "market_closed": _CLOSED,
    "exchange_is_paused": _EXCHANGE_PAUSED,
    "order_id_and_client_order_id_mismatch": _OTHER_TERMS,
    "order_side_mismatch": _OTHER_TERMS,
    "order_ticker_mismatch": _OTHER_TERMS,
    "conflicting_leg_outcomes": _COMBINATION,
    "duplicated_legs": _COMBINATION,
    "invalid_market_combination": _COMBINATION,
    "rfq_closed": Reason(ExchangeError, "The request for quotes has ended"),
    "deprecated_v1_order_endpoint": Reason(
        BadRequest, "Orders are written at /portfolio/events/orders only"
    ),
    "permission_denied": Reason(
        PermissionDenied,
        "Use a key with the scope, or for the subaccount, that it needs",
    ),
    "user_not_found": _ACCOUNT,
    "too_many_requests": Reason(RateLimitExceeded, "Send less often"),
    "internal_server_error": _WAIT,
    "service_unavailable": _WAIT,
}

_ENGINE_REASONS: dict[str, Reason] = {  # unverified
    "market_inactive": _CLOSED,
    "trading_paused": _PAUSED,
    "exchange_paused": _EXCHANGE_PAUSED,
    "fok_insufficient_volume": Reason(
        OrderRejected,
        "The book could not fill it whole: order less, at a worse price, or as ioc",
    ),
    "exceeded_order_group_risk_limit": _GROUP,
    "exceeded_per_market_risk_limit": _RISK,
    "exceeded_sell_position_floor": Reason(
        OrderRejected, "It would sell more than is held"
    ),
    "order_group_not_found": Reason(
        BadRequest, "There is no such order_group_id on this shard and subaccount"
    ),
    "order_group_cancel": _GROUP,
    "taker_cancel_for_self_trade_prevention": _SELF_TRADE,
    "maker_cancel_for_self_trade_prevention": _SELF_TRADE,
    "self_cross_attempt": _SELF_TRADE,
    "invalid_amend_qty_for_order": _SIZE,
    "cannot_update_filled_order": Reason(
        OrderRejected, "The order is filled: nothing is left to change"
    ),
}

_VAGUE: dict[str, Reason] = {
    "invalid_order": Reason(
        InvalidOrder, "Change the order: it breaks a rule of Kalshi"
    ),
    "bad_request": Reason(BadRequest, "Change the call: repeating it will fail again"),
    "invalid_parameters": Reason(BadRequest, "Change the parameters that are named"),
    "invalid_content_type": Reason(BadRequest, "Send a JSON body, {} if it is empty"),
}
"""Codes that only their details explain; asked after everything that says more."""

_KNOWN = _REASONS | _ENGINE_REASONS
_PAUSE = re.compile(r"maintenance|(exchange|trading)_(is_)?paused")


def reason_in(*texts: str | None) -> Reason | None:
    """The reason that the venue's texts give, most telling text first."""
    words = [_normal(text) for text in texts if text]
    return (
        _exactly(words, _KNOWN)
        or _somewhere(words, _ENGINE_REASONS)
        or _exactly(words, _VAGUE)
    )


def _normal(text: str) -> str:
    return re.sub(r"[\s-]+", "_", text.strip().lower())


def _exactly(words: Iterable[str], known: dict[str, Reason]) -> Reason | None:
    for word in words:
        # Some codes go on after a colon: user_not_found:_<uuid>.
        found = known.get(word) or known.get(word.partition(":")[0])
        if found:
            return found
    return None


def _somewhere(words: list[str], known: dict[str, Reason]) -> Reason | None:
    for name, reason in known.items():
        if any(name in word for word in words):
            return reason
    return None


def speaks_of_pause(*texts: str | None) -> bool:
    """Whether an answer says that the exchange is paused or maintained."""
    return any(_PAUSE.search(_normal(text)) for text in texts if text)


_UNNAMED = Reason(
    OrderRejected,
    "Something that the order names is not there, and Kalshi does not say what: its "
    "market, or the order_group_id, exchange_index or subaccount in params",
)
_NAMED = (
    (
        ("group",),
        Reason(
            BadRequest,
            "There is no such order_group_id; groups do not span shards or subaccounts",
        ),
    ),
    (
        ("exchange_index", "shard"),
        Reason(
            BadRequest,
            "That exchange_index is not the market's: leave it out, or use market.shard",
        ),
    ),
    (
        ("market", "ticker"),
        Reason(
            MarketNotFound, "Check the ticker; each environment has its own markets"
        ),
    ),
)
"""What an order that is put may name, by the words that speak of it."""


def _unplaced(texts: Iterable[str | None]) -> Reason:
    """What an order named that does not exist."""
    words = [_normal(text) for text in texts if text]
    for names, reason in _NAMED:
        if any(name in word for name in names for word in words):
            return reason
    return _UNNAMED


def missing(path: str, *texts: str | None) -> Reason:
    """What a "not found" means for the path that was asked (without query).

    ``texts`` are the venue's words, which may say more.
    """
    parts = [part for part in path.split("/") if part and part != "historical"]
    match parts:
        case ["portfolio", "events", "orders"] | [*_, "batched"]:
            return _unplaced(texts)
        case ["portfolio", "orders" | "events", *_]:
            return Reason(
                OrderNotFound,
                "Kalshi answers alike for unknown, cancelled and filled orders and for "
                "those of another shard or subaccount: fetch_order() tells which; look "
                "in fetch_orders() if that does not find it, and pass market_id= or "
                'params={"subaccount": …} if the order is of another one',
            )
        case [*_, "markets", _] | ["markets", _, *_] | ["series", _, "markets", *_]:
            return Reason(
                MarketNotFound, "Check the ticker; each environment has its own markets"
            )
        case ["events" | "series" | "multivariate_event_collections", *_]:
            return Reason(
                EventNotFound, "Check the ticker; each environment has its own events"
            )
        case _:
            return Reason(
                ExchangeError, "Check the id, and that this environment has it"
            )
