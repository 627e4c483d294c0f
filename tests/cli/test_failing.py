"""A strategy with a bug, and what cannot be run: told in a line, before an hour has passed."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest

from unified_exchanges import exchange, exchanges
from unified_exchanges.cli import failing
from unified_exchanges.cli.practice import Practice, practice
from unified_exchanges.recording import Recorder
from unified_exchanges.strategies import contract_of

from ..guards import ROOT
from .conftest import invoke

HEAD = "import unified_exchanges as ux\n\n\nclass A(ux.Strategy):\n"
RAISES = f"{HEAD}    def on_book(self, desk, book):\n        desk.log(1 / 0)\n"
EXITS = f"import sys\n{HEAD}    def on_book(self, desk, book):\n        sys.exit(5)\n"
WORDLESS = (
    "class Wordless(Exception):\n    def __str__(self):\n        return self.args[5]\n\n"
    f"{HEAD}    def on_book(self, desk, book):\n        raise Wordless\n"
)
QUIET = f"{HEAD}    size = 1\n"
HALF = (
    f"{QUIET}\n    def on_book(self, desk, book):\n"
    "        desk.log('half a character: \\ud800')\n"
    "        if self.size == 2:\n            raise ValueError('\\ud800')\n"
)
MAKER = str(ROOT / "examples" / "spread_maker.py")


@attrs.frozen
class Place:
    """A venue, a market of it, and what was recorded there."""

    practice: Practice
    market: str
    recording: Path
    empty: Path


@pytest.fixture(scope="module", params=exchanges)
def place(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("day")
    day, empty = folder / "day.jsonl", folder / "empty.jsonl"
    with practice(request.param, seed=7) as opened:
        with exchange(opened.venue, **opened.account) as ex, Recorder(ex, empty):
            name = next(m for m in ex.fetch_markets() if m.bid and m.ask).market_id
            contract_of(ex, name)
        with exchange(opened.venue, **opened.account) as ex, Recorder(ex, day):
            contract_of(ex, name)
            ex.watch_order_book(name).next(timeout=10)
        yield Place(opened, name, day, empty)


@pytest.fixture(autouse=True)
def _path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", sys.path[:])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (RAISES, "line 6, in on_book: ZeroDivisionError: division by zero"),
        (f"{HEAD}    def __init__(self):\n        int('x')\n", "line 6, in __init__: "),
        (f"{HEAD}    size = \n", "line 5: SyntaxError: invalid syntax"),
        ("import nothing_of_that_name\n", "line 1, in <module>: ModuleNotFoundError"),
        (WORDLESS, "line 10, in on_book: Wordless: (it cannot be said: its __str__ "),
        (EXITS, "line 7, in on_book: it called sys.exit(5); a run ends by desk.stop()"),
        ("import sys\nsys.exit()\n", "line 2, in <module>: it called sys.exit(); "),
    ],
)
def test_a_bug_of_a_strategy_is_told_with_its_line(
    place: Place, tmp_path: Path, text: str, said: str
) -> None:
    file = tmp_path / "mine.py"
    file.write_text(text)
    words = ("backtest", str(file), "--data", str(place.recording))
    done = invoke(*words, "--json")
    assert (done.code, done.error["error"]) == (1, "StrategyFailed")
    assert done.error["message"].startswith(f"{file}, {said}")
    shown = invoke(*words)
    assert (shown.code, "Traceback" in shown.err) == (1, False)
    assert "--debug" in shown.err


@pytest.mark.parametrize(
    ("ends", "said"),
    [
        ("desk.log(1 / 0)", "in on_order: ZeroDivisionError"),
        ("raise SystemExit(5)", "in on_order: it called sys.exit(5)"),
        ("raise asyncio.CancelledError('c')", "in on_order: CancelledError: c"),
        ("raise GeneratorExit", "in on_order: GeneratorExit"),
        (
            "raise BaseExceptionGroup('g', [KeyboardInterrupt()])",
            "in on_order: BaseExceptionGroup: g",
        ),
        (
            "e = ValueError('n'); e.__notes__ = 3; raise e",
            "in on_order: ValueError: n",
        ),
    ],
)
def test_a_bug_of_a_strategy_on_a_venue_is_told_and_nothing_is_left_open(
    place: Place, tmp_path: Path, ends: str, said: str
) -> None:
    file = tmp_path / "mine.py"
    file.write_text(
        f"import asyncio\n{HEAD}    def on_book(self, desk, book):\n"
        "        lowest = desk.market(book.market_id).grid.lowest\n"
        "        desk.place(book.market_id, 'yes', 'buy', lowest, 1000)\n\n"
        f"    def on_order(self, desk, order):\n        {ends}\n"
    )
    words = ("run", str(file), place.market, "--for", "20s", "--json")
    done = invoke(*words, env=place.practice.exports)
    assert (done.code, done.error["error"]) == (1, "StrategyFailed")
    assert said in done.error["message"]
    with exchange(place.practice.venue, **place.practice.account) as ex:
        assert ex.fetch_open_orders() == []


@pytest.mark.parametrize(
    ("act", "said"),
    [
        ("1 / 0", "base.py, line 6, in on_book: ZeroDivisionError: division by zero"),
        ("sys.exit(0)", "base.py, line 6, in on_book: it called sys.exit(0)"),
    ],
)
def test_a_bug_in_a_file_beside_it_is_one_of_the_strategy(
    place: Place, tmp_path: Path, act: str, said: str
) -> None:
    base = tmp_path / "base.py"
    base.write_text(
        f"import sys\nimport unified_exchanges as ux\n\nclass Base(ux.Strategy):\n"
        f"    def on_book(self, desk, book):\n        {act}\n"
    )
    file = tmp_path / "derived.py"
    file.write_text("from base import Base\n\n\nclass Derived(Base):\n    pass\n")
    try:
        words = ("--data", str(place.recording), "--json")
        done = invoke("backtest", str(file), *words)
    finally:
        del sys.modules["base"]
    assert (done.code, done.error["error"]) == (1, "StrategyFailed")
    assert said in done.error["message"]
    assert done.out == ""


def test_an_exit_of_what_was_installed_is_one_of_the_strategy(
    place: Place, tmp_path: Path
) -> None:
    file = tmp_path / "mine.py"
    installed = tmp_path / "site-packages" / "elsewhere.py"
    installed.parent.mkdir()
    installed.write_text("import sys\n\ndef leave(*_):\n    sys.exit(0)\n")
    file.write_text(
        f"import sys\nsys.path.append({str(installed.parent)!r})\nimport elsewhere\n"
        f"{HEAD}    on_book = elsewhere.leave\n"
    )
    words = ("--data", str(place.recording), "--json")
    done = invoke("backtest", str(file), *words)
    assert (done.code, done.error["error"]) == (1, "StrategyFailed")
    assert "mine.py: it called sys.exit(0)" in done.error["message"]


def test_python_is_to_blame_for_nothing_though_it_lies_beside_the_strategy(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As where both are somewhere in a home folder.
    python = tmp_path / "python"
    python.mkdir()
    (python / "of_python_itself.py").write_text("def divide():\n    return 1 / 0\n")
    monkeypatch.setattr(failing, "_STANDARD", python.resolve())
    monkeypatch.syspath_prepend(str(python))
    file = tmp_path / "mine.py"
    file.write_text(
        f"import of_python_itself\n{HEAD}    def on_book(self, desk, book):\n"
        "        of_python_itself.divide()\n"
    )
    done = invoke("backtest", str(file), "--data", str(place.recording), "--json")
    assert (done.code, done.error["error"]) == (1, "StrategyFailed")
    assert done.error["message"].startswith(str(file))


def test_what_is_raised_elsewhere_is_no_bug_of_the_strategy(
    place: Place, tmp_path: Path
) -> None:
    file = tmp_path / "mine.py"
    file.write_text(QUIET)
    done = invoke("backtest", str(file), "HAIL", "--data", str(place.recording))
    assert (done.code, "BadRequest" in done.err) == (2, True)


def test_a_method_of_the_wrong_shape_is_told_before_anything_runs(
    place: Place, tmp_path: Path
) -> None:
    file = tmp_path / "mine.py"
    file.write_text(f"{HEAD}    def on_timer(self, desk):\n        pass\n")
    for words in (
        ("backtest", str(file), "--data", str(place.recording)),
        ("run", str(file), place.market, "--for", "20s"),
    ):
        done = invoke(*words, "--json", env=place.practice.exports)
        assert (done.code, done.error["error"]) == (2, "BadRequest")
        assert "write it as `def on_timer(self, desk, name)`" in done.error["message"]


def test_half_a_character_in_what_a_strategy_says_is_escaped(
    place: Place, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    # The log of a test goes from process to process, which half a character cannot.
    caplog.set_level("CRITICAL", "unified_exchanges.strategies")
    file = tmp_path / "mine.py"
    file.write_text(HALF)
    words = (str(file), "--data", str(place.recording), "--json")
    done = invoke("backtest", *words)
    assert done.code == 0, done.err
    assert done.document["notes"][0]["text"] == "half a character: \ud800"
    done = invoke("sweep", *words, "--param", "size=1,2", "--workers", "1")
    assert done.code == 8
    assert done.document["rows"][1]["failure"]["message"] == "\ud800"


def test_a_strategy_imports_what_lies_beside_it(place: Place, tmp_path: Path) -> None:
    (tmp_path / "neighbour_of_mine.py").write_text("SIZE = 3\n")
    file = tmp_path / "mine.py"
    file.write_text(
        "import neighbour_of_mine\n"
        f"{QUIET}\n    def on_book(self, desk, book):\n"
        "        desk.log(f'{self.size + neighbour_of_mine.SIZE}')\n"
    )
    words = (str(file), "--data", str(place.recording), "--json")
    done = invoke("backtest", *words)
    assert done.code == 0, done.err
    assert done.document["notes"][0]["text"] == "4"
    swept = invoke("sweep", *words, "--param", "size=1,2", "--workers", "2")
    assert swept.code == 0, swept.err


@pytest.mark.parametrize("command", ["backtest", "sweep"])
@pytest.mark.parametrize("cash", ["much", "-5", "nan"])
def test_cash_that_is_none_is_refused_before_anything_runs(
    place: Place, command: str, cash: str
) -> None:
    words = (command, MAKER, "--data", str(place.recording), "--cash", cash, "--json")
    done = invoke(*words)
    assert (done.code, "--cash" in done.error["message"]) == (2, True)


@pytest.mark.parametrize("command", ["backtest", "sweep"])
def test_a_recording_that_tells_of_no_market_is_no_run_with_zeros(
    place: Place, command: str
) -> None:
    done = invoke(command, MAKER, "--data", str(place.empty), "--json")
    assert (done.code, "has no events" in done.error["message"]) == (2, True)
    assert done.out == ""


def test_a_page_that_cannot_be_written_is_refused_before_the_run(
    place: Place, tmp_path: Path
) -> None:
    file = tmp_path / "mine.py"
    file.write_text(RAISES)  # it would fail
    for page in (tmp_path, tmp_path / "nowhere" / "page.html"):
        words = ("--data", str(place.recording), "--html", str(page), "--json")
        done = invoke("backtest", str(file), *words)
        assert (done.code, "--html" in done.error["message"]) == (2, True)


def test_a_page_that_fails_at_the_end_does_not_cost_the_report(place: Place) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("there is no full disk here")
    words = ("backtest", MAKER, "--data", str(place.recording), "--json")
    done = invoke(*words, "--html", "/dev/full")
    assert (done.code, "cannot be written" in done.error["message"]) == (2, True)
    assert done.document["starting_cash"] == "10000"


def test_a_journal_without_a_folder_is_refused_before_the_run(
    place: Place, tmp_path: Path
) -> None:
    journal = tmp_path / "nowhere" / "journal"
    words = ("run", MAKER, place.market, "--for", "1s", "--journal", str(journal))
    done = invoke(*words, "--json", env=place.practice.exports)
    assert (done.code, done.error["error"]) == (1, "JournalError")
    assert done.out == ""


def test_a_run_without_notes_begins_with_its_table(
    place: Place, tmp_path: Path
) -> None:
    file = tmp_path / "mine.py"
    file.write_text(QUIET)
    words = ("run", str(file), place.market, "--for", "1s")
    done = invoke(*words, env=place.practice.exports)
    assert done.code == 0, done.err
    assert "events" in "".join(done.out.splitlines()[:2])
    assert ",000" in done.out  # of the cash


def test_a_run_without_parameters_is_named_by_its_number(
    place: Place, tmp_path: Path
) -> None:
    file = tmp_path / "mine.py"
    file.write_text(RAISES)
    words = ("sweep", str(file), "--data", str(place.recording), "--workers", "1")
    done = invoke(*words)
    assert (done.code, "run 1 failed: ZeroDivisionError" in done.err) == (8, True)


def test_no_page_is_written_over_anything_but_an_earlier_page(
    place: Place, tmp_path: Path
) -> None:
    file = tmp_path / "mine.py"
    file.write_text(RAISES)  # it would fail
    recording = tmp_path / "day.jsonl"
    recording.write_bytes(place.recording.read_bytes())
    link = tmp_path / "link.html"
    link.symlink_to(recording)
    other = tmp_path / "other.html"
    other.write_text("<!doctype html>\n<title>Not a backtest</title>")
    binary = tmp_path / "part.parquet"
    binary.write_bytes(b"PAR1\xff\x00")
    for page in (file, recording, link, other, binary):
        before = page.read_bytes()
        words = ("--data", str(recording), "--html", str(page), "--json")
        done = invoke("backtest", str(file), *words)
        assert done.code == 2
        assert "nothing is written over it" in done.error["message"]
        assert page.read_bytes() == before


def test_an_earlier_page_and_an_empty_file_are_written_over(
    place: Place, tmp_path: Path
) -> None:
    page = tmp_path / "page.html"
    page.touch()
    words = ("backtest", MAKER, "--data", str(place.recording), "--html", str(page))
    for _ in range(2):
        assert invoke(*words, "--json").code == 0
        assert "<title>Backtest of " in page.read_text()


def test_what_came_to_the_place_of_the_page_during_the_run_stays(
    place: Place, tmp_path: Path
) -> None:
    page = tmp_path / "page.html"
    file = tmp_path / "mine.py"
    file.write_text(
        "from pathlib import Path\n"
        "from unified_exchanges import Strategy\n"
        "class Writing(Strategy):\n"
        "    def on_stop(self, desk):\n"
        f"        Path({str(page)!r}).write_text('mine')\n"
    )
    words = ("--data", str(place.recording), "--html", str(page), "--json")
    done = invoke("backtest", str(file), *words)
    assert (done.code, page.read_text()) == (2, "mine")
    assert done.document["starting_cash"] == "10000"
