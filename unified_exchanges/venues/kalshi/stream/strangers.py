"""Fields that Kalshi sends and we have never heard of: looked for in samples."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

import msgspec

from . import frames

__all__ = ["unknown_fields"]

_content: Final = msgspec.json.Decoder(dict[str, Any]).decode
_ENVELOPE: Final = frozenset({"type", "id", "sid", "seq", "msg", "sending_ts_ms"})


def _known() -> Iterator[tuple[str, frozenset[str]]]:
    for kind in frames.FRAMES:
        named = {field.name: field.type for field in msgspec.structs.fields(kind)}
        msg: Any = named.get("msg")
        inner = (
            msgspec.structs.fields(msg)
            if isinstance(msg, type) and issubclass(msg, msgspec.Struct)
            else ()
        )
        names = frozenset(x.encode_name for x in inner)
        yield str(kind.__struct_config__.tag), names | frames.IGNORED


_KNOWN: Final = dict(_known())


def unknown_fields(frame: str | bytes) -> Iterable[str]:
    """The names of such fields as ``type.field`` or ``type.msg.field``."""
    content = _content(frame)
    kind = str(content.get("type"))
    yield from (f"{kind}.{name[:60]}" for name in content if name not in _ENVELOPE)
    msg = content.get("msg")
    if isinstance(msg, dict):
        known = _KNOWN[kind]
        yield from (f"{kind}.msg.{name[:60]}" for name in msg if name not in known)
