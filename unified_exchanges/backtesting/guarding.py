"""The guards of a backtest: those that exchanges have, at the same gate.

Live each exchange has a gate of its own, so here each venue has one.  What passes it is taken
down, and what becomes of that is told when the strategy is told: a gate knows no more than
it would know live.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import date
from decimal import Decimal

import attrs

from ..errors import BadRequest, UnifiedExchangesError
from ..flow import DayStart, Done, Flow, Leaving, advance
from ..guards import GuardPolicy, Guards
from ..models import Fill, Order, OrderBook, OrderStatus, Settlement
from ..paper import Contract, PaperEngine
from ..strategies import Desk
from ..tracking.gate import Gate
from ..tracking.tracker import OrderTracker
from ..venue.draft import PaperDraft
from .engine_account import DeskClock, EngineAccount

__all__ = ["Guarding", "check_guards"]

_SECOND = 1_000_000_000
_GATED = frozenset(
    {
        "max_daily_loss",
        "max_exposure",
        "max_market_exposure",
        "max_order_cost",
        "max_orders",
        "price_collar",
    }
)
"""Guards that need to know more than the order."""


def check_guards(policy: GuardPolicy, contracts: Iterable[Contract]) -> None:
    """Refuse what cannot be held against these markets, before anything runs."""
    if policy.max_daily_loss is not None and len(_sides(contracts)) > 1:
        raise BadRequest(
            "guards=GuardPolicy(max_daily_loss=…): a backtest of several venues has one "
            "cash for all of them, and live each has its own, by which that guard goes: "
            "leave it away, or test each venue by itself"
        )


class Guarding:
    """Holds what a strategy asks for against a policy.

    ``watched`` gives the book of a market if the strategy follows books and one is known, and
    ``heard_at`` when it was last told anything of the market data.
    """

    def __init__(
        self,
        policy: GuardPolicy,
        engine: PaperEngine,
        desk: Desk,
        watched: Callable[[str], OrderBook | None],
        heard_at: Callable[[], int],
    ) -> None:
        self.policy = policy
        self._guards = Guards(policy)
        self._engine = engine
        self._desk = desk
        self._watched = watched
        self._heard_at = heard_at
        self._passages: dict[str, _Passage] = {}
        contracts = [pit.contract for pit in engine.pits.values()]
        check_guards(policy, contracts)
        self._sides = _sides(contracts)

    def begin(self) -> None:
        """Begin now: with nothing held, which is read as a run reads it live."""
        if not self.policy.on.keys() & _GATED:
            return
        clock = DeskClock(self._desk)
        for (venue, first), names in self._sides.items():
            account = EngineAccount(venue, names, self._engine, clock, self.policy)
            tracker = OrderTracker(clock, first_outcome=first)
            tracker.held((), began=clock.monotonic())
            gate = Gate(tracker, account)
            gate.watched = self._book
            self._passages.update(dict.fromkeys(names, _Passage(tracker, gate)))

    def _book(self, market_id: str) -> OrderBook | None:
        book = self._watched(market_id)
        if book is None:
            return None
        silence = max(0, self._desk.moment - self._heard_at()) / _SECOND
        return attrs.evolve(book, freshness=_Heard(silence))

    # -- what is about to leave --------------------------------------------------------

    def check_writable(self, about: object) -> None:
        """Refuse anything, cancels included, where only looks are allowed."""
        self._guards.check_writable(about)

    def check_market(self, market_id: str, about: object) -> None:
        """Refuse what is for a market that is not allowed."""
        self._guards.check_market(market_id, about)

    def admit(self, order: PaperDraft) -> None:
        """Take down an order that is about to leave, or refuse it."""
        passage = self._passages.get(order.market_id)
        if passage is not None:
            passage.let_pass(Leaving((order,)))

    def admit_change(self, before: Order, after: Order) -> None:
        """Take down a change of an order, or refuse it."""
        passage = self._passages.get(before.market_id)
        if passage is None:
            return
        if passage.tracker.find(order_id=before.order_id) is None:
            passage.tracker.order(before, read_at=0.0, is_wanted=True, is_ours=True)
        passage.let_pass(Leaving(changes=((before, after),)))
        passage.changes[before.order_id].append(after)

    # -- what became of it -------------------------------------------------------------

    def refused(self, market_id: str, key: str) -> None:
        """An order that had passed was refused."""
        passage = self._passages.get(market_id)
        if passage is not None:
            passage.tracker.refused(key)

    def refused_change(self, after: Order) -> None:
        """A change that had passed was refused."""
        passage = self._passages.get(after.market_id)
        if passage is not None:
            passage.end_change(after)

    def told(self, told: Order | Fill | Settlement) -> None:
        """The strategy is told."""
        passage = self._passages.get(told.market_id)
        if passage is None:
            return
        if isinstance(told, Fill):
            passage.tracker.fill(told)
        elif isinstance(told, Settlement):
            passage.tracker.settled(told)
        else:
            passage.told_order(told)


class _Passage:
    """The gate of one venue, and the changes that have passed and are not answered."""

    def __init__(self, tracker: OrderTracker, gate: Gate) -> None:
        self.tracker = tracker
        self.changes: defaultdict[str, list[Order]] = defaultdict(list)
        self._gate = gate
        self._days: dict[date, Decimal] = {}

    def let_pass(self, step: Leaving) -> None:
        flow: Flow[None] = self._gate.admit(step)
        outcome: Decimal | UnifiedExchangesError | None = None
        # All that it reads is there, but for what a journal keeps.
        while not isinstance(asked := advance(flow, outcome), Done):
            assert isinstance(asked, DayStart)
            outcome = self._days.setdefault(asked.day, asked.equity)

    def told_order(self, order: Order) -> None:
        key = order.client_order_id
        assert key is not None
        if order.status is OrderStatus.REJECTED:
            self.tracker.refused(key)
            return
        self.tracker.order(order, is_ours=True)
        entry = self.tracker.find(client_order_id=key)
        if entry is not None and entry.sending:
            self.tracker.accepted(key)
        for after in tuple(self.changes.get(order.order_id, ())):
            is_made = (after.price, after.size) == (order.price, order.size)
            if is_made or not order.is_open:
                self.end_change(after)

    def end_change(self, after: Order) -> None:
        waiting = self.changes.get(after.order_id, [])
        if after not in waiting:
            return
        waiting.remove(after)
        if not waiting:
            del self.changes[after.order_id]
        self.tracker.change_ended(after, is_lost=False)


@attrs.frozen(slots=True)
class _Heard:
    """Of a book that holds: for how many seconds nothing was told."""

    seconds: float

    def is_stale(self) -> bool:
        return False

    def age(self) -> float:
        return self.seconds


def _sides(contracts: Iterable[Contract]) -> dict[tuple[str, str | None], list[str]]:
    """Markets by venue, and by the outcome in which all is told where there is one book."""
    found: dict[tuple[str, str | None], list[str]] = {}
    for contract in contracts:
        key = contract.market.venue, contract.first if contract.nets else None
        found.setdefault(key, []).append(contract.market_id)
    return found
