"""Recordings as the data of heavier engines, exactly or not at all.

``to_hftbacktest`` needs ``pip install "unified-exchanges[hftbacktest]"``.
"""

from __future__ import annotations

from .hftbacktest import HftbacktestFile, to_hftbacktest

__all__ = ["HftbacktestFile", "to_hftbacktest"]
