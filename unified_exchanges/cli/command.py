"""How a function becomes a command: shared options, a session, errors as exit codes."""

from __future__ import annotations

import functools
import inspect
import logging
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any, TypeAlias

import typer

from ..errors import UnifiedExchangesError
from .exits import Exit, exit_code
from .options import COMMON
from .screen import Screen
from .session import Session

__all__ = ["command", "guarded", "plain_command"]

_Function: TypeAlias = Callable[..., None]


def command(app: typer.Typer, name: str, panel: str) -> Callable[[_Function], None]:
    """Add a function to ``app``; its first parameter is the `Session`.

    The options of `COMMON` are appended to its own.
    """

    def add(function: _Function) -> None:
        own = inspect.signature(function, eval_str=True)
        _, *parameters = own.parameters.values()

        @functools.wraps(function)
        def run(**given: Any) -> None:
            common = {key: given.pop(key) for key in COMMON}
            screen = Screen(as_json=common.pop("as_json"), debug=common.pop("debug"))
            try:
                with guarded(screen), Session(screen=screen, **common) as session:
                    function(session, **given)
            except OSError as error:
                error.add_note("what was done at the venue stands")
                raise

        _sign(run, [*parameters, *map(_parameter, COMMON)])
        plain_command(app, name, panel)(run)

    return add


def plain_command(
    app: typer.Typer, name: str, panel: str
) -> Callable[[_Function], None]:
    """Add a function to ``app`` as it is, with its docstring as help."""

    def add(function: _Function) -> None:
        paragraphs = (inspect.getdoc(function) or "").split("\n\n")
        told = "\n\n".join(paragraph.replace("\n", " ") for paragraph in paragraphs)
        app.command(name, help=told, rich_help_panel=panel)(function)

    return add


def _parameter(name: str) -> inspect.Parameter:
    annotation, default = COMMON[name]
    return inspect.Parameter(
        name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation
    )


def _sign(function: Any, parameters: list[inspect.Parameter]) -> None:
    """Let typer see these parameters."""
    keywords = [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in parameters]
    function.__signature__ = inspect.Signature(keywords)
    function.__annotations__ = {p.name: p.annotation for p in keywords}


@contextmanager
def guarded(screen: Screen) -> Generator[None, None, None]:
    """Turn what goes wrong inside into a message and an exit code."""
    try:
        with _heeding(screen):
            yield
    except UnifiedExchangesError as error:
        screen.fail(error)
        raise typer.Exit(exit_code(error)) from None
    except KeyboardInterrupt:
        screen.note("stopped")
        raise typer.Exit(Exit.INTERRUPTED) from None
    except BrokenPipeError:
        screen.abandon()
        raise typer.Exit(Exit.DONE) from None


@contextmanager
def _heeding(screen: Screen) -> Generator[None, None, None]:
    """Pass on the library's warnings, unless an error says more in the end."""
    logger = logging.getLogger("unified_exchanges")
    heard = _Warnings(logging.WARNING)
    logger.addHandler(heard)
    try:
        yield
        heard.tell(screen)
    except BaseException:
        if screen.debug:
            heard.tell(screen)
        raise
    finally:
        logger.removeHandler(heard)


class _Warnings(logging.Handler):
    def __init__(self, level: int) -> None:
        super().__init__(level)
        self._messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self._messages.append(record.getMessage())

    def tell(self, screen: Screen) -> None:
        for message in dict.fromkeys(self._messages):
            screen.note(message)
