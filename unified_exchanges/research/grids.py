"""Grids as text, so that a cell can hold one."""

from __future__ import annotations

from decimal import Decimal
from functools import lru_cache

from ..grid import PriceBand, PriceGrid
from ..money import text

__all__ = ["grid_text", "text_grid"]


@lru_cache(maxsize=1_024)
def grid_text(grid: PriceGrid | None) -> str | None:
    """The bands, each as start, end, step and the price from which the steps count.

    >>> grid_text(PriceGrid.of("0 0.1 0.001", "0.1 1 0.01"))
    '0 0.1 0.001 0; 0.1 1 0.01 0.1'
    """
    if grid is None:
        return None
    return "; ".join(
        " ".join(map(text, (x.start, x.end, x.step, x.anchor))) for x in grid.bands
    )


@lru_cache(maxsize=1_024)
def text_grid(told: str | None) -> PriceGrid | None:
    """The grid that a text tells.

    >>> text_grid("0 1 0.01 0") == PriceGrid.of("0.01")
    True
    """
    if told is None:
        return None
    bands = [[Decimal(x) for x in band.split()] for band in told.split("; ")]
    return PriceGrid(
        tuple(
            PriceBand(start=start, end=end, step=step, anchor=anchor)
            for start, end, step, anchor in bands
        )
    )
