"""The orders of an account on paper, found by either of their ids."""

from __future__ import annotations

from collections.abc import Iterable

from ..errors import DuplicateOrderId, OrderNotFound
from .orders import PaperOrder

__all__ = ["Register"]


class Register(dict[int, PaperOrder]):
    """Orders by number, oldest first; a client order id stands for one."""

    def __init__(self, orders: Iterable[PaperOrder] = ()) -> None:
        super().__init__((x.number, x) for x in orders)
        self._by_client = {x.client_order_id: x.number for x in self.values()}

    def enter(self, order: PaperOrder) -> None:
        """Have one more; raises `DuplicateOrderId`."""
        if order.client_order_id in self._by_client:
            message = f"client order id {order.client_order_id!r} was used before"
            raise DuplicateOrderId(message, venue="paper")
        self._by_client[order.client_order_id] = order.number
        self[order.number] = order

    def strike(self, order: PaperOrder) -> None:
        """Leave no trace of one: its client order id is free."""
        del self[order.number]
        del self._by_client[order.client_order_id]

    def find(self, order_id: str) -> PaperOrder:
        """An order by its order id or client order id; raises `OrderNotFound`."""
        number = self._by_client.get(order_id)
        if number is None and order_id.startswith("paper-"):
            digits = order_id.removeprefix("paper-")
            number = int(digits) if digits.isdecimal() else None
        if number is None or number not in self:
            message = f"paper: no order {order_id!r} was placed"
            raise OrderNotFound(message, venue="paper")
        return self[number]
