"""Balances, positions, settlements, limits and keys out of Kalshi's answers."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from functools import partial

import attrs
import msgspec

from ....models import (
    AccountLimits,
    Balance,
    BucketLimit,
    Holding,
    Position,
    Settlement,
    ShardBalance,
)
from ....money import ZERO, div
from ..wire import account as wire
from .reading import (
    Malformed,
    amount,
    cents,
    cost,
    decode,
    read,
    read_all,
    seconds,
    size,
)

__all__ = [
    "KeyRing",
    "SubaccountBalance",
    "api_keys",
    "balance",
    "limits",
    "positions_page",
    "settlements_page",
    "subaccount_balances",
]


# -- balance ---------------------------------------------------------------------------


def _balance(w: wire.Balance, payload: bytes) -> Balance:
    worth, updated = w.portfolio_value, w.updated_ts
    return Balance(
        venue="kalshi",
        raw_json=payload,
        available=amount(w.balance_dollars, "balance_dollars"),
        position_value=None if worth is None else cents(worth),
        shards=tuple(
            ShardBalance(
                x.exchange_index, amount(x.balance, "balance_breakdown[].balance")
            )
            for x in w.balance_breakdown or ()
        ),
        updated_at=None if updated is None else seconds(updated, "updated_ts"),
    )


_BALANCE = msgspec.json.Decoder(wire.Balance)


def balance(body: bytes) -> Balance:
    """Cash in exact dollars, in all and per shard."""
    return read(_BALANCE, _balance, body)


@attrs.frozen(slots=True)
class SubaccountBalance:
    """Cash in dollars of one subaccount on one shard."""

    subaccount: int
    shard: int
    available: Decimal


def _subaccounts(w: wire.SubaccountBalances, _: bytes) -> list[SubaccountBalance]:
    name = "subaccount_balances[].balance"
    return [
        SubaccountBalance(
            x.subaccount_number, x.exchange_index or 0, amount(x.balance, name)
        )
        for x in w.subaccount_balances
    ]


_SUBACCOUNTS = msgspec.json.Decoder(wire.SubaccountBalances)


def subaccount_balances(body: bytes) -> list[SubaccountBalance]:
    """Cash of every subaccount on every shard."""
    return read(_SUBACCOUNTS, _subaccounts, body)


# -- positions -------------------------------------------------------------------------


def _position(w: wire.Position, payload: bytes) -> Position:
    exposure = amount(w.position_fp, "position_fp")
    held = abs(exposure)
    paid = cost(w.market_exposure_dollars, "market_exposure_dollars")
    return Position(
        venue="kalshi",
        raw_json=payload,
        market_id=w.ticker,
        outcome="no" if exposure < ZERO else "yes",
        size=held,
        cost=paid,
        # The exposure of a NO position is counted in NO money, so this is a NO price
        # (docs.kalshi.com, positions, 2026-10).
        entry_price=div(paid, held) if held else None,
        realized_pnl=amount(w.realized_pnl_dollars, "realized_pnl_dollars"),
        fees_paid=amount(w.fees_paid_dollars, "fees_paid_dollars"),
        traded=cost(w.total_traded_dollars, "total_traded_dollars"),
        updated_at=w.last_updated_ts,
        shard=w.exchange_index or 0,
        computed=frozenset({"entry_price"}) if held else frozenset(),
    )


_POSITION = msgspec.json.Decoder(wire.Position)
_POSITIONS_PAGE = msgspec.json.Decoder(wire.PositionsPage)


def positions_page(body: bytes) -> tuple[list[Position], str | None]:
    """The positions of a page, those of size zero included, and the next cursor."""
    page = decode(_POSITIONS_PAGE, body)
    rows = page.market_positions
    found = read_all(_POSITION, _position, rows, "market_positions")
    return found, page.cursor or None


# -- settlements -----------------------------------------------------------------------


def _settlement(w: wire.Settlement, payload: bytes) -> Settlement:
    return Settlement(
        venue="kalshi",
        raw_json=payload,
        market_id=w.ticker,
        event_id=w.event_ticker or None,
        result=w.market_result,
        value=None if w.value is None else _unit_value(w.value),
        payout=cents(w.revenue),
        holdings=_holdings(w),
        fee=amount(w.fee_cost, "fee_cost"),
        settled_at=w.settled_time,
        shard=w.exchange_index or 0,
        rounded=_rounded(w),
    )


def _rounded(w: wire.Settlement) -> frozenset[str]:
    """What whole cents may not hold: all but a side that won, which pays whole dollars.

    A contract is divisible into hundredths, so what it wins is a whole number of cents.
    """
    if w.market_result in {"yes", "no"}:
        return frozenset()
    return frozenset({"payout"} if w.value is None else {"payout", "value"})


def _unit_value(value: int) -> Decimal:
    if not 0 <= value <= 100:  # noqa: PLR2004 - cents in a dollar
        raise Malformed("value", f"is {value}, not cents per contract")
    return cents(value)


def _holdings(w: wire.Settlement) -> tuple[Holding, ...]:
    sides = (
        Holding(
            "yes",
            size(w.yes_count_fp, "yes_count_fp"),
            cost(w.yes_total_cost_dollars, "yes_total_cost_dollars"),
        ),
        Holding(
            "no",
            size(w.no_count_fp, "no_count_fp"),
            cost(w.no_total_cost_dollars, "no_total_cost_dollars"),
        ),
    )
    return tuple(side for side in sides if side.size or side.cost)


_SETTLEMENT = msgspec.json.Decoder(wire.Settlement)
_SETTLEMENTS_PAGE = msgspec.json.Decoder(wire.SettlementsPage)


def settlements_page(body: bytes) -> tuple[list[Settlement], str | None]:
    """The settlements of a page and the next cursor."""
    page = decode(_SETTLEMENTS_PAGE, body)
    found = read_all(_SETTLEMENT, _settlement, page.settlements, "settlements")
    return found, page.cursor or None


# -- limits, keys ----------------------------------------------------------------------

_DEFAULT_COST = Decimal(10)
"""Tokens of a request that the list of costs does not name (docs.kalshi.com, 2026-10)."""


def _costs(w: wire.Costs, _: bytes) -> tuple[Decimal, tuple[tuple[str, Decimal], ...]]:
    costs = tuple((f"{x.method} {x.path}", _tokens(x.cost)) for x in w.endpoint_costs)
    return _tokens(w.default_cost), costs


def _tokens(value: Decimal) -> Decimal:
    if not value.is_finite() or value < ZERO:
        raise Malformed("cost", f"is {value}, not a number of tokens")
    return value


def _limits(
    w: wire.Limits,
    payload: bytes,
    costs: tuple[Decimal, tuple[tuple[str, Decimal], ...]],
) -> AccountLimits:
    buckets = (("read", w.read), ("write", w.write))
    return AccountLimits(
        venue="kalshi",
        raw_json=payload,
        tier=w.usage_tier,
        buckets=tuple(
            BucketLimit(name, _tokens(x.refill_rate), _tokens(x.bucket_capacity))
            for name, x in buckets
        ),
        default_cost=costs[0],
        costs=costs[1],
    )


_COSTS = msgspec.json.Decoder(wire.Costs)
_LIMITS = msgspec.json.Decoder(wire.Limits)


def limits(body: bytes, costs: bytes | None = None) -> AccountLimits:
    """The account's buckets; ``costs`` is the answer that tells what requests cost."""
    told = (_DEFAULT_COST, ()) if costs is None else read(_COSTS, _costs, costs)
    return read(_LIMITS, partial(_limits, costs=told), body)


@attrs.frozen(kw_only=True, slots=True)
class KeyRing:
    """The account's API keys by id with their scopes, and when trading rights lapse."""

    scopes: dict[str, tuple[str, ...]]
    expires_at: datetime | None


def _key_ring(w: wire.ApiKeys, _: bytes) -> KeyRing:
    expiry = w.api_key_region_expiration_ts
    name = "api_key_region_expiration_ts"
    return KeyRing(
        scopes={x.api_key_id: tuple(x.scopes or ()) for x in w.api_keys},
        # Kalshi checks the region that a key is used from; the rights lapse unless that
        # is repeated (docs.kalshi.com, API keys, 2026-10).
        expires_at=None if expiry is None else seconds(expiry, name),
    )


_KEY_RING = msgspec.json.Decoder(wire.ApiKeys)


def api_keys(body: bytes) -> KeyRing:
    """The account's keys and when their trading rights lapse."""
    return read(_KEY_RING, _key_ring, body)
