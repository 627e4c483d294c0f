"""Answers written from the documentation, and what reads each of them."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from unified_exchanges.venues.kalshi import parse

__all__ = ["PEAK", "READERS", "answer", "encode", "read", "with_field", "without_field"]

FOLDER = Path(__file__).parent / "payloads"

PEAK = "KXPEAK-26DEC24-B3.5"
"""The market of the candles."""

READERS: dict[str, Callable[[bytes], Any]] = {
    "api_keys": parse.api_keys,
    "balance": parse.balance,
    "candlesticks": lambda body: parse.candles(body, PEAK, "1m"),
    "candlesticks_batch": lambda body: parse.candles_by_market(body, "1m"),
    "candlesticks_event": lambda body: parse.event_candles(body, "1m"),
    "candlesticks_historical": lambda body: parse.historical_candles(body, PEAK, "1m"),
    "collection": parse.collection,
    "collections": parse.collections_page,
    "costs": lambda body: parse.limits(encode(answer("limits")), body),
    "cutoff": parse.cutoff,
    "event": parse.event,
    "event_fee_changes": parse.event_fee_changes_page,
    "events": parse.events_page,
    "fills": parse.fills_page,
    "limits": parse.limits,
    "market": parse.market,
    "markets": parse.markets_page,
    "order": parse.order,
    "order_group": lambda body: parse.order_group(body, "g1"),
    "order_groups": parse.order_groups,
    "orderbook": lambda body: parse.order_book(body, "M"),
    "orderbooks": parse.order_books,
    "orders": parse.orders_page,
    "positions": parse.positions_page,
    "queue_position": parse.queue_position,
    "queue_positions": parse.queue_positions,
    "schedule": parse.schedule,
    "series": parse.series,
    "series_fee_changes": parse.series_fee_changes,
    "series_list": parse.series_list,
    "settlements": parse.settlements_page,
    "status": parse.status,
    "subaccount_balances": parse.subaccount_balances,
    "trades": parse.trades_page,
    "user_data_timestamp": parse.fresh_until,
}


def answer(name: str) -> dict[str, Any]:
    """One answer, decoded: a copy to change."""
    decoded: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text())
    return decoded


def encode(payload: object) -> bytes:
    """An answer as it is on the wire: compact."""
    return json.dumps(payload, separators=(",", ":")).encode()


def read(name: str, payload: object = None) -> Any:
    """What the adapter makes of an answer, by default the one in the folder."""
    return READERS[name](encode(answer(name) if payload is None else payload))


def with_field(name: str, path: tuple[str | int, ...], value: object) -> dict[str, Any]:
    """The answer with one field changed."""
    payload = copy.deepcopy(answer(name))
    _holder(payload, path)[path[-1]] = value
    return payload


def without_field(name: str, path: tuple[str | int, ...]) -> dict[str, Any]:
    """The answer with one field left out."""
    payload = copy.deepcopy(answer(name))
    del _holder(payload, path)[path[-1]]
    return payload


def _holder(payload: Any, path: tuple[str | int, ...]) -> Any:
    for step in path[:-1]:
        payload = payload[step]
    return payload
