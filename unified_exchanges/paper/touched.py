"""What of an account was changed since somebody asked last."""

from __future__ import annotations

from decimal import Decimal
from typing import TypeAlias

import attrs

__all__ = ["Command", "Touched"]

Command: TypeAlias = tuple[int, int, str, int, Decimal | None, Decimal | None]
"""When it takes effect, its turn, ``place|cancel|amend|expire``, order, price, size."""


@attrs.define(eq=False)
class Touched:
    """Orders by number, markets by id, and commands by turn: None for one that was executed.

    Whoever keeps an account writes these down, and not all that ever was.
    """

    orders: set[int] = attrs.field(factory=set)
    markets: set[str] = attrs.field(factory=set)
    commands: dict[int, Command | None] = attrs.field(factory=dict)

    def __bool__(self) -> bool:
        return bool(self.orders or self.markets or self.commands)

    def executed(self, turn: int) -> None:
        """A command is over: one that nobody has asked for leaves no trace."""
        if self.commands.pop(turn, None) is None:
            self.commands[turn] = None

    def clear(self) -> None:
        """Begin anew."""
        self.orders.clear()
        self.markets.clear()
        self.commands.clear()
