"""Order groups: a limit on contracts filled within fifteen seconds."""

from __future__ import annotations

from decimal import Decimal

from ....simulator.orders import Group, Owner
from .errors import not_found, unfit
from .house import House
from .limits import SHARDS
from .routes import Call, Operation, bounded, integer
from .wire import Payload, contracts, read_contracts

__all__ = ["OPERATIONS"]

_MOST = 1_000_000


def create_group(house: House, call: Call) -> Payload:
    """Make a group on one shard."""
    index = bounded(call.body.get("exchange_index"), "exchange_index", -1, SHARDS - 1)
    shard = max(index or 0, 0)
    number = call.owned(bounded(call.body.get("subaccount"), "subaccount", 0, 63))
    owner = Owner(call.account.user_id, number)
    if number not in house.engine.subaccounts(owner.account_id):
        raise unfit(f"there is no subaccount {number}")
    group = house.engine.create_group(owner, _limit(call.body), shard=shard)
    return {
        "order_group_id": group.group_id,
        "subaccount": number,
        "exchange_index": shard,
    }


def _limit(body: Payload) -> Decimal:
    """The limit in whole contracts or as text; given in both, they must agree."""
    whole = bounded(body.get("contracts_limit"), "contracts_limit", 1, _MOST)
    word = body.get("contracts_limit_fp")
    limit = None if word is None else read_contracts(word, name="contracts_limit_fp")
    if limit is None:
        if whole is None:
            raise unfit("contracts_limit or contracts_limit_fp is required")
        return Decimal(whole)
    if not 1 <= limit <= _MOST or whole not in {None, limit}:
        raise unfit(f"contracts_limit_fp must be from 1 to {_MOST}")
    return limit


def get_groups(house: House, call: Call) -> Payload:
    """All groups."""
    number = call.subaccount(call.query["subaccount"], default=None)
    groups = house.engine.groups(call.account.user_id, subaccount=number)
    return {"order_groups": [{"id": g.group_id, **_view(g)} for g in groups]}


def _view(group: Group) -> Payload:
    return {
        "contracts_limit_fp": contracts(group.limit),
        "is_auto_cancel_enabled": True,
        "exchange_index": group.shard,
    }


def get_group(house: House, call: Call) -> Payload:
    """One group and its resting orders."""
    group = _found(house, call)
    return {"orders": list(group.order_ids), **_view(group)}


def _found(house: House, call: Call) -> Group:
    asked = call.query["subaccount"]
    number = call.subaccount(asked, default=None)
    wanted = call.path["order_group_id"]
    for group in house.engine.groups(call.account.user_id, subaccount=number):
        if group.group_id == wanted and _is_there(call, group):
            return group
    raise not_found()


def _is_there(call: Call, group: Group) -> bool:
    index = call.query.get("exchange_index")
    return index is None or index < 0 or index == group.shard


def _owned(house: House, call: Call) -> Group:
    """A group to change: of subaccount 0 unless asked otherwise."""
    group = _found(house, call)
    if group.owner.subaccount != call.owned(call.query["subaccount"]):
        raise not_found()
    return group


def delete_group(house: House, call: Call) -> Payload:
    """Drop a group and cancel its orders."""
    group = _owned(house, call)
    house.engine.delete_group(group.group_id, owner=group.owner)
    return {}


def reset_group(house: House, call: Call) -> Payload:
    """Accept orders again."""
    group = _owned(house, call)
    house.engine.reset_group(group.group_id, owner=group.owner)
    return {}


def trigger_group(house: House, call: Call) -> Payload:
    """Cancel the orders of the group and refuse new ones."""
    group = _owned(house, call)
    house.engine.trigger_group(group.group_id, owner=group.owner)
    return {}


def change_limit(house: House, call: Call) -> Payload:
    """Set another limit."""
    limit = _limit(call.body)
    group = _owned(house, call)
    house.engine.change_group_limit(group.group_id, limit, owner=group.owner)
    return {}


_LIMITS = {"contracts_limit": "int", "contracts_limit_fp": "string"}
_SUBACCOUNT = integer("subaccount", least=0, most=63)
_PLACE = (_SUBACCOUNT, integer("exchange_index"))
_PATH = "/portfolio/order_groups"
_ONE = f"{_PATH}/{{order_group_id}}"
_SCOPE = "write::trade"

OPERATIONS = (
    Operation(
        name="CreateOrderGroup",
        method="POST",
        path=f"{_PATH}/create",
        handler=create_group,
        scope=_SCOPE,
        status=201,
        struct="CreateOrderGroupRequest",
        body={**_LIMITS, "subaccount": "int", "exchange_index": "int"},
    ),
    Operation(
        name="GetOrderGroups",
        method="GET",
        path=_PATH,
        handler=get_groups,
        parameters=(_SUBACCOUNT,),
        scope="read",
    ),
    Operation(
        name="GetOrderGroup",
        method="GET",
        path=_ONE,
        handler=get_group,
        parameters=(_SUBACCOUNT,),
        scope="read",
    ),
    Operation(
        name="DeleteOrderGroup",
        method="DELETE",
        path=_ONE,
        handler=delete_group,
        parameters=_PLACE,
        scope=_SCOPE,
    ),
    Operation(
        name="ResetOrderGroup",
        method="PUT",
        path=f"{_ONE}/reset",
        handler=reset_group,
        parameters=_PLACE,
        scope=_SCOPE,
    ),
    Operation(
        name="TriggerOrderGroup",
        method="PUT",
        path=f"{_ONE}/trigger",
        handler=trigger_group,
        parameters=_PLACE,
        scope=_SCOPE,
    ),
    Operation(
        name="UpdateOrderGroupLimit",
        method="PUT",
        path=f"{_ONE}/limit",
        handler=change_limit,
        parameters=_PLACE,
        scope=_SCOPE,
        struct="UpdateOrderGroupLimitRequest",
        body=_LIMITS,
    ),
)
