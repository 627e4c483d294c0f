"""What a stream met: the counters behind `StreamHealth`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final, TypeVar

import attrs

from ..models import StreamHealth
from ..models.streams import IDLE

__all__ = ["SAMPLE", "Counters", "together"]

T = TypeVar("T")

SAMPLE: Final = 256
"""Of so many messages one is looked at for unknown fields."""
_MOST_FIELDS = 200


_WORST_FIRST = ("stopped", "degraded", "paused", "connecting", "live", "idle")
_SUMS = (
    "connections",
    "messages",
    "gaps",
    "duplicates",
    "unknown_messages",
    "malformed_messages",
    "subscriptions",
    "stale_books",
    "folded",
    "missed",
    "reconciliations",
    "reconcile_failures",
)


def together(healths: Sequence[StreamHealth]) -> StreamHealth:
    """How several lines of one stream do: the worst state, the longest silence, sums."""
    if not healths:
        return IDLE
    first, *others = sorted(healths, key=lambda x: _WORST_FIRST.index(x.state))
    if not others:
        return first
    sums = {name: sum(getattr(x, name) for x in healths) for name in _SUMS}
    names = {name for x in healths for name in x.unknown_fields}
    errors = [x.last_error for x in (first, *others) if x.last_error]
    return attrs.evolve(
        first,
        **sums,
        unknown_fields=tuple(sorted(names)),
        silence_ms=_most(x.silence_ms for x in healths),
        last_message_at=_most(x.last_message_at for x in healths),
        last_reconciled_at=_most(x.last_reconciled_at for x in healths),
        last_error=errors[0] if errors else "",
        stale_ms=max(x.stale_ms for x in healths),
    )


def _most(values: Iterable[T | None]) -> T | None:
    told: list[Any] = [x for x in values if x is not None]
    return max(told, default=None)


class Counters:
    """Counts since the protocol was made, over all its connections.

    ``messages`` is counted by whoever receives, in place: it is the busiest line of all.
    """

    __slots__ = (
        "connections",
        "duplicates",
        "gaps",
        "last_error",
        "malformed",
        "messages",
        "troubles",
        "unknown",
        "unknown_fields",
    )

    def __init__(self) -> None:
        self.connections = 0
        self.messages = 0
        self.gaps = 0
        self.duplicates = 0
        self.last_error = ""
        self.malformed: dict[str, int] = {}
        """Frames that could not be read, by their type."""
        self.unknown: dict[str, int] = {}
        """Frames of types that we do not know; what exceeds the memory is ``"…"``."""
        self.unknown_fields: set[str] = set()
        self.troubles: dict[str, int] = {}

    @staticmethod
    def is_sample(number: int) -> bool:
        """Whether the message of this number is looked at for unknown fields.

        Looking at each would cost more than reading it.
        """
        return not number % SAMPLE

    def note_unknown(self, kind: str) -> bool:
        """Count a frame of an unknown type; whether to say so in the log."""
        return _count(self.unknown, kind)

    def note_malformed(self, kind: str, error: Exception) -> bool:
        """Count a frame that could not be read; whether to say so in the log.

        Whoever looks at the health sees why the newest could not be: the stream goes on,
        and its state tells nothing of it.
        """
        is_told = _count(self.malformed, kind)
        count = sum(self.malformed.values())
        what = f"a frame of type {kind}" if kind else "a frame"
        self.last_error = (
            f"{what} could not be read and was passed over, {count} by now: {error}"
        )
        return is_told

    def note_trouble(self, kind: str) -> bool:
        """Count something else that went wrong; whether to say so in the log."""
        return _count(self.troubles, kind)

    def note_fields(self, names: Iterable[str]) -> set[str]:
        """Remember names of fields that we do not know; those that are new."""
        new = set(names) - self.unknown_fields
        if len(self.unknown_fields) + len(new) > _MOST_FIELDS:
            return set()
        self.unknown_fields |= new
        return new


def _count(counts: dict[str, int], kind: str) -> bool:
    """Count, and say whether the count is a power of two: logs must not flood."""
    if kind not in counts and len(counts) >= _MOST_FIELDS:
        kind = "…"
    counts[kind] = number = counts.get(kind, 0) + 1
    return not number & (number - 1)
