"""How an observer is told: it breaks nothing, keeps nothing alive, and is not observed."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextvars import ContextVar
from weakref import WeakMethod, finalize

from ..observer import Metric, Observer, Readings

__all__ = ["Telling"]

_log = logging.getLogger(__name__)
_telling: ContextVar[bool] = ContextVar("telling", default=False)
"""Whether an observer is being told: what it does then, also in a task, is not told.

One that halts when something fails would else halt for each request of its halt.
"""


class Telling:
    """Calls an observer, and says where it failed: ever less often."""

    def __init__(self) -> None:
        self._failures = 0
        self._ends: list[Callable[[], object]] = []

    def tell(self, tell: Callable[..., object], *told: object) -> None:
        """What observes must not break what it observes, nor observe itself without end."""
        if _telling.get():
            return
        token = _telling.set(True)
        try:
            tell(*told)
        except Exception:  # noqa: BLE001 - an order matters more than its measure
            self.complain("the observer failed; trading goes on")
        finally:
            _telling.reset(token)

    def complain(self, what: str) -> None:
        """Log the error that is being handled: the first, second, fourth, eighth and so on."""
        self._failures = number = self._failures + 1
        if not number & (number - 1):
            _log.warning("%s", what, exc_info=True)

    def show(
        self, observer: Observer, metric: Metric, read: Callable[[], Readings]
    ) -> None:
        """Show a gauge until this is closed, or it and whose method ``read`` is are gone."""
        self.tell(self._follow, observer, metric, read)

    def _follow(
        self, observer: Observer, metric: Metric, read: Callable[[], Readings]
    ) -> None:
        forget: object = observer.follow(metric, _Weakly(read))
        if not callable(forget):
            # It has nothing to undo, says whoever observes; the gauge is followed.
            return
        end = finalize(self, forget)
        end.atexit = False
        self._ends.append(end)

    def close(self) -> None:
        """Show no more gauges; what was counted stays with the observer."""
        while self._ends:
            self._ends.pop()()


class _Weakly:
    """A gauge that reads nothing once its monitor is gone."""

    __slots__ = ("_read",)

    def __init__(self, read: Callable[[], Readings]) -> None:
        self._read = WeakMethod(read)

    def __call__(self) -> Readings:
        read = self._read()
        return () if read is None else read()
