"""What an owner does with order groups."""

from __future__ import annotations

from decimal import Decimal

from ..money import ZERO
from .desk import Desk
from .floor import Floor
from .groups import OrderGroup
from .orders import Owner, Refusal

__all__ = ["Brakes"]


class Brakes:
    """Creates, changes and drops order groups, on one floor."""

    def __init__(self, floor: Floor, desk: Desk) -> None:
        self._floor = floor
        self._desk = desk

    def create(self, owner: Owner, limit: Decimal, shard: int) -> OrderGroup:
        """A new group."""
        account = self._floor.account_of(owner)
        _check_limit(limit)
        group = OrderGroup(
            self._floor.new_id(), owner, shard, limit, self._floor.now_us
        )
        account.groups[group.group_id] = group
        self._desk.tell_group(group, "created")
        return group

    def find(self, group_id: str, owner: Owner) -> OrderGroup:
        """A group of the owner."""
        group = self._floor.account_of(owner).groups.get(group_id)
        if group is None or group.owner != owner:
            raise Refusal("order_group_not_found", f"no order group {group_id}")
        return group

    def change_limit(self, group_id: str, owner: Owner, limit: Decimal) -> OrderGroup:
        """Another limit, which may be reached already."""
        group = self.find(group_id, owner)
        _check_limit(limit)
        group.limit = limit
        self._desk.tell_group(group, "limit_updated")
        if group.is_reached(self._floor.now_us):
            self._desk.trigger(group)
        return group

    def trigger(self, group_id: str, owner: Owner) -> OrderGroup:
        """Trigger by hand."""
        group = self.find(group_id, owner)
        self._desk.trigger(group)
        return group

    def reset(self, group_id: str, owner: Owner) -> OrderGroup:
        """Accept orders again."""
        group = self.find(group_id, owner)
        group.reset()
        self._desk.tell_group(group, "reset")
        return group

    def delete(self, group_id: str, owner: Owner) -> None:
        """Cancel the orders and drop the group."""
        group = self.find(group_id, owner)
        self._desk.cancel_group(group)
        del self._floor.account_of(owner).groups[group_id]
        self._desk.tell_group(group, "deleted")


def _check_limit(limit: Decimal) -> None:
    if not limit.is_finite() or limit <= ZERO:
        raise Refusal("invalid_group_limit", f"{limit} is not a positive limit")
