"""What ``describe()`` returns: what a venue is, can do, and how it differs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeAlias

import attrs

from .models.record import Flat

__all__ = ["METHODS", "Capability", "Description", "Environment", "Has"]

Capability: TypeAlias = Literal[True, False, "emulated"] | None
"""True: the venue has it.  "emulated": we build it from what the venue has.  False: it
cannot be done there.  None: not known or not built yet."""

Has: TypeAlias = Mapping[str, Capability]

METHODS: tuple[str, ...] = (
    "fetch_status",
    "load_markets",
    "fetch_events",
    "fetch_event",
    "fetch_series",
    "fetch_tags",
    "fetch_markets",
    "fetch_market",
    "fetch_ticker",
    "fetch_tickers",
    "fetch_order_book",
    "fetch_order_books",
    "fetch_trades",
    "fetch_ohlcv",
    "fetch_price_history",
    "create_order",
    "create_orders",
    "preview_order",
    "edit_order",
    "cancel_order",
    "cancel_orders",
    "cancel_all_orders",
    "cancel_all_orders_after",
    "halt",
    "resume",
    "reconcile",
    "close_position",
    "wait_filled",
    "wait_done",
    "fetch_order",
    "fetch_orders",
    "fetch_open_orders",
    "fetch_closed_orders",
    "fetch_balance",
    "fetch_positions",
    "fetch_fills",
    "fetch_settlements",
    "fetch_activity",
    "fetch_limits",
    "estimate_fee",
    "fetch_fee_rule",
    "watch_order_book",
    "watch_ticker",
    "watch_trades",
    "watch_orders",
    "watch_fills",
    "watch_positions",
    "watch_market_status",
    "unwatch",
)
"""Every unified method that ``has`` speaks about."""


@attrs.frozen(kw_only=True)
class Environment:
    """One of a venue's environments: where it is, and whether its money is real.

    ``hosts`` are others that lead to the same environment, ``retired_hosts`` those that
    once did.  ``services`` are those of its parts that live at an address of their own, by
    the first segment of their paths; where there is one address, all are below it.
    """

    name: str
    rest: str
    stream: str | None = None
    is_real_money: bool = True
    hosts: tuple[str, ...] = ()
    retired_hosts: tuple[str, ...] = ()
    services: Mapping[str, str] = attrs.field(factory=dict)

    def address(self, path: str) -> str:
        """The whole address of a path.

        >>> venue = Environment(
        ...     name="production",
        ...     rest="https://a.test",
        ...     services={"data": "https://b.test"},
        ... )
        >>> venue.address("/data/trades"), venue.address("/orders")
        ('https://b.test/trades', 'https://a.test/orders')
        """
        service, _, below = path[1:].partition("/")
        base = self.services.get(service)
        return self.rest + path if base is None else f"{base}/{below}"


@attrs.frozen(kw_only=True)
class Description(Flat):
    """A venue in facts.

    ``has`` maps every unified method and order feature to what the venue can do.
    ``idempotent_create`` says what keeps an order from being sent twice: a client order
    id, the order's hash, or nothing.  ``outcome_books`` says whether each outcome has a
    book of its own or all are views of one.  ``hours`` says whether markets open and close
    at `Market.opens_at` and `closes_at`, which no stream tells, or those are only planned
    and what happens is told.  ``pauses`` says where a pause of trading is told: in the status
    of the market alone, or that of all of a venue, or of a shard, only by `fetch_status`, while
    its markets are open as ever.  ``resting_after_pause`` says what becomes of orders that rest
    when a market is open again after it was paused.  ``book_checks`` says what shows on the
    stream that a change of a book was missed: its number, the best prices that come with
    each, or nothing; what that does not show, comparisons with REST find.  ``edit`` says
    what `edit_order` does.  ``key_headers`` are what the names of the headers begin with that
    tell whose a request is and sign it: nothing keeps them.  ``key_fields`` are the fields in
    which keys are told and given, ``key_answers`` how the paths end whose answers tell them.
    ``outline`` are the fields that say of a message of a stream which one it is, and of
    which market: what a recording keeps of one that it withholds.  ``asked`` are the same of
    a message that is sent, with [] behind lists of ids.
    ``limitations`` are sentences for people.
    """

    id: str
    name: str
    currency: str
    environments: Mapping[str, Environment]
    has: Has
    idempotent_create: Literal["client_order_id", "order_hash", "none"]
    outcome_books: Literal["one", "separate"]
    price_grid: Literal["fixed", "per market"]
    size_unit: Literal["contracts", "cash"]
    settlement: Literal["binary", "fractional"]
    edit: Literal["in place", "cancel and create", "none"]
    periods: tuple[str, ...]
    time_in_force: tuple[str, ...]
    credentials: tuple[str, ...]
    key_headers: tuple[str, ...] = ()
    key_fields: tuple[str, ...] = ()
    key_answers: tuple[str, ...] = ()
    outline: tuple[str, ...] = ()
    asked: tuple[str, ...] = ()
    documentation: str
    api_version: str
    checked_on: str
    book_checks: Literal["numbers", "best prices", "none"] = "none"
    hours: Literal["kept", "planned"] = "planned"
    pauses: Literal["market", "venue"] = "market"
    resting_after_pause: Literal["canceled", "kept"] = "kept"
    limitations: tuple[str, ...] = ()
