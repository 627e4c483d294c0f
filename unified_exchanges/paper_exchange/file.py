"""The file in which an account on paper is kept: rows, changed all together or not at all.

SQLite with a write-ahead log.  One object at a time has the file, and the operating system
takes it from a process that ends, however it ends.  What was written is not lost with the
process.  It is not forced to the disk each time, as an event loop must not wait for that: a
loss of power may take the last of it, and leaves the file whole.

The form, number 2: a table ``kept`` with a row for everything that is told of the account.
``kind`` and ``name`` say what it is of, ``told`` is JSON in which money, prices and sizes are
texts: ``source`` 0, the venue and environment whose market it is in, ``account`` 0,
``market`` by market id, ``order`` by number, ``command`` (an order, change, cancel or expiry
that is yet to take effect) by turn, and ``news`` by number: fills and settlements, which cash
and contracts come to.
"""

from __future__ import annotations

import json
import os
import sqlite3
from contextlib import suppress
from pathlib import Path
from typing import ClassVar, Final

import attrs

from ..errors import BadRequest, JournalError, UnifiedExchangesError
from ..paper.kept import ACCOUNT, Key, Rows
from ..sqlite_file import Form, Gone, SqliteFile, transact

__all__ = ["Source", "StateFile"]

_TABLE: Final = (
    "CREATE TABLE kept (kind TEXT NOT NULL, name NOT NULL, told TEXT NOT NULL, "
    "PRIMARY KEY (kind, name)) WITHOUT ROWID"
)
_FORM: Final = Form(
    kind="an account on paper", application=0x75785031, version=2, tables=(_TABLE,)
)
_DAMAGED: Final = "SQLITE_CORRUPT"
_SOURCE: Final[Key] = ("source", 0)
_NEWEST: Final = "SELECT told FROM kept WHERE kind = 'account'"
_ROWS: Final = "SELECT kind, name, told FROM kept ORDER BY kind, name"
_PUT: Final = "REPLACE INTO kept VALUES (?, ?, ?)"
_REMOVE: Final = "DELETE FROM kept WHERE kind = ? AND name = ?"


@attrs.frozen
class Source:
    """Whose market an account is traded in: its prices mean nothing in another."""

    venue: str
    environment: str

    def __str__(self) -> str:
        return f"{self.venue} ({self.environment})"


class StateFile(SqliteFile):
    """The account of one exchange in a file, made when it is first read; for any thread."""

    patience: ClassVar[float] = 0.2
    is_exclusive = True

    def __init__(self, path: Path) -> None:
        # The program may go to another folder before it is opened, or while it is used.
        where = path.absolute()
        super().__init__(where, f"the account on paper in {where}")
        self._process = os.getpid()
        self._is_new = False
        self._source: Source | None = None
        self._newest: str | None = None
        """The account as it was written last: nobody else may have written since."""

    @property
    def is_of_parent(self) -> bool:
        """Whether it is that of a process from which this one was forked."""
        return self._process != os.getpid()

    @property
    def is_closed(self) -> bool:
        """Whether others may have it."""
        return self._is_closed

    def read(self, source: Source) -> Rows:
        """All that was kept, nothing of a new account; others are refused from now on.

        Raises `BadRequest` if another has it, if it is no account on paper, or if it is
        one in the market of another source.
        """
        self.require_of_this_process()
        return self._perform("read", lambda connection: self._read(connection, source))

    def keep(self, rows: Rows) -> None:
        """Write rows, and remove those that are None, before returning."""
        self.require_of_this_process()
        self._perform("written", lambda connection: self._write(connection, rows))

    def require_of_this_process(self) -> None:
        """Raise `BadRequest` in a forked child, whose copy of the account stands still."""
        if self.is_of_parent:
            message = (
                f"{self._what} belongs to the process that this one was forked from: make "
                "an exchange with another path= here"
            )
            raise BadRequest(message)

    # -- what is in it --------------------------------------------------------------

    def _claim(self, connection: sqlite3.Connection) -> None:
        self._is_new = _FORM.is_to_be_made(connection)
        if self._newest is None:
            return
        if self._is_new or connection.execute(_NEWEST).fetchone() != (self._newest,):
            raise OSError("another exchange has written to it meanwhile")

    def _read(self, connection: sqlite3.Connection, source: Source) -> Rows:
        found = () if self._is_new else connection.execute(_ROWS)
        rows = {(kind, name): told for kind, name, told in found}
        if not self._is_new:
            self._require_source(source, rows.pop(_SOURCE, None))
        self._source = source
        self._newest = rows.get(ACCOUNT)
        return rows

    def _require_source(self, source: Source, told: str | None) -> None:
        if told is None:
            raise ValueError("it does not say whose market it is in")
        try:
            found = Source(**json.loads(told))
        except TypeError as error:
            raise ValueError(f"it is in the market of {told}") from error
        if found != source:
            # Whoever is in that market may have it.
            self._release()
            message = (
                f"{self._what} is in the market of {found}, and this exchange is over "
                f"{source}: give another path=, or that source= and environment="
            )
            raise BadRequest(message)

    def _write(self, connection: sqlite3.Connection, rows: Rows) -> None:
        assert self._source is not None, "it was read first"
        told = dict(rows)
        if self._is_new:
            connection.execute("PRAGMA journal_mode=WAL")
            told[_SOURCE] = json.dumps(attrs.asdict(self._source))
        connection.execute("PRAGMA synchronous=NORMAL")
        transact(connection, lambda connection: self._put(connection, told))
        self._is_new = False
        self._newest = rows[ACCOUNT]

    def _put(self, connection: sqlite3.Connection, rows: Rows) -> None:
        if self._is_new:
            _FORM.make(connection)
        for key, told in rows.items():
            if told is None:
                connection.execute(_REMOVE, key)
            else:
                connection.execute(_PUT, (*key, told))

    def _release(self) -> None:
        if self._connection is not None and self._is_made and self._is_new:
            # Nothing was done.  Removed while it is ours: whoever waits makes a new one.
            with suppress(Gone, OSError):
                self._check()
                self.path.unlink()
                self._file, self._is_made = None, False
        super()._release()

    # -- what goes wrong ------------------------------------------------------------

    def refused(self, why: str) -> BadRequest:
        """The error for what was read; whoever sees to the file may have it."""
        with self._lock:
            self._newest = None
            self._release()
        return self._no_state(why)

    def _no_state(self, why: str) -> BadRequest:
        message = (
            f"{self.path} is no state of orders on paper: {why}. Give another path="
        )
        return BadRequest(message)

    def _failed(self, what: str, error: Exception) -> UnifiedExchangesError:
        if isinstance(error, Gone):
            return self._lost(what, f"it was {error.how} while it was in use")
        if isinstance(error, OSError):
            return self._lost(what, str(error))
        if not isinstance(error, sqlite3.Error):
            return self._no_state(str(error))
        name = getattr(error, "sqlite_errorname", "")
        if name.startswith("SQLITE_BUSY"):
            message = (
                f"{self._what} is in use by another exchange, of this process or of "
                "another: close that one first, or give another path="
            )
            return BadRequest(message)
        # What is cut off or damaged where it is opened cannot be gone on with at all.
        if name == "SQLITE_NOTADB" or (what == "read" and name.startswith(_DAMAGED)):
            return self._no_state(str(error))
        return self._lost(what, f"{error} ({name})")

    def _lost(self, what: str, why: str) -> JournalError:
        message = (
            f"{self._what} could not be {what}: {why}. What is not "
            "kept is not told: put that right, or make the exchange anew"
        )
        return JournalError(message)
