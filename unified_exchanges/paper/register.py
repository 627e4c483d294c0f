"""The orders of an account on paper, found by one or the other of their ids."""

from __future__ import annotations

from collections.abc import Iterable

from ..errors import DuplicateOrderId, OrderNotFound
from .orders import PaperOrder

__all__ = ["Register"]


class Register(dict[int, PaperOrder]):
    """Orders by number, oldest first; a client order id stands for one."""

    def __init__(self, orders: Iterable[PaperOrder] = ()) -> None:
        super().__init__((x.number, x) for x in orders)
        self._by_client = {
            x.client_order_id: x.number
            for x in self.values()
            if x.client_order_id is not None
        }

    def enter(self, order: PaperOrder) -> None:
        """Have one more; raises `DuplicateOrderId`."""
        name = order.client_order_id
        if name in self._by_client:
            message = f"client order id {name!r} was used before"
            raise DuplicateOrderId(message, venue="paper")
        if name is not None:
            self._by_client[name] = order.number
        self[order.number] = order

    def strike(self, order: PaperOrder) -> None:
        """Leave no trace of one: its client order id is free."""
        del self[order.number]
        if order.client_order_id is not None:
            del self._by_client[order.client_order_id]

    def find(self, order_id: str) -> PaperOrder:
        """An order by its order id; raises `OrderNotFound`."""
        kind, _, digits = order_id.partition("-")
        number = int(digits) if digits.isdecimal() else 0
        found = self.get(number)
        if kind != "paper" or found is None or found.order_id != order_id:
            message = f"paper: no order {order_id!r} was placed"
            raise OrderNotFound(message, venue="paper")
        return found

    def find_client(self, client_order_id: str) -> PaperOrder:
        """An order by its client order id; raises `OrderNotFound`.

        These are anybody's choice, ``paper-1`` among them: so it is no order id too.
        """
        number = self._by_client.get(client_order_id)
        if number is None:
            message = (
                f"paper: no order with client order id {client_order_id!r} was placed"
            )
            raise OrderNotFound(message, venue="paper")
        return self[number]
