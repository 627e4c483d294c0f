"""Flows: what a venue does, written once, without I/O.

A *flow* is a generator.  It yields what it needs done and is sent the outcome:

=========== ======================================= ==========================
it yields   the driver                              it is sent
=========== ======================================= ==========================
`Request`   performs the request                    `Response`
`Sleep`     waits                                   None
`Behind`    waits to read again                     None, or True: need not
`Start`     begins a request and does not wait      `Pending`
`Pending`   waits for a request begun before        `Response`
`Leaving`   lets those know who keep count          None
`Judging`   says that they are asked now            None
`Judged`    says whether they let it pass           None
`DayStart`  keeps the first equity of a day         the first `Decimal`
`Note`      keeps intents durably, or fails         tuple of `Intent`
`Recall`    reads what intents are unresolved       tuple of `Intent`
`AskIntent` reads what an id was used for           `Intent` or None
`Resolved`  lets those know who keep count          None
`Shown`     lets those know who keep count          None
`KeepHalt`  keeps a halt of an account, or lifts it None
`AskHalt`   reads whether an account is halted      `Halt` or None
`Save`      keeps a text durably, or fails          what stands then
`Load`      reads a text that was kept              str, or None
`Page`      hands the items to the caller           None
=========== ======================================= ==========================

A failure to get an answer is thrown into the flow as a `NetworkError`, so that one retry
policy sees refused answers and dead sockets alike; what the transport will not send, such
as anything after it was closed, as a `BadRequest`: an earlier try may be on its way, and
only the flow knows.  A journal that cannot be kept is a `JournalError`.  What a flow
returns is the result of the call.  Only the `drivers` perform anything.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import Generic, TypeAlias, TypeVar
from urllib.parse import urlencode

import attrs

from .models import Account, Halt, Intended, Intent, Order, ReconcileReport

__all__ = [
    "AskHalt",
    "AskIntent",
    "Behind",
    "DayStart",
    "Done",
    "Flow",
    "JournalStep",
    "Judged",
    "Judging",
    "KeepHalt",
    "Leaving",
    "Load",
    "Note",
    "Page",
    "Pages",
    "Pending",
    "Recall",
    "Request",
    "Resolved",
    "Response",
    "Save",
    "Shown",
    "Sleep",
    "Start",
    "Step",
    "advance",
    "collect",
    "limited",
    "query",
]

S = TypeVar("S")
T = TypeVar("T")


@attrs.frozen(slots=True)
class Request:
    """One HTTP request, ready to leave.

    ``url`` is absolute and has no query; ``query`` is in sending order; ``timeout`` is
    seconds for the whole exchange of bytes.  ``check`` is asked by every transport when there
    is a connection, right before the first byte leaves: it may raise.  ``reads`` says that it
    changes nothing whatever its method: some venues are asked for much by POST.  Headers are
    outside repr: they hold keys.
    """

    method: str
    url: str
    query: tuple[tuple[str, str], ...] = ()
    headers: Mapping[str, str] = attrs.field(factory=dict, repr=False)
    body: bytes | None = attrs.field(default=None, repr=False)
    timeout: float = 10.0
    check: Callable[[], None] | None = attrs.field(default=None, repr=False, eq=False)
    reads: bool = False

    @property
    def is_read(self) -> bool:
        """Whether it changes nothing at the venue."""
        return self.reads or self.method == "GET"

    @property
    def target(self) -> str:
        """The URL with its query, as it goes on the wire."""
        return f"{self.url}?{urlencode(self.query)}" if self.query else self.url


@attrs.frozen(slots=True)
class Response:
    """What came back: header names in lower case, the body as bytes.

    ``elapsed`` is seconds from the first byte out to the last byte in.
    """

    status: int
    headers: Mapping[str, str] = attrs.field(factory=dict, repr=False)
    body: bytes = attrs.field(default=b"", repr=False)
    elapsed: float = 0.0


@attrs.frozen(slots=True, eq=False)
class Sleep:
    """Wait this many seconds.

    ``give_back`` is of a place in a limiter: whoever lets the flow go on at once, and closes
    it later, calls it then, unless what waited has left.
    """

    seconds: float
    give_back: Callable[[], None] | None = attrs.field(default=None, kw_only=True)


@attrs.frozen(slots=True, eq=False)
class Behind(Sleep):
    """Wait before what was read last is read again, as it showed too little.

    ``age`` is how many seconds older that was than the moment of the first of these reads.
    True where whoever was recorded did not read it again: it was new enough then.
    """

    age: float


@attrs.frozen(slots=True, eq=False)
class Start:
    """Begin a request now and go on; its answer is asked for later."""

    request: Request


class Pending:
    """A request that was begun; yield it to wait for its answer.  Drivers subclass it."""

    __slots__ = ()


@attrs.frozen(slots=True, eq=False)
class Leaving:
    """What the next request sends: whoever keeps count of it may still refuse.

    ``orders`` are new; ``changes`` are orders as they are, and as an edit will have them.
    ``only_asks``: nothing is sent yet, so the orders are held against the guards, all of
    them together, and nothing is counted.
    """

    orders: tuple[Intended, ...] = ()
    changes: tuple[tuple[Order, Order], ...] = ()
    only_asks: bool = False


@attrs.frozen(slots=True)
class Judging:
    """That what is about to leave is judged now: for those who wrap the flow."""


@attrs.frozen(slots=True)
class Judged:
    """Whether what was about to leave may: for those who wrap the flow."""

    passes: bool


@attrs.frozen(slots=True, eq=False)
class DayStart:
    """Keep the equity in dollars of an account as the first of a day, unless one is kept."""

    account: Account
    day: date
    equity: Decimal


@attrs.frozen(slots=True, eq=False)
class Note:
    """Write these down, all or none, before anything that follows is done.

    The outcome is what was known of those that begin, where their id is an order already
    or may be one.
    """

    entries: tuple[Intent, ...]


@attrs.frozen(slots=True, eq=False)
class Recall:
    """Read which intents of an account are unresolved, oldest first."""

    account: Account


@attrs.frozen(slots=True, eq=False)
class AskIntent:
    """Read what was written of a client order id last, by whatever process."""

    account: Account
    client_order_id: str


@attrs.frozen(slots=True, eq=False)
class KeepHalt:
    """Keep durably that nobody of an account places orders, or None: that all may again."""

    account: Account
    halt: Halt | None


@attrs.frozen(slots=True, eq=False)
class AskHalt:
    """Read whether an account was halted."""

    account: Account


@attrs.frozen(slots=True, eq=False)
class Resolved:
    """What became of intents that had been left open, as far as was found out."""

    report: ReconcileReport


@attrs.frozen(slots=True, eq=False)
class Shown:
    """An order as a read showed it, by a flow that returns something else, or raises."""

    order: Order


@attrs.frozen(slots=True, eq=False)
class Save:
    """Keep a text of an account under a name, if ``before`` is what is kept of it so far.

    None: nothing is.  It brings what stands afterwards: another text than this is that of
    somebody who was faster, and this one was not kept.
    """

    account: Account
    name: str
    text: str
    before: str | None


@attrs.frozen(slots=True, eq=False)
class Load:
    """Read what was kept of an account under a name."""

    account: Account
    name: str


@attrs.frozen(slots=True)
class Page(Generic[T]):
    """Items that are ready while the flow goes on."""

    items: list[T]


@attrs.frozen(slots=True, eq=False)
class Done(Generic[T]):
    """A flow's result."""

    value: T


JournalStep: TypeAlias = (
    Note | Recall | AskIntent | Save | Load | KeepHalt | AskHalt | DayStart
)
"""What the journal performs."""
Outcome: TypeAlias = (
    Response
    | Pending
    | tuple[Intent, ...]
    | Intent
    | Halt
    | Decimal
    | str
    | bool
    | None
)
Step: TypeAlias = (
    Request
    | Sleep
    | Start
    | Pending
    | Leaving
    | Judging
    | Judged
    | Resolved
    | Shown
    | JournalStep
)
Flow: TypeAlias = Generator[Step, Outcome, T]
Pages: TypeAlias = Generator[Step | Page[T], Outcome, None]


def advance(
    flow: Generator[S, Outcome, T], outcome: Outcome | BaseException
) -> S | Done[T]:
    """Resume a flow with what happened; get its next step, or `Done`.

    StopIteration ends here: it cannot cross an ``async def``.
    """
    try:
        if isinstance(outcome, BaseException):
            return flow.throw(outcome)
        return flow.send(outcome)
    except StopIteration as stop:
        return Done(stop.value)


def collect(pages: Pages[T], limit: int | None = None) -> Flow[list[T]]:
    """Turn pages into one list, complete or exactly ``limit`` long."""
    items: list[T] = []
    outcome: Outcome | BaseException = None
    try:
        while not isinstance(step := advance(pages, outcome), Done):
            if isinstance(step, Page):
                outcome = None
                items += step.items
                if limit is not None and len(items) >= limit:
                    return items[:limit]
                continue
            try:
                outcome = yield step
            except Exception as error:  # noqa: BLE001 - handed to the inner flow whole
                outcome = error
        return items
    finally:
        pages.close()


def limited(pages: Pages[T], limit: int | None) -> Pages[T]:
    """Stop pages exactly at ``limit`` items."""
    left = limit
    outcome: Outcome | BaseException = None
    try:
        while not isinstance(step := advance(pages, outcome), Done):
            outcome = None
            if isinstance(step, Page) and left is not None:
                step = Page(step.items[:left])
                left -= len(step.items)
            try:
                outcome = yield step
            except Exception as error:  # noqa: BLE001 - handed to the inner flow whole
                outcome = error
            if left == 0:
                return
    finally:
        pages.close()


def query(items: Iterable[tuple[str, object]]) -> tuple[tuple[str, str], ...]:
    """Build query pairs, leaving out what is None."""
    return tuple((name, _text(value)) for name, value in items if value is not None)


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
