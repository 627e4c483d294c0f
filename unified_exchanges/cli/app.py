"""The command put together."""

from __future__ import annotations

from typing import Annotated

import typer

from .. import __version__
from . import (
    account,
    catalogue,
    convert,
    demo,
    halting,
    health,
    record,
    service,
    strategies,
    sweep,
    trading,
    watch,
)
from .exits import MEANINGS
from .usage import Commands

__all__ = ["app"]

_HELP = "One exact interface to prediction markets: look, trade, practise."
_CODES = "Exit codes: " + " · ".join(
    f"{code:d} {says}" for code, says in MEANINGS.items()
)

app = typer.Typer(
    name="unified-exchanges",
    help=_HELP,
    epilog=_CODES,
    no_args_is_help=True,
    cls=Commands,
    rich_markup_mode="rich",
    # A traceback with local variables would show keys.
    pretty_exceptions_enable=False,
)


def _tell_version(is_asked: bool) -> None:
    if is_asked:
        typer.echo(f"unified-exchanges {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    _: Annotated[
        bool,
        typer.Option(
            "--version",
            help="Show name and version, and exit.",
            callback=_tell_version,
            is_eager=True,
        ),
    ] = False,
) -> None:
    """Stand before every command."""


for part in (
    demo,
    service,
    health,
    catalogue,
    watch,
    record,
    convert,
    strategies,
    sweep,
    trading,
    halting,
    account,
):
    part.add_to(app)
