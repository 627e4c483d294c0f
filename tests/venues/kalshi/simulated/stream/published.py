"""Kalshi's own AsyncAPI document, where it is at hand, in the notation of `contract`.

The overlay beside it is prose for readers; `_update` does what it says.
"""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import pytest
import yaml

from tests.recorded import need_examples

from .contract import LIST

__all__ = ["need_published"]

_NAMES = {
    "subscribed": "subscribedResponse",
    "unsubscribed": "unsubscribedResponse",
    "ok": "okResponse",
    LIST: "listSubscriptionsResponse",
    "error": "errorResponse",
    "orderbook_snapshot": "orderbookSnapshot",
    "orderbook_delta": "orderbookDelta",
    "ticker": "ticker",
    "trade": "trade",
    "fill": "fill",
    "user_order": "userOrder",
    "market_position": "marketPosition",
    "order_group_updates": "orderGroupUpdates",
    "market_lifecycle_v2": "marketLifecycleV2",
    "multivariate_market_lifecycle": "multivariateMarketLifecycle",
    "event_lifecycle": "eventLifecycle",
    "event_fee_update": "eventFeeUpdate",
    "cfbenchmarks_value": "cfbenchmarksValue",
    "cfbenchmarks_value_indexlist": "cfbenchmarksIndexList",
    "pyth_value": "pythValue",
    "pyth_value_underlying_list": "pythUnderlyingList",
    "rfq_created": "rfqCreated",
    "rfq_deleted": "rfqDeleted",
    "quote_created": "quoteCreated",
    "quote_accepted": "quoteAccepted",
    "quote_executed": "quoteExecuted",
}
_NUMBERED = (
    "trade",
    "market_lifecycle_v2",
    "event_lifecycle",
    "event_fee_update",
    "rfq_created",
    "rfq_deleted",
    "quote_created",
    "quote_accepted",
    "quote_executed",
)
_UNNUMBERED = ("ticker", "fill", "market_position", "user_order")
_REASONS = [
    "Decrease",
    "Amend",
    "MarginCancel",
    "SelfTradeCancel",
    "ExpiryCancel",
    "CloseCancel",
    "HaltCancel",
    "Trade",
    "PostOnlyCrossCancel",
    "ReduceOnlyCancel",
    "SettlementBoundsCancel",
]
_CODES = [*range(1, 6), *range(7, 16), *range(18, 29)]
_WHOLE = {"type": "integer"}
_SEQ = {"$ref": "#/components/schemas/sequenceNumber"}
_PROSE = {"description", "example", "examples", "title", "deprecated", "default"}


@cache
def need_published() -> dict[str, Any]:
    """The published schema of every kind of frame, or skip the test."""
    path = need_examples().parent / "asyncapi.yaml"
    if not path.is_file():
        pytest.skip("no AsyncAPI document of kalshi beside its recorded payloads")
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    read = yaml.load(path.read_text(), Loader=loader)  # noqa: S506 - a safe loader
    # Dates of its examples are no JSON.
    schemas = json.loads(json.dumps(read, default=str))["components"]["schemas"]
    named = {kind: f"{name}Payload" for kind, name in _NAMES.items()}
    _update(schemas, named)
    return {kind: _plain(schemas[name], schemas) for kind, name in named.items()}


def _update(schemas: dict[str, Any], named: dict[str, str]) -> None:
    # The pattern contradicts the examples of its own: FED-23DEC-T3.00.
    schemas["marketTicker"]["pattern"] = "^[A-Z0-9.-]+$"
    for name in named.values():
        schemas[name].setdefault("properties", {})["sending_ts_ms"] = _WHOLE
    for kind in _NUMBERED:
        schema = schemas[named[kind]]
        schema["required"] = ["type", "sid", "seq", "msg"]
        schema["properties"]["seq"] = _SEQ
    # A schema that joins another and wants another type of the same frame: it cannot
    # be fulfilled as it is published.
    lives = schemas["marketLifecycleV2Payload"]
    combos = json.loads(json.dumps(lives))
    combos["properties"]["type"] = {"const": "multivariate_market_lifecycle"}
    schemas["multivariateMarketLifecyclePayload"] = combos
    order = schemas["userOrderPayload"]["properties"]["msg"]
    order["required"].append("exchange_index")
    order["properties"] |= {
        "exchange_index": _WHOLE,
        "status": {"enum": ["resting", "canceled", "executed", "unknown"]},
        "last_update_reason": {"enum": _REASONS},
    }
    for name in ("created_time", "created_ts_ms"):
        order["properties"][name]["nullable"] = True
    for schema in (lives, combos):
        levels = schema["properties"]["msg"]["properties"]["price_level_structure"]
        levels["enum"] += ["banded_centi_cent", ""]
    error = schemas["errorResponsePayload"]["properties"]
    error["msg"]["properties"] |= {
        "code": {"enum": _CODES},
        "market_tickers": {"type": "array", "items": {"type": "string"}},
    }
    error |= {"sid": {"$ref": "#/components/schemas/subscriptionId"}, "seq": _SEQ}
    snapshot = schemas["orderbookSnapshotPayload"]["properties"]
    snapshot["id"] = {"$ref": "#/components/schemas/commandId"}
    quote = schemas["tickerPayload"]["properties"]["msg"]["properties"]
    quote |= {"dollar_volume": _WHOLE, "dollar_open_interest": _WHOLE}
    fill = schemas["fillPayload"]["properties"]["msg"]["properties"]
    fill["action"] = {"enum": ["buy", "sell", "sell_partial", "sell_to_close", ""]}
    fees = schemas["eventFeeUpdatePayload"]["properties"]["msg"]["properties"]
    fees["fee_type_override"]["enum"].append("margin_market_maker_program_fees")
    # Not numbered, and that they stay so is a fact too.
    for kind in _UNNUMBERED:
        schemas[named[kind]]["properties"]["seq"] = False


def _plain(node: Any, schemas: dict[str, Any]) -> Any:
    """A schema without prose and references, in the form that ours have."""
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        return _plain(schemas[node["$ref"].rpartition("/")[2]], schemas)
    if "const" in node:
        return {"const": node["const"]}
    if "enum" in node:
        return {"enum": node["enum"]}
    plain: dict[str, Any] = {}
    for word, value in node.items():
        if word in _PROSE or word == "nullable" or value == "int64":
            continue
        if word == "properties":
            plain[word] = {name: _plain(x, schemas) for name, x in value.items()}
        else:
            plain[word] = _plain(value, schemas)
    if node.get("nullable"):
        return {"anyOf": [plain, {"type": "null"}]}
    return plain
