"""EIP-712 for the three structures that Polymarket has signed, and no others.

Each is a fixed row of 32-byte words behind the hash of its type's text.  Hashes of texts
that never change are written down; tests compute them anew (EIP-712; types of
docs.polymarket.com, 2026-08, and polymarket-client 0.14.0, 2026-10).
"""

from __future__ import annotations

from functools import lru_cache

from ...models import BUY, SELL, Side
from .contracts import Domain, asset_number
from .keccak import keccak_256

__all__ = [
    "AUTH_DOMAIN_NAME",
    "AUTH_DOMAIN_VERSION",
    "AUTH_TYPE",
    "ORDER_TYPE",
    "WRAPPER_TYPE",
    "ZERO_WORD",
    "OrderEncoder",
    "WrapperEncoder",
    "address_word",
    "asset_word",
    "auth_struct",
    "domain_separator",
    "signed_prefix",
    "word",
]

ORDER_TYPE = (
    b"Order(uint256 salt,address maker,address signer,uint256 tokenId,"
    b"uint256 makerAmount,uint256 takerAmount,uint8 side,uint8 signatureType,"
    b"uint256 timestamp,bytes32 metadata,bytes32 builder)"
)
WRAPPER_TYPE = (
    b"TypedDataSign(Order contents,string name,string version,uint256 chainId,"
    b"address verifyingContract,bytes32 salt)" + ORDER_TYPE
)
AUTH_TYPE = b"ClobAuth(address address,string timestamp,uint256 nonce,string message)"
AUTH_DOMAIN_NAME = "ClobAuthDomain"
AUTH_DOMAIN_VERSION = "1"
ZERO_WORD = bytes(32)

_ORDER = bytes.fromhex(
    "bb86318a2138f5fa8ae32fbe8e659f8fcf13cc6ae4014a707893055433818589"
)
_AUTH = bytes.fromhex(
    "52578c5c725a28a84fedc8c22aa47947822942f35b4dc350db028e45320e035c"
)
_WRAPPER = bytes.fromhex(
    "6ba028565cb324c2aa02bb714b9816d0bddd557a2f33bb36cf13272a4256bd42"
)
# "This message attests that I control the given wallet"
_MESSAGE = bytes.fromhex(
    "474924bb27022542020023b4a52fb834ca5e3dd70b9a4d7e7fe9ca13228cbda3"
)
_WALLET_NAME = b"DepositWallet"
_WALLET_VERSION = b"1"
_SIDES = {BUY: 0, SELL: 1}


def word(number: int) -> bytes:
    """A whole number as 32 bytes; raises `OverflowError` for one that does not fit."""
    return number.to_bytes(32, "big")


def address_word(address: str) -> bytes:
    """An address (``0x`` and 40 digits) as 32 bytes."""
    return bytes(12) + bytes.fromhex(address[2:])


@lru_cache(maxsize=64)
def domain_separator(domain: Domain) -> bytes:
    """The hash of a domain, computed once."""
    kind = "EIP712Domain(string name,string version,uint256 chainId"
    tail = b""
    if domain.contract is not None:
        kind += ",address verifyingContract"
        tail = address_word(domain.contract)
    return keccak_256(
        keccak_256(f"{kind})".encode())
        + keccak_256(domain.name.encode())
        + keccak_256(domain.version.encode())
        + word(domain.chain_id)
        + tail
    )


@lru_cache(maxsize=64)
def signed_prefix(domain: Domain) -> bytes:
    """What precedes a struct's hash in the text whose hash is signed."""
    return b"\x19\x01" + domain_separator(domain)


@lru_cache(maxsize=65_536)
def asset_word(asset_id: str) -> bytes:
    """An asset id as 32 bytes; raises `BadRequest` for what is none."""
    return word(asset_number(asset_id))


class OrderEncoder:
    """Writes the orders of one wallet; what is the same in all of them is kept ready.

    ``kind`` is the type of signature, ``builder`` a builder's code of 32 bytes.
    """

    __slots__ = ("_kinds", "_parties", "_tail")

    def __init__(
        self, maker: str, signer: str, kind: int, builder: bytes = ZERO_WORD
    ) -> None:
        self._parties = address_word(maker) + address_word(signer)
        self._kinds = {
            side: word(number) + word(kind) for side, number in _SIDES.items()
        }
        self._tail = ZERO_WORD + builder

    def struct(
        self,
        side: Side,
        asset_id: str,
        amounts: tuple[int, int],
        salt: int,
        timestamp_ms: int,
    ) -> bytes:
        """The order before it is hashed; ``amounts`` are the maker's and the taker's."""
        maker_amount, taker_amount = amounts
        return b"".join(
            (
                _ORDER,
                salt.to_bytes(32, "big"),
                self._parties,
                asset_word(asset_id),
                maker_amount.to_bytes(32, "big"),
                taker_amount.to_bytes(32, "big"),
                self._kinds[side],
                timestamp_ms.to_bytes(32, "big"),
                self._tail,
            )
        )


class WrapperEncoder:
    """Writes what the owner of a deposit wallet signs in place of an order (ERC-7739)."""

    __slots__ = ("_tail",)

    def __init__(self, wallet: str, chain_id: int) -> None:
        self._tail = (
            keccak_256(_WALLET_NAME)
            + keccak_256(_WALLET_VERSION)
            + word(chain_id)
            + address_word(wallet)
            + ZERO_WORD
        )

    def struct(self, contents: bytes) -> bytes:
        """The wrapper of an order's struct hash, before it is hashed."""
        return _WRAPPER + contents + self._tail


def auth_struct(address: str, timestamp: int, nonce: int) -> bytes:
    """The statement that an address is ours, before it is hashed; seconds since 1970."""
    stamp = keccak_256(str(timestamp).encode())
    return _AUTH + address_word(address) + stamp + word(nonce) + _MESSAGE
