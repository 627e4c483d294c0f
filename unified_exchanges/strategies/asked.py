"""Whether somebody wants a run to end: its caller, or who closes an exchange of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Generic, Protocol, TypeVar

__all__ = ["Asked"]


class _Stop(Protocol):
    def is_set(self) -> bool: ...


class _Occupied(Protocol):
    def is_closing(self) -> bool: ...

    def enter(self, who: object) -> None: ...

    def leave(self, who: object) -> Callable[[], None] | None: ...


class _Exchange(Protocol):
    @property
    def occupied(self) -> _Occupied: ...


X = TypeVar("X", bound=_Exchange)


def _raised(exchange: object, error: Exception) -> None:
    del exchange
    raise error


class Asked(Generic[X]):
    """Set once the caller's event is, or while somebody waits to close an exchange."""

    def __init__(self, stop: _Stop | None, exchanges: Sequence[X]) -> None:
        self._stop = stop
        self._exchanges = exchanges

    def stay(self) -> None:
        """Be in the exchanges: whoever closes one waits until `leave`."""
        for exchange in self._exchanges:
            exchange.occupied.enter(self)

    def leave(self, failed: Callable[[X, Exception], None] = _raised) -> None:
        """Be in none of them any more, and shut those that nobody else is in.

        Each is left, and then each is shut, whatever comes in between or another raises:
        else whoever closes one that was not left would wait for ever.  ``failed`` is told
        which could not be shut, and why.
        """
        self._leave(self._exchanges, failed)

    def _leave(
        self, exchanges: Sequence[X], failed: Callable[[X, Exception], None]
    ) -> None:
        if not exchanges:
            return
        # Not by an ExitStack: an interruption while that is entered would skip all.
        first, *others = exchanges
        shut: Callable[[], None] | None = None
        try:
            shut = first.occupied.leave(self)
        finally:
            try:
                self._leave(others, failed)
            finally:
                if shut is not None:
                    _shut(shut, partial(failed, first))

    def is_set(self) -> bool:
        """Whether the run is to end."""
        if self._stop is not None and self._stop.is_set():
            return True
        return any(x.occupied.is_closing() for x in self._exchanges)


def _shut(shut: Callable[[], None], failed: Callable[[Exception], None]) -> None:
    try:
        shut()
    except Exception as error:  # noqa: BLE001 - whoever is told says what it is
        failed(error)
