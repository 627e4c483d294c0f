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
from unified_exchanges import sqlite_file
from unified_exchanges.errors import BadRequest, JournalError
from unified_exchanges.journal import journal_at
from unified_exchanges.journal.file import JournalFile
from unified_exchanges.journal.sqlite import SqliteJournal
from unified_exchanges.models import Halt

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


@pytest.mark.parametrize("is_there", [False, True])
def test_a_link_leads_to_the_file_and_is_that_journal(
    tmp_path: Path, path: Path, *, is_there: bool
) -> None:
    if is_there:
        SqliteJournal(str(path)).note([intent()])
    link = tmp_path / "link.db"
    link.symlink_to(path)
    linked, plain = SqliteJournal(str(link)), SqliteJournal(str(path))
    linked.note([intent("two")])
    found = {x.client_order_id for x in plain.recall(ACCOUNT)}
    assert found == {"one", "two"} if is_there else {"two"}
    assert not (tmp_path / "link.db-wal").exists()
    # What is done to the file is seen as ever.
    path.rename(tmp_path / "away.db")
    assert "was removed while it was in use" in refused(linked)
    for x in (linked, plain):
        x.close()


def test_a_link_that_leads_elsewhere_later_changes_no_journal_in_use(
    tmp_path: Path, path: Path
) -> None:
    link = tmp_path / "link.db"
    link.symlink_to(path)
    linked = SqliteJournal(str(link))
    linked.note([intent()])
    link.unlink()
    link.symlink_to(tmp_path / "other.db")
    linked.note([intent("two")])
    assert len(linked.recall(ACCOUNT)) == 2
    assert not (tmp_path / "other.db").exists()
    linked.close()


def test_links_that_lead_nowhere_are_refused(tmp_path: Path) -> None:
    link = tmp_path / "link.db"
    link.symlink_to(link)
    assert "could not be" in refused(SqliteJournal(str(link)))


@pytest.mark.parametrize("name", ["file:x?mode=memory", "file:orders.db", "FILE:///x"])
def test_a_uri_is_no_name_of_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BadRequest, match="not a URI such as"):
        journal_at(name)
    assert list(tmp_path.iterdir()) == []
    # A path may begin so.
    assert journal_at("./file:x") is not None


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


def test_a_halt_and_a_text_are_forced_to_the_disk_after_what_was_not(
    journal: SqliteJournal,
) -> None:
    said: list[str] = []
    acts: list[Callable[[], object]] = [
        lambda: journal.keep_halt(ACCOUNT, Halt(reason="why", at=START)),
        lambda: journal.keep_halt(ACCOUNT, None),
        lambda: journal.save(ACCOUNT, "exit", "{}", None),
    ]
    for act in acts:
        journal.note([ended(intent(), "placed")])
        journal._opened().set_trace_callback(said.append)
        act()
        journal._opened().set_trace_callback(None)
        (mode,) = journal._opened().execute("PRAGMA synchronous").fetchone()
        assert mode == 2
        forced = said.index("PRAGMA synchronous=FULL")
        assert forced < said.index("COMMIT")
        said.clear()


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
    killed(path)
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


def run(path: Path, *lines: str) -> str:
    code = (
        "import os, sys, threading\n"
        "from tests.journal.samples import ACCOUNT, intent\n"
        "from unified_exchanges.errors import JournalError\n"
        "from unified_exchanges import sqlite_file\n"
        "from unified_exchanges.journal.sqlite import SqliteJournal\n"
        "journal = SqliteJournal(sys.argv[1])\n"
        "journal.note([intent('parent')])\n"
    ) + "\n".join(lines)
    done = subprocess.run(
        [sys.executable, "-c", code, path],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks")
def test_a_forked_process_opens_the_file_itself(path: Path) -> None:
    run(
        path,
        "if not os.fork():",
        "    assert journal._connection is None",
        "    journal.note([intent('child')])",
        "    os._exit(0)",
        "assert os.wait()[1] == 0",
        "assert len(journal.recall(ACCOUNT)) == 2",
        "if not os.fork():",
        "    journal.close()",
        "    os._exit(0)",
        "assert os.wait()[1] == 0",
        "journal.note([intent('again')])",
        "journal.close()",
    )


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks")
@pytest.mark.parametrize("end", ["journal.close()", "os._exit(0)"])
def test_fault_12_13_a_forked_process_loses_nothing_when_its_parent_goes(
    path: Path, journal: SqliteJournal, end: str
) -> None:
    run(
        path,
        "go, gone = os.pipe(), os.pipe()",
        "second = SqliteJournal(sys.argv[1])",
        "second.recall(ACCOUNT)",
        "if not os.fork():",
        "    journal.note([intent('child')])",
        "    os.write(go[1], b'x')",
        "    os.read(gone[0], 1)",
        # Whoever closes last throws the log away: that must not be this one's.
        "    journal.note([intent('later')])",
        "    second.note([intent('second')])",
        "    os._exit(0)",
        "os.read(go[0], 1)",
        "other = SqliteJournal(sys.argv[1])",
        "other.note([intent('other')])",
        "other.close()",
        "journal.close(); second.close()",
        "os.write(gone[1], b'x')",
        "assert os.wait()[1] == 0",
        end,
    )
    found = sorted(x.client_order_id for x in journal.recall(ACCOUNT))
    assert found == ["child", "later", "other", "parent", "second"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks")
def test_a_fork_waits_for_what_is_being_written(path: Path) -> None:
    run(
        path,
        "many = [intent(str(n)) for n in range(200)]",
        "writing = threading.Thread(",
        "    target=lambda: [journal.note([x]) for x in many])",
        "writing.start()",
        "for n in range(10):",
        "    if not os.fork():",
        "        journal.note([intent(f'child-{n}')])",
        "        os._exit(0)",
        "    assert os.wait()[1] == 0",
        "writing.join()",
        "assert len(journal.recall(ACCOUNT)) == 211",
    )


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks")
def test_a_connection_that_is_in_use_when_it_is_forked_is_left_to_the_parent(
    path: Path,
) -> None:
    run(
        path,
        "SqliteJournal.patience = 0.05",
        "number = id(journal._connection)",
        "user = threading.Thread(target=journal._lock.acquire)",
        "user.start(); user.join()",
        "if not os.fork():",
        "    journal.note([intent('child')])",
        # Neither used nor closed here: it is the parent's.
        "    assert [id(x) for x in sqlite_file._inherited] == [number]",
        "    sqlite_file._inherited[0].total_changes",
        "    os._exit(0)",
        "assert os.wait()[1] == 0",
        "journal._lock.release()",
        "assert id(journal._connection) == number",
        "assert len(journal.recall(ACCOUNT)) == 2",
    )


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks")
def test_fault_12_24_a_fork_forgets_no_loss(path: Path) -> None:
    told = run(
        path,
        "os.unlink(sys.argv[1] + '-wal')",
        "if not os.fork():",
        "    try: journal.note([intent('child')])",
        "    except JournalError as error: print(error, flush=True)",
        "    os._exit(0)",
        "assert os.wait()[1] == 0",
        "try: journal.note([intent('later')])",
        "except JournalError as error: print(error)",
    )
    assert told.count("was removed while it was in use") == 2


# -- what goes wrong -------------------------------------------------------------------


def test_a_closed_journal_keeps_nothing(journal: SqliteJournal) -> None:
    journal.close()
    assert "is closed" in refused(journal)


def test_a_file_that_another_process_has_locked_is_a_typed_error(
    path: Path, journal: SqliteJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(JournalFile, "patience", 0.05)
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
        other.execute(f"PRAGMA application_id={0x75784A31}")
        other.execute("PRAGMA user_version=2")
    other.close()
    assert "later version" in refused(journal)


@pytest.mark.parametrize("version", [0, 1, 2])
@pytest.mark.parametrize("table", [True, False])
def test_a_database_of_others_is_left_as_it_is(
    path: Path, journal: SqliteJournal, version: int, *, table: bool
) -> None:
    if not (version or table):
        pytest.skip("it has nothing of anybody's")
    with sqlite3.connect(path) as other:
        if table:
            other.execute("CREATE TABLE theirs (x)")
        other.execute(f"PRAGMA user_version={version}")
    other.close()
    before = path.read_bytes()
    assert "not a journal of this library" in refused(journal)
    with pytest.raises(JournalError, match="not a journal of this library"):
        journal.halt_of(ACCOUNT)
    journal.close()
    assert path.read_bytes() == before
    assert [x.name for x in path.parent.iterdir()] == ["orders.db"]


@pytest.mark.parametrize("name", ["x" * 300 + ".db", "no/such/orders.db", "file/o.db"])
def test_a_path_that_cannot_be_is_a_typed_error(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").touch()
    journal = SqliteJournal(str(tmp_path / name))
    refused(journal)
    for act in everything(journal)[3:4] + everything(journal)[5:]:
        with pytest.raises(JournalError):
            act()


def test_a_path_that_is_too_long_cannot_be_read_either(tmp_path: Path) -> None:
    journal = SqliteJournal(str(tmp_path / ("x" * 300 + ".db")))
    for act in everything(journal):
        with pytest.raises(JournalError, match="File name too long"):
            act()


def test_a_place_without_a_log_is_a_typed_error(
    path: Path, journal: SqliteJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect = sqlite3.connect

    def in_memory(_: object, **how: object) -> sqlite3.Connection:
        return connect(":memory:", **how)  # type: ignore[call-overload, no-any-return]

    monkeypatch.setattr(sqlite_file.sqlite3, "connect", in_memory)
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
    monkeypatch.setattr(JournalFile, "patience", 0.05)
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


PARTS = ["orders.db", "orders.db-wal", "orders.db-shm"]


def emptied(file: Path) -> None:
    with file.open("r+b") as opened:
        opened.truncate()


def halved(file: Path) -> None:
    os.truncate(file, file.stat().st_size // 2)


def replaced(file: Path) -> None:
    content = file.read_bytes()
    file.unlink()
    file.write_bytes(content)


@pytest.mark.skipif(sys.platform == "win32", reason="open files stay")
@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize(
    ("harm", "told"),
    [
        (emptied, "emptied"),
        (halved, "cut short"),
        (replaced, "replaced by another"),
        (Path.unlink, "removed"),
    ],
)
def test_fault_12_24_what_happens_to_an_open_file_lets_nothing_out(
    path: Path,
    journal: SqliteJournal,
    part: str,
    harm: Callable[[Path], None],
    told: str,
) -> None:
    if part.endswith("shm") and harm in (emptied, halved):
        pytest.skip("it is mapped: whoever has it open is killed by the system")
    journal.note([intent()])
    harm(path.with_name(part))
    for act in [*everything(journal), *everything(journal)]:
        with pytest.raises(JournalError, match=rf"{part} .*was {told}"):
            act()
    # The connection goes on: an end of the process would change what is left.
    assert journal._connection is not None


@pytest.mark.skipif(sys.platform == "win32", reason="open files stay")
def test_fault_12_24_what_was_lost_stays_lost_when_the_file_grows_again(
    path: Path, journal: SqliteJournal
) -> None:
    journal.note([intent()])
    whole = path.read_bytes()
    emptied(path)
    assert "was emptied" in refused(journal)
    with path.open("r+b") as file:
        file.write(whole * 2)
    assert "was emptied" in refused(journal)


@pytest.mark.skipif(sys.platform == "win32", reason="open files stay")
@pytest.mark.parametrize("part", PARTS[:2])
def test_fault_12_24_what_is_taken_away_while_it_is_written_lets_nothing_out(
    path: Path, journal: SqliteJournal, part: str
) -> None:
    journal.note([intent()])

    def take(statement: str) -> None:
        if statement == "COMMIT":
            path.with_name(part).unlink()

    journal._opened().set_trace_callback(take)
    with pytest.raises(JournalError, match="was removed"):
        journal.note([intent("later")])


@pytest.mark.skipif(sys.platform == "win32", reason="open files stay")
def test_fault_12_24_an_older_copy_put_into_the_file_is_seen_where_it_is_smaller(
    path: Path, journal: SqliteJournal
) -> None:
    journal.note([intent()])
    journal.close()
    older = path.read_bytes()
    again = SqliteJournal(str(path))
    again.note([intent(str(n), detail="x" * 400) for n in range(500)])
    again._opened().execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
    again.recall(ACCOUNT)
    path.write_bytes(older)
    assert "was cut short" in refused(again)
    again.close()


def killed(path: Path) -> None:
    """A process that wrote something and was killed: its log is still there."""
    code = (
        "import os, sys\n"
        "from tests.journal.samples import intent\n"
        "from unified_exchanges.journal.sqlite import SqliteJournal\n"
        "SqliteJournal(sys.argv[1]).note([intent()])\n"
        "os._exit(9)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, path], cwd=ROOT, check=False)
    assert done.returncode == 9


@pytest.mark.parametrize("harm", [emptied, Path.unlink])
def test_fault_12_24_a_log_without_its_file_is_not_thrown_away(
    path: Path, journal: SqliteJournal, harm: Callable[[Path], None]
) -> None:
    killed(path)
    log = path.with_name("orders.db-wal")
    content = log.read_bytes()
    assert content
    harm(path)
    for act in [*everything(journal), *everything(journal)]:
        with pytest.raises(JournalError, match=r"but its log .*orders\.db-wal is not"):
            act()
    assert log.read_bytes() == content
    assert path.exists() == (harm is emptied)


def test_a_journal_that_another_object_compacts_goes_on(
    path: Path, journal: SqliteJournal
) -> None:
    for theirs in range(2):
        many = [intent(str(n), detail="x" * 400) for n in range(500)]
        journal.note(many)
        journal.note([ended(x, "refused", detail="x" * 400) for x in many])
        journal._opened().execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
        journal.recall(ACCOUNT)
        before = path.stat().st_size
        other = SqliteJournal(str(path))
        assert other.compact(START + timedelta(days=1)) == 500 + theirs
        assert path.stat().st_size < before / 4
        other.note([intent("theirs")])
        assert [x.client_order_id for x in journal.recall(ACCOUNT)] == ["theirs"]
        assert journal.compact(START + timedelta(days=1)) == 0
        other.note([ended(intent("theirs"), "refused")])
        other.close()
    os.truncate(path, 4096)
    assert "was cut short" in refused(journal)


# -- several objects in one process ----------------------------------------------------

# SQLite's locks are this process's, and closing any descriptor of a file drops them all.


def other_process(path: Path, *lines: str) -> subprocess.Popen[str]:
    code = (
        "import sys\n"
        "from tests.journal.samples import ACCOUNT, intent\n"
        "from unified_exchanges.errors import JournalError\n"
        "from unified_exchanges.journal import sqlite\n"
        "sqlite.SqliteJournal.patience = 0.2\n"
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


@pytest.mark.skipif(sys.platform == "win32", reason="open files stay")
def test_fault_12_24_who_cannot_hear_of_the_halt_of_another_process_places_nothing(
    path: Path, journal: SqliteJournal
) -> None:
    journal.note([intent("before")])
    for part in PARTS[1:]:
        path.with_name(part).unlink()
    halts = (
        "from unified_exchanges.models import Halt\n"
        "from tests.journal.samples import START\n"
        "journal.keep_halt(ACCOUNT, Halt(reason='all', at=START))\n"
        "print(journal.halt_of(ACCOUNT).reason)"
    )
    assert said(other_process(path, halts)) == "all"
    assert "of the journal" in refused(journal)
    with pytest.raises(JournalError, match=r"was (replaced|removed)"):
        journal.halt_of(ACCOUNT)


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
    monkeypatch.setattr(JournalFile, "patience", 30.0)

    def work(number: int) -> None:
        for n in range(10):
            # A new one each time, so that files are opened and closed all along.
            mine = SqliteJournal(str(path))
            mine.note([intent(f"{number}-{n}", n)])
            mine.close()

    process = other_process(
        path,
        "journal.patience = 30",
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

    monkeypatch.setattr(sqlite_file.sqlite3, "connect", late)
    assert "replaced by another" in refused(journal)
