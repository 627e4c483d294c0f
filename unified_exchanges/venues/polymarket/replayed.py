"""What stands for a wallet and its key where a recording of Polymarket is replayed.

An order's id is the hash of what is signed, with a salt and a time in it.  When an order is
sent, it takes those of what the recording is about to answer it with, so that its id is the
one that is told then; the signature, which no recording holds, is of no key.  One that the
recording does not answer is none of those in it, whatever is told of them.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar, TypeAlias

import msgspec

from ...errors import NotRecorded, UnifiedExchangesError
from ...flow import Flow, Request
from ...models import Order
from ...recording.format import Rest, Unanswered
from ...recording.redaction import REDACTED, REDACTED_KEY
from ...replaying.answers import Answers
from ...settings import Settings
from ...venue import Call
from .addresses import address_of, read_address
from .api_key import ApiKey
from .credentials import Credentials
from .curve import key_maker
from .drafts import Draft
from .eip712 import OrderEncoder
from .identities import Identity
from .placing import ORDER, ORDERS
from .signing import SignatureType, Signer, Wallet
from .venue import PolymarketVenue

__all__ = ["stand_in", "venue_type"]

_Identity: TypeAlias = tuple[int, int]
"""A salt and a time."""

_SCALAR = (1).to_bytes(32, "big")
"""A private key that everybody knows: it signs what is sent nowhere."""
_CHAIN = 137
_TERMS = ("tokenId", "side", "makerAmount", "takerAmount", "expiration")
_ADDRESS = re.compile("0x[0-9a-fA-F]{40}")
_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode


def stand_in(requests: Iterable[Rest | Unanswered]) -> Mapping[str, Any]:  # noqa: ARG001
    """Arguments of an exchange that signs for nobody: no signature leaves."""
    return {
        "api_key": REDACTED_KEY,
        "private_key": f"0x{_SCALAR.hex()}",
        "secret": b64encode(REDACTED.encode()).decode(),
        "password": REDACTED,
        # Said, so that the environment does not say something else.
        "options": {"funder": _own_address(), "signature_type": int(SignatureType.EOA)},
    }


def venue_type(answers: Answers, *, is_ours: bool = True) -> type[PolymarketVenue]:
    """The venue in the name of the wallet that was recorded, with its salts and times.

    ``is_ours``: this library has recorded, so that an order which cannot be read is damage.
    """
    # In the order in which they left: the last to leave may have been answered first.
    asked = sorted(answers.requests, key=lambda line: line.began)
    orders = list(_orders(asked, is_ours=is_ours))
    part = {"answers": answers, "held": _credentials(orders, asked)}
    return type(PolymarketVenue.__name__, (_Replayed,), part)


class _Replayed(PolymarketVenue):
    """Places the orders that its recording tells of, as far as they say the same."""

    answers: ClassVar[Answers]
    held: ClassVar[Credentials | None]

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        if self.held is not None:
            self.credentials = self.held

    def creation(self, ready: Draft, deadline: float | None) -> Call:
        if deadline is not None:  # else it is only shown
            self._become_recorded(ORDER, [ready], ready.shown_body())
        return super().creation(ready, deadline)

    def batch_creation(self, ready: Sequence[Draft], deadline: float) -> Call:
        self._become_recorded(ORDERS, ready, [x.shown_body() for x in ready])
        return super().batch_creation(ready, deadline)

    def _become_recorded(self, path: str, ready: Sequence[Draft], body: object) -> None:
        """Be the orders that the recording is about to answer for, if it has any."""
        request = Request(
            method="POST",
            url=self.environment.address(path),
            timeout=0.0,
            body=_encode(body),
        )
        timeline = self.taps.timeline
        if timeline is not None and timeline.is_begun:
            sent = timeline.promise(request)
        else:
            sent = self.answers.promise(request, is_timed=False)
        for x, order in zip(ready, _in(sent or b"null"), strict=False):
            x.become(*self._identity_of(order))
            mine = Identity.of(x)
            self.identities.put(x.client_order_id, mine)
            self.memory.name_order(mine.order_id, x.client_order_id)

    def _identity_of(self, order: Mapping[str, Any]) -> _Identity:
        try:
            return _identity(order)
        except (ValueError, LookupError, TypeError) as error:
            raise NotRecorded(
                "the order is in the recording, but not which it was: its salt or its time "
                "was taken out, and an id of Polymarket is made of them. Nothing was sent",
                venue=self.id,
                request=self.create_name,
            ) from error

    def read_order(
        self, order_id: str, market_id: str | None = None, *, urgent: bool = False
    ) -> Flow[Order | None]:
        # A resync asks for what has filled something and is not known, which this was then.
        timeline = self.taps.timeline
        if timeline is not None and timeline.early.awaits(order_id):
            return None
        return (yield from super().read_order(order_id, market_id, urgent=urgent))

    def free_keys(self, ready: Sequence[Draft]) -> None:
        super().free_keys(ready)
        for x in ready:
            if self.answers.release([str(x.salt)]):
                self._forget(x)

    def decline(self, ready: Draft, error: UnifiedExchangesError) -> Flow[Order]:
        # By an earlier call it may be there all the same.
        is_there = self.sent.is_doubtful(ready.client_order_id)
        if isinstance(error, NotRecorded) and not is_there:
            self.answers.release([str(ready.salt)])
            self._forget(ready)
        return (yield from super().decline(ready, error))

    def _forget(self, ready: Draft) -> None:
        """What is told of the order that was recorded is not told of this one."""
        assert ready.order_id is not None
        self.memory.forget_name(ready.order_id)


def _orders(
    requests: Iterable[Rest | Unanswered], *, is_ours: bool
) -> Iterator[Mapping[str, Any]]:
    """Every order that was sent, in order, as far as it was told which it is.

    Others send other orders as well, or blot out what they say: nobody asks for those.
    """
    for line in requests:
        if line.method != "POST" or not line.path.endswith(("/order", "/orders")):
            continue
        try:
            # One without its terms is asked for by nobody: that it is not found is said.
            orders = [
                x for x in _in(line.request.data or b"null") if not _is_covered(x)
            ]
            for order in orders:
                _check(order)
        except (ValueError, LookupError, TypeError):
            if is_ours:
                raise
            continue
        yield from orders


def _in(content: bytes) -> Iterator[Mapping[str, Any]]:
    """The orders of a request."""
    told = _decode(content)
    for each in told if isinstance(told, list) else [told]:
        if isinstance(each, dict) and isinstance(each.get("order"), dict):
            yield each["order"]


def _is_covered(order: Mapping[str, Any]) -> bool:
    return any(REDACTED in name for name in order)


def _check(order: Mapping[str, Any]) -> None:
    """Raise what an order cannot be read for."""
    _identity(order)
    _party(order)
    for name in _TERMS:
        order[name]


def _identity(order: Mapping[str, Any]) -> _Identity:
    return int(order["salt"]), int(order["timestamp"])


def _party(order: Mapping[str, Any]) -> tuple[Wallet, str, bytes]:
    """Whose an order is, who signed it, and who sent it."""
    for name in ("maker", "signer"):
        if not _ADDRESS.fullmatch(order[name]):
            raise ValueError(name)
    wallet = Wallet(order["maker"], SignatureType(int(order["signatureType"])))
    return wallet, str(order["signer"]), bytes.fromhex(str(order["builder"])[2:])


def _credentials(
    orders: Iterable[Mapping[str, Any]], requests: Iterable[Rest | Unanswered]
) -> Credentials | None:
    """Those of the recorded wallet, as far as it was told; None if it was not."""
    for order in orders:
        return _made(_Named(*_party(order)))
    pairs = [pair for line in requests for pair in line.query]
    users = [x for name, x in pairs if name == "user" and _ADDRESS.fullmatch(x)]
    kinds = [x for name, x in pairs if name == "signature_type" and x.isdecimal()]
    if not users and not kinds:
        return None
    kind = SignatureType(int(kinds[0])) if kinds else SignatureType.DEPOSIT_WALLET
    address = read_address(users[0], "user") if users else _own_address()
    return _made(_Named(Wallet(address, kind), address))


def _own_address() -> str:
    key = key_maker("auto")(_SCALAR)
    return address_of(key.public, key.hash)


def _made(signer: Signer) -> Credentials:
    secret = b64encode(REDACTED.encode()).decode()
    return Credentials(signer, ApiKey(REDACTED_KEY, secret, REDACTED), "replay")


class _Named(Signer):
    """Signs in the name of an address whose key is not known: nobody takes that."""

    __slots__ = ()

    def __init__(
        self, wallet: Wallet, address: str, builder: bytes = bytes(32)
    ) -> None:
        super().__init__(key_maker("auto")(_SCALAR), wallet, _CHAIN, builder)
        self.address = self.party = address
        self._encoder = OrderEncoder(wallet.address, address, wallet.kind, builder)
