"""Subaccounts, and money between them."""

from __future__ import annotations

from decimal import Decimal

from ....money import EXACT
from .accounts import SubaccountTransfer
from .errors import nested, unfit
from .funds import MOST_CENTS, claim, owner_of
from .house import House
from .limits import SHARDS
from .pages import page
from .routes import Call, Operation, bounded, limit, string
from .wire import Payload, dollars, whole_seconds

__all__ = ["OPERATIONS"]

_MOST_SUBACCOUNTS = 63


def create_subaccount(house: House, call: Call) -> Payload:
    """Open the next subaccount."""
    bounded(call.body.get("exchange_index"), "exchange_index", -1, SHARDS - 1)
    if len(house.engine.subaccounts(call.account.user_id)) > _MOST_SUBACCOUNTS:
        raise nested(400, "invalid_parameters", "no more than 63 subaccounts")
    return {"subaccount_number": house.engine.open_subaccount(call.account.user_id)}


def subaccount_transfer(house: House, call: Call) -> Payload:
    """Move cents from subaccount to subaccount."""
    body = call.body
    amount = bounded(body["amount_cents"], "amount_cents", 1, MOST_CENTS) or 0
    index = bounded(body.get("exchange_index"), "exchange_index", -1, SHARDS - 1)
    shard = max(index or 0, 0)
    source = owner_of(house, call, body, "from_subaccount")
    target = owner_of(house, call, body, "to_subaccount")
    if source == target:
        raise unfit("from_subaccount and to_subaccount are the same")
    claim(call, body["client_transfer_id"])
    house.engine.transfer(
        source,
        target,
        EXACT.scaleb(Decimal(amount), -2),
        source_shard=shard,
        target_shard=shard,
    )
    made = SubaccountTransfer(
        transfer_id=body["client_transfer_id"],
        source=source.subaccount,
        target=target.subaccount,
        cents=amount,
        shard=shard,
        time_us=call.now_us,
    )
    call.account.subaccount_transfers.append(made)
    return {}


def get_subaccount_transfers(_: House, call: Call) -> Payload:
    """Transfers between subaccounts, newest first."""
    shown, cursor = page(
        reversed(call.account.subaccount_transfers),
        key=lambda made: made.transfer_id,
        cursor=call.query["cursor"],
        limit=call.query["limit"],
    )
    views = [
        {
            "transfer_id": made.transfer_id,
            "from_subaccount": made.source,
            "to_subaccount": made.target,
            "amount_cents": made.cents,
            "created_ts": whole_seconds(made.time_us),
            "exchange_index": made.shard,
        }
        for made in shown
    ]
    return {"transfers": views, "cursor": cursor}


def get_subaccount_balances(house: House, call: Call) -> Payload:
    """One row per subaccount and shard."""
    return {
        "subaccount_balances": [
            {
                "subaccount_number": cash.owner.subaccount,
                "exchange_index": cash.shard,
                "balance": dollars(cash.available),
                "updated_ts": whole_seconds(call.now_us),
            }
            for cash in house.engine.cashes(call.account.user_id)
        ]
    }


def get_netting(house: House, call: Call) -> Payload:
    """Whether subaccounts net; on unless switched off."""
    return {
        "netting_configs": [
            {
                "subaccount_number": number,
                "enabled": call.account.netting.get(number, True),
                "exchange_index": 0,
            }
            for number in house.engine.subaccounts(call.account.user_id)
        ]
    }


def set_netting(house: House, call: Call) -> Payload:
    """Switch netting of a subaccount; remembered, without effect on collateral."""
    owner = owner_of(house, call, call.body, "subaccount_number")
    call.account.netting[owner.subaccount] = call.body["enabled"]
    return {}


_CURSOR = string("cursor")
_SUBACCOUNTS = "/portfolio/subaccounts"

OPERATIONS = (
    Operation(
        name="CreateSubaccount",
        method="POST",
        path=_SUBACCOUNTS,
        handler=create_subaccount,
        scope="write::transfer",
        shared=True,
        status=201,
        struct="CreateSubaccountRequest",
        body={"exchange_index": "int"},
    ),
    Operation(
        name="ApplySubaccountTransfer",
        method="POST",
        path=f"{_SUBACCOUNTS}/transfer",
        handler=subaccount_transfer,
        scope="write::transfer",
        shared=True,
        struct="ApplySubaccountTransferRequest",
        body={
            "client_transfer_id": "string!",
            "from_subaccount": "int!",
            "to_subaccount": "int!",
            "amount_cents": "int!",
            "exchange_index": "int",
        },
    ),
    Operation(
        name="GetSubaccountTransfers",
        method="GET",
        path=f"{_SUBACCOUNTS}/transfers",
        handler=get_subaccount_transfers,
        parameters=(limit(100, 1000), _CURSOR),
        scope="read",
        shared=True,
    ),
    Operation(
        name="GetSubaccountBalances",
        method="GET",
        path=f"{_SUBACCOUNTS}/balances",
        handler=get_subaccount_balances,
        scope="read",
        shared=True,
    ),
    Operation(
        name="GetSubaccountNetting",
        method="GET",
        path=f"{_SUBACCOUNTS}/netting",
        handler=get_netting,
        scope="read",
        shared=True,
    ),
    Operation(
        name="UpdateSubaccountNetting",
        method="PUT",
        path=f"{_SUBACCOUNTS}/netting",
        handler=set_netting,
        scope="write::transfer",
        shared=True,
        struct="UpdateSubaccountNettingRequest",
        body={"subaccount_number": "int!", "enabled": "bool!"},
    ),
)
