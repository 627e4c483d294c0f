"""What may go wrong with a stream, drawn at random."""

from __future__ import annotations

from hypothesis import strategies as st

from unified_exchanges.simulator.faults import StreamFault

__all__ = [
    "OF_COMMANDS",
    "OF_CONNECTIONS",
    "OF_FIELDS",
    "OF_FRAMES",
    "OF_SUBSCRIPTIONS",
]

FRAMES = "orderbook_snapshot|orderbook_delta|fill|user_order|market_position"
ANSWERS = "subscribed|ok|unsubscribed|error"

OF_FRAMES = st.builds(
    StreamFault,
    st.sampled_from(["drop", "duplicate", "reorder", "delay", "skip", "drop"]),
    frame=st.sampled_from([FRAMES, FRAMES, "fill|user_order", ANSWERS, ".*"]),
    nth=st.integers(1, 6),
    count=st.sampled_from([1, 3, None]),
    probability=st.sampled_from([1.0, 0.3]),
    seconds=st.sampled_from([0.3, 2.0, 8.0]),
    places=st.integers(1, 3),
)
OF_FIELDS = st.builds(
    StreamFault,
    st.sampled_from(["alter", "strip", "truncate", "insert"]),
    frame=st.just(FRAMES),
    nth=st.integers(1, 6),
    count=st.sampled_from([1, 2]),
    field=st.sampled_from(["msg.side", "msg.delta_fp", "seq", "msg.status"]),
)
OF_CONNECTIONS = st.builds(
    StreamFault,
    st.sampled_from(["close", "reset", "silence", "half_open"]),
    frame=st.sampled_from([FRAMES, ".*"]),
    nth=st.integers(1, 20),
    count=st.sampled_from([1, 2, 5]),
    seconds=st.sampled_from([3.0, 20.0]),
    pings=st.booleans(),
    pongs=st.booleans(),
)
OF_SUBSCRIPTIONS = st.builds(
    StreamFault,
    st.just("fail"),
    frame=st.just(FRAMES),
    code=st.sampled_from([10, 25]),
    nth=st.integers(1, 10),
)
OF_COMMANDS = st.builds(
    StreamFault,
    st.sampled_from(["ignore", "refuse"]),
    frame=st.sampled_from(["subscribe", "update_subscription", ".*"]),
    code=st.sampled_from([18, 27, 1]),
)
