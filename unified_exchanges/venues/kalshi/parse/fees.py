"""Announced changes of fee rules out of Kalshi's answers."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

import attrs
import msgspec

from ....money import ZERO
from ..wire import catalog as wire
from .reading import Malformed, read

__all__ = ["FeeChange", "event_fee_changes_page", "factor", "series_fee_changes"]


@attrs.frozen(kw_only=True, slots=True)
class FeeChange:
    """A fee rule of a series, or of one event, that holds from ``since`` on (UTC).

    For an event, None in ``fee_type`` or ``fee_multiplier`` gives it back to its series.
    """

    change_id: str
    series_id: str | None
    event_id: str | None
    fee_type: str | None
    fee_multiplier: Decimal | None
    since: datetime


def factor(value: Decimal, field: str) -> Decimal:
    """A multiplier of a fee: a JSON number, kept as its digits."""
    if not value.is_finite() or value < ZERO:
        raise Malformed(field, f"is {value}, not a factor of a fee")
    return value


def _series_changes(w: wire.SeriesFeeChanges, _: bytes) -> list[FeeChange]:
    return [
        FeeChange(
            change_id=x.id,
            series_id=x.series_ticker,
            event_id=None,
            fee_type=x.fee_type,
            fee_multiplier=factor(x.fee_multiplier, "fee_multiplier"),
            since=x.scheduled_ts,
        )
        for x in w.series_fee_change_arr
    ]


def _event_changes(
    w: wire.EventFeeChangesPage, _: bytes
) -> tuple[list[FeeChange], str | None]:
    name = "fee_multiplier_override"
    changes = [
        FeeChange(
            change_id=x.id,
            series_id=x.series_ticker or None,
            event_id=x.event_ticker,
            fee_type=x.fee_type_override or None,
            fee_multiplier=_override(x.fee_multiplier_override, name),
            since=x.scheduled_ts,
        )
        for x in w.event_fee_changes
    ]
    return changes, w.cursor or None


def _override(value: Decimal | None, field: str) -> Decimal | None:
    return None if value is None else factor(value, field)


_SERIES = msgspec.json.Decoder(wire.SeriesFeeChanges)
_EVENTS = msgspec.json.Decoder(wire.EventFeeChangesPage)


def series_fee_changes(body: bytes) -> list[FeeChange]:
    """The fee changes of series."""
    return read(_SERIES, _series_changes, body)


def event_fee_changes_page(body: bytes) -> tuple[list[FeeChange], str | None]:
    """The fee changes of events of a page, and the next cursor."""
    return read(_EVENTS, _event_changes, body)
