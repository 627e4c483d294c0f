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
from weakref import WeakSet

from ..errors import JournalError
from . import rows
from .parts import Gone, Parts, has_log

__all__ = ["JournalFile", "transact"]

T = TypeVar("T")

_VERSION: Final = 1
_APPLICATION: Final = 0x75784A31
"""What says that an SQLite file is a journal."""
_PATIENCE: Final = 2.0
"""Seconds to wait for another process that is writing: its own writes take milliseconds."""

_inherited: list[sqlite3.Connection] = []
"""Connections of a parent process: using or closing one would break its locks."""
_all: WeakSet[JournalFile] = WeakSet()
_held: list[JournalFile] = []
"""Those that nobody uses while this process is forked."""


class JournalFile:
    """A file at a path, made for its owner only when it is needed; threads may share it."""

    _making = Lock()

    def __init__(self, path: str) -> None:
        # SQLite keeps the log beside the file that a link leads to, so that is looked at.
        self.path = _resolved(Path(path))
        self._name = str(self.path)
        self._connection: sqlite3.Connection | None = None
        self._parts: Parts | None = None
        self._file: tuple[int, int] | None = None
        self._id: str | None = None
        """The file that was open, by its number and by what is written in it.

        Another in its place knows no halt and no order.
        """
        self._process = os.getpid()
        self._lock = Lock()
        self._is_closed = False
        _all.add(self)

    def close(self) -> None:
        """Release the file; what is asked afterwards is refused."""
        self._leave_to_parent()
        with self._lock:
            self._is_closed = True
            self._release()

    def release_to_fork(self) -> bool:
        """Release the file, and let nobody open it until the process is forked.

        A child that inherits a connection takes the locks of its parent for its own: it
        would hold none, and its log be thrown away under it.  False for one that is in
        use by whoever forks.
        """
        if not self._lock.acquire(timeout=_PATIENCE):
            return False
        self._release()
        return True

    def resume_from_fork(self) -> None:
        """Let it be opened again, here and there."""
        self._lock.release()

    # -- the connection -------------------------------------------------------------

    def _perform(self, what: str, act: Callable[[sqlite3.Connection], T]) -> T:
        self._leave_to_parent()
        with self._lock:
            if self._is_closed:
                raise JournalError(f"the journal {self.path} is closed")
            try:
                return self._done(what, act)
            except Gone as error:
                # The connection stays: as long as it is open no other file looks the same.
                raise self._lost(error) from error
            except sqlite3.Error as error:
                self._release()
                raise self._failed(what, _reason(error)) from error
            except (OSError, ValueError, InvalidOperation) as error:
                self._release()
                raise self._failed(what, str(error)) from error

    def _done(self, what: str, act: Callable[[sqlite3.Connection], T]) -> T:
        done = act(self._opened())
        if what == "written" and self._parts is not None:
            # Where it was written may have been taken away meanwhile.
            self._parts.check()
        return done

    @property
    def _is_empty(self) -> bool:
        """Whether there is no file yet: one is made for what is written, not to read."""
        if self._file is not None:
            return False
        try:
            return not (self.path.exists() or has_log(self._name))
        except OSError:
            # Whoever opens it is told what is wrong.
            return False

    def _opened(self) -> sqlite3.Connection:
        if self._parts is not None:
            self._parts.check()
        if self._connection is not None:
            return self._connection
        if self._file is not None:
            self._require_same(self._file)
        self._connection, self._parts = self._open()
        return self._connection

    def _require_same(self, file: tuple[int, int]) -> None:
        try:
            found = self._identity()
        except FileNotFoundError:
            raise Gone(self._name, "removed") from None
        if found != file:
            raise Gone(self._name, "replaced by another")

    def _open(self) -> tuple[sqlite3.Connection, Parts]:
        self._require_no_lone_log()
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
            parts = Parts(self._name, lambda: _compactions_of(connection))
        except BaseException:
            connection.close()
            raise
        self._file = file
        return connection, parts

    def _require_no_lone_log(self) -> None:
        """Refuse a log whose file is gone or was emptied: SQLite would throw it away."""
        is_there = self.path.exists() and self.path.stat().st_size
        if is_there or not has_log(self._name):
            return
        message = (
            f"it is empty or gone, but its log {self._name}-wal is not: it was removed or "
            "emptied while it was in use, and orders may be at the venue. Put it back, or "
            "look at the venue and remove the log"
        )
        raise OSError(message)

    def _make_file(self) -> None:
        """Make a file that is not there: SQLite would make it readable for everybody."""
        # One at a time: who finds it made opens it, and must not lose its locks again.
        with self._making, suppress(FileExistsError):
            flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | _CLOEXEC
            os.close(os.open(self.path, flags, 0o600))

    def _require_own(self, connection: sqlite3.Connection) -> None:
        """Refuse another journal, or what is none any more, with the number of ours."""
        if not _is_journal(connection):
            raise Gone(self._name, "emptied or replaced by another")
        if _id_of(connection) != self._id:
            raise Gone(self._name, "replaced by another")

    def _identity(self) -> tuple[int, int]:
        found = os.stat(self._name)  # noqa: PTH116 - before every order: half the time
        return found.st_dev, found.st_ino

    def _release(self) -> None:
        if self._parts is not None and self._parts.are_whole():
            # What has been lost is not there for a new connection either.
            self._parts = None
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _leave_to_parent(self) -> None:
        """Start anew in a process that was forked off while this was in use."""
        if self._process == os.getpid():
            return
        self._process = os.getpid()
        # Whoever held them in the parent does not exist here.
        self._lock, JournalFile._making = Lock(), Lock()
        if self._connection is not None:
            _inherited.append(self._connection)
            self._connection = self._parts = None

    def _lost(self, gone: Gone) -> JournalError:
        file = f"the journal {self.path}"
        if gone.path != self._name:
            file = f"{gone.path} of {file}"
        message = (
            f"{file} was {gone.how} while it was in use, and with it halts "
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


def _resolved(path: Path) -> Path:
    try:
        return path.resolve()
    except (OSError, RuntimeError, ValueError):
        # Whoever opens it is told what is wrong.
        return path.absolute()


def _before_fork() -> None:
    _held.extend(x for x in list(_all) if x.release_to_fork())


def _after_fork() -> None:
    for x in _held:
        x.resume_from_fork()
    _held.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_before_fork, after_in_parent=_after_fork, after_in_child=_after_fork
    )

_CLOEXEC: Final = getattr(os, "O_CLOEXEC", 0)


def _prepare(connection: sqlite3.Connection) -> None:
    """Set the connection up; make the tables in a new file.  Another's is left as it is."""
    is_new = _is_new(connection)
    if is_new:
        # It takes the lock of who writes, even if it is set.
        connection.execute("PRAGMA auto_vacuum=INCREMENTAL")
    (mode,) = connection.execute("PRAGMA journal_mode=WAL").fetchone()
    if mode != "wal":
        message = f"SQLite keeps no write-ahead log there (journal_mode {mode})"
        raise OSError(message)
    # Some builds shorten the log: here one that was cut short has lost something.
    connection.execute("PRAGMA journal_size_limit=-1").fetchall()
    connection.execute("PRAGMA synchronous=FULL")
    if is_new:
        transact(connection, _make)


def _make(connection: sqlite3.Connection) -> None:
    # Asked again: another process may have made them meanwhile.
    if not _is_new(connection):
        return
    for statement in rows.SCHEMA:
        connection.execute(statement)
    connection.execute(f"PRAGMA application_id={_APPLICATION}")
    connection.execute(f"PRAGMA user_version={_VERSION}")


def _is_journal(connection: sqlite3.Connection) -> bool:
    """Whether this is a journal; raises ValueError for one of a later version."""
    version = _number(connection, "user_version")
    if _number(connection, "application_id") != _APPLICATION:
        return False
    if version > _VERSION:
        message = f"it was written by a later version of this library (form {version})"
        raise ValueError(message)
    return version == _VERSION


def _is_new(connection: sqlite3.Connection) -> bool:
    """Whether nobody has written here; raises ValueError for what is not a journal."""
    if _is_journal(connection):
        return False
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    if not tables and not _number(connection, "user_version"):
        return True
    if _is_journal(connection):
        # Another process has made it between these looks.
        return False
    raise ValueError("it is an SQLite file, but not a journal of this library")


def _id_of(connection: sqlite3.Connection) -> str:
    (found,) = connection.execute(rows.ID).fetchone()
    return str(found)


def _compactions_of(connection: sqlite3.Connection) -> int | None:
    try:
        (found,) = connection.execute(rows.COMPACTIONS).fetchone()
    except sqlite3.Error:
        return None
    return int(found)


def _number(connection: sqlite3.Connection, name: str) -> int:
    """A number of the file's head."""
    (found,) = connection.execute(f"PRAGMA {name}").fetchone()
    return int(found)


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
