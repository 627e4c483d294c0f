"""A journal in a file: for its owner, for several processes, and its ways to fail."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.guards import ROOT
from unified_exchanges.errors import JournalError
from unified_exchanges.journal import file as module
from unified_exchanges.journal.sqlite import SqliteJournal

from .samples import ACCOUNT, START, ended, intent


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "orders.db"


@pytest.fixture
def journal(path: Path) -> Iterator[SqliteJournal]:
    made = SqliteJournal(str(path))
    yield made
    made.close()


def refused(journal: SqliteJournal) -> str:
    with pytest.raises(JournalError) as caught:
        journal.note([intent()])
    return str(caught.value)


def test_a_file_is_made_when_it_is_needed_for_its_owner_only(
    path: Path, journal: SqliteJournal
) -> None:
    assert not path.exists()
    journal.note([intent()])
    modes = {p.name: stat.S_IMODE(p.stat().st_mode) for p in path.parent.iterdir()}
    assert modes == dict.fromkeys(
        ("orders.db", "orders.db-shm", "orders.db-wal"), 0o600
    )


def test_what_is_pending_is_forced_to_the_disk_and_what_ended_is_not(
    journal: SqliteJournal,
) -> None:
    said: list[str] = []
    journal.recall(ACCOUNT)
    journal._opened().set_trace_callback(said.append)
    journal.note([intent()])
    journal.note([ended(intent(), "placed")])
    assert [x for x in said if "synchronous" in x] == [
        "PRAGMA synchronous=FULL",
        "PRAGMA synchronous=NORMAL",
    ]
    assert said.count("COMMIT") == 2


def test_several_intents_are_one_transaction(journal: SqliteJournal) -> None:
    said: list[str] = []
    journal.recall(ACCOUNT)
    journal._opened().set_trace_callback(said.append)
    journal.note([intent("a"), intent("b"), intent("c")])
    assert said.count("COMMIT") == 1


def test_all_are_kept_or_none(path: Path, journal: SqliteJournal) -> None:
    journal.note([])
    limited = "SELECT raise(ABORT, 'no') WHERE NEW.client_order_id = 'b'"
    with sqlite3.connect(path) as other:
        other.execute(
            f"CREATE TRIGGER no BEFORE INSERT ON intents BEGIN {limited}; END"
        )
    other.close()
    with pytest.raises(JournalError):
        journal.note([intent("a"), intent("b")])
    assert journal.recall(ACCOUNT) == ()


def test_what_was_written_is_there_for_the_next_process(
    path: Path, journal: SqliteJournal
) -> None:
    code = (
        "import os, sys\n"
        "from tests.journal.samples import intent\n"
        "from unified_exchanges.journal.sqlite import SqliteJournal\n"
        "SqliteJournal(sys.argv[1]).note([intent()])\n"
        "os._exit(9)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, path], cwd=ROOT, check=False)
    assert done.returncode == 9
    assert journal.recall(ACCOUNT) == (intent(),)


def test_several_processes_share_a_file(path: Path, journal: SqliteJournal) -> None:
    code = (
        "import sys\n"
        "from tests.journal.samples import ended, intent\n"
        "from unified_exchanges.journal.sqlite import SqliteJournal\n"
        "journal = SqliteJournal(sys.argv[1])\n"
        "for n in range(40):\n"
        "    one = intent(f'{sys.argv[2]}-{n}', n)\n"
        "    journal.note([one])\n"
        "    if n % 2: journal.note([ended(one, 'placed')])\n"
        "journal.close()\n"
    )
    running = [
        subprocess.Popen([sys.executable, "-c", code, path, str(n)], cwd=ROOT)
        for n in range(4)
    ]
    assert [x.wait() for x in running] == [0] * 4
    assert len(journal.recall(ACCOUNT)) == 80


def test_threads_share_a_journal(journal: SqliteJournal) -> None:
    def work(number: int) -> None:
        for n in range(20):
            journal.note([intent(f"{number}-{n}", n)])

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(journal.recall(ACCOUNT)) == 80


def test_a_compacted_file_shrinks(path: Path, journal: SqliteJournal) -> None:
    many = [intent(str(n), detail="x" * 400) for n in range(500)]
    journal.note(many)
    journal.note([ended(x, "refused", detail="x" * 400) for x in many])
    journal.close()
    before = path.stat().st_size
    again = SqliteJournal(str(path))
    assert again.compact(START + timedelta(days=1)) == 500
    again.close()
    assert path.stat().st_size < before / 4


# -- forks -----------------------------------------------------------------------------


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks")
def test_a_forked_process_opens_the_file_itself(path: Path) -> None:
    code = (
        "import os, sys\n"
        "from tests.journal.samples import ACCOUNT, intent\n"
        "from unified_exchanges.journal.sqlite import SqliteJournal\n"
        "journal = SqliteJournal(sys.argv[1])\n"
        "journal.note([intent('parent')])\n"
        "mine = journal._connection\n"
        "if not os.fork():\n"
        "    journal.note([intent('child')])\n"
        "    assert journal._connection is not mine\n"
        "    os._exit(0)\n"
        "assert os.wait()[1] == 0\n"
        "assert len(journal.recall(ACCOUNT)) == 2\n"
        "assert journal._connection is mine\n"
        "if not os.fork():\n"
        "    journal.close()\n"
        "    os._exit(0)\n"
        "assert os.wait()[1] == 0\n"
        "journal.note([intent('again')])\n"
        "journal.close()\n"
    )
    done = subprocess.run([sys.executable, "-c", code, path], cwd=ROOT, check=False)
    assert done.returncode == 0


# -- what goes wrong -------------------------------------------------------------------


def test_a_closed_journal_keeps_nothing(journal: SqliteJournal) -> None:
    journal.close()
    assert "is closed" in refused(journal)


def test_a_file_that_another_process_has_locked_is_a_typed_error(
    path: Path, journal: SqliteJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_PATIENCE", 0.05)
    SqliteJournal(str(path)).compact(START)
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    told = refused(journal)
    assert "database is locked" in told
    assert "No order leaves without it" in told
    holder.execute("ROLLBACK")
    holder.close()
    journal.note([intent()])
    assert journal.recall(ACCOUNT) == (intent(),)


def test_a_damaged_file_is_a_typed_error(path: Path, journal: SqliteJournal) -> None:
    path.write_bytes(b"not a database" * 500)
    assert "file is not a database" in refused(journal)


def test_pages_that_are_overwritten_are_a_typed_error(
    path: Path, journal: SqliteJournal
) -> None:
    journal.note([intent(str(n)) for n in range(200)])
    journal.close()
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * (size - 4096))
    again = SqliteJournal(str(path))
    assert "malformed" in refused(again)
    again.close()


def test_a_row_that_makes_no_sense_is_a_typed_error(
    path: Path, journal: SqliteJournal
) -> None:
    journal.note([intent()])
    with sqlite3.connect(path) as other:
        other.execute("UPDATE intents SET price = 'cheap'")
    other.close()
    with pytest.raises(JournalError, match="row 'one' cannot be read"):
        journal.recall(ACCOUNT)


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="rights of files")
def test_a_file_that_may_not_be_written_is_a_typed_error(path: Path) -> None:
    code = (
        "import os, sys\n"
        "from tests.journal.samples import intent\n"
        "from unified_exchanges.errors import JournalError\n"
        "from unified_exchanges.journal.sqlite import SqliteJournal\n"
        "SqliteJournal(sys.argv[1]).note([intent()])\n"
        "os.chmod(sys.argv[1], 0o400)\n"
        "if not os.geteuid(): os.chmod(os.path.dirname(sys.argv[1]), 0o755)\n"
        "if not os.geteuid(): os.setuid(65534)\n"
        "try: SqliteJournal(sys.argv[1]).note([intent()])\n"
        "except JournalError as error: print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, path],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    assert "Permission denied" in done.stdout


def test_a_file_that_turns_read_only_is_a_typed_error(
    journal: SqliteJournal,
) -> None:
    journal.note([intent("a")])
    journal._opened().execute("PRAGMA query_only=ON")
    assert "readonly database" in refused(journal)


def test_a_folder_that_is_not_there_is_a_typed_error(tmp_path: Path) -> None:
    assert "No such file" in refused(SqliteJournal(str(tmp_path / "no" / "orders.db")))


def test_a_disk_that_is_full_is_a_typed_error_and_keeps_what_is_there(
    journal: SqliteJournal,
) -> None:
    journal.note([intent("kept")])
    connection = journal._opened()
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    connection.execute(f"PRAGMA max_page_count={pages}")
    with pytest.raises(JournalError, match="database or disk is full"):
        journal.note([intent(str(n)) for n in range(500)])
    assert journal.recall(ACCOUNT) == (intent("kept"),)


def test_a_file_of_a_later_version_is_a_typed_error(
    path: Path, journal: SqliteJournal
) -> None:
    with sqlite3.connect(path) as other:
        other.execute("PRAGMA user_version=2")
    other.close()
    assert "later version" in refused(journal)


def test_a_database_of_others_is_left_alone(path: Path, journal: SqliteJournal) -> None:
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE theirs (x)")
    other.close()
    assert "not a journal" in refused(journal)


def test_a_place_without_a_log_is_a_typed_error(
    path: Path, journal: SqliteJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect = sqlite3.connect

    def in_memory(_: object, **how: object) -> sqlite3.Connection:
        return connect(":memory:", **how)  # type: ignore[call-overload, no-any-return]

    monkeypatch.setattr(module.sqlite3, "connect", in_memory)
    assert "no write-ahead log" in refused(journal)


def everything(journal: SqliteJournal) -> list[Callable[[], object]]:
    return [
        lambda: journal.note([intent("later")]),
        lambda: journal.recall(ACCOUNT),
        lambda: journal.halt_of(ACCOUNT),
        lambda: journal.keep_halt(ACCOUNT, None),
        lambda: journal.load(ACCOUNT, "exit"),
        lambda: journal.save(ACCOUNT, "exit", "{}", None),
        lambda: journal.compact(START),
    ]


@pytest.mark.skipif(sys.platform == "win32", reason="open files stay")
@pytest.mark.parametrize("how", ["removed", "replaced"])
def test_fault_12_24_a_file_that_is_gone_is_refused_until_it_is_back(
    path: Path, journal: SqliteJournal, how: str
) -> None:
    journal.note([intent()])
    path.rename(path.with_suffix(".old"))
    if how == "replaced":
        path.touch()
    for act in [*everything(journal), *everything(journal)]:
        with pytest.raises(JournalError, match=f"{how}.*move the same file back"):
            act()
    assert path.exists() == (how == "replaced")
    path.with_suffix(".old").replace(path)
    assert journal.recall(ACCOUNT) == (intent(),)


@pytest.mark.skipif(sys.platform == "win32", reason="open files stay")
@pytest.mark.parametrize("how", ["removed", "emptied"])
def test_fault_12_24_a_file_is_not_made_anew_after_another_error(
    path: Path, journal: SqliteJournal, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_PATIENCE", 0.05)
    journal.note([intent()])
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    assert "database is locked" in refused(journal)
    holder.execute("ROLLBACK")
    holder.close()
    if how == "removed":
        path.unlink()
    else:
        os.truncate(path, 0)
    for _ in range(2):
        with pytest.raises(JournalError, match=f"was {how}"):
            journal.recall(ACCOUNT)
        assert f"was {how}" in refused(journal)
    assert path.exists() == (how == "emptied")


# -- several objects in one process ----------------------------------------------------

# SQLite's locks are this process's, and closing any descriptor of a file drops them all.


def other_process(path: Path, *lines: str) -> subprocess.Popen[str]:
    code = (
        "import sys\n"
        "from tests.journal.samples import ACCOUNT, intent\n"
        "from unified_exchanges.errors import JournalError\n"
        "from unified_exchanges.journal import file, sqlite\n"
        "file._PATIENCE = 0.2\n"
        "journal = sqlite.SqliteJournal(sys.argv[1])\n"
    ) + "\n".join(lines)
    return subprocess.Popen(
        [sys.executable, "-c", code, path], cwd=ROOT, text=True, stdout=subprocess.PIPE
    )


def said(process: subprocess.Popen[str]) -> str:
    out, _ = process.communicate(timeout=30)
    assert process.returncode == 0
    return out.strip()


def test_fault_13_another_object_in_the_process_takes_no_lock_away(
    path: Path, journal: SqliteJournal
) -> None:
    journal.note([intent("before")])
    second = SqliteJournal(str(path))
    second.recall(ACCOUNT)
    # Who is the last to close a file clears its log away: that process is not.
    said(other_process(path, "journal.note([intent('theirs')])", "journal.close()"))
    assert path.with_name("orders.db-wal").exists()
    journal.note([intent("after")])
    keys = "print(*(x.client_order_id for x in journal.recall(ACCOUNT)))"
    assert said(other_process(path, keys)) == "after before theirs"
    second.close()


def test_fault_13_another_object_in_the_process_lets_no_other_write(
    path: Path, journal: SqliteJournal
) -> None:
    journal.note([intent("before")])
    holder = journal._opened()
    holder.execute("BEGIN IMMEDIATE")
    second = SqliteJournal(str(path))
    assert len(second.recall(ACCOUNT)) == 1
    second.close()
    tries = (
        "try: journal.note([intent('theirs')])\n"
        "except JournalError as error: print(error)"
    )
    assert "database is locked" in said(other_process(path, tries))
    holder.execute("COMMIT")
    assert said(other_process(path, tries)) == ""
    assert len(journal.recall(ACCOUNT)) == 2


def test_objects_and_processes_that_contend_lose_nothing(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_PATIENCE", 30.0)

    def work(number: int) -> None:
        for n in range(10):
            # A new one each time, so that files are opened and closed all along.
            mine = SqliteJournal(str(path))
            mine.note([intent(f"{number}-{n}", n)])
            mine.close()

    process = other_process(
        path,
        "file._PATIENCE = 30",
        "for n in range(40): journal.note([intent(f'theirs-{n}', n)])",
    )
    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    said(process)
    last = SqliteJournal(str(path))
    assert len(last.recall(ACCOUNT)) == 80
    last.close()


@pytest.mark.skipif(sys.platform == "win32", reason="open files stay")
def test_fault_12_24_a_new_journal_with_the_number_of_the_old_one_is_another(
    path: Path, journal: SqliteJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal.note([intent()])
    journal._release()
    path.unlink()
    new = SqliteJournal(str(path))
    new.note([intent("new")])
    # File systems give the number of a removed file to the next one.
    journal._file = new._file
    for _ in range(2):
        with pytest.raises(JournalError, match="replaced by another"):
            journal.recall(ACCOUNT)
    assert [x.client_order_id for x in new.recall(ACCOUNT)] == ["new"]
    new.close()


@pytest.mark.skipif(sys.platform == "win32", reason="open files stay")
def test_a_file_that_is_replaced_while_it_is_opened_is_a_typed_error(
    path: Path, journal: SqliteJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    SqliteJournal(str(path)).compact(START)
    connect = sqlite3.connect

    def late(*where: Any, **how: Any) -> sqlite3.Connection:
        made = connect(*where, **how)
        path.rename(path.with_suffix(".old"))
        path.touch()
        return made

    monkeypatch.setattr(module.sqlite3, "connect", late)
    assert "replaced by another" in refused(journal)
