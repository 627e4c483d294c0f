"""Recordings and models as tables for DuckDB, polars and pandas.

Needs the extra ``research``.
"""

from __future__ import annotations

from .conversion import ConversionProgress, Converted, convert
from .frames import Backend, to_frame
from .plots import plot_depth, plot_equity, plot_prices

__all__ = [
    "Backend",
    "ConversionProgress",
    "Converted",
    "convert",
    "plot_depth",
    "plot_equity",
    "plot_prices",
    "to_frame",
]
