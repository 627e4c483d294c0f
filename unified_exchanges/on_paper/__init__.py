"""Exchanges on paper: those that `exchange` makes for ``"paper"``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, ExitStack
from os import PathLike
from pathlib import Path
from typing import Any, Final, TypeVar

from ..errors import ArgumentsRequired, BadRequest
from ..money import Number
from ..paper import Delays
from ..registry import exchanges, folder
from .aio import AsyncPaper
from .blocking import Paper
from .simulated import serving
from .terms import StateFile, Terms
from .venue import venue_on

__all__ = ["AsyncPaper", "Paper", "async_paper", "paper"]

E = TypeVar("E", Paper, AsyncPaper)

_SIMULATED: Final = "simulated"
_CASH: Final = "10000"


def paper(source: str | None, **given: Any) -> Paper:
    """Make the blocking exchange on paper; see `exchange`."""
    return _made(Paper, source, **given)


def async_paper(source: str | None, **given: Any) -> AsyncPaper:
    """Make the asynchronous exchange on paper; see `async_exchange`."""
    return _made(AsyncPaper, source, **given)


def _made(
    kind: type[E],
    source: str | None,
    *,
    cash: Number | None,
    delays: Delays | None,
    path: str | PathLike[str] | None,
    **how: Any,
) -> E:
    name, served = _source(source)
    terms = Terms(
        cash=_CASH if cash is None else cash,
        delays=delays or Delays(),
        file=None if path is None else StateFile(Path(path)),
    )
    over = folder(name, "blocking").EXCHANGE.venue_type
    made: type[E] = type(kind.__name__, (kind,), {"venue_type": venue_on(over, terms)})
    with ExitStack() as stack:
        if served is not None:
            theirs = stack.enter_context(served())
            options = {**theirs.get("options", {}), **(how["options"] or {})}
            how = {**how, **theirs, "options": options}
        exchange = made(**how)
        exchange.besides = stack.pop_all()
        return exchange


def _source(
    source: str | None,
) -> tuple[str, Callable[[], AbstractContextManager[Mapping[str, Any]]] | None]:
    """The id of a venue, and what serves it if it is simulated."""
    if source is None:
        message = f"paper needs source=, one of {_listed()}"
        raise ArgumentsRequired(message)
    kind, _, name = source.partition(":")
    if kind == _SIMULATED:
        venue = name or exchanges[0]
        if venue in exchanges:
            return venue, lambda: serving(venue)
    elif source in exchanges:
        return source, None
    if source == "replay":
        raise BadRequest(
            "a replay is no source of paper yet; backtest(strategy, path) trades on paper "
            "over a recording"
        )
    raise BadRequest(f"there is no source {source!r}; there are: {_listed()}")


def _listed() -> str:
    simulated = (f"{_SIMULATED}:{name}" for name in exchanges)
    return ", ".join([*exchanges, _SIMULATED, *simulated])
