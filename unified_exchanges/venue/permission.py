"""What may leave at all: writes, orders on a market, raw calls."""

from __future__ import annotations

from ..errors import GuardTripped, ReadOnly
from .sending import Sender

__all__ = ["Permission"]


class Permission(Sender):
    """Refuses what the guards and the environment do not allow, before it is sent."""

    def require_writable(self, about: object) -> None:
        """Refuse a write where none is allowed, or money is real and was not unlocked."""
        try:
            self.guards.check_writable(about)
        except ReadOnly as error:
            error.venue = self.id
            raise
        if self.environment.is_real_money and not self.settings.live:
            message = (
                f"{about} refused: {self.environment.name} trades real money and this "
                "exchange is read-only; make it with live=True to allow orders"
            )
            raise ReadOnly(message, venue=self.id)

    def require_allowed(self, market_id: str, about: object) -> None:
        """Refuse an order or an edit on a market that the guards do not allow."""
        try:
            self.guards.check_market(market_id, about)
        except GuardTripped as error:
            error.venue = self.id
            raise

    def require_raw(self, about: object) -> None:
        """Refuse a raw write that may open something, where the guards say so."""
        try:
            self.guards.check_raw(about)
        except GuardTripped as error:
            error.venue = self.id
            raise
