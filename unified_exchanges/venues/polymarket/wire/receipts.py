"""Answers to writes as the CLOB sends them."""

from __future__ import annotations

from msgspec import field

from .base import OrderId, Wire

__all__ = ["Canceled", "Heartbeat", "Placed"]


class Placed(Wire, kw_only=True):
    """What an order came to; amounts are decimal text, "" for none.

    All but the reason is empty of an order that was refused, and ``success`` may be true all
    the same.  The reason stands in ``errorMsg``, and in ``error`` where statuses are errors.
    """

    success: bool = False
    problem: str | None = field(name="errorMsg", default=None)
    error: str | None = None
    order_id: str | None = field(name="orderID", default=None)
    status: str | None = None
    making: str | None = field(name="makingAmount", default=None)
    taking: str | None = field(name="takingAmount", default=None)


class Canceled(Wire, kw_only=True):
    """Which orders were cancelled, and why others were not."""

    canceled: list[OrderId]
    not_canceled: dict[str, str | None] | None = None


class Heartbeat(Wire, kw_only=True):
    """The id that the next heartbeat must bear."""

    heartbeat_id: str
