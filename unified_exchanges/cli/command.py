"""How a function becomes a command: shared options, a session, errors as exit codes."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import contextmanager
from typing import Any, Final, TypeAlias

import typer

from ..errors import UnifiedExchangesError
from .exits import ENDED, Exit, exit_code
from .heeding import heeding
from .idle import Idle, beside, refuse_idle
from .options import COMMON
from .screen import Screen
from .session import Session
from .stopping import Ended, interrupted_when_ended

__all__ = ["command", "guarded", "plain_command"]

_Function: TypeAlias = Callable[..., None]

_CONTEXT: Final = "context"

_ANYWHERE: Final = (
    beside("paper", "live", why="where no money is real"),
    beside("everything", "limit", why="which shows all there are"),
)
"""What is idle in every command that has such options."""


def command(
    app: typer.Typer, name: str, panel: str, *, idle: Sequence[Idle] = ()
) -> Callable[[_Function], None]:
    """Add a function to ``app``; its first parameter is the `Session`.

    The options of `COMMON` are appended to its own.  Those that are ``idle`` as it is called
    are refused.
    """

    def add(function: _Function) -> None:
        own = inspect.signature(function, eval_str=True)
        _, *parameters = own.parameters.values()

        @functools.wraps(function)
        def run(context: typer.Context, **given: Any) -> None:
            common = {key: given[key] for key in COMMON}
            screen = Screen(as_json=common.pop("as_json"), debug=common.pop("debug"))
            with guarded(screen):
                refuse_idle(context, given, (*idle, *_ANYWHERE))
            own = {key: value for key, value in given.items() if key not in COMMON}
            try:
                with guarded(screen), Session(screen=screen, **common) as session:
                    function(session, **own)
            except OSError as error:
                error.add_note("what was done at the venue stands")
                raise

        _add(app, name, panel, run, [*parameters, *map(_parameter, COMMON)])

    return add


def plain_command(
    app: typer.Typer, name: str, panel: str, *, idle: Sequence[Idle] = ()
) -> Callable[[_Function], None]:
    """Add a function to ``app`` that asks no venue, with its docstring as help."""

    def add(function: _Function) -> None:
        parameters = inspect.signature(function, eval_str=True).parameters.values()

        @functools.wraps(function)
        def run(context: typer.Context, **given: Any) -> None:
            words = {"as_json": given["as_json"], "debug": given.get("debug", False)}
            with guarded(Screen(**words)):
                refuse_idle(context, given, idle)
            function(**given)

        _add(app, name, panel, run, parameters)

    return add


def _add(
    app: typer.Typer,
    name: str,
    panel: str,
    run: _Function,
    parameters: Iterable[inspect.Parameter],
) -> None:
    paragraphs = (inspect.getdoc(run) or "").split("\n\n")
    told = "\n\n".join(paragraph.replace("\n", " ") for paragraph in paragraphs)
    _sign(run, parameters)
    app.command(name, help=told, rich_help_panel=panel)(run)


def _parameter(name: str) -> inspect.Parameter:
    annotation, default = COMMON[name]
    return inspect.Parameter(
        name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation
    )


def _sign(function: Any, parameters: Iterable[inspect.Parameter]) -> None:
    """Let typer see these parameters, and pass its context."""
    kind = inspect.Parameter.KEYWORD_ONLY
    context = inspect.Parameter(_CONTEXT, kind, annotation=typer.Context)
    keywords = [context, *(p.replace(kind=kind) for p in parameters)]
    function.__signature__ = inspect.Signature(keywords)
    function.__annotations__ = {p.name: p.annotation for p in keywords}


@contextmanager
def guarded(screen: Screen) -> Generator[None, None, None]:
    """Turn what goes wrong inside into a message and an exit code."""
    try:
        with interrupted_when_ended(), heeding(screen):
            yield
    except UnifiedExchangesError as error:
        screen.fail(error)
        raise typer.Exit(exit_code(error)) from None
    except Ended as error:
        screen.warn(error)
        screen.note(f"ended by {error.signal.name}")
        raise typer.Exit(ENDED[error.signal.name]) from None
    except KeyboardInterrupt as error:
        screen.warn(error)
        screen.note("stopped")
        raise typer.Exit(Exit.INTERRUPTED) from None
    except SystemExit as error:
        # Of a strategy: what it leaves is told all the same.
        screen.warn(error)
        raise
    except BrokenPipeError:
        screen.abandon()
        raise typer.Exit(Exit.DONE) from None
