"""What a strategy decided, as rows of one kind."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Literal

import attrs

from ..models.record import Flat
from .commands import Amend, Command, Place

__all__ = ["Decision", "decision_of"]


@attrs.frozen(kw_only=True, slots=True)
class Decision(Flat):
    """A command as a row: what an ``amend`` or a ``cancel`` does not say is None."""

    at: int
    command: Literal["amend", "cancel", "place"]
    key: str
    market_id: str | None = None
    outcome: str | None = None
    side: str | None = None
    price: Decimal | None = None
    size: Decimal | None = None
    time_in_force: str | None = None
    post_only: bool | None = None
    reduce_only: bool | None = None
    expires_at: datetime | None = None


def decision_of(command: Command) -> Decision:
    """The row of a command."""
    if isinstance(command, Place):
        return Decision(
            at=command.at,
            command="place",
            key=command.key,
            market_id=command.market_id,
            outcome=command.outcome,
            side=command.side.value,
            price=command.price,
            size=command.size,
            time_in_force=command.time_in_force.value,
            post_only=command.post_only,
            reduce_only=command.reduce_only,
            expires_at=command.expires_at,
        )
    if isinstance(command, Amend):
        price, size = command.price, command.size
        return Decision(
            at=command.at, command="amend", key=command.key, price=price, size=size
        )
    return Decision(at=command.at, command="cancel", key=command.key)
