"""What every wire struct shares."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any, TypeAlias

from msgspec import Meta, Raw, Struct

__all__ = [
    "Address",
    "ConditionId",
    "DataPage",
    "Hash",
    "Id",
    "Number",
    "OrderId",
    "Pagination",
    "TokenId",
    "Untrusted",
    "Wire",
]

Id: TypeAlias = Annotated[str, Meta(min_length=1)]
"""An identifier: opaque, but never empty."""

Address: TypeAlias = Annotated[str, Meta(pattern="^0x[0-9a-fA-F]{40}$")]
Hash: TypeAlias = Annotated[str, Meta(pattern="^0x[0-9a-fA-F]{64}$")]
OrderId: TypeAlias = Annotated[str, Meta(pattern="^(dry-run-)?0x[0-9a-fA-F]{64}$")]
"""The hash of an order; one that was only rehearsed has one of ours."""

ConditionId: TypeAlias = Hash
"""The id of a market."""

TokenId: TypeAlias = Annotated[str, Meta(pattern="^[0-9]{1,78}$")]
"""The id of an outcome: too large for an integer column or a float."""

Number: TypeAlias = Decimal
"""A JSON number, or a text that is one, read exactly."""

Untrusted: TypeAlias = Any
"""What no money depends on: a value of another type costs this field, and nothing else."""


class Wire(Struct, gc=False):
    """Base of the structs; none can be part of a cycle, so none is tracked."""


class Pagination(Wire, kw_only=True):
    """Where a page of the Data API stands; ``has_more`` is true iff there is a cursor."""

    has_more: bool
    next_cursor: str | None = None


class DataPage(Wire, kw_only=True):
    """A page of the Data API, version 2."""

    data: list[Raw]
    pagination: Pagination
