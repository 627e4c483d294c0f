"""Which wallet a key spends from, and where the wallets that are made for it are (CREATE2).

A signer's proxy, Safe and deposit wallet are at addresses that follow from its own, by the
factories of docs.polymarket.com, resources/contracts, 2026-08, and the code that the
vendor's polymarket-client 0.14.0 has them make, 2026-10.  An account may have another one
all the same: a Safe that was made elsewhere, a deposit wallet of another kind.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from ...errors import ArgumentsRequired, BadRequest
from ...hidden import told
from .addresses import checksummed, read_address
from .keccak import keccak_256
from .signing import SignatureType, Wallet

__all__ = ["made_wallet", "other_wallets", "read_wallet", "unlike_made"]

Hash = Callable[[bytes], bytes]

_TYPES: Final = (
    "0 (the key's own address), 1 (account made by e-mail), 2 (Gnosis Safe, account made "
    "with a browser's wallet) or 3 (deposit wallet, accounts since May 2026)"
)
_PROXIES: Final = bytes.fromhex("ab45c5a4b0c941a2f231c04c3f49182e1a254052")
_PROXY: Final = bytes.fromhex(
    "d21df8dc65880a8606f09fe0ce3df9b8869287ab0b058be05aa9e8af6330a00b"
)
_SAFES: Final = bytes.fromhex("aacfeea03eb1561c4e67d661e40682bd20e3541b")
_SAFE: Final = bytes.fromhex(
    "2bce2127ff07fb632d16c8347c4ebf501f4841168bed00d9e6ef715ddb6fcecf"
)
_DEPOSITS: Final = bytes.fromhex("00000000000fb5c9adea0298d729a0cb3823cc07")
# A proxy by ERC-1967 that asks a beacon; the signer is among what ends its code.
_BEACON: Final = bytes.fromhex(
    "3d8160233d39737a18edfe055488a3128f01f563e5b479d92ffc3a60195155f3"
    "363d3d373d3d363d602036600436635c60da1b60e01b36527fa3f0ad74e5423aebfd80d3ef4346"
    "578335a9a72aeaee59ff6cb3582b35133d50545afa5036515af43d6000803e604d573d6000fd5b3d"
    "6000f3"
)
_BEACON_SIZE: Final = 0x52


def made_wallet(kind: SignatureType, signer: str, hashed: Hash = keccak_256) -> str:
    """The checksummed address of the wallet that the venue makes for a signer.

    >>> made_wallet(SignatureType.SAFE, "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266")
    '0xd93B25cb943D14d0d34FBaF01Fc93a0f8b5F6E47'
    """
    address = bytes.fromhex(signer[2:])
    word = bytes(12) + address
    if kind is SignatureType.EOA:
        return signer
    if kind is SignatureType.PROXY:
        return _made(_PROXIES, hashed(address), _PROXY, hashed)
    if kind is SignatureType.SAFE:
        return _made(_SAFES, hashed(word), _SAFE, hashed)
    ending = bytes(12) + _DEPOSITS + word
    size = (_BEACON_SIZE + len(ending)).to_bytes(2, "big")
    code = hashed(b"\x61" + size + _BEACON + ending)
    return _made(_DEPOSITS, hashed(ending), code, hashed)


def _made(factory: bytes, salt: bytes, code: bytes, hashed: Hash) -> str:
    return checksummed(hashed(b"\xff" + factory + salt + code)[12:].hex())


def unlike_made(wallet: Wallet, signer: str) -> str:
    """What to say of a wallet that is not the one made for its signer; else nothing."""
    made = made_wallet(wallet.kind, signer)
    if made == wallet.address:
        return ""
    return (
        f". The funder {wallet.address} is not the wallet that Polymarket makes for this "
        f"private key with signature_type {wallet.kind:d}, which is {made}: an account may "
        "have another, but here the funder, its type or the key may be wrong"
    )


def other_wallets(wallet: Wallet, signer: str) -> str:
    """What to say where a wallet is empty: how it was found, and which may be meant."""
    made = {kind: made_wallet(kind, signer) for kind in SignatureType}
    if wallet.kind is SignatureType.EOA:
        found = ". That is the private key's own address"
    elif made[wallet.kind] == wallet.address:
        found = (
            ". That is the wallet that Polymarket makes for this private key and type"
        )
    else:
        found = unlike_made(wallet, signer)
    others = ", ".join(
        f"{kind:d} {address}" for kind, address in made.items() if kind != wallet.kind
    )
    return (
        f"{found}. No other was asked. The key's wallets of other types are {others}: for "
        "one of these pass its options={'signature_type': …}; for one that was made "
        "elsewhere its address too, as 'funder'"
    )


def read_wallet(
    kind: object, funder: object, address: str, hashed: Hash = keccak_256
) -> Wallet:
    """The wallet of a key by the caller's words, each None where it was not given.

    Without a funder it is the one that the venue makes for the key.  A funder that is the
    key's wallet of another type is refused; one that is neither may be an account's own.
    """
    chosen = _signature_type(kind)
    if funder is None:
        chosen = chosen or SignatureType.EOA
        return Wallet(made_wallet(chosen, address, hashed), chosen)
    given = read_address(funder, "funder")
    found = next(
        (x for x in SignatureType if made_wallet(x, address, hashed) == given), None
    )
    if chosen is None and found is not SignatureType.EOA:
        hint = "" if found is None else f"; it is the key's wallet of type {found:d}"
        raise ArgumentsRequired(
            f"funder {given} is another address than the private key's ({address}): say "
            "what kind of wallet it is, by options={'signature_type': …}: "
            f"{_TYPES}{hint}",
            venue="polymarket",
        )
    chosen = chosen or SignatureType.EOA
    if found is SignatureType.EOA and chosen is not found:
        raise BadRequest(
            f"funder is the private key's own address {address}, which is no wallet of "
            f"signature_type {chosen:d}: pass the wallet's address as funder, leave it "
            "away, or pass type 0",
            venue="polymarket",
        )
    if chosen is SignatureType.EOA and found is not chosen:
        raise BadRequest(
            f"signature_type 0 spends from the private key's own address {address}, but "
            f"funder is {given}: leave funder away, or pass another type: {_TYPES}",
            venue="polymarket",
        )
    if found not in {None, chosen}:
        raise BadRequest(
            f"funder {given} is this private key's wallet of signature_type {found:d}, not "
            f"of {chosen:d}, whose is {made_wallet(chosen, address, hashed)}: pass the "
            "type or the funder that polymarket.com shows for the account",
            venue="polymarket",
        )
    return Wallet(given, chosen)


def _signature_type(given: object) -> SignatureType | None:
    if given is None:
        return None
    text = str(given) if type(given) in {int, str} else ""
    if text in {"0", "1", "2", "3"}:
        return SignatureType(int(text))
    message = f"signature_type is {_TYPES}, not {told(given)}"
    raise BadRequest(message, venue="polymarket")
