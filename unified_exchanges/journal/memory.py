"""Intents in memory: for the life of one object, at next to no cost."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Final

from .. import fork
from ..models import Account, Halt, Intent, IntentState

__all__ = ["MemoryJournal"]

_MOST: Final = 10_000
"""How many resolved intents are kept; the unresolved ones all are."""

AGAIN: Final = "an earlier sending of it is unresolved too"
"""What is said of a pending intent that took the place of one whose end is not known."""

_Key = tuple[Account, str]


class MemoryJournal:
    """Keeps what is unresolved, and the last of what is resolved."""

    is_blocking = False

    def __init__(self) -> None:
        self._open: dict[_Key, Intent] = {}
        self._ended: OrderedDict[_Key, Intent] = OrderedDict()
        self._texts: dict[_Key, str] = {}
        self._days: dict[Account, tuple[date, Decimal]] = {}
        self._lock = fork.lock()

    def note(self, entries: Sequence[Intent]) -> tuple[Intent, ...]:
        """Keep these; what was known of those that begin, if it may be an order."""
        before: list[Intent] = []
        with self._lock:
            for entry in entries:
                key = (entry.account, entry.client_order_id)
                if entry.state is IntentState.PENDING:
                    known = self._open.get(key) or self._ended.get(key)
                    if known is not None and known.may_be_an_order:
                        before.append(known)
                        if known.unlike(entry):
                            continue
                    self._begin(key, entry)
                elif entry.state is IntentState.PLACED:
                    self._open.pop(key, None)
                    self._end(key, entry)
                else:
                    self._settle(key, entry)
        return tuple(before)

    def recall(self, account: Account) -> tuple[Intent, ...]:
        """The unresolved intents of an account, oldest first."""
        if not self._open:
            return ()
        with self._lock:
            found = [entry for (of, _), entry in self._open.items() if of == account]
        return tuple(sorted(found, key=lambda x: (x.written_at, x.client_order_id)))

    def find(self, account: Account, client_order_id: str) -> Intent | None:
        """What was written of an id last."""
        key = account, client_order_id
        return self._open.get(key) or self._ended.get(key)

    def keep_halt(self, account: Account, halt: Halt | None) -> None:
        """Nothing to keep: the object that is halted knows, and nobody else is here."""

    def halt_of(self, account: Account) -> Halt | None:
        """None, as of whoever is not told by a file."""
        del account
        return None

    def save(
        self, account: Account, name: str, text: str, before: str | None
    ) -> str | None:
        """Keep a text, if ``before`` stands; what stands then."""
        with self._lock:
            if self._texts.get((account, name)) == before:
                self._texts[account, name] = text
            return self._texts.get((account, name))

    def load(self, account: Account, name: str) -> str | None:
        """The text that was saved last under a name."""
        return self._texts.get((account, name))

    def day_start(self, account: Account, day: date, equity: Decimal) -> Decimal:
        """The first equity of an account's day: this one, unless there is one already."""
        with self._lock:
            kept, first = self._days.get(account, (None, equity))
            if kept != day:
                self._days[account] = day, equity
                return equity
            return first

    def compact(self, before: datetime) -> int:
        """Forget the resolved ones that were written before then."""
        with self._lock:
            old = [key for key, x in self._ended.items() if x.written_at < before]
            for key in old:
                del self._ended[key]
        return len(old)

    def close(self) -> None:
        """Nothing to release."""

    def _begin(self, key: _Key, entry: Intent) -> None:
        ended = self._ended.get(key)
        if ended is None or ended.state is not IntentState.PLACED:
            self._ended.pop(key, None)
            before = self._open.get(key)
            if before is not None:
                entry = entry.after(before, AGAIN)
            self._open[key] = entry

    def _settle(self, key: _Key, entry: Intent) -> None:
        known = self._open.get(key)
        if known is None or known.written_at != entry.written_at:
            return
        state, detail = entry.state, entry.detail
        if state is IntentState.REFUSED and known.detail == AGAIN:
            # That tells nothing of the earlier sending.
            state, detail = IntentState.UNKNOWN, AGAIN
        entry = known.ended(state, order_id=entry.order_id, detail=detail)
        if entry.state.is_resolved:
            del self._open[key]
            self._end(key, entry)
        else:
            self._open[key] = entry

    def _end(self, key: _Key, entry: Intent) -> None:
        self._ended[key] = entry
        if len(self._ended) > _MOST:
            self._ended.popitem(last=False)
