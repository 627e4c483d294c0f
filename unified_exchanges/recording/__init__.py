"""Recordings: what a venue was asked and what it told, line by line, as it came."""

from __future__ import annotations

from .format import (
    FORMAT,
    Body,
    Closed,
    DamagedRecording,
    End,
    Frame,
    Header,
    Line,
    Opened,
    Rest,
    Torn,
    Unanswered,
    Withheld,
)
from .reading import read
from .recorder import Recorder, RecordingFailed, RecordingProgress

__all__ = [
    "FORMAT",
    "Body",
    "Closed",
    "DamagedRecording",
    "End",
    "Frame",
    "Header",
    "Line",
    "Opened",
    "Recorder",
    "RecordingFailed",
    "RecordingProgress",
    "Rest",
    "Torn",
    "Unanswered",
    "Withheld",
    "read",
]
