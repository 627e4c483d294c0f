"""Facts of the chain that the venue settles on: contracts and domains.

docs.polymarket.com resources/contracts, 2026-08; Protocol V2 from the vendor's
polymarket-client 0.14.0, 2026-10.
"""

from __future__ import annotations

import attrs

__all__ = ["CHAIN", "EXCHANGES", "NEG_RISK", "STANDARD", "V3", "Exchange"]

CHAIN = 137
"""Polygon."""


@attrs.frozen(slots=True)
class Exchange:
    """A contract that settles trades, with the version of its signing domain."""

    address: str
    version: str


STANDARD = Exchange("0xE111180000d2663C0091e4f400237545B87B996B", "2")
NEG_RISK = Exchange("0xe2222d279d744050d28e00520010520000310F59", "2")
V3 = Exchange("0xe3333700cA9d93003F00f0F71f8515005F6c00Aa", "3")
EXCHANGES = (STANDARD, NEG_RISK, V3)
