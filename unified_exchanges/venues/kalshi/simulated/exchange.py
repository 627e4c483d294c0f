"""The exchange itself: whether it trades, when it does, how fresh user data are."""

from __future__ import annotations

from .house import House
from .limits import SHARDS
from .routes import Call, Operation
from .wire import Payload, instant

__all__ = ["OPERATIONS"]

_SHARD_NAMES = ("Everything else", "Exotics", "Crypto and commodities", "Sports")
_ALL_DAY = [{"open_time": "00:00", "close_time": "00:00"}]
_THURSDAY = [
    {"open_time": "00:00", "close_time": "03:00"},
    {"open_time": "05:00", "close_time": "00:00"},
]
_DAYS = ("monday", "tuesday", "wednesday", "friday", "saturday", "sunday")


def get_status(house: House, _: Call) -> Payload:
    """Top level speaks for shard 0."""
    shards = [_shard(house, number) for number in range(SHARDS)]
    first = {n: v for n, v in shards[0].items() if n.endswith("_active")}
    return first | {"exchange_index_statuses": shards}


def _shard(house: House, number: int) -> Payload:
    is_open = house.engine.is_exchange_open(number)
    return {
        "exchange_index": number,
        "description": _SHARD_NAMES[number],
        "exchange_active": is_open,
        "trading_active": house.engine.is_trading(number),
        "intra_exchange_transfers_active": is_open,
    }


def get_schedule(_: House, __: Call) -> Payload:
    """Around the clock except for Thursday 03:00 to 05:00 Eastern."""
    week = {
        "start_time": "2024-12-01T00:00:00Z",
        "end_time": "2200-12-01T00:00:00Z",
        "thursday": _THURSDAY,
    }
    week |= dict.fromkeys(_DAYS, _ALL_DAY)
    return {"schedule": {"standard_hours": [week], "maintenance_windows": []}}


def get_user_data_timestamp(house: House, call: Call) -> Payload:
    """As of when orders and fills are told."""
    return {"as_of_time": instant(house.seen_us(call.lag_us))}


OPERATIONS = (
    Operation(
        name="GetExchangeStatus",
        method="GET",
        path="/exchange/status",
        handler=get_status,
    ),
    Operation(
        name="GetExchangeSchedule",
        method="GET",
        path="/exchange/schedule",
        handler=get_schedule,
    ),
    Operation(
        name="GetUserDataTimestamp",
        method="GET",
        path="/exchange/user_data_timestamp",
        handler=get_user_data_timestamp,
    ),
)
