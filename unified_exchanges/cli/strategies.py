"""The commands that run a strategy, on a venue or over recordings."""

from __future__ import annotations

import time
from collections.abc import Sequence
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Annotated

import typer

from ..backtesting import Report, backtest
from ..backtesting.contracts import MOST_NAMED, contracts_of, terms_of
from ..backtesting.page import is_page
from ..backtesting.sources import events_of, markets_told
from ..errors import BadRequest, JournalError
from ..models import OrderBook
from ..money import read_number
from ..paper import Delays, at
from ..recording.opening import is_cassette
from ..strategies import RunProgress, run
from . import loading
from .backtest_options import (
    LONGEST_DELAY,
    Cash,
    EventDelay,
    MarketsFrom,
    NoFees,
    OrderDelay,
    Sample,
    check_told,
    read_paths,
)
from .command import command, guarded, plain_command
from .failing import own_failures
from .heeding import told_at_once
from .idle import beside, without
from .live_log import told_live
from .options import Debug, Json, Lasting, lasting, spacing
from .outcomes import of_backtest, of_run
from .progress import shown, shown_of, shown_of_files
from .screen import Screen
from .session import Session
from .stopping import until_stopped
from .words import counted

__all__ = [
    "File",
    "Markets",
    "add_to",
    "markets_told_in",
    "moment_words",
    "read_cash",
]

_IDLE = (
    beside(
        "over",
        *("venue", "environment", "api_key", "private_key_path", "timeout"),
        *("paper", "journal", "live", "yes"),
        why="which runs on paper, asks no venue and keeps neither account nor journal",
    ),
    without(
        "over",
        idle=("cash", "order_delay", "event_delay"),
        why="as a venue has its own",
    ),
    beside("paper", "yes", why="where no money is real"),
)
_LOOKED_AT = 100_000
"""Events of a recording that are looked at for its markets."""

File = Annotated[
    Path, typer.Argument(metavar="STRATEGY.py", help="A file with one Strategy in it.")
]
Markets = Annotated[
    list[str] | None,
    typer.Argument(metavar="MARKET", help="Instead of the strategy's own markets."),
]


def add_to(app: typer.Typer) -> None:
    """Add the commands to the app."""
    command(app, "run", "Trade", idle=_IDLE)(run_strategy)
    plain_command(app, "backtest", "Practise")(backtest_strategy)


def run_strategy(
    session: Session,
    file: File,
    markets: Markets = None,
    span: Lasting = None,
    journal: Annotated[
        Path | None,
        typer.Option(
            "--journal", metavar="PATH", help="Keep its orders in this journal."
        ),
    ] = None,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Do not ask for confirmation.")
    ] = False,
    over: Annotated[
        list[Path] | None,
        typer.Option(
            "--over",
            metavar="RECORDING",
            help="On paper over this recording, in its time.",
        ),
    ] = None,
    cash: Annotated[
        str | None, typer.Option(help="Dollars to begin with, with --over.")
    ] = None,
    order_delay: Annotated[
        int,
        typer.Option(
            "--order-delay",
            min=0,
            max=LONGEST_DELAY,
            help="Milliseconds to the venue, with --over.",
        ),
    ] = 0,
    event_delay: Annotated[
        int,
        typer.Option(
            "--event-delay",
            min=0,
            max=LONGEST_DELAY,
            help="Milliseconds to the strategy, with --over.",
        ),
    ] = 0,
) -> None:
    """Run a strategy on a venue until Ctrl-C, or on paper over a recording to its end.

    What it logs, and what fails, is on stderr as it comes, with its time. At the end,
    whatever ends it, its open orders are canceled, each by its id; what it holds is kept.
    Where money is real it needs --live, and is confirmed first.
    """
    seconds = lasting(span)
    path = _one_of(over)
    if journal is not None and not journal.parent.is_dir():
        raise JournalError(f"--journal {journal}: there is no folder {journal.parent}")
    session.journal = journal
    with session.screen.results_alone():
        strategy = loading.strategy(file, markets or [])
    if path is not None:
        read_paths([path])
        session.recorded = {
            "path": path,
            "cash": None if cash is None else read_cash(cash),
            "delays": _delays(order_delay, event_delay),
        }
    if not strategy.markets:
        raise BadRequest(_unnamed(file, path))
    if path is None:
        loading.check_venue(strategy.markets, session.venue)
    screen, exchange = session.screen, session.exchange
    if session.is_real_money and session.live and not yes:
        question = f"run {file} on {exchange.id} with real money?"
        if not typer.confirm(question, err=True):
            raise BadRequest("nobody confirmed the run, and nothing was sent")
    began = time.monotonic()
    of_time = seconds if path is None else None  # there it is that of the recording
    with (
        until_stopped() as stopped,
        told_at_once(),
        shown_of(screen, of_time, lambda: time.monotonic() - began) as show,
    ):

        def tell(progress: RunProgress) -> None:
            state = "live" if path is not None else exchange.stream_health().state
            words = (
                counted(progress.orders, "order"),
                counted(progress.fills, "fill"),
                counted(progress.failures, "failure"),
                f"{progress.open_orders} open",
                # Then the strategy is told nothing, and its orders rest.
                *(() if state == "live" else (f"stream {state}",)),
            )
            show(progress.events, "  ".join(words))

        with screen.results_alone(), told_live(screen, strategy), own_failures(file):
            report = run(
                strategy, exchange, seconds=seconds, stop=stopped, progress=tell
            )
    screen.document(report, *of_run(report))


def _one_of(over: list[Path] | None) -> Path | None:
    if over is None:
        return None
    if len(over) > 1:
        raise BadRequest(
            f"--over is there {len(over)} times, and a run on paper is over one recording, "
            "in its time: `backtest` takes several, as --data A --data B"
        )
    return over[0]


def _unnamed(file: Path, over: Path | None) -> str:
    """What to do about a strategy of no markets; of a recording, which it has."""
    message = f"the strategy of {file} names no markets: "
    if over is None:
        return f"{message}write them after it, as `run {file} MARKET`; `markets` lists them"
    if over.is_file() and is_cassette(over):
        # To name a market would not help.
        return (
            f"{over} is a cassette, and holds no stream: give a recording, or run over what "
            f"was read by `backtest {file} --data {over}`"
        )
    there = dict.fromkeys(
        event.market_id
        for _, event in islice(events_of(over), _LOOKED_AT)
        if isinstance(event, OrderBook)
    )
    told = ", ".join(islice(there, MOST_NAMED)) or "none of which a book was told"
    more = ", …" if len(there) > MOST_NAMED else ""
    advice = f"write them after it, as `run {file} MARKET --over {over}`"
    return f"{message}{advice}; it has {told}{more}"


def backtest_strategy(
    file: File,
    markets: Markets = None,
    data: Annotated[
        list[Path] | None,
        typer.Option(
            "--data",
            metavar="PATH",
            help="A recording, or a folder that `convert` made; again for more.",
        ),
    ] = None,
    cash: Cash = "10000",
    order_delay: OrderDelay = 0,
    event_delay: EventDelay = 0,
    sample: Sample = None,
    markets_from: MarketsFrom = None,
    no_fees: NoFees = False,
    html: Annotated[
        Path | None,
        typer.Option("--html", metavar="FILE", help="Write the report as a page."),
    ] = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Run a strategy over recordings: what would have become of it.

    The same inputs give the same report. No key, no network, no clock: orders fill against
    the recorded books, behind what was displayed. With --json all of the report is
    printed.
    """
    screen = Screen(as_json=as_json, debug=debug)
    with guarded(screen):
        paths = read_paths(data)
        began_with = read_cash(cash)
        every = None if sample is None else spacing(sample, "--sample")
        if html is not None:
            _check_page(html)  # now, and not after an hour
        with screen.results_alone():
            strategy = loading.strategy(file, markets or [])
        check_told(paths)
        recordings = terms_of((*(markets_from or ()), *paths))
        wanted = strategy.markets or markets_told_in(screen, paths)
        found = contracts_of(
            recordings, wanted, data=paths, fees=not no_fees, advice=loading.ADVICE
        )
        with (
            screen.results_alone(),
            shown_of_files(screen, paths) as show,
            own_failures(file),
        ):
            report = backtest(
                strategy,
                paths,
                contracts=found,
                cash=began_with,
                delays=_delays(order_delay, event_delay),
                sample=every,
                progress=lambda x: show(
                    x.events, f"to {moment_words(x.moment)}  {x.fills:,} fills"
                ),
            )
        if as_json:
            typer.echo(report.to_json())
        else:
            screen.document(report, *of_backtest(report))
        if html is not None:
            _write(html, report)


def read_cash(given: str) -> Decimal:
    """Dollars to begin with; raises `BadRequest` for what is no amount."""
    try:
        cash = read_number(given)
    except ValueError as error:
        raise BadRequest(f"--cash {given!r} is no number of dollars") from error
    if cash < 0:
        raise BadRequest(f"--cash {given}: nobody begins with less than nothing")
    return cash


def _delays(order: int, event: int) -> Delays:
    """Delays of so many milliseconds."""
    return Delays(order=order * 1_000_000, event=event * 1_000_000)


def markets_told_in(screen: Screen, paths: Sequence[Path]) -> list[str]:
    """The markets of which anything is told, in an order that is the same for tables."""
    seen: set[str] = set()
    with shown(screen, None, "markets") as show:
        for path in paths:
            for market_id in markets_told(path):
                if market_id not in seen:
                    seen.add(market_id)
                    show(len(seen), f"in {path}")
    return sorted(seen)


def moment_words(moment: int) -> str:
    """A moment of a recording, as it is shown."""
    return f"{at(moment):%Y-%m-%d %H:%M:%S}"


def _check_page(path: Path) -> None:
    """Refuse a place where no page can be written, or where something else is."""
    if path.is_dir() or not path.parent.is_dir():
        raise BadRequest(f"--html {path}: no page can be written there")
    try:
        is_free = not path.is_file() or not path.stat().st_size or is_page(path)
    except OSError as error:
        raise BadRequest(f"--html {path}: {error.strerror}") from error
    if not is_free:
        raise BadRequest(
            f"--html {path}: that is a file, and not the page of an earlier backtest: nothing "
            "is written over it; name another, such as report.html"
        )


def _write(path: Path, report: Report) -> None:
    _check_page(path)  # something may have come there since
    try:
        path.write_text(report.to_html(), encoding="utf-8")
    except OSError as error:
        raise BadRequest(f"the page cannot be written: {error}") from error
