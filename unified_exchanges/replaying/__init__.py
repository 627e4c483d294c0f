"""Replay: a recording answers in place of a venue, and no socket is ever opened."""

from __future__ import annotations

from .answers import Answers
from .clock import ReplayClock
from .source import Source, load
from .transport import AsyncReplayTransport, ReplayTransport

__all__ = [
    "Answers",
    "AsyncReplayTransport",
    "ReplayClock",
    "ReplayTransport",
    "Source",
    "load",
]
