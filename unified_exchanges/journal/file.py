"""The file of a journal, opened by SQLite and by nothing else, and known again.

SQLite's locks on a file are those of the whole process, and POSIX drops them all when any
descriptor of it is closed.  So nothing here opens one besides SQLite: a second object on
a file would take the locks of the first, and another process then clear its log away.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from decimal import InvalidOperation
from errno import EACCES
from pathlib import Path
from threading import Lock
from typing import Final, TypeVar

from ..errors import JournalError
from . import rows

__all__ = ["JournalFile", "transact"]

T = TypeVar("T")

_VERSION: Final = 1
_PATIENCE: Final = 2.0
"""Seconds to wait for another process that is writing: its own writes take milliseconds."""

_inherited: list[sqlite3.Connection] = []
"""Connections of a parent process: using or closing one would break its locks."""


class JournalFile:
    """A file at a path, made for its owner only when it is needed; threads may share it."""

    _making = Lock()

    def __init__(self, path: str) -> None:
        self.path = Path(path).absolute()
        self._connection: sqlite3.Connection | None = None
        self._file: tuple[int, int] | None = None
        self._id: str | None = None
        """The file that was open, by its number and by what is written in it.

        Another in its place knows no halt and no order.
        """
        self._process = os.getpid()
        self._lock = Lock()
        self._is_closed = False

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
            self._require_same(self._file)
        connection = self._connection
        if connection is None:
            connection = self._connection = self._open()
        return connection

    def _require_same(self, file: tuple[int, int]) -> None:
        try:
            found = self._identity()
        except FileNotFoundError:
            raise _Gone("removed") from None
        if found != file:
            raise _Gone("replaced by another")

    def _open(self) -> sqlite3.Connection:
        if self._file is None:
            self._make_file()
        file = self._identity()
        if not os.access(self.path, os.R_OK | os.W_OK):
            raise PermissionError(EACCES, os.strerror(EACCES), str(self.path))
        connection = sqlite3.connect(
            f"{self.path.as_uri()}?mode=rw",
            uri=True,
            timeout=_PATIENCE,
            isolation_level=None,
            check_same_thread=False,
        )
        try:
            self._require_same(file)
            if self._id is not None:
                self._require_own(connection)
            _prepare(connection)
            self._id = _id_of(connection)
        except BaseException:
            connection.close()
            raise
        self._file = file
        return connection

    def _make_file(self) -> None:
        """Make a file that is not there: SQLite would make it readable for everybody."""
        # One at a time: who finds it made opens it, and must not lose its locks again.
        with self._making, suppress(FileExistsError):
            flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | _CLOEXEC
            os.close(os.open(self.path, flags, 0o600))

    def _require_own(self, connection: sqlite3.Connection) -> None:
        """Refuse another journal, or what is none any more, with the number of ours."""
        if _version(connection) != _VERSION:
            raise _Gone("emptied or replaced by another")
        if _id_of(connection) != self._id:
            raise _Gone("replaced by another")

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
        # Whoever held them in the parent does not exist here.
        self._lock, JournalFile._making = Lock(), Lock()
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
    if _version(connection) != _VERSION:
        # It takes the lock of who writes, even if it is set.
        connection.execute("PRAGMA auto_vacuum=INCREMENTAL")
    (mode,) = connection.execute("PRAGMA journal_mode=WAL").fetchone()
    if mode != "wal":
        message = f"SQLite keeps no write-ahead log there (journal_mode {mode})"
        raise OSError(message)
    connection.execute("PRAGMA synchronous=FULL")
    if _version(connection) != _VERSION:
        transact(connection, _make)


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


def _id_of(connection: sqlite3.Connection) -> str:
    (found,) = connection.execute(rows.ID).fetchone()
    return str(found)


def _version(connection: sqlite3.Connection) -> int:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    return int(version)


def transact(
    connection: sqlite3.Connection, act: Callable[[sqlite3.Connection], object]
) -> None:
    """Do all of it, and let everybody see it, or nothing."""
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
