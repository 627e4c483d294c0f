"""No process that a test kills leaves half a file of coverage."""

from __future__ import annotations

import re

import pytest

from .guards import ROOT
from .unmeasured import unmeasured

STARTS = re.compile(r"\bsubprocess\.(Popen|run)\(")
KILLS = re.compile(r"SIGKILL\b|\.kill\(\)")


def test_who_kills_what_it_starts_lets_it_measure_nothing() -> None:
    texts = {path: path.read_text("utf-8") for path in (ROOT / "tests").rglob("*.py")}
    killing = {
        path.name: "env=unmeasured" in text or " = unmeasured(" in text
        for path, text in texts.items()
        if STARTS.search(text) and KILLS.search(text)
    }
    assert [name for name, is_unmeasured in killing.items() if not is_unmeasured] == []
    assert {"stage.py", "test_kill.py", "test_terminal.py"} <= killing.keys()


def test_nothing_is_measured_there_and_all_else_is_as_here(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COVERAGE_PROCESS_CONFIG", "measure")
    monkeypatch.setenv("COV_CORE_SOURCE", "measure")
    monkeypatch.setenv("HERE", "too")
    environ = unmeasured(MORE="more")
    assert [name for name in environ if name.startswith("COV")] == []
    assert (environ["HERE"], environ["MORE"]) == ("too", "more")
