"""The file of a journal: processes share it, and what is lost of it lets no order out."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import ClassVar, Final

from ..errors import JournalError
from ..sqlite_file import Form, Gone, SqliteFile, transact
from . import rows
from .parts import Parts, has_log

__all__ = ["JournalFile"]

_FORM: Final = Form(
    kind="a journal of this library",
    application=0x75784A31,
    version=1,
    tables=rows.SCHEMA,
)


class JournalFile(SqliteFile):
    """A file at a path, made for its owner only when it is needed; threads may share it."""

    patience: ClassVar[float] = 2.0
    """Of who writes: the own writes of another take milliseconds."""
    is_exclusive = False

    def __init__(self, path: str) -> None:
        # SQLite keeps the log beside the file that a link leads to, so that is looked at.
        where = _resolved(Path(path))
        super().__init__(where, f"the journal {where}")
        self._parts: Parts | None = None
        self._id: str | None = None
        """What is written in the file that was open: another knows no halt and no order."""

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

    def _check(self) -> None:
        if self._parts is not None:
            self._parts.check()
        else:
            super()._check()

    def _open(self) -> sqlite3.Connection:
        self._require_no_lone_log()
        return super()._open()

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

    def _claim(self, connection: sqlite3.Connection) -> None:
        if self._id is not None:
            self._require_own(connection)
        _prepare(connection)
        self._id = _id_of(connection)
        self._parts = Parts(self._name, lambda: _compactions_of(connection))

    def _require_own(self, connection: sqlite3.Connection) -> None:
        """Refuse another journal, or what is none any more, with the number of ours."""
        if not _FORM.is_in(connection):
            raise Gone(self._name, "emptied or replaced by another")
        if _id_of(connection) != self._id:
            raise Gone(self._name, "replaced by another")

    def _release(self) -> None:
        if self._parts is not None and self._parts.are_whole():
            # What has been lost is not there for a new connection either.
            self._parts = None
        super()._release()

    def _leave_to_parent(self) -> None:
        if self._connection is not None:
            self._parts = None
        super()._leave_to_parent()

    def _failed(self, what: str, error: Exception) -> JournalError:
        if isinstance(error, Gone):
            return self._lost(error)
        name = getattr(error, "sqlite_errorname", "")
        reason = f"{error} ({name})" if name else str(error)
        message = (
            f"{self._what} could not be {what}: {reason}. No order leaves "
            "without it: put that right, or make the exchange with another journal= "
            "once the orders in this one are known"
        )
        return JournalError(message)

    def _lost(self, gone: Gone) -> JournalError:
        file = self._what
        if gone.path != self._name:
            file = f"{gone.path} of {file}"
        message = (
            f"{file} was {gone.how} while it was in use, and with it halts "
            "and orders that may be at the venue. No order leaves of this object: move the "
            "same file back, or look at the venue and make the exchange anew"
        )
        return JournalError(message)


def _resolved(path: Path) -> Path:
    try:
        return path.resolve()
    except (OSError, RuntimeError, ValueError):
        # Whoever opens it is told what is wrong.
        return path.absolute()


def _prepare(connection: sqlite3.Connection) -> None:
    """Set the connection up; make the tables in a new file.  Another's is left as it is."""
    is_new = _FORM.is_to_be_made(connection)
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
    if _FORM.is_to_be_made(connection):
        _FORM.make(connection)


def _id_of(connection: sqlite3.Connection) -> str:
    (found,) = connection.execute(rows.ID).fetchone()
    return str(found)


def _compactions_of(connection: sqlite3.Connection) -> int | None:
    try:
        (found,) = connection.execute(rows.COMPACTIONS).fetchone()
    except sqlite3.Error:
        return None
    return int(found)
