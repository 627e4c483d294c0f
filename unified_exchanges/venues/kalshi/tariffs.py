"""The fee rule of a market: its series', its event's override, waivers and changes."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from operator import attrgetter
from typing import TYPE_CHECKING, Final

import attrs

from ...errors import ArgumentsRequired, InvalidOrder, VenueSchemaError
from ...flow import Flow, collect
from ...grid import PriceGrid, read_price, read_size
from ...models import Event, FeeRule, Json, Market, Record, Side
from ...money import CENTI, Number, complement
from ...settings import Settings
from . import parse
from .arguments import YES, read_outcome
from .discovery import Discovery
from .drafts import TICKETS
from .memory import MarketRules

if TYPE_CHECKING:
    from .fees import FeeSchedule

__all__ = ["Tariffs"]

_MOST: Final = 10_000
"""Markets whose fee rule is remembered."""
_FRESH: Final = 300
"""Seconds for which a fee rule is believed; announced changes are applied in time."""


@attrs.frozen(slots=True, eq=False, repr=False)
class _Rule:
    fee_type: str | None
    multiplier: Decimal | None

    def over(self, below: _Rule) -> _Rule:
        """This rule, with what it leaves open taken from the one below."""
        return _Rule(
            below.fee_type if self.fee_type is None else self.fee_type,
            below.multiplier if self.multiplier is None else self.multiplier,
        )


@attrs.frozen(kw_only=True, slots=True, eq=False, repr=False)
class _Tariff:
    """What a market is charged by, now and after the changes that are announced."""

    series: _Rule
    event: _Rule
    series_changes: tuple[parse.FeeChange, ...]
    event_changes: tuple[parse.FeeChange, ...]
    waived_until: datetime | None
    read_at: float

    def at(self, moment: datetime) -> _Rule:
        """The rule that holds at a time from now on."""
        series = _changed(self.series, self.series_changes, moment)
        return _changed(self.event, self.event_changes, moment).over(series)


class Tariffs(Discovery):
    """Works out fees by Kalshi's published rule."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._tariffs: dict[str, _Tariff] = {}

    def estimate_fee(
        self,
        market_id: str,
        outcome: str | None,
        side: Side | str,
        price: Number,
        size: Number,
        *,
        maker: bool = False,
    ) -> Flow[Decimal]:
        """The fee in dollars of one fill of ``size`` contracts at ``price``.

        Exact for one fill of a direct member; an order that fills in pieces pays for
        each by itself (docs.kalshi.com, fee rounding, 2026-06-01).  Raises
        `InvalidPrice` and `InvalidSize` for what the market would not take.
        """
        if outcome is None:
            message = "estimate_fee needs outcome=, 'yes' or 'no'"
            raise ArgumentsRequired(message, venue=self.id)
        is_yes, wanted = read_outcome(outcome) == YES, TICKETS.read_side(side)
        self._terms(price, size)
        fees = yield from self.fee_schedule(market_id)
        market: Market | MarketRules | None = self.memory.rules(market_id)
        if market is None:
            market = yield from self.fetch_market(market_id)
        grid = market.grid if is_yes else market.grid.complement()
        paid, contracts = self._terms(
            price, size, grid, lot=market.lot, minimum=market.minimum_size
        )
        return fees.estimate(
            contracts,
            paid if is_yes else complement(paid),
            is_bid=(wanted is Side.BUY) is is_yes,
            maker=maker,
        )

    def _terms(
        self,
        price: Number,
        size: Number,
        grid: PriceGrid | None = None,
        *,
        lot: Decimal = CENTI,
        minimum: Decimal = CENTI,
    ) -> tuple[Decimal, Decimal]:
        """A price and a size, read; the errors say whose they are."""
        try:
            paid = read_price(price, grid)
            return paid, read_size(size, lot=lot, minimum=minimum)
        except InvalidOrder as error:
            error.venue = self.id
            raise

    def fetch_fee_rule(self, market_id: str) -> Flow[FeeRule]:
        """The fees of a market as they are now, of a direct member; one fill at a time."""
        return (yield from self.fee_schedule(market_id))

    def announced_fees(self, market_id: str) -> FeeRule | None:
        """Its fees now by what was read of it: changes and waivers have their times."""
        tariff = self._tariffs.get(market_id)
        return None if tariff is None else self._schedule(tariff)

    def fee_schedule(self, market_id: str) -> Flow[FeeSchedule]:
        """The fee rule of a market as it is now; asked for once in five minutes."""
        tariff = self._tariffs.get(market_id)
        if tariff is None or self.clock.monotonic() - tariff.read_at >= _FRESH:
            tariff = yield from self._tariff(market_id)
            if len(self._tariffs) >= _MOST:
                self._tariffs.clear()
            self._tariffs[market_id] = tariff
        return self._schedule(tariff)

    def _schedule(self, tariff: _Tariff) -> FeeSchedule:
        from .fees import FeeSchedule  # noqa: PLC0415 - only who asks for fees needs it

        now = datetime.fromtimestamp(self.clock.now(), UTC)
        rule = tariff.at(now)
        waived = tariff.waived_until is not None and now < tariff.waived_until
        return FeeSchedule(rule.fee_type, rule.multiplier, waived=waived)

    def _tariff(self, market_id: str) -> Flow[_Tariff]:
        market = yield from self.fetch_market(market_id)
        event = yield from self.one_event(market.event_id)
        series_id = yield from self.series_of(event.event_id)
        series = yield from self.one_series(series_id)
        call = self.read(
            "/series/fee_changes", {"series_ticker": series_id}, about="fee changes"
        )
        response = yield from self.send(call)
        changes = parse.series_fee_changes(response.body)
        event_changes = yield from collect(
            self.listing(
                "/events/fee_changes",
                {"event_ticker": event.event_id},
                parse.event_fee_changes_page,
                attrgetter("change_id"),
                about="fee changes",
            )
        )
        return _Tariff(
            series=_Rule(series.fee_type, series.fee_multiplier),
            event=_override(event),
            series_changes=tuple(x for x in changes if x.series_id == series_id),
            event_changes=tuple(
                x for x in event_changes if x.event_id == event.event_id
            ),
            waived_until=_waiver(market),
            read_at=self.clock.monotonic(),
        )


def _changed(
    rule: _Rule, changes: tuple[parse.FeeChange, ...], moment: datetime
) -> _Rule:
    due = [change for change in changes if change.since <= moment]
    if not due:
        return rule
    last = max(due, key=attrgetter("since"))
    return _Rule(last.fee_type, last.fee_multiplier)


def _override(event: Event) -> _Rule:
    raw = event.raw
    fee_type, factor = raw.get("fee_type_override"), raw.get("fee_multiplier_override")
    if not isinstance(fee_type, str | None):
        raise _malformed(event, "fee_type_override", fee_type)
    if factor is None:
        return _Rule(fee_type or None, None)
    if isinstance(factor, bool) or not isinstance(factor, int | Decimal) or factor < 0:
        raise _malformed(event, "fee_multiplier_override", factor)
    return _Rule(fee_type or None, Decimal(factor))


def _waiver(market: Market) -> datetime | None:
    """When the waiver of a market's fees ends."""
    name = "fee_waiver_expiration_time"
    value = market.raw.get(name)
    if value is None or value == "":
        return None
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError:
        raise _malformed(market, name, value) from None
    if moment.tzinfo is None:
        raise _malformed(market, name, value)
    return moment


def _malformed(record: Record, field: str, value: Json) -> VenueSchemaError:
    message = (
        f"cannot read `{field}` of {record!r}: it is {value!r}; no fee was assumed"
    )
    return VenueSchemaError(message, field=field, venue="kalshi")
