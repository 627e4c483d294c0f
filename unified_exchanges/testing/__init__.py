"""What tests of trading code are built from; shipped, so that yours can use it.

`scripted` answers requests in memory and moves a virtual clock, `guard` refuses every
socket, and `cassettes` replays recorded answers.  Nothing here is imported by the
library itself.
"""

from __future__ import annotations

from .cassettes import NotRecorded, SuspectedSecret, cassette
from .guard import SocketBlocked, socket_guard
from .scripted import AsyncScriptedTransport, ScriptedTransport

__all__ = [
    "AsyncScriptedTransport",
    "NotRecorded",
    "ScriptedTransport",
    "SocketBlocked",
    "SuspectedSecret",
    "cassette",
    "socket_guard",
]
