"""Commands of the stream as they are read: their ids, their parameters, their markets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs
import msgspec

from ..wire import Payload
from .refusals import Refused

__all__ = ["Choice", "Command", "decode", "read_choice", "read_command", "read_id"]

NAMES = frozenset(
    {"subscribe", "unsubscribe", "update_subscription", "list_subscriptions"}
)
_LARGEST_SHARD_FACTOR = 100


@attrs.frozen(kw_only=True, slots=True)
class Command:
    """One command; its ``command_id`` is None when the client gave none, or 0."""

    command_id: int | None
    name: str
    params: Mapping[str, Any]

    def flag(self, name: str) -> bool:
        """A truth value, false by default."""
        value = self.params.get(name, False)
        if not isinstance(value, bool):
            raise Refused(11)
        return value

    @property
    def channels(self) -> list[str]:
        """The channels to subscribe to."""
        return self._words("channels", 3)

    @property
    def sids(self) -> list[int]:
        """The subscriptions to end."""
        return self._numbers("sids", 4)

    @property
    def sid(self) -> int:
        """The one subscription to update, given as ``sid`` or as ``sids``."""
        numbers = self._numbers("sids", 12) if "sids" in self.params else []
        if "sid" in self.params:
            numbers = [*numbers, _number(self.params["sid"])]
        if len(numbers) != 1:
            raise Refused(12)
        return numbers[0]

    @property
    def action(self) -> str:
        """What to do with a subscription."""
        action = self.params.get("action")
        if not action:
            raise Refused(15)
        if not isinstance(action, str):
            raise Refused(11)
        return action

    def names(self, field: str, code: int | None = None) -> list[str]:
        """What is named in a field; none of it is ``code``, if that is refused."""
        if code is None and self.params.get(field) is None:
            return []
        return self._words(field, 11 if code is None else code)

    def check_shards(self) -> None:
        """Refuse what cannot be a part of the communications channel."""
        factor, key = self.params.get("shard_factor"), self.params.get("shard_key")
        if factor is None and key is not None:
            raise Refused(20)
        if factor is None:
            return
        if _number(factor) < 1:
            raise Refused(19)
        if factor > _LARGEST_SHARD_FACTOR:
            raise Refused(22)
        if not 0 <= _number(0 if key is None else key) < factor:
            raise Refused(21)

    def _words(self, name: str, code: int) -> list[str]:
        values = self.params.get(name)
        if not values:
            raise Refused(code)
        return _strings(values)

    def _numbers(self, name: str, code: int) -> list[int]:
        values = self.params.get(name)
        if not values:
            raise Refused(code)
        if not isinstance(values, list):
            raise Refused(11)
        return [_number(value) for value in values]


@attrs.frozen(kw_only=True, slots=True)
class Choice:
    """The markets that a command names: by ticker or by id, or none."""

    tickers: tuple[str, ...] = ()
    market_ids: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.tickers or self.market_ids)


def decode(data: str | bytes) -> Payload:
    """A frame as an object, or error 1."""
    try:
        read = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeError) as error:
        raise Refused(1) from error
    if not isinstance(read, dict):
        raise Refused(1)
    return read


def read_command(sent: Payload, command_id: int | None) -> Command:
    """The command of an object."""
    name = sent.get("cmd")
    if name not in NAMES:
        raise Refused(5)
    params = sent.get("params")
    if name == "list_subscriptions":
        params = {}
    if params is None:
        raise Refused(2)
    if not isinstance(params, dict):
        raise Refused(11)
    return Command(command_id=command_id, name=str(name), params=params)


def read_id(sent: Payload) -> int | None:
    """The id of a command; 0 is none."""
    command_id = sent.get("id", 0)
    if _number(command_id) < 0:
        raise Refused(11)
    return command_id or None


def read_choice(params: Mapping[str, Any]) -> Choice:
    """The markets named; each way of naming them excludes the others."""
    named = {
        name: _one_or_more(params, name)
        for name in ("market_ticker", "market_tickers", "market_id", "market_ids")
        if params.get(name, "") != ""
    }
    if len(named) > 1:
        raise Refused(11)
    return Choice(
        tickers=named.get("market_ticker", named.get("market_tickers", ())),
        market_ids=named.get("market_id", named.get("market_ids", ())),
    )


def _one_or_more(params: Mapping[str, Any], name: str) -> tuple[str, ...]:
    value = params[name]
    values = value if name.endswith("s") else [value]
    return tuple(dict.fromkeys(_strings(values)))


def _strings(values: object) -> list[str]:
    if not isinstance(values, list) or not all(isinstance(v, str) for v in values):
        raise Refused(11)
    return values


def _number(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise Refused(11)
    return value
