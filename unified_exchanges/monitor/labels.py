"""Words for what is measured: few of each kind, and none that tells an address."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final
from urllib.parse import urlsplit

from ..description import Environment

__all__ = ["environment_label", "outcome_of"]

_LOCAL: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_THROTTLED: Final = 429
_FAILED: Final = 500
_REFUSED: Final = 400


def outcome_of(status: int) -> str:
    """How a request ended, by the status of its answer.

    >>> [outcome_of(status) for status in (201, 404, 429, 503)]
    ['ok', 'refused', 'throttled', 'failed']
    """
    if status < _REFUSED:
        return "ok"
    if status == _THROTTLED:
        return "throttled"
    return "refused" if status < _FAILED else "failed"


def environment_label(environment: Environment, known: Collection[str]) -> str:
    """A word for an environment: never its address, which may be anything.

    >>> environment_label(Environment(name="http://127.0.0.1:8790", rest="…"), ["demo"])
    'local'
    """
    if environment.name in known:
        return environment.name
    is_local = urlsplit(environment.name).hostname in _LOCAL
    return "local" if is_local else "custom"
