"""An SQLite file that this process opened itself, and knows again.

SQLite's locks on a file are those of the whole process, and POSIX drops them all when any
descriptor of it is closed.  So nothing here opens one besides SQLite.  A child that inherits
a connection takes the locks of its parent for its own: so a file is released before a fork,
and what could not be is left to the parent.
"""

from __future__ import annotations

import os
import sqlite3
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import suppress
from decimal import InvalidOperation
from errno import EACCES
from pathlib import Path
from typing import ClassVar, Final, TypeAlias, TypeVar
from weakref import WeakSet

import attrs

from . import fork
from .errors import JournalError, UnifiedExchangesError

__all__ = ["Form", "Gone", "Number", "SqliteFile", "transact"]

T = TypeVar("T")

Number: TypeAlias = tuple[int, int]
"""What the system tells a file from others by: its device, and its number there."""

_CLOEXEC: Final = getattr(os, "O_CLOEXEC", 0)

_inherited: list[sqlite3.Connection] = []
"""Connections of a parent process: using or closing one would break its locks."""
_all: WeakSet[SqliteFile] = WeakSet()
_held: list[SqliteFile] = []
"""Those that nobody uses while this process is forked."""


class Gone(Exception):
    """A file that was open is not at its path any more: which one, and how that was seen."""

    def __init__(self, path: str, how: str) -> None:
        super().__init__(path, how)
        self.path = path
        self.how = how


@attrs.frozen
class Form:
    """What is in a file of ours: two numbers in its head say so, and there are its tables."""

    kind: str
    application: int
    version: int
    tables: tuple[str, ...]

    def is_in(self, connection: sqlite3.Connection) -> bool:
        """Whether this is such a file; ValueError for one of another version."""
        if _number(connection, "application_id") != self.application:
            return False
        version = _number(connection, "user_version")
        if version != self.version:
            whose = "a later" if version > self.version else "an earlier"
            message = (
                f"it was written by {whose} version of this library: it is of form "
                f"{version}, and this reads form {self.version}"
            )
            raise ValueError(message)
        return True

    def is_to_be_made(self, connection: sqlite3.Connection) -> bool:
        """Whether nobody has written here yet; ValueError for what is of others.

        Whoever was killed may have begun.
        """
        (tables,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        if not tables and not _number(connection, "user_version"):
            return True
        # Looked at last: another process may make it between these looks.
        if not self.is_in(connection):
            message = f"it is an SQLite file of something else, and not {self.kind}"
            raise ValueError(message)
        return False

    def make(self, connection: sqlite3.Connection) -> None:
        """Write it into a new file, in the transaction that is open."""
        for statement in self.tables:
            connection.execute(statement)
        connection.execute(f"PRAGMA application_id={self.application}")
        connection.execute(f"PRAGMA user_version={self.version}")


class SqliteFile(ABC):
    """A file at an absolute path, opened when it is first needed; threads may share it."""

    patience: ClassVar[float]
    """Seconds to wait for another that is writing, has just ended, or forks."""
    is_exclusive: ClassVar[bool]
    """Whether one object at a time has it, of all processes; others are refused."""

    _making: ClassVar = fork.lock()

    def __init__(self, path: Path, what: str) -> None:
        self.path = path
        self._what = what
        self._name = str(path)
        self._lock = fork.lock()
        self._connection: sqlite3.Connection | None = None
        self._is_made = self._is_closed = False
        self._file: Number | None = None
        """The file that was open: another in its place is not what it was."""
        _all.add(self)
        fork.in_child(self, SqliteFile._leave_to_parent)

    def close(self) -> None:
        """Release the file; what is asked afterwards is refused."""
        fork.notice()
        with self._lock:
            self._is_closed = True
            self._release()

    def release_to_fork(self) -> bool:
        """Release the file, and let nobody open it until the process is forked.

        False for one that is in use by whoever forks.
        """
        if not self._lock.acquire(timeout=self.patience):
            return False
        self._release()
        return True

    def resume_from_fork(self) -> None:
        """Let it be opened again; in the child it is free by itself."""
        self._lock.release()

    # -- what each file does by itself ----------------------------------------------

    @abstractmethod
    def _claim(self, connection: sqlite3.Connection) -> None:
        """Take what was opened for ours, and make what is new; or raise."""

    @abstractmethod
    def _failed(self, what: str, error: Exception) -> UnifiedExchangesError:
        """The error for something that could not be done with it: read or written."""

    # -- the connection -------------------------------------------------------------

    def _perform(self, what: str, act: Callable[[sqlite3.Connection], T]) -> T:
        fork.notice()
        with self._lock:
            if self._is_closed:
                raise JournalError(f"{self._what} is closed")
            try:
                done = act(self._opened())
                if what == "written":
                    # Where it was written may have been taken away meanwhile.
                    self._check()
            except Gone as error:
                # The connection stays: as long as it is open no other file looks the same.
                raise self._failed(what, error) from error
            except (sqlite3.Error, OSError, ValueError, InvalidOperation) as error:
                self._release()
                raise self._failed(what, error) from error
            return done

    def _opened(self) -> sqlite3.Connection:
        self._check()
        if self._connection is None:
            self._connection = self._open()
        return self._connection

    def _check(self) -> None:
        """Raise `Gone` if what was open is not there any more, or another is."""
        if self._file is not None:
            self._require_same(self._file)

    def _require_same(self, file: Number) -> None:
        try:
            found = self._identity()
        except FileNotFoundError:
            raise Gone(self._name, "removed") from None
        if found != file:
            raise Gone(self._name, "replaced by another")

    def _open(self) -> sqlite3.Connection:
        if self._file is None:
            self._make_file()
        file = self._identity()
        if not os.access(self.path, os.R_OK | os.W_OK):
            raise PermissionError(EACCES, os.strerror(EACCES), self._name)
        connection = sqlite3.connect(
            f"{self.path.as_uri()}?mode=rw",
            uri=True,
            timeout=self.patience,
            isolation_level=None,
            check_same_thread=False,
        )
        try:
            if self.is_exclusive:
                connection.execute("PRAGMA locking_mode=EXCLUSIVE")
                connection.execute("BEGIN EXCLUSIVE")
                connection.execute("COMMIT")
            self._require_same(file)
            self._claim(connection)
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
            self._is_made = True

    def _identity(self) -> Number:
        found = os.stat(self._name)  # noqa: PTH116 - before every order: half the time
        return found.st_dev, found.st_ino

    def _release(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _leave_to_parent(self) -> None:
        """Start anew in a process that was forked off while this was in use."""
        if self._connection is not None:
            _inherited.append(self._connection)
            self._connection = None


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


def _number(connection: sqlite3.Connection, name: str) -> int:
    """A number of the file's head."""
    (found,) = connection.execute(f"PRAGMA {name}").fetchone()
    return int(found)


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
