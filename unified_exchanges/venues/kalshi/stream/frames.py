"""What Kalshi sends over the WebSocket, frame by frame (asyncapi 2.0.0, 2026-10).

As in `wire`: money, sizes, sides and ids have no default, everything else may be absent,
and what is not named here is ignored.  The fields stand in the order of the wire, where
msgspec looks for them first.  Every frame is an envelope of ``type``, ``sid``, ``seq`` and
``msg``; ``seq`` may be absent where Kalshi does not count.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Final, TypeAlias

from msgspec import Meta, Raw, Struct, field, json

from ..wire.base import Id, Time, Wire

__all__ = [
    "FRAMES",
    "IGNORED",
    "Acknowledged",
    "Delta",
    "Envelope",
    "EventFee",
    "EventLife",
    "Failed",
    "Fill",
    "Frame",
    "MarketLife",
    "MultivariateLife",
    "OrderGroup",
    "Position",
    "QuoteAccepted",
    "QuoteCreated",
    "QuoteExecuted",
    "RfqCreated",
    "RfqDeleted",
    "Snapshot",
    "Subscribed",
    "Ticker",
    "Trade",
    "Unsubscribed",
    "UserOrder",
    "decode",
    "decode_envelope",
]


Moment: TypeAlias = Annotated[int, Meta(ge=0, le=253_402_300_799_000)]
"""Unix milliseconds; a moment that no calendar has is malformed."""


class Frame(Wire, kw_only=True, tag_field="type"):
    """Base of all frames; the tag is ``type``."""

    sid: int = 0
    seq: int | None = None
    sending_ts_ms: Moment | None = None


# -- answers to commands ---------------------------------------------------------------


class SubscribedMsg(Wire, kw_only=True):
    """The channel, and the number of its subscription on this connection."""

    channel: Id
    sid: int


class Subscribed(Frame, kw_only=True, tag="subscribed"):
    """A channel is subscribed."""

    id: int = 0
    msg: SubscribedMsg


class Unsubscribed(Frame, kw_only=True, tag="unsubscribed"):
    """A channel no longer is."""

    id: int = 0


class AcknowledgedMsg(Wire, kw_only=True):
    """All markets of the subscription now; absent where the list is skipped."""

    market_tickers: list[str] | None = None


class Acknowledged(Frame, kw_only=True, tag="ok"):
    """A command was carried out; ``msg`` is a list when subscriptions were asked for."""

    id: int = 0
    msg: AcknowledgedMsg | list[SubscribedMsg] | None = None


class FailedMsg(Wire, kw_only=True):
    """What is wrong, as a code and in words."""

    code: int
    msg: str = ""


class Failed(Frame, kw_only=True, tag="error"):
    """A command was refused, or with ``sid`` alone, something befell a subscription."""

    id: int = 0
    msg: FailedMsg


# -- order books, tickers, trades ------------------------------------------------------


class SnapshotMsg(Wire, kw_only=True):
    """A whole book; a side without orders is absent.  Both in YES prices."""

    market_ticker: Id
    yes_dollars_fp: list[tuple[str, str]] | None = None
    no_dollars_fp: list[tuple[str, str]] | None = None


class Snapshot(Frame, kw_only=True, tag="orderbook_snapshot"):
    """The book of a market."""

    msg: SnapshotMsg


class DeltaMsg(Wire, kw_only=True):
    """A change of one level; the last two fields are there when we caused it."""

    market_ticker: Id
    price_dollars: str
    delta_fp: str
    side: str
    ts_ms: Moment | None = None
    client_order_id: str | None = None
    subaccount: int | None = None


class Delta(Wire, kw_only=True, tag_field="type", tag="orderbook_delta"):
    """A change of a book; without its number it is worth nothing."""

    sid: int
    seq: int
    sending_ts_ms: Moment | None = None
    msg: DeltaMsg


class TickerMsg(Wire, kw_only=True):
    """Best quotes, the last trade, and what was traded since the market was made."""

    market_ticker: Id
    price_dollars: str
    yes_bid_dollars: str
    yes_ask_dollars: str
    volume_fp: str
    open_interest_fp: str
    yes_bid_size_fp: str
    yes_ask_size_fp: str
    ts_ms: Moment | None = None


class Ticker(Frame, kw_only=True, tag="ticker"):
    """Quotes of a market."""

    msg: TickerMsg


class TradeMsg(Wire, kw_only=True):
    """A public trade; of the two direction fields one may be absent."""

    trade_id: Id
    market_ticker: Id
    yes_price_dollars: str
    no_price_dollars: str | None = None
    count_fp: str
    taker_outcome_side: str | None = None
    taker_book_side: str | None = None
    is_block_trade: bool | None = None
    ts_ms: Moment


class Trade(Frame, kw_only=True, tag="trade"):
    """A trade of a market."""

    msg: TradeMsg


# -- the account -----------------------------------------------------------------------


class FillMsg(Wire, kw_only=True):
    """An execution of one of our orders."""

    trade_id: Id
    order_id: Id
    client_order_id: str | None = None
    market_ticker: Id
    exchange_index: int | None = None
    is_taker: bool
    outcome_side: str | None = None
    book_side: str | None = None
    yes_price_dollars: str
    count_fp: str
    fee_cost: str
    ts_ms: Moment
    subaccount: int | None = None


class Fill(Frame, kw_only=True, tag="fill"):
    """A fill."""

    msg: FillMsg


class UserOrderMsg(Wire, kw_only=True):
    """One of our orders as it is now; its market is called ``ticker`` here."""

    order_id: Id
    ticker: Id
    status: str
    outcome_side: str | None = None
    book_side: str | None = None
    yes_price_dollars: str
    fill_count_fp: str
    remaining_count_fp: str
    initial_count_fp: str
    taker_fill_cost_dollars: str
    maker_fill_cost_dollars: str
    taker_fees_dollars: str
    maker_fees_dollars: str
    client_order_id: str | None = None
    created_ts_ms: Moment | None = None
    last_updated_ts_ms: Moment | None = None
    expiration_ts_ms: Moment | None = None
    subaccount_number: int | None = None
    exchange_index: int | None = None
    last_update_reason: str | None = None


class UserOrder(Frame, kw_only=True, tag="user_order"):
    """An order."""

    msg: UserOrderMsg


class PositionMsg(Wire, kw_only=True):
    """What we hold of a market; positive in YES, negative in NO."""

    market_ticker: Id
    position_fp: str
    position_cost_dollars: str
    realized_pnl_dollars: str
    fees_paid_dollars: str
    subaccount: int | None = None


class Position(Frame, kw_only=True, tag="market_position"):
    """A position."""

    msg: PositionMsg


class OrderGroupMsg(Wire, kw_only=True):
    """What happened to an order group."""

    event_type: str
    order_group_id: Id
    contracts_limit_fp: str | None = None
    ts_ms: Moment | None = None


class OrderGroup(Frame, kw_only=True, tag="order_group_updates"):
    """An order group was made, triggered, reset, limited anew or deleted."""

    msg: OrderGroupMsg


# -- lives of markets and events -------------------------------------------------------


class MarketLifeMsg(Wire, kw_only=True):
    """What happened to a market; times are seconds, and which are there depends on it."""

    event_type: str
    market_ticker: Id
    open_ts: int | None = None
    close_ts: int | None = None
    result: str | None = None
    determination_ts: int | None = None
    settlement_value: str | None = None
    settled_ts: int | None = None
    price_ranges: Raw = field(default_factory=Raw)


class MarketLife(Frame, kw_only=True, tag="market_lifecycle_v2"):
    """A change of a market."""

    msg: MarketLifeMsg


class MultivariateLife(Frame, kw_only=True, tag="multivariate_market_lifecycle"):
    """A change of a combination."""

    msg: MarketLifeMsg


class EventLifeMsg(Wire, kw_only=True):
    """An event that was made."""

    event_ticker: Id
    exchange_index: int | None = None
    title: str | None = None
    subtitle: str | None = None
    collateral_return_type: str | None = None
    series_ticker: str | None = None
    strike_date: int | None = None
    strike_period: str | None = None


class EventLife(Frame, kw_only=True, tag="event_lifecycle"):
    """A new event."""

    msg: EventLifeMsg


class EventFeeMsg(Wire, kw_only=True):
    """A fee rule of one event; null gives the event back to its series' rule."""

    event_ticker: Id
    fee_type_override: str | None
    fee_multiplier_override: Decimal | None


class EventFee(Frame, kw_only=True, tag="event_fee_update"):
    """The fees of an event changed."""

    msg: EventFeeMsg


# -- requests for quotes ---------------------------------------------------------------


class RfqMsg(Wire, kw_only=True):
    """A request for quotes; ``creator_id`` may be empty."""

    id: Id
    creator_id: str = ""
    market_ticker: Id
    event_ticker: str | None = None
    contracts_fp: str | None = None
    target_cost_dollars: str | None = None
    created_ts: Time | None = None
    deleted_ts: Time | None = None
    mve_collection_ticker: str | None = None


class RfqCreated(Frame, kw_only=True, tag="rfq_created"):
    """Somebody asks for quotes."""

    msg: RfqMsg


class RfqDeleted(Frame, kw_only=True, tag="rfq_deleted"):
    """A request for quotes is over."""

    msg: RfqMsg


class QuoteMsg(Wire, kw_only=True):
    """A quote for a request; the last two are there once it is accepted."""

    quote_id: Id
    rfq_id: Id
    quote_creator_id: str = ""
    rfq_creator_id: str = ""
    market_ticker: Id
    event_ticker: str | None = None
    yes_bid_dollars: str
    no_bid_dollars: str
    yes_contracts_offered_fp: str | None = None
    no_contracts_offered_fp: str | None = None
    rfq_target_cost_dollars: str | None = None
    created_ts: Time | None = None
    subaccount: int | None = None
    accepted_side: str | None = None
    contracts_accepted_fp: str | None = None


class QuoteCreated(Frame, kw_only=True, tag="quote_created"):
    """A quote was made for one of our requests, or by us."""

    msg: QuoteMsg


class QuoteAccepted(Frame, kw_only=True, tag="quote_accepted"):
    """A quote was accepted."""

    msg: QuoteMsg


class QuoteExecutedMsg(Wire, kw_only=True):
    """The order that came of a quote."""

    quote_id: Id
    rfq_id: Id
    quote_creator_id: str = ""
    rfq_creator_id: str = ""
    order_id: Id
    client_order_id: str | None = None
    market_ticker: Id
    executed_ts: Time | None = None
    subaccount: int | None = None


class QuoteExecuted(Frame, kw_only=True, tag="quote_executed"):
    """A quote became an order."""

    msg: QuoteExecutedMsg


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
    | Subscribed
    | Unsubscribed
    | Acknowledged
    | Failed
).decode


class Envelope(Wire, kw_only=True):
    """Any frame, as far as it can be read: for those that cannot be read otherwise."""

    type: str = ""
    sid: int | None = None
    seq: int | None = None
    id: int | None = None
    msg: Raw = field(default_factory=Raw)


decode_envelope: Final = json.Decoder(Envelope).decode
