"""What the process of the client uses, and what is said of it in the end."""

from __future__ import annotations

import os
import platform
import threading
from collections import Counter
from pathlib import Path

import attrs

from .client import Client

_MEGABYTE = 1024 * 1024


@attrs.define
class Gauge:
    """The most that was used, and what was when all was warm."""

    client: Client
    peak: dict[str, float] = attrs.field(factory=dict)
    warm: dict[str, float] = attrs.field(factory=dict)

    def read(self) -> dict[str, float]:
        found = {
            "rss": _resident(),
            "threads": threading.active_count(),
            "files": sum(1 for _ in Path("/proc/self/fd").iterdir()),
            "tasks": self.client.tasks(),
            "waiting": self.client.waiting(),
        }
        self.warm = self.warm or found
        self.peak = {k: max(v, self.peak.get(k, v)) for k, v in found.items()}
        return found

    def growth(self, name: str) -> float:
        return self.peak[name] - self.warm[name]


def _resident() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / _MEGABYTE


@attrs.define
class Tally:
    """How long it went, and what came in that time."""

    flavour: str
    markets: int
    storm: float = 0.0
    cpu: float = 0.0
    messages: int = 0
    calms: int = 0
    wall: float = 0.0

    def report(self, client: Client, gauge: Gauge, struck: Counter[str]) -> str:
        health, peak = client.health(), gauge.peak
        kinds = ", ".join(f"{kind} {count}" for kind, count in struck.most_common())
        return f"""
{platform.python_implementation()} {platform.python_version()}, {os.cpu_count()} cores, \
flavour {self.flavour}, {self.markets} markets
{self.storm / 60:.1f} minutes of storm in {self.calms} pieces, {self.wall / 60:.1f} in all
{self.messages:,} messages in storms, {self.messages / self.storm:,.0f} a second
{client.told:,} books taken, {health.folded:,} updates folded
{sum(struck.values()):,} faults: {kinds}
{health.connections} connections, {health.gaps} gaps, {health.duplicates} duplicates
{health.missed} orders and fills found over REST, {health.reconciliations} reconciliations
{len(client.fills):,} fills, each once
{len(client.states):,} states of {len(client.orders):,} orders, each once
books equal at {self.calms} calm points
CPU {self.cpu / self.storm:.1%} of one core
RSS {gauge.warm["rss"]:.0f} MB when warm, {peak["rss"]:.0f} MB at most
at most {peak["threads"]:.0f} threads, {peak["tasks"]:.0f} tasks, {peak["files"]:.0f} \
files, {peak["waiting"]:.0f} items waiting
"""
