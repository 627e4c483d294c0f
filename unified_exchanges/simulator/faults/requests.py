"""Faults of requests: what goes wrong with which of them, and how it looks.

A `FaultPlan` is a list of `Fault`. A fault names the requests it meets (``method``,
``path`` as a regular expression, from the ``nth`` match on, each ``every``-th, ``count``
times, each time with ``probability``) and one kind of trouble:

============= ==================================================================
``drop``      the connection breaks instead of an answer
``stall``     no answer ever comes; the connection stays open
``delay``     the answer comes ``seconds`` late
``duplicate`` the request arrives twice; the second answer is delivered
``truncate``  the connection breaks after ``keep`` bytes of the body
``trickle``   the answer comes byte by byte, one every ``seconds``
``garble``    the body says it is gzip and is not
``answer``    ``status``, ``headers`` and ``body`` instead of the venue's answer
``skew``      the ``Date`` of the answer is ``seconds`` off
``lag``       reads show the state of ``seconds`` ago
============= ==================================================================

``commits`` says whether the venue carries the request out: with ``drop`` it is the
difference between a request that was lost and an answer that was lost. `tell` turns a
fault into a `Delivery`, without I/O; a server performs it on the wire, `FaultyVenue`
in process.

>>> plan = FaultPlan([Fault("drop", method="POST", path="/orders$")])
>>> plan.take("POST", "/trade-api/v2/portfolio/events/orders").kind
'drop'
>>> plan.take("POST", "/trade-api/v2/portfolio/events/orders") is None
True
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from email.utils import formatdate, parsedate_to_datetime
from random import Random
from typing import Any, Literal, Protocol, TypeAlias, get_args

import attrs

from ...flow import Request, Response
from .plans import Plan, check

__all__ = [
    "Delivery",
    "Ending",
    "Fault",
    "FaultKind",
    "FaultPlan",
    "Venue",
    "redirected",
    "tell",
    "too_many_requests",
    "unavailable",
]

FaultKind: TypeAlias = Literal[
    "drop",
    "stall",
    "delay",
    "duplicate",
    "truncate",
    "trickle",
    "garble",
    "answer",
    "skew",
    "lag",
]
Ending: TypeAlias = Literal["whole", "reset", "stalled", "truncated", "trickled"]


class Venue(Protocol):
    """A simulated venue without I/O."""

    def handle(self, request: Request, *, lag: float = 0.0) -> Response:
        """Answer a request; ``lag`` seconds makes reads show the past."""
        ...


@attrs.frozen(slots=True)
class Fault:
    """One kind of trouble and the requests it meets; see the module's table.

    ``count`` None: every match from the ``nth`` on.
    """

    kind: FaultKind
    method: str | None = attrs.field(default=None, kw_only=True)
    path: str = attrs.field(default="", kw_only=True)
    nth: int = attrs.field(default=1, kw_only=True)
    every: int = attrs.field(default=1, kw_only=True)
    count: int | None = attrs.field(default=1, kw_only=True)
    probability: float = attrs.field(default=1.0, kw_only=True)
    commits: bool = attrs.field(default=True, kw_only=True)
    seconds: float = attrs.field(default=0.0, kw_only=True)
    keep: int = attrs.field(default=10, kw_only=True)
    status: int = attrs.field(default=503, kw_only=True)
    headers: Mapping[str, str] = attrs.field(factory=dict, kw_only=True)
    body: bytes = attrs.field(default=b"", kw_only=True)

    def __attrs_post_init__(self) -> None:
        check(self, self.kind, get_args(FaultKind), self.path)

    def meets(self, method: str, path: str) -> bool:
        """Whether a request is of the kind that is in for trouble."""
        fits = self.method is None or self.method == method
        return fits and re.search(self.path, path) is not None


def unavailable(
    status: int = 503, *, body: bytes = b"<html>Bad gateway</html>", **where: Any
) -> Fault:
    """A proxy's error page instead of an answer; ``where`` as in `Fault`.

    >>> unavailable(502, path="/markets").status
    502
    """
    fault = Fault("answer", commits=False, status=status, body=body)
    page = attrs.evolve(fault, headers={"content-type": "text/html"})
    return attrs.evolve(page, **where)


def too_many_requests(**where: Any) -> Fault:
    """The bare 429 that carries no hint; ``where`` as in `Fault`."""
    fault = Fault(
        "answer",
        commits=False,
        status=429,
        headers={"content-type": "application/json"},
        body=b'{"error":"too many requests"}',
    )
    return attrs.evolve(fault, **where)


def redirected(to: str, **where: Any) -> Fault:
    """A redirect to another host; ``where`` as in `Fault`."""
    fault = Fault("answer", commits=False, status=302, headers={"location": to})
    return attrs.evolve(fault, **where)


class FaultPlan(Plan[Fault]):
    """Which requests meet which fault.

    ``struck`` lists what happened: the fault, the method and the path.
    """

    def __init__(
        self, faults: Iterable[Fault] = (), *, rng: Random | None = None
    ) -> None:
        super().__init__(faults, rng=rng)
        self.struck: list[tuple[Fault, str, str]] = []

    def take(self, method: str, path: str) -> Fault | None:
        """The fault that this request meets; the first that is due wins."""
        return self._take(
            lambda fault: fault.meets(method, path),
            lambda fault: self.struck.append((fault, method, path)),
        )


@attrs.frozen(kw_only=True, slots=True)
class Delivery:
    """What comes back and how: after ``delay`` seconds, with this ending.

    ``response`` None: nothing comes. ``keep`` is how much of a truncated body comes,
    ``pace`` the seconds between the bytes of one that trickles.
    """

    response: Response | None
    ending: Ending = "whole"
    delay: float = 0.0
    keep: int = 0
    pace: float = 0.0


def tell(venue: Venue, request: Request, fault: Fault | None) -> Delivery:
    """Have the request carried out, or not, and say what its sender gets to see."""
    if fault is None:
        return Delivery(response=venue.handle(request))
    if fault.kind == "answer":
        return Delivery(response=_replaced(venue, request, fault))
    if fault.kind in {"drop", "stall"}:
        if fault.commits:
            venue.handle(request)
        return Delivery(
            response=None, ending="reset" if fault.kind == "drop" else "stalled"
        )
    if fault.kind == "duplicate":
        venue.handle(request)
    lag = fault.seconds if fault.kind == "lag" else 0.0
    return _spoilt(venue.handle(request, lag=lag), fault)


def _replaced(venue: Venue, request: Request, fault: Fault) -> Response:
    if fault.commits:
        venue.handle(request)
    return Response(fault.status, dict(fault.headers), fault.body)


def _spoilt(response: Response, fault: Fault) -> Delivery:
    if fault.kind == "delay":
        return Delivery(response=response, delay=fault.seconds)
    if fault.kind == "truncate":
        return Delivery(response=response, ending="truncated", keep=fault.keep)
    if fault.kind == "trickle":
        return Delivery(response=response, ending="trickled", pace=fault.seconds)
    if fault.kind == "garble":
        return Delivery(response=_garbled(response))
    if fault.kind == "skew":
        return Delivery(response=_skewed(response, fault.seconds))
    return Delivery(response=response)


def _garbled(response: Response) -> Response:
    headers = {**response.headers, "content-encoding": "gzip"}
    body = b"\x1f\x8b\x08\x00" + b"not gzip at all" * 4
    return attrs.evolve(response, headers=headers, body=body)


def _skewed(response: Response, seconds: float) -> Response:
    moment = parsedate_to_datetime(response.headers["date"]).timestamp()
    date = formatdate(moment + seconds, usegmt=True)
    return attrs.evolve(response, headers={**response.headers, "date": date})
