"""What callers pass to listings: ids, limits, spans of time and outcomes, checked here.

Whatever is wrong raises `BadRequest` before anything is sent.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

import attrs

from ...errors import BadRequest

__all__ = [
    "LAST_SUBACCOUNT",
    "NO",
    "YES",
    "Span",
    "page_size",
    "pages_for",
    "read_id",
    "read_ids",
    "read_limit",
    "read_moment",
    "read_optional_id",
    "read_outcome",
    "read_params",
    "read_several",
    "refuse_unknown",
]

YES: Final = "yes"
NO: Final = "no"
LAST_SUBACCOUNT: Final = 63
_SELF_TRADE: Final = ("taker_at_cross", "maker")

# A comma would split one id into two in the lists of a query.
_UNSAFE: Final = frozenset(" /?#%&,\\\"'<>")
_LONGEST: Final = 200
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def read_id(name: str, value: object) -> str:
    """Read an id of Kalshi's; what cannot be in a URL path is not one."""
    if (
        isinstance(value, str)
        and 0 < len(value) <= _LONGEST
        and value.isascii()
        and value.isprintable()
        and value.strip(".")
        and _UNSAFE.isdisjoint(value)
    ):
        return value
    _refuse_object(name, value)
    message = (
        f"{name} {value!r} is not an id of Kalshi's: those are letters, digits and "
        "dashes, as listings give them"
    )
    raise BadRequest(message, venue="kalshi")


def read_optional_id(name: str, value: object) -> str | None:
    """Read an id where None means that it does not matter."""
    return None if value is None else read_id(name, value)


def read_ids(name: str, values: Iterable[str]) -> list[str]:
    """Read several ids, each once, in the order given."""
    if isinstance(values, str):
        message = f"{name} is a list of ids, not the one text {values!r}"
        raise BadRequest(message, venue="kalshi")
    return list(dict.fromkeys(read_id(name, x) for x in read_several(name, values)))


def read_several(name: str, values: object) -> list[Any]:
    """Read what holds several, be it a list or a generator; a set has no order, so by name.

    What is in it may still be anything.
    """
    if isinstance(values, set | frozenset):
        return sorted(values, key=str)
    if isinstance(values, Iterable):
        return list(values)
    _refuse_object(name, values)
    raise BadRequest(f"{name} is a list of ids, not {values!r}", venue="kalshi")


def _refuse_object(name: str, value: object) -> None:
    """Say of a model that was passed in place of its id where that is."""
    field = name.removesuffix("s")
    if isinstance(getattr(value, field, None), str):
        kind = type(value).__name__
        message = f"{name} takes ids, not a {kind}: pass its .{field}"
        raise BadRequest(message, venue="kalshi")


def read_limit(limit: object) -> int | None:
    """Read how many items are wanted; None is all of them."""
    if limit is None:
        return None
    if isinstance(limit, int) and not isinstance(limit, bool) and limit >= 1:
        return limit
    message = f"limit {limit!r} is not a whole number of at least 1; None means all"
    raise BadRequest(message, venue="kalshi")


def page_size(limit: int | None, most: int = 1000) -> int:
    """How many items to ask for in one page, so that none is read in vain."""
    return most if limit is None else min(limit, most)


def pages_for(limit: int | None, most: int = 1000) -> int | None:
    """How many pages a limit can need; None is no bound."""
    return None if limit is None else -(-limit // page_size(limit, most))


def read_moment(name: str, moment: object) -> datetime | None:
    """Read an aware time as UTC."""
    if moment is None:
        return None
    if not isinstance(moment, datetime):
        message = f"{name} {moment!r} is not a datetime; pass datetime(…, tzinfo=UTC)"
        raise BadRequest(message, venue="kalshi")
    if moment.utcoffset() is None:
        message = f"{name} {moment} has no time zone; pass datetime(…, tzinfo=UTC)"
        raise BadRequest(message, venue="kalshi")
    return moment.astimezone(UTC)


def read_outcome(outcome: object) -> str:
    """Read an outcome, in any case; every market of Kalshi's has the same two."""
    if outcome is None:
        return YES
    if isinstance(outcome, str) and outcome.casefold() in (YES, NO):
        return outcome.casefold()
    message = f"outcome {outcome!r} is not one of yes, no"
    raise BadRequest(message, venue="kalshi")


def read_params(
    params: object, taken: Iterable[str], known: Mapping[str, type]
) -> dict[str, str | int | bool]:
    """Read the caller's venue words: each known, of its type, and without an argument.

    ``taken`` are the words that have an argument, ``known`` the others that Kalshi
    documents for the call, with their types.  Kalshi ignores what it does not know, so a
    slip of the pen would pass for an answer: everything else raises `BadRequest`.
    """
    if params is None:
        return {}
    if not isinstance(params, Mapping):
        message = (
            f"params is a mapping of Kalshi's words to values, not {params!r}: such as "
            '{"word": 1}'
        )
        raise BadRequest(message, venue="kalshi")
    given = dict(params)
    if clashing := sorted(given.keys() & set(taken)):
        message = (
            f"params may not hold {', '.join(clashing)}: use the method's arguments"
        )
        raise BadRequest(message, venue="kalshi")
    for name, value in given.items():
        refuse_unknown("params", name, known)
        if type(value) is not known[name]:
            kind = known[name].__name__
            message = f"params {name}={value!r} must be {kind}"
            raise BadRequest(message, venue="kalshi")
        _check_value(name, value)
    return given


def _check_value(name: str, value: object) -> None:
    """Refuse a value that Kalshi documents as wrong (docs.kalshi.com, 2026-10)."""
    if name == "subaccount" and value not in range(LAST_SUBACCOUNT + 1):
        allowed = f"a number from 0 to {LAST_SUBACCOUNT}"
    elif name == "exchange_index" and isinstance(value, int) and value < -1:
        allowed = "the number of a shard, or -1 for Kalshi's own routing"
    elif name == "self_trade_prevention_type" and value not in _SELF_TRADE:
        allowed = " or ".join(_SELF_TRADE)
    else:
        return
    raise BadRequest(f"params {name}={value!r} is not {allowed}", venue="kalshi")


def refuse_unknown(where: str, name: object, known: Iterable[str]) -> None:
    """Refuse a word that is not known, naming those that are and the closest."""
    words = sorted(known)
    if name in words:
        return
    from difflib import get_close_matches  # noqa: PLC0415 - only slips need it

    listed = ", ".join(words) if words else "none"
    near = get_close_matches(str(name), words, 1)
    meant = f" Did you mean {near[0]}?" if near else ""
    message = f"{where} {name!r} is not known here; known: {listed}.{meant}"
    if where == "params":
        message += " For words newer than this library use request()"
    raise BadRequest(message, venue="kalshi")


@attrs.frozen(slots=True, eq=False, repr=False)
class Span:
    """The time from ``since`` to ``until``, both included; None is no bound."""

    since: datetime | None = None
    until: datetime | None = None

    @classmethod
    def read(cls, since: object, until: object) -> Span:
        """Read a caller's span."""
        start, end = read_moment("since", since), read_moment("until", until)
        if start is not None and end is not None and start > end:
            message = f"since {start} is after until {end}"
            raise BadRequest(message, venue="kalshi")
        return cls(start, end)

    def boundary(self, cutoff: datetime) -> datetime | None:
        """The cutoff, or None if the whole span is after it."""
        return None if self.since is not None and self.since >= cutoff else cutoff

    def query(self) -> Mapping[str, int | None]:
        """The span in whole seconds, a little wider, because Kalshi says "after".

        Whether its bounds belong to the answer is not documented (docs.kalshi.com,
        2026-10), and what happened within a second must not be lost: ask for more and
        keep what `holds`.
        """
        since, until = self.since, self.until
        return {
            "min_ts": None if since is None else max(0, _seconds(since) - 1),
            "max_ts": None if until is None else max(0, _seconds(until) + 2),
        }

    def holds(self, moment: datetime | None) -> bool:
        """Whether something of that time belongs to the span; unknown times do."""
        if moment is None:
            return True
        if self.since is not None and moment < self.since:
            return False
        return self.until is None or moment <= self.until


def _seconds(moment: datetime) -> int:
    since_epoch = moment - _EPOCH
    return since_epoch.days * 86_400 + since_epoch.seconds
