"""The command that records markets."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from math import inf
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.status import Status

from ..errors import (
    AuthenticationError,
    BadRequest,
    ConnectionLost,
    NotSupported,
    RequestTimeout,
)
from ..models import Market, OrderBook
from ..recording import Frame, Recorder, Withheld, read
from ..recording.file import check_path
from ..recording.given import read_never
from ..registry import exchanges
from ..shells.blocking import Exchange
from ..strategies import contract_of
from ..watching.blocking import Watch
from .command import command
from .heeding import told_at_once
from .idle import beside
from .options import Lasting, lasting
from .screen import Screen
from .session import Session
from .stopping import until_stopped
from .words import counted

__all__ = ["add_to"]

_IDLE = (
    beside("exchange_id", "venue", why="which is the venue"),
    beside("exchange_id", "paper", why="as what the venue tells is recorded"),
)
_BEAT = 0.1
"""Seconds after which the clock and Ctrl-C are looked at."""
_NOTE = 10.0
"""Seconds between two words on progress where there is no terminal."""


def add_to(app: typer.Typer) -> None:
    """Add the command to the app."""
    command(app, "record", "Look", idle=_IDLE)(record)


def record(
    session: Session,
    exchange_id: Annotated[
        str, typer.Argument(metavar="VENUE", help="Exchange id, as with --venue.")
    ],
    markets: Annotated[
        list[str],
        typer.Argument(metavar="MARKET", help="Market ids, as `markets` lists them."),
    ],
    out: Annotated[
        Path,
        typer.Option("--out", metavar="FILE", help="A new file, such as day.jsonl."),
    ],
    span: Lasting = None,
    never_from: Annotated[
        list[Path] | None,
        typer.Option(
            "--never-from",
            metavar="FILE",
            help="A file of texts that get nowhere into it, one a line; again for more.",
        ),
    ] = None,
) -> None:
    """Record all that a venue tells of markets into a file, until Ctrl-C.

    Books, trades and tickers, and with a key your orders and fills too. No key or signature
    gets into the file, nor the texts of --never-from: a file, as what is typed stays in the
    history of the shell. A file that is there is not written over; one of a run that was
    killed can be read.
    """
    seconds = lasting(span)
    _check(exchange_id, out)
    never = read_never([text for path in never_from or () for text in _texts(path)])
    session.venue = exchange_id
    exchange, screen = session.exchange, session.screen
    names = list(dict.fromkeys(_unprefixed(market, exchange_id) for market in markets))
    with (
        until_stopped() as stopped,
        told_at_once(),
        _recording(exchange, out, never) as recorder,
    ):
        found = exchange.fetch_markets(market_ids=names)
        for market in found:
            _ask_terms(exchange, market.market_id)
        watches = _open(exchange, found)
        with _shown(screen) as show:
            # From now on: to ask for many markets takes a while.
            _follow(
                exchange,
                watches,
                recorder,
                show,
                stopped,
                inf if seconds is None else seconds,
            )
        health, told = exchange.stream_health(), recorder.progress()
        if health.messages and told.failure is None:
            # Of a day that takes minutes.
            screen.note(f"compressing {told.size:,} bytes")
    if not out.exists():
        why = health.last_error or "nothing was told yet"
        raise ConnectionLost(
            f"nothing was followed, and {out} is not left behind: {why}",
            venue=exchange.id,
        )
    told = recorder.progress()
    screen.document(
        {"path": out, "lines": told.lines, "withheld": told.withheld},
        f"{out}: {counted(told.lines, 'line')}, {out.stat().st_size:,} bytes compressed"
        + _of_withheld(told.withheld),
    )


def _of_withheld(count: int) -> str:
    if not count:
        return ""
    were = "was" if count == 1 else "were"
    return f"; {counted(count, 'line')} {were} withheld, which may have held a secret"


def _check(exchange_id: str, out: Path) -> None:
    if exchange_id not in exchanges:
        raise BadRequest(
            f"{exchange_id!r} is no venue that can be recorded; there are: "
            f"{', '.join(exchanges)}"
        )
    check_path(out, "--out")


def _texts(path: Path) -> list[str]:
    """Read the texts of a file; what was named instead of one may be a secret itself."""
    try:
        content = path.read_bytes().decode("utf-8-sig")
    except (OSError, ValueError) as error:
        # Only what the system says of it: the error itself has the name.
        why = getattr(error, "strerror", None) or "it is no UTF-8"
    else:
        lines = [x.rstrip("\r") for x in content.split("\n")]
        blank = next((n for n, x in enumerate(lines, 1) if x.strip() not in ("", x)), 0)
        if not blank and (texts := [x for x in lines if x.strip()]):
            return texts
        # It would be found nowhere: whoever typed it does not see them.
        why = f"line {blank} has blanks at an end" if blank else "it has no text"
    raise BadRequest(
        f"--never-from is not followed by a file of texts, one a line: {why}; write them into "
        "one that only you can read, or give <(…) of the program that keeps them"
    )


def _unprefixed(market: str, exchange_id: str) -> str:
    """A market as the venue knows it: it may be named with its venue, as in a strategy."""
    venue, _, rest = market.partition(":")
    if not rest or venue not in exchanges:
        return market
    if venue != exchange_id:
        raise BadRequest(
            f"{market} is a market of {venue}, and this records {exchange_id}: record it in "
            "a command of its own; `backtest` merges several recordings"
        )
    return rest


@contextmanager
def _recording(
    exchange: Exchange, out: Path, never: Sequence[str]
) -> Generator[Recorder, None, None]:
    """Record, and leave no file where nothing was followed: the next try would be refused."""
    # Of a link, where it leads to now: what is recorded is there.
    path = Path(os.path.realpath(out))
    recorder = Recorder(exchange, out, never=never)
    try:
        with recorder:
            yield recorder
    finally:
        # What is at the path of a file that was moved is somebody else's.
        if recorder.progress().failure is None and not _has_news(path):
            path.unlink(missing_ok=True)


def _has_news(path: Path) -> bool:
    """Whether anything came over a stream: what was only asked can be asked again."""
    return any(
        (isinstance(line, Frame) and line.direction == "in")
        or (isinstance(line, Withheld) and line.lost_on)
        for line in read(path)
    )


def _ask_terms(exchange: Exchange, market_id: str) -> None:
    """Ask what a backtest wants to know of a market; a venue may not tell."""
    with suppress(NotSupported, AuthenticationError):
        contract_of(exchange, market_id)


def _open(exchange: Exchange, markets: Sequence[Market]) -> list[Watch[Any]]:
    names = [market.market_id for market in markets]
    watches: list[Watch[Any]] = [
        *_books(exchange, markets),
        exchange.watch_ticker(names, policy="latest"),
        exchange.watch_trades(names, policy="latest"),
        exchange.watch_market_status(names),
    ]
    # Without a key there are no orders and fills to follow.
    with suppress(AuthenticationError):
        watches.append(exchange.watch_orders(names, policy="latest"))
        watches.append(exchange.watch_fills(names))
    return watches


def _books(exchange: Exchange, markets: Sequence[Market]) -> Iterator[Watch[Any]]:
    if exchange.describe().outcome_books == "one":
        yield exchange.watch_order_book([market.market_id for market in markets])
        return
    for market in markets:
        for outcome in market.outcomes:
            yield exchange.watch_order_book(market.market_id, outcome=outcome.label)


def _follow(
    exchange: Exchange,
    watches: Sequence[Watch[Any]],
    recorder: Recorder,
    show: _Show,
    stopped: threading.Event,
    seconds: float,
) -> None:
    """Take what is told, so that nothing piles up; the recorder has heard it already."""
    started = time.monotonic()
    live: set[str] = set()
    first, *others = watches
    while not stopped.is_set():
        passed = time.monotonic() - started
        if passed >= seconds:
            return
        for item in _news(first, min(_BEAT, seconds - passed), others):
            if isinstance(item, OrderBook):
                live.add(item.market_id)
        told, health = recorder.progress(), exchange.stream_health()
        if told.failure is not None:
            return  # closing the recorder raises it, and says what is kept
        count = max(0, len(live) - health.stale_books) if health.state == "live" else 0
        show.tell(
            f"{told.lines:,} lines  {told.size:,} bytes  "
            f"{counted(count, 'market')} live  {passed:,.0f} s"
            + (f"  {told.withheld} withheld" if told.withheld else "")
        )


def _news(
    first: Watch[Any], seconds: float, others: Sequence[Watch[Any]]
) -> Iterator[object]:
    yield _next(first, seconds)
    for watch in others:
        while (item := _next(watch, 0)) is not None:
            yield item


def _next(watch: Watch[Any], seconds: float) -> object:
    try:
        return watch.next(timeout=seconds)
    except RequestTimeout as error:
        # An error of the stream names its venue; that nothing came yet is none.
        if error.venue is not None:
            raise
        return None


class _Show:
    """Says how far it is: all the time on a terminal, else now and then."""

    def __init__(self, screen: Screen, status: Status | None) -> None:
        self._screen = screen
        self._status = status
        self._next = time.monotonic() + _NOTE

    def tell(self, text: str) -> None:
        """Say it, if it is time."""
        if self._status is not None:
            self._status.update(text)
        elif time.monotonic() >= self._next:
            self._next += _NOTE
            self._screen.note(text)


@contextmanager
def _shown(screen: Screen) -> Generator[_Show, None, None]:
    if not screen.err.is_terminal or screen.err.is_dumb_terminal:
        yield _Show(screen, None)
        return
    with screen.err.status("connecting") as status:
        yield _Show(screen, status)
