"""The tables of a report, as models of one kind each."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

import attrs

from ..errors import BadRequest
from ..models import Fill, Settlement
from ..models.record import Flat
from ..strategies import Amend, CalibrationBin, Command, Failure, Note, Place

if TYPE_CHECKING:
    from .report import Report

__all__ = ["Decision", "Table", "rows"]

Table: TypeAlias = Literal[
    "calibration",
    "decisions",
    "equity_curve",
    "failures",
    "markets",
    "notes",
    "settlements",
    "trades",
]
"""The fields of a report that are tables."""


@attrs.frozen(kw_only=True, slots=True)
class Decision(Flat):
    """A command as a row: what an ``amend`` or a ``cancel`` does not say is None."""

    at: int
    command: Literal["amend", "cancel", "place"]
    key: str
    market_id: str | None = None
    outcome: str | None = None
    side: str | None = None
    price: Decimal | None = None
    size: Decimal | None = None
    time_in_force: str | None = None
    post_only: bool | None = None
    reduce_only: bool | None = None
    expires_at: datetime | None = None


def rows(report: Report, table: str) -> tuple[Sequence[object], type]:
    """The rows of a table and their kind; `BadRequest` where there is no such table."""
    from .report import EquityPoint, MarketReport  # noqa: PLC0415 - it imports this

    kinds: dict[str, type] = {
        **_KINDS,
        "equity_curve": EquityPoint,
        "markets": MarketReport,
    }
    if table not in kinds:
        names = ", ".join(sorted(kinds))
        raise BadRequest(f"a report has no table {table!r}; it has: {names}")
    if table == "decisions":
        return [_decision(each) for each in report.decisions], Decision
    return getattr(report, table), kinds[table]


_KINDS: Final[dict[str, type]] = {
    "calibration": CalibrationBin,
    "decisions": Decision,
    "failures": Failure,
    "notes": Note,
    "settlements": Settlement,
    "trades": Fill,
}


def _decision(command: Command) -> Decision:
    if isinstance(command, Place):
        return Decision(
            at=command.at,
            command="place",
            key=command.key,
            market_id=command.market_id,
            outcome=command.outcome,
            side=command.side.value,
            price=command.price,
            size=command.size,
            time_in_force=command.time_in_force.value,
            post_only=command.post_only,
            reduce_only=command.reduce_only,
            expires_at=command.expires_at,
        )
    if isinstance(command, Amend):
        price, size = command.price, command.size
        return Decision(
            at=command.at, command="amend", key=command.key, price=price, size=size
        )
    return Decision(at=command.at, command="cancel", key=command.key)
