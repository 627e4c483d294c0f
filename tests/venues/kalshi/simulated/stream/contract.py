"""What a frame of Kalshi's stream is made of, as a check of every frame in every run.

Names and types are the documented ones (asyncapi of 2026-08-21 with the changes up to
2026-10-09), in a notation of our own.  Where Kalshi's document is at hand, a test holds
this against it (`published`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, TypeAlias

from jsonschema import Draft202012Validator, FormatChecker

__all__ = ["LIST", "SCHEMAS", "StreamContract", "kind_of", "stream_contract"]

Schema: TypeAlias = "dict[str, Any]"
Fields: TypeAlias = "dict[str, Schema]"

LIST = "ok list"
"""The answer to ``list_subscriptions``, which has the type of another one."""


# -- what values are -------------------------------------------------------------------


def one_of(*values: object) -> Schema:
    return {"enum": list(values)}


def several(item: Schema, count: int | None = None) -> Schema:
    bounds = {} if count is None else {"minItems": count, "maxItems": count}
    return {"type": "array", "items": item, **bounds}


def record(needed: Fields, optional: Fields | None = None) -> Schema:
    needs = {"required": sorted(needed)} if needed else {}
    return {"type": "object", "properties": {**needed, **(optional or {})}, **needs}


def or_null(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "null"}]}


TEXT: Schema = {"type": "string"}
FLAG: Schema = {"type": "boolean"}
WHOLE: Schema = {"type": "integer"}
COUNT: Schema = {"type": "integer", "minimum": 0}
ORDINAL: Schema = {"type": "integer", "minimum": 1}
NUMBER: Schema = {"type": "number"}
THING: Schema = {"type": "object"}
UUID: Schema = {"type": "string", "format": "uuid"}
TIME: Schema = {"type": "string", "format": "date-time"}
# Kalshi's own pattern has no dot, and its own examples have one.
TICKER: Schema = {"type": "string", "pattern": "^[A-Z0-9.-]+$"}
OUTCOME, SIDE = one_of("yes", "no"), one_of("bid", "ask")

LEVELS = several(several(TEXT, 2))
CHANNEL = record({"channel": TEXT, "sid": ORDINAL})
AVERAGE = record(
    {
        "value": TEXT,
        "window_size": COUNT,
        "window_start_ts_ms": WHOLE,
        "window_end_ts_exclusive": WHOLE,
    }
)
CODES = one_of(*range(1, 6), *range(7, 16), *range(18, 29))
GRIDS = one_of(
    "",
    "banded_centi_cent",
    "center_centi_edge_centi_cent",
    "center_deci_edge_centi_cent",
    "center_half_edge_deci_cent",
    "center_half_edge_half_cent",
    "center_half_edge_quint_cent",
    "center_quint_edge_deci_cent",
    "center_quint_edge_quint_cent",
    "center_whole_edge_half_cent",
    "center_whole_edge_quint_cent",
    "deci_cent",
    "linear_cent",
    "tapered_deci_cent",
)
STRIKES: Fields = {
    "strike_type": TEXT,
    "floor_strike": NUMBER,
    "cap_strike": NUMBER,
    "custom_strike": THING,
    "yes_sub_title": TEXT,
}

# -- what is told ----------------------------------------------------------------------

SNAPSHOT = record(
    {"market_ticker": TICKER, "market_id": UUID},
    {"yes_dollars_fp": LEVELS, "no_dollars_fp": LEVELS},
)
DELTA = record(
    {
        "market_ticker": TICKER,
        "market_id": UUID,
        "price_dollars": TEXT,
        "delta_fp": TEXT,
        "side": OUTCOME,
    },
    {"client_order_id": TEXT, "subaccount": WHOLE, "ts": TIME, "ts_ms": WHOLE},
)
QUOTE = record(
    {
        "market_ticker": TICKER,
        "market_id": UUID,
        "price_dollars": TEXT,
        "yes_bid_dollars": TEXT,
        "yes_ask_dollars": TEXT,
        "yes_bid_size_fp": TEXT,
        "yes_ask_size_fp": TEXT,
        "last_trade_size_fp": TEXT,
        "volume_fp": TEXT,
        "open_interest_fp": TEXT,
        "dollar_volume": WHOLE,
        "dollar_open_interest": WHOLE,
        "ts": WHOLE,
        "ts_ms": WHOLE,
        "time": TIME,
    }
)
TRADE = record(
    {
        "trade_id": UUID,
        "market_ticker": TICKER,
        "yes_price_dollars": TEXT,
        "no_price_dollars": TEXT,
        "count_fp": TEXT,
        "taker_side": OUTCOME,
        "taker_outcome_side": OUTCOME,
        "taker_book_side": SIDE,
        "is_block_trade": FLAG,
        "ts": WHOLE,
        "ts_ms": WHOLE,
    }
)
FILL = record(
    {
        "trade_id": UUID,
        "order_id": UUID,
        "market_ticker": TICKER,
        "exchange_index": WHOLE,
        "is_taker": FLAG,
        "side": OUTCOME,
        "purchased_side": OUTCOME,
        "outcome_side": OUTCOME,
        "book_side": SIDE,
        "action": one_of("buy", "sell", "sell_partial", "sell_to_close", ""),
        "yes_price_dollars": TEXT,
        "count_fp": TEXT,
        "fee_cost": TEXT,
        "post_position_fp": TEXT,
        "ts": WHOLE,
        "ts_ms": WHOLE,
    },
    {"client_order_id": TEXT, "subaccount": WHOLE},
)
ORDER = record(
    {
        "order_id": UUID,
        "user_id": UUID,
        "ticker": TICKER,
        "status": one_of("resting", "canceled", "executed", "unknown"),
        "side": OUTCOME,
        "is_yes": FLAG,
        "outcome_side": OUTCOME,
        "book_side": SIDE,
        "yes_price_dollars": TEXT,
        "initial_count_fp": TEXT,
        "fill_count_fp": TEXT,
        "remaining_count_fp": TEXT,
        "taker_fill_cost_dollars": TEXT,
        "maker_fill_cost_dollars": TEXT,
        "taker_fees_dollars": TEXT,
        "maker_fees_dollars": TEXT,
        "client_order_id": TEXT,
        "created_time": or_null(TIME),
        "created_ts_ms": or_null(WHOLE),
        "exchange_index": WHOLE,
    },
    {
        "order_group_id": TEXT,
        "self_trade_prevention_type": one_of("taker_at_cross", "maker"),
        "last_update_time": TIME,
        "last_updated_ts_ms": WHOLE,
        "last_update_reason": one_of(
            "Amend",
            "CloseCancel",
            "Decrease",
            "ExpiryCancel",
            "HaltCancel",
            "MarginCancel",
            "PostOnlyCrossCancel",
            "ReduceOnlyCancel",
            "SelfTradeCancel",
            "SettlementBoundsCancel",
            "Trade",
        ),
        "expiration_time": TIME,
        "expiration_ts_ms": WHOLE,
        "subaccount_number": WHOLE,
    },
)
POSITION = record(
    {
        "user_id": TEXT,
        "market_ticker": TICKER,
        "position_fp": TEXT,
        "position_cost_dollars": TEXT,
        "realized_pnl_dollars": TEXT,
        "fees_paid_dollars": TEXT,
        "position_fee_cost_dollars": TEXT,
        "volume_fp": TEXT,
    },
    {"subaccount": WHOLE},
)
GROUP = record(
    {
        "event_type": one_of(
            "created", "triggered", "reset", "deleted", "limit_updated"
        ),
        "order_group_id": TEXT,
        "ts_ms": WHOLE,
    },
    {"contracts_limit_fp": TEXT},
)
LIFE = record(
    {
        "event_type": one_of(
            "created",
            "activated",
            "deactivated",
            "close_date_updated",
            "determined",
            "settled",
            "price_level_structure_updated",
            "metadata_updated",
        ),
        "market_ticker": TICKER,
    },
    {
        "exchange_index": WHOLE,
        "open_ts": WHOLE,
        "close_ts": WHOLE,
        "result": TEXT,
        "determination_ts": WHOLE,
        "settlement_value": TEXT,
        "settled_ts": WHOLE,
        "is_deactivated": FLAG,
        "price_level_structure": GRIDS,
        "price_ranges": several(record({"start": TEXT, "end": TEXT, "step": TEXT})),
        **STRIKES,
        "additional_metadata": record(
            {},
            {
                "name": TEXT,
                "title": TEXT,
                "no_sub_title": TEXT,
                "rules_primary": TEXT,
                "rules_secondary": TEXT,
                "can_close_early": FLAG,
                "event_ticker": TEXT,
                "expected_expiration_ts": WHOLE,
                **STRIKES,
            },
        ),
    },
)
EVENT = record(
    {
        "event_ticker": TEXT,
        "exchange_index": WHOLE,
        "title": TEXT,
        "subtitle": TEXT,
        "collateral_return_type": one_of("MECNET", "DIRECNET", ""),
        "series_ticker": TEXT,
    },
    {"strike_date": WHOLE, "strike_period": TEXT},
)
FEES = record(
    {
        "event_ticker": TEXT,
        "fee_type_override": one_of(
            None,
            "flat",
            "margin_market_maker_program_fees",
            "quadratic",
            "quadratic_with_combo_maker_fees",
            "quadratic_with_maker_fees",
        ),
        "fee_multiplier_override": or_null(NUMBER),
    }
)
INDEX = record(
    {"index_id": TEXT, "received_at": WHOLE, "data": TEXT, "avg_60s_data": AVERAGE},
    {"last_60s_windowed_average_15min": AVERAGE},
)
PRICE = record(
    {
        "underlying_ticker": TEXT,
        "value_usd": TEXT,
        "source_ts_ms": WHOLE,
        "received_at": WHOLE,
    }
)
ASKED: Fields = {"id": TEXT, "creator_id": TEXT, "market_ticker": TEXT}
ASKED_TOO: Fields = {
    "event_ticker": TEXT,
    "contracts_fp": TEXT,
    "target_cost_dollars": TEXT,
}
LEG = record(
    {},
    {
        "event_ticker": TEXT,
        "market_ticker": TEXT,
        "side": TEXT,
        "yes_settlement_value_dollars": TEXT,
    },
)
OFFER: Fields = {
    "quote_id": TEXT,
    "rfq_id": TEXT,
    "quote_creator_id": TEXT,
    "market_ticker": TEXT,
}
BIDS: Fields = {"yes_bid_dollars": TEXT, "no_bid_dollars": TEXT}
OFFER_TOO: Fields = {
    "rfq_creator_id": TEXT,
    "event_ticker": TEXT,
    "yes_contracts_offered_fp": TEXT,
    "no_contracts_offered_fp": TEXT,
    "rfq_target_cost_dollars": TEXT,
    "subaccount": WHOLE,
}

# -- what it is wrapped in -------------------------------------------------------------


def frame(kind: str, needed: Fields, optional: Fields | None = None) -> Schema:
    extra = {"sending_ts_ms": WHOLE, **(optional or {})}
    return record({"type": {"const": kind}, **needed}, extra)


def numbered(kind: str, msg: Schema, optional: Fields | None = None) -> Schema:
    return frame(kind, {"sid": ORDINAL, "seq": ORDINAL, "msg": msg}, optional)


def unnumbered(kind: str, msg: Schema) -> Schema:
    # That they stay without a number is a fact too.
    return frame(kind, {"sid": ORDINAL, "msg": msg}, {"seq": False})  # type: ignore[dict-item]


_ID: Fields = {"id": COUNT}
_PLACE: Fields = {"sid": ORDINAL, "seq": ORDINAL}
_FAILURE = record(
    {"code": CODES, "msg": TEXT},
    {"market_id": TEXT, "market_ticker": TEXT, "market_tickers": several(TEXT)},
)
_MARKETS = record({}, {"market_tickers": several(TICKER), "market_ids": several(UUID)})
_CF_LIST, _PYTH_LIST = "cfbenchmarks_value_indexlist", "pyth_value_underlying_list"

SCHEMAS: dict[str, Schema] = {
    "subscribed": frame("subscribed", {"msg": CHANNEL}, _ID),
    "unsubscribed": frame("unsubscribed", _PLACE, _ID),
    "ok": frame("ok", {}, {**_ID, **_PLACE, "msg": _MARKETS}),
    LIST: frame("ok", {**_ID, "msg": several(CHANNEL)}),
    "error": frame("error", {"msg": _FAILURE}, {**_ID, **_PLACE}),
    "orderbook_snapshot": numbered("orderbook_snapshot", SNAPSHOT, _ID),
    "orderbook_delta": numbered("orderbook_delta", DELTA),
    "ticker": unnumbered("ticker", QUOTE),
    "trade": numbered("trade", TRADE),
    "fill": unnumbered("fill", FILL),
    "user_order": unnumbered("user_order", ORDER),
    "market_position": unnumbered("market_position", POSITION),
    "order_group_updates": numbered("order_group_updates", GROUP),
    "market_lifecycle_v2": numbered("market_lifecycle_v2", LIFE),
    "multivariate_market_lifecycle": numbered("multivariate_market_lifecycle", LIFE),
    "event_lifecycle": numbered("event_lifecycle", EVENT),
    "event_fee_update": numbered("event_fee_update", FEES),
    "cfbenchmarks_value": numbered("cfbenchmarks_value", INDEX),
    _CF_LIST: numbered(_CF_LIST, record({"index_ids": several(TEXT)}), _ID),
    "pyth_value": numbered("pyth_value", PRICE),
    _PYTH_LIST: numbered(
        _PYTH_LIST, record({"underlying_tickers": several(TEXT)}), _ID
    ),
    "rfq_created": numbered(
        "rfq_created",
        record(
            {**ASKED, "created_ts": TIME},
            {
                **ASKED_TOO,
                "mve_collection_ticker": TEXT,
                "mve_selected_legs": several(LEG),
            },
        ),
    ),
    "rfq_deleted": numbered(
        "rfq_deleted", record({**ASKED, "deleted_ts": TIME}, ASKED_TOO)
    ),
    "quote_created": numbered(
        "quote_created", record({**OFFER, **BIDS, "created_ts": TIME}, OFFER_TOO)
    ),
    "quote_accepted": numbered(
        "quote_accepted",
        record(
            {**OFFER, **BIDS},
            {**OFFER_TOO, "accepted_side": OUTCOME, "contracts_accepted_fp": TEXT},
        ),
    ),
    "quote_executed": numbered(
        "quote_executed",
        record(
            {
                **OFFER,
                "rfq_creator_id": TEXT,
                "order_id": TEXT,
                "client_order_id": TEXT,
                "executed_ts": TIME,
            },
            {"subaccount": WHOLE},
        ),
    ),
}
"""Every kind of frame by its type."""


def kind_of(told: Mapping[str, Any]) -> str:
    """Which schema a frame is held against."""
    kind = str(told["type"])
    return LIST if kind == "ok" and isinstance(told.get("msg"), list) else kind


class StreamContract:
    """Checks frames against schemas, ours or the published ones."""

    def __init__(self, schemas: Mapping[str, Schema]) -> None:
        self._schemas = schemas
        self._validators: dict[str, Draft202012Validator] = {}

    def faults(self, told: Mapping[str, Any]) -> list[str]:
        """What is wrong with a frame, and where."""
        return [
            f"{'/'.join(map(str, error.absolute_path))}: {error.message[:200]}"
            for error in self._validator(kind_of(told)).iter_errors(told)
        ]

    def strangers(self, told: Mapping[str, Any]) -> list[str]:
        """Fields of a frame that are not documented; new ones are no fault."""
        return list(_strangers(told, self._schemas[kind_of(told)], ""))

    def check(self, told: Mapping[str, Any]) -> None:
        """Raise AssertionError when a frame breaks the contract."""
        faults = self.faults(told)
        assert not faults, f"{told}: {faults[:5]}"

    def _validator(self, kind: str) -> Draft202012Validator:
        if kind not in self._validators:
            assert kind in self._schemas, f"nobody documents a frame of the type {kind}"
            self._validators[kind] = Draft202012Validator(
                self._schemas[kind], format_checker=FormatChecker()
            )
        return self._validators[kind]


def _strangers(value: object, schema: Schema, where: str) -> Iterator[str]:
    if isinstance(value, list):
        for item in value:
            yield from _strangers(item, schema.get("items", {}), where)
    if not isinstance(value, dict) or "properties" not in schema:
        return
    for name, inner in value.items():
        if name not in schema["properties"]:
            yield f"{where}{name}"
        else:
            yield from _strangers(inner, schema["properties"][name], f"{where}{name}.")


@cache
def stream_contract() -> StreamContract:
    """The check that every run has."""
    return StreamContract(SCHEMAS)
