"""The simulated Kalshi as one call: an exchange with markets, an account and its key."""

from __future__ import annotations

from ....clock import Clock
from ....errors import BadRequest
from ....simulator.sandbox import Sandbox
from .authentication import generate_key
from .dialect import SimulatedKalshi
from .routes import PREFIX

__all__ = ["simulated"]

_KEY_TYPES = ("rsa", "ed25519")


def simulated(
    *,
    seed: int = 7,
    clock: Clock | None = None,
    key_type: str | None = None,
    lively: bool = False,
    history: bool = False,
    enforce_limits: bool = True,
) -> Sandbox:
    """A simulated Kalshi with one account that holds $10,000 on each shard.

    ``key_type`` is ``rsa`` (default) or ``ed25519``.  ``lively`` lets synthetic traders
    move the books; ``history`` gives the account two months of orders, fills and
    settlements; ``enforce_limits`` switches the rate limits.

    >>> simulated(key_type="ed25519").path
    '/trade-api/v2'
    """
    if key_type not in {None, *_KEY_TYPES}:
        message = f"key type {key_type!r} is not one of {', '.join(_KEY_TYPES)}"
        raise BadRequest(message, venue="kalshi")
    venue = SimulatedKalshi(
        seed=seed, clock=clock, lively=lively, enforce_limits=enforce_limits
    )
    pair = generate_key(key_type or _KEY_TYPES[0])
    key = venue.add_account(public_key=pair.public_key, history=history)
    return Sandbox(
        venue=venue,
        path=PREFIX,
        api_key=key.key_id,
        private_key=pair.private_pem,
        key_variable="KALSHI_API_KEY",
        path_variable="KALSHI_PRIVATE_KEY_PATH",
    )
