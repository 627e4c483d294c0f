"""A strategy out of a file, and the markets that it is tried on out of recordings."""

from __future__ import annotations

import inspect
import runpy
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from ..backtesting.contracts import Advice
from ..errors import BadRequest
from ..registry import exchanges
from ..strategies import Strategy
from .failing import own_failures

__all__ = ["ADVICE", "check_venue", "strategy", "strategy_class"]

_HEADER: Final = b'{"kind":'
"""How a recording begins that is not compressed: Python would take it for a dictionary."""
ADVICE: Final = Advice(
    "--no-fees takes it as free, --markets-from names another recording",
    "--markets-from names another recording",
)
"""What to do where a recording lacks a market, by the options."""


def strategy(path: Path, markets: Sequence[str]) -> Strategy:
    """Make the strategy of a file, made without arguments; see `strategy_class`.

    ``markets`` take the place of its own, where there are any.
    """
    kind = strategy_class(path)
    try:
        inspect.signature(kind).bind()
    except TypeError as error:
        failure = f"{kind.__name__} cannot be made without arguments: {error}"
        raise BadRequest(failure) from error
    with own_failures(path):
        made = kind()
    if markets:
        made.markets = markets
    return made


def strategy_class(path: Path) -> type[Strategy]:
    """The one subclass of `Strategy` that a file defines and makes no other from.

    It imports what lies beside it, as with ``python FILE``.
    """
    _check(path)
    folder = str(path.resolve().parent)
    if folder not in sys.path:
        # It stays: a strategy may import as late as it likes.
        sys.path.insert(0, folder)
    with own_failures(path):
        names = runpy.run_path(str(path), run_name=path.stem)
    kinds = [
        kind
        for kind in dict.fromkeys(filter(inspect.isclass, names.values()))
        if issubclass(kind, Strategy) and kind.__module__ == path.stem
    ]
    # What others are made from is meant through them.
    bases = {base for kind in kinds for base in kind.__mro__[1:]}
    found = [kind for kind in kinds if kind not in bases]
    if len(found) != 1:
        told = ", ".join(kind.__name__ for kind in found) or "none"
        raise BadRequest(
            f"{path} should define one subclass of Strategy; it has: {told}"
        )
    return found[0]


def check_venue(markets: Sequence[str], venue: str) -> None:
    """Refuse a market of another venue than the one that runs: it would be asked for it."""
    for name in markets:
        word, _, market_id = name.partition(":")
        if market_id and word in exchanges and word != venue:
            raise BadRequest(
                f"{name} is a market of {word}, and this command runs on {venue} alone: run "
                "on several venues from Python, by run(strategy, one, another), or "
                "over a recording of both by `backtest`"
            )


def _check(path: Path) -> None:
    """Refuse what is no Python at all, such as a recording; a mistake in it has its line."""
    if path.is_dir():
        raise BadRequest(f"{path} is a folder: name the file with the strategy")
    if not path.is_file():
        raise BadRequest(f"there is no file {path}")
    try:
        text = path.read_bytes()
    except OSError as error:
        raise BadRequest(f"{path} cannot be read: {error.strerror}") from error
    if path.suffix == ".ipynb":
        raise BadRequest(
            f"{path} is no Python: write the strategy of a notebook to a file of its own, "
            "whose name ends in .py"
        )
    if path.suffix != ".py" or b"\0" in text or text.startswith(_HEADER):
        raise BadRequest(
            f"{path} is no Python: the file with the strategy comes first, whose name ends "
            "in .py, and what it runs over is named by --data"
        )
