"""Kalshi's AsyncAPI document as a check of every frame, with what changed since.

The overlay beside it is prose for readers; `_update` does what it says.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator, FormatChecker
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from tests.recorded import examples_of

__all__ = ["StreamContract", "stream_contract"]

_URI = "urn:kalshi:stream"
_SCHEMAS = {
    "subscribed": "subscribedResponsePayload",
    "unsubscribed": "unsubscribedResponsePayload",
    "ok": "okResponsePayload",
    "error": "errorResponsePayload",
    "orderbook_snapshot": "orderbookSnapshotPayload",
    "orderbook_delta": "orderbookDeltaPayload",
    "ticker": "tickerPayload",
    "trade": "tradePayload",
    "fill": "fillPayload",
    "user_order": "userOrderPayload",
    "market_position": "marketPositionPayload",
    "order_group_updates": "orderGroupUpdatesPayload",
    "market_lifecycle_v2": "marketLifecycleV2Payload",
    "multivariate_market_lifecycle": "multivariateMarketLifecyclePayload",
    "event_lifecycle": "eventLifecyclePayload",
    "event_fee_update": "eventFeeUpdatePayload",
    "cfbenchmarks_value": "cfbenchmarksValuePayload",
    "cfbenchmarks_value_indexlist": "cfbenchmarksIndexListPayload",
    "pyth_value": "pythValuePayload",
    "pyth_value_underlying_list": "pythUnderlyingListPayload",
}
_NUMBERED = (
    "trade",
    "market_lifecycle_v2",
    "event_lifecycle",
    "event_fee_update",
)
_STATUSES = ["resting", "canceled", "executed", "unknown"]
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


class StreamContract:
    """Checks frames of the venue and commands of the client."""

    def __init__(self, document: dict[str, Any]) -> None:
        schemas = document["components"]["schemas"]
        _update(schemas)
        _translate(document)
        resource = Resource.from_contents(document, default_specification=DRAFT202012)
        self._registry = Registry().with_resource(_URI, resource)
        self._validators: dict[str, Draft202012Validator] = {}

    def check(self, frame: dict[str, Any]) -> None:
        """Raise AssertionError when a frame breaks the document."""
        kind = frame["type"]
        name = _SCHEMAS[kind]
        if kind == "ok" and isinstance(frame.get("msg"), list):
            name = "listSubscriptionsResponsePayload"
        errors = [
            f"{'/'.join(map(str, error.absolute_path))}: {error.message[:200]}"
            for error in self._validator(name).iter_errors(frame)
        ]
        assert not errors, f"{frame}: {errors[:5]}"

    def _validator(self, name: str) -> Draft202012Validator:
        if name not in self._validators:
            self._validators[name] = Draft202012Validator(
                {"$ref": f"{_URI}#/components/schemas/{name}"},
                registry=self._registry,
                format_checker=FormatChecker(),
            )
        return self._validators[name]


def _update(schemas: dict[str, Any]) -> None:
    # The pattern contradicts the examples of its own: FED-23DEC-T3.00.
    schemas["marketTicker"]["pattern"] = "^[A-Z0-9.-]+$"
    for kind in _SCHEMAS.values():
        schema = schemas[kind]
        properties = schema.setdefault("properties", {})
        properties["sending_ts_ms"] = {"type": "integer"}
    for kind in _NUMBERED:
        schema = schemas[_SCHEMAS[kind]]
        schema["required"] = ["type", "sid", "seq", "msg"]
        schema["properties"]["seq"] = {"$ref": "#/components/schemas/sequenceNumber"}
    # A schema that joins another and wants another type of the same frame: it cannot
    # be fulfilled as it is published.
    lives = schemas["marketLifecycleV2Payload"]
    combos = json.loads(json.dumps(lives))
    combos["properties"]["type"] = {"const": "multivariate_market_lifecycle"}
    schemas["multivariateMarketLifecyclePayload"] = combos
    order = schemas["userOrderPayload"]["properties"]["msg"]
    order["required"].append("exchange_index")
    order["properties"] |= {
        "exchange_index": {"type": "integer"},
        "status": {"enum": _STATUSES},
        "last_update_reason": {"enum": _REASONS},
    }
    for schema in (lives, combos):
        levels = schema["properties"]["msg"]["properties"]["price_level_structure"]
        levels["enum"] += ["banded_centi_cent", ""]
    error = schemas["errorResponsePayload"]["properties"]
    error["msg"]["properties"]["code"] = {"enum": _CODES}
    error["sid"] = {"$ref": "#/components/schemas/subscriptionId"}
    error["seq"] = {"$ref": "#/components/schemas/sequenceNumber"}
    # Not numbered, and that they stay so is a fact too.
    for kind in ("ticker", "fill", "market_position", "user_order"):
        schemas[_SCHEMAS[kind]]["properties"]["seq"] = False


def _translate(node: Any) -> None:
    """``nullable`` of OpenAPI into JSON Schema, in place."""
    if isinstance(node, list):
        for item in node:
            _translate(item)
    if not isinstance(node, dict):
        return
    for value in node.values():
        _translate(value)
    if node.pop("nullable", False) is True:
        inner = dict(node)
        node.clear()
        node["anyOf"] = [inner, {"type": "null"}]


def _document() -> dict[str, Any] | None:
    examples = examples_of("kalshi")
    path: Path | None = examples.parent / "asyncapi.yaml" if examples else None
    if path is None or not path.is_file():
        return None
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    read = yaml.load(path.read_text(), Loader=loader)  # noqa: S506 - a safe loader
    # Dates of its examples are no JSON.
    return json.loads(json.dumps(read, default=str))


@cache
def stream_contract() -> StreamContract | None:
    """The check, or None where the document is not here."""
    document = _document()
    return StreamContract(document) if document else None
