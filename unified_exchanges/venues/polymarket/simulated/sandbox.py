"""The simulated Polymarket as one call: markets, a wallet, and all its keys."""

from __future__ import annotations

from hashlib import sha256

from ....clock import Clock
from ....errors import BadRequest
from ....simulator.sandbox import Sandbox
from .dialect import SimulatedPolymarket
from .wallets import KINDS, Kind, Wallet

__all__ = ["sandbox_of", "simulated"]

_KINDS: dict[str, Kind] = {kind: kind for kind in KINDS}


def simulated(
    *,
    seed: int = 7,
    clock: Clock | None = None,
    key_type: str | None = None,
    lively: bool = False,
    history: bool = False,
    enforce_limits: bool = True,
) -> Sandbox:
    """A simulated Polymarket with one wallet that holds $10,000, and all approvals.

    ``key_type`` is the kind of the wallet: ``deposit`` (default), ``safe``, ``proxy``
    or ``eoa``.  ``lively`` lets synthetic traders move the books; ``history`` gives the
    wallet trades, positions and redemptions of the last weeks; ``enforce_limits`` switches
    the rate limits.

    >>> simulated(key_type="safe").variables["POLYMARKET_SIGNATURE_TYPE"]
    '2'
    """
    kind: Kind | None = _KINDS.get(key_type or "deposit")
    if kind is None:
        message = f"key type {key_type!r} is not one of {', '.join(KINDS)}"
        raise BadRequest(message, venue="polymarket")
    if history and kind != "deposit":
        message = "the wallet with a history is of the key type deposit"
        raise BadRequest(message, venue="polymarket")
    venue = SimulatedPolymarket(
        seed=seed, clock=clock, lively=lively, enforce_limits=enforce_limits
    )
    private_key = venue.resident_key if history else _drawn(seed)
    wallet = venue.add_account(private_key, kind=kind)
    return sandbox_of(venue, wallet, private_key)


def sandbox_of(venue: SimulatedPolymarket, wallet: Wallet, private_key: int) -> Sandbox:
    """A simulated Polymarket with what a client of a wallet is made with."""
    key = venue.add_key(wallet)
    return Sandbox(
        venue=venue,
        path="",
        api_key=key.key_id,
        private_key=f"0x{private_key:064x}",
        key_variable="POLYMARKET_API_KEY",
        path_variable="POLYMARKET_PRIVATE_KEY_PATH",
        variables={
            "POLYMARKET_API_SECRET": key.secret,
            "POLYMARKET_API_PASSPHRASE": key.passphrase,
            "POLYMARKET_FUNDER": wallet.address,
            "POLYMARKET_SIGNATURE_TYPE": str(wallet.signature_type),
        },
        arguments={
            "secret": key.secret,
            "password": key.passphrase,
            "options": {
                "funder": wallet.address,
                "signature_type": wallet.signature_type,
            },
        },
    )


def _drawn(seed: int) -> int:
    """A key for practice: whoever knows the seed knows it."""
    return int.from_bytes(sha256(f"practice:{seed}".encode()).digest(), "big") >> 1
