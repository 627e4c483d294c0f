"""How the simulated Polymarket writes numbers and times, and reads bodies."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Any, TypeAlias

import msgspec

from ....money import EXACT, text

__all__ = [
    "JSON",
    "SECOND",
    "UNIT",
    "Payload",
    "closed_time",
    "dollars",
    "encode",
    "instant",
    "milliseconds",
    "number",
    "rounded",
    "seconds",
    "text",
    "units",
]

Payload: TypeAlias = dict[str, Any]

JSON = "application/json"
SECOND = 1_000_000
"""Microseconds."""
UNIT = 1_000_000
"""The wire's amounts are millionths of a dollar and of a share."""

_ENCODER = msgspec.json.Encoder(decimal_format="number")
_HALF_EVEN = Context(prec=60, rounding=ROUND_HALF_EVEN)
_MICRO = Decimal("0.000001")


def encode(payload: object) -> bytes:
    """JSON; a Decimal in it is a JSON number."""
    return _ENCODER.encode(payload)


def number(amount: Decimal) -> Decimal:
    """What is written as a JSON number: no zeros at its end, at most six decimals."""
    return Decimal(text(rounded(amount)))


def rounded(amount: Decimal) -> Decimal:
    """To six decimals, half to even: averages have more."""
    return _HALF_EVEN.quantize(amount, _MICRO)


def units(amount: Decimal) -> str:
    """Millionths, as the account's balances are told."""
    return str(int(EXACT.multiply(rounded(amount), UNIT)))


def dollars(amount: int) -> Decimal:
    """Dollars, or shares, of a number of millionths."""
    return EXACT.scaleb(Decimal(amount), -6)


def seconds(time_us: int) -> int:
    """Unix seconds."""
    return time_us // SECOND


def milliseconds(time_us: int) -> str:
    """Unix milliseconds as text, as the sockets and the books tell time."""
    return str(time_us // 1000)


def instant(time_us: int) -> str:
    """RFC 3339 in UTC, the fraction only where there is one."""
    moment = datetime.fromtimestamp(time_us // SECOND, UTC).replace(tzinfo=None)
    micros = time_us % SECOND
    fraction = f".{micros:06d}".rstrip("0") if micros else ""
    return f"{moment.isoformat()}{fraction}Z"


def closed_time(time_us: int) -> str:
    """A space and a short zone: how Gamma writes ``closedTime`` alone (2026-03)."""
    moment = datetime.fromtimestamp(time_us // SECOND, UTC)
    return f"{moment:%Y-%m-%d %H:%M:%S}+00"
