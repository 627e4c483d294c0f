"""How a run begins: what it follows, where, and with what."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

from ..errors import BadRequest
from ..models import Balance, Position, Subject
from ..money import EXACT, ZERO, div
from ..paper import Contract
from ..paper.account import Account
from ..venue import Venue
from .strategy import Strategy

__all__ = ["begun", "read_subjects", "routed", "time_of"]

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


def routed(markets: Sequence[str], venues: Sequence[str]) -> dict[str, int]:
    """Which exchange has which market: ids as they are, or after ``venue:``."""
    if isinstance(markets, str):
        raise BadRequest(f"markets are a sequence of ids, not one text: {markets!r}")
    if not markets:
        raise BadRequest("the strategy names no markets: set its `markets`")
    if not venues:
        raise BadRequest("no exchange was given to run on")
    found: dict[str, int] = {}
    for name in markets:
        venue, colon, market_id = name.partition(":")
        if colon and venue in venues:
            found[market_id] = venues.index(venue)
        elif len(venues) == 1:
            found[name] = 0
        else:
            raise BadRequest(
                f"market {name!r} is on one of {', '.join(venues)}: say which, as in "
                f"'{venues[0]}:{name}'"
            )
    return found


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
