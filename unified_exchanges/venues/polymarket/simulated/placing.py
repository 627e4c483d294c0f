"""Placing orders: every check that the venue makes, in its order and in its words."""

from __future__ import annotations

from decimal import ROUND_FLOOR, Decimal
from functools import partial
from typing import TYPE_CHECKING

import attrs

from ....money import EXACT, ZERO, text, total
from ....simulator.book import crosses
from ....simulator.orders import Order, Refusal, Side, Ticket, TimeInForce
from .catalog import Listed
from .envelopes import Envelope
from .errors import Failure, bad_request, not_enough
from .gamma_views import accepts, is_closed
from .lots import decimals
from .news import OrderTold
from .records import OrderType, Placed, engine_side, other_price
from .tariff import taker_fee
from .wallets import ApiKey, Wallet
from .wire import SECOND, Payload

if TYPE_CHECKING:
    from .house import House

__all__ = ["Desk"]

_FOK = "order couldn't be fully filled. FOK orders are fully filled or killed."
_FAK = (
    "no orders found to match with FAK order. FAK orders are partially filled or "
    "killed if no match is found."
)
_ACCURACY = (
    "invalid amounts, the market buy orders maker amount supports a max accuracy of 2 "
    "decimals, taker amount a max of {places} decimals"
)
_KINDS: dict[OrderType, TimeInForce] = {
    "GTC": "gtc",
    "GTD": "gtc",
    "FOK": "fok",
    "FAK": "ioc",
}
_SIZE_PLACES = 2
_TAKING_PLACES = 4
_FINE_PLACES = 5
_GTD_LEAST = 180
_GTD_EARLY = 60
_LOT = Decimal("0.01")


@attrs.frozen(kw_only=True, slots=True)
class _Draft:
    """An order that has passed the checks of its form."""

    envelope: Envelope
    order_id: str
    wallet: Wallet
    listed: Listed
    index: int
    price: Decimal
    size: Decimal

    @property
    def side(self) -> Side:
        """The engine's side."""
        return engine_side(self.index, self.envelope.side)

    @property
    def engine_price(self) -> Decimal:
        """The engine's price."""
        return other_price(self.index, self.price)

    @property
    def is_immediate(self) -> bool:
        """Whether it never rests."""
        return self.envelope.order_type in {"FOK", "FAK"}


class Desk:
    """Takes orders of members in; one per house."""

    def __init__(self, house: House) -> None:
        self._house = house

    def place(self, envelope: Envelope, key: ApiKey) -> Payload:
        """Accept an order and match it; its receipt."""
        draft = self._admit(envelope, key)
        crossing = self._crossing(draft)
        self._check_money(draft, crossing)
        self._check_kind(draft, crossing, key)
        if crossing and draft.listed.seconds_delay:
            return self._delay(draft, key)
        return self._carry_out(draft, self._placed(draft, key))

    # Checks

    def _admit(self, envelope: Envelope, key: ApiKey) -> _Draft:
        wallet = self._wallet(envelope, key)
        found = self._house.catalog.of_token(envelope.token)
        if found is None:
            raise bad_request("Invalid token id")
        listed, index = found
        self._check_market(listed)
        self._check_signature(envelope, listed, key)
        order_id = envelope.digest(listed.exchange)
        if order_id in self._house.orders:
            raise _invalid(order_id, "Duplicated.")
        price = self._check_amounts(envelope, order_id, listed)
        self._check_expiration(envelope)
        return _Draft(
            envelope=envelope,
            order_id=order_id,
            wallet=wallet,
            listed=listed,
            index=index,
            price=price,
            size=self._size(envelope, listed, index, price),
        )

    def _size(
        self, envelope: Envelope, listed: Listed, index: int, price: Decimal
    ) -> Decimal:
        """The shares it names, or what its dollars buy if those are what counts."""
        size = envelope.amounts.size
        is_market = envelope.order_type in {"FOK", "FAK"}
        if not (self._house.settings.spends_all and is_market):
            return size
        if envelope.side == "SELL":
            return size
        side = engine_side(index, "BUY")
        left, shares = envelope.amounts.money, ZERO
        against: Side = "ask" if side == "bid" else "bid"
        for level in self._house.engine.levels(listed.condition_id, against):
            each = other_price(index, level.price)
            if each > price:
                break
            most = left / each
            bought = min(level.size, most.quantize(_LOT, ROUND_FLOOR))
            shares = EXACT.add(shares, bought)
            left = EXACT.subtract(left, EXACT.multiply(bought, each))
        return max(size, shares)

    def _wallet(self, envelope: Envelope, key: ApiKey) -> Wallet:
        if envelope.owner != key.key_id:
            raise bad_request("the order owner has to be the owner of the API KEY")
        is_deposit = envelope.signature_type == 3  # noqa: PLR2004
        signer = envelope.maker if is_deposit else key.address
        if envelope.signer.lower() != signer.lower():
            text = "the order signer address has to be the address of the API KEY"
            raise bad_request(text)
        wallet = self._house.wallets.get(envelope.maker.lower())
        if wallet is None or not wallet.is_allowed:
            text = "maker address not allowed, please use the deposit wallet flow"
            raise bad_request(text)
        if wallet.is_banned:
            raise bad_request(f"'{wallet.address}' address banned")
        if wallet.is_closed_only and envelope.side == "BUY":
            raise bad_request(f"'{wallet.address}' address in closed only mode")
        return wallet

    def _check_market(self, listed: Listed) -> None:
        if is_closed(self._house, listed):
            # How a resolved market refuses is not documented: assumed.
            raise bad_request(
                "No orderbook exists for the requested token id", status=404
            )
        if not accepts(self._house.market(listed)):
            raise bad_request("the market is not yet ready to process new orders")

    def _check_signature(self, envelope: Envelope, listed: Listed, key: ApiKey) -> None:
        wallet = self._house.wallets[envelope.maker.lower()]
        signed = envelope.signed_for()
        if signed is None:
            raise bad_request("invalid signature")
        exchange, signer = signed
        is_own = wallet.signer == signer == key.address
        if not is_own or wallet.signature_type != envelope.signature_type:
            raise bad_request("invalid signature")
        if exchange != listed.exchange:
            raise bad_request("order_version_mismatch")

    def _check_amounts(
        self, envelope: Envelope, order_id: str, listed: Listed
    ) -> Decimal:
        amounts, tick = envelope.amounts, self._house.tick(listed)
        price = amounts.on_grid(tick)
        if price is None:
            told = text(EXACT.normalize(round(amounts.price, 6)))
            rule = f"Price ({told}) breaks minimum tick size rule: {text(tick)}"
            raise _invalid(order_id, rule)
        is_market = envelope.order_type in {"FOK", "FAK"}
        if is_market and envelope.side == "BUY":
            # Five on markets of a tick of 0.001 (reported, 2026-09-04).
            coarse = decimals(tick) < 3  # noqa: PLR2004
            places = _TAKING_PLACES if coarse else _FINE_PLACES
            too_fine = decimals(amounts.money) > _SIZE_PLACES
            if too_fine or decimals(amounts.size) > max(places, decimals(tick) + 2):
                raise bad_request(_ACCURACY.format(places=places))
        elif decimals(amounts.size) > _SIZE_PLACES:
            raise _invalid(order_id, f"Maximum lot size is {_SIZE_PLACES}")
        if not is_market and amounts.size < listed.min_size:
            sizes = f"Size ({text(amounts.size)}) lower than the minimum"
            raise _invalid(order_id, f"{sizes}: {text(listed.min_size)}")
        return price

    def _check_expiration(self, envelope: Envelope) -> None:
        if envelope.order_type != "GTD":
            if envelope.expiration:
                raise bad_request("invalid expiration")
            return
        if envelope.expiration < self._house.now_us // SECOND + _GTD_LEAST:
            raise bad_request("invalid expiration")

    def _crossing(self, draft: _Draft) -> Decimal:
        """Shares that could trade at once."""
        against: Side = "ask" if draft.side == "bid" else "bid"
        found = [
            level.size
            for level in self._house.engine.levels(draft.listed.condition_id, against)
            if crosses(draft.side, draft.engine_price, level.price)
        ]
        return min(draft.size, total(found))

    def _check_money(self, draft: _Draft, crossing: Decimal) -> None:
        envelope, house = draft.envelope, self._house
        money = EXACT.multiply(draft.price, draft.size)
        if envelope.side == "BUY" and crossing and envelope.amounts.money < 1:
            raise bad_request(
                "invalid amount for a marketable BUY order "
                f"(${text(envelope.amounts.money)}), min size: $1"
            )
        if envelope.side == "BUY":
            fee = taker_fee(draft.listed.fees, draft.price, crossing)
            needed = EXACT.add(money, fee)
            if not house.may_spend(draft.wallet, draft.listed, needed):
                raise not_enough()
        elif not house.may_sell(draft.wallet, draft.listed, draft.index, draft.size):
            raise not_enough()

    def _check_kind(self, draft: _Draft, crossing: Decimal, key: ApiKey) -> None:
        envelope = draft.envelope
        if envelope.post_only and draft.is_immediate:
            raise bad_request("invalid post-only order: only GTC and GTD are allowed")
        if envelope.post_only and crossing:
            raise bad_request("invalid post-only order: order crosses book")
        if envelope.order_type == "FAK" and not crossing:
            raise bad_request(_FAK)
        if envelope.order_type == "FOK" and crossing < draft.size:
            self._kill(draft, key)
            raise bad_request(_FOK)

    def _kill(self, draft: _Draft, key: ApiKey) -> None:
        """A killed order is told as cancelled, with empty fields and a text for status."""
        placed = self._placed(draft, key, remember=False)
        placed.verdict = f"CANCELED_{_FOK}"
        self._house.tell(
            OrderTold(
                placed=placed,
                change="CANCELLATION",
                status=placed.verdict,
                matched=None,
                time_us=self._house.engine.now_us(),
            )
        )

    # Carrying out

    def _placed(self, draft: _Draft, key: ApiKey, *, remember: bool = True) -> Placed:
        placed = Placed(
            order_id=draft.order_id,
            key_id=key.key_id,
            address=key.address,
            maker=draft.wallet.address,
            listed=draft.listed,
            index=draft.index,
            side=draft.envelope.side,
            price=draft.price,
            size=draft.envelope.amounts.size,
            order_type=draft.envelope.order_type,
            expiration=draft.envelope.expiration,
            created_us=self._house.engine.now_us(),
        )
        if remember:
            self._house.orders[draft.order_id] = placed
        return placed

    def _delay(self, draft: _Draft, key: ApiKey) -> Payload:
        """Hold a taking order of a game back; it can be neither seen nor cancelled."""
        placed = self._placed(draft, key)
        seconds = draft.listed.seconds_delay
        self._house.later(seconds, partial(self._carry_out_late, draft, placed))
        return _receipt(draft.order_id, "delayed")

    def _carry_out_late(self, draft: _Draft, placed: Placed) -> None:
        try:
            self._check_market(draft.listed)
            self._carry_out(draft, placed, late=True)
        except Failure as failure:
            placed.verdict = f"CANCELED_{failure.text}"
            self._house.orders[placed.order_id] = placed
            self._house.tell(
                OrderTold(
                    placed=placed,
                    change="CANCELLATION",
                    status=placed.verdict,
                    matched=ZERO,
                    time_us=self._house.engine.now_us(),
                )
            )

    def _carry_out(
        self, draft: _Draft, placed: Placed, *, late: bool = False
    ) -> Payload:
        house = self._house
        try:
            order = house.engine.place(self._ticket(draft))
        except Refusal as refusal:
            del house.orders[draft.order_id]
            raise _translated(refusal) from refusal
        house.tape.flush()
        if late:
            return {}
        return self._told(order, placed)

    def _ticket(self, draft: _Draft) -> Ticket:
        expires_us = None
        if draft.envelope.order_type == "GTD":
            # The venue cancels a minute early (docs.polymarket.com, 2026-08).
            expires_us = (draft.envelope.expiration - _GTD_EARLY) * SECOND
        return Ticket(
            market_id=draft.listed.condition_id,
            owner=draft.wallet.account,
            side=draft.side,
            price=draft.engine_price,
            size=draft.size,
            time_in_force=_KINDS[draft.envelope.order_type],
            self_trade="maker",
            post_only=draft.envelope.post_only,
            order_id=draft.order_id,
            expires_us=expires_us,
        )

    def _told(self, order: Order, placed: Placed) -> Payload:
        if not order.filled:
            return _receipt(order.order_id, "live")
        paid = placed.side == "BUY"
        value = order.value
        if placed.index:
            value = EXACT.subtract(order.filled, value)
        given, got = (value, order.filled) if paid else (order.filled, value)
        matches = self._house.tape.matches
        return {
            **_receipt(order.order_id, "matched"),
            "makingAmount": text(given),
            "takingAmount": text(got),
            "tradeIDs": list(placed.trade_ids),
            "transactionsHashes": [
                matches[name].transaction for name in placed.trade_ids
            ],
        }


def _receipt(order_id: str, status: str) -> Payload:
    return {
        "success": True,
        "errorMsg": "",
        "orderID": order_id,
        "status": status,
        "makingAmount": "",
        "takingAmount": "",
        "tradeIDs": [],
    }


def _invalid(order_id: str, rule: str) -> Failure:
    return bad_request(f"order {order_id} is invalid. {rule}")


_TEXTS = {
    "insufficient_balance": "not enough balance / allowance",
    "fok_insufficient_volume": _FOK,
    "post_only_cross": "invalid post-only order: order crosses book",
}


def _translated(refusal: Refusal) -> Failure:
    return bad_request(_TEXTS.get(refusal.code, "could not insert order"))
