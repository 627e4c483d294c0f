"""Where Polymarket lives on chain: addresses, domains of signatures, and how to choose.

Addresses are of docs.polymarket.com, resources/contracts, 2026-08; those of Protocol V2
and of Amoy are of the vendor's polymarket-client 0.14.0 and py-clob-client-v2 1.2.1,
2026-10.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from ...errors import BadRequest

__all__ = [
    "AMOY",
    "CHAINS",
    "POLYGON",
    "UNITS",
    "Chain",
    "Domain",
    "asset_number",
    "chain_of",
    "exchange_domain",
    "is_protocol_v2",
]

UNITS = 1_000_000
"""Units of a dollar and of a share: pUSD and outcome tokens have six decimals alike."""

_NAME = "Polymarket CTF Exchange"
_LONGEST_ID = 78
"""Digits of the largest 256-bit number."""
_BELOW = 1 << 256
# 64 bits that are zero in Protocol V2's structured ids, and are those of a hash in
# others (polymarket-client 0.14.0, 2026-10).
_ZERO_IN_V2 = ((1 << 64) - 1) << 40

# Domains and chains are keys of what each order looks up; a tuple takes least as a key.


class Domain(NamedTuple):
    """What an EIP-712 signature is for; ``contract`` is None where no contract reads it."""

    name: str
    version: str
    chain_id: int
    contract: str | None = None


class Chain(NamedTuple):
    """One chain's contracts, as checksummed addresses.

    ``position_manager`` holds the balances of Protocol V2; None where it is not known.
    """

    id: int
    standard: str
    neg_risk: str
    protocol_v2: str
    collateral: str
    conditional_tokens: str
    position_manager: str | None = None


POLYGON = Chain(
    id=137,
    standard="0xE111180000d2663C0091e4f400237545B87B996B",
    neg_risk="0xe2222d279d744050d28e00520010520000310F59",
    protocol_v2="0xe3333700cA9d93003F00f0F71f8515005F6c00Aa",
    collateral="0xC011a7E12a19f7B1f670d46F03B03f3342E82DFB",
    conditional_tokens="0x4D97DCd97eC945f40cF65F87097ACe5EA0476045",
    position_manager="0x006F54F7f9A22e0000CC2AB60031000000ae9fEF",
)
"""Polygon's main chain: real money."""

AMOY = Chain(
    id=80002,
    standard="0xE111180000d2663C0091e4f400237545B87B996B",
    neg_risk="0xe2222d279d744050d28e00520010520000310F59",
    protocol_v2="0x9fE6e61422AdB6F610d8597F9684b16912D50C3D",
    collateral="0xC011a7E12a19f7B1f670d46F03B03f3342E82DFB",
    conditional_tokens="0x69308FB512518e39F9b16112fA8d994F4e2Bf8bB",
)
"""Polygon's test chain."""

CHAINS = {chain.id: chain for chain in (POLYGON, AMOY)}


def chain_of(chain_id: int) -> Chain:
    """The contracts of a chain; raises `BadRequest` for one without Polymarket.

    >>> chain_of(137).id
    137
    """
    if chain_id in CHAINS:
        return CHAINS[chain_id]
    known = " or ".join(map(str, CHAINS))
    message = f"chain {chain_id!r} has no Polymarket: pass {known}"
    raise BadRequest(message, venue="polymarket")


@lru_cache(maxsize=65_536)
def asset_number(asset_id: str) -> int:
    """The 256-bit number that an asset id (an outcome's token) writes as decimal text.

    Raises `BadRequest` for other text, such as another venue's ticker.
    """
    if asset_id.isascii() and asset_id.isdecimal() and len(asset_id) <= _LONGEST_ID:
        number = int(asset_id)
        if 0 < number < _BELOW:
            return number
    message = (
        f"{asset_id!r} is not an asset id, which is a decimal number of up to "
        f"{_LONGEST_ID} digits: take Outcome.outcome_id of a Polymarket market"
    )
    raise BadRequest(message, venue="polymarket")


def is_protocol_v2(asset_id: str) -> bool:
    """Whether an outcome is traded by Protocol V2's contract, seen from its id alone.

    >>> is_protocol_v2(str(1 << 248 | 7 << 120 | 1))
    True
    """
    return not asset_number(asset_id) & _ZERO_IN_V2


@lru_cache(maxsize=65_536)
def exchange_domain(chain: Chain, asset_id: str, *, neg_risk: bool) -> Domain:
    """The domain under which an order for this outcome is signed.

    ``neg_risk`` is the market's own word; Protocol V2 has one contract for both kinds.

    >>> exchange_domain(POLYGON, "1" * 77, neg_risk=True).version
    '2'
    """
    if is_protocol_v2(asset_id):
        version, contract = "3", chain.protocol_v2
    else:
        version, contract = "2", chain.neg_risk if neg_risk else chain.standard
    return Domain(name=_NAME, version=version, chain_id=chain.id, contract=contract)
