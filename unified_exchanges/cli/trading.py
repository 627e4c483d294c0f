"""Commands that change something: order, cancel. And the orders they made."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from enum import Enum
from pathlib import Path
from typing import Annotated, Any
from uuid import uuid4

import attrs
import typer
from rich.console import Group, RenderableType
from rich.text import Text

from ..errors import BadRequest, UnifiedExchangesError
from ..models import CancelResult, Order, OrderPreview, OrderType, TimeInForce
from .command import command
from .exits import Exit, exit_code
from .idle import Idle, beside, without
from .layout import amount
from .options import (
    All,
    EventOption,
    Limit,
    MarketArgument,
    MarketOption,
    OutcomeOption,
    Since,
    Until,
    bounded,
    instant,
)
from .session import Session
from .views import ORDERS, order_line

__all__ = ["add_to"]

_PANEL = "Trade"
_AT_MARKET = "market"
_IDLE: dict[str, tuple[Idle, ...]] = {
    # With --dry-run they are welcome: it shows what the same words would send.
    "order": (beside("paper", "yes", why="where no money is real"),),
    "orders": (
        beside(
            "client_id",
            *("event", "outcome", "ended", "since", "until", "limit", "everything"),
            why="which names one order",
        ),
        without(
            "ended",
            "everything",
            idle=("since", "until", "limit"),
            why="as all open orders are shown",
        ),
    ),
}


def add_to(app: typer.Typer) -> None:
    """Add the commands to the app."""
    for name, function in _COMMANDS.items():
        command(app, name, _PANEL, idle=_IDLE.get(name, ()))(function)


class Direction(str, Enum):
    """What `order` does with the outcome."""

    buy = "buy"
    sell = "sell"


class Life(str, Enum):
    """How long an order lives."""

    gtc = "gtc"
    ioc = "ioc"
    fok = "fok"


def order(
    session: Session,
    market: MarketArgument,
    outcome: Annotated[
        str, typer.Argument(metavar="OUTCOME", help="Such as yes or no.")
    ],
    side: Annotated[
        Direction,
        typer.Argument(metavar="SIDE", help="buy or sell.", case_sensitive=False),
    ],
    price: Annotated[
        str,
        typer.Argument(
            metavar="PRICE", help="Dollars for the outcome, such as 0.55; or `market`."
        ),
    ],
    size: Annotated[str, typer.Argument(metavar="SIZE", help="Contracts.")],
    tif: Annotated[
        Life | None,
        typer.Option(
            "--tif", help="gtc: until cancelled; ioc: at once; fok: all or none."
        ),
    ] = None,
    post_only: Annotated[
        bool, typer.Option("--post-only", help="Refuse rather than take.")
    ] = False,
    reduce_only: Annotated[
        bool, typer.Option("--reduce-only", help="Never open a position.")
    ] = False,
    expires: Annotated[
        str | None,
        typer.Option("--expires", metavar="TIME", help="A time, or a span: 30s, 2h."),
    ] = None,
    client_order_id: Annotated[
        str | None,
        typer.Option("--client-order-id", metavar="ID", help="Your own id for it."),
    ] = None,
    at_market: Annotated[
        bool,
        typer.Option("--market", help="Take at once; PRICE is the worst you accept."),
    ] = False,
    max_slippage: Annotated[
        str | None,
        typer.Option(
            "--max-slippage",
            metavar="DOLLARS",
            help="With PRICE `market`: at most so far from the best price.",
        ),
    ] = None,
    journal: Annotated[
        Path | None,
        typer.Option(
            "--journal",
            metavar="PATH",
            exists=True,
            dir_okay=False,
            help="The journal of your programs: heed its halt, and keep the order there.",
        ),
    ] = None,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Show the request and its cost; send nothing."),
    ] = False,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Do not ask for confirmation.")
    ] = False,
) -> None:
    """Place an order for SIZE contracts at PRICE dollars each.

    PRICE `market` with --max-slippage takes what is offered, within a bound. An order
    where money is real needs --live, and is confirmed first. Only with --journal is a
    `halt` of your programs known here.
    """
    session.journal = journal
    kind: OrderType = "market" if at_market or price == _AT_MARKET else "limit"
    terms: dict[str, Any] = {
        "type": kind,
        "time_in_force": None if tif is None else TimeInForce(tif.value),
        "post_only": post_only,
        "reduce_only": reduce_only,
        "expires_at": instant(expires, ahead=True),
        "max_slippage": max_slippage,
        # Known before sending, so that an interrupted order can be looked up.
        "client_order_id": client_order_id or str(uuid4()),
    }
    limit = None if price == _AT_MARKET else price
    if limit is None and max_slippage is None:
        message = (
            "PRICE `market` needs a bound: add --max-slippage DOLLARS, or give the worst "
            "price that you accept and --market"
        )
        raise BadRequest(message)
    what = (market, outcome, side.value, limit, size)
    if dry_run:
        preview = session.exchange.preview_order(*what, **terms)
        session.screen.document(preview, _request(preview))
        return
    if session.is_real_money and session.live and not yes:
        _confirm(session, session.exchange.preview_order(*what, **terms))
    placed = _place(session, what, terms)
    session.screen.document(placed, _receipt(placed))


def _place(session: Session, what: Any, terms: dict[str, Any]) -> Order:
    try:
        return session.exchange.create_order(*what, **terms)
    except KeyboardInterrupt:
        session.screen.note(
            "stopped while the order was on its way: it may exist. Look it up: "
            f"unified-exchanges orders --client-id {terms['client_order_id']}"
        )
        raise


def _confirm(session: Session, preview: OrderPreview) -> None:
    session.screen.err.print(_summary(preview, session))
    session.screen.err.print("Send it? [y/N] ", end="", markup=False)
    answer = sys.stdin.readline()
    if not answer:
        message = "nobody confirmed the order, and nothing was sent; --yes skips that"
        raise BadRequest(message)
    if answer.strip().lower() not in {"y", "yes"}:
        session.screen.note("not sent")
        raise typer.Exit(Exit.NOT_DONE)


def _summary(preview: OrderPreview, session: Session) -> Text:
    asked = preview.request
    price = "the market" if asked.price is None else str(asked.price)
    return Text.assemble(
        ("REAL MONEY ", "bold red"),
        f"on {session.exchange.describe().name}, {session.environment}: ",
        (f"{asked.side} {asked.size} {asked.outcome} at {price}", "bold"),
        f" of {asked.market_id}; cost up to {_dollars(preview)}",
    )


def _dollars(preview: OrderPreview) -> str:
    return (
        f"{amount(preview.cost, 2)} and a fee up to {amount(preview.fee, 2)} dollars, "
        "if it fills in one piece"
    )


def _request(preview: OrderPreview) -> RenderableType:
    """The request as it would go out, and what it would cost."""
    head = Text.assemble((preview.method, "bold cyan"), f" {preview.url}")
    headers = [Text(f"{k}: {v}", style="dim") for k, v in preview.headers.items()]
    body = Text(json.dumps(json.loads(preview.body), indent=2))
    cost = Text.assemble(
        "Cost up to ", (_dollars(preview), "bold"), ". Nothing was sent."
    )
    return Group(head, *headers, Text(), body, Text(), cost)


def _receipt(placed: Order) -> RenderableType:
    ids = f"order {placed.order_id}, client order id {placed.client_order_id}"
    return Group(order_line(placed), Text(ids, style="dim"))


def cancel(
    session: Session,
    orders: Annotated[
        list[str] | None, typer.Argument(metavar="ORDER", help="Order ids.")
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Every open order.")
    ] = False,
    market: MarketOption = None,
) -> None:
    """Cancel orders by id, or all of them, and show how they ended."""
    if orders and everything:
        message = "--all cancels every open order: leave it out, or the order ids"
        raise BadRequest(message)
    if not orders and not everything:
        raise BadRequest("name the orders to cancel, or say --all")
    if everything:
        _cancel_all(session, market)
    elif orders and len(orders) == 1:
        gone = session.exchange.cancel_order(orders[0], market_id=market)
        session.screen.document(gone, order_line(gone))
    else:
        _cancel_each(session, orders or [], market)


def _cancel_all(session: Session, market: str | None) -> None:
    # A market that does not exist raises, so that "0 cancelled" means none were open.
    report = session.exchange.cancel_all_orders(market_id=market)
    screen = session.screen
    gone = len(report.canceled)
    screen.document(
        {**_fields(report), "is_complete": report.is_complete},
        Text(f"{gone} cancelled, {len(report.remaining)} still open"),
    )
    if report.is_complete:
        return
    if not screen.as_json:
        screen.table(report.remaining, ORDERS, empty="")
    screen.note("these are still open: cancel them again")
    raise typer.Exit(Exit.INCOMPLETE)


def _fields(value: Any) -> dict[str, object]:
    return {f.name: getattr(value, f.name) for f in attrs.fields(type(value))}


def _cancel_each(session: Session, ids: list[str], market: str | None) -> None:
    results = session.exchange.cancel_orders(ids, market_id=market)
    for result in results:
        session.screen.document(result, _ended(result))
    errors = [result.error for result in results if result.error is not None]
    if errors:
        raise typer.Exit(_code(errors, len(results)))


def _ended(result: CancelResult) -> Text:
    if result.order is not None:
        return order_line(result.order)
    return Text.assemble(("✗ ", "red"), f"{result.order_id}: {result.error}")


def _code(errors: list[UnifiedExchangesError], asked: int) -> Exit:
    """The family of the errors when nothing was cancelled, otherwise: in part."""
    families = {exit_code(error) for error in errors}
    whole = len(errors) == asked and len(families) == 1
    return families.pop() if whole else Exit.INCOMPLETE


def orders(
    session: Session,
    market: MarketOption = None,
    event: EventOption = None,
    outcome: OutcomeOption = None,
    client_id: Annotated[
        str | None,
        typer.Option("--client-id", metavar="ID", help="The one with your own id."),
    ] = None,
    ended: Annotated[
        bool, typer.Option("--ended", help="Those that ended too, newest first.")
    ] = False,
    since: Since = None,
    until: Until = None,
    limit: Limit = 25,
    everything: All = False,
) -> None:
    """List your open orders, all of them; with --ended also those that ended."""
    venue = session.exchange
    if client_id is not None:
        found = venue.fetch_order(client_order_id=client_id, market_id=market)
        session.screen.document(found, _receipt(found))
    elif ended or everything:
        shown, asked = bounded(limit, everything)
        listing = venue.iter_orders(
            market_id=market,
            event_id=event,
            outcome=outcome,
            since=instant(since, ahead=False),
            until=instant(until, ahead=False),
            limit=asked,
        )
        session.screen.listing(listing, ORDERS, noun="orders", limit=shown)
    else:
        still = venue.fetch_open_orders(
            market_id=market, event_id=event, outcome=outcome
        )
        session.screen.listing(still, ORDERS, noun="open orders")


_COMMANDS: dict[str, Callable[..., None]] = {
    "order": order,
    "cancel": cancel,
    "orders": orders,
}
