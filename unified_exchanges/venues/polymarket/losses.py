"""What an outline says of a message of which there is no more, and whether that is enough."""

from __future__ import annotations

from typing import Final

import msgspec

from .stream import frames

__all__ = ["may_leave", "says_what"]

_KINDS: Final = frozenset(str(kind.__struct_config__.tag) for kind in frames.FRAMES)


class _Said(msgspec.Struct):
    operation: str = ""
    type: str = ""
    assets_ids: list[str] = []


_read_said: Final = msgspec.json.Decoder(_Said).decode
_read: Final = msgspec.json.Decoder(list[frames.Envelope] | frames.Envelope).decode


def may_leave(outline: bytes) -> bool:
    """Whether a message that went out may have given tokens up; nobody acknowledges it.

    What begins a connection says of which kind that is, and no operation.  Of tokens that
    are not in its list nothing can be read anyway.
    """
    try:
        said = _read_said(outline)
    except (ValueError, RecursionError):
        return True
    return said.operation != "subscribe" and not said.type and not said.assets_ids


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
