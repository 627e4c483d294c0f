"""Orders, commands and markets on paper as what JSON can hold, and back, to the last digit."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

import attrs

from ..grid import PriceBand, PriceGrid
from ..models import MarketStatus, OrderStatus, Side, TimeInForce
from .orders import PaperOrder
from .pit import Pit
from .touched import Command

__all__ = [
    "read_command",
    "read_order",
    "read_terms",
    "told_command",
    "told_order",
    "told_terms",
]

_DECIMALS = (
    *("price", "size", "limit", "filled", "paid", "fee"),
    *("ahead", "clipped", "spared"),
)
_WORDS = {"side": Side, "time_in_force": TimeInForce, "status": OrderStatus}


def _plain(value: object) -> object:
    return str(value) if isinstance(value, Decimal) else value


def _number(value: str | None) -> Decimal | None:
    return None if value is None else Decimal(value)


def told_command(command: Command) -> list[Any]:
    """A command, with numbers as texts."""
    return [_plain(x) for x in command]


def read_command(told: list[Any]) -> Command:
    """The command again."""
    moment, turn, verb, number, price, size = told
    return moment, turn, verb, number, _number(price), _number(size)


def told_order(order: PaperOrder) -> dict[str, Any]:
    """An order, likewise."""
    told = {x.name: _plain(getattr(order, x.name)) for x in attrs.fields(PaperOrder)}
    return {**told, **{name: str(told[name]) for name in _WORDS}}


def read_order(told: dict[str, Any]) -> PaperOrder:
    """The order again."""
    numbers = {name: Decimal(told[name]) for name in _DECIMALS}
    words: dict[str, Any] = {name: word(told[name]) for name, word in _WORDS.items()}
    fields: dict[str, Any] = {**told, **numbers, **words}
    return PaperOrder(**fields)


def told_terms(pit: Pit) -> dict[str, Any]:
    """What of a market outlives its books: its status, its grid, what was taken of it."""
    market = pit.contract.market
    bands, closes = market.grid.bands, market.closes_at
    return {
        "outcome": pit.outcome,
        "status": str(pit.status),
        "value": None if pit.value is None else str(pit.value),
        "behind": pit.behind,
        "taken_bids": {str(k): str(v) for k, v in pit.taken_bids.items()},
        "taken_asks": {str(k): str(v) for k, v in pit.taken_asks.items()},
        "grid": [{k: str(v) for k, v in attrs.asdict(b).items()} for b in bands],
        "closes_at": closes and closes.isoformat(),
    }


def read_terms(pit: Pit, told: dict[str, Any]) -> None:
    """Put a market into the state that `told_terms` told."""
    pit.outcome = told["outcome"]
    pit.status = MarketStatus(told["status"])
    pit.value = _number(told["value"])
    pit.behind = told["behind"]
    pit.taken_bids = {Decimal(k): Decimal(v) for k, v in told["taken_bids"].items()}
    pit.taken_asks = {Decimal(k): Decimal(v) for k, v in told["taken_asks"].items()}
    bands = ({k: Decimal(v) for k, v in band.items()} for band in told["grid"])
    grid = PriceGrid(tuple(PriceBand(**band) for band in bands))
    closes = told["closes_at"]
    closes_at = None if closes is None else datetime.fromisoformat(closes)
    market = attrs.evolve(pit.contract.market, grid=grid, closes_at=closes_at)
    pit.contract = attrs.evolve(pit.contract, market=market)
