"""The simulated Kalshi in a process of its own: calm or storm, as standard input says.

It prints where it is and the key of its account, then an answer for each line it reads.
"""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from decimal import Decimal
from random import Random

from unified_exchanges.simulator.faults import FaultPlan, StreamFault, StreamPlan
from unified_exchanges.simulator.faults.requests import unavailable
from unified_exchanges.simulator.orderflow import FlowSettings
from unified_exchanges.simulator.server import SimulatorServer
from unified_exchanges.venues.kalshi.simulated import SimulatedKalshi, generate_key

PRIVATE = "fill|user_order|market_position"


def often(kind: str, probability: float, **more: object) -> StreamFault:
    return StreamFault(kind, probability=probability, count=None, **more)  # type: ignore[arg-type]


def storm() -> list[StreamFault]:
    """What may happen to a frame; at 2,000 a second 0.00005 is every 10 seconds."""
    return [
        often("drop", 0.05, frame=PRIVATE),
        often("duplicate", 0.05, frame=PRIVATE),
        often("reorder", 0.05, frame=PRIVATE, places=3, seconds=0.5),
        often("drop", 0.00004),
        often("skip", 0.00004, frame="orderbook_delta|trade", places=2),
        often("duplicate", 0.00004),
        often("reorder", 0.00004, places=3, seconds=0.5),
        often("delay", 0.00005, seconds=0.3),
        often("truncate", 0.00002),
        often("fail", 0.00002, frame="orderbook_delta", code=25),
        often("close", 0.00003),
        often("reset", 0.00001),
        often("silence", 0.00001, seconds=6.0),
        often("half_open", 0.00001, seconds=6.0),
        often("ignore", 0.01),
        often("refuse", 0.01, code=27),
    ]


def main() -> None:
    """Serve until standard input ends."""
    seed, actions = int(sys.argv[1]), float(sys.argv[2])
    kalshi = SimulatedKalshi(
        seed=seed,
        lively=True,
        enforce_limits=False,
        # Wide steps over many levels: the most frames for the venue's own work.
        flow=FlowSettings(
            actions_per_second=actions, levels=10, wander=80, catch_up_seconds=1
        ),
    )
    pair = generate_key("ed25519")
    key = kalshi.add_account(
        public_key=pair.public_key, cash=dict.fromkeys(range(4), Decimal(1_000_000))
    )
    upgrades = unavailable(503, path="/ws/", probability=0.2, count=None)
    faults = StreamPlan(rng=Random(seed))
    server = SimulatorServer(
        kalshi,
        stream_faults=faults,
        faults=FaultPlan([upgrades], rng=Random(seed)),
        heartbeat=1.0,
    )
    with server:
        _answer(
            url=f"{server.url}/trade-api/v2",
            api_key=key.key_id,
            private_key=pair.private_pem,
        )
        for line in sys.stdin:
            if line.strip() == "storm":
                for fault in storm():
                    faults.add(fault)
                kalshi._house.lively = True
            else:
                faults.clear()
                # What was lost last is seen by what comes after it.
                time.sleep(1)
                with server.lock:
                    kalshi._house.lively = False
            _answer(struck=Counter(fault.kind for fault, _ in faults.struck))


def _answer(**told: object) -> None:
    sys.stdout.write(json.dumps(told) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
