"""What is told in the place of a message of which a recording has an outline alone.

It can be read no better, and so whoever is told it finds what is missed as live: the stream
of a program that replays, and the decoder of what was recorded.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from .leaving import read_command
from .stream import frames
from .stream.channels import Channel
from .stream.misreading import KINDS, market_of

__all__ = ["in_its_place", "is_command"]

_ANSWERS: Final = frozenset({"subscribed", "unsubscribed", "ok"})
"""Of these an outline has all that matters."""
_encode: Final = msgspec.json.Encoder().encode


def is_command(outline: bytes) -> bool:
    """Whether it says all of what was asked but for names of markets.

    It has lists only then; without, what is granted says which markets there are.
    """
    try:
        command = read_command(outline)
    except (ValueError, RecursionError):
        return False
    return bool(command.cmd and command.params.market_tickers)


def in_its_place(
    outline: bytes, channels: Mapping[int, Channel | None]
) -> list[bytes] | None:
    """Frames that say what an outline does; ``channels`` are those of subscriptions.

    None where nobody knows what it was: a message of any subscription, or of none.
    """
    try:
        told = frames.decode_envelope(outline)
    except (ValueError, RecursionError):
        return None
    if told.type in _ANSWERS:
        return [outline]
    market_id = market_of(bytes(told.msg))
    if told.sid is None:
        # What tells something bears the number of its subscription.
        is_known = told.type in KINDS or told.seq is not None or market_id is not None
        return None if is_known else []
    kind, channel = told.type, channels.get(told.sid)
    if kind not in KINDS and channel is not None:
        # Of whatever kind it was: they are of one subject.
        kind = channel.types[-1] if channel.types else kind
    lost: dict[str, Any] = {"type": kind, "sid": told.sid}
    if told.seq is not None:
        lost["seq"] = told.seq
    if market_id is not None:
        lost["msg"] = {"market_ticker": market_id}
    # No message can be read with that, whatever else it lacks.
    return [_encode({**lost, "sending_ts_ms": "withheld"})]
