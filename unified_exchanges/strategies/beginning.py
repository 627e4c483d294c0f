"""How a run begins: what it follows, where, and with what."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

from ..errors import BadRequest, NotRecorded
from ..flow import Flow
from ..models import Balance, Market, Position, Subject
from ..money import EXACT, ZERO, div
from ..paper import Contract
from ..paper.account import Account
from ..venue import Venue
from .strategy import Strategy

__all__ = ["begun", "read_subjects", "routed", "rules_learnt", "time_of"]

_SUBJECTS: Final = (Subject.ORDER_BOOK, Subject.TRADES, Subject.MARKET_STATUS)
"""What a strategy may declare."""


def read_subjects(strategy: Strategy) -> tuple[Subject, ...]:
    """What a strategy follows; raises `BadRequest` for what cannot be followed."""
    if wrong := [str(word) for word in strategy.subjects if word not in _SUBJECTS]:
        known = ", ".join(_SUBJECTS)
        raise BadRequest(
            f"subjects are of {known}; {', '.join(wrong)} is not among them"
        )
    return tuple(Subject(word) for word in strategy.subjects)


def routed(markets: Sequence[str], venues: Sequence[Venue]) -> dict[str, int]:
    """Which exchange has which market: ids as they are, or after ``venue:``.

    An exchange is meant by its own id, and by that of the venue whose markets it has on paper.
    """
    if isinstance(markets, str):
        raise BadRequest(f"markets are a sequence of ids, not one text: {markets!r}")
    if not markets:
        raise BadRequest("the strategy names no markets: set its `markets`")
    if not venues:
        raise BadRequest("no exchange was given to run on")
    found: dict[str, int] = {}
    for name in markets:
        word, _, market_id = name.partition(":")
        meant = _meant(word, venues)
        if not market_id or not meant:
            market_id, meant = name, [*range(len(venues))]
        if len(meant) > 1:
            raise _unclear(name, market_id, meant, venues)
        if found.setdefault(market_id, meant[0]) != meant[0]:
            raise BadRequest(
                f"market {market_id!r} is named on two exchanges: a run has each market once"
            )
    return found


def _meant(word: str, venues: Sequence[Venue]) -> list[int]:
    """The exchanges of an id, or else those on paper over the venue of that id."""
    named = [n for n, venue in enumerate(venues) if venue.id == word]
    return named or [
        n for n, venue in enumerate(venues) if venue.on_the_wire.id == word
    ]


def _unclear(
    name: str, market_id: str, meant: Sequence[int], venues: Sequence[Venue]
) -> BadRequest:
    """The error for a market that may be on several exchanges."""
    told = ", ".join(venues[n].facts.name for n in meant)
    words = [_word(n, venues) for n in meant]
    if None in words:
        return BadRequest(
            f"market {name!r} may be on each of {told}, and no name tells them apart: run "
            "on one of them"
        )
    return BadRequest(
        f"market {name!r} is on one of {told}: say which, as in '{words[0]}:{market_id}'"
    )


def _word(number: int, venues: Sequence[Venue]) -> str | None:
    """What means this exchange alone."""
    venue = venues[number]
    words = (venue.on_the_wire.id, venue.id)
    return next((word for word in words if _meant(word, venues) == [number]), None)


def time_of(venue: Venue) -> datetime:
    """Now, by the clock of an exchange: in a replay, when what it told last was recorded."""
    return datetime.fromtimestamp(venue.clock.now(), UTC)


def begun(
    contracts: Mapping[str, Contract],
    balances: Iterable[Balance],
    positions: Iterable[Position],
) -> Account:
    """The account as it is before a run: cash, and what is held of the markets."""
    cash = ZERO
    for balance in balances:
        held = balance.available if balance.total is None else balance.total
        cash = EXACT.add(cash, held)
    account = Account(cash)
    for position in positions:
        if position.market_id in contracts and position.size:
            lots = account.held(position.market_id, position.outcome)
            lots.add(position.size, div(position.cost, position.size))
            lots.cost = position.cost
    return account


def rules_learnt(venue: Venue, market: Market) -> Flow[None]:
    """Have an exchange know what an order must keep to: meanwhile its price would get stale.

    Of what a recording does not have in it the order says so that needs it.
    """
    try:
        yield from venue.learn_rules(market)
    except NotRecorded:
        return
