"""What is no terminal has no width: what is said into a pipe is not wrapped."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from .conftest import invoke

COMMAND = (sys.executable, "-m", "unified_exchanges.cli")
LONG = "/".join(["a folder that is not there", *["and-on"] * 20, "session.jsonl"])
"""Twice as long as the screen that is assumed where there is none."""


def said(*words: str, columns: str | None = None) -> str:
    """What a command says of why it fails, into a pipe."""
    environ = {k: v for k, v in os.environ.items() if k != "COLUMNS"}
    sized = {} if columns is None else {"COLUMNS": columns}
    done = subprocess.run(
        [*COMMAND, *words],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        env={**environ, **sized},
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 2
    assert done.stdout == ""
    return done.stderr


COMMANDS = [
    ("convert", LONG, "--out", "tables"),
    ("backtest", LONG, "--data", LONG),
    ("sweep", LONG, "--data", LONG),
    ("run", LONG, "--venue", "kalshi"),
    ("record", "kalshi", "M", "--out", LONG),
    ("markets", "--venue", LONG),
    (LONG,),
    ("markets", f"--{LONG}"),
    ("markets", LONG),
]


@pytest.mark.parametrize("words", COMMANDS, ids=lambda x: x[0][:20])
def test_a_long_path_in_an_error_is_found_whole(words: tuple[str, ...]) -> None:
    assert LONG in said(*words)


def test_columns_say_how_wide_tables_may_be_and_wrap_no_message() -> None:
    assert LONG in said(*COMMANDS[0], columns="80")


def test_the_usage_of_a_command_is_one_line() -> None:
    told = said("order", "--nothing").splitlines()
    [usage] = [line for line in told if line.startswith("Usage: ")]
    assert usage.split()[-1].strip("{}[]") == "SIZE"
    assert told[-1] == "Error: No such option: --nothing"


def test_help_is_framed_as_ever(tmp_path: Path) -> None:
    done = subprocess.run(
        [*COMMAND, "--help"],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
        timeout=60,
    )
    assert "╭─" in done.stdout


@pytest.mark.parametrize(
    ("command", "last"),
    [
        ("run", "[MARKET]..."),
        ("backtest", "[MARKET]..."),
        ("sweep", "[MARKET]..."),
        ("record", "{MARKET}..."),
        ("watch", "{MARKET}..."),
        ("convert", "{FILE}..."),
        ("cancel", "[ORDER]..."),
    ],
)
def test_the_usage_says_once_that_there_may_be_several(command: str, last: str) -> None:
    told = invoke(command, "--nothing").err.splitlines()
    [usage] = [line for line in told if line.startswith("Usage: ")]
    assert usage.split()[-1] == last
