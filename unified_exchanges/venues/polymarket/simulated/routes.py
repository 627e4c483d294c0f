"""Operations by host, method and path, and a request on its way to one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Literal, TypeAlias
from urllib.parse import unquote

import attrs
import msgspec

from .errors import Failure, bad_request, not_found
from .wallets import ApiKey

if TYPE_CHECKING:
    from .house import House

__all__ = ["HOSTS", "Call", "Host", "Operation", "Routes", "read_json"]

Host: TypeAlias = Literal["gamma", "clob", "data", "relayer"]
HOSTS: tuple[Host, ...] = ("gamma", "clob", "data", "relayer")

Handler: TypeAlias = "Callable[[House, Call], Any]"

_MOST_DIGITS = 15


@attrs.frozen(kw_only=True, slots=True)
class Operation:
    """One entry of an API. ``level`` is who may call: 0 anybody, 1 a signer, 2 a key."""

    host: Host
    method: str
    path: str
    handler: Handler
    level: int = 0
    groups: tuple[str, ...] = ()
    raw: bool = False
    """Whether the answer is text instead of JSON."""


@attrs.define(kw_only=True, slots=True)
class Call:
    """One request, read and let in."""

    operation: Operation
    path: Mapping[str, str]
    query: Mapping[str, list[str]]
    body: bytes
    now_us: int
    headers: Mapping[str, str]
    lag_us: int = 0
    signer: ApiKey | None = None
    extra: dict[str, str] = attrs.field(factory=dict)
    """Headers of the answer."""

    @property
    def key(self) -> ApiKey:
        """Who calls; only for operations of level 2."""
        if self.signer is None:
            raise LookupError(f"{self.operation.path} is open to anybody")
        return self.signer

    def text(self, name: str, default: str = "") -> str:
        """A parameter of the query."""
        values = self.query.get(name)
        return values[0] if values and values[0] else default

    def texts(self, name: str) -> list[str]:
        """A parameter that may be repeated."""
        return [value for value in self.query.get(name, ()) if value]

    def flag(self, name: str) -> bool | None:
        """A truth value; None when it is not asked for."""
        word = self.text(name).lower()
        return {"true": True, "1": True, "false": False, "0": False}.get(word)

    def integer(self, name: str, default: int | None = None) -> int | None:
        """A whole number; a Failure when it is none."""
        word = self.text(name)
        if not word:
            return default
        digits = word.removeprefix("-")
        if not (digits.isascii() and digits.isdigit() and len(digits) <= _MOST_DIGITS):
            raise bad_request(f"invalid {name}")
        return int(word)

    def json(self) -> Any:
        """The body, read."""
        return read_json(self.body)


def read_json(body: bytes) -> Any:
    """JSON of any kind."""
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise bad_request("Invalid order payload") from error


class Routes:
    """All operations, found by host, method and path."""

    def __init__(self, operations: Iterable[Operation]) -> None:
        self.operations = tuple(operations)
        self._fixed: dict[tuple[Host, str], dict[str, Operation]] = {}
        self._open: dict[tuple[Host, int], list[Operation]] = {}
        for operation in self.operations:
            if "{" in operation.path:
                size = operation.path.count("/")
                self._open.setdefault((operation.host, size), []).append(operation)
            else:
                place = (operation.host, operation.path)
                self._fixed.setdefault(place, {})[operation.method] = operation

    def find(
        self, host: Host, method: str, path: str
    ) -> tuple[Operation, dict[str, str]]:
        """The operation and its path parameters, or the 404 or 405."""
        fixed = self._fixed.get((host, path), {})
        if method in fixed:
            return fixed[method], {}
        is_known = bool(fixed)
        for operation in self._open.get((host, path.count("/")), ()):
            values = _match(operation.path, path)
            if values is None:
                continue
            if operation.method == method:
                return operation, values
            is_known = True
        if is_known:
            raise Failure(405, {"error": "method not allowed"})
        raise not_found("not found")


def _match(template: str, path: str) -> dict[str, str] | None:
    values = {}
    for wanted, part in zip(template.split("/"), path.split("/"), strict=True):
        if wanted.startswith("{"):
            if not part:
                return None
            values[wanted[1:-1]] = unquote(part)
        elif wanted != part:
            return None
    return values
