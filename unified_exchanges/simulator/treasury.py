"""The treasury: accounts and the money that enters, moves and leaves."""

from __future__ import annotations

from decimal import Decimal

from ..money import EXACT, ZERO
from .floor import Floor
from .ledger import Wallet
from .orders import Owner, Refusal
from .pit import Account

__all__ = ["Treasury"]


class Treasury:
    """Opens accounts and moves their cash, on one floor."""

    def __init__(self, floor: Floor) -> None:
        self._floor = floor

    def open(self, account_id: str) -> None:
        """Open an account, unless it is open."""
        if account_id not in self._floor.accounts:
            self._floor.accounts[account_id] = Account(account_id)
            self._floor.wallet(Owner(account_id), 0).is_used = True

    def open_subaccount(self, account_id: str) -> int:
        """Open the next subaccount."""
        account = self._floor.account(account_id)
        number = account.subaccounts
        account.subaccounts += 1
        self._floor.wallet(Owner(account_id, number), 0).is_used = True
        return number

    def deposit(self, owner: Owner, amount: Decimal, shard: int) -> None:
        """Bring dollars in."""
        self._wallet(owner, shard, amount).credit(amount)
        self._floor.deposited = EXACT.add(self._floor.deposited, amount)

    def withdraw(self, owner: Owner, amount: Decimal, shard: int) -> None:
        """Take dollars out."""
        wallet = self._wallet(owner, shard, amount)
        _check_available(wallet, amount)
        wallet.credit(amount.copy_negate())
        self._floor.deposited = EXACT.subtract(self._floor.deposited, amount)

    def transfer(
        self,
        source: Owner,
        source_shard: int,
        target: Owner,
        target_shard: int,
        amount: Decimal,
    ) -> None:
        """Move dollars within an account."""
        if source.account_id != target.account_id:
            raise Refusal("invalid_transfer", "both ends must be of one account")
        if (source, source_shard) == (target, target_shard):
            raise Refusal("self_transfer", "source and target are the same")
        origin = self._wallet(source, source_shard, amount)
        goal = self._wallet(target, target_shard, amount)
        _check_available(origin, amount)
        origin.credit(amount.copy_negate())
        goal.credit(amount)

    def _wallet(self, owner: Owner, shard: int, amount: Decimal) -> Wallet:
        self._floor.account_of(owner)
        if not amount.is_finite() or amount <= ZERO:
            raise Refusal("invalid_amount", f"{amount} is not a positive amount")
        return self._floor.wallet(owner, shard)


def _check_available(wallet: Wallet, amount: Decimal) -> None:
    if amount > wallet.available:
        message = f"{wallet.available} dollars are available"
        raise Refusal("insufficient_balance", message)
