"""Processes that are killed while they place an order: none lost, none doubled."""

from __future__ import annotations

import sqlite3
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

import pytest

from .stage import Stage, performed, stage

UNWRITTEN = ("unwritten", "writing")
LOST = ("written", "unsent", "half sent", "vanishes")
THERE = ("arrives", "answered", "received", "unconcluded", "concluding")
KNOWN = ("concluded",)
STEPS = UNWRITTEN + LOST + THERE + KNOWN
FLAVOURS = ("blocking", "async")
VENUES = ("kalshi", "polymarket")
TIMES = 9
"""Kills at each step in each flavour: 216."""
AT_RANDOM = 16
TOGETHER = 24
"""Journals that one new process looks through."""
PATIENT = {"order_deadline": 60.0, "order_grace": 0.5}
"""What is found out takes two seconds at the least: a busy machine has little left of four
for the order that waits for it."""

pytestmark = [
    pytest.mark.skipif(not hasattr(__import__("os"), "fork"), reason="forks"),
    pytest.mark.timeout(300),
]


def rows(journal: Path) -> dict[str, tuple[str, str | None]]:
    """State and order id by client order id, as the file has them."""
    if not journal.exists():
        return {}
    with sqlite3.connect(journal) as file:
        found = file.execute("SELECT client_order_id, state, order_id FROM intents")
        told = {key: (state, order_id) for key, state, order_id in found}
    file.close()
    return told


def kills(at: Stage, folder: Path) -> list[dict[str, Any]]:
    """Every step in both flavours, several times, and some at any time at all."""
    rng = Random(12)
    chosen = [(f, step) for step in STEPS for f in FLAVOURS for _ in range(TIMES)]
    made = [{**at.common, "flavour": flavour, "step": step} for flavour, step in chosen]
    made += [
        {
            **at.common,
            "flavour": FLAVOURS[n % 2],
            "step": "random",
            "after": rng.uniform(0.002, 0.022),
        }
        for n in range(AT_RANDOM)
    ]
    rng.shuffle(made)
    for number, one in enumerate(made):
        one |= {"number": number, "journal": str(folder / f"{number}.db")}
    return made


def table(told: Counter[tuple[str, str]]) -> str:
    """How many were killed where."""
    lines = [f"{told.total()} processes died of SIGKILL within a create:"]
    for step in (*STEPS, "random"):
        each = ", ".join(f"{told[x, step]:2} {x}" for x in FLAVOURS)
        lines.append(f"  {step:12} {each}")
    return "\n" + "\n".join(lines) + "\n"


def looked_through(commands: Sequence[dict[str, Any]]) -> list[Any]:
    """What new processes found out, each of several journals; they must not fail."""
    groups = [commands[n : n + TOGETHER] for n in range(0, len(commands), TOGETHER)]
    ends = performed([{"restarts": list(group)} for group in groups])
    assert [x for x in ends if "result" not in x] == []
    return [report for end in ends for report in end["result"]]


@pytest.mark.parametrize("venue_id", VENUES)
def test_fault_12_200_processes_killed_anywhere_lose_no_order_and_double_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], venue_id: str
) -> None:
    with stage(venue_id, order_deadline=4.0, order_grace=0.5) as at:
        orders = kills(at, tmp_path)
        ends = performed(orders)
        # Who was not killed, or not within its create, counts for nothing.
        killed = [
            (order["flavour"], order["step"])
            for order, end in zip(orders, ends, strict=True)
            if end["killed"] and "is_late" not in end
        ]
        told = Counter(killed)
        with capsys.disabled():
            sys.stdout.write(table(told))
        at_steps = {told[flavour, step] for flavour in FLAVOURS for step in STEPS}
        assert at_steps == {TIMES}
        assert len(killed) >= 200
        sent = Counter(at.venue.creates)
        found = looked_through(
            [
                {
                    **o,
                    "by_itself": o["number"] % 4 == 0,
                    "step": "later",
                    "retry": PATIENT,
                }
                for o in orders
            ]
        )
        # Nothing is ever sent again.
        later = {key for key in at.venue.creates if key.startswith("later")}
        assert Counter(
            {k: n for k, n in at.venue.creates.items() if k not in later}
        ) == (sent)
        venue = at.placed()
        assert [ids for ids in venue.values() if len(ids) != 1] == []
        for order, end, report in zip(orders, ends, found, strict=True):
            judge(order, end, report, venue)
        keys = {end["key"] for end in ends}
        assert set(venue) - keys - later == set()


def judge(order: dict[str, Any], end: dict[str, Any], report: Any, venue: Any) -> None:
    """One that was killed: how its intent ended is what the venue knows."""
    key, step = end["key"], order["step"]
    told = rows(Path(order["journal"]))
    assert report["left"] == []
    if key not in told:
        assert step in (*UNWRITTEN, "random")
        assert key not in venue
        return
    state, order_id = told[key]
    assert (state, [order_id]) == (
        ("placed", venue[key]) if key in venue else ("absent", [None])
    )
    if step != "random":
        assert step in (LOST if state == "absent" else (*THERE, *KNOWN))
    if "new" in report:
        assert told[report["new"]] == ("placed", venue[report["new"]][0])
        return
    expected = {"found": [], "absent": [], "unknown": []}
    if step in LOST:
        expected["absent"] = [key]
    if step in THERE:
        expected["found"] = [key]
    if step != "random":
        assert {name: report[name] for name in expected} == expected


@pytest.mark.parametrize("venue_id", VENUES)
def test_fault_12_processes_that_share_a_file_are_all_found_out_by_one(
    tmp_path: Path, venue_id: str
) -> None:
    steps = ("written", "half sent", "arrives", "answered", "received", "concluded")
    with stage(venue_id, order_deadline=6.0, order_grace=0.5) as at:
        herds: list[dict[str, Any]] = [
            {
                "herd": [
                    {
                        **at.common,
                        "flavour": "blocking",
                        "step": step,
                        "first": True,
                        "number": number,
                        "journal": str(tmp_path / f"{herd}.db"),
                    }
                    for number, step in enumerate(steps)
                ],
            }
            for herd in range(4)
        ]
        ends = performed(herds)
        assert [x for herd in ends for x in herd if not x["killed"]] == []
        reports = looked_through(
            [{**h["herd"][0], "by_itself": False, "step": "later"} for h in herds]
        )
        venue = at.placed()
        for herd, told in zip(herds, reports, strict=True):
            assert told["unknown"] == told["left"] == []
            states = rows(Path(herd["herd"][0]["journal"]))
            there = {key: ("placed", venue[key][0]) for key in states if key in venue}
            gone = {key: ("absent", None) for key in states if key not in venue}
            assert states == there | gone
            assert len(there) == len(steps) + 4
        assert [ids for ids in venue.values() if len(ids) != 1] == []
