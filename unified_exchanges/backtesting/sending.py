"""Commands of a strategy on their way to the engine."""

from __future__ import annotations

from ..paper import PaperEngine, RefusedChange
from ..paper.refusals import error_of
from ..strategies import Amend, Command, Failure, Place

__all__ = ["Sender"]


class Sender:
    """Hands commands to the engine, and knows which of them a refusal is about."""

    def __init__(self, engine: PaperEngine) -> None:
        self._engine = engine
        self._changes: dict[int, Amend] = {}
        """Changes on their way, by the turn of their sending."""

    def send(self, command: Command) -> None:
        """Hand it over; raises `UnifiedExchangesError` where it is refused at once."""
        engine = self._engine
        if isinstance(command, Place):
            engine.place(
                command.at,
                command.market_id,
                command.outcome,
                command.side,
                command.price,
                command.size,
                time_in_force=command.time_in_force,
                post_only=command.post_only,
                expires_at=command.expires_at,
                client_order_id=command.key,
            )
        elif isinstance(command, Amend):
            turn = engine.amend(
                command.at, command.key, price=command.price, size=command.size
            )
            self._changes[turn] = command
        else:
            engine.cancel(command.at, command.key)

    def refused(self, change: RefusedChange) -> Failure:
        """The failure of a change that was refused when it arrived."""
        command = self._changes.pop(change.turn)
        venue = self._engine.pits[change.market_id].contract.market.venue
        error = error_of(change.reason)(
            change.reason, venue=venue, client_order_id=command.key
        )
        return Failure(command=command, error=error)
