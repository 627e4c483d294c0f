"""The file of an account on paper: who has it, what it is after an end of any kind."""

from __future__ import annotations

import gc
import os
import signal
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable, Generator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.forking import in_child
from tests.guards import ROOT
from tests.paper_exchange.ground import KalshiPaper
from tests.paper_exchange.left import left
from tests.unmeasured import unmeasured
from unified_exchanges.errors import BadRequest, JournalError
from unified_exchanges.paper.kept import ACCOUNT
from unified_exchanges.paper_exchange.file import Source, StateFile

IN_USE = r"account on paper in .*paper\.db is in use by another exchange.*path="
SOURCE = Source("kalshi", "demo")
ROWS = {ACCOUNT: "{}", ("order", 7): "{}"}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "paper.db"


@pytest.fixture
def file(path: Path) -> Generator[StateFile, None, None]:
    made = StateFile(path)
    yield made
    made.close()


def kept(path: Path) -> StateFile:
    made = StateFile(path)
    assert made.read(SOURCE) == {}
    made.keep(ROWS)
    return made


# -- who has it -------------------------------------------------------------------------


@pytest.mark.parametrize("flavour", ["blocking", "async"])
@pytest.mark.parametrize("is_written", [False, True])
def test_a_second_exchange_is_refused_until_the_first_is_closed(
    path: Path, flavour: str, is_written: bool
) -> None:
    ground = KalshiPaper()
    first = ground.trader(flavour, path=path)
    first.fetch_balance()
    if is_written:
        first.lift(first.quoted_market())
    cash = first.fetch_balance().total
    ground._broker = None
    second = ground.trader(flavour, path=path)
    with pytest.raises(BadRequest, match=IN_USE):
        second.fetch_balance()
    with pytest.raises(BadRequest, match=IN_USE):
        second.lift(second.quoted_market())
    end(first)
    assert second.fetch_balance().total == cash
    end(second)


def end(trader: Any) -> None:
    trader.aclose() if trader.is_async else trader.close()


@pytest.mark.parametrize("ending", ["returns", "is killed"])
def test_a_process_has_it_until_it_ends_however_it_ends(
    path: Path, ending: str
) -> None:
    program = (
        "import sys, pathlib\n"
        "from unified_exchanges.paper_exchange.file import Source, StateFile\n"
        "file = StateFile(pathlib.Path(sys.argv[1]))\n"
        "file.read(Source('kalshi', 'demo'))\n"
        "file.keep({('account', 0): '{}', ('order', 7): '{}'})\n"
        "print('kept', flush=True)\n"
        "sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=ROOT,
        env=unmeasured(),
    ) as other:
        assert other.stdin is not None
        assert other.stdout is not None
        assert other.stdout.readline() == b"kept\n"
        mine = StateFile(path)
        with pytest.raises(BadRequest, match=IN_USE):
            mine.read(SOURCE)
        if ending == "is killed":
            other.send_signal(signal.SIGKILL)
        other.stdin.close()
        other.wait(20)
    assert mine.read(SOURCE) == ROWS
    mine.close()


def test_one_that_nobody_has_any_more_is_free(path: Path) -> None:
    made = kept(path)
    del made
    gc.collect()
    with closing(StateFile(path)) as other:
        assert other.read(SOURCE) == ROWS


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks")
def test_a_forked_child_is_refused_and_its_parent_goes_on(path: Path) -> None:
    file = kept(path)
    read, write = os.pipe()
    child = os.fork()
    if not child:
        said = []
        for one in (file, StateFile(path)):
            try:
                one.read(SOURCE)
            except BadRequest as error:
                said.append(str(error))
        os.write(write, " | ".join(said).encode())
        os._exit(0)
    file.keep({ACCOUNT: "{}", ("order", 8): "{}"})
    os.close(write)
    with os.fdopen(read) as pipe:
        heard = pipe.read()
    os.waitpid(child, 0)
    assert "belongs to the process that this one was forked from" in heard
    assert set(file.read(SOURCE)) == {ACCOUNT, ("order", 7), ("order", 8)}
    file.close()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks")
def test_a_child_that_ends_its_exchange_leaves_the_account_to_its_parent(
    path: Path,
) -> None:
    ground = KalshiPaper()
    trader = ground.trader("blocking", path=path)
    trader.lift(trader.quoted_market())
    child = os.fork()
    if not child:
        try:
            trader.close()
        except BaseException:  # noqa: BLE001 - told by its end
            os._exit(1)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    trader.lift(trader.quoted_market())
    assert len(trader.fetch_orders()) == 2
    trader.close()
    ground._broker = None
    again = ground.trader("blocking", path=path)
    assert len(again.fetch_orders()) == 2
    again.close()


def test_one_that_another_took_while_this_process_forked_is_not_written(
    path: Path,
) -> None:
    file = kept(path)
    assert file.release_to_fork()
    file.resume_from_fork()
    with closing(StateFile(path)) as other:
        other.read(SOURCE)
        other.keep({ACCOUNT: '{"other": 1}'})
    with pytest.raises(JournalError, match="another exchange has written to it"):
        file.keep({ACCOUNT: '{"mine": 1}'})
    with closing(StateFile(path)) as other:
        assert other.read(SOURCE)[ACCOUNT] == '{"other": 1}'


READS: list[Callable[[Any], object]] = [
    lambda x: x.fetch_balance(),
    lambda x: x.fetch_fills(),
    lambda x: x.fetch_positions(),
    lambda x: x.fetch_positions(mark=False),
    lambda x: x.fetch_open_orders(),
    lambda x: x.fetch_orders(),
    lambda x: x.fetch_settlements(),
    lambda x: x.fetch_order("1"),
    lambda x: x.lift(x.quoted_market()),
    lambda x: x.cancel_all_orders(),
]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks")
@pytest.mark.parametrize("flavour", ["blocking", "async"])
def test_a_forked_child_is_told_nothing_of_an_account_that_goes_on_without_it(
    path: Path, flavour: str
) -> None:
    trader = KalshiPaper().trader(flavour, path=path)
    market = trader.quoted_market()
    trader.lift(market)

    def refused() -> list[str]:
        said = []
        for read in READS:
            with pytest.raises(BadRequest) as caught:
                read(trader)
            said.append(caught.value.message)
        assert trader.fetch_market(market.market_id).market_id == market.market_id
        return said

    said = in_child(refused)
    assert all("process that this one was forked from" in x for x in said)
    trader.lift(market)
    assert len(trader.fetch_fills()) == 2
    end(trader)


@pytest.mark.parametrize("flavour", ["blocking", "async"])
def test_a_relative_path_means_the_folder_in_which_the_exchange_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, flavour: str
) -> None:
    made, later, last = (tmp_path / name for name in ("made", "later", "last"))
    for folder in (made, later, last):
        folder.mkdir()
    ground = KalshiPaper()
    monkeypatch.chdir(made)
    trader = ground.trader(flavour, path="paper.db")
    monkeypatch.chdir(later)
    trader.lift(trader.quoted_market())
    assert (made / "paper.db").exists()
    monkeypatch.chdir(last)
    trader.lift(trader.quoted_market())
    assert len(trader.fetch_fills()) == 2
    end(trader)
    assert [*later.iterdir(), *last.iterdir()] == []
    ground._broker = None
    again = ground.trader(flavour, path=made / "paper.db")
    assert len(again.fetch_fills()) == 2
    end(again)


# -- what it is -------------------------------------------------------------------------


def test_rows_are_replaced_and_removed(file: StateFile) -> None:
    assert file.read(SOURCE) == {}
    file.keep(
        {ACCOUNT: "1", ("order", 10): "a", ("order", 9): "b", ("market", "X"): "m"}
    )
    file.keep({ACCOUNT: "2", ("order", 9): None})
    found = file.read(SOURCE)
    assert found == {ACCOUNT: "2", ("order", 10): "a", ("market", "X"): "m"}


def test_what_was_kept_is_there_for_whoever_comes_after_a_kill(
    file: StateFile, path: Path, tmp_path: Path
) -> None:
    file.read(SOURCE)
    for number in range(50):
        file.keep({ACCOUNT: str(number), ("order", number): "x" * 300})
        assert len(left(path, tmp_path)) == number + 2


def test_a_file_that_was_only_begun_is_a_new_account(path: Path) -> None:
    path.touch()
    with closing(sqlite3.connect(path)) as begun:
        begun.execute("PRAGMA journal_mode=WAL")
    assert path.stat().st_size
    kept(path).close()
    with closing(StateFile(path)) as found:
        assert found.read(SOURCE) == ROWS


def test_an_empty_file_is_a_new_account_and_stays(path: Path) -> None:
    path.touch()
    with closing(StateFile(path)) as file:
        assert file.read(SOURCE) == {}
    assert path.exists()


def test_where_nothing_is_done_nothing_is_left(tmp_path: Path) -> None:
    with closing(StateFile(tmp_path / "paper.db")) as file:
        assert file.read(SOURCE) == {}
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"version": 1, "engine": {}}', "file is not a database"),
        ("x" * 5000, "file is not a database"),
    ],
)
def test_a_file_of_something_else_is_refused_and_left_as_it_is(
    path: Path, text: str, said: str
) -> None:
    path.write_text(text)
    with (
        closing(StateFile(path)) as file,
        pytest.raises(BadRequest, match=rf"paper\.db is no state .*: {said}"),
    ):
        file.read(SOURCE)
    assert path.read_text() == text


@pytest.mark.parametrize("length", [100, 1000, 4096, 9000])
def test_a_file_that_was_cut_off_is_refused_and_left_as_it_is(
    path: Path, length: int
) -> None:
    with closing(StateFile(path)) as file:
        file.read(SOURCE)
        file.keep({ACCOUNT: "{}", **{("order", n): "x" * 300 for n in range(60)}})
    path.write_bytes(path.read_bytes()[:length])
    left = path.read_bytes()
    with (
        closing(StateFile(path)) as cut,
        pytest.raises(BadRequest, match=r"malformed.*Give another path="),
    ):
        cut.read(SOURCE)
    assert path.read_bytes() == left


@pytest.mark.parametrize(
    ("head", "said"),
    [
        ("PRAGMA user_version=3", "an SQLite file of something else"),
        ("CREATE TABLE kept (a)", "an SQLite file of something else"),
        (
            f"PRAGMA application_id={0x75785031}; PRAGMA user_version=1",
            "form 1, and this reads form 2",
        ),
    ],
)
def test_another_form_is_refused(path: Path, head: str, said: str) -> None:
    with closing(sqlite3.connect(path)) as other:
        other.executescript(head)
    with (
        closing(StateFile(path)) as file,
        pytest.raises(BadRequest, match=rf"paper\.db is no state .*{said}"),
    ):
        file.read(SOURCE)


def changed(path: Path, statement: str, values: tuple[Any, ...] = ()) -> None:
    with closing(sqlite3.connect(path, timeout=0.2)) as other:
        other.execute(statement, values)
        other.commit()


_ACCOUNT = "UPDATE kept SET told = replace(told, '{}', '{}') WHERE kind = 'account'"


@pytest.mark.parametrize("flavour", ["blocking", "async"])
@pytest.mark.parametrize(
    ("damage", "said"),
    [
        ("DELETE FROM kept WHERE kind = 'market'", "of its market .* nothing is kept"),
        (_ACCOUNT.format('"10000"', '"-1"'), "cash of -1 dollars is less than nothing"),
        (_ACCOUNT.format("fill_count", "count"), "KeyError"),
    ],
)
def test_a_damaged_account_is_no_state_and_is_free_to_be_mended(
    path: Path, flavour: str, damage: str, said: str
) -> None:
    ground = KalshiPaper()
    trader = ground.trader(flavour, path=path)
    trader.lift(trader.quoted_market())
    end(trader)
    kind = "market" if "market" in damage else "account"
    with closing(sqlite3.connect(path)) as other:
        rows = other.execute("SELECT * FROM kept WHERE kind = ?", (kind,)).fetchall()
    changed(path, damage)
    ground._broker = None
    again = ground.trader(flavour, path=path)
    for _ in range(2):
        with pytest.raises(
            BadRequest, match=rf"paper\.db is no state of orders on paper: .*{said}"
        ) as caught:
            again.fetch_balance()
        assert type(caught.value) is BadRequest
    # Nobody has it, so it is mended, also while this exchange is there.
    for row in rows:
        changed(path, "REPLACE INTO kept VALUES (?, ?, ?)", row)
    assert len(again.fetch_fills()) == 1
    end(again)


# -- what goes wrong --------------------------------------------------------------------


@pytest.mark.parametrize("how", ["removed", "replaced"])
def test_one_that_was_taken_away_while_it_was_in_use_is_told(
    path: Path, how: str
) -> None:
    file = kept(path)
    path.rename(path.with_name("elsewhere.db"))
    if how == "replaced":
        kept(path).close()
    with pytest.raises(
        JournalError, match=r"paper\.db could not be written: .*not told"
    ):
        file.keep({ACCOUNT: "3"})
    file.close()


@pytest.mark.parametrize("how", ["closed", "used"])
def test_what_others_put_in_the_place_of_a_new_one_is_not_removed(
    path: Path, how: str
) -> None:
    file = StateFile(path)
    file.read(SOURCE)
    path.rename(path.with_name("elsewhere.db"))
    path.write_text("theirs")
    if how == "used":
        with pytest.raises(JournalError, match="it was replaced by another"):
            file.read(SOURCE)
    file.close()
    assert path.read_text() == "theirs"


def test_it_is_made_for_its_owner_only(path: Path) -> None:
    file = kept(path)
    modes = {x.name: stat.S_IMODE(x.stat().st_mode) for x in path.parent.iterdir()}
    assert modes == dict.fromkeys(("paper.db", "paper.db-wal"), 0o600)
    file.close()


def test_a_folder_that_is_gone_is_told(tmp_path: Path) -> None:
    file = StateFile(tmp_path / "nowhere" / "paper.db")
    with pytest.raises(
        JournalError, match=r"paper\.db could not be read: .*No such file"
    ):
        file.read(SOURCE)


def test_a_write_that_fails_leaves_what_was(file: StateFile) -> None:
    file.read(SOURCE)
    file.keep(ROWS)
    assert file._connection is not None
    file._connection.execute("PRAGMA query_only=1")
    with pytest.raises(JournalError, match="could not be written"):
        file.keep({ACCOUNT: "9"})
    assert file.read(SOURCE) == ROWS
    file.keep({ACCOUNT: "9"})


def test_one_that_is_closed_is_not_used(path: Path) -> None:
    file = kept(path)
    file.close()
    file.close()
    with pytest.raises(JournalError, match="is closed"):
        file.keep(ROWS)


def test_an_order_that_cannot_be_kept_is_not_placed_and_is_once_it_can_be(
    path: Path,
) -> None:
    ground = KalshiPaper()
    trader = ground.trader("blocking", path=path)
    market = trader.quoted_market()
    trader.lift(market)
    elsewhere = path.with_name("elsewhere.db")
    path.rename(elsewhere)
    with pytest.raises(JournalError, match=r"paper\.db could not be written"):
        trader.lift(market)
    elsewhere.rename(path)
    assert len(trader.fetch_fills()) == len(trader.fetch_orders()) == 1
    trader.lift(market)
    assert len(trader.fetch_fills()) == len(trader.fetch_orders()) == 2
    path.rename(elsewhere)
    trader.close()
    elsewhere.rename(path)
    with closing(StateFile(path)) as found:
        assert {("order", 1), ("news", 1)} < set(found.read(SOURCE))
