"""What stands for a wallet and its key where a recording of Polymarket is replayed.

An order's id is the hash of what is signed, with a salt and a time in it.  Those of the
recording are taken again for an order with the same terms, so that its id is the one that
the recorded answers tell; the signature, which no recording holds, is of no key.
"""

from __future__ import annotations

from base64 import b64encode
from bisect import insort
from collections import defaultdict, deque
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from typing import Any, TypeAlias, TypeVar

import msgspec

from ... import fork
from ...errors import UnifiedExchangesError
from ...flow import Flow
from ...models import OrderPreview, OrderRequest
from ...recording.format import Rest, Unanswered
from ...recording.redaction import REDACTED, REDACTED_KEY
from ...settings import Settings
from ...venue.draft import Rules
from ...venue.ticket import Ticket
from .addresses import address_of, read_address
from .api_key import ApiKey
from .credentials import Credentials
from .curve import key_maker
from .drafts import Draft
from .eip712 import OrderEncoder
from .signing import SignatureType, Signer, Wallet
from .venue import PolymarketVenue

__all__ = ["stand_in", "venue_type"]

T = TypeVar("T")

_Terms: TypeAlias = tuple[str, ...]
_Identity: TypeAlias = tuple[int, int]
"""A salt and a time."""

_SCALAR = (1).to_bytes(32, "big")
"""A private key that everybody knows: it signs what is sent nowhere."""
_CHAIN = 137
_TERMS = ("tokenId", "side", "makerAmount", "takerAmount", "expiration")
_decode = msgspec.json.Decoder().decode


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


def venue_type(requests: Iterable[Rest | Unanswered]) -> type[PolymarketVenue]:
    """The venue in the name of the wallet that was recorded, with its salts and times."""
    # In the order in which they left: the last to leave may have been answered first.
    asked = sorted(requests, key=lambda line: line.began)
    orders = list(_orders(asked))
    held = _credentials((order for order, _ in orders), asked)
    told = _Told(orders)

    class Replayed(PolymarketVenue):
        def __init__(self, settings: Settings) -> None:
            super().__init__(settings)
            if held is not None:
                self.credentials = held

        def drafted(self, ticket: Ticket, rules: Rules, bound: Decimal | None) -> Draft:
            ready = super().drafted(ticket, rules, bound)
            told.deal(ready)
            return ready

        def free_keys(self, ready: Sequence[Draft]) -> None:
            super().free_keys(ready)
            told.give_back(ready)

        def preview_order(self, order: OrderRequest) -> Flow[OrderPreview]:
            return (yield from _shown(super().preview_order(order), told))

        def preview_orders(
            self, orders: Sequence[OrderRequest], *, leave: bool
        ) -> Flow[tuple[list[OrderPreview], UnifiedExchangesError | None]]:
            return (
                yield from _shown(super().preview_orders(orders, leave=leave), told)
            )

    Replayed.__name__ = PolymarketVenue.__name__
    return Replayed


class _Told:
    """Salts and times that are left of the recorded orders, by what these say.

    Those of equal orders are dealt in the order in which they were made.
    """

    def __init__(self, orders: Iterable[tuple[Mapping[str, Any], str]]) -> None:
        self._lock = fork.lock()
        self._places: dict[_Identity, int] = {}
        self._left: dict[_Terms, deque[_Identity]] = defaultdict(deque)
        for order, order_type in sorted(orders, key=lambda x: int(x[0]["timestamp"])):
            identity = int(order["salt"]), int(order["timestamp"])
            if identity not in self._places:
                # One that was sent again is the same order.
                self._places[identity] = len(self._places)
                terms = (*(str(order[name]) for name in _TERMS), order_type)
                self._left[terms].append(identity)

    def deal(self, ready: Draft) -> None:
        """Make an order the first one that is left of its terms, if there is one."""
        with self._lock:
            if left := self._left.get(_terms(ready)):
                ready.become(*left.popleft())

    def give_back(self, ready: Iterable[Draft]) -> None:
        """These never left, and were not recorded: what was dealt to them is of others."""
        for x in ready:
            identity = x.salt, x.timestamp_ms
            if identity not in self._places:
                continue
            with self._lock:
                left = self._left[_terms(x)]
                if identity not in left:
                    insort(left, identity, key=self._places.__getitem__)

    @contextmanager
    def kept(self) -> Generator[None, None, None]:
        """Use nothing up meanwhile."""
        with self._lock:
            kept = {terms: deque(left) for terms, left in self._left.items()}
        try:
            yield
        finally:
            with self._lock:
                self._left.update(kept)


def _shown(flow: Flow[T], told: _Told) -> Flow[T]:
    """A flow whose orders are only shown."""
    with told.kept():
        return (yield from flow)


def _terms(ready: Draft) -> _Terms:
    body: Any = ready.shown_body()
    order = body["order"]
    return (*(str(order[name]) for name in _TERMS), body["orderType"])


def _orders(
    requests: Iterable[Rest | Unanswered],
) -> Iterator[tuple[Mapping[str, Any], str]]:
    """Every order that was sent, in order, and how long it may rest."""
    for line in requests:
        if line.method != "POST" or not line.path.endswith(("/order", "/orders")):
            continue
        content = _decode(line.request.data or b"null")
        for each in content if isinstance(content, list) else [content]:
            if not (isinstance(each, dict) and isinstance(each.get("order"), dict)):
                continue
            order = each["order"]
            # One without its terms is asked for by nobody: it is not found, and that is said.
            if not any(REDACTED in name for name in order):
                yield order, str(each.get("orderType"))


def _credentials(
    orders: Iterable[Mapping[str, Any]], requests: Iterable[Rest | Unanswered]
) -> Credentials | None:
    """Those of the recorded wallet, as far as it was told; None if it was not."""
    for order in orders:
        wallet = Wallet(order["maker"], SignatureType(int(order["signatureType"])))
        builder = bytes.fromhex(str(order["builder"])[2:])
        return _made(_Named(wallet, str(order["signer"]), builder))
    pairs = [pair for line in requests for pair in line.query]
    users = [text for name, text in pairs if name == "user"]
    kinds = [text for name, text in pairs if name == "signature_type"]
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
