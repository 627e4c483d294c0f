"""The markets of a backtest, with their fees, out of what was recorded of them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from difflib import get_close_matches
from os import PathLike
from pathlib import Path
from typing import Final, NamedTuple, TypeAlias, TypeGuard

from ..errors import BadRequest, MarketNotFound, NotRecorded
from ..models import FeeRule
from ..paper import FREE, Contract
from ..recording.opening import is_cassette
from ..registry import exchange
from ..strategies.beginning import time_of
from ..strategies.given import mistaken
from .sources import check_path, markets_told, venues_taped

__all__ = [
    "ARGUMENTS",
    "MOST_NAMED",
    "Advice",
    "contracts_in",
    "contracts_of",
    "contracts_told",
    "terms_of",
]

Paths: TypeAlias = "str | PathLike[str] | Sequence[str | PathLike[str]]"

_WANTED: Final = "the path of a recording or of its tables, or several paths"
MOST_NAMED: Final = 8
"""Markets that a message names at most."""


class Advice(NamedTuple):
    """What to do where a recording lacks something, in the words of who asks."""

    of_fees: str
    of_markets: str


ARGUMENTS: Final = Advice(
    "fees=False takes it as free, markets_from= names another recording",
    "markets_from= names another recording",
)
_GIVEN: Final = Advice(
    "give contracts=contracts_in(data, fees=False), which takes it as free",
    "give contracts=contracts_in(data, markets_from=…), of another recording",
)


def contracts_in(
    data: Paths,
    markets: Iterable[str] | None = None,
    *,
    markets_from: Paths = (),
    fees: bool = True,
) -> list[Contract]:
    """Read the markets that a backtest or a sweep trades, and their fees, out of its data.

    ``data`` is the path of a recording, of a cassette or of the Parquet tables of some, or
    several paths; ``markets`` are ids of it, None: all of which books or trades are told.
    Market and fees have to be in it, as `unified-exchanges record` writes them, or
    ``contract_of(exchange, market_id)`` within the `Recorder`.  A recording that has what
    the data lacks is named in ``markets_from``, and looked into first; ``fees=False`` takes
    all as free.

    Raises `BadRequest` for a market of which they are nowhere, and for what is no path.

    >>> def tested(strategy: Strategy) -> Report:
    ...     return backtest(strategy, "day.jsonl", contracts=contracts_in("day.jsonl"))
    """
    return _contracts_in(data, markets, markets_from, fees=fees, advice=ARGUMENTS)


def _contracts_in(
    data: Paths,
    markets: Iterable[str] | None,
    markets_from: Paths,
    *,
    fees: bool,
    advice: Advice,
) -> list[Contract]:
    told = _paths_of("data", data)
    if markets is None:
        markets = sorted({name for path in told for name in markets_told(path)})
    recordings = terms_of((*_paths_of("markets_from", markets_from), *told))
    return contracts_of(recordings, markets, data=told, fees=fees, advice=advice)


def contracts_told(data: object, markets: Sequence[str]) -> list[Contract]:
    """The same for what is given no contracts; raises `BadRequest` for events in memory."""
    if not _is_of_paths(data):
        wanted = (
            "a list of contracts, such as [contract_of(exchange, market_id)]: events in "
            "memory do not tell what their markets are"
        )
        raise mistaken("contracts", None, wanted)
    return _contracts_in(data, markets or None, (), fees=True, advice=_GIVEN)


def contracts_of(
    recordings: Iterable[Path],
    markets: Iterable[str],
    *,
    data: Sequence[Path],
    fees: bool,
    advice: Advice = ARGUMENTS,
) -> list[Contract]:
    """Read markets, and what they charge, out of the recordings that have them.

    ``data`` is what is run over: a market that nothing has may be one of its, mistyped.
    """
    left = list(dict.fromkeys(markets))
    found: list[Contract] = []
    unpriced: set[str] = set()
    for path, venue in _each_of(recordings):
        with exchange("replay", path=path, venue=venue) as ex:
            for name in list(left):
                market_id = name.removeprefix(f"{ex.id}:")
                rule: FeeRule = FREE
                try:
                    market = ex.fetch_market(market_id)
                    read_at = time_of(ex.venue)
                    if fees:
                        unpriced.add(name)
                        rule = ex.fetch_fee_rule(market_id)
                except (MarketNotFound, NotRecorded):
                    continue
                found.append(Contract.of(ex.describe(), market, rule, read_at=read_at))
                left.remove(name)
    if left and left[0] in unpriced:
        raise BadRequest(
            f"no recording has the fees of the market {left[0]!r}, as `record` writes them: "
            f"{advice.of_fees}"
        )
    if left:
        there = dict.fromkeys(x for path in data for x in markets_told(path))
        is_nameable = there and left[0].rpartition(":")[2] not in there
        told = f", but {_named_like(left[0], there)}" if is_nameable else ""
        raise BadRequest(
            f"no recording has the market {left[0]!r}{told}: {advice.of_markets}"
        )
    return found


def _each_of(recordings: Iterable[Path]) -> Iterator[tuple[Path, str | None]]:
    """Recordings with the venue to replay: a cassette may be of several."""
    for path in recordings:
        venues: list[str | None] = []
        if is_cassette(path):
            venues += venues_taped(path)
        yield from ((path, venue) for venue in venues or [None])


def terms_of(paths: Iterable[Path]) -> list[Path]:
    """Where markets are read from: tables keep what the recordings told of theirs."""
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            from ..research.terms import all_terms  # noqa: PLC0415 - an extra

            found += all_terms(path)
        else:
            found.append(path)
    return found


def _paths_of(name: str, given: object) -> list[Path]:
    """One or several paths; `BadRequest` for anything else, such as events in memory."""
    some = [given] if isinstance(given, str | PathLike) else given
    if not isinstance(some, Sequence) or isinstance(some, bytes):
        raise mistaken(name, given, _WANTED)
    found = [Path(path) for path in some if isinstance(path, str | PathLike)]
    if len(found) < len(some):
        raise mistaken(name, given, _WANTED)
    for path in found:
        check_path(path)
    return found


def _is_of_paths(data: object) -> TypeGuard[Paths]:
    if isinstance(data, str | PathLike):
        return True
    return isinstance(data, Sequence) and all(
        isinstance(x, str | PathLike) for x in data
    )


def _named_like(name: str, markets: Collection[str]) -> str:
    """Some of many markets in words, those first that are written most alike."""
    nearest = get_close_matches(name, markets, MOST_NAMED, cutoff=0.0)
    return ", ".join([*nearest, *(["…"] if len(markets) > MOST_NAMED else [])])
