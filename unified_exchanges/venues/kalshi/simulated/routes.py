"""Operations by method and path, and the rules of their query parameters."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import unquote

import attrs

from .accounts import Account
from .authentication import ApiKey
from .errors import bad_parameter, nested, restricted_key, unfit
from .wire import Fields, Payload, read_body

if TYPE_CHECKING:
    from .house import House

__all__ = [
    "PREFIX",
    "Call",
    "Handler",
    "Operation",
    "Parameter",
    "Routes",
    "bounded",
    "choice",
    "flag",
    "integer",
    "limit",
    "read_query",
    "read_request",
    "string",
    "strings",
]

PREFIX = "/trade-api/v2"
_DIGITS = 18

Handler: TypeAlias = "Callable[[House, Call], Payload | None]"


@attrs.frozen(kw_only=True, slots=True)
class Parameter:
    """A query parameter: its kind, its bounds or words, its default."""

    name: str
    kind: str = "string"
    least: int | None = None
    most: int | None = None
    words: tuple[str, ...] = ()
    default: Any = None
    required: bool = False
    repeated: bool = False

    def read(self, operation: str, values: list[str]) -> Any:
        """The value, its default, or the 400 of query validation."""
        if self.repeated:
            return self._read_list(operation, values)
        if not values or not values[0]:
            if self.required:
                raise bad_parameter(operation, self.name, "required")
            return self.default
        return self._read_one(operation, values[0])

    def _read_list(self, operation: str, values: list[str]) -> list[Any]:
        if self.required and not values:
            raise bad_parameter(operation, self.name, "required")
        if self.most is not None and len(values) > self.most:
            raise bad_parameter(operation, self.name, "max")
        one = attrs.evolve(self, repeated=False, most=None, required=True)
        return [one.read(operation, [value]) for value in values]

    def _read_one(self, operation: str, value: str) -> Any:
        if self.kind == "bool":
            return self._read_bool(operation, value)
        if self.words and value not in self.words:
            raise bad_parameter(operation, self.name, "oneof")
        return self._read_int(operation, value) if self.kind == "int" else value

    def _read_bool(self, operation: str, value: str) -> bool:
        if value not in {"true", "false", "1", "0"}:
            raise bad_parameter(operation, self.name, "boolean")
        return value in {"true", "1"}

    def _read_int(self, operation: str, value: str) -> int:
        digits = value.removeprefix("-")
        if not (digits.isascii() and digits.isdigit() and len(digits) <= _DIGITS):
            raise bad_parameter(operation, self.name, "number")
        number = int(value)
        if self.least is not None and number < self.least:
            raise bad_parameter(operation, self.name, "gte")
        if self.most is not None and number > self.most:
            raise bad_parameter(operation, self.name, "lte")
        return number


def string(name: str, *, required: bool = False) -> Parameter:
    """Any text; the empty one is none."""
    return Parameter(name=name, default="", required=required)


def strings(
    name: str, *, most: int, kind: str = "string", required: bool = False
) -> Parameter:
    """A parameter that may be repeated."""
    return Parameter(name=name, kind=kind, most=most, repeated=True, required=required)


def integer(
    name: str,
    *,
    least: int | None = None,
    most: int | None = None,
    required: bool = False,
) -> Parameter:
    """A whole number within bounds."""
    return Parameter(name=name, kind="int", least=least, most=most, required=required)


def limit(default: int, most: int, *, least: int = 1, name: str = "limit") -> Parameter:
    """The length of a page; more than the maximum is refused, not cut."""
    return Parameter(name=name, kind="int", least=least, most=most, default=default)


def choice(name: str, *words: str, default: str = "") -> Parameter:
    """One of some words."""
    return Parameter(name=name, words=words, default=default)


def flag(name: str) -> Parameter:
    """A truth value, false by default."""
    return Parameter(name=name, kind="bool", default=False)


@attrs.frozen(kw_only=True, slots=True)
class Operation:
    """One entry of the API: how it is found, guarded, charged and carried out.

    ``scope`` None: no key is needed. ``shared`` operations concern the whole account and
    are closed to keys bound to a subaccount. ``body`` names the request's structure and
    its fields. ``routed`` writes are charged once they know their shard.
    """

    name: str
    method: str
    path: str
    handler: Handler
    parameters: tuple[Parameter, ...] = ()
    scope: str | None = None
    shared: bool = False
    cost: int = 10
    status: int = 200
    body: Fields | None = None
    struct: str = ""
    routed: bool = False

    @property
    def is_write(self) -> bool:
        """Whether it is paid from the write bucket."""
        return self.method != "GET"


@attrs.define(kw_only=True, slots=True)
class Call:
    """One request on its way to a handler: read, signed and paid for."""

    operation: Operation
    path: Mapping[str, str]
    query: Mapping[str, Any]
    body: Payload
    now_us: int
    lag_us: int = 0
    key: ApiKey | None = None
    holder: Account | None = None

    @property
    def account(self) -> Account:
        """Whose key signed; only for operations with a scope."""
        if self.holder is None:
            raise LookupError(f"{self.operation.name} is open to anybody")
        return self.holder

    def subaccount(self, asked: int | None, *, default: int | None = 0) -> int | None:
        """The subaccount meant: a bound key implies its own and may ask for no other."""
        bound = self.key.subaccount if self.key else None
        if bound is None:
            return default if asked is None else asked
        if asked not in {None, bound}:
            raise restricted_key()
        return bound

    def owned(self, asked: int | None) -> int:
        """Like `subaccount`, 0 by default."""
        return self.subaccount(asked) or 0

    def pay(self, cost: int, shard: int | None = 0) -> None:
        """Charge a write; ``shard`` None is a write that the venue must route."""
        buckets = self.account.buckets
        if buckets is not None:
            buckets.write_tokens(cost, self.now_us, shard)


class Routes:
    """All operations, found by method and path."""

    def __init__(self, operations: Iterable[Operation]) -> None:
        self.operations = tuple(operations)
        self._fixed: dict[str, dict[str, Operation]] = {}
        self._open: dict[int, list[tuple[list[str], dict[str, Operation]]]] = {}
        for operation in self.operations:
            self._add(operation)

    def _add(self, operation: Operation) -> None:
        if "{" not in operation.path:
            self._fixed.setdefault(operation.path, {})[operation.method] = operation
            return
        parts = operation.path.split("/")
        templates = self._open.setdefault(len(parts), [])
        for known, methods in templates:
            if known == parts:
                methods[operation.method] = operation
                return
        templates.append((parts, {operation.method: operation}))

    def find(self, method: str, path: str) -> tuple[Operation, dict[str, str]]:
        """The operation and its path parameters; 404 or 405 otherwise."""
        fixed = self._fixed.get(path, {})
        if method in fixed:
            return fixed[method], {}
        found = bool(fixed)
        parts = path.split("/")
        for template, methods in self._open.get(len(parts), ()):
            values = _match(template, parts)
            if values is None:
                continue
            found = True
            if method in methods:
                return methods[method], values
        # What an unknown path or method is answered with was never recorded: invented.
        raise nested(405, "method_not_allowed") if found else nested(404, "not_found")


def _match(template: list[str], parts: list[str]) -> dict[str, str] | None:
    values = {}
    for wanted, part in zip(template, parts, strict=True):
        if wanted.startswith("{"):
            if not part:
                return None
            values[wanted[1:-1]] = unquote(part)
        elif wanted != part:
            return None
    return values


def read_query(
    operation: Operation, pairs: Iterable[tuple[str, str]]
) -> dict[str, Any]:
    """The parameters of a request; unknown ones are ignored."""
    given: dict[str, list[str]] = {}
    for name, value in pairs:
        given.setdefault(name, []).append(value)
    return {
        rule.name: rule.read(operation.name, given.get(rule.name, []))
        for rule in operation.parameters
    }


def read_request(
    operation: Operation, headers: Mapping[str, str], body: bytes | None
) -> Payload:
    """The body of a request; one is needed wherever the method usually has one."""
    if operation.body is not None:
        return read_body(headers, body, operation.struct, operation.body)
    if operation.method in {"POST", "PUT"}:
        return read_body(headers, body, operation.struct or operation.name, {})
    return {}


def bounded(number: int | None, name: str, least: int, most: int) -> int | None:
    """An optional number of a body within bounds."""
    if number is not None and not least <= number <= most:
        raise unfit(f"{name} must be from {least} to {most}")
    return number
