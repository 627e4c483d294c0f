"""The command that follows markets live."""

from __future__ import annotations

import select
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from enum import Enum
from math import inf
from typing import Annotated, Any, TextIO

import typer

from ..errors import BadRequest, ConnectionLost, RequestTimeout
from ..models import Gap, Market, Reconciled, Reconnected, StreamHealth, Subject
from ..shells.blocking import Exchange
from ..watching.blocking import Watch
from .board import Board, Item, health_line
from .command import command
from .options import Lasting, OutcomeOption, lasting
from .screen import Screen
from .session import Session
from .stopping import until_stopped
from .telling import JsonLines, Lines, LiveBoard, Teller
from .words import counted

__all__ = ["add_to"]

_BEAT = 0.1
"""Seconds after which the clock, Ctrl-C and the reader are looked at."""
_LEVELS = 8


class Folding(str, Enum):
    """What becomes of book changes that nobody has taken yet."""

    latest = "latest"
    every = "every"


def add_to(app: typer.Typer) -> None:
    """Add the command to the app."""
    command(app, "watch", "Look")(watch)


def watch(
    session: Session,
    markets: Annotated[
        list[str],
        typer.Argument(metavar="MARKET", help="Market ids, as `markets` lists them."),
    ],
    outcome: OutcomeOption = None,
    depth: Annotated[
        int | None,
        typer.Option(min=1, help="Levels on each side; default 8, as JSON all."),
    ] = None,
    policy: Annotated[
        Folding | None,
        typer.Option(help="Books: the latest state or every change; as JSON every."),
    ] = None,
    span: Lasting = None,
    count: Annotated[
        int | None, typer.Option("--count", min=1, help="End after so many events.")
    ] = None,
) -> None:
    """Follow markets live: books, trades and how the stream does, until Ctrl-C.

    Needs a key, also for public data. A book that may have missed a change is marked
    STALE until it is whole again. With --json, or into a pipe, each event is a line.
    """
    screen, seconds = session.screen, lasting(span)
    if depth is not None and _is_in_lines(screen):
        raise BadRequest(
            "--depth has no effect into a pipe, where each event is a line for people: leave "
            "it out, or add --json"
        )
    exchange = session.exchange
    names = list(dict.fromkeys(markets))
    found = exchange.fetch_markets(market_ids=names)
    folding = policy or (Folding.every if screen.as_json else Folding.latest)
    watches = _open(exchange, names, outcome, folding)
    teller = _teller(session, found, outcome, depth)
    with until_stopped() as stopped, teller:
        told = 0
        for item in _follow(watches, stopped, seconds):
            if item is None:
                _check_reader(screen)
                teller.beat()
                continue
            teller.tell(item)
            told += 1
            if told == count:
                break
    health = exchange.stream_health()
    if not health.connections:
        raise _unconnected(health, session.venue)
    events = f"{counted(told, 'event')}  "
    screen.note(events + health_line(health, screen.err.width - len(events)).plain)


def _open(
    exchange: Exchange, names: Sequence[str], outcome: str | None, folding: Folding
) -> list[Watch[Any]]:
    books = exchange.watch_order_book(
        names, outcome=outcome, policy=folding.value, events=True
    )
    trades = exchange.watch_trades(names, outcome=outcome, events=True)
    return [books, trades, exchange.watch_market_status(names)]


def _teller(
    session: Session, markets: Sequence[Market], outcome: str | None, depth: int | None
) -> Teller:
    screen = session.screen
    if screen.as_json:
        return JsonLines(screen, depth)
    if _is_in_lines(screen):
        return Lines(screen)
    board = Board(markets, outcome)
    health = session.exchange.stream_health
    return LiveBoard(screen, board, health, depth or _LEVELS)


def _is_in_lines(screen: Screen) -> bool:
    is_drawn = screen.out.is_terminal and not screen.out.is_dumb_terminal
    return not screen.as_json and not is_drawn


def _follow(
    watches: Sequence[Watch[Any]], stopped: threading.Event, seconds: float | None
) -> Iterator[Item | None]:
    """What the watches tell, and None whenever there was nothing for a beat."""
    deadline = inf if seconds is None else time.monotonic() + seconds
    books, *others = watches
    while not stopped.is_set():
        left = deadline - time.monotonic()
        if left <= 0:
            return
        # The busiest is waited for; the others are looked through after each of its news.
        yield _next(books, min(_BEAT, left))
        for other in others:
            while not stopped.is_set() and (item := _next(other, 0)) is not None:
                if not _was_told(item):
                    yield item


def _next(watch: Watch[Any], seconds: float) -> Item | None:
    try:
        item: Item = watch.next(timeout=seconds)
    except RequestTimeout as error:
        # An error of the stream names its venue; that nothing came yet is none.
        if error.venue is not None:
            raise
        return None
    return item


def _was_told(item: Item) -> bool:
    """Whether it concerns the whole stream, so that the watch of books told it too."""
    if isinstance(item, Gap):
        return item.subject is not Subject.TRADES
    return isinstance(item, Reconnected | Reconciled)


def _check_reader(screen: Screen) -> None:
    """Notice that the reader of a pipe has left, also when there is nothing to write."""
    if not screen.out.is_terminal and _is_left(sys.stdout):
        raise BrokenPipeError


def _is_left(stream: TextIO) -> bool:
    try:
        number = stream.fileno()
        poll = select.poll()
    except (AttributeError, OSError):
        # Not a file, or a system without poll: the next line that is written tells.
        return False
    poll.register(number, 0)
    return any(seen & select.POLLERR for _, seen in poll.poll(0))


def _unconnected(health: StreamHealth, venue: str) -> ConnectionLost:
    why = health.last_error or "it did not answer yet"
    return ConnectionLost(f"the stream was not reached: {why}", venue=venue)
