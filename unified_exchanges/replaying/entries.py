"""Recorded requests, and which of those that ask for the same is which."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator
from typing import Any, TypeAlias

import attrs
import msgspec

from ..recording.format import Rest, Unanswered
from .matching import Key

__all__ = ["Entry", "Equals", "given_ids", "is_unclear", "places"]

_GIVEN = frozenset({"client_order_id", "salt"})
"""What a client gives an order to be known by; where it is a salt, the id is made of it."""

_ERROR = 500
"""From here on an answer does not say whether a request was done."""

_Ids: TypeAlias = tuple[str, ...]


def given_ids(body: bytes | None) -> tuple[str, ...]:
    """The ids that a client gave the orders of a request, in their order.

    >>> given_ids(b'[{"client_order_id":"one"},{"order":{"salt":2}}]')
    ('one', '2')
    """
    if not body:
        return ()
    try:
        return tuple(_given(msgspec.json.decode(body)))
    except (msgspec.MsgspecError, RecursionError):
        return ()


def _given(content: Any) -> Iterator[str]:
    if isinstance(content, dict):
        for name, value in content.items():
            if name in _GIVEN:
                yield str(value)
            else:
                yield from _given(value)
    elif isinstance(content, list):
        for part in content:
            yield from _given(part)


def places(line: Rest | Unanswered, order_id: bytes) -> bool:
    """Whether an answer has an order's id that nothing of the request has."""
    if isinstance(line, Unanswered) or order_id not in line.body.data:
        return False
    return order_id not in line.path.encode() + line.request.data


def is_unclear(line: Rest | Unanswered) -> bool:
    """Whether nobody knew by the answer what became of a request."""
    return isinstance(line, Unanswered) or line.status >= _ERROR


@attrs.define(slots=True, eq=False)
class Entry:
    """A recorded request; ``number`` counts those of the recording, from 1."""

    key: Key
    line: Rest | Unanswered
    number: int
    ids: tuple[str, ...] = ()
    """What the client gave its orders to be known by."""
    is_played: bool = False
    """Whether the program was given it."""
    is_shared: bool = False
    """Whether several of its calls were."""
    is_overheard: bool = False
    """Whether a stream of the program was."""

    @property
    def began(self) -> int:
        """When it was sent, in nanoseconds since 1970."""
        return self.line.began

    @property
    def is_sent(self) -> bool:
        """Whether any of it may have left: it had a connection."""
        return not isinstance(self.line, Unanswered) or self.line.sent


class Equals:
    """Orders that say the same, told apart by the ids that a client gave them.

    An order that is sent again is the one that it was, though others that say the same
    are on their way.  The program gives other ids than were recorded, or the very same.
    """

    def __init__(self) -> None:
        self._entries: dict[tuple[Key, _Ids], deque[Entry]] = defaultdict(deque)
        self._used: dict[str, str] = {}
        """The program's ids, by those that were recorded."""
        self._recorded: dict[str, str] = {}
        self._promised: set[str] = set()
        """Those of both of which nothing was asked for yet."""

    def add(self, entry: Entry) -> None:
        """Take in a request, in the order in which they began."""
        self._entries[entry.key, entry.ids].append(entry)

    def learn(self, entry: Entry, ids: _Ids) -> None:
        """A request of the program with these ids was given this one."""
        for recorded, used in zip(entry.ids, ids, strict=False):
            self._used[recorded] = used
            self._recorded[used] = recorded
            self._promised.discard(recorded)

    def promise(self, ids: _Ids) -> None:
        """The program is about to place the very orders that have these ids."""
        for each in ids:
            self._used[each] = self._recorded[each] = each
            self._promised.add(each)

    def release(self, ids: Iterable[str]) -> bool:
        """It is not, as far as nothing was asked for by then; whether so of any."""
        promised = self._promised.intersection(ids)
        self._promised -= promised
        for each in promised:
            del self._used[each], self._recorded[each]
        return bool(promised)

    def is_used(self, recorded: str) -> bool:
        """Whether the program has placed the order that was recorded with this id."""
        return recorded in self._used

    def knows(self, ids: _Ids) -> bool:
        """Whether it is known of any of these orders which they are."""
        return any(each in self._recorded for each in ids)

    def same(self, key: Key, ids: _Ids) -> Iterator[Entry]:
        """What is left of these very orders, the first to begin first."""
        return self._left(key, tuple(self._recorded.get(x, x) for x in ids))

    def copies(self, entry: Entry) -> Iterator[Entry]:
        """What is left of the orders of a request, the first to begin first."""
        return self._left(entry.key, entry.ids)

    def _left(self, key: Key, recorded: _Ids) -> Iterator[Entry]:
        entries = self._entries.get((key, recorded))
        while entries and entries[0].is_played:
            entries.popleft()
        return (entry for entry in entries or () if not entry.is_played)

    def is_free(self, entry: Entry, ids: _Ids) -> bool:
        """Whether a request is of these orders, and these of it, as far as is known."""
        return all(
            self._used.get(recorded, used) == used
            and self._recorded.get(used, recorded) == recorded
            for recorded, used in zip(entry.ids, ids, strict=False)
        )
