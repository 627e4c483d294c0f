"""The lives of markets and events in the words of the stream; times in Unix seconds."""

from __future__ import annotations

from typing import Any

from .....simulator.markets import Market
from .....simulator.notices import MarketChange, MarketChanged
from ..catalog import Listed
from ..house import House
from ..listings import event_view, ranges, structure_of
from ..news import EventListed, FeesChanged, MetadataChanged
from ..wire import Payload, bare, dollars, whole_seconds

__all__ = [
    "event_message",
    "fees_message",
    "market_message",
    "metadata_message",
]

_WORDS: dict[MarketChange, str] = {
    "created": "created",
    "opened": "activated",
    "activated": "activated",
    "deactivated": "deactivated",
    "close_date_updated": "close_date_updated",
    "determined": "determined",
    # How an amended result is told was never recorded: as another determination.
    "amended": "determined",
    "settled": "settled",
    "grid_updated": "price_level_structure_updated",
}
"""A close and a dispute have no word."""


def market_message(house: House, notice: MarketChanged) -> Payload | None:
    """A change in the life of a market; None when the stream does not tell it."""
    word = _WORDS.get(notice.change)
    if word is None:
        return None
    market = notice.market
    listed = house.catalog.markets[market.market_id]
    more = _more(listed, market, word)
    return {"event_type": word, "market_ticker": market.market_id, **more}


def _more(listed: Listed, market: Market, word: str) -> Payload:
    if word == "created":
        return _created(listed, market)
    if word in {"activated", "deactivated"}:
        return {"is_deactivated": word == "deactivated"}
    if word == "close_date_updated":
        return {"close_ts": whole_seconds(market.close_us)}
    if word == "determined":
        return _determined(market)
    if word == "settled":
        return {"settled_ts": whole_seconds(market.settled_us or 0)}
    return _structure(listed, market)


def _created(listed: Listed, market: Market) -> Payload:
    return {
        "exchange_index": market.shard,
        "open_ts": whole_seconds(market.open_us),
        "close_ts": whole_seconds(market.close_us),
        **_structure(listed, market),
        "additional_metadata": bare(
            {
                "name": listed.yes_sub_title,
                "title": listed.title,
                "yes_sub_title": listed.yes_sub_title,
                "no_sub_title": listed.no_sub_title,
                "rules_primary": listed.rules,
                "rules_secondary": "",
                "can_close_early": listed.can_close_early,
                "event_ticker": listed.event_ticker,
                "expected_expiration_ts": whole_seconds(listed.expected_us),
                "strike_type": listed.strike_type,
                "floor_strike": listed.floor_strike,
                "cap_strike": listed.cap_strike,
                "custom_strike": listed.custom_strike,
            }
        ),
    }


def _structure(listed: Listed, market: Market) -> Payload:
    return {
        "price_level_structure": structure_of(listed, market),
        "price_ranges": ranges(market.grid),
    }


def _determined(market: Market) -> Payload:
    value = market.yes_value
    return bare(
        {
            "result": market.result,
            "determination_ts": whole_seconds(market.determined_us or 0),
            "settlement_value": None if value is None else dollars(value),
        }
    )


def metadata_message(news: MetadataChanged) -> Payload:
    """What is written about a market now, as far as it changed."""
    fields: dict[str, Any] = dict(news.fields)
    return {
        "event_type": "metadata_updated",
        "market_ticker": news.ticker,
        **bare(fields),
    }


def event_message(house: House, news: EventListed) -> Payload:
    """A new event."""
    event = house.catalog.events[news.event_ticker]
    view = event_view(event, house)
    strike = event.strike_us
    return bare(
        {
            "event_ticker": event.ticker,
            "exchange_index": view["exchange_index"],
            "title": event.title,
            "subtitle": event.sub_title,
            "collateral_return_type": view["collateral_return_type"],
            "series_ticker": event.series_ticker,
            "strike_date": None if strike is None else whole_seconds(strike),
            "strike_period": event.strike_period,
        }
    )


def fees_message(news: FeesChanged) -> Payload:
    """Fees of an event's own, null when it has none any more."""
    terms = news.terms
    return {
        "event_ticker": news.event_ticker,
        "fee_type_override": terms and terms.fee_type,
        "fee_multiplier_override": terms and terms.multiplier,
    }
