"""Frames that are not as the venue wrote them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, TypeAlias

from .frames import Frame, NotText, StreamFault

__all__ = ["REWRITES", "renumbered"]

_Rewrite: TypeAlias = Callable[[str, StreamFault], Frame]


def renumbered(text: str, shift: int) -> str:
    """The frame with its ``seq`` so much higher."""
    if not shift:
        return text
    read = json.loads(text)
    if "seq" not in read:
        return text
    read["seq"] += shift
    return _text(read)


def _altered(text: str, fault: StreamFault) -> Frame:
    read = json.loads(text)
    holder, name = _place(read, fault.field)
    holder[name] = fault.value
    return _text(read)


def _stripped(text: str, fault: StreamFault) -> Frame:
    read = json.loads(text)
    holder, name = _place(read, fault.field)
    holder.pop(name, None)
    return _text(read)


def _inflated(text: str, fault: StreamFault) -> Frame:
    read = json.loads(text)
    holder, name = _place(read, "msg.padding")
    holder[name] = "x" * fault.size
    return _text(read)


def _binary(text: str, _: StreamFault) -> Frame:
    return text.encode()


def _garbled(text: str, _: StreamFault) -> Frame:
    return NotText(b"\xff\xfe" + text.encode())


def _truncated(text: str, fault: StreamFault) -> Frame:
    return text[: fault.keep]


REWRITES: dict[str, _Rewrite] = {
    "alter": _altered,
    "strip": _stripped,
    "binary": _binary,
    "garble": _garbled,
    "truncate": _truncated,
    "inflate": _inflated,
}
"""By the kind of the fault."""


def _place(frame: Any, field: str) -> tuple[dict[str, Any], str]:
    """Where a field is, or would be: in the frame itself when its parents are not.

    Of several objects in one frame it is the first one's.
    """
    *parents, name = field.split(".")
    holder: dict[str, Any] = frame[0] if isinstance(frame, list) else frame
    for parent in parents:
        inner = holder.get(parent)
        holder = inner if isinstance(inner, dict) else holder
    return holder, name


def _text(frame: Any) -> str:
    return json.dumps(frame, separators=(",", ":"), ensure_ascii=False)
