"""Intents in a file: they outlive the process, and several processes share them.

SQLite with a write-ahead log.  What says that an order is about to leave is on the disk
(``synchronous=FULL``) before the call returns.  How it ended is committed but not forced
to the disk: if the power fails, it is found out again.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Final

from ..models import Account, Halt, Intent, IntentState
from ..money import text
from ..sqlite_file import transact
from . import rows
from .file import JournalFile
from .memory import AGAIN

__all__ = ["SqliteJournal"]


class SqliteJournal(JournalFile):
    """A journal at a path; the file is made, for its owner only, when it is needed.

    >>> import tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> journal = SqliteJournal(f"{folder.name}/orders.db")
    >>> journal.recall(Account("kalshi", "demo", "5f1c"))
    ()
    >>> journal.close()
    >>> folder.cleanup()
    """

    is_blocking = True

    def note(self, entries: Sequence[Intent]) -> tuple[Intent, ...]:
        """Keep these, all or none; pending ones are on the disk when this returns.

        What was known of those before, if it may be an order.
        """
        is_durable = any(x.state is IntentState.PENDING for x in entries)
        return self._perform(
            "written", lambda c: _write(c, entries, is_durable=is_durable)
        )

    def recall(self, account: Account) -> tuple[Intent, ...]:
        """The unresolved intents of an account, oldest first."""
        if self._is_empty:
            return ()
        scope = rows.scope(account)
        return self._perform(
            "read",
            lambda c: tuple(
                rows.intent(row) for row in c.execute(rows.UNRESOLVED, scope)
            ),
        )

    def find(self, account: Account, client_order_id: str) -> Intent | None:
        """What was written of an id last."""
        if self._is_empty:
            return None
        return self._perform("read", lambda c: _find(c, account, client_order_id))

    def keep_halt(self, account: Account, halt: Halt | None) -> None:
        """Keep on the disk that an account is halted, or that it is not any more."""
        scope = rows.scope(account)

        def keep(connection: sqlite3.Connection) -> None:
            if halt is None:
                connection.execute(rows.LIFT, scope)
            else:
                told = (*scope, halt.reason, rows.moment(halt.at))
                connection.execute(rows.HALT, told)

        def write(connection: sqlite3.Connection) -> None:
            connection.execute("PRAGMA synchronous=FULL")
            transact(connection, keep)

        self._perform("written", write)

    def halt_of(self, account: Account) -> Halt | None:
        """Why an account is halted, None if it is not."""
        if self._is_empty:
            return None
        return self._perform("read", lambda c: _halt_of(c, account))

    def save(
        self, account: Account, name: str, text: str, before: str | None
    ) -> str | None:
        """Keep a text, if ``before`` stands; it is on the disk when this returns."""
        key = (*rows.scope(account), name)
        stands = before

        def swap(connection: sqlite3.Connection) -> None:
            nonlocal stands
            stands = _text(connection, key)
            if stands == before:
                connection.execute(rows.SAVE, (*key, text))
                stands = text

        def save(connection: sqlite3.Connection) -> str | None:
            connection.execute("PRAGMA synchronous=FULL")
            transact(connection, swap)
            return stands

        return self._perform("written", save)

    def load(self, account: Account, name: str) -> str | None:
        """The text that was saved last under a name."""
        if self._is_empty:
            return None
        key = (*rows.scope(account), name)
        return self._perform("read", lambda c: _text(c, key))

    def day_start(self, account: Account, day: date, equity: Decimal) -> Decimal:
        """The first equity of an account's day: this one, unless there is one already."""
        key = (*rows.scope(account), day.isoformat())

        def begin(connection: sqlite3.Connection) -> Decimal:
            connection.execute(rows.BEGIN_DAY, (*key, text(equity)))
            (first,) = connection.execute(rows.FIRST_EQUITY, key).fetchone()
            return Decimal(first)

        return self._perform("written", begin)

    def compact(self, before: datetime) -> int:
        """Forget the resolved ones that were written before then, and free their space."""

        def forget(connection: sqlite3.Connection) -> int:
            count = connection.execute(rows.FORGET, (rows.moment(before),)).rowcount
            # As a script: `execute` would free one page.
            connection.executescript(rows.SHRINK)
            # The log keeps its size until it is closed: no log that is in use shrinks.
            connection.execute("PRAGMA wal_checkpoint(RESTART)").fetchall()
            return count

        return self._perform("compacted", forget)


def _write(
    connection: sqlite3.Connection, entries: Sequence[Intent], *, is_durable: bool
) -> tuple[Intent, ...]:
    connection.execute(f"PRAGMA synchronous={'FULL' if is_durable else 'NORMAL'}")
    before: list[Intent] = []

    def write(connection: sqlite3.Connection) -> None:
        if is_durable:
            # In the same transaction: what begins had begun before the halt, or does not.
            for account in {x.account for x in entries}:
                if halt := _halt_of(connection, account):
                    raise halt.refusal(f"{len(entries)} order(s)", account.venue)
        for entry in entries:
            told = entry
            if entry.state is IntentState.PENDING:
                known = _find(connection, entry.account, entry.client_order_id)
                if known is not None and known.may_be_an_order:
                    before.append(known)
                    if known.unlike(entry):
                        continue
                    told = entry.after(known, AGAIN)
            statement = _STATEMENTS.get(entry.state, rows.SETTLE)
            connection.execute(statement, rows.row(told))

    transact(connection, write)
    return tuple(before)


def _find(
    connection: sqlite3.Connection, account: Account, client_order_id: str
) -> Intent | None:
    key = (*rows.scope(account), client_order_id)
    found = connection.execute(rows.FIND, key).fetchone()
    return None if found is None else rows.intent(found)


def _text(connection: sqlite3.Connection, key: tuple[str, ...]) -> str | None:
    found = connection.execute(rows.LOAD, key).fetchone()
    return None if found is None else str(found[0])


def _halt_of(connection: sqlite3.Connection, account: Account) -> Halt | None:
    return rows.halt(connection.execute(rows.HALTED, rows.scope(account)).fetchone())


_STATEMENTS: Final = {
    IntentState.PENDING: rows.BEGIN,
    IntentState.PLACED: rows.PLACE,
}
