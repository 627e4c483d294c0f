"""Replay: a recording answers in place of a venue, and no socket is ever opened."""

from __future__ import annotations

from .answers import Answers
from .attendance import Turn
from .clock import ReplayClock
from .player import Audience, Player
from .source import Source, load
from .timeline import Timeline
from .transport import AsyncReplayTransport, ReplayTransport

__all__ = [
    "Answers",
    "AsyncReplayTransport",
    "Audience",
    "Player",
    "ReplayClock",
    "ReplayTransport",
    "Source",
    "Timeline",
    "Turn",
    "load",
]
