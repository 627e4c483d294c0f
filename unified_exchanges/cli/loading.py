"""A strategy out of a file, and the markets that it is tried on out of recordings."""

from __future__ import annotations

import inspect
import runpy
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from ..errors import BadRequest, MarketNotFound, NotRecorded
from ..paper import FREE, Contract
from ..registry import exchange
from ..strategies import Strategy, contract_of
from ..strategies.beginning import time_of
from .failing import own_failures

__all__ = ["contracts", "strategy", "strategy_class"]


def strategy(path: Path, markets: Sequence[str]) -> Strategy:
    """Make the strategy of a file: its one subclass of `Strategy`, made without arguments.

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
    """The one subclass of `Strategy` that a file defines.

    It imports what lies beside it, as with ``python FILE``.
    """
    if not path.is_file():
        raise BadRequest(f"there is no file {path}")
    folder = str(path.resolve().parent)
    if folder not in sys.path:
        # It stays: a strategy may import as late as it likes.
        sys.path.insert(0, folder)
    with own_failures(path):
        names = runpy.run_path(str(path), run_name=path.stem)
    found = [
        kind
        for kind in names.values()
        if inspect.isclass(kind)
        and issubclass(kind, Strategy)
        and kind.__module__ == path.stem
    ]
    if len(found) != 1:
        told = ", ".join(kind.__name__ for kind in found) or "none"
        raise BadRequest(
            f"{path} should define one subclass of Strategy; it has: {told}"
        )
    return found[0]


def contracts(
    recordings: Iterable[Path], markets: Iterable[str], *, fees: bool
) -> list[Contract]:
    """Read markets, and what they charge, out of the recordings that have them."""
    left = list(dict.fromkeys(markets))
    found: list[Contract] = []
    for path in recordings:
        with exchange("replay", path=path) as ex:
            for name in list(left):
                market_id = name.removeprefix(f"{ex.id}:")
                try:
                    if fees:
                        found.append(contract_of(ex, market_id))
                    else:
                        market = ex.fetch_market(market_id)
                        read_at = time_of(ex.venue)
                        facts = ex.describe()
                        found.append(Contract.of(facts, market, FREE, read_at=read_at))
                except (MarketNotFound, NotRecorded):
                    continue
                left.remove(name)
    if left:
        missing = f"no recording has the market {left[0]!r}"
        if fees:
            missing += (
                " and its fees, as `record` writes them: --no-fees takes it as free,"
            )
        else:
            missing += ":"
        raise BadRequest(f"{missing} --markets-from names another recording")
    return found
