"""An order as it is sent: read, its signature opened, its id computed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

import attrs

from .chain import EXCHANGES, Exchange
from .curve import recover
from .documents import order_digest, order_hash, wrapped, wrapper_digest
from .errors import bad_request
from .lots import Amounts, Direction
from .records import OrderType
from .wallets import KINDS

__all__ = ["Envelope", "read_envelope"]

_ADDRESS_FIELDS = ("maker", "signer")
_NUMBER_FIELDS = ("tokenId", "makerAmount", "takerAmount", "timestamp", "expiration")
_HASH_FIELDS = ("metadata", "builder")
_SIDES = get_args(Direction)
_TYPES = get_args(OrderType)
_DEPOSIT = KINDS.index("deposit")
_INNER = 65
_BELOW = 1 << 256
_ABSURD = 10**20


@attrs.frozen(kw_only=True, slots=True)
class Envelope:
    """One signed order and how it is to be treated."""

    fields: Mapping[str, int | str]
    side: Direction
    signature: bytes
    owner: str
    order_type: OrderType
    post_only: bool
    expiration: int
    contents: bytes

    @property
    def maker(self) -> str:
        """Whose money it is."""
        return str(self.fields["maker"])

    @property
    def signer(self) -> str:
        """Who is said to have signed."""
        return str(self.fields["signer"])

    @property
    def token(self) -> str:
        """What is bought or sold."""
        return str(self.fields["tokenId"])

    @property
    def signature_type(self) -> int:
        """How it is signed."""
        return int(self.fields["signatureType"])

    @property
    def amounts(self) -> Amounts:
        """What is given and got."""
        maker, taker = (int(self.fields[f"{who}Amount"]) for who in ("maker", "taker"))
        return Amounts.of(self.side, maker, taker)

    def digest(self, exchange: Exchange) -> str:
        """The order's id on a contract."""
        return "0x" + order_digest(exchange, self.contents).hex()

    def signed_for(self) -> tuple[Exchange, str] | None:
        """The contract that the signature is for and who signed; None for none.

        Of a signature of types 0 to 2 any contract recovers somebody: it is for the one
        on which that is the signer. One of type 3 says itself which contract it is for.
        """
        if self.signature_type == _DEPOSIT:
            return self._unwrapped()
        for exchange in EXCHANGES:
            found = recover(order_digest(exchange, self.contents), self.signature)
            if found is not None and found.lower() == self.signer.lower():
                return exchange, found
        return None

    def _unwrapped(self) -> tuple[Exchange, str] | None:
        inner = self.signature[:_INNER]
        for exchange in EXCHANGES:
            if self.signature == wrapped(inner, exchange, self.contents):
                digest = wrapper_digest(exchange, self.contents, self.maker)
                found = recover(digest, inner)
                return None if found is None else (exchange, found)
        return None


def _whole(value: Any) -> int:
    """A whole number, as text or (the salt) as a number."""
    if isinstance(value, str) and value.isascii() and value.isdigit():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise bad_request("Invalid order payload")
    if not 0 <= value < _BELOW:
        raise bad_request("Invalid order payload")
    return value


def _hex(value: Any, size: int) -> str:
    try:
        read = bytes.fromhex(value.removeprefix("0x"))
    except (AttributeError, ValueError) as error:
        raise bad_request("Invalid order payload") from error
    if size and len(read) != size:
        raise bad_request("Invalid order payload")
    return str(value)


def _word(value: Any, words: tuple[Any, ...]) -> Any:
    if value not in words:
        raise bad_request("Invalid order payload")
    return value


def read_envelope(sent: Any) -> Envelope:
    """Read one entry of a request; what is not an order is a 400."""
    order = sent.get("order") if isinstance(sent, dict) else None
    if not isinstance(order, dict):
        raise bad_request("Invalid order payload")
    numbers = {name: _whole(order.get(name, 0)) for name in _NUMBER_FIELDS}
    side = _word(order.get("side"), _SIDES)
    fields: dict[str, int | str] = {
        **{name: _hex(order.get(name), 20) for name in _ADDRESS_FIELDS},
        **numbers,
        **{name: _hex(order.get(name), 32) for name in _HASH_FIELDS},
        "salt": _whole(order.get("salt")),
        "side": _SIDES.index(side),
        "signatureType": _word(order.get("signatureType"), (0, 1, 2, 3)),
    }
    if not all(0 < numbers[f"{who}Amount"] < _ABSURD for who in ("maker", "taker")):
        raise bad_request("Invalid order payload")
    return Envelope(
        fields=fields,
        side=side,
        signature=bytes.fromhex(_hex(order.get("signature"), 0).removeprefix("0x")),
        owner=str(sent.get("owner", "")),
        order_type=_word(sent.get("orderType", "GTC"), _TYPES),
        post_only=sent.get("postOnly") is True,
        expiration=numbers["expiration"],
        contents=order_hash(fields),
    )
