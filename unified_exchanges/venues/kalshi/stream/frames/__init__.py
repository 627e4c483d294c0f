"""What Kalshi sends over the WebSocket, frame by frame (asyncapi 2.0.0, 2026-10).

As in `wire`: money, sizes, sides and ids have no default, everything else may be absent,
and what is not named here is ignored.  The fields stand in the order of the wire, where
msgspec looks for them first.  Every frame is an envelope of ``type``, ``sid``, ``seq`` and
``msg``; ``seq`` may be absent where Kalshi does not count.
"""

from __future__ import annotations

from typing import Final

from msgspec import Struct, json

from .account import (
    Fill,
    FillMsg,
    OrderGroup,
    OrderGroupMsg,
    Position,
    PositionMsg,
    UserOrder,
    UserOrderMsg,
)
from .answers import (
    Acknowledged,
    AcknowledgedMsg,
    Failed,
    FailedMsg,
    Subscribed,
    SubscribedMsg,
    Unsubscribed,
)
from .base import Envelope, Frame
from .lives import (
    EventFee,
    EventFeeMsg,
    EventLife,
    EventLifeMsg,
    MarketLife,
    MarketLifeMsg,
    MultivariateLife,
)
from .prices import (
    AverageMsg,
    IndexList,
    IndexListMsg,
    IndexValue,
    IndexValueMsg,
    PythList,
    PythListMsg,
    PythPrice,
    PythPriceMsg,
    Upstream,
)
from .quotes import (
    Delta,
    DeltaMsg,
    Snapshot,
    SnapshotMsg,
    Ticker,
    TickerMsg,
    Trade,
    TradeMsg,
)
from .requests import (
    QuoteAccepted,
    QuoteCreated,
    QuoteExecuted,
    QuoteExecutedMsg,
    QuoteMsg,
    RfqCreated,
    RfqDeleted,
    RfqMsg,
)

__all__ = [
    "FRAMES",
    "IGNORED",
    "Acknowledged",
    "AcknowledgedMsg",
    "AverageMsg",
    "Delta",
    "DeltaMsg",
    "Envelope",
    "EventFee",
    "EventFeeMsg",
    "EventLife",
    "EventLifeMsg",
    "Failed",
    "FailedMsg",
    "Fill",
    "FillMsg",
    "Frame",
    "IndexList",
    "IndexListMsg",
    "IndexValue",
    "IndexValueMsg",
    "MarketLife",
    "MarketLifeMsg",
    "MultivariateLife",
    "OrderGroup",
    "OrderGroupMsg",
    "Position",
    "PositionMsg",
    "PythList",
    "PythListMsg",
    "PythPrice",
    "PythPriceMsg",
    "QuoteAccepted",
    "QuoteCreated",
    "QuoteExecuted",
    "QuoteExecutedMsg",
    "QuoteMsg",
    "RfqCreated",
    "RfqDeleted",
    "RfqMsg",
    "Snapshot",
    "SnapshotMsg",
    "Subscribed",
    "SubscribedMsg",
    "Ticker",
    "TickerMsg",
    "Trade",
    "TradeMsg",
    "Unsubscribed",
    "Upstream",
    "UserOrder",
    "UserOrderMsg",
    "decode",
    "decode_envelope",
]

FRAMES: Final[tuple[type[Struct], ...]] = (
    Delta,
    Snapshot,
    Ticker,
    Trade,
    Fill,
    UserOrder,
    Position,
    OrderGroup,
    MarketLife,
    MultivariateLife,
    EventLife,
    EventFee,
    RfqCreated,
    RfqDeleted,
    QuoteCreated,
    QuoteAccepted,
    QuoteExecuted,
    IndexValue,
    IndexList,
    PythPrice,
    PythList,
    Subscribed,
    Unsubscribed,
    Acknowledged,
    Failed,
)

IGNORED: Final = frozenset(
    (
        "action",
        "additional_metadata",
        "cap_strike",
        "created_time",
        "custom_strike",
        "dollar_open_interest",
        "dollar_volume",
        "exchange_index",
        "expiration_time",
        "floor_strike",
        "is_deactivated",
        "is_yes",
        "last_trade_size_fp",
        "last_update_time",
        "market_id",
        "market_ids",
        "market_ticker",
        "market_tickers",
        "mve_selected_legs",
        "order_group_id",
        "position_fee_cost_dollars",
        "post_position_fp",
        "price_level_structure",
        "purchased_side",
        "self_trade_prevention_type",
        "side",
        "strike_type",
        "taker_side",
        "time",
        "ts",
        "user_id",
        "volume_fp",
        "yes_sub_title",
    )
)
"""Fields that Kalshi documents and nothing here reads: they are not news."""

decode: Final = json.Decoder(
    Delta
    | Snapshot
    | Ticker
    | Trade
    | Fill
    | UserOrder
    | Position
    | OrderGroup
    | MarketLife
    | MultivariateLife
    | EventLife
    | EventFee
    | RfqCreated
    | RfqDeleted
    | QuoteCreated
    | QuoteAccepted
    | QuoteExecuted
    | IndexValue
    | IndexList
    | PythPrice
    | PythList
    | Subscribed
    | Unsubscribed
    | Acknowledged
    | Failed
).decode


decode_envelope: Final = json.Decoder(Envelope).decode
