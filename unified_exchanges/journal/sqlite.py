"""Intents in a file: they outlive the process, and several processes share them.

SQLite with a write-ahead log.  What says that an order is about to leave is on the disk
(``synchronous=FULL``) before the call returns.  How it ended is committed but not forced
to the disk: if the power fails, it is found out again.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Sequence
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from threading import Lock
from typing import Final, TypeVar

from ..errors import JournalError
from ..models import Account, Halt, Intent, IntentState
from ..money import text
from . import rows

__all__ = ["SqliteJournal"]

T = TypeVar("T")

_VERSION: Final = 1
_PATIENCE: Final = 2.0
"""Seconds to wait for another process that is writing: its own writes take milliseconds."""

_inherited: list[sqlite3.Connection] = []
"""Connections of a parent process: using or closing one would break its locks."""


class SqliteJournal:
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

    def __init__(self, path: str) -> None:
        self.path = Path(path).absolute()
        self._connection: sqlite3.Connection | None = None
        self._file: tuple[int, int] | None = None
        """The file that was open: another in its place knows no halt and no order."""
        self._process = os.getpid()
        self._lock = Lock()
        self._is_closed = False

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
            _transact(connection, keep)

        self._perform("written", write)

    def halt_of(self, account: Account) -> Halt | None:
        """Why an account is halted, None if it is not."""
        if self._is_empty:
            return None
        return self._perform("read", lambda c: _halt_of(c, account))

    def save(self, account: Account, name: str, text: str) -> None:
        """Keep a text; it is on the disk when this returns."""
        values = (*rows.scope(account), name, text)

        def save(connection: sqlite3.Connection) -> None:
            connection.execute("PRAGMA synchronous=FULL")
            _transact(connection, lambda c: c.execute(rows.SAVE, values))

        self._perform("written", save)

    def load(self, account: Account, name: str) -> str | None:
        """The text that was saved last under a name."""
        if self._is_empty:
            return None
        values = (*rows.scope(account), name)
        found = self._perform("read", lambda c: c.execute(rows.LOAD, values).fetchone())
        return None if found is None else str(found[0])

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
            connection.executescript("PRAGMA incremental_vacuum")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            return count

        return self._perform("compacted", forget)

    def close(self) -> None:
        """Release the file; what is asked afterwards is refused."""
        self._leave_to_parent()
        with self._lock:
            self._is_closed = True
            self._release()

    # -- the connection -------------------------------------------------------------

    def _perform(self, what: str, act: Callable[[sqlite3.Connection], T]) -> T:
        self._leave_to_parent()
        with self._lock:
            if self._is_closed:
                raise JournalError(f"the journal {self.path} is closed")
            try:
                return act(self._opened())
            except _Gone as error:
                # The connection stays: as long as it is open no other file looks the same.
                raise self._lost(str(error)) from error
            except sqlite3.Error as error:
                self._release()
                raise self._failed(what, _reason(error)) from error
            except (OSError, ValueError, InvalidOperation) as error:
                self._release()
                raise self._failed(what, str(error)) from error

    @property
    def _is_empty(self) -> bool:
        """Whether there is no file yet: one is made for what is written, not to read."""
        return self._file is None and not self.path.exists()

    def _opened(self) -> sqlite3.Connection:
        if self._file is not None:
            self._require_same()
        connection = self._connection
        if connection is None:
            connection = self._connection = self._open()
        return connection

    def _require_same(self) -> None:
        try:
            found = self._identity()
        except FileNotFoundError:
            raise _Gone("removed") from None
        if found != self._file:
            raise _Gone("replaced by another")

    def _open(self) -> sqlite3.Connection:
        # Made here, since SQLite would make it readable for everybody; and made once.
        may_make = os.O_CREAT if self._file is None else 0
        os.close(os.open(self.path, os.O_RDWR | may_make | _CLOEXEC, 0o600))
        connection = sqlite3.connect(
            self.path, timeout=_PATIENCE, isolation_level=None, check_same_thread=False
        )
        try:
            if self._file is not None:
                self._require_same()
                _require_made(connection)
            _prepare(connection)
        except BaseException:
            connection.close()
            raise
        self._file = self._identity()
        return connection

    def _identity(self) -> tuple[int, int]:
        found = os.stat(self.path)  # noqa: PTH116 - before every order: half the time
        return found.st_dev, found.st_ino

    def _release(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _leave_to_parent(self) -> None:
        """Start anew in a process that was forked off."""
        if self._process == os.getpid():
            return
        self._process = os.getpid()
        # Whoever held it in the parent does not exist here.
        self._lock = Lock()
        if self._connection is not None:
            _inherited.append(self._connection)
            self._connection = None

    def _lost(self, how: str) -> JournalError:
        message = (
            f"the journal {self.path} was {how} while it was in use, and with it halts "
            "and orders that may be at the venue. No order leaves of this object: move the "
            "same file back, or look at the venue and make the exchange anew"
        )
        return JournalError(message)

    def _failed(self, what: str, reason: str) -> JournalError:
        message = (
            f"the journal {self.path} could not be {what}: {reason}. No order leaves "
            "without it: put that right, or make the exchange with another journal= "
            "once the orders in this one are known"
        )
        return JournalError(message)


class _Gone(Exception):
    """The file that was open is not at its path any more."""


_CLOEXEC: Final = getattr(os, "O_CLOEXEC", 0)


def _prepare(connection: sqlite3.Connection) -> None:
    """Set the connection up; make the tables in a new file."""
    connection.execute("PRAGMA auto_vacuum=INCREMENTAL")
    (mode,) = connection.execute("PRAGMA journal_mode=WAL").fetchone()
    if mode != "wal":
        message = f"SQLite keeps no write-ahead log there (journal_mode {mode})"
        raise OSError(message)
    connection.execute("PRAGMA synchronous=FULL")
    if _version(connection) != _VERSION:
        _transact(connection, _make)


def _require_made(connection: sqlite3.Connection) -> None:
    """Refuse to make a journal of what was one."""
    if _version(connection) != _VERSION:
        raise _Gone("emptied or replaced by another")


def _make(connection: sqlite3.Connection) -> None:
    # Asked again: another process may have made them meanwhile.
    version = _version(connection)
    if version == _VERSION:
        return
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    if version > _VERSION:
        message = f"it was written by a later version of this library (form {version})"
        raise ValueError(message)
    if version or tables:
        raise ValueError("it is an SQLite file, but not a journal of this library")
    for statement in rows.SCHEMA:
        connection.execute(statement)
    connection.execute(f"PRAGMA user_version={_VERSION}")


def _version(connection: sqlite3.Connection) -> int:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    return int(version)


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
            if entry.state is IntentState.PENDING:
                known = _find(connection, entry.account, entry.client_order_id)
                if known is not None and known.may_be_an_order:
                    before.append(known)
            statement = _STATEMENTS.get(entry.state, rows.SETTLE)
            connection.execute(statement, rows.row(entry))

    _transact(connection, write)
    return tuple(before)


def _find(
    connection: sqlite3.Connection, account: Account, client_order_id: str
) -> Intent | None:
    key = (*rows.scope(account), client_order_id)
    found = connection.execute(rows.FIND, key).fetchone()
    return None if found is None else rows.intent(found)


def _halt_of(connection: sqlite3.Connection, account: Account) -> Halt | None:
    return rows.halt(connection.execute(rows.HALTED, rows.scope(account)).fetchone())


_STATEMENTS: Final = {
    IntentState.PENDING: rows.BEGIN,
    IntentState.PLACED: rows.PLACE,
}


def _transact(
    connection: sqlite3.Connection, act: Callable[[sqlite3.Connection], object]
) -> None:
    # Immediate: a lock that is asked for later would not wait for others.
    connection.execute("BEGIN IMMEDIATE")
    try:
        act(connection)
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _reason(error: sqlite3.Error) -> str:
    name = getattr(error, "sqlite_errorname", "")
    return f"{error} ({name})" if name else str(error)
