"""What is told of orders that nobody knows yet: of the run's own, or of somebody else's."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from typing import TypeAlias

from ..models import Fill, Order
from .commands import Command

__all__ = ["Name", "Strangers", "name_of"]

_Told: TypeAlias = Order | Fill

Name: TypeAlias = tuple[str, str]
"""A venue, and its id of an order: on two papers there are two ``paper-1``."""


def name_of(news: _Told) -> Name:
    """Of which order something is told."""
    return news.venue, news.order_id


class Strangers:
    """News of orders that are not known, as long as an answer that is due may name them.

    Who tells of an order tells of what was sent before: once all is answered that was on
    its way then, it is somebody else's.  Nobody waits until nothing at all is on its way:
    where others trade on the account, that may never be.  A key that is not ours says
    nothing, as what a change makes of an order may have one of its own.
    """

    def __init__(self) -> None:
        # In the order in which they were sent: the first is found at once, also where many
        # were taken out before it, as in no plain dict.
        self._due: OrderedDict[int, int] = OrderedDict()
        """Commands of which an answer is due, by identity, and the number of each."""
        self._count = 0
        self._news: OrderedDict[Name, tuple[int, list[_Told]]] = OrderedDict()
        """What came, by its order, with the number of the last that was sent before it."""

    def __bool__(self) -> bool:
        return bool(self._news)

    @property
    def due(self) -> int:
        """Of how many commands an answer is due."""
        return len(self._due)

    def sent(self, commands: Iterable[Command]) -> None:
        """Of these an answer is due from now on."""
        for command in commands:
            self._count += 1
            self._due[id(command)] = self._count

    def answered(self, command: Command) -> None:
        """Of this it is no more."""
        self._due.pop(id(command), None)

    def give_up(self) -> None:
        """Of none it is."""
        self._due.clear()

    def keep(self, news: _Told) -> None:
        """Keep what came, if an answer may name it yet."""
        if self._due:
            _, kept = self._news.setdefault(name_of(news), (self._count, []))
            kept.append(news)

    def named(self, name: Name) -> list[_Told]:
        """What came of an order that is known from now on."""
        _, kept = self._news.pop(name, (0, []))
        return kept

    def forget(self) -> None:
        """Forget what no answer can name any more."""
        oldest = next(iter(self._due.values()), self._count + 1)
        while self._news:
            name, (number, _) = next(iter(self._news.items()))
            if number >= oldest:
                return
            del self._news[name]
