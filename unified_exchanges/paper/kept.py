"""An account on paper as rows that can be kept one by one, and the account again.

What happens once is a row that never changes: a fill, a settlement.  Cash and contracts are
what these come to, one after another.  The others are replaced when they change: the
account, each market, each order, and each command that is on its way.  So what an event costs
is what it changes, however much has happened before.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, Protocol, TypeAlias

import attrs

from ..models import Fill, Market, OrderStatus, Settlement
from .contract import Contract, Delays
from .engine import PaperEngine
from .kept_markets import read_market, told_market
from .ledger import read_fill, read_settlement, told_fill, told_settlement
from .orders import PaperOrder
from .state import (
    read_command,
    read_order,
    read_terms,
    told_command,
    told_order,
    told_terms,
)

__all__ = [
    "ACCOUNT",
    "Keeper",
    "Kept",
    "Key",
    "Rows",
    "changed",
    "restored",
]

Key: TypeAlias = tuple[str, str | int]
"""What kind a row is of, and which: ``("order", 7)``."""
Rows: TypeAlias = Mapping[Key, str | None]
"""JSON by key; None for a row that is no more."""

ACCOUNT: Final[Key] = ("account", 0)
"""The row that changes whenever another does."""
_MARKET: Final = "market"
_ORDER: Final = "order"
_COMMAND: Final = "command"
_NEWS: Final = "news"


class Keeper(Protocol):
    """Keeps rows where they outlive this process."""

    def keep(self, rows: Rows) -> None:
        """Keep all of them or none, before returning; raises if they cannot be."""


@attrs.frozen
class Kept:
    """An account as it was kept."""

    engine: PaperEngine
    news: list[Fill | Settlement]
    """What has happened to its cash, oldest first."""


def changed(
    engine: PaperEngine, news: Iterable[tuple[int, Fill | Settlement]]
) -> dict[Key, str | None]:
    """The rows of what was touched, and of news by their numbers."""
    touched = engine.touched
    rows: dict[Key, str | None] = {ACCOUNT: _text(_told_account(engine))}
    markets = set(touched.markets)
    for number in touched.orders:
        order = engine.orders.get(number)
        # A rejected one is told to who has sent it, and forgotten.
        if order is None or order.status is OrderStatus.REJECTED:
            rows[_ORDER, number] = None
        else:
            rows[_ORDER, number] = _text(told_order(order))
            markets.add(order.market_id)
    for market_id in markets:
        pit = engine.pits[market_id]
        told = {"market": told_market(pit.contract.market), **told_terms(pit)}
        rows[_MARKET, market_id] = _text(told)
    for turn, command in touched.commands.items():
        if command is None or command[3] not in engine.orders:
            rows[_COMMAND, turn] = None
        else:
            rows[_COMMAND, turn] = _text(told_command(command))
    for number, happened in news:
        rows[_NEWS, number] = _text(_told_news(happened))
    return rows


def restored(
    rows: Rows, contract_of: Callable[[Market], Contract], delays: Delays
) -> Kept:
    """The account of all rows that were kept; of the books nothing is known any more.

    Its markets are those that it knew: fees are code, and come from ``contract_of``.
    Raises ValueError or LookupError if they are no account's.
    """
    kinds: dict[str, dict[Any, Any]] = defaultdict(dict)
    for (kind, name), text in rows.items():
        kinds[kind][name] = json.loads(text or "null")
    account = kinds["account"].get(0)
    if account is None:
        raise ValueError("there is no account in it")
    engine = PaperEngine((), cash=account["starting_cash"], delays=delays)
    for told in kinds[_MARKET].values():
        engine.reopen(contract_of(read_market(told["market"], told["grid"])))
    orders = [read_order(x) for _, x in sorted(kinds[_ORDER].items())]
    news = [_read_news(x) for _, x in sorted(kinds[_NEWS].items())]
    _require_markets(engine, (*orders, *news))
    engine.resume(
        moment=account["moment"],
        turn=account["turn"],
        fill_count=account["fill_count"],
        orders=orders,
        commands=sorted(
            (read_command(x) for x in kinds[_COMMAND].values()), key=lambda x: x[:2]
        ),
    )
    for market_id, told in kinds[_MARKET].items():
        read_terms(engine.pits[market_id], told)
    for order in engine.orders.values():
        if order.arrived is not None and order.status is OrderStatus.OPEN:
            pit = engine.pits[order.market_id]
            engine.rest(pit, order)
            engine.hours.note(pit, engine.moment)
    for x in news:
        _book(engine, x)
    if str(engine.cash) != account["cash"]:
        message = f"its fills come to {engine.cash} dollars, not {account['cash']}"
        raise ValueError(message)
    engine.touched.clear()
    return Kept(engine, news)


def _require_markets(
    engine: PaperEngine, kept: Iterable[PaperOrder | Fill | Settlement]
) -> None:
    for x in kept:
        if x.market_id not in engine.pits:
            raise ValueError(f"of its market {x.market_id} nothing is kept")


def _book(engine: PaperEngine, news: Fill | Settlement) -> None:
    contract = engine.pits[news.market_id].contract
    if isinstance(news, Settlement):
        assert news.value is not None
        engine.account.settle(contract, news.value, engine.moment)
    else:
        assert news.fee is not None
        engine.account.trade(
            contract, news.outcome, news.side, news.price, news.size, news.fee
        )


def _told_account(engine: PaperEngine) -> dict[str, Any]:
    return {
        "starting_cash": str(engine.starting_cash),
        "cash": str(engine.cash),
        "moment": engine.moment,
        "turn": engine.turn,
        "fill_count": engine.fill_count,
    }


def _told_news(news: Fill | Settlement) -> dict[str, Any]:
    if isinstance(news, Settlement):
        return {"settlement": told_settlement(news)}
    return {"fill": told_fill(news)}


def _read_news(told: dict[str, Any]) -> Fill | Settlement:
    return (
        read_fill(told["fill"])
        if "fill" in told
        else read_settlement(told["settlement"])
    )


def _text(told: object) -> str:
    return json.dumps(told, separators=(",", ":"))
