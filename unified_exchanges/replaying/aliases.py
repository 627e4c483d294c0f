"""Client order ids of a recording, and those that a replay uses in their place."""

from __future__ import annotations

import json
import re
from typing import Any

__all__ = ["Aliases", "terms"]

_IDS = frozenset({"client_order_id", "updated_client_order_id"})
_ID_IN_ANSWER = re.compile(rb'("client_order_id"\s*:\s*)("(?:[^"\\]|\\.)*")')


def terms(body: bytes | None) -> Any:
    """What a request asks for, whatever client order ids it carries."""
    try:
        return _without_ids(json.loads(body or b"null"))
    except ValueError:
        return body


def _without_ids(content: Any) -> Any:
    if isinstance(content, dict):
        return {
            name: _without_ids(value)
            for name, value in content.items()
            if name not in _IDS
        }
    if isinstance(content, list):
        return [_without_ids(part) for part in content]
    return content


class Aliases:
    """The ids of the replaying program, by those that were recorded.

    >>> aliases = Aliases()
    >>> aliases.learn(b'{"client_order_id":"old"}', b'{"client_order_id":"new"}')
    >>> aliases.apply(b'{"order_id":"old", "client_order_id": "old"}')
    b'{"order_id":"old", "client_order_id": "new"}'
    """

    def __init__(self) -> None:
        self._used: dict[str, str] = {}

    def learn(self, recorded: bytes | None, asked: bytes | None) -> None:
        """Pair the ids of a recorded request with those of the one it answers."""
        try:
            self._pair(json.loads(recorded or b"null"), json.loads(asked or b"null"))
        except ValueError:
            return

    def _pair(self, recorded: Any, asked: Any) -> None:
        if isinstance(recorded, dict) and isinstance(asked, dict):
            for name in recorded.keys() & asked.keys():
                if name in _IDS:
                    self._used[str(recorded[name])] = str(asked[name])
                else:
                    self._pair(recorded[name], asked[name])
        elif isinstance(recorded, list) and isinstance(asked, list):
            for one, other in zip(recorded, asked, strict=False):
                self._pair(one, other)

    def of(self, recorded: str) -> str:
        """The program's id in place of one that was recorded, if it has one."""
        return self._used.get(recorded, recorded)

    def apply(self, answer: bytes) -> bytes:
        """An answer with the program's own ids; all else stays as it was, byte by byte."""
        if not self._used:
            return answer

        def own(found: re.Match[bytes]) -> bytes:
            recorded = json.loads(found[2])
            used = self.of(recorded)
            return (
                found[0] if used == recorded else found[1] + json.dumps(used).encode()
            )

        return _ID_IN_ANSWER.sub(own, answer)
