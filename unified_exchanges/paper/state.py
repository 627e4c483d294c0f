"""A paper engine as JSON text and back: exact, so that it goes on as if never stopped."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Any

import attrs

from ..grid import PriceBand, PriceGrid
from ..models import Level, MarketStatus, OrderBook, OrderStatus, Side, TimeInForce
from .account import Account, Lots
from .contract import Contract, Delays
from .engine import PaperEngine
from .orders import PaperOrder
from .pit import Pit
from .prints import Printed
from .touched import Command

__all__ = [
    "dump_state",
    "load_state",
    "read_command",
    "read_order",
    "read_terms",
    "told_command",
    "told_order",
    "told_terms",
]

_VERSION = 1
_DECIMALS = (
    *("price", "size", "limit", "filled", "paid", "fee"),
    *("ahead", "clipped", "spared"),
)
_WORDS = {"side": Side, "time_in_force": TimeInForce, "status": OrderStatus}


def dump_state(engine: PaperEngine) -> str:
    """Write the engine's state as JSON; numbers are texts with all their digits.

    Contracts are not in it, as fee rules are code: give the same again to `load_state`.
    Raises ValueError while there are `notices` that nobody took: they would be lost.
    """
    if engine.untold:
        message = f"take the {engine.untold} notices of the engine before its state"
        raise ValueError(message)
    account = engine.account
    state = {
        "version": _VERSION,
        "moment": engine.moment,
        "turn": engine.turn,
        "fill_count": engine.fill_count,
        "starting_cash": str(engine.starting_cash),
        "delays": attrs.asdict(engine.delays),
        "cash": str(account.cash),
        "fees": str(account.fees),
        "lots": {
            market_id: {outcome: _lots(x) for outcome, x in held.items()}
            for market_id, held in account.lots.items()
            if held
        },
        "orders": [told_order(x) for x in engine.orders.values()],
        "commands": [told_command(x) for x in engine.commands],
        "pits": {market_id: _pit(pit) for market_id, pit in engine.pits.items()},
    }
    return json.dumps(state, indent=1)


def load_state(text: str, contracts: Iterable[Contract]) -> PaperEngine:
    """Make an engine that goes on where the one of `dump_state` was.

    Raises ValueError if it is another version's, or if the contracts are not those.
    """
    state = json.loads(text)
    if state.get("version") != _VERSION:
        message = (
            f"paper state of version {state.get('version')}; this reads {_VERSION}"
        )
        raise ValueError(message)
    engine = PaperEngine(
        contracts, cash=state["starting_cash"], delays=Delays(**state["delays"])
    )
    if set(engine.pits) != set(state["pits"]):
        message = (
            f"the state is of the markets {sorted(state['pits'])}, "
            f"and contracts were given for {sorted(engine.pits)}"
        )
        raise ValueError(message)
    engine.account = _account(state)
    orders = [read_order(x) for x in state["orders"]]
    engine.resume(
        moment=state["moment"],
        turn=state["turn"],
        fill_count=state["fill_count"],
        orders=orders,
        commands=[read_command(x) for x in state["commands"]],
    )
    for market_id, told in state["pits"].items():
        _read_pit(engine.pits[market_id], told, engine.orders)
        if engine.pits[market_id].orders:
            engine.hours.note(engine.pits[market_id])
    return engine


def _plain(value: object) -> object:
    return str(value) if isinstance(value, Decimal) else value


def _number(value: str | None) -> Decimal | None:
    return None if value is None else Decimal(value)


def _lots(held: Lots) -> dict[str, Any]:
    told = {
        name: str(getattr(held, name))
        for name in ("size", "cost", "realized", "fees", "traded")
    }
    return {**told, "lots": [[str(size), str(price)] for size, price in held.lots]}


def _account(state: dict[str, Any]) -> Account:
    account = Account(Decimal(state["cash"]))
    account.fees = Decimal(state["fees"])
    for market_id, outcomes in state["lots"].items():
        for outcome, told in outcomes.items():
            numbers = {k: Decimal(v) for k, v in told.items() if k != "lots"}
            lots = deque(
                (Decimal(size), Decimal(price)) for size, price in told["lots"]
            )
            account.lots.setdefault(market_id, {})[outcome] = Lots(lots=lots, **numbers)
    return account


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
        "taken_bids": {str(k): str(v) for k, v in pit.taken_bids.items()},
        "taken_asks": {str(k): str(v) for k, v in pit.taken_asks.items()},
        "grid": [{k: str(v) for k, v in attrs.asdict(b).items()} for b in bands],
        "closes_at": closes and closes.isoformat(),
    }


def _pit(pit: Pit) -> dict[str, Any]:
    return {
        **told_terms(pit),
        "orders": list(pit.orders),
        "book": None if pit.latest is None else _book(pit.latest),
        "prints": _prints(pit),
    }


def _prints(pit: Pit) -> dict[str, Any] | None:
    prints = pit.prints
    if prints.seen is None or not (prints.told or prints.gone):
        return None
    told, gone = (
        [[asks, str(price), str(x.size), x.moment] for (asks, price), x in kept.items()]
        for kept in (prints.told, prints.gone)
    )
    book = None if prints.seen is pit.latest else _book(prints.seen)
    return {"told": told, "gone": gone, "book": book}


def _book(book: OrderBook) -> dict[str, Any]:
    return {
        "venue": book.venue,
        "market_id": book.market_id,
        "outcome": book.outcome,
        "bids": [[str(x.price), str(x.size)] for x in book.bids],
        "asks": [[str(x.price), str(x.size)] for x in book.asks],
        "timestamp": book.timestamp and book.timestamp.isoformat(),
    }


def read_terms(pit: Pit, told: dict[str, Any]) -> None:
    """Put a market into the state that `told_terms` told."""
    pit.outcome = told["outcome"]
    pit.status = MarketStatus(told["status"])
    pit.value = _number(told["value"])
    pit.taken_bids = {Decimal(k): Decimal(v) for k, v in told["taken_bids"].items()}
    pit.taken_asks = {Decimal(k): Decimal(v) for k, v in told["taken_asks"].items()}
    bands = ({k: Decimal(v) for k, v in band.items()} for band in told["grid"])
    grid = PriceGrid(tuple(PriceBand(**band) for band in bands))
    closes = told["closes_at"]
    closes_at = None if closes is None else datetime.fromisoformat(closes)
    market = attrs.evolve(pit.contract.market, grid=grid, closes_at=closes_at)
    pit.contract = attrs.evolve(pit.contract, market=market)


def _read_pit(pit: Pit, told: dict[str, Any], orders: dict[int, PaperOrder]) -> None:
    read_terms(pit, told)
    pit.orders = {number: orders[number] for number in told["orders"]}
    pit.latest = _read_book(told["book"])
    if (prints := told["prints"]) is not None:
        seen = _read_book(prints["book"])
        pit.prints.seen = pit.latest if seen is None else seen
        pit.prints.told, pit.prints.gone = (
            {
                (asks, Decimal(price)): Printed(Decimal(size), moment)
                for asks, price, size, moment in prints[name]
            }
            for name in ("told", "gone")
        )


def _read_book(book: dict[str, Any] | None) -> OrderBook | None:
    if book is None:
        return None
    timestamp = book.get("timestamp")
    return OrderBook(
        venue=book["venue"],
        market_id=book["market_id"],
        outcome=book["outcome"],
        bids=_levels(book["bids"]),
        asks=_levels(book["asks"]),
        timestamp=None if timestamp is None else datetime.fromisoformat(timestamp),
    )


def _levels(told: list[list[str]]) -> tuple[Level, ...]:
    return tuple(Level(Decimal(price), Decimal(size)) for price, size in told)
