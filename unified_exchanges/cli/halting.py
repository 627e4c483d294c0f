"""Commands that stop everything, and that allow orders again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, TypeAlias

import attrs
import typer
from rich.text import Text

from .command import command
from .exits import Exit
from .session import Session

__all__ = ["add_to"]

_PANEL = "Trade"

_Path = typer.Option(
    "--journal",
    metavar="PATH",
    help="The journal of your programs: those that share it stop too.",
)
Journal: TypeAlias = Annotated[Path | None, _Path]
_Kept = typer.Option(
    "--journal",
    metavar="PATH",
    exists=True,
    dir_okay=False,
    help="The journal that keeps the halt.",
)


def add_to(app: typer.Typer) -> None:
    """Add the commands to the app."""
    command(app, "halt", _PANEL)(halt)
    command(app, "resume", _PANEL)(resume)


def halt(
    session: Session,
    reason: Annotated[
        str, typer.Argument(metavar="WHY", help="Why, for the log and the journal.")
    ],
    journal: Journal = None,
    deadline: Annotated[
        float, typer.Option("--deadline", min=1.0, help="Seconds for all of it.")
    ] = 60.0,
) -> None:
    """Stop everything: cancel all that rests, verify, and say what is held.

    With --journal every program that keeps its orders there places none any more, until
    `resume`. Without it other programs go on: end them first. Needs no --live: it sends
    nothing but cancels. The exit code is 0 only if nothing is left open or unknown, and
    the journal was there: a new one may be a mistyped path, and stops nobody else.
    """
    is_new = journal is not None and not journal.exists()
    session.journal = journal
    # What is halted can place nothing, and a kill switch must not ask for options.
    session.live = True
    report = session.exchange.halt(reason, deadline=deadline)
    told = {f.name: getattr(report, f.name) for f in attrs.fields(type(report))}
    is_new = is_new and journal is not None and journal.exists()
    session.screen.document(
        {**told, "is_complete": report.is_complete, "is_journal_new": is_new},
        Text(str(report)),
    )
    if is_new:
        session.screen.note(
            f"NO JOURNAL WAS AT {journal}: it was made now, so no program that keeps its "
            "orders elsewhere has stopped. If the path was wrong, halt again with theirs"
        )
    if is_new or not report.is_complete:
        raise typer.Exit(Exit.INCOMPLETE)


def resume(
    session: Session,
    reason: Annotated[
        str, typer.Argument(metavar="WHY", help="Why orders may leave again.")
    ],
    journal: Annotated[Path, _Kept],
) -> None:
    """Lift the halt that a journal keeps: its programs may place orders again.

    A program that called halt() itself stays halted until it is started anew or calls
    resume() itself.
    """
    session.journal = journal
    lifted = session.exchange.resume(reason)
    if lifted is None:
        session.screen.document({"lifted": None}, Text("nothing was halted"))
        return
    words = f"lifted: halted at {lifted.at:%Y-%m-%d %H:%M:%S} UTC ({lifted.reason})"
    session.screen.document({"lifted": lifted}, Text(words))
