"""Events, markets and tags as Gamma writes them (captures of 2026-03 and 2026-06)."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING

from ....money import EXACT, ZERO, text, total
from ....simulator.markets import Market
from .catalog import Event, Listed, Series, Tag
from .quotes import best, last_trade, levels, prices
from .wire import Payload, closed_time, instant, number

if TYPE_CHECKING:
    from .house import House

__all__ = ["event_view", "is_closed", "market_view", "tag_view", "volume"]

_PROPOSED = {"determined": "proposed", "amended": "proposed", "disputed": "disputed"}
_STRANGER = "0x91430CaD2d3975766499717fA0D66A78D814E5c5"
_NOBODY = "0x" + "0" * 64


def _listed_json(words: tuple[str, ...]) -> str:
    """Arrays come as text that holds JSON."""
    return json.dumps(list(words), ensure_ascii=False)


def is_closed(house: House, listed: Listed) -> bool:
    """Whether a market has its result: nothing else closes one."""
    return house.value(listed.condition_id) is not None


def accepts(market: Market) -> bool:
    """Whether a market takes orders now."""
    return market.status == "active" and not market.is_paused


def volume(market: Market) -> Decimal:
    """Dollars traded."""
    return market.traded_value


def _liquidity(house: House, listed: Listed) -> Decimal:
    sides = [levels(house, listed, 0, side) for side in ("bid", "ask")]
    return total(
        EXACT.multiply(level.price, level.size) for side in sides for level in side
    )


def market_view(house: House, listed: Listed, *, embedded: bool = False) -> Payload:
    """A market; one that is embedded in its event does not embed its event."""
    market = house.market(listed)
    view = {
        **_words(house, listed),
        **_flags(house, listed, market),
        **_figures(house, listed, market),
        **_fees(listed),
        **_fate(house, listed, market),
        **_version(listed),
    }
    if listed.game_start_us is not None:
        view["gameStartTime"] = instant(listed.game_start_us)
        view["sportsMarketType"] = listed.sports_type
    if listed.line is not None:
        view["line"] = number(listed.line)
    if not embedded:
        event = house.catalog.event_of(listed)
        view["events"] = [_event_words(house, event)]
    return view


def _words(house: House, listed: Listed) -> Payload:
    event = house.catalog.event_of(listed)
    return {
        "id": listed.market_id,
        "question": listed.question,
        "conditionId": listed.condition_id,
        "slug": listed.slug,
        "resolutionSource": listed.source,
        "startDate": instant(listed.start_us),
        "endDate": instant(listed.end_us),
        "startDateIso": instant(listed.start_us)[:10],
        "endDateIso": instant(listed.end_us)[:10],
        "image": event.image,
        "icon": event.image,
        "description": listed.description,
        "outcomes": _listed_json(listed.outcomes),
        "marketMakerAddress": "",
        "submitted_by": _STRANGER,
        "resolvedBy": _STRANGER,
        "createdAt": instant(listed.created_us),
        "updatedAt": instant(house.market(listed).updated_us),
        "questionID": listed.question_id,
        "groupItemTitle": listed.group_title,
        "groupItemThreshold": str(listed.threshold),
        "acceptingOrdersTimestamp": instant(listed.opens_us or listed.created_us),
        "umaBond": "500",
        "umaReward": "5",
    }


def _flags(house: House, listed: Listed, market: Market) -> Payload:
    return {
        "active": True,
        "closed": is_closed(house, listed),
        "archived": False,
        "new": False,
        "featured": False,
        "restricted": True,
        "ready": False,
        "funded": False,
        "approved": True,
        "cyom": False,
        "hasReviewedDates": True,
        "enableOrderBook": True,
        "acceptingOrders": accepts(market),
        "negRisk": listed.is_neg_risk,
        "negRiskOther": listed.is_other,
        "automaticallyActive": True,
        "clearBookOnStart": True,
        "showGmpSeries": False,
        "showGmpOutcome": False,
        "manualActivation": False,
        "pagerDutyNotificationEnabled": False,
        "pendingDeployment": False,
        "deploying": False,
        "rfqEnabled": False,
        "holdingRewardsEnabled": False,
        "requiresTranslation": False,
    }


def _figures(house: House, listed: Listed, market: Market) -> Payload:
    traded, liquidity = volume(market), _liquidity(house, listed)
    first, second = prices(house, listed)
    view: Payload = {
        "outcomePrices": _listed_json((text(first), text(second))),
        "orderPriceMinTickSize": number(house.tick(listed)),
        "orderMinSize": number(listed.min_size),
        "secondsDelay": listed.seconds_delay,
        "volume": text(traded),
        "volumeNum": number(traded),
        "volumeClob": number(traded),
        "volume24hr": number(_volume_24h(market)),
        "liquidity": text(liquidity),
        "liquidityNum": number(liquidity),
        "liquidityClob": number(liquidity),
        "rewardsMinSize": 50,
        "rewardsMaxSpread": Decimal("4.5"),
    }
    bid, ask = best(house, listed, 0, "bid"), best(house, listed, 0, "ask")
    last = last_trade(house, listed, 0)
    if bid is not None:
        view["bestBid"] = number(bid.price)
    if ask is not None:
        view["bestAsk"] = number(ask.price)
    if bid is not None and ask is not None:
        view["spread"] = number(EXACT.subtract(ask.price, bid.price))
    if last is not None:
        view["lastTradePrice"] = number(last[0])
    return view


def _volume_24h(market: Market) -> Decimal:
    """The day's share of the dollars, by its share of the contracts."""
    if not market.volume:
        return ZERO
    return market.traded_value * market.volume_24h / market.volume


def _fees(listed: Listed) -> Payload:
    fees = listed.fees
    if fees is None:
        return {"feesEnabled": False, "feeType": None}
    return {
        "feesEnabled": True,
        "feeType": fees.kind,
        "feeSchedule": {
            "exponent": 1,
            "rate": number(fees.rate),
            "takerOnly": True,
            "rebateRate": number(fees.rebate),
        },
        # Left over from the first fees; of no meaning since 2026-03-31.
        "makerBaseFee": 1000,
        "takerBaseFee": 1000,
    }


def _fate(house: House, listed: Listed, market: Market) -> Payload:
    """What is known of the result."""
    proposed = _PROPOSED.get(market.status)
    if is_closed(house, listed) and market.settled_us is not None:
        return {
            "closedTime": closed_time(market.settled_us),
            "umaEndDate": instant(market.settled_us),
            "umaResolutionStatus": "resolved",
            "umaResolutionStatuses": '["proposed"]',
            "automaticallyResolved": True,
        }
    if proposed is not None:
        return {
            "umaResolutionStatus": proposed,
            "umaResolutionStatuses": _listed_json((proposed,)),
        }
    return {"umaResolutionStatuses": "[]"}


def _version(listed: Listed) -> Payload:
    group = {"negRiskMarketID": listed.neg_risk_id} if listed.is_neg_risk else {}
    if listed.version == "v1":
        return {"clobTokenIds": _listed_json(listed.tokens), **group}
    return {
        **group,
        "version": "v2",
        # Both may be there: the version says which ones trade.
        "clobTokenIds": _listed_json(listed.legacy_tokens or listed.tokens),
        "positionIds": list(listed.tokens),
        "resolutionStatus": "active",
        "requestId": _NOBODY,
        "onchainEventId": _NOBODY,
    }


def event_view(
    house: House, event: Event, *, markets: bool = True, since_us: int = 0
) -> Payload:
    """An event with its markets, but those that closed before ``since_us``, and tags."""
    view = _event_words(house, event)
    if markets:
        own = [
            listed
            for listed in house.catalog.markets_of(event.event_id)
            if not is_closed(house, listed)
            or (house.market(listed).settled_us or 0) >= since_us
        ]
        view["markets"] = [market_view(house, m, embedded=True) for m in own]
    view["tags"] = [tag_view(tag) for tag in event.tags]
    return view


def _event_words(house: House, event: Event) -> Payload:
    own = house.catalog.markets_of(event.event_id)
    traded = total(volume(house.market(listed)) for listed in own)
    liquidity = total(_liquidity(house, listed) for listed in own)
    view: Payload = {
        "id": event.event_id,
        "ticker": event.slug,
        "slug": event.slug,
        "title": event.title,
        "description": event.description,
        "resolutionSource": "",
        "startDate": instant(event.start_us),
        "creationDate": instant(event.created_us),
        "endDate": instant(event.end_us),
        "image": event.image,
        "icon": event.image,
        "active": True,
        "closed": all(is_closed(house, listed) for listed in own),
        "archived": False,
        "new": False,
        "featured": False,
        "restricted": True,
        "liquidity": number(liquidity),
        "volume": number(traded),
        "openInterest": 0,
        "createdAt": instant(event.created_us),
        "updatedAt": instant(max(house.market(m).updated_us for m in own)),
        "volume24hr": number(total(_volume_24h(house.market(m)) for m in own)),
        "enableOrderBook": True,
        "liquidityClob": number(liquidity),
        "negRisk": event.is_neg_risk,
        "commentCount": 0,
        "cyom": False,
        "showAllOutcomes": True,
        "showMarketImages": True,
        "enableNegRisk": event.is_neg_risk,
        "automaticallyActive": True,
        "negRiskAugmented": event.is_augmented,
        "pendingDeployment": False,
        "deploying": False,
        "requiresTranslation": False,
    }
    if event.is_neg_risk:
        view["negRiskMarketID"] = event.neg_risk_id
    if event.series is not None:
        view["series"] = [_series_view(event.series)]
        view["seriesSlug"] = event.series.slug
    return view


def _series_view(series: Series) -> Payload:
    return {
        "id": series.series_id,
        "ticker": series.slug,
        "slug": series.slug,
        "title": series.title,
        "seriesType": "single",
        "recurrence": series.recurrence,
        "image": "",
        "icon": "",
        "active": True,
        "closed": False,
        "archived": False,
        "featured": False,
        "restricted": True,
        "createdAt": "2025-11-21T21:46:22.201627Z",
        "updatedAt": "2026-03-11T15:13:45.415743Z",
        "volume24hr": 0,
        "volume": 0,
        "liquidity": 0,
        "commentCount": 0,
        "requiresTranslation": False,
    }


def tag_view(tag: Tag) -> Payload:
    """A tag."""
    return {
        "id": tag.tag_id,
        "label": tag.label,
        "slug": tag.slug,
        "forceShow": False,
        "createdAt": "2024-11-13T19:58:34.318816Z",
        "updatedAt": "2026-03-09T22:21:41.828275Z",
        "requiresTranslation": False,
    }
