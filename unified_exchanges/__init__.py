"""One exact, typed interface to prediction markets, blocking and async.

>>> import unified_exchanges as ux
>>> kalshi = ux.exchange("kalshi", environment="demo")
>>> kalshi.describe().currency
'USD'

Names are loaded when they are used, so that importing the package costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from .version import VERSION as __version__

if TYPE_CHECKING:
    from .clock import (
        Clock,
        SystemClock,
        VirtualClock,
    )
    from .description import (
        Capability,
        Description,
        Environment,
        Has,
    )
    from .errors import (
        ArgumentsRequired,
        AuthenticationError,
        BadRequest,
        ClockSkew,
        ConnectionLost,
        DuplicateOrderId,
        EventNotFound,
        ExchangeError,
        ExchangeNotAvailable,
        InsufficientFunds,
        InvalidOrder,
        InvalidPrice,
        InvalidSize,
        MarketClosed,
        MarketNotFound,
        NetworkError,
        NotSupported,
        OnMaintenance,
        OrderNotFound,
        OrderRejected,
        OrderUnknown,
        PermissionDenied,
        RateLimitExceeded,
        ReadOnly,
        RequestTimeout,
        StreamOverflow,
        UnifiedExchangesError,
        VenueSchemaError,
    )
    from .grid import (
        PriceBand,
        PriceGrid,
    )
    from .models import (
        BUY,
        SELL,
        AccountLimits,
        Balance,
        BucketLimit,
        CancelReport,
        CancelResult,
        Candle,
        Event,
        Fill,
        Health,
        Holding,
        Instrument,
        Json,
        Latency,
        Leg,
        Level,
        Liquidity,
        Market,
        MarketStatus,
        Ohlc,
        Order,
        OrderBook,
        OrderPreview,
        OrderRequest,
        OrderResult,
        OrderStatus,
        OrderType,
        Outcome,
        Params,
        Period,
        Position,
        Record,
        Series,
        Settlement,
        ShardBalance,
        ShardStatus,
        Side,
        Status,
        StatusFilter,
        Ticker,
        TimeInForce,
        Trade,
    )
    from .policy import (
        LimitPolicy,
        RetryPolicy,
    )
    from .registry import (
        async_exchange,
        exchange,
        exchanges,
    )
    from .shells.aio import (
        AsyncExchange,
    )
    from .shells.blocking import (
        Exchange,
    )
    from .venues.kalshi.aio_websocket import (
        AsyncKalshiWebSocket,
    )
    from .venues.kalshi.websocket import (
        KalshiWebSocket,
    )

__all__ = [
    "BUY",
    "SELL",
    "AccountLimits",
    "ArgumentsRequired",
    "AsyncExchange",
    "AsyncKalshiWebSocket",
    "AuthenticationError",
    "BadRequest",
    "Balance",
    "BucketLimit",
    "CancelReport",
    "CancelResult",
    "Candle",
    "Capability",
    "Clock",
    "ClockSkew",
    "ConnectionLost",
    "Description",
    "DuplicateOrderId",
    "Environment",
    "Event",
    "EventNotFound",
    "Exchange",
    "ExchangeError",
    "ExchangeNotAvailable",
    "Fill",
    "Has",
    "Health",
    "Holding",
    "Instrument",
    "InsufficientFunds",
    "InvalidOrder",
    "InvalidPrice",
    "InvalidSize",
    "Json",
    "KalshiWebSocket",
    "Latency",
    "Leg",
    "Level",
    "LimitPolicy",
    "Liquidity",
    "Market",
    "MarketClosed",
    "MarketNotFound",
    "MarketStatus",
    "NetworkError",
    "NotSupported",
    "Ohlc",
    "OnMaintenance",
    "Order",
    "OrderBook",
    "OrderNotFound",
    "OrderPreview",
    "OrderRejected",
    "OrderRequest",
    "OrderResult",
    "OrderStatus",
    "OrderType",
    "OrderUnknown",
    "Outcome",
    "Params",
    "Period",
    "PermissionDenied",
    "Position",
    "PriceBand",
    "PriceGrid",
    "RateLimitExceeded",
    "ReadOnly",
    "Record",
    "RequestTimeout",
    "RetryPolicy",
    "Series",
    "Settlement",
    "ShardBalance",
    "ShardStatus",
    "Side",
    "Status",
    "StatusFilter",
    "StreamOverflow",
    "SystemClock",
    "Ticker",
    "TimeInForce",
    "Trade",
    "UnifiedExchangesError",
    "VenueSchemaError",
    "VirtualClock",
    "__version__",
    "async_exchange",
    "exchange",
    "exchanges",
]

_HOMES = {
    "clock": (
        "Clock",
        "SystemClock",
        "VirtualClock",
    ),
    "description": (
        "Capability",
        "Description",
        "Environment",
        "Has",
    ),
    "errors": (
        "ArgumentsRequired",
        "AuthenticationError",
        "BadRequest",
        "ClockSkew",
        "ConnectionLost",
        "DuplicateOrderId",
        "EventNotFound",
        "ExchangeError",
        "ExchangeNotAvailable",
        "InsufficientFunds",
        "InvalidOrder",
        "InvalidPrice",
        "InvalidSize",
        "MarketClosed",
        "MarketNotFound",
        "NetworkError",
        "NotSupported",
        "OnMaintenance",
        "OrderNotFound",
        "OrderRejected",
        "OrderUnknown",
        "PermissionDenied",
        "RateLimitExceeded",
        "ReadOnly",
        "RequestTimeout",
        "StreamOverflow",
        "UnifiedExchangesError",
        "VenueSchemaError",
    ),
    "grid": (
        "PriceBand",
        "PriceGrid",
    ),
    "models": (
        "BUY",
        "SELL",
        "AccountLimits",
        "Balance",
        "BucketLimit",
        "CancelReport",
        "CancelResult",
        "Candle",
        "Event",
        "Fill",
        "Health",
        "Holding",
        "Instrument",
        "Json",
        "Latency",
        "Leg",
        "Level",
        "Liquidity",
        "Market",
        "MarketStatus",
        "Ohlc",
        "Order",
        "OrderBook",
        "OrderPreview",
        "OrderRequest",
        "OrderResult",
        "OrderStatus",
        "OrderType",
        "Outcome",
        "Params",
        "Period",
        "Position",
        "Record",
        "Series",
        "Settlement",
        "ShardBalance",
        "ShardStatus",
        "Side",
        "Status",
        "StatusFilter",
        "Ticker",
        "TimeInForce",
        "Trade",
    ),
    "policy": (
        "LimitPolicy",
        "RetryPolicy",
    ),
    "registry": (
        "async_exchange",
        "exchange",
        "exchanges",
    ),
    "shells.aio": ("AsyncExchange",),
    "shells.blocking": ("Exchange",),
    "venues.kalshi.aio_websocket": ("AsyncKalshiWebSocket",),
    "venues.kalshi.websocket": ("KalshiWebSocket",),
}
_HOME = {name: module for module, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> object:
    """Load a public name from the module that it lives in."""
    if name not in _HOME:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    value: object = getattr(import_module(f".{_HOME[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
