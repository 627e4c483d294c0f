"""What Polymarket's sockets send, as it stands in their frames.

A frame holds one object or a list of them, and ``PONG`` is no JSON (docs.polymarket.com,
websockets, 2026-08).  Numbers are texts.  What is not needed is optional: captures of older
years lack it, and a client has to survive them.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal, TypeAlias

import msgspec
from msgspec import Raw, Struct

from ..wire.base import ConditionId, Hash, Id, TokenId, Untrusted

__all__ = [
    "FRAMES",
    "BestBidAsk",
    "Book",
    "Change",
    "Changes",
    "Envelope",
    "Frame",
    "LastTrade",
    "Level",
    "MakerOrder",
    "MarketResolved",
    "NewMarket",
    "PriceChange",
    "TickSizeChange",
    "UserOrder",
    "UserTrade",
    "decode",
    "decode_changes",
    "decode_envelope",
    "decode_list",
]


class _Frame(Struct, tag_field="event_type", gc=False, kw_only=True):
    """Base of what has a type."""


# -- the market channel ----------------------------------------------------------------

WinnerId: TypeAlias = Annotated[str, msgspec.Meta(pattern="^[0-9]{0,78}$")]
"""The token that has won; empty where none has."""


class Level(Struct, gc=False):
    """Shares at a price."""

    price: str
    size: str


class Book(_Frame, tag="book"):
    """A whole book; the best level of a side is its last."""

    asset_id: TokenId
    market: ConditionId
    bids: list[Level]
    asks: list[Level]
    timestamp: str
    hash: str = ""
    tick_size: str | None = None
    min_order_size: str | None = None
    neg_risk: bool | None = None
    last_trade_price: str | None = None


class Change(Struct, gc=False, frozen=True):
    """How much there is now at a price; ``side`` BUY is the bids.

    What ``hash`` is a hash of is disputed (docs.polymarket.com, 2026-08: of the order; before:
    of the book), so nothing depends on it but that a repetition has the same.
    """

    asset_id: str
    price: str
    size: str
    side: str
    hash: str = ""
    best_bid: str | None = None
    best_ask: str | None = None


class PriceChange(_Frame, tag="price_change"):
    """Orders were placed or cancelled: levels of both tokens of a market."""

    market: str
    price_changes: list[Change]
    timestamp: str


class Changes(Struct, gc=False, kw_only=True):
    """The same where it is known beforehand, for it is most of what comes.

    The type is the last of its fields where the venue sends it (seen 2026-08): to look for
    it first, and then to read all the rest, costs nearly half as much again.
    """

    market: str
    price_changes: list[Change]
    timestamp: int
    event_type: Literal["price_change"]


class LastTrade(_Frame, tag="last_trade_price"):
    """A trade."""

    asset_id: TokenId
    market: ConditionId
    price: str
    size: str
    side: str
    timestamp: str
    fee_rate_bps: Untrusted = None
    transaction_hash: str | None = None


class TickSizeChange(_Frame, tag="tick_size_change"):
    """The grid of a market moved, as its price came close to 0 or 1 dollar."""

    asset_id: TokenId
    market: ConditionId
    new_tick_size: str
    timestamp: str
    old_tick_size: str | None = None


class BestBidAsk(_Frame, tag="best_bid_ask"):
    """The top of a book moved; only with custom features."""

    asset_id: TokenId
    market: ConditionId
    best_bid: str
    best_ask: str
    timestamp: str
    spread: str | None = None


class NewMarket(_Frame, tag="new_market"):
    """A market was listed; only with custom features, and of all markets it seems."""

    market: ConditionId
    timestamp: str
    assets_ids: list[TokenId]
    outcomes: list[Id]
    id: str = ""
    question: str = ""
    slug: str = ""
    description: str = ""
    active: bool | None = None
    order_price_min_tick_size: str | None = None
    condition_id: str | None = None
    clob_token_ids: list[str] | None = None
    tags: list[str] | None = None
    event_message: Raw = Raw(b"null")
    sports_market_type: str | None = None
    line: str | None = None
    game_start_time: str | None = None
    group_item_title: str | None = None


class MarketResolved(_Frame, tag="market_resolved"):
    """It is decided what a market pays; only with custom features.

    The one documented frame has a winner (docs.polymarket.com, asyncapi-market, 2026-08: two
    texts that must be there, of no stated form). Where both outcomes pay half nothing has
    won, and a frame that says so by an empty text still tells that the market is settled.
    """

    market: ConditionId
    timestamp: str
    winning_asset_id: WinnerId
    winning_outcome: str
    assets_ids: list[TokenId]
    id: str = ""
    tags: list[str] | None = None
    event_message: Raw = Raw(b"null")


# -- the user channel ------------------------------------------------------------------


class UserOrder(_Frame, tag="order"):
    """An order of ours was placed, matched or cancelled.

    ``size_matched`` is all that matched so far.  One that is killed comes with empty texts
    for numbers, and prose in ``status`` (seen 2026-05).
    """

    id: Hash
    market: ConditionId
    asset_id: TokenId
    side: str
    price: str
    original_size: str
    size_matched: str
    type: str
    timestamp: str
    status: str = ""
    outcome: str | None = None
    owner: Untrusted = None
    order_owner: Untrusted = None
    order_type: str | None = None
    created_at: int | str | None = None
    expiration: int | str | None = None
    maker_address: Untrusted = None
    associate_trades: Untrusted = None


class MakerOrder(Struct, gc=False, kw_only=True):
    """One maker of a trade, in its own terms; captures of 2024 have no ``side``."""

    order_id: Hash
    matched_amount: str
    price: str
    asset_id: TokenId
    owner: str | None = None
    outcome: str | None = None
    side: str | None = None
    maker_address: str | None = None
    fee_rate_bps: Untrusted = None
    outcome_index: Untrusted = None


class UserTrade(_Frame, tag="trade"):
    """A trade that we had a part in, or where it stands on its way into the chain.

    All that is not in ``maker_orders`` is the taker's, also where we are a maker.
    """

    id: Id
    taker_order_id: Hash
    market: ConditionId
    asset_id: TokenId
    side: str
    size: str
    price: str
    status: str
    match_time: int | str
    timestamp: Untrusted = None
    outcome: str | None = None
    owner: str | None = None
    trade_owner: str | None = None
    trader_side: str | None = None
    maker_orders: list[MakerOrder] | None = None
    match_time_nano: Untrusted = None
    last_update: Untrusted = None
    maker_address: str | None = None
    fee_rate_bps: Untrusted = None
    bucket_index: Untrusted = None
    transaction_hash: Untrusted = None
    type: Untrusted = None
    err_msg: Untrusted = None


# -- reading ---------------------------------------------------------------------------

Frame: TypeAlias = (
    Book
    | PriceChange
    | LastTrade
    | TickSizeChange
    | BestBidAsk
    | NewMarket
    | MarketResolved
    | UserOrder
    | UserTrade
)

FRAMES: Final[tuple[type[_Frame], ...]] = (
    Book,
    PriceChange,
    LastTrade,
    TickSizeChange,
    BestBidAsk,
    NewMarket,
    MarketResolved,
    UserOrder,
    UserTrade,
)


class Envelope(Struct, gc=False, kw_only=True):
    """What is left of a frame that cannot be read."""

    event_type: str = ""
    asset_id: Any = None
    market: Any = None

    @property
    def token(self) -> str:
        """The token that it is about, if that can be told."""
        return self.asset_id if isinstance(self.asset_id, str) else ""

    @property
    def market_id(self) -> str:
        """The market that it is about, if that can be told."""
        return self.market.lower() if isinstance(self.market, str) else ""


decode: Final = msgspec.json.Decoder(Frame).decode
decode_changes: Final = msgspec.json.Decoder(Changes, strict=False).decode
"""Reads ``timestamp`` to an integer, of a text as well; all the rest are texts as ever."""
decode_list: Final = msgspec.json.Decoder(list[Raw]).decode
decode_envelope: Final = msgspec.json.Decoder(Envelope).decode
