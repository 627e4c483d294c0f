"""The guards that need to know no more than the order, and how many came before it."""

from __future__ import annotations

from collections import deque
from decimal import Decimal
from fnmatch import fnmatchcase

from .. import fork
from ..errors import GuardTripped, RateLimitExceeded, ReadOnly
from ..money import text
from .policy import GuardPolicy

__all__ = ["Guards"]


class Guards:
    """Holds orders against a policy; threads and tasks may share it."""

    def __init__(self, policy: GuardPolicy) -> None:
        self._policy = policy
        self._lock = fork.lock()
        self._placed: deque[float] = deque()

    @property
    def policy(self) -> GuardPolicy:
        """What is allowed; fixed for good."""
        return self._policy

    def check_writable(self, about: object) -> None:
        """Refuse a write, cancels included, where only reads are allowed."""
        if not self._policy.read_only:
            return
        message = (
            f"{about} refused: this exchange is read-only and nothing was sent; make "
            "it without guards=GuardPolicy(read_only=True) to allow writes"
        )
        raise ReadOnly(message)

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
        raise GuardTripped(message, guard="max_order_cost", limit=most, value=cost)

    def check_market(self, market_id: str, about: object) -> None:
        """Refuse an order on a market that is not among those allowed."""
        allowed = self._policy.allowed_markets
        if allowed is None or any(fnmatchcase(market_id, x) for x in allowed):
            return
        message = (
            f"{about} refused: {market_id} is not among the markets that this exchange "
            f"may trade ({', '.join(allowed) or 'none'}); nothing was sent. If it is "
            "meant, make the exchange with guards=GuardPolicy(allowed_markets=...)"
        )
        raise GuardTripped(
            message, guard="allowed_markets", limit=allowed, value=market_id
        )

    def check_raw(self, about: object) -> None:
        """Refuse a raw write that may open something, where that is not allowed."""
        policy = self._policy
        if policy.raw_writes and policy.allowed_markets is None:
            return
        guard = "allowed_markets" if policy.raw_writes else "raw_writes"
        message = (
            f"{about} refused: what a raw write is about cannot be known, and {guard} is "
            "set; nothing was sent. Use the methods of the exchange, or if it is meant, "
            f"make the exchange with guards=GuardPolicy(...) without {guard}"
        )
        raise GuardTripped(message, guard=guard, limit=getattr(policy, guard))

    def admit(
        self, count: int, now: float, about: object, *, only_asks: bool = False
    ) -> None:
        """Count orders that are to leave; refuse them if they are too many at once.

        ``only_asks``: none of them is counted.
        """
        most, seconds = self._policy.max_orders, self._policy.seconds
        if most is None:
            return
        with self._lock:
            while self._placed and self._placed[0] <= now - seconds:
                self._placed.popleft()
            if len(self._placed) + count <= most:
                if not only_asks:
                    self._placed.extend([now] * count)
                return
            last = len(self._placed) + count - most - 1
            is_ever = last < len(self._placed)
            wait = self._placed[last] + seconds - now if is_ever else None
        when = "" if wait is None else f"; the next may leave in {wait:.3g} s"
        message = (
            f"{about} would be more than {most} orders within {seconds:g} s; nothing was "
            f"sent{when}. If more are meant, make the exchange with "
            "guards=GuardPolicy(max_orders=...)"
        )
        raise RateLimitExceeded(message, retry_after=wait)
