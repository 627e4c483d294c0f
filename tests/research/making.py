"""Models of every kind, made from what their fields say they hold."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from enum import Enum
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import attrs

from unified_exchanges import errors
from unified_exchanges.grid import PriceGrid

_PLAIN: dict[Any, Any] = {
    Decimal: Decimal("0.123456"),
    str: "<ä>",
    bool: True,
    int: 7,
    float: 1.5,
    # Told in another zone, and the same moment.
    datetime: datetime(2026, 11, 29, 14, 0, 0, 123456, timezone(timedelta(hours=2))),
    timedelta: timedelta(minutes=1),
    PriceGrid: PriceGrid.of("0.01"),
    errors.UnifiedExchangesError: errors.BadRequest("no"),
}
NOON = datetime(2026, 11, 29, 12, 0, 0, 123456, UTC)


def made(kind: Any, *, full: bool) -> Any:
    """One of a kind: with all its fields, or None wherever there may be none."""
    hints = get_type_hints(kind)
    told = {
        field.alias: _value(hints[field.name], full=full)
        for field in attrs.fields(kind)
        if field.init and field.name not in {"raw_json", "_freshness"}
    }
    return kind(**told)


def _value(hint: Any, *, full: bool) -> Any:  # noqa: PLR0911 - one for each kind
    origin, inside = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        if not full and NoneType in inside:
            return None
        return _value(inside[0], full=full)
    if origin is Literal:
        return inside[0]
    if origin in (tuple, frozenset):
        return origin([_value(inside[0], full=full)] if full else [])
    if origin in (dict, Mapping):
        return {_value(inside[0], full=full): _value(inside[1], full=full)}
    if hint in _PLAIN:
        return _PLAIN[hint]
    if isinstance(hint, type) and issubclass(hint, Enum):
        return next(iter(hint))
    return made(hint, full=full)
