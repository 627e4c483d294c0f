"""A fault that could never strike is refused, lest its test passes without it."""

from __future__ import annotations

from typing import Any

import pytest

from unified_exchanges.simulator.faults import Fault, StreamFault

WRONG: list[dict[str, Any]] = [
    {"kind": "429"},
    {"nth": 0},
    {"every": 0},
    {"count": 0},
    {"probability": 5},
    {"probability": 0},
]


@pytest.mark.parametrize("words", [*WRONG, {"path": "("}])
def test_a_fault_of_requests_is_checked(words: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"kind|at least 1|probability|regular"):
        Fault(**{"kind": "drop", **words})


@pytest.mark.parametrize("words", [*WRONG, {"frame": "("}])
def test_a_fault_of_streams_is_checked(words: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"kind|at least 1|probability|regular"):
        StreamFault(**{"kind": "drop", **words})
