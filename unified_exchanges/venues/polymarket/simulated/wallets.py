"""Members as Polymarket knows them: a key that signs, a wallet that holds, API keys."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from hashlib import sha256
from typing import Literal, TypeAlias
from uuid import UUID

import attrs

from ....simulator.orders import Owner
from .chain import EXCHANGES
from .wire import Payload

__all__ = ["KINDS", "ApiKey", "Kind", "Notification", "Wallet", "derived_key"]

Kind: TypeAlias = Literal["eoa", "proxy", "safe", "deposit"]
KINDS: tuple[Kind, ...] = ("eoa", "proxy", "safe", "deposit")
"""By signature type."""

_ALL = 2**256 - 1


@attrs.frozen(kw_only=True, slots=True)
class ApiKey:
    """What L2 requests are signed with; of the key that signs, not of the wallet."""

    key_id: str
    secret: str = attrs.field(repr=False)
    passphrase: str = attrs.field(repr=False)
    address: str
    nonce: int


def derived_key(seed: int, address: str, nonce: int, *, after: int = 0) -> ApiKey:
    """The API key of an address and a nonce: always the same one.

    ``after`` is how many of it were revoked before.
    """
    which = f"{address.lower()}:{nonce}" + f":{after}" * bool(after)

    def drawn(word: str) -> bytes:
        return sha256(f"{seed}:{word}:{which}".encode()).digest()

    return ApiKey(
        key_id=str(UUID(bytes=drawn("key")[:16])),
        secret=urlsafe_b64encode(drawn("secret")).decode(),
        passphrase=drawn("passphrase").hex(),
        address=address,
        nonce=nonce,
    )


@attrs.frozen(kw_only=True, slots=True)
class Notification:
    """Something a member is told."""

    number: int
    kind: int
    payload: Payload
    time_us: int


@attrs.define(kw_only=True, slots=True)
class Wallet:
    """A wallet that holds money and tokens. Addresses are checksummed.

    ``signer`` is the address of the key that signs for it. ``allowances`` are dollars the
    contracts may take, in millionths, and ``approved`` the contracts that may take
    tokens.
    """

    address: str
    signer: str
    kind: Kind
    allowances: dict[str, int] = attrs.Factory(
        lambda: {exchange.address: _ALL for exchange in EXCHANGES}
    )
    approved: set[str] = attrs.Factory(lambda: {e.address for e in EXCHANGES})
    is_closed_only: bool = False
    is_banned: bool = False
    is_allowed: bool = True
    """Whether orders may name it as their maker: new EOAs may not (2026-05)."""
    created_us: int = 0
    notifications: list[Notification] = attrs.field(factory=list)

    @property
    def name(self) -> str:
        """How the engine calls it."""
        return self.address.lower()

    @property
    def account(self) -> Owner:
        """Whose money it is on the engine."""
        return Owner(self.name)

    @property
    def signature_type(self) -> int:
        """How its orders are signed."""
        return KINDS.index(self.kind)
