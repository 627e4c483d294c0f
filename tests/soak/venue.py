"""A simulated venue in a process of its own: calm or storm, as standard input says.

It prints where it is and the key of its account, then an answer for each line it reads.
"""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from random import Random

from unified_exchanges.simulator.faults import FaultPlan, StreamPlan
from unified_exchanges.simulator.faults.requests import unavailable
from unified_exchanges.simulator.server import SimulatorServer

from .houses import HOUSES


def main() -> None:
    """Serve until standard input ends."""
    name, seed, actions = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
    house = HOUSES[name](seed, actions)
    upgrades = unavailable(503, path="/ws/", probability=0.2, count=None)
    faults = StreamPlan(rng=Random(seed))
    server = SimulatorServer(
        house.venue,
        stream_faults=faults,
        faults=FaultPlan([upgrades], rng=Random(seed)),
        heartbeat=1.0,
    )
    with server:
        _answer(environment=f"{server.url}{house.path}", **house.account)
        for line in sys.stdin:
            if line.strip() == "storm":
                for fault in house.storm():
                    faults.add(fault)
                house.venue._house.lively = True
            else:
                faults.clear()
                # What was lost last is seen by what comes after it.
                time.sleep(1)
                with server.lock:
                    house.venue._house.lively = False
            _answer(struck=Counter(_name(fault) for fault, _ in faults.struck))


def _name(fault: object) -> str:
    kind, pongs = getattr(fault, "kind", ""), getattr(fault, "pongs", False)
    return "freeze" if kind == "silence" and pongs else kind


def _answer(**told: object) -> None:
    sys.stdout.write(json.dumps(told) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
