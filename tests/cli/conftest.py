"""The command, run in this process against a simulated Kalshi on loopback."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import attrs
import pytest
from typer.testing import CliRunner

from unified_exchanges.cli.app import app
from unified_exchanges.cli.practice import Practice, practice


@attrs.frozen
class Run:
    """What came of a command."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """The JSON that was printed."""
        return json.loads(self.out)

    @property
    def lines(self) -> list[Any]:
        """The JSON that was printed, line by line."""
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def error(self) -> Any:
        """The error as JSON."""
        return json.loads(self.err)


Command = Callable[..., Run]


def invoke(*words: str, env: dict[str, str] | None = None, typed: str = "") -> Run:
    """Run the command with these words."""
    # Whoever runs the tests may have a width in the environment.
    clean: dict[str, str | None] = {"COLUMNS": None, **(env or {})}
    done = CliRunner().invoke(app, list(words), env=clean, input=typed)
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return Run(done.exit_code, done.stdout, done.stderr)


@pytest.fixture(scope="session")
def stand() -> Iterator[Practice]:
    """A venue for those who only look; its account has a past."""
    with practice("kalshi", seed=7, key_type="ed25519", history=True) as place:
        yield place


@pytest.fixture
def place() -> Iterator[Practice]:
    """A fresh venue for those who trade."""
    with practice("kalshi", seed=7, key_type="ed25519") as opened:
        yield opened


def at(place: Practice) -> Command:
    def run(*words: str, columns: int | None = None, typed: str = "") -> Run:
        width = {} if columns is None else {"COLUMNS": str(columns)}
        return invoke(*words, env={**place.exports, **width}, typed=typed)

    return run


@pytest.fixture
def look(stand: Practice) -> Command:
    """Run a command that changes nothing."""
    return at(stand)


@pytest.fixture
def cli(place: Practice) -> Command:
    """Run a command on a venue of its own."""
    return at(place)


@pytest.fixture
def market(look: Command) -> str:
    """The id of a market with quotes on both sides, away from the ends.

    No name of a day: a fresh venue lists others once it is midnight.
    """
    found = look("markets", "--json", "--all").lines
    return next(
        m["market_id"]
        for m in found
        if re.search(r"-\d\d[A-Z]{3}-", m["market_id"])
        and m["bid"]
        and "0.2" < m["bid"] < "0.8"
    )
