"""What every model has: its venue, its raw payload, a flat form and a notebook form."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import Enum
from typing import TypeAlias

import attrs

from ..money import text

__all__ = ["Flat", "Json", "Record", "decode_json", "in_figures", "plain"]

Json: TypeAlias = (
    "bool | int | float | Decimal | str | list[Json] | dict[str, Json] | None"
)
"""What payloads decode to, fractions as exact Decimals; floats are milliseconds only."""


def decode_json(body: bytes) -> Json:
    """Decode JSON with every fractional number as an exact Decimal."""
    import msgspec  # noqa: PLC0415 - reading raw payloads is rare, importing is not free

    decoder: msgspec.json.Decoder[Json] = msgspec.json.Decoder(float_hook=Decimal)
    return decoder.decode(body)


def in_figures(name: str, told: Mapping[str, object]) -> str:
    """A report as a line of what one looks at first: its lists have a row for each trade.

    >>> in_figures("Report", {"at": datetime(2026, 1, 5, tzinfo=UTC), "pnl": Decimal("5.0")})
    'Report(at=2026-01-05T00:00:00Z, pnl=5)'
    """
    figures = ", ".join(f"{key}={_figure(value)}" for key, value in told.items())
    return f"{name}({figures})"


def _figure(value: object) -> str:
    if isinstance(value, Decimal):
        return text(value)
    return f"{value:%Y-%m-%dT%H:%M:%SZ}" if isinstance(value, datetime) else repr(value)


class Flat:
    """What can be written as a flat, JSON-safe dictionary."""

    __slots__ = ()

    def to_dict(self) -> dict[str, Json]:
        """A flat, JSON-safe dictionary.

        Decimals are text, times RFC 3339, spans of time whole seconds.
        """
        return {name: plain(value) for name, value in self._items()}

    def _items(self) -> Iterator[tuple[str, object]]:
        kind = type(self)
        assert attrs.has(kind)
        for field in attrs.fields(kind):
            if field.name != "raw_json" and not field.name.startswith("_"):
                yield field.name, getattr(self, field.name)

    def _repr_html_(self) -> str:
        from .html import fields  # noqa: PLC0415 - only notebooks need its tables

        return fields(type(self).__name__, self._items())


@attrs.frozen(kw_only=True, slots=True, repr=False, eq=False)
class Record(Flat):
    """Base of the models.

    ``venue`` is the exchange id.  ``raw`` is the venue's own object, decoded when it is
    read; it takes no part in repr or equality.

    Repr and equality are written here once: left to attrs (``eq=True``), each model
    would have its own generated when it is imported, which is a third of that time.
    """

    venue: str
    raw_json: bytes = attrs.field(default=b"{}", repr=False, eq=False, kw_only=True)

    @property
    def raw(self) -> dict[str, Json]:
        """The venue's payload, fractional numbers as Decimal."""
        decoded = decode_json(self.raw_json)
        return decoded if isinstance(decoded, dict) else {"value": decoded}

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Record) or type(other) is not type(self):
            return NotImplemented
        return list(self._items()) == list(other._items())

    def __hash__(self) -> int:
        return hash((type(self), *self._items()))

    def _summary(self) -> str:
        return " ".join(str(plain(value)) for _, value in list(self._items())[1:4])

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._summary()})"


def plain(value: object) -> Json:  # noqa: C901, PLR0911 - one line for each kind
    """A JSON-safe form of a model's value.

    >>> plain(Decimal("0.5600")), plain((Decimal(1), True, None))
    ('0.56', ['1', True, None])
    """
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, Decimal):
        return text(value)
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, str):
        return value
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, timedelta):
        return value // timedelta(seconds=1)
    if isinstance(value, Flat):
        return value.to_dict()
    kind = type(value)
    if attrs.has(kind):
        names = (field.name for field in attrs.fields(kind))
        return {name: plain(getattr(value, name)) for name in names}
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list | set | frozenset):
        return [plain(item) for item in value]
    return str(value)
