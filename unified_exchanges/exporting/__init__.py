"""Recordings as the data of heavier engines, exactly or not at all.

Each needs the extra of its name, ``hftbacktest`` or ``nautilus``.
"""

from __future__ import annotations

from .hftbacktest import HftbacktestFile, to_hftbacktest
from .nautilus import NautilusData, to_nautilus, to_nautilus_catalog

__all__ = [
    "HftbacktestFile",
    "NautilusData",
    "to_hftbacktest",
    "to_nautilus",
    "to_nautilus_catalog",
]
