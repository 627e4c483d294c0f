"""Kalshi's further words of a subscription, checked before anything is sent.

Which channel has which is in `channels`, as documented (asyncapi 2.0.0 and its changes up
to 2026-10).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NoReturn, TypeAlias

from ....errors import ArgumentsRequired, BadRequest
from ..arguments import refuse_unknown
from .channels import Channel

__all__ = ["Parameter", "check_same", "read_parameters"]

Parameter: TypeAlias = "str | int | bool | list[str]"
"""What a word of a subscription may say."""

_ARGUMENTS: Final = frozenset(
    {"channels", "market_id", "market_ids", "market_ticker", "market_tickers"}
)
_DEFAULTS: Final[dict[str, object]] = {
    "send_initial_snapshot": True,
    "skip_ticker_ack": False,
    "user_filter": "",
}
"""What is meant by leaving a word out; the first is this library's own."""

_FILTERS: Final = ("", "self")
_MOST_SHARDS: Final = 100


def read_parameters(channel: Channel, given: object) -> dict[str, object]:
    """Read the words for one channel; those that say what is meant anyway are left out.

    Whatever is wrong raises `BadRequest`, a channel that would tell nothing without one
    `ArgumentsRequired`.
    """
    if given is not None and not isinstance(given, Mapping):
        message = (
            f"params is a mapping of Kalshi's words to values, not {given!r}: such as "
            '{"user_filter": "self"}'
        )
        raise BadRequest(message, venue="kalshi")
    words: dict[str, object] = {}
    for name, value in dict(given or {}).items():
        read = _read(channel, name, value)
        if read != _DEFAULTS.get(name):
            words[name] = read
    _check_shards(channel, words)
    needed = channel.needed
    if needed is not None and needed not in words:
        message = (
            f'{channel.name} tells only what is named: pass params={{"{needed}": [...]}}, '
            'or ["all"]'
        )
        raise ArgumentsRequired(message, venue="kalshi")
    return words


def check_same(
    channel: str, followed: Mapping[str, object], words: Mapping[str, object]
) -> None:
    """Refuse other words than those with which a channel is followed already.

    One connection has one subscription of each channel, so that they would hold for who
    came first as well.
    """
    if followed == words:
        return
    message = (
        f"{channel} is followed with params={dict(followed)!r} already, and cannot be with "
        f"{dict(words)!r} too: unsubscribe({channel!r}) first, or use another connection"
    )
    raise BadRequest(message, venue="kalshi")


def _read(channel: Channel, name: object, value: object) -> object:
    if name in _ARGUMENTS:
        _refuse(f"params may not hold {name}: use the method's arguments")
    if name == "use_yes_price":
        _refuse(
            "params may not hold use_yes_price: books are read with it, so it is on"
        )
    refuse_unknown(f"params of {channel.name}", name, channel.parameters)
    kind = channel.parameters[str(name)]
    if kind is list:
        return _read_names(str(name), value)
    if type(value) is not kind:
        _refuse(f"params {name}={value!r} must be {kind.__name__}")
    if name == "user_filter" and value not in _FILTERS:
        _refuse(f"params user_filter={value!r} is neither 'self' nor ''")
    return value


def _read_names(name: str, value: object) -> list[str]:
    """Names without an order; each once."""
    names = list(value) if isinstance(value, list | tuple) else []
    if not names or any(type(x) is not str or not x for x in names):
        _refuse(f"params {name}={value!r} must be a list of names, of at least one")
    return sorted(set(names))


def _check_shards(channel: Channel, words: Mapping[str, object]) -> None:
    if "shard_factor" not in channel.parameters:
        return
    factor, key = words.get("shard_factor"), words.get("shard_key")
    if factor is None and key is not None:
        _refuse(f"params shard_key={key!r} needs shard_factor, the number of shards")
    if isinstance(factor, int) and factor not in range(1, _MOST_SHARDS + 1):
        _refuse(f"params shard_factor={factor!r} is not from 1 to {_MOST_SHARDS}")
    if isinstance(factor, int) and key is not None and key not in range(factor):
        _refuse(f"params shard_key={key!r} is not from 0 to {factor - 1}")


def _refuse(message: str) -> NoReturn:
    raise BadRequest(message, venue="kalshi")
