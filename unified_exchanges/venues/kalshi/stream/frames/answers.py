"""Answers to commands, and errors."""

from __future__ import annotations

from ...wire.base import Id, Wire
from .base import Frame

__all__ = [
    "Acknowledged",
    "AcknowledgedMsg",
    "Failed",
    "FailedMsg",
    "Subscribed",
    "SubscribedMsg",
    "Unsubscribed",
]


class SubscribedMsg(Wire, kw_only=True):
    """The channel, and the number of its subscription on this connection."""

    channel: Id
    sid: int


class Subscribed(Frame, kw_only=True, tag="subscribed"):
    """A channel is subscribed."""

    id: int = 0
    msg: SubscribedMsg


class Unsubscribed(Frame, kw_only=True, tag="unsubscribed"):
    """A channel no longer is."""

    id: int = 0


class AcknowledgedMsg(Wire, kw_only=True):
    """All markets of the subscription now; absent where the list is skipped."""

    market_tickers: list[str] | None = None


class Acknowledged(Frame, kw_only=True, tag="ok"):
    """A command was carried out; ``msg`` is a list when subscriptions were asked for."""

    id: int = 0
    msg: AcknowledgedMsg | list[SubscribedMsg] | None = None


class FailedMsg(Wire, kw_only=True):
    """What is wrong, as a code and in words, and perhaps with which markets."""

    code: int
    msg: str = ""
    market_ticker: str | None = None
    market_tickers: list[str] | None = None


class Failed(Frame, kw_only=True, tag="error"):
    """A command was refused, or with ``sid`` alone, something befell a subscription."""

    id: int = 0
    msg: FailedMsg
