"""What a backtest and a sweep are given alike: what was recorded, and on which terms."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final, TypeAlias

import typer

from ..backtesting.sources import events_of
from ..errors import BadRequest
from ..recording.places import is_there

__all__ = [
    "LONGEST_DELAY",
    "Cash",
    "EventDelay",
    "MarketsFrom",
    "NoFees",
    "OrderDelay",
    "Sample",
    "check_told",
    "read_paths",
]

LONGEST_DELAY: Final = 31_536_000_000
"""Milliseconds of a year, as long as a message may be under way."""

Cash: TypeAlias = Annotated[str, typer.Option(help="Dollars to begin with.")]
OrderDelay: TypeAlias = Annotated[
    int,
    typer.Option(
        "--order-delay", min=0, max=LONGEST_DELAY, help="Milliseconds to the venue."
    ),
]
EventDelay: TypeAlias = Annotated[
    int,
    typer.Option(
        "--event-delay", min=0, max=LONGEST_DELAY, help="Milliseconds to the strategy."
    ),
]
MarketsFrom: TypeAlias = Annotated[
    list[Path] | None,
    typer.Option(
        "--markets-from",
        metavar="PATH",
        help="A recording, or tables, with markets that the data lacks; again for more.",
    ),
]
Sample: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--sample",
        metavar="SPAN",
        help="Look at equity so often: 1s, 1m; if not said, as suits the span.",
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
    if missing := [path for path in paths if not is_there(path)]:
        raise BadRequest(f"there is no {missing[0]}")
    return paths


def check_told(paths: Sequence[Path]) -> None:
    """Raise `BadRequest` where nothing at all is told."""
    for path in paths:
        for _ in events_of(path):
            return
    told = ", ".join(map(str, paths))
    raise BadRequest(f"{told} has no events: nothing of any market was recorded there")
