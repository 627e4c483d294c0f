"""How a venue began, kept: whoever founds the same one again gets a copy.

A seed makes the same of a moment every time, but hundreds of orders are carried out for
it, and tests and backtests found a venue each.
"""

from __future__ import annotations

import io
import pickle
from collections.abc import Callable, Hashable
from decimal import Decimal
from typing import Any, TypeVar

import attrs

from .accounts import Settlement
from .floor import Clock
from .orders import Fill, Order, Owner, Trade

__all__ = ["Foundings"]

T = TypeVar("T")

_FIXED = (Decimal, Fill, Order, Owner, Settlement, Trade)
"""What cannot change, down to the last field, and makes up most of a venue."""


class Foundings:
    """Keeps the latest ``kept`` beginnings that were asked for more than once.

    A copy has nothing in common with any other but what it was given and what is of a
    type in ``fixed``, which must not be able to change, with all that it refers to.

    >>> from unified_exchanges.clock import VirtualClock
    >>> foundings, clock = Foundings(), VirtualClock()
    >>> one, other = (foundings.found(list, clock) for _ in range(2))
    >>> one.append("changed")
    >>> other, foundings.found(list, clock)
    ([], [])
    """

    def __init__(self, *fixed: type, kept: int = 8) -> None:
        self._fixed = frozenset((*_FIXED, *fixed))
        self._kept = kept
        # Replaced as a whole: threads that found at once at worst do so for themselves.
        self._moulds: dict[Hashable, _Mould | None] = {}

    def found(
        self,
        make: Callable[[], T],
        clock: Clock,
        *given: object,
        terms: Hashable = None,
    ) -> T:
        """What ``make`` makes at the clock's time, which ``terms`` must determine.

        The clock and what else is ``given`` belong to the caller: in a copy they are
        those of this call.
        """
        now = clock.now()
        key = now, terms
        if mould := self._moulds.get(key):
            return mould.cast(clock, *given)  # type: ignore[no-any-return]
        is_wanted = key in self._moulds
        made = make()
        if clock.now() == now:
            mould = _moulded(made, (clock, *given), self._fixed) if is_wanted else None
            before = [item for item in self._moulds.items() if item[0] != key]
            self._moulds = dict([*before, (key, mould)][-self._kept :])
        return made


@attrs.frozen
class _Mould:
    """Bytes that leave out what is shared, and that."""

    form: bytes
    shared: list[object]

    def cast(self, *given: object) -> Any:
        return _Reader(io.BytesIO(self.form), [*given, *self.shared]).load()


class _Reader(pickle.Unpickler):
    def __init__(self, form: io.BytesIO, shared: list[object]) -> None:
        super().__init__(form)
        # Asked for thousands of parts: the list itself answers faster than a method.
        self.persistent_load = shared.__getitem__  # type: ignore[method-assign]


class _Writer(pickle.Pickler):
    def __init__(
        self, form: io.BytesIO, given: tuple[object, ...], fixed: frozenset[type]
    ) -> None:
        super().__init__(form, protocol=pickle.HIGHEST_PROTOCOL)
        self.shared = list(given)
        self._fixed = fixed
        self._numbers = {id(each): number for number, each in enumerate(given)}

    def persistent_id(self, obj: object) -> int | None:
        number = self._numbers.get(id(obj))
        if number is None and type(obj) in self._fixed:
            number = self._numbers[id(obj)] = len(self.shared)
            self.shared.append(obj)
        return number


def _moulded(
    made: object, given: tuple[object, ...], fixed: frozenset[type]
) -> _Mould | None:
    form = io.BytesIO()
    writer = _Writer(form, given, fixed)
    try:
        writer.dump(made)
    except RecursionError:  # called from so deep that it is made anew each time
        return None
    return _Mould(form.getvalue(), writer.shared[len(given) :])
