"""Recordings and models as tables for DuckDB, polars and pandas.

Needs an extra: ``pip install "unified-exchanges[research]"``.
"""

from __future__ import annotations

from .conversion import Converted, convert
from .frames import Backend, to_frame

__all__ = ["Backend", "Converted", "convert", "to_frame"]
