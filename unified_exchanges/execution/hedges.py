"""Hedges as the journal has them: written down before they begin, and read after a crash.

The ids of a hedge's orders follow from its name, so that whoever comes after a crash can
tell from the journal and the venue which of them were placed and what became of them.
"""

from __future__ import annotations

import json
import logging
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import attrs

from ..errors import (
    BadRequest,
    OrderNotFound,
    OrderUnknown,
    UnifiedExchangesError,
)
from ..flow import AskIntent, Flow, Load, Save
from ..money import read_number, text
from ..venue import Venue
from .desk import Desk
from .outcomes import SHOWN, looked_up, priced
from .report import HedgeReport, LegReport, LegState

__all__ = ["Begun", "begin", "leg_key", "read_name", "sale_key"]

_log = logging.getLogger(__name__)

_LAST = "last hedge"
"""Under which the journal has the name of the one that began last."""
_AMOUNTS = ("size", "limit", "bound", "most", "payout", "against")
_CRASHED = "may be at the venue: call reconcile(), then look again"


def read_name(name: object) -> str | None:
    """The name that a caller gave a hedge, None if it is to be drawn."""
    if name is None or (isinstance(name, str) and name.strip() and name.isprintable()):
        return name
    raise BadRequest(f"a hedge's name is a printable text, not {name!r}")


def leg_key(name: str, number: int) -> str:
    """The client order id of a leg, counted from 1."""
    return _id_of("leg", name, number)


def sale_key(name: str, number: int) -> str:
    """The client order id of the sale back of a leg."""
    return _id_of("sale back", name, number)


def _id_of(what: str, name: str, number: int) -> str:
    # A UUID is what venues ask for.
    return str(
        uuid5(NAMESPACE_URL, f"unified-exchanges:hedge:{what} {number} of\n{name}")
    )


def begin(venue: Venue, report: HedgeReport) -> Flow[None]:
    """Write a hedge down before its first order; a name is good for one."""
    # No two writings are alike: one that looks like ours is not taken for it.
    told = json.dumps(
        {**_terms(report), "written": f"{venue.settings.rng.getrandbits(128):x}"}
    )
    stands = yield Save(venue.account, _key(report.name), told, None)
    if stands != told:
        message = (
            f"a hedge named {report.name!r} was begun before, and nothing was sent: "
            "hedge_report() tells what became of it. A new hedge needs a new name"
        )
        raise BadRequest(message, venue=venue.id)
    last = yield Load(venue.account, _LAST)
    while last != report.name:
        assert last is None or isinstance(last, str)
        last = yield Save(venue.account, _LAST, report.name, last)
    _log.info("hedge %r begins: %d legs", report.name, len(report.legs))


@attrs.frozen(slots=True)
class Begun:
    """A hedge that was begun: the one that began last if ``name`` is None."""

    name: str | None = attrs.field(converter=read_name)

    def flow(self, desk: Desk) -> Flow[HedgeReport]:
        """What became of it, leg by leg as it stands now; nothing is sent."""
        venue = desk.venue
        report = yield from _recalled(venue, self.name)
        legs: list[LegReport] = []
        for number, planned in enumerate(report.legs, 1):
            leg = yield from _seen(desk, planned)
            if leg.filled:
                leg = yield from _with_sale(desk, leg, sale_key(report.name, number))
            legs.append(leg)
        end = venue.clock.monotonic() + SHOWN
        for index, leg in enumerate(legs):
            legs[index] = yield from priced(venue, leg, end)
        return attrs.evolve(report, legs=tuple(legs))


def _seen(desk: Desk, leg: LegReport) -> Flow[LegReport]:
    """What became of the order that a leg's client order id names, by one look."""
    assert leg.client_order_id is not None
    try:
        return (yield from looked_up(desk, leg))
    except OrderNotFound as error:
        intent = yield AskIntent(desk.venue.account, leg.client_order_id)
        if intent is None and not error.maybe_executed:
            # It would be in the journal, had it been about to leave.
            return attrs.evolve(leg, state=LegState.SKIPPED)
        return attrs.evolve(leg, error=error)
    except UnifiedExchangesError as error:
        return attrs.evolve(leg, error=error)


def _with_sale(desk: Desk, leg: LegReport, key: str) -> Flow[LegReport]:
    asked = attrs.evolve(
        leg, state=LegState.UNKNOWN, client_order_id=key, order=None, error=None
    )
    sale = yield from _seen(desk, asked)
    if sale.order is not None:
        return attrs.evolve(leg, unwinding=sale.order, unwound=sale.filled)
    if sale.state is LegState.UNKNOWN:
        message = f"the sale back {key} {_CRASHED}"
        lost = OrderUnknown(message, venue=desk.venue.id, client_order_id=key)
        return attrs.evolve(leg, unwinding_error=lost)
    return attrs.evolve(leg, unwinding_error=sale.error)


# -- what is written -------------------------------------------------------------------


def _key(name: str) -> str:
    """What a hedge is called in the journal, where other things may have names."""
    return f"hedge {name}"


def _terms(report: HedgeReport) -> dict[str, Any]:
    legs = [
        {
            "market_id": leg.market_id,
            "outcome": leg.outcome,
            **{name: text(getattr(leg, name)) for name in _AMOUNTS},
        }
        for leg in report.legs
    ]
    return {
        "legs": legs,
        "budget": text(report.budget),
        "size": text(report.size),
        "on_failure": report.on_failure,
    }


def _recalled(venue: Venue, name: str | None) -> Flow[HedgeReport]:
    if name is None:
        name = yield from _load(venue, _LAST)
        if name is None:
            raise BadRequest("no hedge was begun by this journal", venue=venue.id)
    told = yield from _load(venue, _key(name))
    if told is None:
        message = f"no hedge named {name!r} was begun by this journal"
        raise BadRequest(message, venue=venue.id)
    try:
        return _report_of(name, json.loads(told))
    except (ValueError, KeyError, TypeError) as error:
        message = (
            f"the record of hedge {name!r} in the journal cannot be read ({error!r}): "
            "look at the account's orders and positions"
        )
        raise BadRequest(message, venue=venue.id) from error


def _load(venue: Venue, key: str) -> Flow[str | None]:
    told = yield Load(venue.account, key)
    assert told is None or isinstance(told, str)
    return told


def _report_of(name: str, told: dict[str, Any]) -> HedgeReport:
    legs = (_leg_of(leg_key(name, n), leg) for n, leg in enumerate(told["legs"], 1))
    return HedgeReport(
        name=name,
        legs=tuple(legs),
        budget=read_number(told["budget"]),
        size=read_number(told["size"]),
        is_dry_run=False,
        on_failure=told["on_failure"],
    )


def _leg_of(key: str, told: dict[str, Any]) -> LegReport:
    amounts: dict[str, Any] = {name: read_number(told[name]) for name in _AMOUNTS}
    return LegReport(
        market_id=told["market_id"],
        outcome=told["outcome"],
        state=LegState.UNKNOWN,
        client_order_id=key,
        **amounts,
    )
