"""Whether the venue takes orders: restarts, post-only, cancel-only, nothing.

docs.polymarket.com matching engine restarts, 2026-08: 425 while it restarts, then two
minutes of post-only.
"""

from __future__ import annotations

from .errors import Failure, bad_request
from .settings import Mode
from .wire import SECOND

__all__ = ["Modes"]

_DRILL_US = 120 * SECOND


class Modes:
    """The mode of the venue at a time."""

    def __init__(self) -> None:
        self._plan: list[tuple[int | None, Mode]] = []

    def set(self, mode: Mode, until_us: int | None = None) -> None:
        """Be in a mode until then, or until the next call."""
        self._plan = [(until_us, mode)]

    def restart(self, until_us: int) -> None:
        """Restart until then, and take post-only orders for two minutes after it."""
        drill: Mode = "post_only"
        self._plan = [(until_us, "restarting"), (until_us + _DRILL_US, drill)]

    def at(self, now_us: int) -> Mode:
        """The mode now."""
        return self._at(now_us)[1]

    def _at(self, now_us: int) -> tuple[int | None, Mode]:
        for until_us, mode in self._plan:
            if until_us is None or now_us < until_us:
                return until_us, mode
        return None, "normal"

    def check_cancel(self, now_us: int) -> None:
        """Refuse a cancel when nothing is accepted."""
        mode = self.at(now_us)
        if mode == "restarting":
            raise Failure(425, {})
        if mode == "disabled":
            text = "Trading is currently disabled. Check polymarket.com for updates"
            raise bad_request(text, 503)

    def check_order(self, now_us: int, *, post_only: bool) -> None:
        """Refuse an order when it may not be placed."""
        self.check_cancel(now_us)
        until_us, mode = self._at(now_us)
        if mode == "cancel_only":
            text = (
                "Trading is currently cancel-only. New orders are not accepted, "
                "but cancels are allowed."
            )
            raise bad_request(text, 503)
        if mode == "post_only" and not post_only:
            raise _post_only(None if until_us is None else until_us - now_us)


def _post_only(left_us: int | None) -> Failure:
    text = "post-only mode: only post-only orders and cancels are allowed"
    payload: dict[str, object] = {"error": text, "code": "post_only_mode"}
    if left_us is None:
        return Failure(503, payload)
    left = -(-left_us // SECOND)
    payload["retry_after_seconds"] = left
    return Failure(503, payload, {"Retry-After": str(left)})
