"""Run the scenarios against each library and write the page: ``python benchmarks/peers``.

``--library NAME`` and ``--scenario ID`` (both repeatable) run some only; ``--json PATH``
writes there instead, and leaves the page alone; ``--render`` renders the page from what
is written; ``--workers N`` runs so many cells at once.  Peers are installed into virtual
environments below ``--venvs``.
"""

from __future__ import annotations

import argparse
import json
import platform
import subprocess
import sys
import tempfile
import venv
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from peer import TIMEOUT, Library, Peer
from render import page
from scenarios import SCENARIOS, Scenario
from scene import Scene

from unified_exchanges import __version__

HERE = Path(__file__).parent
RESULTS = HERE / "results.json"
PAGE = HERE.parents[1] / "docs" / "proof.md"
OURS = "unified_exchanges"
PEERS = {
    "ccxt": ("ccxt==4.5.90", "ccxt_prediction"),
    "pykalshi": ("pykalshi==2.0.0", "pykalshi_client"),
}
EXCEPTIONS = (
    "ccxt is told the size of a page of markets (`marketsPageLimit`)",
    "pykalshi is asked for every page (`fetch_all`)",
    "pykalshi's feed is pointed at the venue by a private attribute, having no setting",
    "unified_exchanges compares streams with REST every 2 to 3 s, not 30 to 180 s",
    "unified_exchanges gives up a socket that is silent for 5 s, not 28 s",
)


def library(name: str, venvs: Path) -> Library:
    """A library ready to run; a peer is installed where it is not yet."""
    if name == OURS:
        return Library(name, "ours", Path(sys.executable), __version__)
    wanted, program = PEERS[name]
    folder = venvs / wanted.replace("==", "-")
    python = folder / "bin" / "python"
    if not python.exists():
        venv.create(folder, with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "-q", wanted], check=True)
    told = subprocess.run(
        [python, "-c", f"import importlib.metadata as m; print(m.version('{name}'))"],
        check=True,
        capture_output=True,
        text=True,
    )
    return Library(name, program, python, told.stdout.strip())


def observe(scenario: Scenario, chosen: Library) -> str:
    """One cell: what was observed, or why nothing could be."""
    try:
        with (
            Scene(**scenario.venue) as scene,
            Peer(chosen, scene, **scenario.peer) as peer,
        ):
            return scenario.act(scene, peer)
    except Exception as error:  # noqa: BLE001 - a cell says why it could not be run
        told = f"{type(error).__name__}: {error}".splitlines()[0]
        return f"could not be run: {told}"


def main() -> None:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    every = [OURS, *PEERS]
    parser.add_argument("--library", action="append", choices=every)
    parser.add_argument(
        "--scenario", action="append", choices=[x.id for x in SCENARIOS]
    )
    parser.add_argument("--json", type=Path)
    parser.add_argument("--render", action="store_true")
    parser.add_argument("--workers", type=int, default=1)
    default = Path(tempfile.gettempdir()) / "unified-exchanges-peers"
    parser.add_argument("--venvs", type=Path, default=default)
    asked = parser.parse_args()
    if not asked.render:
        libraries = [library(n, asked.venvs) for n in asked.library or every]
        results = run(libraries, asked.scenario, asked.workers)
        text = json.dumps(results, indent=1, ensure_ascii=False) + "\n"
        (asked.json or RESULTS).write_text(text, "utf-8")
    if asked.json is None:
        PAGE.write_text(page(json.loads(RESULTS.read_text("utf-8"))), "utf-8")


def run(
    libraries: list[Library], chosen: list[str] | None, workers: int
) -> dict[str, Any]:
    """Every scenario with every library."""
    scenarios = [x for x in SCENARIOS if not chosen or x.id in chosen]

    def cell(of: tuple[Scenario, Library]) -> str:
        found = observe(*of)
        print(f"{of[0].id} · {of[1].name}: {found}", flush=True)
        return found

    with ThreadPoolExecutor(workers) as pool:
        found = iter(pool.map(cell, [(x, y) for x in scenarios for y in libraries]))
    rows = [
        {
            "id": scenario.id,
            "group": scenario.group,
            "title": scenario.title,
            "cells": {each.name: next(found) for each in libraries},
        }
        for scenario in scenarios
    ]
    return {
        "made_on": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        "machine": f"{platform.system()} {platform.machine()},"
        f" Python {platform.python_version()}",
        "timeout": TIMEOUT,
        "exceptions": list(EXCEPTIONS),
        "versions": {each.name: each.version for each in libraries},
        "rows": rows,
    }


if __name__ == "__main__":
    main()
