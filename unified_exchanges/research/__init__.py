"""Recordings as tables for DuckDB, polars and pandas.

Needs pyarrow: ``pip install "unified-exchanges[research]"``.
"""

from __future__ import annotations

from .conversion import Converted, convert

__all__ = ["Converted", "convert"]
