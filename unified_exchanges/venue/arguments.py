"""What callers pass to listings: ids, limits, spans of time and venue words, checked here.

Whatever is wrong raises `BadRequest` before anything is sent.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import attrs

from ..errors import (
    BadRequest,
    EventNotFound,
    MarketNotFound,
    OrderNotFound,
    UnifiedExchangesError,
)
from ..hidden import told
from ..models import Outcome

__all__ = ["Arguments", "Span", "page_size", "pages_for"]

# A comma would split one id into two in the lists of a query.
_UNSAFE: Final = frozenset(" /?#%&,\\\"'<>")
_LONGEST: Final = 200
_ABSENT: Final[Mapping[str, type[UnifiedExchangesError]]] = {
    "market_id": MarketNotFound,
    "event_id": EventNotFound,
    "series_id": EventNotFound,
    "order_id": OrderNotFound,
}
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MINUTE: Final = timedelta(minutes=1)
_DAY: Final = timedelta(days=1)


def _anything(name: str, value: object) -> str | None:  # noqa: ARG001
    return None


@attrs.frozen(kw_only=True, slots=True, eq=False)
class Arguments:
    """Reads arguments for one venue; its errors name it, and say what ids look like.

    An id that is certainly another venue's is known to no market, event or order here.
    ``ids`` completes "those are …".  ``wrong`` says of a venue word and a value of its type
    what is allowed instead, or None if it may be.
    """

    venue: str
    people: str
    """The venue as people write it."""
    ids: str
    foreign: re.Pattern[str] | None = None
    """What no id of the venue's looks like, but those of others do."""
    wrong: Callable[[str, object], str | None] = _anything

    def read_id(self, name: str, value: object) -> str:
        """Read an id of the venue's; what cannot be in a URL path is not one."""
        if (
            isinstance(value, str)
            and 0 < len(value) <= _LONGEST
            and value.isascii()
            and value.isprintable()
            and value.strip(".")
            and _UNSAFE.isdisjoint(value)
        ):
            if self.foreign is not None and self.foreign.fullmatch(value):
                raise self._absent(name, value)
            return value
        self._refuse_object(name, value)
        given = f"{name} {told(value)}"
        message = f"{given} is not an id of {self.people}'s: those are {self.ids}"
        raise self.refusal(message)

    def _absent(self, name: str, value: str) -> UnifiedExchangesError:
        what = name.removesuffix("s")
        message = (
            f"no {what.removesuffix('_id')} {told(value)}: that is another venue's id; "
            f"{self.people}'s are {self.ids}"
        )
        return _ABSENT.get(what, BadRequest)(message, venue=self.venue)

    def read_optional_id(self, name: str, value: object) -> str | None:
        """Read an id where None means that it does not matter."""
        return None if value is None else self.read_id(name, value)

    def read_ids(self, name: str, values: Iterable[str]) -> list[str]:
        """Read several ids, each once, in the order given."""
        if isinstance(values, str):
            message = f"{name} is a list of ids, not the one text {told(values)}"
            raise self.refusal(message)
        several = self.read_several(name, values)
        return list(dict.fromkeys(self.read_id(name, x) for x in several))

    def read_several(self, name: str, values: object) -> list[Any]:
        """Read what holds several, be it a list or a generator; a set by name.

        A set has no order of its own.  What is in it may still be anything.
        """
        if isinstance(values, set | frozenset):
            return sorted(values, key=str)
        if isinstance(values, Iterable):
            return list(values)
        self._refuse_object(name, values)
        raise self.refusal(f"{name} is a list of ids, not {told(values)}")

    def _refuse_object(self, name: str, value: object) -> None:
        """Say of a model that was passed in place of its id where that is."""
        field = name.removesuffix("s")
        if isinstance(value, Outcome):
            raise self.refusal(
                f"{name} takes ids, not an Outcome, which does not say of which market it "
                "is: pass the .market_id of its Market, and its .label as outcome="
            )
        if isinstance(getattr(value, field, None), str):
            kind = type(value).__name__
            raise self.refusal(f"{name} takes ids, not a {kind}: pass its .{field}")

    def read_limit(self, limit: object) -> int | None:
        """Read how many items are wanted; None is all of them."""
        if limit is None:
            return None
        if isinstance(limit, int) and not isinstance(limit, bool) and limit >= 1:
            return limit
        message = f"limit {limit!r} is not a whole number of at least 1; None means all"
        raise self.refusal(message)

    def read_resolution(self, resolution: object) -> int:
        """Read how far apart points are wanted, in seconds."""
        if (
            isinstance(resolution, timedelta)
            and _MINUTE <= resolution <= _DAY
            and not resolution % _MINUTE
        ):
            return resolution // timedelta(seconds=1)
        message = (
            f"resolution {resolution!r} is not whole minutes from one to a day: pass "
            "timedelta(hours=1) or the like"
        )
        raise self.refusal(message)

    def read_moment(self, name: str, moment: object) -> datetime | None:
        """Read an aware time as UTC."""
        if moment is None:
            return None
        advice = "pass datetime(…, tzinfo=UTC)"
        if not isinstance(moment, datetime):
            raise self.refusal(f"{name} {moment!r} is not a datetime; {advice}")
        if moment.utcoffset() is None:
            raise self.refusal(f"{name} {moment} has no time zone; {advice}")
        return moment.astimezone(UTC)

    def read_span(self, since: object, until: object) -> Span:
        """Read a caller's span of time."""
        start = self.read_moment("since", since)
        end = self.read_moment("until", until)
        if start is not None and end is not None and start > end:
            raise self.refusal(f"since {start} is after until {end}")
        return Span(start, end)

    def read_params(
        self, params: object, taken: Iterable[str], known: Mapping[str, type]
    ) -> dict[str, str | int | bool]:
        """Read the caller's venue words: each known, of its type, and without an argument.

        ``taken`` are the words that have an argument, ``known`` the others that the venue
        documents for the call, with their types.  Venues ignore what they do not know, so
        a slip of the pen would pass for an answer: everything else raises `BadRequest`.
        """
        if params is None:
            return {}
        if not isinstance(params, Mapping):
            message = (
                f"params is a mapping of {self.people}'s words to values, not "
                f'{params!r}: such as {{"word": 1}}'
            )
            raise self.refusal(message)
        given = dict(params)
        if clashing := sorted(given.keys() & set(taken)):
            message = (
                f"params may not hold {', '.join(clashing)}: use the method's arguments"
            )
            raise self.refusal(message)
        for name, value in given.items():
            self.refuse_unknown("params", name, known)
            if type(value) is not known[name]:
                kind = known[name].__name__
                raise self.refusal(f"params {name}={value!r} must be {kind}")
            allowed = self.wrong(name, value)
            if allowed is not None:
                raise self.refusal(f"params {name}={value!r} is not {allowed}")
        return given

    def refuse_unknown(self, where: str, name: object, known: Iterable[str]) -> None:
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
        raise self.refusal(message)

    def refusal(self, message: str) -> BadRequest:
        """The error of this venue for an argument that is wrong."""
        return BadRequest(message, venue=self.venue)


def page_size(limit: int | None, most: int = 1000) -> int:
    """How many items to ask for in one page, so that none is read in vain."""
    return most if limit is None else min(limit, most)


def pages_for(limit: int | None, most: int = 1000) -> int | None:
    """How many pages a limit can need; None is no bound."""
    return None if limit is None else -(-limit // page_size(limit, most))


@attrs.frozen(slots=True, eq=False, repr=False)
class Span:
    """The time from ``since`` to ``until``, both included; None is no bound."""

    since: datetime | None = None
    until: datetime | None = None

    def boundary(self, cutoff: datetime) -> datetime | None:
        """The cutoff, or None if the whole span is after it."""
        return None if self.since is not None and self.since >= cutoff else cutoff

    def seconds(self) -> tuple[int | None, int | None]:
        """The span in whole seconds, a little wider.

        Venues do not say whether a bound belongs to the answer, and what happened within
        a second must not be lost: ask for more and keep what `holds`.
        """
        since, until = self.since, self.until
        return (
            None if since is None else max(0, _seconds(since) - 1),
            None if until is None else max(0, _seconds(until) + 2),
        )

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
