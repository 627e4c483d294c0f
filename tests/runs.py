"""A run of pytest over a program of its own, and what became of each of its tests."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

from .guards import ROOT

__all__ = ["outcomes"]

_LEFT_OUT = ("no:randomly", "no:cacheprovider", "no:schemathesis", "no:xdist")


def outcomes(
    folder: Path, program: str, *options: str
) -> dict[tuple[str, str], tuple[str, str]]:
    """Run a test program: by class and name of each test, what became of it and why."""
    path = folder / "test_program.py"
    path.write_text(program, "utf-8")
    report = folder / "report.xml"
    command = [sys.executable, "-m", "pytest", str(path), f"--junitxml={report}"]
    command += [word for name in _LEFT_OUT for word in ("-p", name)]
    command += ["-c", os.devnull, "-q", *options]
    told = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert report.exists(), told.stdout + told.stderr
    cases = ET.parse(report).iter("testcase")  # noqa: S314 - pytest's own report
    return {
        (case.attrib["classname"], case.attrib["name"]): _verdict(case)
        for case in cases
    }


def _verdict(case: ET.Element) -> tuple[str, str]:
    if len(case) == 0:
        return "passed", ""
    return case[0].tag, case[0].attrib.get("message", "")
