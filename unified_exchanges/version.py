"""The version, in its one place: the build and `__version__` read it here."""

from __future__ import annotations

__all__ = ["VERSION"]

VERSION = "0.1.0"
