"""Polymarket in facts (docs.polymarket.com and the vendor's SDK 0.14.0 as of 2026-10)."""

from __future__ import annotations

from ...description import Capability, Description, Environment

__all__ = ["FACTS", "SERVICES"]

SERVICES = ("gamma", "clob", "data")
"""The catalog, the exchange, and what is told of wallets: each a host of its own."""

_LOCAL = "127.0.0.1:8791"

_ENVIRONMENTS = {
    "production": Environment(
        name="production",
        rest="https://clob.polymarket.com",
        stream="wss://ws-subscriptions-clob.polymarket.com/ws",
        services={
            "gamma": "https://gamma-api.polymarket.com",
            "clob": "https://clob.polymarket.com",
            "data": "https://data-api.polymarket.com",
        },
    ),
    "local": Environment(
        name="local",
        rest=f"http://{_LOCAL}",
        stream=f"ws://{_LOCAL}/ws",
        is_real_money=False,
    ),
}

_FEATURES: dict[str, Capability] = {
    "allowances": True,
    "cancel_all_orders": True,
    "cancel_all_orders_after": True,
    "cancel_on_pause": False,
    "client_order_id": "emulated",
    "close_position": "emulated",
    "create_market_order": "emulated",
    "create_orders": True,
    "dry_run": "emulated",
    "estimate_fee": "emulated",
    "events_by_tag": True,
    "search_events": True,
    "series_by_tag": False,
    "fetch_closed_orders": "emulated",
    "fetch_fee_rule": "emulated",
    "fetch_ohlcv": "emulated",
    "fetch_orders": "emulated",
    "fetch_ticker": "emulated",
    "fetch_tickers": "emulated",
    "order_groups": False,
    "post_only": True,
    "preview_order": "emulated",
    "reduce_only": "emulated",
    "shards": False,
    "subaccounts": False,
    "unwatch": True,
    "watch_fills": True,
    "watch_market_status": True,
    "watch_order_book": True,
    "watch_orders": True,
    "watch_positions": "emulated",
    "watch_ticker": True,
    "watch_trades": True,
}

FACTS = Description(
    id="polymarket",
    name="Polymarket",
    currency="pUSD",
    environments=_ENVIRONMENTS,
    has=_FEATURES,
    idempotent_create="order_hash",
    outcome_books="separate",
    book_checks="best prices",
    price_grid="per market",
    size_unit="contracts",
    settlement="fractional",
    edit="none",
    periods=("1m", "1h", "1d"),
    time_in_force=("gtc", "ioc", "fok"),
    credentials=("private_key", "api_key", "secret", "password"),
    key_headers=("POLY_",),
    key_fields=("apiKey", "secret", "passphrase"),
    key_answers=("/auth/api-key", "/auth/derive-api-key"),
    outline=("event_type", "market", "asset_id"),
    asked=("operation", "type", "assets_ids[]"),
    documentation="https://docs.polymarket.com",
    api_version="CLOB v2, Data v2",
    checked_on="2026-10-21",
    limitations=(
        "There is no play-money exchange: practise on the simulated one.",
        "Each outcome has its own book, and both may be held at once.",
        "Positions, public trades and settlements are told late: decide by orders and fills.",
        "A fill is settled on chain after it matched, and may fail until it is.",
        "No stream tells of positions: they are read after each fill, and lag.",
        "Nothing on the streams is numbered: a loss deep in a book shows in comparisons only.",
        "Quotes and trades are followed of named markets only, not of all at once.",
        "One connection tells all markets: above 500 tokens first books come over REST.",
        "A result may be told late, and is surely told of named markets only.",
        "A market's price grid may change while it trades.",
        "There are no market orders: type='market' becomes a bounded immediate order.",
        "Orders cannot be changed, only cancelled and placed anew.",
        "An order to buy at once is in dollars: a better price may bring more contracts.",
        "Orders with an expiry live for two minutes at least.",
        "The dead man's switch is ten seconds, and cannot be ended.",
        "Of orders that ended, those are listed that filled, or that this object has seen.",
        "Fees of fills are worked out by the market's present schedule.",
        "Candles are made of the public trades of one outcome; quotes have no history.",
        "Points of price are kept for days or weeks, those of three hours or more for good.",
        "Volumes are told in dollars, so markets and tickers have none.",
        "Trades have no id: theirs is made of the transaction and its content.",
        "Listings leave out markets that never had an order book and unnamed placeholders.",
        "Redeemed shares are settlements; lost ones stay positions that are worth nothing.",
        "Orders are refused from many places (GET https://polymarket.com/api/geoblock).",
    ),
)
