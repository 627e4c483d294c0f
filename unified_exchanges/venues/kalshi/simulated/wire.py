"""How the simulated Kalshi writes numbers and times, and reads bodies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import ROUND_FLOOR, ROUND_HALF_EVEN, Context, Decimal
from functools import lru_cache
from typing import Any, TypeAlias
from uuid import NAMESPACE_URL, uuid5

import msgspec

from ....money import EXACT, ZERO, read_number, text
from .errors import Failure, bad_request, nested, no_content_type, unfit

__all__ = [
    "JSON",
    "SECOND",
    "Fields",
    "Payload",
    "bare",
    "centicents",
    "cents",
    "contracts",
    "dollars",
    "encode",
    "floored",
    "instant",
    "market_uuid",
    "money",
    "read_body",
    "read_contracts",
    "read_price",
    "rounded",
    "whole_seconds",
]

Payload: TypeAlias = dict[str, Any]
Fields: TypeAlias = Mapping[str, str]

JSON = "application/json"
SECOND = 1_000_000
"""Microseconds."""

_ENCODER = msgspec.json.Encoder(decimal_format="number")
_HALF_EVEN = Context(prec=60, rounding=ROUND_HALF_EVEN)
_FLOOR = Context(prec=60, rounding=ROUND_FLOOR)
_MICRO = Decimal("0.000001")
_BASIS = Decimal("0.0001")
_KINDS: dict[str, type | tuple[type, ...]] = {
    "string": str,
    "int": int,
    "bool": bool,
    "array": list,
}


def encode(payload: object) -> bytes:
    """JSON; a Decimal in it is a JSON number, as multipliers and strikes are."""
    return _ENCODER.encode(payload)


def dollars(amount: Decimal) -> str:
    """A price: four decimals or as many as it has."""
    return text(amount, 4)


def money(amount: Decimal) -> str:
    """A cost or a fee: six decimals."""
    return text(rounded(amount), 6)


def rounded(amount: Decimal) -> Decimal:
    """To six decimals, half to even: averages have more."""
    return _HALF_EVEN.quantize(amount, _MICRO)


def floored(amount: Decimal) -> Decimal:
    """To four decimals, towards minus infinity: what can be moved."""
    return _FLOOR.quantize(amount, _BASIS)


def contracts(size: Decimal) -> str:
    """A size: two decimals."""
    return text(size, 2)


def cents(amount: Decimal) -> int:
    """Whole cents, cut off as the venue does."""
    return int(_FLOOR.to_integral_value(EXACT.scaleb(amount, 2)))


def centicents(amount: int) -> Decimal:
    """Dollars of a number of hundredths of a cent."""
    return EXACT.scaleb(Decimal(amount), -4)


def instant(time_us: int) -> str:
    """RFC 3339 in UTC with the fraction's trailing zeros dropped."""
    seconds, micros = divmod(time_us, SECOND)
    if not micros:
        return f"{_second(seconds)}Z"
    return f"{_second(seconds)}.{f'{micros:06d}'.rstrip('0')}Z"


@lru_cache(maxsize=8192)
def market_uuid(ticker: str) -> str:
    """The UUID of a market, beside its ticker: derived from it (invented)."""
    return str(uuid5(NAMESPACE_URL, ticker))


def whole_seconds(time_us: int) -> int:
    """Unix seconds."""
    return time_us // SECOND


@lru_cache(maxsize=8192)
def _second(seconds: int) -> str:
    moment = datetime.fromtimestamp(seconds, UTC)
    return moment.replace(tzinfo=None).isoformat()


def bare(payload: Mapping[str, Any]) -> Payload:
    """Without the fields that are None: the venue leaves them out."""
    return {name: value for name, value in payload.items() if value is not None}


def read_body(
    headers: Mapping[str, str], body: bytes | None, struct: str, fields: Fields
) -> Payload:
    """A JSON object whose known fields have their types; unknown ones are dropped.

    ``fields`` maps a name to ``kind`` or ``kind!`` (required), kinds being string, int,
    bool and array.
    """
    if not body or not headers.get("content-type", "").startswith(JSON):
        raise no_content_type()
    try:
        read = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise bad_request(f"invalid JSON: {error}") from error
    if not isinstance(read, dict):
        raise bad_request(_mismatch(read, f"value of type {struct}"))
    return read_object(read, struct, fields)


def read_object(read: Mapping[str, Any], struct: str, fields: Fields) -> Payload:
    """The known fields of an object, checked in the order in which they were sent."""
    known = {}
    for name, value in read.items():
        kind = fields.get(name, "").rstrip("!")
        if not kind or value is None:
            continue
        known[name] = _typed(value, kind, f"{struct}.{name}")
    lacking = [n for n, k in fields.items() if k.endswith("!") and n not in known]
    if lacking:
        # Which code a missing field gets was never recorded: invented.
        raise unfit(f"{lacking[0]} is required")
    return known


def read_objects(
    read: Sequence[Any], struct: str, fields: Fields
) -> list[Payload | Failure]:
    """The objects of an array, or what is wrong with them; types are strict at once."""
    found: list[Payload | Failure] = []
    for item in read:
        if not isinstance(item, dict):
            raise bad_request(_mismatch(item, f"field {struct} of type struct"))
        try:
            found.append(read_object(item, struct, fields))
        except Failure as failure:
            if "error" not in failure.payload:
                raise
            found.append(failure)
    return found


def _typed(value: object, kind: str, place: str) -> object:
    wanted = _KINDS[kind]
    boolean = isinstance(value, bool)
    if isinstance(value, wanted) and boolean == (kind == "bool"):
        return value
    named = "[]struct" if kind == "array" else kind
    raise bad_request(_mismatch(value, f"field {place} of type {named}"))


def _mismatch(value: object, target: str) -> str:
    # The wording is the recorded one: json: cannot unmarshal number into Go struct ...
    struct = "Go struct " if target.startswith("field") else "Go "
    return f"json: cannot unmarshal {_json_kind(value)} into {struct}{target}"


def _json_kind(value: object) -> str:
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int | float | Decimal):
        return "number"
    if isinstance(value, str):
        return "string"
    return "array" if isinstance(value, list) else "object"


def read_contracts(word: str, *, name: str = "count", least: Decimal = ZERO) -> Decimal:
    """A size of at most two decimals, above ``least``."""
    size = _number(word, name, "invalid_order_size")
    if size <= least or size != round(size, 2):
        raise nested(400, "invalid_order_size", f"{name} must be above {least}")
    return size


def read_price(word: str) -> Decimal:
    """A price in YES dollars; the engine checks the grid."""
    return _number(word, "price", "invalid_price")


def _number(word: str, name: str, code: str) -> Decimal:
    try:
        return read_number(word)
    except ValueError as error:
        raise nested(400, code, f"{name} is not a decimal number") from error
