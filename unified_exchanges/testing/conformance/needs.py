"""What a test needs of a venue; where the venue describes itself otherwise, it is skipped."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Literal, TypeAlias, TypeVar

from ...description import METHODS, Description

__all__ = ["Need", "lacking", "needs", "unmet"]

Need: TypeAlias = Literal[
    "one book", "idempotent create", "client order ids", "dry run", "numbered books"
]
"""One book for all outcomes, so that they are complements; creates that may be sent again
without harm; client order ids that make them so; dry runs; changes of books that bear
numbers, so that one that is missing shows in the next."""

T = TypeVar("T", bound=Callable[..., object])

_NEEDS: Final[Mapping[Need, Callable[[Description], bool]]] = {
    "one book": lambda facts: facts.outcome_books == "one",
    "idempotent create": lambda facts: facts.idempotent_create != "none",
    "client order ids": lambda facts: facts.idempotent_create == "client_order_id",
    "dry run": lambda facts: bool(facts.has.get("dry_run")),
    "numbered books": lambda facts: facts.book_checks == "numbers",
}
_FEATURES: Final = ("client_order_id", "post_only", "reduce_only")


def needs(*wanted: Need) -> Callable[[T], T]:
    """Mark a test of what not every venue is like."""

    def mark(test: T) -> T:
        vars(test)["needs"] = wanted
        return test

    return mark


def unmet(test: object, facts: Description) -> str | None:
    """Why a test does not apply to a venue, by its marks."""
    wanted: tuple[Need, ...] = getattr(test, "needs", ())
    for need in wanted:
        if not _NEEDS[need](facts):
            return f"{facts.id} is described otherwise: {need}"
    return None


def lacking(
    facts: Description, method: str, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> str | None:
    """What a call asks for that a venue does not have, by its description."""
    listed = method.replace("iter_", "fetch_", 1)
    if listed in METHODS and not facts.has.get(listed):
        return f"{facts.id} has no {listed}"
    for name in _FEATURES:
        if kwargs.get(name) and not facts.has.get(name):
            return f"{facts.id} has no {name}"
    lasting = kwargs.get("time_in_force")
    if lasting in {"ioc", "fok", "gtc"} and lasting not in facts.time_in_force:
        return f"{facts.id} has no {lasting} orders"
    if kwargs.get("type") == "market" and not facts.has.get("create_market_order"):
        return f"{facts.id} has no market orders"
    if method == "fetch_ohlcv" and args[1] not in facts.periods:
        return f"{facts.id} has no candles of {args[1]}"
    return None
