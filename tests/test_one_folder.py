"""A venue is one folder: nothing else is edited for the rest to know it."""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import unified_exchanges
from unified_exchanges import registry
from unified_exchanges.testing import conformance
from unified_exchanges.venue.batching import Batching
from unified_exchanges.venue.closing import Closing

from .guards import PACKAGE, ROOT

VENUES = sorted(path.parent.name for path in PACKAGE.glob("venues/*/blocking.py"))
# Where venues may be named outside of their folders, and why.
NAMED = {
    "cli/options.py": "the venue that a command means without --venue",
    "cli/session.py": "likewise",
    "venue/refusals.py": "the names of headers that a refusal may repeat",
}
# The modules of a venue whose classes a program makes objects of.
SHELLS = ("blocking", "aio", "websocket", "aio_websocket")


class Clone:
    """A copy of the package, with one more venue in a folder of its own."""

    def __init__(self, root: Path, like: str, name: str) -> None:
        self.root = root
        unread = shutil.ignore_patterns("__pycache__")
        shutil.copytree(PACKAGE, root / "unified_exchanges", ignore=unread)
        (root / "docs").mkdir()
        shutil.copy(ROOT / "docs" / "features.py", root / "docs")
        shutil.copy(ROOT / "setup.cfg", root)
        venues = root / "unified_exchanges" / "venues"
        shutil.copytree(venues / like, venues / name)
        for path in (venues / name).rglob("*.py"):
            text = path.read_text()
            for case in (str.lower, str.capitalize, str.upper):
                text = text.replace(case(like), case(name))
            path.write_text(text)

    def run(self, *command: str | Path) -> str:
        done = subprocess.run(
            [sys.executable, *command],
            cwd=self.root,
            env={**os.environ, "PYTHONPATH": str(self.root)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Clone:
    return Clone(tmp_path_factory.mktemp("clone"), "polymarket", "auspicia")


SESSION = """
import asyncio, json, os, sys
import unified_exchanges as ux
from unified_exchanges.registry import folder
from unified_exchanges.simulator.server import SimulatorServer

box = folder("auspicia", "simulated").simulated()
os.environ.update({box.key_variable: box.api_key, **box.variables})
told = {"ids": ux.exchanges, "file": ux.__file__}

with SimulatorServer(box.venue) as server:
    given = {"private_key": box.private_key, "environment": server.url + box.path}
    with ux.exchange("auspicia", **given) as venue:
        market = next(m for m in venue.iter_markets() if m.bid and m.ask)
        terms = (market.market_id, market.outcomes[0].label, "buy", market.ask, 20)
        told["filled"] = str(venue.create_order(*terms, time_in_force="ioc").filled)
        told["name"] = venue.describe().name

    async def follow():
        async with ux.async_exchange("auspicia", **given) as venue:
            async for book in venue.watch_order_book(market.market_id):
                return book.exchange if hasattr(book, "exchange") else book.venue

    told["book of"] = asyncio.run(follow())
print(json.dumps(told))
"""


def test_a_folder_is_a_venue_that_trades_and_streams(clone: Clone) -> None:
    told = json.loads(clone.run("-c", SESSION))
    assert Path(told["file"]).is_relative_to(clone.root)
    assert told["ids"] == sorted([*VENUES, "auspicia"])
    assert (told["filled"], told["name"], told["book of"]) == (
        "20",
        "Auspicia",
        "auspicia",
    )


def test_a_folder_is_known_to_the_command(clone: Clone) -> None:
    assert "Auspicia" in clone.run("-m", "unified_exchanges", "venues")
    assert "--venue" in clone.run("-m", "unified_exchanges", "markets", "--help")


def test_a_folder_is_in_the_table_of_features(clone: Clone) -> None:
    heads = re.findall(r"^\| \| (.+) \|$", clone.run("docs/features.py"), re.MULTILINE)
    names = {
        venue: registry.folder(venue, "description").FACTS.name for venue in VENUES
    }
    names["auspicia"] = "Auspicia"
    assert set(heads) == {" | ".join(names[venue] for venue in sorted(names))}


def test_a_folder_is_under_the_import_contracts(clone: Clone) -> None:
    check = (
        "from importlinter.cli import lint_imports_command as c;"
        "c(['--no-cache'], standalone_mode=False)"
    )
    assert "0 broken" in clone.run("-c", check)
    stray = clone.root / "unified_exchanges" / "venues" / "auspicia" / "stray.py"
    stray.write_text("from ..kalshi import description\n\n__all__ = ['description']\n")
    try:
        with pytest.raises(
            AssertionError, match="Venues do not know each other BROKEN"
        ):
            clone.run("-c", f"{check} and exit(1)")
    finally:
        stray.unlink()


def test_a_header_of_a_folder_is_kept_out_of_cassettes(clone: Clone) -> None:
    program = (
        "from unified_exchanges.testing.redaction import redact_headers;"
        "print(redact_headers({'AUSPICIA_ADDRESS': 'x', 'POLY_ADDRESS': 'x'}))"
    )
    description = clone.root / "unified_exchanges/venues/auspicia/description.py"
    assert 'key_headers=("POLY_",)' in description.read_text()
    description.write_text(description.read_text().replace("POLY_", "AUSPICIA_"))
    told = {"AUSPICIA_ADDRESS": "REDACTED", "POLY_ADDRESS": "REDACTED"}
    assert clone.run("-c", program) == f"{told}\n"


def code(path: Path) -> str:
    """A module without its comments and docstrings."""
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):
        # What stands by itself is prose.
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            node.value.value = ""
    return ast.unparse(tree)


def test_what_all_venues_share_names_none_of_them() -> None:
    named = set()
    for path in PACKAGE.rglob("*.py"):
        place = path.relative_to(PACKAGE).as_posix()
        if place.startswith("venues/"):
            continue
        if re.search("|".join(VENUES), code(path), re.IGNORECASE):
            named.add(place)
    assert named == set(NAMED)


@pytest.mark.parametrize("venue", VENUES)
def test_the_classes_of_a_venue_are_imported_from_its_folder(venue: str) -> None:
    package = registry.folder(venue)
    there = [x for x in SHELLS if (PACKAGE / "venues" / venue / f"{x}.py").exists()]
    modules = [registry.folder(venue, x) for x in there]
    own = {getattr(module, name) for module in modules for name in module.__all__}
    assert {getattr(package, kind.__name__) for kind in own} == own
    assert [x for x in own if hasattr(unified_exchanges, x.__name__)] == []


PAGE = (ROOT / "ADDING_A_VENUE.md").read_text()


def test_the_page_names_all_that_a_venue_must_say() -> None:
    class Placing(Batching[Any], Closing[Any]):
        pass

    table = PAGE.partition("| Module of `venue` |")[2].partition("\n\n")[0]
    said = {w for row in table.splitlines() for w in _words(row.split("|")[2:3])}
    assert said - {"tickets", "create_name"} == Placing.__abstractmethods__
    modules = {w for row in table.splitlines() for w in _words(row.split("|")[1:2])}
    assert [m for m in modules if not (PACKAGE / "venue" / f"{m}.py").exists()] == []


def test_the_page_names_nothing_that_is_not_there() -> None:
    optional = PAGE.partition("What it may say besides")[2].partition("\n\n")[0]
    streams = PAGE.partition("A venue says `stream`")[2].partition("Everything else")[0]
    names = {*_words([optional]), *_words([streams])} - {"Line", "limitations"}
    missing = {x for x in names if not hasattr(Closing, x) and "." not in x}
    assert missing == set()
    modules = {
        word
        for row in PAGE.partition("## The folder")[2]
        .partition("\n\nA module")[0]
        .splitlines()
        for word in _words(row.split("|")[1:2])
    }
    for venue in VENUES:
        folder = {path.stem for path in (PACKAGE / "venues" / venue).iterdir()}
        assert modules - folder - {"methods, by subject"} == set()


def test_the_page_names_every_class_of_the_conformance_suite() -> None:
    classes = {
        name
        for name in conformance.__all__
        if any(x.startswith("test_") for x in dir(getattr(conformance, name)))
    }
    assert "Secrecy" in classes
    tests = PAGE.partition("## Tests")[2]
    assert classes - set(_words([tests])) == set()


def _words(texts: list[str]) -> list[str]:
    return [word for text in texts for word in re.findall(r"`([\w.]+)`", text)]
