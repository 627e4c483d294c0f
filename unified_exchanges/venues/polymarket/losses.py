"""Whether an outline is enough to say what is missed of a message of which there is no more."""

from __future__ import annotations

from typing import Final

import msgspec

from .stream import frames

__all__ = ["says_what"]

_KINDS: Final = frozenset(str(kind.__struct_config__.tag) for kind in frames.FRAMES)
_read: Final = msgspec.json.Decoder(list[frames.Envelope] | frames.Envelope).decode


def says_what(outline: bytes) -> bool:
    """Whether it tells the kinds of all that was in the message.

    No message can be made of an outline, and so a stream that is told it loses what that
    may have changed, as live.
    """
    try:
        told = _read(outline)
    except (ValueError, RecursionError):
        return False
    parts = told if isinstance(told, list) else [told]
    return all(part.event_type in _KINDS for part in parts)
