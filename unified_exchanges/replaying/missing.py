"""What is said of a request that is not in a recording, and of what is nearest to it there."""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from difflib import get_close_matches
from functools import partial
from heapq import nlargest
from itertools import islice

from ..errors import NotRecorded
from ..flow import Request
from .matching import Key, differences

__all__ = ["Missing"]

_LONGEST = 400
_LOOKED_THROUGH = 1_000
"""Requests, and addresses, among which the nearest to one that is not there is looked for:
however long a recording is, to say that something is not in it takes no longer."""
_READ = 20
"""Those of them that are compared letter by letter."""


class Missing:
    """Knows what a recording was asked for; ``name`` is that of the recording."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._times: Counter[Key] = Counter()
        self._places: dict[tuple[str, str], deque[Key]] = defaultdict(_last)
        """The last to be asked for at each address, by method and address."""
        self._withheld: set[str] = set()

    def add(self, key: Key) -> None:
        """This was asked for."""
        if key not in self._times:
            self._places[key[:2]].append(key)
        self._times[key] += 1

    def withhold(self, about: str) -> None:
        """So was this, method and path, and was not written down."""
        self._withheld.add(about)

    def has(self, key: Key) -> bool:
        """Whether just this was asked for."""
        return key in self._times

    def at_all(self, key: Key, request: Request) -> NotRecorded:
        """The error of what is not there, or not once more."""
        if times := self._times[key]:
            count = "once" if times == 1 else f"{times} times"
            why = f"was recorded {count}, and is asked for once more"
        else:
            why = f"is not in it{self.nearest(key)}"
        return NotRecorded(
            f"the replay of {self._name} was asked for {_short(str(key))}, which {why}. "
            "Nothing was sent: ask for what was recorded, or record again",
            request=f"{request.method} {request.url}",
        )

    def now(self, key: Key, request: Request) -> NotRecorded:
        """The error of what is not there at this moment."""
        # What is nearest is of no interest to anybody, and takes long to find.
        return NotRecorded(
            f"{_short(str(key))} was not asked for at this moment when {self._name} was "
            "recorded",
            request=f"{request.method} {request.url}",
        )

    def nearest(self, key: Key) -> str:
        """What is nearest to a request that is not there, in words that end a sentence."""
        path = "/" + key.address.partition("://")[2].partition("/")[2]
        if f"{key.method} {path}" in self._withheld:
            return (
                ": it was withheld when it was recorded, for it may have held a secret"
            )
        there = self._places.get(key[:2], ())
        same = {str(x): x for x in nlargest(_READ, there, key=partial(_likeness, key))}
        if near := get_close_matches(str(key), same, n=1, cutoff=0.0):
            # Of a long one that is cut, only this tells it from what was asked.
            apart = "; ".join(differences(key, same[near[0]]))
            return f"; the nearest that is there is {_short(near[0])}, where {_short(apart)}"
        asked = f"{key.method} {key.address}"
        places = {" ".join(x) for x in islice(reversed(self._places), _LOOKED_THROUGH)}
        alike = [x for x in places if x.startswith(f"{key.method} ")] or places
        words = {*asked.split("/")}
        some = nlargest(_READ, sorted(alike), lambda x: len(words & {*x.split("/")}))
        if near := get_close_matches(asked, some, n=1, cutoff=0.0):
            return f"; the nearest that is there is {_short(near[0])}"
        return ": that is a recording which holds no request at all"


def _last() -> deque[Key]:
    return deque(maxlen=_LOOKED_THROUGH)


def _likeness(key: Key, other: Key) -> tuple[int, int]:
    """How much two requests to an address have in common, at a glance."""
    return len({*key.query} & {*other.query}), -abs(len(key.body) - len(other.body))


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
