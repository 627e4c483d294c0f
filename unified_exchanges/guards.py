"""Caps on what may leave: a mistake in a strategy must not empty the account.

They are no strategy: they are so high that only an error meets them, they are on unless
switched off, and what they refuse was never sent.
"""

from __future__ import annotations

from collections import deque
from decimal import Decimal
from threading import Lock

import attrs

from .errors import InvalidOrder, RateLimitExceeded
from .fields import is_amount, is_count, is_seconds
from .money import text

__all__ = ["GuardPolicy", "Guards"]


@attrs.frozen(kw_only=True)
class GuardPolicy:
    """The caps of one exchange object; None switches one off.

    ``max_order_cost`` is dollars that one order may take at its limit, if all of it opens
    a position.  ``max_orders`` may be placed within ``seconds``.

    >>> GuardPolicy(max_order_cost=Decimal(500)).max_orders
    1000
    """

    max_order_cost: Decimal | None = attrs.field(
        default=Decimal(100_000), validator=is_amount(or_none=True)
    )
    max_orders: int | None = attrs.field(
        default=1_000, validator=is_count(or_none=True)
    )
    seconds: float = attrs.field(default=10.0, validator=is_seconds())


class Guards:
    """Holds orders against a policy; threads and tasks may share it."""

    def __init__(self, policy: GuardPolicy) -> None:
        self._policy = policy
        self._lock = Lock()
        self._placed: deque[float] = deque()

    def check_cost(self, cost: Decimal, about: object) -> None:
        """Refuse an order that would take more than the cap."""
        most = self._policy.max_order_cost
        if most is None or cost <= most:
            return
        message = (
            f"{about} would take {text(cost)} dollars, above the cap of {text(most)}; "
            "nothing was sent. If it is meant, make the exchange with "
            "guards=GuardPolicy(max_order_cost=...)"
        )
        raise InvalidOrder(message)

    def admit(self, count: int, now: float, about: object) -> None:
        """Count orders that are to leave; refuse them if they are too many at once."""
        most, seconds = self._policy.max_orders, self._policy.seconds
        if most is None:
            return
        with self._lock:
            while self._placed and self._placed[0] <= now - seconds:
                self._placed.popleft()
            if len(self._placed) + count <= most:
                self._placed.extend([now] * count)
                return
            wait = self._placed[0] + seconds - now if self._placed else None
        message = (
            f"{about} would be more than {most} orders within {seconds:g} s; nothing was "
            "sent. If that is meant, make the exchange with "
            "guards=GuardPolicy(max_orders=...)"
        )
        raise RateLimitExceeded(message, retry_after=wait)
