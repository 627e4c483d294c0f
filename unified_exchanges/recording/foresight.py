"""What the account of a recording took, told before the books and trades that show it.

A venue tells an account what it took, everybody of the trade, and of the book what is left:
over up to three ways, in any order.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, TypeAlias

import attrs

from ..models import Trade
from ..money import total
from ..paper import OwnTake, nanoseconds
from .decoder import RecordingDecoder, decode
from .format import DamagedRecording, Torn
from .line_clock import LineClock
from .reading import texts_of

__all__ = ["Foresight", "foreseen"]

_AHEAD: Final = 5_000_000_000
"""Nanoseconds by which an account is told later than everybody at most."""
_PATIENCE: Final = _AHEAD // 2
"""How much later than an account everybody is told, and it of its transaction, at most."""
_FORGOTTEN: Final = 3_600_000_000_000
"""Nanoseconds after which no step of a settlement is told any more."""
_NEVER: Final = 1 << 63
_MILLISECOND: Final = 1_000_000

_Parts: TypeAlias = list[tuple[int, Trade]]
"""Public trades and when they were told."""


def foreseen(events: Iterable[tuple[int, Any]]) -> Iterator[tuple[int, Any]]:
    """The same events; before those of up to five seconds stands what was taken at their end.

    Where the venue tells only roughly when that was, its public trade tells it.  Events of so
    long are in memory.

    >>> from unified_exchanges import BUY
    >>> what = {"take_id": "1", "market_id": "M", "outcome": "yes", "side": BUY}
    >>> own = OwnTake(**what, price=1, size=1, earliest=0, latest=0)
    >>> [moment for moment, _ in foreseen([(1, "trade"), (2, own), (3, "book")])]
    [1, 1, 3]
    """
    waiting: deque[tuple[int, Any]] = deque()
    dating, moment = _Dating(), 0
    for told in events:
        moment, event = told
        first = waiting[0][0] if waiting else moment
        for own in dating.passed(moment):
            yield first, own
        while waiting and waiting[0][0] < moment - _AHEAD:
            yield waiting.popleft()
        if type(event) is OwnTake:
            dated = dating.take(moment, event)
            if dated is not None:
                yield (waiting[0][0] if waiting else moment), dated
            continue
        if type(event) is Trade:
            dating.trade(moment, event)
        waiting.append(told)
    for own in dating.passed(_NEVER):
        yield (waiting[0][0] if waiting else moment), own
    yield from waiting


class _Dating:
    """Finds out when something was taken, by the public trade that it was."""

    def __init__(self) -> None:
        self._trades: deque[tuple[int, Trade]] = deque()
        self._open: dict[str, tuple[int, OwnTake]] = {}
        """When each was heard of first, and as it was told last, by its id."""
        self._known: dict[str, int] = {}
        """When those were heard of which it is known, by their ids."""

    def take(self, moment: int, own: OwnTake) -> OwnTake | None:
        """Take one; gives it if it is known when it was."""
        if own.latest - own.earliest < _MILLISECOND:
            return own
        if own.take_id in self._known:
            return None  # the venue tells each step of its settlement
        while self._trades and self._trades[0][0] < moment - _AHEAD:
            self._trades.popleft()
        # An earlier step may not have told its transaction.
        heard, _ = self._open.get(own.take_id, (moment, own))
        alike = self._alike(own)
        if alike and alike[-1][-1][0] < heard - (_AHEAD - _PATIENCE):
            # Of one that comes so late its own trade is told, and more may not wait for it.
            self._open.pop(own.take_id, None)
            return self._dated(moment, own, alike[-1])
        self._open[own.take_id] = heard, own
        return None

    def trade(self, moment: int, trade: Trade) -> None:
        """Take a public trade."""
        self._trades.append((moment, trade))
        while self._trades[0][0] < moment - _AHEAD:
            self._trades.popleft()

    def passed(self, moment: int) -> Iterator[OwnTake]:
        """Those of which nothing more is told by then that says which trade each was."""
        while self._open:
            heard, own = next(iter(self._open.values()))
            if heard >= moment - _PATIENCE:
                return
            del self._open[own.take_id]
            alike = self._alike(own)
            if alike:
                # Of several the nearest: an account is told at once.  Of as near the last,
                # for others are who came before.
                nearest = min(reversed(alike), key=lambda x: abs(x[-1][0] - heard))
                yield self._dated(heard, own, nearest)
                continue
            self._know(own, heard)
            yield own

    def _alike(self, own: OwnTake) -> list[_Parts]:
        """What may be it, by when that was told; there may be a trade with each maker.

        In a transaction one order takes: at a price, all trades of it are of one take.
        """
        found: dict[str | int, _Parts] = {}
        for number, told in enumerate(self._trades):
            if _may_be_of(own, told[1]):
                found.setdefault(told[1].transaction or number, []).append(told)
        fitting = (x for x in found.values() if _fits(own, x))
        return sorted(fitting, key=lambda x: x[-1][0])

    def _dated(self, moment: int, own: OwnTake, parts: _Parts) -> OwnTake:
        for part in parts:
            self._trades.remove(part)
        self._know(own, moment)
        [_, first], *_ = parts
        then = nanoseconds(first.created_at)
        transaction = own.transaction or first.transaction
        return attrs.evolve(own, earliest=then, latest=then, transaction=transaction)

    def _know(self, own: OwnTake, moment: int) -> None:
        if self._known and next(iter(self._known.values())) < moment - _FORGOTTEN:
            since = moment - _FORGOTTEN
            self._known = {k: x for k, x in self._known.items() if x >= since}
        self._known[own.take_id] = moment


def _may_be_of(own: OwnTake, trade: Trade) -> bool:
    if trade.market_id != own.market_id or trade.taker_side is None or trade.is_block:
        return False
    if own.transaction and trade.transaction and own.transaction != trade.transaction:
        return False
    told = trade.in_terms_of(own.outcome)
    is_then = own.earliest <= nanoseconds(told.created_at) <= own.latest
    return is_then and (told.price, told.taker_side) == (own.price, own.side)


def _fits(own: OwnTake, parts: _Parts) -> bool:
    """Whether it is what was taken; of its own transaction some may not have been told."""
    size = total(trade.size for _, trade in parts)
    is_sure = own.transaction is not None and own.transaction == parts[0][1].transaction
    return size == own.size or (is_sure and size < own.size)


class Foresight:
    """The same for who plays a recording by another's clock: the file is read once more.

    ``decoder`` makes what reads it, as far as is asked for.  It is open until all is read,
    or it is closed.
    """

    def __init__(
        self, path: Path, decoder: Callable[[LineClock], RecordingDecoder]
    ) -> None:
        self._lines = _takes_of(path, decoder)
        self._events = foreseen(self._lines)
        self._moment = 0
        self._known: list[tuple[int, OwnTake]] = []

    def take(self, moment: int, is_wanted: Callable[[str], bool]) -> Iterator[OwnTake]:
        """What is told of by a moment or soon, of markets that are wanted by now."""
        while self._moment <= moment:
            told = next(self._events, None)
            if told is None:
                self._moment = _NEVER
            elif type(told[1]) is OwnTake:
                # Others may stand right behind it: only all else says how far it is.
                self._known.append(told)
            else:
                self._moment = told[0]
        known, self._known = self._known, []
        for each in known:
            if each[0] > moment + _AHEAD:
                # After a quiet spell: by then it would have been forgotten.
                self._known.append(each)
            elif is_wanted(each[1].market_id):
                yield each[1]
            elif each[0] > moment - 2 * _AHEAD:
                # It may be wanted by the next order.
                self._known.append(each)

    def close(self) -> None:
        """Read no more."""
        self._lines.close()
        self._moment = _NEVER


def _takes_of(
    path: Path, made: Callable[[LineClock], RecordingDecoder]
) -> Generator[tuple[int, OwnTake | Trade | None], None, None]:
    """What the account took, all trades, and how far it is; books are passed over."""
    # Where it is damaged or torn, the replay itself tells of it.
    with suppress(DamagedRecording), texts_of(path) as texts:
        clock = LineClock(texts.header.at, texts.header.mono)
        decoder = made(clock)
        for number, text in texts:
            if decoder.is_change(text):
                continue
            line = texts.line(number, text)
            if isinstance(line, Torn):
                return
            moment = clock.read(line.at, line.mono)
            yield moment, None
            for event in decode(decoder, line):
                if isinstance(event, OwnTake | Trade):
                    yield moment, event
