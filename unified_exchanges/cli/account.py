"""Commands about the account: balance, positions, fills."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import typer
from rich.text import Text

from ..models import Balance
from .command import command
from .layout import amount
from .options import (
    All,
    EventOption,
    Limit,
    MarketOption,
    OutcomeOption,
    Since,
    Until,
    bounded,
    instant,
)
from .session import Session
from .views import ACTIVITY, FILLS, POSITIONS

__all__ = ["add_to", "balance_line"]

_PANEL = "Account"


def add_to(app: typer.Typer) -> None:
    """Add the commands to the app."""
    for name, function in _COMMANDS.items():
        command(app, name, _PANEL)(function)


def balance(session: Session) -> None:
    """Show cash that is free to trade with."""
    found = session.exchange.fetch_balance()
    session.screen.document(found, balance_line(found))


def balance_line(found: Balance) -> Text:
    """A balance, by shard where there are several."""
    lines = [
        Text.assemble((amount(found.available, 2), "bold"), f" {found.currency} free")
    ]
    if found.position_value:
        lines.append(Text(f"{amount(found.position_value, 2)} in positions"))
    if len(found.shards) > 1:
        shards = (f"{s.shard}: {amount(s.available, 2)}" for s in found.shards)
        lines.append(Text(f"by shard  {'  '.join(shards)}", style="dim"))
    return Text("\n").join(lines)


def positions(
    session: Session, market: MarketOption = None, event: EventOption = None
) -> None:
    """List what you hold, all of it, with profit and loss."""
    found = session.exchange.fetch_positions(market_id=market, event_id=event)
    session.screen.listing(found, POSITIONS, noun="positions")


def fills(
    session: Session,
    market: MarketOption = None,
    order: Annotated[
        str | None, typer.Option("--order", metavar="ID", help="Of one order.")
    ] = None,
    outcome: OutcomeOption = None,
    since: Since = None,
    until: Until = None,
    limit: Limit = 25,
    everything: All = False,
) -> None:
    """List your executions with their fees, newest first."""
    shown, asked = bounded(limit, everything)
    found = session.exchange.iter_fills(
        market_id=market,
        order_id=order,
        outcome=outcome,
        since=instant(since, ahead=False),
        until=instant(until, ahead=False),
        limit=asked,
    )
    session.screen.listing(found, FILLS, noun="fills", limit=shown)


def activity(
    session: Session,
    market: MarketOption = None,
    event: EventOption = None,
    since: Since = None,
    until: Until = None,
    limit: Limit = 25,
    everything: All = False,
) -> None:
    """List what the account did and was given, newest first.

    Trades, splits, merges, redemptions, deposits, rewards; where the venue tells them.
    """
    shown, asked = bounded(limit, everything)
    found = session.exchange.iter_activity(
        market_id=market,
        event_id=event,
        since=instant(since, ahead=False),
        until=instant(until, ahead=False),
        limit=asked,
    )
    session.screen.listing(found, ACTIVITY, noun="rows of activity", limit=shown)


_COMMANDS: dict[str, Callable[..., None]] = {
    "balance": balance,
    "positions": positions,
    "fills": fills,
    "activity": activity,
}
