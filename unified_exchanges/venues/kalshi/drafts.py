"""An order before it is sent, said in Kalshi's words.

There is one book for each market, in YES dollars: buying NO at q is an ask at 1 − q
(docs.kalshi.com, orders V2, 2026-10).
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

import attrs

from ...models import OrderRequest, Side, TimeInForce
from ...money import complement, text
from ...venue.draft import Draft as AnyDraft
from ...venue.ticket import Tickets
from .arguments import ARGUMENTS, read_id

__all__ = ["TICKETS", "Draft"]

_TIME_IN_FORCE: Final = {
    TimeInForce.GTC: "good_till_canceled",
    TimeInForce.IOC: "immediate_or_cancel",
    TimeInForce.FOK: "fill_or_kill",
}
_KNOWN: Final[Mapping[str, type]] = {
    "cancel_order_on_pause": bool,
    "exchange_index": int,
    "order_group_id": str,
    "self_trade_prevention_type": str,
    "subaccount": int,
}
"""Words of the wire that have no unified argument (docs.kalshi.com, 2026-10)."""
_OURS: Final = frozenset(
    {
        "client_order_id",
        "count",
        "expiration_time",
        "post_only",
        "price",
        "reduce_only",
        "side",
        "ticker",
        "time_in_force",
    }
)


def _wrong(request: OrderRequest, time_in_force: TimeInForce) -> str | None:
    # docs.kalshi.com, create order V2, 2026-10-09
    if request.reduce_only and time_in_force is not TimeInForce.IOC:
        return "Kalshi takes reduce_only with time_in_force='ioc' only"
    return None


TICKETS: Final = Tickets(
    arguments=ARGUMENTS,
    taken=_OURS,
    known=_KNOWN,
    read_market_id=lambda value: read_id("market_id", value),
    wrong=_wrong,
)


@attrs.define(kw_only=True, slots=True, eq=False, repr=False)
class Draft(AnyDraft):
    """An order that is ready to be sent."""

    market_shard: int
    """The shard that its market is on."""
    default_subaccount: int | None

    @property
    def is_first_outcome(self) -> bool:
        """Whether it is for YES, in whose dollars the book is."""
        return self.rules.is_first(self.outcome)

    @property
    def first_outcome_price(self) -> Decimal:
        """The price on the book, in YES dollars."""
        return self.price if self.is_first_outcome else complement(self.price)

    @property
    def is_bid(self) -> bool:
        """Whether it rests on the side that is long YES."""
        return (self.side is Side.BUY) is self.is_first_outcome

    @property
    def shard(self) -> int | None:
        """The shard that it is sent to; None leaves it to Kalshi."""
        chosen = self.ticket.params.get("exchange_index", self.market_shard)
        return chosen if isinstance(chosen, int) and chosen >= 0 else None

    @property
    def subaccount(self) -> int | None:
        """The subaccount that it is placed for; None is the key's own."""
        chosen = self.ticket.params.get("subaccount", self.default_subaccount)
        return chosen if isinstance(chosen, int) else None

    @property
    def purse(self) -> str:
        """The subaccount that it nets in, if not the one whose positions are read."""
        chosen = self.ticket.params.get("subaccount", self.default_subaccount)
        is_default = (chosen or 0) == (self.default_subaccount or 0)
        return "" if is_default else str(chosen)

    @property
    def words(self) -> Mapping[str, str | int | bool]:
        """What it is sent with besides: the venue's words, flags, and its subaccount."""
        words = super().words
        account = self.subaccount
        return words if account is None else {**words, "subaccount": account}

    def body(self) -> dict[str, object]:
        """The request as Kalshi reads it: money and sizes are strings."""
        ticket = self.ticket
        request = ticket.request
        body: dict[str, object] = {
            "ticker": ticket.market_id,
            "client_order_id": ticket.client_order_id,
            "side": "bid" if self.is_bid else "ask",
            "count": text(self.size, 2),
            "price": text(self.first_outcome_price, 4),
            "time_in_force": _TIME_IN_FORCE[ticket.time_in_force],
            "self_trade_prevention_type": "taker_at_cross",
            "exchange_index": self.market_shard,
        }
        if request.post_only:
            body["post_only"] = True
        if request.reduce_only:
            body["reduce_only"] = True
        if ticket.expires is not None:
            body["expiration_time"] = ticket.expires
        if self.default_subaccount is not None:
            body["subaccount"] = self.default_subaccount
        if ticket.params:
            body.update(ticket.params)
        return body
