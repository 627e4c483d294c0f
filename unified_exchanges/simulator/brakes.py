"""What an owner does with order groups."""

from __future__ import annotations

from decimal import Decimal

from ..money import ZERO
from .execution import Execution
from .floor import Floor
from .groups import OrderGroup
from .orders import Owner, Refusal

__all__ = ["Brakes"]


class Brakes:
    """Creates, changes and drops order groups, on one floor."""

    def __init__(self, floor: Floor, execution: Execution) -> None:
        self._floor = floor
        self._execution = execution

    def create(self, owner: Owner, limit: Decimal, shard: int) -> OrderGroup:
        """A new group."""
        account = self._floor.account_of(owner)
        _check_limit(limit)
        group = OrderGroup(
            self._floor.new_id(), owner, shard, limit, self._floor.now_us
        )
        account.groups[group.group_id] = group
        self._execution.tell_group(group, "created")
        return group

    def change_limit(self, group_id: str, owner: Owner, limit: Decimal) -> OrderGroup:
        """Another limit, which may be reached already."""
        group = self._floor.group(group_id, owner)
        _check_limit(limit)
        group.limit = limit
        self._execution.tell_group(group, "limit_updated")
        if group.is_reached(self._floor.now_us):
            self._execution.trigger(group)
        return group

    def trigger(self, group_id: str, owner: Owner) -> OrderGroup:
        """Trigger by hand."""
        group = self._floor.group(group_id, owner)
        self._execution.trigger(group)
        return group

    def reset(self, group_id: str, owner: Owner) -> OrderGroup:
        """Accept orders again."""
        group = self._floor.group(group_id, owner)
        group.reset()
        self._execution.tell_group(group, "reset")
        return group

    def delete(self, group_id: str, owner: Owner) -> None:
        """Cancel the orders and drop the group."""
        group = self._floor.group(group_id, owner)
        self._execution.cancel_group(group)
        del self._floor.account_of(owner).groups[group_id]
        self._execution.tell_group(group, "deleted")


def _check_limit(limit: Decimal) -> None:
    if not limit.is_finite() or limit <= ZERO:
        raise Refusal("invalid_group_limit", f"{limit} is not a positive limit")
