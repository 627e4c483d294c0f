"""The options that commands share, each written once."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from enum import Enum
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Final, TypeAlias

import typer

from ..errors import BadRequest

__all__ = [
    "COMMON",
    "All",
    "EventOption",
    "Every",
    "Json",
    "Lasting",
    "Limit",
    "MarketArgument",
    "MarketOption",
    "OutcomeOption",
    "SeriesOption",
    "Since",
    "State",
    "TagOption",
    "Until",
    "bounded",
    "instant",
    "lasting",
    "spacing",
]

_CONNECTION = "Connection"

Json: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--json", help="Print JSON: one object for each line, amounts as text."
    ),
]
Venue: TypeAlias = Annotated[
    str,
    typer.Option(
        "--venue",
        help="Exchange id.",
        envvar="UNIFIED_EXCHANGES_VENUE",
        rich_help_panel=_CONNECTION,
    ),
]
Environment: TypeAlias = Annotated[
    str,
    typer.Option(
        "--environment",
        help="production, demo, local or a base URL.",
        envvar="UNIFIED_EXCHANGES_ENVIRONMENT",
        rich_help_panel=_CONNECTION,
    ),
]
Live: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--live",
        help="Allow orders where money is real.",
        rich_help_panel=_CONNECTION,
    ),
]
Paper: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--paper",
        metavar="FILE",
        help="Trade on paper against the venue's market; the account is kept in FILE.",
        envvar="UNIFIED_EXCHANGES_PAPER",
        rich_help_panel=_CONNECTION,
    ),
]
ApiKey: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--api-key",
        help="Id of the key; default: the venue's environment variable.",
        rich_help_panel=_CONNECTION,
    ),
]
PrivateKeyPath: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--private-key-path",
        help="File with the private key, readable by you alone.",
        rich_help_panel=_CONNECTION,
    ),
]
Timeout: TypeAlias = Annotated[
    float,
    typer.Option(
        "--timeout",
        min=0.001,
        help="Seconds for one request.",
        rich_help_panel=_CONNECTION,
    ),
]
Debug: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--debug",
        help="Show where in the code an error arose.",
        rich_help_panel=_CONNECTION,
    ),
]

COMMON: dict[str, tuple[object, object]] = {
    "as_json": (Json, False),
    "venue": (Venue, "kalshi"),
    "environment": (Environment, "production"),
    "live": (Live, False),
    "paper": (Paper, None),
    "api_key": (ApiKey, None),
    "private_key_path": (PrivateKeyPath, None),
    "timeout": (Timeout, 10.0),
    "debug": (Debug, False),
}
"""What every command that asks a venue takes: name, annotation and default."""


class State(str, Enum):
    """Which markets or events a listing is asked for."""

    unopened = "unopened"
    open = "open"
    paused = "paused"
    closed = "closed"
    settled = "settled"
    all = "all"


MarketArgument: TypeAlias = Annotated[
    str, typer.Argument(metavar="MARKET", help="Market id, as `markets` lists it.")
]
MarketOption: TypeAlias = Annotated[
    str | None, typer.Option("--market", metavar="ID", help="Only this market.")
]
EventOption: TypeAlias = Annotated[
    str | None, typer.Option("--event", metavar="ID", help="Only this event.")
]
SeriesOption: TypeAlias = Annotated[
    str | None, typer.Option("--series", metavar="ID", help="Only this series.")
]
TagOption: TypeAlias = Annotated[
    str | None,
    typer.Option("--tag", metavar="ID", help="Only with this tag, as `tags` lists it."),
]
OutcomeOption: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--outcome", help="In terms of this outcome, such as no; default the first."
    ),
]
Limit: TypeAlias = Annotated[
    int, typer.Option("--limit", "-n", min=1, help="At most so many.")
]
All: TypeAlias = Annotated[
    bool, typer.Option("--all", help="All of them, however many pages it takes.")
]
Since: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--since", metavar="TIME", help="From a time on, or for so long: 24h, 7d."
    ),
]
Until: TypeAlias = Annotated[
    str | None, typer.Option("--until", metavar="TIME", help="Up to a time.")
]
Every: TypeAlias = Annotated[
    str,
    typer.Option(
        "--every", metavar="SPAN", help="How far apart, such as 1m, 15m, 1h or 1d."
    ),
]

Lasting: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--for", metavar="SPAN", help="End after so long: 60 or 1.5s, 15m, 24h."
    ),
]

_UNITS: Final = {"": 1, "s": 1, "m": 60, "h": 3_600, "d": 86_400}
"""Seconds of each; a number alone is of seconds."""
# No longer than what is read at once whatever stands there.
_SPAN: Final = re.compile(r"([0-9]{1,15}(?:\.[0-9]{1,9})?)([smhd]?)")


def bounded(limit: int, everything: bool) -> tuple[int | None, int | None]:
    """How many to show, and how many to ask for: one more tells whether there are more."""
    return (None, None) if everything else (limit, limit + 1)


def instant(
    given: str | None, *, ahead: bool, now: datetime | None = None
) -> datetime | None:
    """Read a time with its zone, or a span such as ``90s`` from now, ``ahead`` or back.

    >>> noon = datetime(2026, 11, 21, 12, tzinfo=UTC)
    >>> instant("2h", ahead=True, now=noon).hour
    14
    """
    if given is None:
        return None
    # Venues take whole seconds, and a number alone may be meant as anything.
    is_span = given[-1:].isalpha() and "." not in given
    if is_span and (span := _span(given)) is not None:
        now = (now or datetime.now(UTC)).replace(microsecond=0)
        return now + span if ahead else now - span
    try:
        time = datetime.fromisoformat(given)
    except ValueError:
        time = None
    if time is None or time.tzinfo is None:
        message = (
            f"time {given!r} is neither a span such as 30s, 15m, 24h or 7d nor a time "
            "with its zone such as 2026-11-21T12:00:00Z"
        )
        raise BadRequest(message)
    return time


def lasting(given: str | None) -> float | None:
    """Read for how many seconds something is to last, as ``--for`` says it.

    >>> lasting("2h"), lasting("1.5"), lasting(None)
    (7200.0, 1.5, None)
    """
    return None if given is None else spacing(given, "--for").total_seconds()


def spacing(given: str, option: str) -> timedelta:
    """Read the span of time of an option, such as ``15m``.

    >>> spacing("15m", "--every")
    datetime.timedelta(seconds=900)
    """
    span = _span(given)
    if not span:
        raise BadRequest(
            f"{option} {given!r} is no span of time above 0: write seconds, as 60 or 1.5s, "
            "or such as 15m, 24h or 7d"
        )
    return span


def _span(given: str) -> timedelta | None:
    found = _SPAN.fullmatch(given)
    if found is None:
        return None
    microseconds = Fraction(found[1]) * _UNITS[found[2]] * 1_000_000
    if microseconds.denominator != 1:
        return None
    try:
        return timedelta(microseconds=int(microseconds))
    except OverflowError:
        return None
