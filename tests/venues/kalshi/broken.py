"""Adapters that are wrong on purpose, each in one way that others were wrong in."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any
from uuid import uuid4

import attrs

from tests.venues.kalshi.ground import KalshiGround
from unified_exchanges.clock import ClockOffset
from unified_exchanges.errors import (
    NetworkError,
    OrderRejected,
    UnifiedExchangesError,
)
from unified_exchanges.flow import Flow, Response
from unified_exchanges.guards import Guards
from unified_exchanges.models import CancelReport, OrderStatus
from unified_exchanges.policy import RetryPolicy
from unified_exchanges.shells.aio import AsyncExchange
from unified_exchanges.shells.blocking import Exchange
from unified_exchanges.testing.conformance.live import QUICK
from unified_exchanges.venue.call import Call
from unified_exchanges.venues.kalshi.stream import KalshiStream
from unified_exchanges.venues.kalshi.venue import KalshiVenue

__all__ = ["BROKEN", "ground_of"]


class NewIdEachTime(KalshiVenue):
    """Sends a create again under another client order id."""

    def attempt(self, call: Call, deadline: float) -> Flow[Response]:
        if call.is_order and call.body and call.method == "POST":
            body = {**json.loads(call.body), "client_order_id": str(uuid4())}
            call = attrs.evolve(call, body=json.dumps(body).encode())
        return super().attempt(call, deadline)


class TimeoutIsRejection(KalshiVenue):
    """Takes an answer that did not come for a no."""

    def attempt(self, call: Call, deadline: float) -> Flow[Response]:
        try:
            return (yield from super().attempt(call, deadline))
        except NetworkError as error:
            if call.is_order:
                raise OrderRejected("no answer: rejected", venue=self.id) from error
            raise


class CancelIsAssumed(KalshiVenue):
    """Takes a cancel that was not answered for a cancel."""

    def cancel_order(self, order_id: str, **more: Any) -> Flow[Any]:
        order = yield from self.fetch_order(order_id)
        try:
            return (yield from super().cancel_order(order_id, **more))
        except UnifiedExchangesError:
            return attrs.evolve(order, status=OrderStatus.CANCELED, remaining=0)


class DropsPages(KalshiVenue):
    """Reads the first page."""

    def attempt(self, call: Call, deadline: float) -> Flow[Response]:
        answer = yield from super().attempt(call, deadline)
        body = re.sub(rb'"cursor":\s*"[^"]*"', b'"cursor":""', answer.body)
        return attrs.evolve(answer, body=body)


class PartialOnFailure(KalshiVenue):
    """Gives what it has when a page fails."""

    def fetch_orders(self, **what: Any) -> Any:
        try:
            yield from super().fetch_orders(**what)
        except UnifiedExchangesError:
            return


class FailureIsFlat(KalshiVenue):
    """Holds nothing when it cannot be told what it holds."""

    def fetch_positions(self, **what: Any) -> Flow[Any]:
        try:
            return (yield from super().fetch_positions(**what))
        except UnifiedExchangesError:
            return []


class TellsItsKey(KalshiVenue):
    """Logs what it asks with."""

    def attempt(self, call: Call, deadline: float) -> Flow[Response]:
        key = self.settings.api_key
        logging.getLogger(__name__).debug("asking with %s", key)
        return super().attempt(call, deadline)


class _NoOffset(ClockOffset):
    def observe(self, date: str | None, sent: float, received: float) -> None:
        """Believe one's own clock."""


class OwnClock(KalshiVenue):
    """Signs with the time that this machine has."""

    def __init__(self, settings: Any) -> None:
        super().__init__(settings)
        self.offset = _NoOffset(self.clock)


class _Gapless(KalshiStream):
    def _out_of_order(self, sid: int, seq: int | None, kind: str) -> Any:
        return self._by_sid.get(sid) or self._adopt(sid, kind), ()


class StaleBooks(KalshiVenue):
    """Does not look at the numbers of a stream, and compares nothing with REST."""

    def stream(self) -> Any:
        return _Gapless(
            clock=self.clock,
            policy=self.settings.stream,
            subaccount=self.subaccount,
        )


class AbsentAtOnce(KalshiVenue):
    """Takes what is not there yet for what never comes."""

    def has_arrived(self, intent: Any, at: float) -> bool:
        return True


class ForgetsItsOrders(KalshiVenue):
    """Sends orders without writing them down."""

    def write_down(self, intents: Any) -> Flow[Any]:
        yield from ()
        return ()


class FindsNothing(KalshiVenue):
    """Looks for no order that was left open."""

    def find_orders(self, market_id: str, intents: Any) -> Flow[Any]:
        yield from ()
        return {}


class BelievesOldReads(KalshiVenue):
    """Takes what a read does not show for what is not there."""

    def until_fresh(self, since: Any, *, urgent: bool = False) -> Flow[Any]:
        yield from ()
        return None


class HaltClaims(KalshiVenue):
    """Says that everything was cancelled."""

    def stop_orders(self) -> Flow[CancelReport]:
        yield from ()
        return CancelReport(canceled=(), remaining=())


class SaysAllIsCancelled(HaltClaims):
    """The same on a socket."""


class HaltDeaf(KalshiVenue):
    """Does not hear of the halts of others."""

    def heed(self, about: object) -> Flow[None]:
        yield from ()


class HaltFlat(KalshiVenue):
    """Holds nothing when everything was halted and it cannot be told what it holds."""

    def fetch_positions(self, **what: Any) -> Flow[Any]:
        try:
            return (yield from super().fetch_positions(**what))
        except UnifiedExchangesError:
            return []


class HaltEdits(KalshiVenue):
    """Asks whether it was halted when an edit is begun, not when it leaves."""

    def _amendment(self, change: Any, after: Any) -> Call:
        call = super()._amendment(change, after)
        return attrs.evolve(call, opens=False, heeds=False)


class DeafEdits(KalshiVenue):
    """Lets edits leave that others have halted."""

    def _amendment(self, change: Any, after: Any) -> Call:
        return attrs.evolve(super()._amendment(change, after), heeds=False)


class HaltRaw(KalshiVenue):
    """Asks whether it was halted for what it knows to be an order."""

    def write(self, *what: Any, **more: Any) -> Call:
        call = super().write(*what, **more)
        return call if call.is_order else attrs.evolve(call, opens=False)


class _NoCost(Guards):
    def check_cost(self, cost: Decimal, about: object) -> None:
        """Let an order take whatever it takes."""


class _NoRate(Guards):
    def admit(self, count: int, now: float, about: object) -> None:
        """Let as many leave as there are."""


class NoCost(KalshiVenue):
    """Lets an order take whatever it takes."""

    def __init__(self, settings: Any) -> None:
        super().__init__(settings)
        self._guards = _NoCost(settings.guards)


class NoRate(KalshiVenue):
    """Lets as many orders leave as there are."""

    def __init__(self, settings: Any) -> None:
        super().__init__(settings)
        self._guards = _NoRate(settings.guards)


class EditsAnyMarket(KalshiVenue):
    """Asks of creates only whether their market is allowed."""

    def edit_order(self, order_id: str, **what: Any) -> Flow[Any]:
        venue: Any = self
        venue.require_allowed = lambda *_: None
        return super().edit_order(order_id, **what)


class DryRunForgets(KalshiVenue):
    """Shows the account as it is, without what was rehearsed."""

    def rehearsed(self, request: Any, response: Any) -> Any:
        return response


_PATIENT = {"retry": RetryPolicy(retry_refused_writes=True)}
_UNCHECKED = {"stream": attrs.evolve(QUICK, audit=None, reconcile=None)}
BROKEN: dict[str, tuple[type[KalshiVenue], dict[str, Any]]] = {
    kind.__name__: (kind, {})
    for kind in (
        NewIdEachTime,
        TimeoutIsRejection,
        CancelIsAssumed,
        DropsPages,
        PartialOnFailure,
        FailureIsFlat,
        TellsItsKey,
        OwnClock,
        AbsentAtOnce,
        ForgetsItsOrders,
        FindsNothing,
        BelievesOldReads,
        HaltClaims,
        SaysAllIsCancelled,
        HaltDeaf,
        HaltFlat,
        HaltEdits,
        DeafEdits,
        HaltRaw,
        NoCost,
        NoRate,
        EditsAnyMarket,
        DryRunForgets,
    )
} | {
    "StaleBooks": (StaleBooks, _UNCHECKED),
    "HastensOrders": (KalshiVenue, _PATIENT),
}
"""Each venue that is wrong, and the settings that make it so."""


def ground_of(name: str) -> Callable[[], KalshiGround]:
    """Grounds on which that adapter trades."""
    kind, more = BROKEN[name]

    class Broken(KalshiGround):
        def exchange(self, flavour: str, **settings: Any) -> Any:
            shell: Any = AsyncExchange if flavour == "async" else Exchange
            made: Any = type(name, (shell,), {"venue_type": kind})
            return made(**{**settings, **more})

    return Broken
