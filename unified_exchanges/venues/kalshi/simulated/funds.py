"""Money between shards."""

from __future__ import annotations

from re import compile as pattern

from ....simulator.orders import Owner
from .accounts import Transfer
from .errors import duplicate_transfer, not_found, unfit
from .house import House
from .limits import SHARDS
from .lives import new_id
from .pages import page
from .routes import Call, Operation, bounded, limit, string
from .wire import (
    Payload,
    centicents,
    money,
    read_objects,
    whole_seconds,
)

__all__ = ["MOST_CENTS", "OPERATIONS", "claim", "owner_of"]

_UUID = pattern(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
MOST_CENTS = 10**15
_WHOLE = 100
_ALLOCATION = {"exchange_index": "int!", "percent": "int!"}
_RESERVATIONS = ("max", "sum", "none")


def transfer(house: House, call: Call) -> Payload:
    """Move cash from shard to shard; complete at once."""
    body = call.body
    for name in ("source", "destination"):
        if body[name] != "event_contract":
            # There is no margined exchange here.
            raise unfit(f"{name} must be event_contract")
    amount = bounded(body["amount"], "amount", 1, 100 * MOST_CENTS) or 0
    source, target = (
        _shard(body, f"{end}_exchange_shard") for end in ("source", "destination")
    )
    owners = [
        owner_of(house, call, body, f"{end}_subaccount")
        for end in ("source", "destination")
    ]
    if (source, owners[0]) == (target, owners[1]):
        raise unfit("source and destination are the same")
    claim(call, body.get("client_transfer_id"))
    house.engine.transfer(
        owners[0],
        owners[1],
        centicents(amount),
        source_shard=source,
        target_shard=target,
    )
    made = Transfer(
        transfer_id=new_id(house.rng),
        source_shard=source,
        target_shard=target,
        amount=centicents(amount),
        time_us=call.now_us,
    )
    call.account.transfers.append(made)
    return {"transfer_id": made.transfer_id}


def _shard(body: Payload, name: str) -> int:
    return bounded(body.get(name), name, 0, SHARDS - 1) or 0


def owner_of(house: House, call: Call, body: Payload, name: str) -> Owner:
    """The subaccount that a field of the body names; 0 when it is left out."""
    number = bounded(body.get(name), name, 0, 63) or 0
    if number not in house.engine.subaccounts(call.account.user_id):
        raise unfit(f"there is no subaccount {number}")
    return Owner(call.account.user_id, number)


def claim(call: Call, transfer_id: str | None) -> None:
    """A client's transfer id is good for one transfer."""
    if transfer_id is None:
        return
    if not _UUID.fullmatch(transfer_id):
        raise unfit("client_transfer_id must be a UUID")
    if transfer_id in call.account.transfer_ids:
        raise duplicate_transfer()
    call.account.transfer_ids.add(transfer_id)


def get_transfers(_: House, call: Call) -> Payload:
    """Transfers between shards, newest first."""
    shown, cursor = page(
        reversed(call.account.transfers),
        key=lambda made: made.transfer_id,
        cursor=call.query["cursor"],
        limit=call.query["limit"],
    )
    return {"transfers": [_view(made) for made in shown], "cursor": cursor}


def get_transfer(_: House, call: Call) -> Payload:
    """One of them."""
    wanted = call.path["transfer_id"]
    for made in call.account.transfers:
        if made.transfer_id == wanted:
            return {"transfer": _view(made)}
    raise not_found()


def _view(made: Transfer) -> Payload:
    return {
        "transfer_id": made.transfer_id,
        "source": "event_contract",
        "destination": "event_contract",
        "source_exchange_shard": made.source_shard,
        "destination_exchange_shard": made.target_shard,
        "amount": money(made.amount),
        "status": "complete",
        "created_ts": whole_seconds(made.time_us),
    }


def get_allocation(_: House, call: Call) -> Payload:
    """How cash is spread over the shards."""
    shares = call.account.allocation
    return {
        "allocations": [{"exchange_index": n, "percent": p} for n, p in shares.items()],
        "resting_margin_reservation": call.account.reservation,
    }


def set_allocation(_: House, call: Call) -> Payload:
    """Spread cash over the shards every ten seconds; an empty list ends it."""
    struct = "SetTargetBalanceAllocationRequest.allocations"
    shares: dict[int, int] = {}
    for item in read_objects(call.body["allocations"], struct, _ALLOCATION):
        if not isinstance(item, dict):
            raise item
        shard = _shard(item, "exchange_index")
        shares[shard] = bounded(item["percent"], "percent", 0, 100) or 0
    if shares and sum(shares.values()) != _WHOLE:
        raise unfit("the percentages must add up to 100")
    reservation = call.body.get("resting_margin_reservation", "sum")
    if reservation not in _RESERVATIONS:
        raise unfit("resting_margin_reservation must be max, sum or none")
    call.account.allocation = shares
    call.account.reservation = reservation
    call.account.next_allocation_us = call.now_us
    return {}


_CURSOR = string("cursor")
_TRANSFERS = "/portfolio/intra_exchange_instance_transfers"
_ALLOCATIONS = "/portfolio/target_balance_allocation"

OPERATIONS = (
    Operation(
        name="IntraExchangeInstanceTransfer",
        method="POST",
        path="/portfolio/intra_exchange_instance_transfer",
        handler=transfer,
        scope="write::transfer",
        shared=True,
        struct="IntraExchangeInstanceTransferRequest",
        body={
            "source": "string!",
            "destination": "string!",
            "amount": "int!",
            "source_exchange_shard": "int",
            "destination_exchange_shard": "int",
            "source_subaccount": "int",
            "destination_subaccount": "int",
            "client_transfer_id": "string",
        },
    ),
    Operation(
        name="GetIntraExchangeInstanceTransfers",
        method="GET",
        path=_TRANSFERS,
        handler=get_transfers,
        parameters=(limit(100, 500), _CURSOR),
        scope="read",
        shared=True,
    ),
    Operation(
        name="GetIntraExchangeInstanceTransfer",
        method="GET",
        path=f"{_TRANSFERS}/{{transfer_id}}",
        handler=get_transfer,
        scope="read",
        shared=True,
    ),
    Operation(
        name="GetTargetBalanceAllocation",
        method="GET",
        path=_ALLOCATIONS,
        handler=get_allocation,
        scope="read",
        shared=True,
    ),
    Operation(
        name="SetTargetBalanceAllocation",
        method="POST",
        path=_ALLOCATIONS,
        handler=set_allocation,
        scope="write::transfer",
        shared=True,
        struct="SetTargetBalanceAllocationRequest",
        body={"allocations": "array!", "resting_margin_reservation": "string"},
    ),
)
