"""An order before it is sent, as it is signed and written.

Its id is the hash of what is signed, so that it is known before anything leaves; salt and
time in it set it apart from others that say the same (docs.polymarket.com, 2026-08).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

import attrs

from ...errors import InvalidOrder, InvalidSize
from ...models import Intent, OrderRequest, Side, TimeInForce
from ...models.journal import DRAWN
from ...money import EXACT, ONE, ZERO, text
from ...venue.draft import Draft as AnyDraft
from ...venue.reading import milliseconds
from ...venue.ticket import Ticket, Tickets
from .amounts import Amounts, amounts_of, immediate_amounts_of, least_immediate_size
from .arguments import ARGUMENTS, read_market_id
from .contracts import Domain, exchange_domain
from .credentials import Credentials
from .parse import EXPIRY_MARGIN
from .rules import MarketRules
from .signing import SignedOrder

__all__ = ["LEAST_LIFE", "TICKETS", "Draft", "Terms", "terms_of_intent"]

ZERO_WORD: Final = "0x" + "0" * 64
_MARGIN: Final = int(EXPIRY_MARGIN.total_seconds())
LEAST_LIFE: Final = 180 - _MARGIN
"""Seconds that an order with an expiry must have to live: the wire's must be 180 ahead
(docs.polymarket.com, order types, 2026-08)."""

_SIDES: Final = {Side.BUY: "BUY", Side.SELL: "SELL"}
_IMMEDIATE: Final = {TimeInForce.IOC: "FAK", TimeInForce.FOK: "FOK"}
_TAKEN: Final = frozenset(
    {
        "builder",
        "expiration",
        "maker",
        "makerAmount",
        "orderType",
        "owner",
        "postOnly",
        "salt",
        "side",
        "signature",
        "signatureType",
        "signer",
        "takerAmount",
        "timestamp",
        "tokenId",
    }
)
Terms = tuple[object, ...]
"""What an order says, whichever it is."""


def _wrong(request: OrderRequest, time_in_force: TimeInForce) -> str | None:  # noqa: ARG001
    side = str(request.side).lower()
    if request.reduce_only and side == "buy":
        # Outcomes do not net: who holds one and buys the other holds both.
        return (
            "reduce_only orders sell what is held: on Polymarket buying the other outcome "
            "opens a position of its own"
        )
    return None


def _least_size(
    time_in_force: TimeInForce, minimum_size: Decimal, lot: Decimal
) -> Decimal:
    """The market's minimum is for what may rest; what takes at once needs a dollar.

    That is how the vendor's site sells less (reported, 2026-09; not documented).
    """
    return minimum_size if time_in_force is TimeInForce.GTC else lot


def _check(ticket: Ticket, price: Decimal, size: Decimal, now: float) -> None:
    """Refuse what the venue surely would: too cheap, too soon over, not in cents."""
    expires = ticket.expires
    if expires is not None and expires < now + LEAST_LIFE:
        soonest = datetime.fromtimestamp(int(now) + LEAST_LIFE + 1, UTC)
        message = (
            f"expires_at {datetime.fromtimestamp(expires, UTC)} is too soon: an order "
            f"on Polymarket lives two minutes at least, so until {soonest}; "
            "time_in_force='ioc' does not rest at all"
        )
        raise InvalidOrder(message, venue="polymarket")
    if ticket.side is not Side.BUY or ticket.time_in_force not in _IMMEDIATE:
        return
    if EXACT.multiply(price, size) < ONE:
        # Seen in issues of the vendor's clients, 2026-05 to 2026-09.
        least = least_immediate_size(price)
        message = (
            f"buy {text(size)} at {text(price)} costs less than a dollar, and Polymarket "
            f"takes no order to buy at once below that: {text(least)} is the least size "
            "at this price"
        )
        raise InvalidSize(message, nearest=(least,), venue="polymarket")
    # Of what costs no whole cents it cannot be made.
    immediate_amounts_of(ticket.side, price, size)


TICKETS: Final = Tickets(
    arguments=ARGUMENTS,
    taken=_TAKEN,
    known={},
    read_market_id=read_market_id,
    wrong=_wrong,
    least_size=_least_size,
    check=_check,
)


@attrs.define(kw_only=True, slots=True, eq=False, repr=False)
class Draft(AnyDraft):
    """An order that is ready to be signed and sent; signed when it is first asked."""

    market: MarketRules
    """The rules of its market, with what only Polymarket has."""
    credentials: Credentials | None
    salt: int
    timestamp_ms: int
    _signed: SignedOrder | None = attrs.field(default=None, init=False)

    # -- what it says ---------------------------------------------------------------

    @property
    def token(self) -> str:
        """What is bought or sold."""
        return self.market.token(self.outcome)

    @property
    def is_immediate(self) -> bool:
        """Whether it never rests."""
        return self.ticket.time_in_force in _IMMEDIATE

    @property
    def order_type(self) -> str:
        """How long it may rest, in the venue's word."""
        resting = "GTC" if self.ticket.expires is None else "GTD"
        return _IMMEDIATE.get(self.ticket.time_in_force, resting)

    @property
    def expiration(self) -> int:
        """What is sent as expiry: the venue cancels a minute before that."""
        expires = self.ticket.expires
        return 0 if expires is None else expires + _MARGIN

    @property
    def reduce_only(self) -> bool:
        """Whether it closes only, as every sale: what is not held cannot be sold."""
        return self.side is Side.SELL

    @property
    def amounts(self) -> Amounts:
        """What is given and taken, in millionths."""
        make = immediate_amounts_of if self.is_immediate else amounts_of
        return make(self.side, self.price, self.size)

    @property
    def collateral(self) -> Decimal:
        """Dollars that it takes: a sale takes none, since only what is held can be sold."""
        if self.side is Side.SELL:
            return ZERO
        return EXACT.multiply(self.price, self.size)

    @property
    def terms(self) -> Terms:
        """What it says, to be compared with what left under the same client order id."""
        return (
            self.market_id,
            self.outcome,
            self.side,
            self.price,
            self.size,
            self.ticket.time_in_force,
            self.ticket.expires,
            _told(self.words),
        )

    @property
    def words(self) -> Mapping[str, str | int | bool]:
        """What it is sent with besides: flags, and what makes it this order and no other."""
        return {**super().words, "salt": self.salt, "timestamp": self.timestamp_ms}

    # -- which order it is ----------------------------------------------------------

    @property
    def domain(self) -> Domain:
        """The contract that it is signed for."""
        assert self.credentials is not None
        chain = self.credentials.chain
        return exchange_domain(chain, self.token, neg_risk=self.market.neg_risk)

    @property
    def signed(self) -> SignedOrder:
        """Its id and its signature."""
        if self._signed is None:
            assert self.credentials is not None
            self._signed = self.credentials.sign_order(
                self.domain,
                self.side,
                self.token,
                self.amounts,
                salt=self.salt,
                timestamp_ms=self.timestamp_ms,
            )
        return self._signed

    @property
    def order_id(self) -> str | None:
        """Its id, which is known before it leaves."""
        return None if self.credentials is None else self.signed.order_id

    @property
    def made_at(self) -> datetime:
        """The time that is signed with it."""
        return milliseconds(self.timestamp_ms, "timestamp")

    def become(self, salt: int, timestamp_ms: int) -> None:
        """Be the order that left with these under the same client order id."""
        if (salt, timestamp_ms) != (self.salt, self.timestamp_ms):
            self.salt, self.timestamp_ms = salt, timestamp_ms
            self._signed = None

    def body(self, owner: str) -> dict[str, object]:
        """The request as the venue reads it; ``owner`` is the API key."""
        return self._body(owner, self.signed.signature)

    def shown_body(self) -> dict[str, object]:
        """The same without what only the venue may see."""
        return self._body("REDACTED", "REDACTED")

    def _body(self, owner: str, signature: str) -> dict[str, object]:
        held = self.credentials
        assert held is not None
        amounts = self.amounts
        body: dict[str, object] = {
            "deferExec": False,
            "order": {
                "builder": held.builder,
                "expiration": str(self.expiration),
                "maker": held.wallet.address,
                "makerAmount": str(amounts.maker),
                "metadata": ZERO_WORD,
                # The only number: it fits a float (docs.polymarket.com, 2026-08).
                "salt": self.salt,
                "side": _SIDES[self.side],
                "signature": signature,
                "signatureType": int(held.wallet.kind),
                "signer": held.party,
                "takerAmount": str(amounts.taker),
                "timestamp": str(self.timestamp_ms),
                "tokenId": self.token,
            },
            "orderType": self.order_type,
            "owner": owner,
        }
        if self.ticket.request.post_only:
            body["postOnly"] = True
        return body


def terms_of_intent(intent: Intent) -> Terms:
    """What an order said that the journal knows; see `Draft.terms`."""
    expires = intent.expires_at
    return (
        intent.market_id,
        intent.outcome,
        intent.side,
        intent.price,
        intent.size,
        intent.time_in_force,
        None if expires is None else int(expires.timestamp()),
        _told(intent.params),
    )


def _told(words: Mapping[str, str | int | bool]) -> tuple[object, ...]:
    return tuple(sorted((k, v) for k, v in words.items() if k not in DRAWN))
