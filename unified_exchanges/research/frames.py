"""Models as a table of pandas, polars or pyarrow, with every digit."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias, overload

from ..errors import BadRequest
from ..wording import installed_by
from .columns import Column, sorted_out

if TYPE_CHECKING:
    import pandas as pd  # type: ignore[import-untyped]
    import polars as pl

__all__ = ["Backend", "to_frame"]

Backend: TypeAlias = Literal["pandas", "polars", "pyarrow"]
"""The library whose table is made."""

_PLACES: Final = 6
"""Those of the tables of `convert`; a column that needs more has more."""
_DIGITS: Final = 38

_PANDAS: Final = {
    # Decimals themselves: they multiply exactly, and refuse to meet a float.
    "decimal": "object",
    "json": "string",
    "number": "Float64",
    "span": "timedelta64[us]",
    "text": "string",
    "time": "datetime64[us, UTC]",
    "truth": "boolean",
    "whole": "Int64",
}
_NARWHALS: Final = {
    "json": ("String",),
    "number": ("Float64",),
    "span": ("Duration", "us"),
    "text": ("String",),
    "time": ("Datetime", "us", "UTC"),
    "truth": ("Boolean",),
    "whole": ("Int64",),
}


@overload
def to_frame(
    objects: object, backend: Literal["pandas"] = ..., *, kind: type | None = ...
) -> pd.DataFrame: ...
@overload
def to_frame(
    objects: object, backend: Literal["polars"], *, kind: type | None = ...
) -> pl.DataFrame: ...
@overload
def to_frame(  # what pyarrow makes has no types
    objects: object, backend: Literal["pyarrow"], *, kind: type | None = ...
) -> Any: ...
@overload
def to_frame(
    objects: object, backend: Backend, *, kind: type | None = ...
) -> pd.DataFrame | pl.DataFrame | Any: ...
def to_frame(
    objects: object, backend: Backend = "pandas", *, kind: type | None = None
) -> Any:
    """Make a table of a model or of many of one kind: a row for each, in their order.

    Columns are the fields of the model, without ``raw``.  Prices, sizes and dollars are
    exact: in pandas a column of `Decimal` objects (None where there is none), in polars and
    pyarrow ``decimal128(38, 6)``, with more places where a value has more.  Times are UTC,
    in microseconds.  The prices of a `Candle` are columns of their own, ``price_open`` and
    so on; what is a list or a mapping is JSON text.  Of an `OrderBook` each level is a row,
    bids before asks and the best first; an empty book has none.

    ``kind`` is the class of the models, for a list that may be empty: the columns are then
    the same, and the table has no rows.

    >>> from unified_exchanges import Level, OrderBook
    >>> asks = (Level(Decimal("0.56"), Decimal(10)), Level(Decimal("0.57"), Decimal(5)))
    >>> book = OrderBook(
    ...     venue="kalshi", market_id="RAIN", outcome="yes", bids=(), asks=asks
    ... )
    >>> list(to_frame(book)["price"])
    [Decimal('0.56'), Decimal('0.57')]

    Raises `BadRequest` for several kinds in one list, for an empty one without ``kind``,
    for what is no model, for a field that is not of its kind, such as a price that is no
    finite Decimal or a time without its zone, and for a number with more than 38 digits
    where the table cannot hold it; ImportError without the library.
    """
    if backend not in {"pandas", "polars", "pyarrow"}:
        raise BadRequest(f"backend {backend!r} is none of: pandas, polars, pyarrow")
    head, found = sorted_out(objects, kind)
    cells = {column.name: column.cells(found) for column in head}
    if backend == "pandas":
        return _pandas(head, cells)
    return _arrow(head, cells, backend)


def _pandas(head: Iterable[Column], cells: dict[str, list[Any]]) -> Any:
    pd = _loaded("pandas")
    series = {
        column.name: pd.Series(cells[column.name], dtype=_PANDAS[column.content])
        for column in head
    }
    return pd.DataFrame(series)


def _arrow(
    head: Iterable[Column], cells: dict[str, list[Any]], backend: Backend
) -> Any:
    nw = _loaded("narwhals")
    _loaded(backend)
    schema = {
        column.name: _type(nw, column, cells[column.name], backend) for column in head
    }
    return nw.from_dict(cells, schema=schema, backend=backend).to_native()


def _type(nw: Any, column: Column, cells: Sequence[Any], backend: Backend) -> Any:
    if column.content == "decimal":
        return nw.Decimal(_DIGITS, _places(column.name, cells, backend))
    name, *detail = _NARWHALS[column.content]
    return getattr(nw, name)(*detail)


def _places(name: str, cells: Sequence[Decimal | None], backend: Backend) -> int:
    """So many that no cell is rounded."""
    places, before = _PLACES, 0
    for cell in cells:
        if cell is not None:
            exponent = cell.as_tuple().exponent
            assert isinstance(exponent, int)
            places = max(places, -exponent)
            before = max(before, cell.adjusted() + 1)
    if places + before > _DIGITS:
        raise BadRequest(
            f"column {name!r} needs {places + before} digits and {backend} has "
            f"{_DIGITS}: nothing is rounded; backend='pandas' keeps Decimals as they are"
        )
    return places


def _loaded(library: str) -> Any:
    try:
        return import_module(library)
    except ImportError as error:
        message = f"this table needs {library}: {installed_by('research')}"
        raise ImportError(message, name=library) from error
