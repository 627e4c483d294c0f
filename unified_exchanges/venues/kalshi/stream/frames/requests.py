"""Requests for quotes, and quotes."""

from __future__ import annotations

from ...wire.base import Id, Time, Wire
from .base import Frame

__all__ = [
    "QuoteAccepted",
    "QuoteCreated",
    "QuoteExecuted",
    "QuoteExecutedMsg",
    "QuoteMsg",
    "RfqCreated",
    "RfqDeleted",
    "RfqMsg",
]


class RfqMsg(Wire, kw_only=True):
    """A request for quotes; ``creator_id`` may be empty."""

    id: Id
    creator_id: str = ""
    market_ticker: Id
    event_ticker: str | None = None
    contracts_fp: str | None = None
    target_cost_dollars: str | None = None
    created_ts: Time | None = None
    deleted_ts: Time | None = None
    mve_collection_ticker: str | None = None


class RfqCreated(Frame, kw_only=True, tag="rfq_created"):
    """Somebody asks for quotes."""

    msg: RfqMsg


class RfqDeleted(Frame, kw_only=True, tag="rfq_deleted"):
    """A request for quotes is over."""

    msg: RfqMsg


class QuoteMsg(Wire, kw_only=True):
    """A quote for a request; the last two are there once it is accepted."""

    quote_id: Id
    rfq_id: Id
    quote_creator_id: str = ""
    rfq_creator_id: str = ""
    market_ticker: Id
    event_ticker: str | None = None
    yes_bid_dollars: str
    no_bid_dollars: str
    yes_contracts_offered_fp: str | None = None
    no_contracts_offered_fp: str | None = None
    rfq_target_cost_dollars: str | None = None
    created_ts: Time | None = None
    subaccount: int | None = None
    accepted_side: str | None = None
    contracts_accepted_fp: str | None = None


class QuoteCreated(Frame, kw_only=True, tag="quote_created"):
    """A quote was made for one of our requests, or by us."""

    msg: QuoteMsg


class QuoteAccepted(Frame, kw_only=True, tag="quote_accepted"):
    """A quote was accepted."""

    msg: QuoteMsg


class QuoteExecutedMsg(Wire, kw_only=True):
    """The order that came of a quote."""

    quote_id: Id
    rfq_id: Id
    quote_creator_id: str = ""
    rfq_creator_id: str = ""
    order_id: Id
    client_order_id: str | None = None
    market_ticker: Id
    executed_ts: Time | None = None
    subaccount: int | None = None


class QuoteExecuted(Frame, kw_only=True, tag="quote_executed"):
    """A quote became an order."""

    msg: QuoteExecutedMsg
