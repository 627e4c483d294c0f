"""Kalshi in facts (docs.kalshi.com as of 2026-10, REST 3.34)."""

from __future__ import annotations

from ...description import METHODS, Capability, Description, Environment

__all__ = ["FACTS"]

_PREFIX = "/trade-api/v2"

_ENVIRONMENTS = {
    "production": Environment(
        name="production",
        rest=f"https://external-api.kalshi.com{_PREFIX}",
        stream="wss://external-api-ws.kalshi.com/trade-api/ws/v2",
        hosts=("api.elections.kalshi.com",),
        retired_hosts=("trading-api.kalshi.com",),
    ),
    "demo": Environment(
        name="demo",
        rest=f"https://external-api.demo.kalshi.co{_PREFIX}",
        stream="wss://external-api-ws.demo.kalshi.co/trade-api/ws/v2",
        is_real_money=False,
        hosts=("demo-api.kalshi.co",),
    ),
    "local": Environment(
        name="local",
        rest=f"http://127.0.0.1:8790{_PREFIX}",
        stream="ws://127.0.0.1:8790/trade-api/ws/v2",
        is_real_money=False,
    ),
}

_STREAMS: dict[str, Capability] = {
    name: True for name in METHODS if name.startswith(("watch_", "unwatch"))
}

_FEATURES: dict[str, Capability] = {
    "cancel_all_orders": True,
    "allowances": False,
    "cancel_on_pause": True,
    "client_order_id": True,
    "close_position": "emulated",
    "create_market_order": "emulated",
    "create_orders": True,
    "dry_run": "emulated",
    "edit_order": True,
    "events_by_tag": "emulated",
    "search_events": False,
    "series_by_tag": True,
    "estimate_fee": "emulated",
    "fetch_closed_orders": "emulated",
    "fetch_fee_rule": "emulated",
    "fetch_price_history": "emulated",
    "fetch_tickers": "emulated",
    "order_groups": True,
    "post_only": True,
    "preview_order": "emulated",
    "reduce_only": True,
    "shards": True,
    "subaccounts": True,
}

FACTS = Description(
    id="kalshi",
    name="Kalshi",
    currency="USD",
    environments=_ENVIRONMENTS,
    has=_FEATURES | _STREAMS,
    idempotent_create="client_order_id",
    outcome_books="one",
    hours="kept",
    pauses="venue",
    resting_after_pause="canceled",
    book_checks="numbers",
    price_grid="per market",
    size_unit="contracts",
    settlement="fractional",
    edit="in place",
    periods=("1m", "1h", "1d"),
    time_in_force=("gtc", "ioc", "fok"),
    credentials=("api_key", "private_key", "password"),
    key_headers=("KALSHI-ACCESS-",),
    key_fields=("private_key",),
    key_answers=("/api_keys/generate",),
    outline=(
        "type",
        "sid",
        "seq",
        "id",
        "msg.channel",
        "msg.sid",
        "msg.market_ticker",
        "msg.ticker",
    ),
    asked=(
        "id",
        "cmd",
        "params.channels",
        "params.action",
        "params.sid",
        "params.sids",
        "params.market_ticker",
        "params.market_tickers[]",
    ),
    documentation="https://docs.kalshi.com",
    api_version="3.34.0",
    checked_on="2026-10-15",
    limitations=(
        "There are no market orders: type='market' becomes a bounded immediate order.",
        "There is no dead man's switch: give orders expires_at, or an order group.",
        "reduce_only is accepted on immediate orders only.",
        "A book has no time and no sequence over REST.",
        "YES and NO share one book and positions net: an account holds one of them.",
        "Collateral is per shard: an order can only use the cash of its market's shard.",
        "Without a key, market data may be up to 15 seconds old.",
        "Positions and balances are those of one subaccount: 0 unless one is chosen.",
        "Closed and archived markets have an empty order book.",
    ),
)
