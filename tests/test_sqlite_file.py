"""An SQLite file of ours: who has it, that it is still there, and what is in it."""

from __future__ import annotations

import os
import signal
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import ClassVar

import pytest

from tests.forking import forked, in_child
from tests.guards import ROOT
from tests.unmeasured import unmeasured
from unified_exchanges import sqlite_file
from unified_exchanges.errors import JournalError, UnifiedExchangesError
from unified_exchanges.sqlite_file import Form, Gone, SqliteFile, transact

FORM = Form(
    kind="a list", application=77, version=2, tables=("CREATE TABLE words (word)",)
)
FORKS = pytest.mark.skipif(not hasattr(os, "fork"), reason="forks")


class Words(SqliteFile):
    """A list of words that processes share."""

    patience: ClassVar[float] = 5.0
    is_exclusive = False

    def __init__(self, path: Path) -> None:
        super().__init__(path, f"the list {path}")

    def _claim(self, connection: sqlite3.Connection) -> None:
        connection.execute("PRAGMA journal_mode=WAL")
        transact(connection, make)

    def _failed(self, what: str, error: Exception) -> UnifiedExchangesError:
        why = f"{error.path} {error.how}" if isinstance(error, Gone) else str(error)
        return JournalError(f"{self._what} not {what}: {why}")

    def add(self, *words: str) -> None:
        def put(connection: sqlite3.Connection) -> None:
            for word in words:
                connection.execute("INSERT INTO words VALUES (?)", (word,))

        self._perform("written", lambda c: transact(c, put))

    def words(self) -> list[str]:
        found = "SELECT word FROM words ORDER BY rowid"
        return self._perform("read", lambda c: [x for (x,) in c.execute(found)])


class OwnWords(Words):
    """A list that one object has for itself."""

    patience: ClassVar[float] = 0.05
    is_exclusive = True


def make(connection: sqlite3.Connection) -> None:
    if FORM.is_to_be_made(connection):
        FORM.make(connection)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "words.db"


@contextmanager
def process(
    path: Path, kind: type[Words], *words: str
) -> Iterator[subprocess.Popen[str]]:
    """Another process that adds words, says so, and stays until it is told to go."""
    code = (
        "import pathlib, sys\n"
        f"from tests.test_sqlite_file import {kind.__name__}\n"
        f"file = {kind.__name__}(pathlib.Path(sys.argv[1]))\n"
        "file.add(*sys.argv[2:])\n"
        "print('added', flush=True)\n"
        "sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, path, *words],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=ROOT,
        env=unmeasured(),
        text=True,
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "added\n"
        yield other


# -- who has it -------------------------------------------------------------------------


def test_it_is_made_when_it_is_needed_for_its_owner_only(path: Path) -> None:
    with closing(Words(path)) as file:
        assert not path.exists()
        file.add("one")
        modes = {stat.S_IMODE(x.stat().st_mode) for x in path.parent.iterdir()}
    assert modes == {0o600}


def test_processes_and_objects_share_one(path: Path) -> None:
    with (
        closing(Words(path)) as mine,
        closing(Words(path)) as second,
        process(path, Words, "theirs"),
    ):
        mine.add("mine")
        second.add("second")
        assert mine.words() == ["theirs", "mine", "second"]


def test_one_that_is_exclusive_has_one_object_of_a_process(path: Path) -> None:
    with closing(OwnWords(path)) as second:
        with closing(OwnWords(path)) as first:
            first.add("first")
            with pytest.raises(JournalError, match="not read: database is locked"):
                second.words()
        assert second.words() == ["first"]


@pytest.mark.parametrize("ending", ["returns", "is killed"])
def test_a_process_has_it_until_it_ends_however_it_ends(
    path: Path, ending: str
) -> None:
    with closing(OwnWords(path)) as mine:
        with process(path, OwnWords, "one", "two") as other:
            with pytest.raises(JournalError, match="database is locked"):
                mine.words()
            if ending == "is killed":
                other.send_signal(signal.SIGKILL)
        assert mine.words() == ["one", "two"]


def test_what_is_closed_is_refused(path: Path) -> None:
    file = Words(path)
    file.close()
    file.close()
    with pytest.raises(JournalError, match=r"the list .*words\.db is closed"):
        file.add("one")


def test_threads_share_an_object(path: Path) -> None:
    with closing(OwnWords(path)) as file:
        threads = [
            threading.Thread(target=lambda: [file.add("x") for _ in range(10)])
            for _ in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert file.words() == ["x"] * 40


# -- forks ------------------------------------------------------------------------------


@FORKS
def test_a_child_opens_it_itself(path: Path) -> None:
    with closing(Words(path)) as file:
        file.add("before")
        in_child(lambda: file.add("child"))
        file.add("after")
        assert file.words() == ["before", "child", "after"]


@FORKS
def test_a_child_that_closes_it_takes_nothing_from_its_parent(path: Path) -> None:
    with closing(OwnWords(path)) as file, closing(OwnWords(path)) as other:
        file.add("before")
        in_child(file.close)
        file.add("after")
        with pytest.raises(JournalError, match="database is locked"):
            other.words()
        assert file.words() == ["before", "after"]


@FORKS
def test_a_connection_in_use_at_a_fork_is_left_to_the_parent(path: Path) -> None:
    with closing(OwnWords(path)) as file:
        file.add("one")
        connection = file._connection
        user = threading.Thread(target=file._lock.acquire)
        user.start()
        user.join()

        def act() -> tuple[bool, str]:
            is_aside = any(x is connection for x in sqlite_file._inherited)
            # Its lock is free here, and the file is its parent's.
            with pytest.raises(JournalError) as caught:
                file.words()
            return is_aside, str(caught.value)

        is_aside, said = in_child(act)
        file._lock.release()
        assert is_aside
        assert "database is locked" in said
        assert file._connection is connection
        file.add("two")
        assert file.words() == ["one", "two"]


@FORKS
def test_a_fork_waits_for_what_is_being_written(path: Path) -> None:
    with closing(Words(path)) as file:
        writing = threading.Thread(
            target=lambda: [file.add(str(n)) for n in range(100)]
        )
        writing.start()
        waits = [forked(lambda n=n: file.add(f"child-{n}")) for n in range(5)]
        for wait in waits:
            wait()
        writing.join()
        assert len(file.words()) == 105


# -- that it is still there -------------------------------------------------------------


@pytest.mark.skipif(sys.platform == "win32", reason="open files stay")
@pytest.mark.parametrize("kind", [Words, OwnWords])
@pytest.mark.parametrize("how", ["removed", "replaced by another"])
def test_one_that_was_taken_away_is_refused_until_it_is_back(
    path: Path, kind: type[Words], how: str
) -> None:
    with closing(kind(path)) as file:
        file.add("one")
        away = path.rename(path.with_name("away.db"))
        if how == "replaced by another":
            path.touch()
        for act in (file.words, lambda: file.add("two"), file.words):
            with pytest.raises(JournalError, match=rf"words\.db {how}"):
                act()
        assert path.exists() == (how == "replaced by another")
        away.replace(path)
        assert file.words() == ["one"]


@pytest.mark.skipif(sys.platform == "win32", reason="open files stay")
def test_one_that_is_taken_away_while_it_is_written_is_told(path: Path) -> None:
    with closing(OwnWords(path)) as file:
        file.words()

        def take(statement: str) -> None:
            if statement == "COMMIT":
                path.unlink()

        file._opened().set_trace_callback(take)
        with pytest.raises(JournalError, match=r"not written: .*words\.db removed"):
            file.add("one")


@pytest.mark.skipif(sys.platform == "win32", reason="open files stay")
def test_one_that_is_replaced_while_it_is_released_is_another(path: Path) -> None:
    with closing(Words(path)) as file:
        file.add("one")
        assert file.release_to_fork()
        path.rename(path.with_name("away.db"))
        with closing(Words(path)) as other:
            other.add("theirs")
        file.resume_from_fork()
        with pytest.raises(JournalError, match="replaced by another"):
            file.words()


def test_a_folder_that_is_not_there_is_told(path: Path) -> None:
    with pytest.raises(JournalError, match=r"not read: .*No such file"):
        Words(path / "words.db").words()


# -- what is in it ----------------------------------------------------------------------


def test_what_was_not_done_whole_was_not_done(path: Path) -> None:
    with closing(Words(path)) as file:
        file.add("one")
        with pytest.raises(JournalError, match="not supported"):
            file.add("two", object())  # type: ignore[arg-type]  # what SQLite refuses
        assert file.words() == ["one"]


@pytest.mark.parametrize(
    ("head", "said"),
    [
        ("CREATE TABLE theirs (x)", "of something else, and not a list"),
        ("PRAGMA user_version=2", "of something else, and not a list"),
        (
            "PRAGMA application_id=77; PRAGMA user_version=3",
            "by a later version of this library: it is of form 3, and this reads form 2",
        ),
        (
            "PRAGMA application_id=77; PRAGMA user_version=1",
            "by an earlier version of this library: it is of form 1",
        ),
    ],
)
def test_a_file_of_others_is_refused(path: Path, head: str, said: str) -> None:
    with closing(sqlite3.connect(path)) as other:
        other.executescript(head)
    with closing(Words(path)) as file, pytest.raises(JournalError, match=said):
        file.words()


def test_one_that_another_makes_between_two_looks_is_there(path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:

        def made_meanwhile(statement: str) -> None:
            if statement == "PRAGMA user_version":
                connection.set_trace_callback(None)
                with closing(sqlite3.connect(path, isolation_level=None)) as other:
                    transact(other, FORM.make)

        connection.set_trace_callback(made_meanwhile)
        assert not FORM.is_to_be_made(connection)
