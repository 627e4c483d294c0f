"""The notebook of the examples runs in a kernel, whose event loop is running all the time."""

from __future__ import annotations

import re
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from .guards import ROOT

NOTEBOOK = ROOT / "examples" / "research.ipynb"


def read() -> Any:
    return nbformat.read(NOTEBOOK, as_version=4)


def shown_by(cell: Any) -> str:
    """What a cell shows, as text and HTML."""
    return "\n".join(str(out.get("data", out)) for out in cell.get("outputs", ()))


def market_of(notebook: Any) -> str:
    """The market whose book the notebook showed."""
    [found] = re.findall(
        r"<caption>kalshi:([^:]+):yes</caption>", shown_by(notebook.cells[7])
    )
    return found


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_notebook_records_explores_backtests_and_trades_on_paper() -> None:
    notebook = read()
    # What the test stands on: a kernel that runs cells within its loop.
    loop = nbformat.v4.new_code_cell("import asyncio; asyncio.get_running_loop()")
    notebook.cells.insert(1, loop)
    NotebookClient(notebook, timeout=90, kernel_name="python3").execute()
    seen = "\n".join(map(shown_by, notebook.cells))
    assert "EventLoop" in shown_by(loop)
    # Drawn in the kernel: altair's own way would load vega from the network.
    assert seen.count("'image/svg+xml'") in {2, 3}
    assert "https://cdn." not in seen
    assert "ask size" in seen
    assert "Backtest of Taker" in seen
    assert "RunReport" in seen
    # The cell before the last words: what was bought on paper.
    assert market_of(notebook) in shown_by(notebook.cells[-3])


def test_the_notebook_is_kept_without_what_it_showed() -> None:
    for cell in read().cells:
        assert not cell.get("outputs")
        assert cell.get("execution_count") is None


def test_the_notebook_calls_nothing_that_a_user_would_not() -> None:
    for cell in read().cells:
        assert not re.search(r"\.__\w+__\(", cell.source)


def test_the_notebook_is_one_that_notebooks_can_read() -> None:
    nbformat.validate(read())
