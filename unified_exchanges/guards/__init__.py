"""Caps on what may leave: a mistake in a strategy must not empty the account.

They are no strategy: they are so high that only an error meets them, they are on unless
switched off, and what they refuse was never sent.  Nothing here does I/O.
"""

from __future__ import annotations

from .caps import Guards
from .policy import GUARDS, GuardPolicy

__all__ = ["GUARDS", "GuardPolicy", "Guards"]
