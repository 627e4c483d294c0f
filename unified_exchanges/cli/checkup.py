"""What a look at the connection found, and how it is shown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import attrs
from rich.console import (
    Console,
    ConsoleOptions,
    Group,
    RenderableType,
    RenderResult,
)
from rich.text import Text

from ..alerts import AlertPolicy
from ..models import Health, Latency, StreamHealth
from .board import health_line
from .layout import NOTHING, Column, lay_out, moment

__all__ = ["Checkup", "line", "picture"]

_WIDE = 72
"""Characters from which on there is room for what may be at most."""
_AILING = frozenset({"paused", "stopped"})
_BEGINNING = frozenset({"connecting", "degraded"})
"""States that are those of a beginning too, before anything has gone wrong."""


@attrs.frozen(kw_only=True)
class Checkup:
    """All that is known of a connection at one moment.

    ``trouble`` is why the stream is not followed, or what went wrong with it.
    """

    venue: str
    environment: str
    health: Health
    stream: StreamHealth
    is_followed: bool
    trouble: str
    thresholds: AlertPolicy
    unknown: str = ""
    """Why a market that was named cannot be looked at."""

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why it is not healthy."""
        stream = self.stream
        told = list(self.health.reasons)
        if self.unknown:
            told.append(self.unknown)
        if not self.is_followed:
            return tuple(told)
        if self.trouble:
            told.append(self.trouble)
        elif stream.state in _AILING or (
            stream.state in _BEGINNING and stream.last_error
        ):
            why = f": {stream.last_error}" if stream.last_error else ""
            told.append(f"the stream is {stream.state}{why}")
        return tuple(told)

    @property
    def is_healthy(self) -> bool:
        """Whether nothing is wrong; a threshold that is crossed is not."""
        return not self.reasons

    def to_dict(self) -> dict[str, object]:
        """For programs."""
        return {
            "venue": self.venue,
            "environment": self.environment,
            "is_healthy": self.is_healthy,
            "reasons": list(self.reasons),
            "alerts": list(self.health.alerts),
            "thresholds": attrs.asdict(
                self.thresholds, filter=lambda field, _: field.name != "log"
            ),
            "health": self.health.to_dict(),
            "stream": self.stream.to_dict() if self.is_followed else None,
        }


@attrs.frozen
class _Row:
    what: str
    found: str
    most: str = ""
    is_above: bool = False


def picture(found: Checkup) -> RenderableType:
    """A verdict, a table of what was measured, and what is wrong."""
    notes = [Text(f"! {alert}", style="yellow") for alert in found.health.alerts]
    if found.trouble and not found.is_followed:
        notes.append(Text(f"the stream is not followed: {found.trouble}", style="dim"))
    notes += [Text(f"✗ {reason}", style="red") for reason in found.reasons]
    return Group(_verdict(found), Text(), _Measured(list(_rows(found))), *notes)


@attrs.frozen
class _Measured:
    """The rows, on a narrow terminal without what they may be at most.

    No row is left out, however narrow it is: a missing line would look like zero.
    """

    rows: Sequence[_Row]

    def __rich_console__(
        self, console: Console, options: ConsoleOptions
    ) -> RenderResult:
        columns = [
            Column[_Row]("measured", lambda row: row.what),
            Column[_Row]("", _value),
        ]
        if options.max_width >= _WIDE:
            columns.append(
                Column[_Row]("at most", lambda row: Text(row.most, style="dim"))
            )
        table, _ = lay_out(columns, self.rows, 10_000)
        yield table


def line(found: Checkup) -> Text:
    """The most important of it in a line."""
    health, stream = found.health, found.stream
    parts = [
        f"errors {_share(health.error_rate)}",
        f"read {_p90(health.latency)}",
        f"ack {_p90(health.acknowledgement)}",
    ]
    if found.is_followed:
        parts += [f"message {_p90(stream.latency)}", health_line(stream).plain]
    parts += [*health.alerts, *found.reasons]
    return Text.assemble(_verdict(found), "  ", " · ".join(parts))


def _verdict(found: Checkup) -> Text:
    word = ("healthy", "green") if found.is_healthy else ("UNHEALTHY", "bold red")
    return Text.assemble((f"{found.venue} {found.environment} ", "bold"), word)


def _rows(found: Checkup) -> Iterator[_Row]:
    yield from _requests(found.health, found.thresholds)
    if found.is_followed:
        yield from _stream(found.stream, found.thresholds)
    unresolved = found.health.unresolved_orders
    yield _Row("unresolved orders", NOTHING if unresolved is None else str(unresolved))


def _requests(health: Health, most: AlertPolicy) -> Iterator[_Row]:
    counted = (
        f"{_share(health.error_rate)}  "
        f"({health.errors:,} of {health.requests:,} requests failed)"
    )
    share = most.error_share(health.requests, health.errors)
    above = most.errors is not None and share is not None and share > most.errors
    yield _Row("errors, last minute", counted, _share(most.errors), above)
    yield _Row("latency of reads", _times(health.latency))
    yield _timed(
        "order acknowledgement", health.acknowledgement, most.acknowledgement_ms
    )
    for name, used in health.limiter_used.items():
        limit = most.limiter_used
        above = limit is not None and used > limit
        shown = "" if limit is None else f"{limit:g} used"
        yield _Row(f"limiter, {name}", f"{used:.2f} used", shown, above)
    offset = health.clock_offset_ms
    yield _Row("clock offset", NOTHING if offset is None else f"{offset:+,} ms")
    yield _Row("last contact", f"{moment(health.last_contact_at)}")
    if health.key_expires_at is not None:
        yield _Row("key until", f"{moment(health.key_expires_at)}")


def _stream(stream: StreamHealth, most: AlertPolicy) -> Iterator[_Row]:
    yield _Row("stream", stream.state)
    yield _timed("latency of messages", stream.latency, most.latency_ms)
    yield _Row("messages", f"{stream.messages:,}")
    yield _Row("reconnections", f"{max(0, stream.connections - 1):,}")
    yield _Row("gaps", f"{stream.gaps:,}")
    stale = f"{stream.stale_books:,}"
    if stream.stale_ms:
        stale += f"  (for {stream.stale_ms:,.0f} ms)"
    yield _Row("stale books", stale)
    if stream.silence_ms is not None:
        yield _Row("silence", f"{stream.silence_ms:,.0f} ms")


def _timed(what: str, measured: Latency, most: float | None) -> _Row:
    limit = "" if most is None else f"p90 {most:g} ms"
    slow = measured.p90_ms
    above = most is not None and slow is not None and slow > most
    return _Row(what, _times(measured), limit, above)


def _times(measured: Latency) -> str:
    if measured.p50_ms is None:
        return NOTHING
    return (
        f"p50 {measured.p50_ms:.1f}  p90 {measured.p90_ms:.1f}  p99 {measured.p99_ms:.1f} ms  "
        f"({measured.count:,})"
    )


def _p90(measured: Latency) -> str:
    return NOTHING if measured.p90_ms is None else f"{measured.p90_ms:.1f} ms"


def _share(most: float | None) -> str:
    return "" if most is None else f"{most * 100:.1f}".removesuffix(".0") + "%"


def _value(row: _Row) -> Text:
    return Text(row.found, style="bold yellow" if row.is_above else "")
