"""A real exchange in small, on which every simulated venue trades."""

from __future__ import annotations

__all__: list[str] = []
