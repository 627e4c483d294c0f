"""The page of the documentation, from the observations."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Any

__all__ = ["page"]

HEAD = """# Proof: the same faults, three libraries

This page is generated: `python benchmarks/peers` runs every scenario below against each library, writes
what it observes into `benchmarks/peers/results.json`, and renders this page from that file. Nothing in
the table is written by hand, and no cell is an opinion: it says what the caller was told and what was then
found at the venue.

The venue is [the simulated Kalshi](simulated.md) on a real socket of the same machine, with
faults injected on the wire; it keeps count of what arrives. Each cell has a fresh venue and a fresh
process of the library, in a virtual environment of its own. Every library waits {timeout:g} s for an answer;
everything else is its default, except: {exceptions}.

| | |
|---|---|
| Generated | {made_on} |
| On | {machine} |
{versions}

A version later than those may behave otherwise. If you maintain one of these libraries and a cell is wrong or
unfair, the scenario is a few lines in `benchmarks/peers/scenarios.py`: tell us, and it will be run again.
"""

TAIL = """
## What each adapter of this library must pass

The same faults, and more, are test classes in `unified_exchanges.testing.conformance`, which every venue
runs in both flavours, and which you can run on an adapter of your own: see
[adding a venue](https://github.com/unified-exchanges/unified_exchanges/blob/main/ADDING_A_VENUE.md). Adapters that are wrong on
purpose show that the scenarios can fail.
"""


def page(results: dict[str, Any]) -> str:
    """The whole page."""
    return "\n".join(_lines(results)) + "\n"


def _lines(results: dict[str, Any]) -> Iterator[str]:
    versions = "\n".join(
        f"| {name} | {version} |" for name, version in results["versions"].items()
    )
    yield HEAD.format(
        timeout=results["timeout"],
        exceptions="; ".join(results["exceptions"]),
        made_on=results["made_on"],
        machine=results["machine"],
        versions=versions,
    ).rstrip()
    names = list(results["versions"])
    for group, rows in groupby(results["rows"], lambda row: row["group"]):
        yield f"\n## {group}\n"
        yield _row(["Scenario", *names])
        yield _row(["---"] * (len(names) + 1))
        for row in rows:
            yield _row([row["title"], *(row["cells"].get(n, "not run") for n in names)])
    yield TAIL.rstrip()


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"
