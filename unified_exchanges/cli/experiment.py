"""What a backtest and a sweep are given alike: what was recorded, and on which terms."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from ..errors import BadRequest

__all__ = [
    "Cash",
    "EventDelay",
    "MarketsFrom",
    "NoFees",
    "OrderDelay",
    "read_paths",
    "recordings_of",
]

Cash: TypeAlias = Annotated[str, typer.Option(help="Dollars to begin with.")]
OrderDelay: TypeAlias = Annotated[
    int, typer.Option("--order-delay", min=0, help="Milliseconds to the venue.")
]
EventDelay: TypeAlias = Annotated[
    int, typer.Option("--event-delay", min=0, help="Milliseconds to the strategy.")
]
MarketsFrom: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--markets-from", metavar="FILE", help="A recording that has the markets."
    ),
]
NoFees: TypeAlias = Annotated[
    bool, typer.Option("--no-fees", help="As if nothing were charged.")
]


def read_paths(data: Sequence[Path] | None) -> list[Path]:
    """What is run over; raises `BadRequest` where nothing is named, or is not there."""
    paths = list(data or [])
    if not paths:
        raise BadRequest("--data says over what: a recording, or a folder of tables")
    if missing := [path for path in paths if not path.exists()]:
        raise BadRequest(f"there is no {missing[0]}")
    return paths


def recordings_of(paths: Sequence[Path], markets_from: Path | None) -> list[Path]:
    """Where the markets are read from: what was named for that, or else the recordings."""
    return [markets_from] if markets_from else [x for x in paths if x.is_file()]
