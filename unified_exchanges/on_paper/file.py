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
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final, TypeVar
from weakref import WeakSet

import attrs

from .. import fork
from ..errors import BadRequest, JournalError, UnifiedExchangesError
from ..paper.kept import ACCOUNT, Key, Rows

__all__ = ["Source", "StateFile"]

T = TypeVar("T")

_VERSION: Final = 2
_APPLICATION: Final = 0x75785031
"""What says that an SQLite file is an account on paper."""
_DAMAGED: Final = "SQLITE_CORRUPT"
_SOURCE: Final[Key] = ("source", 0)
_PATIENCE: Final = 0.2
"""Seconds to wait for another that has just ended, or forks."""
_TABLE: Final = (
    "CREATE TABLE kept (kind TEXT NOT NULL, name NOT NULL, told TEXT NOT NULL, "
    "PRIMARY KEY (kind, name)) WITHOUT ROWID"
)
_NEWEST: Final = "SELECT told FROM kept WHERE kind = 'account'"
_ROWS: Final = "SELECT kind, name, told FROM kept ORDER BY kind, name"
_PUT: Final = "REPLACE INTO kept VALUES (?, ?, ?)"
_REMOVE: Final = "DELETE FROM kept WHERE kind = ? AND name = ?"

_inherited: list[sqlite3.Connection] = []
"""Connections of a parent process: closing one would break its locks."""
_all: WeakSet[StateFile] = WeakSet()
_held: list[StateFile] = []
"""Those that nobody uses while this process is forked."""


@attrs.frozen
class Source:
    """Whose market an account is traded in: its prices mean nothing in another."""

    venue: str
    environment: str

    def __str__(self) -> str:
        return f"{self.venue} ({self.environment})"


class StateFile:
    """The account of one exchange in a file, made when it is first read; for any thread."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = fork.lock()
        self._process = os.getpid()
        self._connection: sqlite3.Connection | None = None
        self._is_made = self._is_new = self._is_closed = False
        self._file: tuple[int, int] | None = None
        self._source: Source | None = None
        self._newest: str | None = None
        """The account as it was written last: nobody else may have written since."""
        _all.add(self)

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
        return self._perform("read", lambda connection: self._read(connection, source))

    def keep(self, rows: Rows) -> None:
        """Write rows, and remove those that are None, before returning."""
        self._perform("written", lambda connection: self._write(connection, rows))

    def close(self) -> None:
        """Let others have it."""
        with self._lock:
            self._is_closed = True
            self._release()

    def release_to_fork(self) -> bool:
        """Let nobody use it until the process is forked: a child would inherit its locks.

        False for one that is in use by whoever forks.
        """
        if not self._lock.acquire(timeout=_PATIENCE):
            return False
        self._release()
        return True

    def resume_from_fork(self) -> None:
        """Let the parent use it again; in the child it is free, and refused."""
        self._lock.release()

    # -- the connection -------------------------------------------------------------

    def _perform(self, what: str, act: Callable[[sqlite3.Connection], T]) -> T:
        if self.is_of_parent:
            self._leave_to_parent()
        with self._lock:
            if self._is_closed:
                raise JournalError(f"the account on paper in {self.path} is closed")
            try:
                connection = self._opened()
                done = act(connection)
                # Where it was written may have been taken away meanwhile.
                self._require_same(self._file)
            except sqlite3.Error as error:
                self._release()
                raise self._failed(what, error) from error
            except OSError as error:
                self._release()
                raise self._lost(what, str(error)) from error
            except BadRequest:
                self._release()
                raise
            except ValueError as error:
                self._release()
                raise self.no_state(str(error)) from error
            return done

    def _opened(self) -> sqlite3.Connection:
        if self._connection is None:
            self._connection = self._open()
        # What is written to one that was taken away would be there when it comes back.
        self._require_same(self._file)
        return self._connection

    def _open(self) -> sqlite3.Connection:
        if self._file is None:
            self._make()
        file = _identity(self.path)
        self._require_same(self._file or file)
        connection = sqlite3.connect(
            f"{self.path.absolute().as_uri()}?mode=rw",
            uri=True,
            timeout=_PATIENCE,
            isolation_level=None,
            check_same_thread=False,
        )
        try:
            connection.execute("PRAGMA locking_mode=EXCLUSIVE")
            connection.execute("BEGIN EXCLUSIVE")
            connection.execute("COMMIT")
            self._require_same(file)
            self._require_own(connection)
        except BaseException:
            connection.close()
            raise
        self._file = file
        return connection

    def _make(self) -> None:
        """Make a file that is not there: what does not exist cannot be locked."""
        with suppress(FileExistsError):
            self.path.touch(exist_ok=False)
            self._is_made = True

    def _require_same(self, file: tuple[int, int] | None) -> None:
        if _identity(self.path) != file:
            raise OSError("it was replaced by another while it was in use")

    def _require_own(self, connection: sqlite3.Connection) -> None:
        self._is_new = _is_new(connection)
        if not self._is_new:
            _check_form(connection)
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
            message = (
                f"the account on paper in {self.path} is in the market of {found}, and this "
                f"exchange is over {source}: give another path=, or that source= and "
                "environment="
            )
            raise BadRequest(message)

    def _write(self, connection: sqlite3.Connection, rows: Rows) -> None:
        assert self._source is not None, "it was read first"
        if self._is_new:
            connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")
        connection.execute("BEGIN IMMEDIATE")
        try:
            if self._is_new:
                _make_form(connection)
                whose = json.dumps(attrs.asdict(self._source))
                connection.execute(_PUT, (*_SOURCE, whose))
            for key, told in rows.items():
                if told is None:
                    connection.execute(_REMOVE, key)
                else:
                    connection.execute(_PUT, (*key, told))
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        self._is_new = False
        self._newest = rows[ACCOUNT]

    def _release(self) -> None:
        connection, self._connection = self._connection, None
        if connection is None:
            return
        if self._is_made and self._newest is None:
            # Nothing was done.  Removed while it is ours: whoever waits makes a new one.
            with suppress(OSError):
                self.path.unlink()
                self._file, self._is_made = None, False
        connection.close()

    def _leave_to_parent(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            _inherited.append(connection)
        message = (
            f"the account on paper in {self.path} belongs to the process that this one was "
            "forked from: make an exchange with another path= here"
        )
        raise BadRequest(message)

    # -- what goes wrong ------------------------------------------------------------

    def no_state(self, why: str) -> BadRequest:
        """The error for what is in the file."""
        message = (
            f"{self.path} is no state of orders on paper: {why}. Give another path="
        )
        return BadRequest(message)

    def _failed(self, what: str, error: sqlite3.Error) -> UnifiedExchangesError:
        name = getattr(error, "sqlite_errorname", "")
        if name.startswith("SQLITE_BUSY"):
            message = (
                f"the account on paper in {self.path} is in use by another exchange, of this "
                "process or of another: close that one first, or give another path="
            )
            return BadRequest(message)
        # What is cut off or damaged where it is opened cannot be gone on with at all.
        if name == "SQLITE_NOTADB" or (what == "read" and name.startswith(_DAMAGED)):
            return self.no_state(str(error))
        return self._lost(what, f"{error} ({name})")

    def _lost(self, what: str, why: str) -> JournalError:
        message = (
            f"the account on paper in {self.path} could not be {what}: {why}. What is not "
            "kept is not told: put that right, or make the exchange anew"
        )
        return JournalError(message)


def _identity(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_dev, found.st_ino


def _number(connection: sqlite3.Connection, name: str) -> int:
    (found,) = connection.execute(f"PRAGMA {name}").fetchone()
    return int(found)


def _is_new(connection: sqlite3.Connection) -> bool:
    """Whether nothing was written yet; whoever was killed may have begun."""
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    return not tables and not _number(connection, "user_version")


def _check_form(connection: sqlite3.Connection) -> None:
    if _number(connection, "application_id") != _APPLICATION:
        raise ValueError("it is an SQLite file of something else")
    version = _number(connection, "user_version")
    if version != _VERSION:
        raise ValueError(f"it is of form {version}, and this reads form {_VERSION}")


def _make_form(connection: sqlite3.Connection) -> None:
    connection.execute(_TABLE)
    connection.execute(f"PRAGMA application_id={_APPLICATION}")
    connection.execute(f"PRAGMA user_version={_VERSION}")


def _before_fork() -> None:
    _held.extend(x for x in list(_all) if x.release_to_fork())


def _after_fork() -> None:
    for x in _held:
        x.resume_from_fork()
    _held.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_before_fork,
        after_in_parent=_after_fork,
        after_in_child=_held.clear,
    )
