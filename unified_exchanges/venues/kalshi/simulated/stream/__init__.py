"""The simulated Kalshi's stream: one session per connection, without I/O."""

from __future__ import annotations

from .session import Session, StreamSettings
from .subscriptions import Viewer

__all__ = ["Session", "StreamSettings", "Viewer"]
