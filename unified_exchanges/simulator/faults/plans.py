"""Which occasion meets which fault: counted, seeded, usable from many threads."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from random import Random
from threading import Lock
from typing import Generic, Protocol, TypeVar

import attrs

__all__ = ["Occasional", "Plan", "check"]


class Occasional(Protocol):
    """Something that strikes on some of the occasions that it meets."""

    @property
    def nth(self) -> int:
        """From which on."""
        ...

    @property
    def every(self) -> int:
        """Each how-manieth from there."""
        ...

    @property
    def count(self) -> int | None:
        """How often at most, None without end."""
        ...

    @property
    def probability(self) -> float:
        """With what chance."""
        ...


FaultT = TypeVar("FaultT", bound=Occasional)


def check(fault: Occasional, kind: str, kinds: Sequence[str], *patterns: str) -> None:
    """Refuse a fault that could never strike, lest its test passes without it."""
    if kind not in kinds:
        message = f"fault kind {kind!r} is not one of {', '.join(kinds)}"
        raise ValueError(message)
    if (
        fault.nth < 1
        or fault.every < 1
        or (fault.count is not None and fault.count < 1)
    ):
        message = f"nth, every and count of a fault are at least 1: {fault}"
        raise ValueError(message)
    if not 0 < fault.probability <= 1:
        message = f"probability is above 0 and at most 1, not {fault.probability}"
        raise ValueError(message)
    for pattern in patterns:
        try:
            re.compile(pattern)
        except re.error as error:
            message = f"{pattern!r} is not a regular expression: {error}"
            raise ValueError(message) from None


@attrs.define(slots=True)
class _Entry(Generic[FaultT]):
    fault: FaultT
    matches: int = 0
    strikes: int = 0


class Plan(Generic[FaultT]):
    """A list of faults, in order of precedence."""

    def __init__(
        self, faults: Iterable[FaultT] = (), *, rng: Random | None = None
    ) -> None:
        self._rng = rng or Random(0)
        self._lock = Lock()
        self._entries = [_Entry(fault) for fault in faults]

    @property
    def is_empty(self) -> bool:
        """Whether nothing is planned."""
        return not self._entries

    def add(self, fault: FaultT) -> None:
        """Plan another fault; it counts from now on."""
        with self._lock:
            self._entries.append(_Entry(fault))

    def clear(self) -> None:
        """Plan nothing any more."""
        with self._lock:
            self._entries = []

    def _take(
        self, meets: Callable[[FaultT], bool], note: Callable[[FaultT], None]
    ) -> FaultT | None:
        """The first fault that is due of those that meet the occasion; all count it."""
        if not self._entries:
            return None
        with self._lock:
            met = [entry for entry in self._entries if meets(entry.fault)]
            due = [entry for entry in met if self._is_due(entry)]
            if not due:
                return None
            due[0].strikes += 1
            note(due[0].fault)
            return due[0].fault

    def _is_due(self, entry: _Entry[FaultT]) -> bool:
        fault = entry.fault
        entry.matches += 1
        later = entry.matches - fault.nth
        if later < 0 or later % fault.every:
            return False
        if fault.count is not None and entry.strikes >= fault.count:
            return False
        return fault.probability >= 1 or self._rng.random() < fault.probability
