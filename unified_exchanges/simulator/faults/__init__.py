"""Faults of a simulated venue: what goes wrong, on which occasion, and how it looks.

A `Fault` meets requests, the upgrade of a stream among them; a `StreamFault` meets the
frames of a stream. Both are data in a plan, counted and seeded. `FaultyVenue` and
`FaultyStream` perform them in process, the server performs the same on the wire.
"""

from __future__ import annotations

from .frames import Frame, NotText, StreamFault, StreamKind, StreamPlan
from .requests import (
    Delivery,
    Ending,
    Fault,
    FaultKind,
    FaultPlan,
    Venue,
    redirected,
    tell,
    too_many_requests,
    unavailable,
)
from .streams import FaultyStream
from .venues import FaultyVenue, Moving

__all__ = [
    "Delivery",
    "Ending",
    "Fault",
    "FaultKind",
    "FaultPlan",
    "FaultyStream",
    "FaultyVenue",
    "Frame",
    "Moving",
    "NotText",
    "StreamFault",
    "StreamKind",
    "StreamPlan",
    "Venue",
    "redirected",
    "tell",
    "too_many_requests",
    "unavailable",
]
