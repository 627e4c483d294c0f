"""The page of the documentation, from the observations."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Any

__all__ = ["page"]

HEAD = """# Proof: the same faults, three libraries

This page is generated: `python benchmarks/peers` runs every scenario below against each
library, writes what it observes into `benchmarks/peers/results.json`, and renders this page
from that file. Nothing in the tables is written by hand, and no cell is an opinion: it says
what the caller was told, and what was then found at the venue.

The venue is [the simulated Kalshi](simulated.md) on a real socket of the same machine, with
faults injected on the wire; it keeps count of what arrives. Each cell has a fresh venue and a
fresh process of the library; the others are installed into virtual environments of their own.
Every library waits {timeout:g} s for an answer. Everything else is its default, except that

{exceptions}

| | |
|---|---|
| Generated | {made_on} |
| On | {machine} |
{versions}

Later versions may behave otherwise. ccxt's Kalshi is that of its `prediction` namespace, which
is async only; pykalshi is its blocking client. If you maintain one of these libraries and a
cell is wrong or unfair, its scenario is a few lines in `benchmarks/peers/scenarios.py`: tell
us, and it is run again.
"""

TAIL = """
## What every adapter of this library must pass

The same faults, and more, are test classes in `unified_exchanges.testing.conformance`. Every
venue runs them in both flavours, and you can run them on an adapter of your own:
`ADDING_A_VENUE.md` in the repository says how. Adapters that are wrong on purpose show that
the scenarios can fail.
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
        exceptions="\n".join(f"- {each}" for each in results["exceptions"]),
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
