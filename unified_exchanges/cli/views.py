"""What people see of each model."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import attrs
from rich.console import RenderableType
from rich.text import Text

from ..description import Description
from ..models import (
    Activity,
    ActivityKind,
    Event,
    Fill,
    Level,
    Market,
    Order,
    OrderBook,
    OrderStatus,
    Position,
    PricePoint,
    Side,
    Tag,
    Ticker,
    Trade,
)
from ..models.titles import title_of
from ..money import text
from .layout import LONG, Cell, Column, amount, average

__all__ = [
    "ACTIVITY",
    "EVENTS",
    "FILLS",
    "MARKETS",
    "ORDERS",
    "POINTS",
    "POSITIONS",
    "TAGS",
    "TRADES",
    "VENUES",
    "Quoted",
    "ladder",
    "order_line",
    "rungs",
    "trade_line",
]

_SIDES = {Side.BUY: "green", Side.SELL: "red"}
_STATES = {
    OrderStatus.OPEN: "cyan",
    OrderStatus.CLOSED: "green",
    OrderStatus.REJECTED: "red",
}
_BAR = 16


@attrs.frozen
class Quoted:
    """A market with the quotes of one outcome."""

    market: Market
    ticker: Ticker

    @classmethod
    def of(cls, market: Market, outcome: str | None) -> Quoted:
        """Quote a market in terms of an outcome; default its first."""
        first = Ticker(
            venue=market.venue,
            market_id=market.market_id,
            outcome=market.outcomes[0].label,
            bid=market.bid,
            ask=market.ask,
            bid_size=market.bid_size,
            ask_size=market.ask_size,
            last_price=market.last_price,
            previous_price=market.previous_price,
        )
        return cls(market, first.in_terms_of(market.outcome(outcome).label))

    def to_dict(self) -> dict[str, object]:
        """The market, its quotes in terms of ``outcome``."""
        quotes = self.ticker.to_dict()
        found: dict[str, object] = dict(self.market.to_dict())
        names = ("outcome", "bid", "bid_size", "ask", "ask_size", "last_price")
        return found | {name: quotes[name] for name in (*names, "previous_price")}


def _side(side: Side | None, outcome: str) -> Text | None:
    if side is None:
        return None
    return Text(f"{side} {outcome}", style=_SIDES[side])


MARKETS: tuple[Column[Quoted], ...] = (
    Column("market", lambda q: q.market.market_id, spans=True),
    Column("title", lambda q: title_of(q.market), flexible=True, rank=1),
    Column("", lambda q: Text(q.ticker.outcome, style="dim"), rank=4),
    Column("bid", lambda q: q.ticker.bid, unit="price", style="green", places=2),
    Column("ask", lambda q: q.ticker.ask, unit="price", style="red", places=2),
    Column("last", lambda q: q.ticker.last_price, unit="price", rank=3, places=2),
    Column("volume 24h", lambda q: q.market.volume_24h, rank=5),
    Column("status", lambda q: str(q.market.status), rank=6),
    Column("closes (UTC)", lambda q: q.market.closes_at, rank=2),
)
EVENTS: tuple[Column[Event], ...] = (
    Column("event", lambda e: e.event_id),
    Column("title", lambda e: e.title, flexible=True),
    Column("markets", lambda e: Decimal(len(e.markets))),
    Column("category", lambda e: e.category, rank=1),
    Column("series", lambda e: e.series_id, rank=2),
)
TAGS: tuple[Column[Tag], ...] = (
    Column("tag", lambda t: t.tag_id),
    Column("label", lambda t: t.label, flexible=True),
    Column("categories", lambda t: ", ".join(t.categories), rank=1),
)
TRADES: tuple[Column[Trade], ...] = (
    Column("time (UTC)", lambda t: t.created_at),
    Column("market", lambda t: t.market_id, rank=1, spans=True),
    Column("taker", lambda t: _side(t.taker_side, t.outcome) or Text(t.outcome)),
    Column("price", lambda t: t.price, places=2),
    Column("size", lambda t: t.size),
    Column("trade", lambda t: Text(t.trade_id, style="dim"), rank=2),
)
POINTS: tuple[Column[PricePoint], ...] = (
    Column("time (UTC)", lambda p: p.timestamp),
    Column("", lambda p: p.outcome),
    Column("price", lambda p: p.price, places=2),
    Column("for", lambda p: str(p.resolution or ""), rank=1),
)


def _order_ids(order: Order) -> Text:
    return Text.assemble(order.market_id, ("\n" + order.order_id, "dim"))


ORDERS: tuple[Column[Order], ...] = (
    Column("market and order", _order_ids, spans=True),
    Column("order", lambda o: _side(o.side, o.outcome)),
    Column("price", lambda o: o.price, places=2),
    Column("size", lambda o: o.size),
    Column("filled", lambda o: o.filled),
    Column("status", lambda o: Text(str(o.status), style=_STATES.get(o.status, ""))),
    Column("life", lambda o: str(o.time_in_force or ""), rank=2),
    Column("created (UTC)", lambda o: o.created_at, rank=1),
    Column("client order id", lambda o: Text(o.client_order_id or "–", "dim"), rank=3),
)


def _fee(fill: Fill) -> Cell:
    """Its fee; one that is not known looks like no other, above all not like none."""
    return Text("unknown", "dim", justify="right") if fill.fee is None else fill.fee


FILLS: tuple[Column[Fill], ...] = (
    Column("time (UTC)", lambda f: f.created_at, rank=1),
    Column("market", lambda f: f.market_id, spans=True),
    Column("fill", lambda f: _side(f.side, f.outcome)),
    Column("price", lambda f: f.price, places=2),
    Column("size", lambda f: f.size),
    Column("fee", _fee, places=2),
    Column("as", lambda f: Text(str(f.liquidity), style="dim"), rank=2),
    Column("order", lambda f: Text(f.order_id, style="dim"), rank=3),
)


def _gain(value: Decimal | None) -> Text | None:
    if value is None:
        return None
    style = "green" if value > 0 else "red" if value < 0 else ""
    return Text(amount(value, 2), style=style, justify="right")


def _odd(activity: Activity) -> bool:
    return activity.kind is ActivityKind.UNKNOWN


def _flow(activity: Activity) -> Text:
    """Cash with its sign; without a colour and in brackets where that is not told."""
    if activity.cash_flow is None:
        return Text(f"({amount(activity.cash, 2)})", style="dim", justify="right")
    return _gain(activity.cash_flow) or Text()


POSITIONS: tuple[Column[Position], ...] = (
    Column("market", lambda p: p.market_id, spans=True),
    Column("held", lambda p: p.size),
    Column("", lambda p: p.outcome),
    Column("entry", lambda p: Text(average(p.entry_price), justify="right")),
    Column("now", lambda p: p.mark_price, rank=2, places=2),
    Column("cost", lambda p: p.cost, places=2, unit="dollars"),
    Column("unrealised", lambda p: _gain(p.unrealized_pnl), rank=1),
    Column("realised", lambda p: _gain(p.realized_pnl), rank=4),
    Column("fees", lambda p: p.fees_paid, places=2, unit="dollars", rank=3),
)
ACTIVITY: tuple[Column[Activity], ...] = (
    Column("time (UTC)", lambda a: a.happened_at),
    Column("what", lambda a: a.venue_kind.lower() if _odd(a) else str(a.kind)),
    Column("cash", _flow),
    Column("market", lambda a: a.market_id, rank=1, spans=True),
    Column("", lambda a: _side(a.side, a.outcome or "") or a.outcome, rank=2),
    Column("size", lambda a: a.size, rank=2),
    Column("price", lambda a: a.price, rank=3, places=2),
)
VENUES: tuple[Column[Description], ...] = (
    Column("venue", lambda d: d.id),
    Column("name", lambda d: d.name),
    Column("currency", lambda d: d.currency, rank=2),
    Column("environments", lambda d: ", ".join(d.environments)),
    Column("edit", lambda d: d.edit, rank=3),
    Column("life of an order", lambda d: ", ".join(d.time_in_force), rank=4),
    Column("API", lambda d: d.api_version, rank=5),
    Column("checked", lambda d: d.checked_on, rank=6),
    Column("documentation", lambda d: d.documentation, rank=1),
)


def order_line(order: Order) -> Text:
    """An order in one line, or two where the market's id is long."""
    style = _SIDES[order.side]
    state = Text(str(order.status), style=_STATES.get(order.status, ""))
    what = f"{order.side} {text(order.size)} {order.outcome} @ {text(order.price, 2)}"
    filled = f", {text(order.filled)} filled" if order.filled else ""
    if order.average_price is not None and order.filled:
        filled += f" at {average(order.average_price)}"
    if len(order.market_id) > LONG:
        # On a line of its own, which is not broken.
        return Text.assemble(
            (what, style), ": ", state, filled, f"\nof {order.market_id}"
        )
    return Text.assemble((what, style), f" of {order.market_id}: ", state, filled)


def trade_line(trade: Trade) -> Text:
    """A trade in a line."""
    side = f"{trade.taker_side} " if trade.taker_side else ""
    what = f"{side}{text(trade.size)} @ {text(trade.price, 2)}"
    time = f"{trade.created_at:%H:%M:%S}"
    style = _SIDES[trade.taker_side] if trade.taker_side else ""
    return Text.assemble((f"  {time}  ", "dim"), (what, style))


def ladder(book: OrderBook, depth: int) -> RenderableType:
    """A book with the asks on top, as traders read it."""
    asks, middle, bids = rungs(book, depth)
    head = Text.assemble((book.market_id, "bold"), f" {book.outcome}")
    return Text("\n").join([head, *asks, middle, *bids])


def rungs(book: OrderBook, depth: int) -> tuple[list[Text], Text, list[Text]]:
    """Asks from the worst to the best, the spread, bids from the best: a line each."""
    asks, bids = book.asks[:depth], book.bids[:depth]
    places = max([2, *(_places(x.price) for x in (*asks, *bids))])
    most = max([x.size for x in (*asks, *bids)], default=Decimal(1))
    width = max([len(amount(x.size, 2)) for x in (*asks, *bids)], default=4)

    def line(level: Level, style: str, *, is_best: bool) -> Text:
        bar = "▇" * int(level.size * _BAR / most)
        stressed = f"bold reverse {style}" if is_best else style
        return Text.assemble(
            f"  {amount(level.size, 2):>{width}}  ",
            (amount(level.price, places), stressed),
            (f"  {bar or '▏'}", style),
        )

    def lines(levels: Sequence[Level], style: str) -> list[Text]:
        return [line(x, style, is_best=x is levels[0]) for x in levels]

    return lines(asks, "red")[::-1], _middle(book), lines(bids, "green")


def _places(price: Decimal) -> int:
    return len(text(price).partition(".")[2])


def _middle(book: OrderBook) -> Text:
    if book.spread is None:
        missing: Sequence[str] = [
            name
            for name, side in (("bids", book.bids), ("asks", book.asks))
            if not side
        ]
        return Text(f"  no {' and no '.join(missing)}", style="dim")
    return Text(f"  spread {amount(book.spread)}", style="dim")
