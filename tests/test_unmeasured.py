"""No process that a test kills leaves half a file of coverage."""

from __future__ import annotations

import os
import re

import pytest

from .guards import ROOT
from .unmeasured import unmeasured, unmeasured_children

SWEEPS = r"\bsweep\(.*\bworkers=2\b|\bLocalCluster\("
"""Whoever runs one in other processes ends those that are not done."""
STARTS = re.compile(rf"\bsubprocess\.(Popen|run)\(|{SWEEPS}")
KILLS = re.compile(rf"SIGKILL\b|\.kill\(\)|{SWEEPS}")
HEEDS = re.compile(r"env=unmeasured| = unmeasured\(|\bwith unmeasured_children\(")


def test_who_kills_what_it_starts_lets_it_measure_nothing() -> None:
    texts = {path: path.read_text("utf-8") for path in (ROOT / "tests").rglob("*.py")}
    killing = {
        path.name: HEEDS.search(text) is not None
        for path, text in texts.items()
        if STARTS.search(text) and KILLS.search(text)
    }
    assert [name for name, is_unmeasured in killing.items() if not is_unmeasured] == []
    assert {"stage.py", "test_kill.py", "test_terminal.py"} <= killing.keys()
    assert "test_sweep.py" in killing


def test_nothing_is_measured_there_and_all_else_is_as_here(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COVERAGE_PROCESS_CONFIG", "measure")
    monkeypatch.setenv("COV_CORE_SOURCE", "measure")
    monkeypatch.setenv("HERE", "too")
    environ = unmeasured(MORE="more")
    assert [name for name in environ if name.startswith("COV")] == []
    assert (environ["HERE"], environ["MORE"]) == ("too", "more")


def test_children_of_others_measure_nothing_for_as_long_as_it_is_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COVERAGE_PROCESS_CONFIG", "measure")
    before = dict(os.environ)
    with unmeasured_children():
        assert dict(os.environ) == unmeasured()
    assert dict(os.environ) == before
