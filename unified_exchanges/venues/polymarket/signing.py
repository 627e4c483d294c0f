"""What Polymarket has signed by a private key: orders, and that an address is ours."""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple

import attrs

from ...models import Side
from .addresses import address_of
from .contracts import Domain
from .curve import Key
from .eip712 import (
    AUTH_DOMAIN_NAME,
    AUTH_DOMAIN_VERSION,
    ORDER_TYPE,
    ZERO_WORD,
    OrderEncoder,
    WrapperEncoder,
    auth_struct,
    signed_prefix,
)

__all__ = ["SignatureType", "SignedOrder", "Signer", "Wallet"]

_ORDER_TYPE_ENDING = ORDER_TYPE + len(ORDER_TYPE).to_bytes(2, "big")


class SignatureType(IntEnum):
    """Whose money an order spends, in the venue's numbers (docs.polymarket.com, 2026-08)."""

    EOA = 0
    """The private key's own address."""

    PROXY = 1
    """The proxy wallet of an account made by e-mail (Magic)."""

    SAFE = 2
    """A Gnosis Safe, of an account made with a browser's wallet."""

    DEPOSIT_WALLET = 3
    """A deposit wallet (ERC-1271): accounts made since May 2026."""


@attrs.frozen
class Wallet:
    """Where the money lies: a checksummed address, and how it lets a key spend it."""

    address: str
    kind: SignatureType


class SignedOrder(NamedTuple):
    """An order's id, known before it is sent, and its signature: both as 0x and digits."""

    order_id: str
    signature: str


class Signer:
    """Signs in the name of one key, for the wallet that it may spend from.

    ``address`` is the key's own; ``party`` the one that orders name as their signer.
    ``builder`` is a builder's code of 32 bytes.  Safe from many threads.
    """

    __slots__ = (
        "_encoder",
        "_key",
        "_wrapper",
        "address",
        "builder",
        "chain_id",
        "party",
        "wallet",
    )

    def __init__(
        self, key: Key, wallet: Wallet, chain_id: int, builder: bytes = ZERO_WORD
    ) -> None:
        self._key = key
        self.address = address_of(key.public, key.hash)
        self.wallet = wallet
        self.chain_id = chain_id
        self.builder = builder
        wrapped = wallet.kind is SignatureType.DEPOSIT_WALLET
        # A deposit wallet signs for itself, by its contract.
        self.party = wallet.address if wrapped else self.address
        self._wrapper = WrapperEncoder(wallet.address, chain_id) if wrapped else None
        self._encoder = OrderEncoder(wallet.address, self.party, wallet.kind, builder)

    def __repr__(self) -> str:
        return f"<Polymarket signer {self.address}>"

    def order(
        self,
        domain: Domain,
        side: Side,
        asset_id: str,
        amounts: tuple[int, int],
        *,
        salt: int,
        timestamp_ms: int,
    ) -> SignedOrder:
        """Sign an order for the exchange of ``domain``.

        ``amounts`` are what the maker gives and takes, in millionths.  ``timestamp_ms`` is
        Unix milliseconds; with the ``salt`` it sets orders apart that say the same.
        """
        hashed = self._key.hash
        prefix = signed_prefix(domain)
        contents = hashed(
            self._encoder.struct(side, asset_id, amounts, salt, timestamp_ms)
        )
        order = hashed(prefix + contents)
        if self._wrapper is None:
            signature = self._key.sign(order)
        else:
            signature = self._wrapped(self._wrapper, prefix, contents)
        return SignedOrder(f"0x{order.hex()}", f"0x{signature.hex()}")

    def _wrapped(
        self, wrapper: WrapperEncoder, prefix: bytes, contents: bytes
    ) -> bytes:
        """A signature that a deposit wallet takes: of the order as part of its own text.

        Its contract rebuilds the text from what follows the signature itself (ERC-7739,
        as in docs.polymarket.com, 2026-08, and polymarket-client 0.14.0, 2026-10).
        """
        hashed = self._key.hash
        digest = hashed(prefix + hashed(wrapper.struct(contents)))
        separator = prefix[-32:]
        return self._key.sign(digest) + separator + contents + _ORDER_TYPE_ENDING

    def auth(self, timestamp: int, nonce: int = 0) -> str:
        """Sign that the key's address is ours, at ``timestamp`` in Unix seconds.

        This is what API keys are made and derived with; ``nonce`` tells one from another.
        """
        domain = Domain(
            name=AUTH_DOMAIN_NAME, version=AUTH_DOMAIN_VERSION, chain_id=self.chain_id
        )
        contents = self._key.hash(auth_struct(self.address, timestamp, nonce))
        digest = self._key.hash(signed_prefix(domain) + contents)
        return f"0x{self._key.sign(digest).hex()}"
