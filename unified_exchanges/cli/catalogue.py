"""Commands that look at what is traded: markets, events, a book, trades."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import typer

from ..errors import BadRequest
from .command import command
from .options import (
    All,
    EventOption,
    Every,
    Limit,
    MarketArgument,
    MarketOption,
    OutcomeOption,
    SeriesOption,
    Since,
    State,
    TagOption,
    Until,
    bounded,
    instant,
    spacing,
)
from .session import Session
from .views import EVENTS, MARKETS, POINTS, TAGS, TRADES, Quoted, ladder

__all__ = ["add_to"]

_PANEL = "Look"


def add_to(app: typer.Typer) -> None:
    """Add the commands to the app."""
    for name, function in _COMMANDS.items():
        command(app, name, _PANEL)(function)


def markets(
    session: Session,
    status: Annotated[State, typer.Option(help="Where they stand.")] = State.open,
    event: EventOption = None,
    series: SeriesOption = None,
    tag: TagOption = None,
    outcome: OutcomeOption = None,
    limit: Limit = 25,
    everything: All = False,
) -> None:
    """List markets with their quotes."""
    shown, asked = bounded(limit, everything)
    found = session.exchange.iter_markets(
        status=status.value,
        event_id=event,
        series_id=series,
        tag_id=tag,
        limit=asked,
    )
    quoted = (Quoted.of(market, outcome) for market in found)
    session.screen.listing(quoted, MARKETS, noun="markets", limit=shown)


def events(
    session: Session,
    status: Annotated[State, typer.Option(help="Where they stand.")] = State.open,
    series: SeriesOption = None,
    tag: TagOption = None,
    search: Annotated[
        str | None,
        typer.Option(
            "--search", metavar="WORDS", help="What the venue finds by these words."
        ),
    ] = None,
    limit: Limit = 25,
    everything: All = False,
) -> None:
    """List events; one event has one market or several."""
    shown, asked = bounded(limit, everything)
    found = session.exchange.iter_events(
        status=status.value, series_id=series, tag_id=tag, query=search, limit=asked
    )
    session.screen.listing(found, EVENTS, noun="events", limit=shown)


def tags(session: Session) -> None:
    """List the tags of events (Polymarket) or of series (Kalshi)."""
    found = session.exchange.fetch_tags()
    session.screen.listing(found, TAGS, noun="tags")


def book(
    session: Session,
    market: MarketArgument,
    outcome: OutcomeOption = None,
    depth: Annotated[int, typer.Option(min=1, help="Levels on each side.")] = 8,
) -> None:
    """Show the resting orders on one outcome of a market, asks above bids."""
    found = session.exchange.fetch_order_book(market, outcome=outcome, depth=depth)
    session.screen.document(found, ladder(found, depth))


def trades(
    session: Session,
    market: Annotated[
        str | None, typer.Argument(metavar="[MARKET]", help="Market id; default all.")
    ] = None,
    of: MarketOption = None,
    outcome: OutcomeOption = None,
    since: Since = None,
    until: Until = None,
    limit: Limit = 25,
    everything: All = False,
) -> None:
    """List public trades, newest first."""
    if market and of and market != of:
        raise BadRequest(f"which market: {market} or {of}?")
    shown, asked = bounded(limit, everything)
    found = session.exchange.iter_trades(
        market or of,
        outcome=outcome,
        since=instant(since, ahead=False),
        until=instant(until, ahead=False),
        limit=asked,
    )
    session.screen.listing(found, TRADES, noun="trades", limit=shown)


def prices(
    session: Session,
    market: MarketArgument,
    outcome: OutcomeOption = None,
    since: Since = None,
    until: Until = None,
    every: Every = "1h",
    limit: Limit = 25,
    everything: All = False,
) -> None:
    """List what one outcome was priced at over time, newest first."""
    shown, asked = bounded(limit, everything)
    found = session.exchange.fetch_price_history(
        market,
        outcome=outcome,
        since=instant(since, ahead=False),
        until=instant(until, ahead=False),
        resolution=spacing(every, "--every"),
        limit=asked,
    )
    session.screen.listing(reversed(found), POINTS, noun="prices", limit=shown)


_COMMANDS: dict[str, Callable[..., None]] = {
    "markets": markets,
    "events": events,
    "tags": tags,
    "book": book,
    "trades": trades,
    "prices": prices,
}
