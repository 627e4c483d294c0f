"""The page of proof says what was observed, and our column of it still holds."""

from __future__ import annotations

import json
import re
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from .guards import ROOT

PEERS = ROOT / "benchmarks" / "peers"
RESULTS = json.loads((PEERS / "results.json").read_text("utf-8"))
OURS = "unified_exchanges"
_COUNT = re.compile(r"sent (?!1 time)\d+ times")


def lasting(fact: str) -> str:
    """A fact without what chance decides: how often it was tried in the time there was."""
    return _COUNT.sub("sent again", fact)


def observed(folder: Path, *scenarios: str) -> dict[str, str]:
    """Our column, of all scenarios or of some, as it is now."""
    path = folder / "results.json"
    command = [sys.executable, str(PEERS), "--library", OURS, "--json", str(path)]
    command += ["--workers", "1" if scenarios else "6"]
    command += [word for each in scenarios for word in ("--scenario", each)]
    told = subprocess.run(command, check=False, capture_output=True, text=True)
    assert told.returncode == 0, told.stderr
    rows: list[dict[str, Any]] = json.loads(path.read_text("utf-8"))["rows"]
    return {row["id"]: lasting(row["cells"][OURS]) for row in rows}


def test_the_page_is_what_the_observations_render_to() -> None:
    render = runpy.run_path(str(PEERS / "render.py"))["page"]
    assert (ROOT / "docs" / "proof.md").read_text("utf-8") == render(RESULTS)


def test_every_scenario_was_run_with_every_library() -> None:
    libraries = {OURS, "ccxt", "pykalshi"}
    assert RESULTS["versions"].keys() == libraries
    assert {frozenset(row["cells"]) for row in RESULTS["rows"]} == {
        frozenset(libraries)
    }
    cells = [cell for row in RESULTS["rows"] for cell in row["cells"].values()]
    assert [cell for cell in cells if cell.startswith("could not be run")] == []


@pytest.mark.timeout(400)
def test_our_column_still_holds(tmp_path: Path) -> None:
    column = {row["id"]: lasting(row["cells"][OURS]) for row in RESULTS["rows"]}
    found = observed(tmp_path)
    # Many at once on a busy machine may be late; one at a time they are not.
    again = [name for name, fact in column.items() if found.get(name) != fact]
    if again:
        found |= observed(tmp_path, *again)
    assert found == column
