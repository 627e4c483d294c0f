"""The command that turns recordings into tables, or into the data of another engine."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from enum import Enum
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import typer

from ..backtesting.contracts import contracts_of, terms_of
from ..backtesting.feed import SPOILT, UNENDED, WITHHELD
from ..errors import BadRequest
from ..exporting import HftbacktestFile, to_hftbacktest, to_nautilus_catalog
from ..exporting.hftbacktest import ExchangeTimes, check_new
from ..exporting.nautilus import check_absent
from ..models import Market
from ..money import text
from ..research import convert
from . import loading
from .backtest_options import MarketsFrom, read_paths
from .command import guarded, plain_command
from .idle import set_to
from .options import Json
from .progress import shown, shown_of_files
from .screen import Screen
from .stopping import interrupted_once
from .strategies import markets_told_in, moment_words
from .words import counted

__all__ = ["add_to"]


class Target(str, Enum):
    """What a recording is turned into."""

    PARQUET = "parquet"
    HFTBACKTEST = "hftbacktest"
    NAUTILUS = "nautilus"


class Times(str, Enum):
    """What is taken as the time at the exchange."""

    RECEIVED = "received"
    VENUE = "venue"


_IDLE = (
    set_to(
        "to",
        {Target.PARQUET, Target.NAUTILUS},
        "exchange_times",
        why="as only hftbacktest has a choice",
    ),
    set_to(
        "to",
        {Target.PARQUET},
        "markets",
        "markets_from",
        why="as tables have all markets",
    ),
    set_to(
        "to",
        {Target.HFTBACKTEST, Target.NAUTILUS},
        "add",
        why="as only tables are added to",
    ),
)


def add_to(app: typer.Typer) -> None:
    """Add the command to the app."""
    plain_command(app, "convert", "Look", idle=_IDLE)(converted)


def converted(
    recordings: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE",
            help="Recordings, in their order; for engines also tables of such.",
        ),
    ],
    out: Annotated[
        Path,
        typer.Option(
            "--out", metavar="FOLDER", help="A new folder; with --add, that of tables."
        ),
    ],
    to: Annotated[
        Target, typer.Option("--to", help="Tables, or the data of another engine.")
    ] = Target.PARQUET,
    markets: Annotated[
        list[str] | None,
        typer.Option(
            "--market",
            metavar="MARKET",
            help="For an engine: this market; again for more.",
        ),
    ] = None,
    markets_from: MarketsFrom = None,
    exchange_times: Annotated[
        Times,
        typer.Option(
            "--exchange-times",
            help="For hftbacktest: when a thing was at the exchange.",
        ),
    ] = Times.RECEIVED,
    add: Annotated[
        bool, typer.Option("--add", help="Add to the tables that are in the folder.")
    ] = False,
    as_json: Json = False,
) -> None:
    r"""Turn recordings into Parquet files, or into the data of another engine.

    Parquet has books, trades, tickers, orders, takes, changes of markets and gaps, by
    recording, venue, market and day, with exact decimals, and keeps what was told of the
    markets: that needs the extra `research`. All of the recordings become
    tables, or, if anything is wrong, none does. Engines get the book and the trades of the
    first outcome of each market, exactly or not at all: hftbacktest
    an .npz for each, nautilus a ParquetDataCatalog, with the extra of that name.
    """
    screen = Screen(as_json=as_json)
    # So that nothing half done is left.
    with guarded(screen), interrupted_once():
        try:
            if out.exists() and not out.is_dir():
                raise BadRequest(f"--out {out} is a file: name a folder, a new one")
            read_paths(recordings)
            if to is Target.PARQUET:
                _tables(screen, recordings, out, add=add)
            else:
                found = _markets(screen, recordings, markets, markets_from)
                if to is Target.NAUTILUS:
                    _nautilus(screen, recordings, out, found)
                else:
                    _hftbacktest(screen, recordings, out, found, exchange_times.value)
        except (ImportError, OSError) as error:
            failure = str(error)
        else:
            return
        raise BadRequest(failure)


def _tables(screen: Screen, recordings: list[Path], out: Path, *, add: bool) -> None:
    with shown_of_files(screen, recordings, "lines") as show:
        found = convert(
            recordings,
            out,
            add=add,
            progress=lambda x: show(
                x.lines, f"to {moment_words(x.moment)}  of {x.recording}"
            ),
        )
    rows = {
        "books": found.books,
        "trades": found.trades,
        "tickers": found.tickers,
        "orders": found.orders,
        "takes": found.takes,
        "changes": found.changes,
        "gaps": found.gaps,
    }
    told = ", ".join(f"{count:,} {name}" for name, count in rows.items())
    # That the last line is left out, if it is, the log says.
    document = {
        "path": out,
        **rows,
        "unended": found.unended,
        "is_torn": found.is_torn,
        "spoilt": dict(found.spoilt),
        "withheld": dict(found.withheld),
    }
    screen.document(document, f"{out}: {told}")
    for name in found.unended:
        screen.note(UNENDED.format(name))
    for name, count in found.spoilt.items():
        screen.note(SPOILT.format(name, count))
    for name, count in found.withheld.items():
        screen.note(WITHHELD.format(name, count))


def _markets(
    screen: Screen,
    recordings: list[Path],
    names: list[str] | None,
    markets_from: list[Path] | None,
) -> list[Market]:
    """The markets that are asked for, else all of which anything is told."""
    wanted = names or markets_told_in(screen, recordings)
    if not wanted:
        told = ", ".join(map(str, recordings))
        raise BadRequest(f"{told}: nothing is told of any market there")
    sources = terms_of((*(markets_from or ()), *recordings))
    contracts = contracts_of(
        sources, wanted, data=recordings, fees=False, advice=loading.ADVICE
    )
    return [contract.market for contract in contracts]


@contextmanager
def _one_of(markets: list[Market]) -> Generator[None, None, None]:
    """Say of what ends the command that it is of one market, and how to do without it."""
    try:
        yield
    except BadRequest as error:
        if len(markets) == 1:
            raise
        message = f"{error}; to do others without it, name each with --market"
        raise BadRequest(message) from error


def _hftbacktest(
    screen: Screen,
    recordings: list[Path],
    out: Path,
    markets: list[Market],
    times: ExchangeTimes,
) -> None:
    paths = [
        out / market.venue / f"{quote(market.market_id, safe='')}.npz"
        for market in markets
    ]
    # Before the first is made: the others would have to be made once more.
    for path in paths:
        check_new(path)
    with shown(screen, len(markets), "markets") as show:
        for number, (market, path) in enumerate(zip(markets, paths, strict=True)):
            show(number, f"now {market.market_id}")
            with _one_of(markets):
                made = to_hftbacktest(recordings, market, path, exchange_times=times)
            screen.document(_document(made), _words(made))


def _nautilus(
    screen: Screen, recordings: list[Path], out: Path, markets: list[Market]
) -> None:
    # As above.
    check_absent(out, markets)
    with shown(screen, len(markets), "markets") as show:
        for number, market in enumerate(markets):
            show(number, f"now {market.market_id}")
            with _one_of(markets):
                made = to_nautilus_catalog(recordings, market, out)
            name, books = str(made.instrument.id), len(made.events) - made.trades
            told = {
                "path": out,
                "instrument_id": name,
                "market_id": market.market_id,
                "outcome": market.outcomes[0].label,
                "books": books,
                "trades": made.trades,
                "settlement_value": made.settlement_value,
            }
            words = f"{counted(books, 'book')}, {counted(made.trades, 'trade')}"
            screen.document(told, f"{out}: {name}, {words}")


def _document(made: HftbacktestFile) -> dict[str, Any]:
    return {
        "path": made.path,
        "market_id": made.market_id,
        "outcome": made.outcome,
        "tick_size": made.tick_size,
        "lot_size": made.lot_size,
        "rows": made.rows,
        "trades": made.trades,
        "settlement_value": made.settlement_value,
    }


def _words(made: HftbacktestFile) -> str:
    return (
        f"{made.path}: {counted(made.rows, 'row')}, {counted(made.trades, 'trade')}, tick "
        f"{text(made.tick_size)}, lot {text(made.lot_size)}"
    )
