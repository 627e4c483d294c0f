"""Series, events, markets and what is around them, in the venue's words."""

from __future__ import annotations

from decimal import Decimal

from ....grid import PriceGrid
from ....money import ONE, ZERO, complement
from ....simulator.markets import Candle, Level, Market, Range
from ....simulator.orders import Trade
from .catalog import (
    GRIDS,
    Collection,
    Event,
    Incentive,
    Listed,
    Milestone,
    Series,
    Target,
)
from .house import House
from .wire import (
    Payload,
    bare,
    contracts,
    dollars,
    instant,
    rounded,
    whole_seconds,
)

__all__ = [
    "book_view",
    "candle_view",
    "collection_view",
    "event_view",
    "historical_candle_view",
    "incentive_view",
    "market_view",
    "milestone_view",
    "quotes_view",
    "ranges",
    "series_view",
    "structure_of",
    "target_view",
    "trade_view",
]

_SOURCES = (("Kalshi", "https://kalshi.com"),)


def series_view(series: Series, volume: Decimal | None = None) -> Payload:
    """A series; its volume only when asked for."""
    assets = f"https://assets.kalshi.com/simulated/{series.ticker.removeprefix('KX')}"
    return bare(
        {
            "ticker": series.ticker,
            "title": series.title,
            "category": series.category,
            "categories": [series.category],
            "tags": list(series.tags),
            "frequency": series.frequency,
            "settlement_sources": _sources(series),
            "contract_url": f"{assets}.pdf",
            "contract_terms_url": f"{assets}-terms.pdf",
            "fee_type": series.terms.fee_type,
            "fee_multiplier": series.terms.multiplier,
            "additional_prohibitions": ["Persons who hold inside information"],
            "product_metadata": series.metadata,
            "volume_fp": None if volume is None else contracts(volume),
            "last_updated_ts": instant(series.updated_us),
            "exchange_index": series.shard,
        }
    )


def _sources(series: Series) -> list[Payload]:
    return [{"name": n, "url": u} for n, u in series.sources or _SOURCES]


def event_view(event: Event, house: House) -> Payload:
    """An event without its markets."""
    series = house.catalog.series[event.series_ticker]
    override = event.override
    return bare(
        {
            "event_ticker": event.ticker,
            "series_ticker": event.series_ticker,
            "title": event.title,
            "sub_title": event.sub_title,
            "category": series.category,
            "collateral_return_type": "MECNET" if event.mutually_exclusive else "",
            "mutually_exclusive": event.mutually_exclusive,
            "strike_date": None
            if event.strike_us is None
            else instant(event.strike_us),
            "strike_period": event.strike_period,
            "product_metadata": event.metadata,
            "settlement_sources": _sources(series),
            "last_updated_ts": instant(event.updated_us),
            "fee_type_override": override and override.fee_type,
            "fee_multiplier_override": override and override.multiplier,
            "exchange_index": series.shard,
        }
    )


def market_view(listed: Listed, market: Market) -> Payload:
    """A market as it is listed and as it stands."""
    view = {
        "ticker": listed.ticker,
        "event_ticker": listed.event_ticker,
        "market_type": listed.market_type,
        "title": listed.title,
        "subtitle": "",
        "yes_sub_title": listed.yes_sub_title,
        "no_sub_title": listed.no_sub_title,
        "rules_primary": listed.rules,
        "rules_secondary": "",
        "can_close_early": listed.can_close_early,
        "early_close_condition": "This market closes after its outcome is known.",
        "expiration_value": listed.expiration_value,
        "notional_value_dollars": "1.0000",
        "price_level_structure": structure_of(listed, market),
        "price_ranges": ranges(market.grid),
        "settlement_bounds_type": "default",
        "strike_type": listed.strike_type,
        "floor_strike": listed.floor_strike,
        "cap_strike": listed.cap_strike,
        "custom_strike": listed.custom_strike,
        "primary_participant_key": listed.participant,
        "functional_strike": "linear" if listed.strike_type == "functional" else None,
        "mve_collection_ticker": listed.collection,
        "mve_selected_legs": _legs(listed) or None,
        "exchange_index": market.shard,
    }
    return bare(view | _times(listed, market) | quotes_view(market) | _result(market))


def structure_of(listed: Listed, market: Market) -> str:
    """The name of the grid that a market has now; empty when it has none."""
    if GRIDS[listed.structure] == market.grid:
        return listed.structure
    return next((n for n, grid in GRIDS.items() if grid == market.grid), "")


def _legs(listed: Listed) -> list[Payload]:
    return [
        {
            "event_ticker": leg.event_ticker,
            "market_ticker": leg.market_ticker,
            "side": leg.side,
        }
        for leg in listed.legs
    ]


def _times(listed: Listed, market: Market) -> Payload:
    def moment(time_us: int | None) -> str | None:
        return None if time_us is None else instant(time_us)

    return {
        "created_time": instant(market.created_us),
        "updated_time": instant(market.updated_us),
        "open_time": instant(market.open_us),
        "close_time": instant(market.close_us),
        "expected_expiration_time": instant(listed.expected_us),
        "expiration_time": instant(listed.latest_us),
        "latest_expiration_time": instant(listed.latest_us),
        "occurrence_datetime": moment(listed.occurrence_us),
        "fee_waiver_expiration_time": moment(listed.waiver_us),
        "settlement_timer_seconds": whole_seconds(market.settlement_timer_us),
        "settlement_ts": moment(market.settled_us),
    }


def quotes_view(market: Market) -> Payload:
    """Status, quotes and volumes of a market."""
    bid, ask = market.bid, market.ask
    # Recordings: an empty book is 0/1 on a market that trades or has ended, and
    # all zeros before it opens; the sizes tell that there is no quote.
    none = ZERO if market.status == "initialized" else ONE
    bid_price = bid.price if bid else ZERO
    ask_price = ask.price if ask else none
    return {
        "status": market.status,
        "yes_bid_dollars": dollars(bid_price),
        "yes_bid_size_fp": contracts(bid.size if bid else ZERO),
        "yes_ask_dollars": dollars(ask_price),
        "yes_ask_size_fp": contracts(ask.size if ask else ZERO),
        "no_bid_dollars": dollars(complement(ask_price)),
        "no_ask_dollars": dollars(complement(bid_price)),
        "last_price_dollars": dollars(market.last_price or ZERO),
        "previous_yes_bid_dollars": dollars(market.previous_bid or ZERO),
        "previous_yes_ask_dollars": dollars(market.previous_ask or ZERO),
        "previous_price_dollars": dollars(market.previous_price or ZERO),
        "volume_fp": contracts(market.volume),
        "volume_24h_fp": contracts(market.volume_24h),
        "open_interest_fp": contracts(market.open_interest),
    }


def _result(market: Market) -> Payload:
    value = market.yes_value
    return {
        "result": market.result,
        "settlement_value_dollars": None if value is None else dollars(value),
    }


def ranges(grid: PriceGrid) -> list[Payload]:
    """The bands of a grid."""
    return [
        {"start": dollars(b.start), "end": dollars(b.end), "step": dollars(b.step)}
        for b in grid.bands
    ]


def book_view(bids: list[Level], asks: list[Level]) -> Payload:
    """Two lists of bids, each in its own money, best last."""
    return {
        "yes_dollars": [[dollars(x.price), contracts(x.size)] for x in reversed(bids)],
        "no_dollars": [
            [dollars(complement(x.price)), contracts(x.size)] for x in reversed(asks)
        ],
    }


def trade_view(trade: Trade) -> Payload:
    """A public trade."""
    outcome = "yes" if trade.taker_side == "bid" else "no"
    return {
        "trade_id": trade.trade_id,
        "ticker": trade.market_id,
        "count_fp": contracts(trade.size),
        "yes_price_dollars": dollars(trade.price),
        "no_price_dollars": dollars(complement(trade.price)),
        "taker_side": outcome,
        "taker_outcome_side": outcome,
        "taker_book_side": trade.taker_side,
        "created_time": instant(trade.time_us),
        "is_block_trade": False,
    }


def candle_view(candle: Candle) -> Payload:
    """A period of the live tier; prices are null without a trade."""
    price = _range(candle.price, "_dollars")
    mean = candle.mean and rounded(candle.mean)
    previous = candle.previous
    return {
        "end_period_ts": whole_seconds(candle.end_us),
        "yes_bid": _range(candle.bid or _flat(ZERO), "_dollars"),
        "yes_ask": _range(candle.ask or _flat(ONE), "_dollars"),
        "price": bare(
            price
            | {
                "mean_dollars": None if mean is None else dollars(mean),
                "previous_dollars": None if previous is None else dollars(previous),
            }
        ),
        "volume_fp": contracts(candle.volume),
        "open_interest_fp": contracts(candle.open_interest),
    }


def historical_candle_view(candle: Candle) -> Payload:
    """A period of the historical tier: the same under other names."""
    mean = candle.mean and rounded(candle.mean)
    previous = candle.previous
    names = dict.fromkeys(("open", "low", "high", "close"))
    return {
        "end_period_ts": whole_seconds(candle.end_us),
        "yes_bid": _range(candle.bid or _flat(ZERO), ""),
        "yes_ask": _range(candle.ask or _flat(ONE), ""),
        "price": names
        | _range(candle.price, "")
        | {
            "mean": None if mean is None else dollars(mean),
            "previous": None if previous is None else dollars(previous),
        },
        "volume": contracts(candle.volume),
        "open_interest": contracts(candle.open_interest),
    }


def _flat(value: Decimal) -> Range:
    return Range(open=value, low=value, high=value, close=value)


def _range(values: Range | None, suffix: str) -> Payload:
    if values is None:
        return {}
    return {
        f"open{suffix}": dollars(values.open),
        f"low{suffix}": dollars(values.low),
        f"high{suffix}": dollars(values.high),
        f"close{suffix}": dollars(values.close),
    }


def collection_view(collection: Collection, grid: PriceGrid, label: str) -> Payload:
    """A multivariate collection."""
    events = [
        {"ticker": ticker, "is_yes_only": False, "active_quoters": []}
        for ticker in collection.event_tickers
    ]
    return {
        "collection_ticker": collection.ticker,
        "series_ticker": collection.series_ticker,
        "exchange_index": collection.shard,
        "title": collection.title,
        "description": collection.description,
        "open_date": instant(collection.open_us),
        "close_date": instant(collection.close_us),
        "associated_events": events,
        "associated_event_tickers": list(collection.event_tickers),
        "is_ordered": False,
        "is_single_market_per_event": True,
        "is_all_yes": False,
        "size_min": collection.size_min,
        "size_max": collection.size_max,
        "functional_description": "Every chosen market must end on its chosen side.",
        "price_level_structure": label,
        "price_ranges": ranges(grid),
    }


def milestone_view(milestone: Milestone) -> Payload:
    """Something that will happen."""
    return {
        "id": milestone.milestone_id,
        "category": milestone.category,
        "type": milestone.kind,
        "title": milestone.title,
        "start_date": instant(milestone.start_us),
        "end_date": instant(milestone.end_us),
        "related_event_tickers": list(milestone.event_tickers),
        "primary_event_tickers": list(milestone.event_tickers),
        "notification_message": milestone.title,
        "source_id": milestone.source_id,
        "source_ids": {"simulated": milestone.source_id},
        "details": {"competition": milestone.competition},
        "last_updated_ts": instant(milestone.updated_us),
    }


def target_view(target: Target) -> Payload:
    """Who or what markets are about."""
    return {
        "id": target.target_id,
        "name": target.name,
        "type": target.kind,
        "details": {"competition": target.competition},
        "source_id": target.source_id,
        "source_ids": {"simulated": target.source_id},
        "last_updated_ts": instant(target.updated_us),
    }


def incentive_view(program: Incentive, market_id: str) -> Payload:
    """A reward for quoting or trading."""
    return {
        "id": program.program_id,
        "market_id": market_id,
        "market_ticker": program.market_ticker,
        "incentive_type": program.kind,
        "incentive_description": f"{program.kind} program",
        "start_date": instant(program.start_us),
        "end_date": instant(program.end_us),
        "period_reward": program.reward,
        "paid_out": program.paid_out,
        "discount_factor_bps": 5000,
        "target_size_fp": contracts(program.target_size),
    }
