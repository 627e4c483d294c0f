"""Members: wallets that are opened and filled, heartbeats, what they are told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING
from uuid import UUID

from ....money import EXACT, ZERO
from ....simulator.orders import Order, Refusal
from .catalog import Listed
from .creation import address_of_wallet
from .curve import address_of
from .errors import Failure
from .news import Change
from .records import Placed
from .wallets import ApiKey, Kind, Notification, Wallet, derived_key
from .wire import text

if TYPE_CHECKING:
    from .house import House

__all__ = ["Members"]


class Members:
    """Opens wallets and watches over them, for one house."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._beats: dict[str, str] = {}
        self._revoked: Counter[tuple[str, int]] = Counter()
        self._told = 0

    def open(
        self,
        private_key: int,
        *,
        kind: Kind,
        cash: Decimal,
        address: str | None = None,
    ) -> Wallet:
        """A wallet for a key that signs; its address follows from the key unless given."""
        house, signer = self._house, address_of(private_key)
        if address is None:
            address = address_of_wallet(kind, signer)
        wallet = house.wallets.get(address.lower())
        if wallet is None:
            wallet = Wallet(
                address=address, signer=signer, kind=kind, created_us=house.now_us
            )
            house.wallets[wallet.name] = wallet
            house.engine.open_account(wallet.name)
        wallet.signer, wallet.kind = signer, kind
        self.bring_to(wallet, cash)
        return wallet

    def bring_to(self, wallet: Wallet, cash: Decimal) -> None:
        """Put pUSD in, or take it out."""
        house = self._house
        lacking = EXACT.subtract(cash, house.collateral(wallet))
        if lacking > ZERO:
            house.engine.deposit(wallet.account, lacking)
            house.credit("DEPOSIT", wallet.name, lacking)
        elif lacking < ZERO:
            house.engine.withdraw(wallet.account, lacking.copy_negate())
            house.credit("WITHDRAWAL", wallet.name, lacking.copy_negate())
            house.cover(wallet)

    def add_key(self, wallet: Wallet, nonce: int = 0) -> ApiKey:
        """The API key of the wallet's signer."""
        key = self.key_of(wallet.signer, nonce)
        self._house.keys[key.key_id] = key
        return key

    def key_of(self, address: str, nonce: int) -> ApiKey:
        """The API key of a signer that is there, or would be made."""
        after = self._revoked[address, nonce]
        return derived_key(self._house.seed, address, nonce, after=after)

    def revoke(self, key: ApiKey) -> None:
        """End an API key for good."""
        del self._house.keys[key.key_id]
        self._revoked[key.address, key.nonce] += 1

    def revoke_keys(self, wallet: Wallet) -> None:
        """End the API keys of the wallet's signer."""
        for key in list(self._house.keys.values()):
            if key.address == wallet.signer:
                self.revoke(key)

    def wallet_of(self, address: str, signature_type: int) -> Wallet | None:
        """The wallet of a signer, of that kind."""
        return next(
            (
                wallet
                for wallet in self._house.wallets.values()
                if wallet.signer == address and wallet.signature_type == signature_type
            ),
            None,
        )

    # What comes from the chain

    def split(self, wallet: Wallet, listed: Listed, size: Decimal) -> None:
        """Turn pUSD into pairs of tokens."""
        house = self._house
        if house.collateral(wallet) < size:
            raise ValueError("not so much pUSD")
        now_us = house.engine.now_us()
        house.vault.split(wallet.name, listed.condition_id, size, now_us)
        house.note("SPLIT", wallet.name, listed, 0, size, size, house.new_hash())
        house.cover(wallet)

    def merge(self, wallet: Wallet, listed: Listed, size: Decimal) -> None:
        """Turn pairs of tokens into pUSD."""
        house, condition = self._house, listed.condition_id
        if min(house.vault.size(wallet.name, condition, n) for n in (0, 1)) < size:
            raise ValueError("not so many pairs")
        house.vault.merge(wallet.name, condition, size, house.engine.now_us())
        house.note("MERGE", wallet.name, listed, 0, size, size, house.new_hash())
        house.cover(wallet)

    def reward(self, wallet: Wallet, money: Decimal, kind: str) -> None:
        """Give a wallet what it earned beside its trades."""
        self._house.engine.deposit(wallet.account, money)
        self._house.credit(kind, wallet.name, money)

    # Cancelling

    def cancel(
        self, key: ApiKey, order_ids: Iterable[str]
    ) -> tuple[list[str], dict[str, str]]:
        """Cancel orders of a key: which ones, and why not the others."""
        cancelled, refused = [], {}
        for order_id in dict.fromkeys(order_ids):
            reason = self._cancel(key, order_id)
            if reason is None:
                cancelled.append(order_id)
            else:
                refused[order_id] = reason
        return cancelled, refused

    def _cancel(self, key: ApiKey, order_id: str) -> str | None:
        house, placed = self._house, self._house.orders.get(order_id)
        if placed is None or placed.key_id != key.key_id:
            return "order can't be found - already canceled or matched"
        order = self.order(placed)
        if order is None:
            return "the order is delayed and cannot be canceled"
        if not order.is_open:
            return "already canceled or matched"
        owner = house.wallets[placed.maker.lower()].account
        house.engine.cancel(order_id, owner=owner)
        return None

    def order(self, placed: Placed) -> Order | None:
        """An order as the engine has it; None while it is delayed."""
        account = placed.maker.lower()
        try:
            return self._house.engine.order(placed.order_id, account_id=account)
        except Refusal:
            return None

    def open_orders(self, key: ApiKey) -> list[tuple[Placed, Order]]:
        """The resting orders of a key, newest first."""
        found = [
            pair
            for wallet in self._house.wallets.values()
            if wallet.signer == key.address
            for pair in self._house.open_orders(wallet.name)
            if pair[0].key_id == key.key_id
        ]
        return sorted(found, key=lambda pair: pair[1].sequence, reverse=True)

    # The dead man's switch

    def beat(self, key: ApiKey, heartbeat_id: str) -> str:
        """Take a heartbeat; the id that the next one must have."""
        expected = self._beats.get(key.key_id)
        if expected is not None and heartbeat_id != expected:
            payload = {"error_msg": "Invalid Heartbeat ID", "heartbeat_id": expected}
            raise Failure(400, payload)
        bits = self._house.rng.getrandbits(128)
        following = str(UUID(int=bits, version=4))
        self._beats[key.key_id] = following
        silence = partial(self._stopped, key, following)
        self._house.later(self._house.settings.heartbeat, silence)
        return following

    def _stopped(self, key: ApiKey, expected: str) -> None:
        """No heartbeat came: every order of the key goes."""
        if self._beats.get(key.key_id) != expected:
            return
        self.cancel(key, [placed.order_id for placed, _ in self.open_orders(key)])

    # What members are told

    def notify(self, placed: Placed, order: Order, change: Change) -> None:
        """Write down for a member that an order was cancelled (1) or filled (2)."""
        self._told += 1
        told = Notification(
            number=self._told,
            kind=1 if change == "CANCELLATION" else 2,
            payload={
                "order_id": placed.order_id,
                "market": placed.listed.condition_id,
                "asset_id": placed.token,
                "side": placed.side,
                "type": placed.order_type,
                "price": text(placed.price),
                "original_size": text(placed.size),
                "matched_size": text(order.filled),
                "remaining_size": text(order.remaining),
                "outcome": placed.outcome,
                "outcome_index": placed.index,
                "transaction_hash": "",
                "trade_id": placed.trade_ids[-1] if placed.trade_ids else "",
                "question": placed.listed.question,
                "market_slug": placed.listed.slug,
            },
            time_us=self._house.engine.now_us(),
        )
        self._house.wallets[placed.maker.lower()].notifications.append(told)
