"""The gate: which requests the exchange lets in, and why not the others."""

from __future__ import annotations

from decimal import Decimal

from ..money import EXACT, ZERO
from .book import crosses
from .floor import Floor
from .orders import Order, Owner, Refusal, Ticket
from .pit import Account, Pit

__all__ = ["Gate", "check_post_only", "check_price", "check_size"]

_SHUT: dict[str, tuple[str, str]] = {
    "initialized": ("market_not_open", "trading has not begun"),
    "inactive": ("market_inactive", "the exchange has deactivated the market"),
}
_CLOSED = ("market_closed", "trading has ended")


class Gate:
    """Refuses what may not happen now; changes nothing."""

    def __init__(self, floor: Floor) -> None:
        self._floor = floor

    def admit(self, account: Account, ticket: Ticket) -> Pit:
        """Let a new order in; where its market trades."""
        self._check_ids(account, ticket)
        pit = self._floor.pit(ticket.market_id)
        self.check_trading(pit)
        self._check_shape(ticket)
        check_price(pit, ticket.price)
        check_size(pit, ticket.size)
        self._check_group(pit, ticket)
        return pit

    def resting(self, order_id: str, owner: Owner) -> Order:
        """A resting order of the owner, on an exchange that is open."""
        order = self._floor.account_of(owner).orders.get(order_id)
        if order is None or order.owner != owner or not order.is_open:
            raise Refusal("order_not_found", f"no resting order {order_id}")
        self.check_open(order.shard)
        return order

    def check_open(self, shard: int | None) -> None:
        """Refuse when the whole exchange pauses."""
        if not self._floor.is_open(shard):
            raise Refusal("exchange_paused", "the exchange is paused")

    def check_trading(self, pit: Pit) -> None:
        """Refuse when the market does not trade now."""
        self.check_open(pit.listing.shard)
        if pit.status != "active":
            raise Refusal(*_SHUT.get(pit.status, _CLOSED))
        if self._floor.is_paused(pit):
            raise Refusal("trading_is_paused", "trading is paused")

    def check_expiry(self, expires_us: int | None) -> None:
        """Refuse an expiry that is not in the future."""
        if expires_us is not None and expires_us <= self._floor.now_us:
            raise Refusal("invalid_expiration", "the expiration is not in the future")

    def _check_ids(self, account: Account, ticket: Ticket) -> None:
        if ticket.client_order_id in account.client_ids:
            message = f"client_order_id {ticket.client_order_id} is taken"
            raise Refusal("order_already_exists", message)
        if ticket.order_id is not None and ticket.order_id in account.orders:
            raise Refusal("order_already_exists", f"order {ticket.order_id} exists")

    def _check_shape(self, ticket: Ticket) -> None:
        gtc = ticket.time_in_force == "gtc"
        if ticket.expires_us is not None and not gtc:
            raise Refusal("invalid_order", "only a gtc order can expire")
        if ticket.post_only and not gtc:
            raise Refusal("invalid_order", "only a gtc order can be post-only")
        if ticket.reduce_only and ticket.time_in_force != "ioc":
            raise Refusal("reduce_only_rejected", "only an ioc order can reduce only")
        self.check_expiry(ticket.expires_us)

    def _check_group(self, pit: Pit, ticket: Ticket) -> None:
        if ticket.group_id is None:
            return
        group = self._floor.group_of(ticket.owner, ticket.group_id)
        shard = pit.listing.shard
        if group is None or group.owner != ticket.owner or group.shard != shard:
            raise Refusal("order_group_not_found", f"no order group {ticket.group_id}")
        if group.is_triggered:
            raise Refusal("order_group_triggered", "the order group waits for a reset")


def check_post_only(pit: Pit, order: Order) -> None:
    """Refuse a post-only order that would trade."""
    best = pit.book.against(order.side).best_price()
    if order.post_only and best and crosses(order.side, order.price, best):
        raise Refusal("post_only_cross", "post only cross")


def check_price(pit: Pit, price: Decimal) -> None:
    """Refuse a price off the market's grid."""
    if not price.is_finite() or price not in pit.grid:
        raise Refusal("invalid_price", f"{price} is not on the grid of the market")


def check_size(pit: Pit, size: Decimal) -> None:
    """Refuse a size off the market's lot."""
    if not size.is_finite() or size <= ZERO or EXACT.remainder(size, pit.listing.lot):
        message = f"{size} is not a positive multiple of {pit.listing.lot}"
        raise Refusal("invalid_size", message)
