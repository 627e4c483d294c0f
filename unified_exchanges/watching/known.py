"""Which of the states of an order is the newer, and which fill is new.

A stream may lose, repeat and reorder what it tells, and a read over REST may lag behind
it.  The rules that make one truth of it stand here, once, for whoever needs them:

* a fill counts once, by its trade and its order, and what takes it back once after it;
* what failed to settle is taken down with its order, whichever is told first;
* an order has filled no less than its fills do, those that failed included;
* an order's states go forward only: what has filled never falls, what has ended never
  opens again, and of two states that filled the same the later change is the newer;
* an end that the venue has not told is inferred: it yields to whatever it tells.

Nothing here reads a clock: ``at`` is when something arrived and ``read_at`` when the read
that told it was begun, on one monotonic clock.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from datetime import datetime
from decimal import Decimal
from typing import Final, TypeAlias, TypeVar

import attrs

from ..models import Fill, FillState, Order, OrderStatus
from ..money import EXACT, ZERO, total

__all__ = ["LAG", "FillKey", "KnownFills", "KnownOrders", "fill_key", "is_unclear"]

LAG: Final = 5.0
"""Seconds that a read may lag behind what the stream told (Kalshi: seen 0.4 s)."""
_MOST_ENDED: Final = 50_000
_MOST_FILLS: Final = 200_000
"""How much is remembered to tell what was told before."""

K = TypeVar("K")
T = TypeVar("T")

FillKey: TypeAlias = tuple[str, str]


@attrs.define(slots=True, eq=False)
class _Known:
    """An order's newest state, when it came, and what else it was at the same moment."""

    order: Order
    at: float
    seen: set[Hashable]


class KnownOrders:
    """The newest state of every order; what has ended is kept up to a bound."""

    def __init__(self) -> None:
        self._open: dict[str, _Known] = {}
        self._ended: OrderedDict[str, Order] = OrderedDict()
        self._failed: OrderedDict[str, dict[FillKey, Decimal]] = OrderedDict()
        """Contracts by fill that failed to settle, which no state of an order shows."""
        self._matched: OrderedDict[str, dict[FillKey, Decimal]] = OrderedDict()
        """Contracts by fill that matched, whatever became of them."""
        self._derived: set[str] = set()
        """Orders of which more filled than the venue has told of them: by their fills."""

    @property
    def open(self) -> list[Order]:
        """The orders that were open when last heard of."""
        return [known.order for known in self._open.values()]

    @property
    def open_count(self) -> int:
        """How many they are."""
        return len(self._open)

    def find(self, order_id: str) -> Order | None:
        """An order as last heard of."""
        known = self._open.get(order_id)
        return self._ended.get(order_id) if known is None else known.order

    def take(
        self, order: Order, *, at: float, read_at: float | None = None
    ) -> Order | None:
        """Take an order's state; it comes back if it is news.

        ``read_at`` None means that the stream told it.
        """
        key = order.order_id
        told, order = order, self._with_failed(order)
        before = self.find(key)
        if before is not None and key in self._derived and _completes(told, before):
            # The same, in the venue's own words: what it costs and pays, and since when.
            self._derived.discard(key)
            return self._put(before, order)
        ended = self._ended.get(key)
        if ended is not None and order.is_open and _is_told_after(order, ended):
            # It lives, and counts again, whatever it was believed to have filled.
            del self._ended[key]
        elif ended is not None:
            if order.is_open or not _tells_more(order, ended):
                return None
            self._ended[key] = order
            return order
        known = self._open.get(key)
        if known is not None and not _is_newer(order, known, read_at):
            return None
        if order.is_open:
            self._open[key] = _Known(order, at, _seen(order, known))
        else:
            self._end(order)
        if order.filled != told.filled:
            self._derived.add(key)
        else:
            self._derived.discard(key)
        return order

    def fail(self, fill: Fill) -> Order | None:
        """Take a fill that failed to settle; its order comes back if that is news of it."""
        name = fill.order_id
        _count(self._failed, fill)
        _count(self._matched, fill)
        order = self.find(name)
        return None if order is None else self._put(order, self._with_failed(order))

    def match(self, fill: Fill) -> None:
        """Take a fill of any kind; what takes one back is the same one."""
        _count(self._matched, fill)

    def is_overtaken(self, order_id: str) -> bool:
        """Whether the fills of an order tell that more of it filled than its state does."""
        order = self.find(order_id)
        return order is not None and self._with_matched(order) is not order

    def overtake(self, order_id: str) -> Order | None:
        """Believe the fills of an order: its state comes back if that is news of it."""
        order = self.find(order_id)
        return None if order is None else self._put(order, self._with_matched(order))

    def _put(self, order: Order, changed: Order) -> Order | None:
        """Keep what is known of an order by now; it comes back if that is news."""
        if changed is order:
            return None
        name = order.order_id
        if changed.is_open:
            self._open[name].order = changed
        else:
            self._end(changed)
        if changed.filled != order.filled:
            self._derived.add(name)
        return changed

    def _end(self, order: Order) -> None:
        self._open.pop(order.order_id, None)
        self._ended[order.order_id] = order
        if len(self._ended) > _MOST_ENDED:
            name, _ = self._ended.popitem(last=False)
            self._derived.discard(name)

    def _with_failed(self, order: Order) -> Order:
        """A state of an order, with what is known to have failed of it."""
        name = order.order_id
        failed = total(self._failed[name].values()) if name in self._failed else ZERO
        before = self.find(name)
        if before is not None:
            failed = max(failed, before.failed)
        if failed > order.failed:
            order = attrs.evolve(order, failed=failed)
        # What failed is part of what matched: else less than that would look settled.
        return self._with_matched(order) if order.failed else order

    def _with_matched(self, order: Order) -> Order:
        """A state of an order that has filled no less than its fills tell."""
        matched = total(self._matched.get(order.order_id, {}).values())
        if matched <= order.filled:
            return order
        left, status = order.remaining, order.status
        if order.is_open:
            unseen = EXACT.subtract(matched, order.filled)
            left = max(ZERO, EXACT.subtract(left, unseen))
            status = status if left else OrderStatus.CLOSED
        # What it costs and pays was told of less than that.
        return attrs.evolve(
            order,
            filled=matched,
            remaining=left,
            status=status,
            average_price=None,
            fee=None,
        )

    def forget_open(self, order_id: str) -> None:
        """Forget an order that was open; what ended is kept, or it might open again."""
        if self._open.pop(order_id, None) is not None:
            self._derived.discard(order_id)

    def clear(self) -> None:
        """Forget all that will be out of date; what failed has failed for good."""
        self._open.clear()
        self._ended.clear()
        self._derived.clear()


@attrs.frozen(slots=True, eq=False)
class _Counted:
    """When a fill was made that was counted, and the fee that it was told with."""

    made_at: datetime
    fee: Decimal | None


class KnownFills:
    """The fills that were counted, up to a bound."""

    def __init__(self) -> None:
        self._fills: OrderedDict[FillKey, _Counted] = OrderedDict()
        self._failed: OrderedDict[FillKey, None] = OrderedDict()
        self._pending: OrderedDict[FillKey, datetime] = OrderedDict()
        self._final: OrderedDict[FillKey, None] = OrderedDict()
        self._from: datetime | None = None

    def __len__(self) -> int:
        return len(self._fills)

    @property
    def unsettled_since(self) -> datetime | None:
        """When the first of those was made that may still fail."""
        return min(self._pending.values(), default=None)

    def take(self, fill: Fill) -> bool:
        """Count a fill; False if it was counted before.

        Of one that has failed: whether it was counted, so that it is to be taken back.
        """
        key = fill_key(fill)
        if fill.state is not FillState.PENDING:
            self._pending.pop(key, None)
        if fill.state is FillState.FAILED:
            return self._fail(key, fill)
        if fill.state is FillState.FINAL:
            _keep(self._final, key, None)
        if key in self._fills or key in self._failed:
            return False
        if self._from is not None and fill.created_at < self._from:
            return False
        _keep(self._fills, key, _Counted(fill.created_at, fill.fee))
        if fill.state is FillState.PENDING:
            _keep(self._pending, key, fill.created_at)
        return True

    def reversal(self, fill: Fill) -> Fill:
        """What takes back a fill that was counted, with the fee that it was told with.

        The fee may have become known since, or be reckoned by another rule by now: sums of
        fees come out right by what they hold.
        """
        back, counted = fill.taken_back(), self._fills.get(fill_key(fill))
        if counted is None:
            return back
        fee = None if counted.fee is None else EXACT.minus(counted.fee)
        return attrs.evolve(back, fee=fee)

    def ends(self, fill: Fill) -> bool:
        """Whether it is news that a fill stands for good, or that it has failed.

        To be asked before it is taken.
        """
        key = fill_key(fill)
        if fill.state is FillState.PENDING or key in self._failed:
            return False
        return fill.state is FillState.FAILED or key not in self._final

    def awaits(self, fill: Fill) -> bool:
        """Whether this is the end of one that was counted as it might yet fail; likewise."""
        key = fill_key(fill)
        if fill.state is FillState.PENDING or key in self._failed:
            return False
        is_failure = fill.state is FillState.FAILED
        return key in self._pending or (is_failure and self._is_counted(key, fill))

    def _fail(self, key: FillKey, fill: Fill) -> bool:
        """What nobody was told of is not taken back either."""
        if key in self._failed:
            return False
        _keep(self._failed, key, None)
        return self._is_counted(key, fill)

    def _is_counted(self, key: FillKey, fill: Fill) -> bool:
        is_old = self._from is not None and fill.created_at < self._from
        return key in self._fills or is_old

    def complete(self, since: datetime) -> None:
        """Every fill before this moment is known: one that is older is no news."""
        if self._from is None or since > self._from:
            self._from = since
        old = [key for key, x in self._fills.items() if x.made_at < self._from]
        for key in old:
            del self._fills[key]

    def clear(self) -> None:
        """Forget all."""
        self._fills.clear()
        self._failed.clear()
        self._pending.clear()
        self._final.clear()
        self._from = None


def _keep(kept: OrderedDict[K, T], key: K, value: T) -> None:
    kept[key] = value
    if len(kept) > _MOST_FILLS:
        kept.popitem(last=False)


def _count(counts: OrderedDict[str, dict[FillKey, Decimal]], fill: Fill) -> None:
    """Take down a fill of an order, each once."""
    known = counts.pop(fill.order_id, {})
    known[fill_key(fill)] = abs(fill.size)
    _keep(counts, fill.order_id, known)


def fill_key(fill: Fill) -> FillKey:
    """What a fill is told by: a trade between two of our own orders is two fills."""
    return fill.trade_id or fill.fill_id, fill.order_id


def is_unclear(order: Order) -> bool:
    """Whether it ended by a word of the venue that nobody knows."""
    return order.status is OrderStatus.UNKNOWN and not order.is_open


def _is_told_after(order: Order, ended: Order) -> bool:
    """Whether the venue tells of an order whose end was inferred as it told nothing."""
    return ended.is_inferred and not order.is_inferred


def _tells_more(order: Order, ended: Order) -> bool:
    """Whether an end says more than another: more filled, or a word that is known."""
    if order.filled != ended.filled:
        return order.filled > ended.filled
    if order.failed != ended.failed or _is_told_after(order, ended):
        return True
    return is_unclear(ended) and not is_unclear(order)


def _completes(told: Order, derived: Order) -> bool:
    """Whether the venue tells of its own what fills made known, and more of that."""
    if _terms(told) != _terms(derived):
        return False
    now, before = _moment(told), _moment(derived)
    is_later = now is not None and before is not None and now > before
    return is_later or (told.average_price, told.fee) != (None, None)


def _is_newer(order: Order, known: _Known, read_at: float | None) -> bool:
    """Whether a state of an open order came after what is known of it."""
    old = known.order
    if order.filled != old.filled:
        return order.filled > old.filled
    if not order.is_open or order.failed != old.failed:
        return True
    if _terms(order) == _terms(old):
        return False
    told, before = _moment(order), _moment(old)
    if told != before and told is not None and before is not None:
        return told > before
    if _terms(order) in known.seen:
        return False
    # The same moment, or none was told: the stream tells in order, and a read is
    # believed where it was begun well after.
    return read_at is None or known.at <= read_at - LAG


def _seen(order: Order, known: _Known | None) -> set[Hashable]:
    """What the order has been at the moment of its last change, as far as known."""
    mine: set[Hashable] = {_terms(order)}
    if known is None or _moment(known.order) != _moment(order):
        return mine
    return known.seen | mine


def _terms(order: Order) -> Hashable:
    return order.price, order.size, order.filled, order.remaining, order.status


def _moment(order: Order) -> int | None:
    """Milliseconds of the last change: streams tell no more than that."""
    told = order.updated_at or order.created_at
    return None if told is None else int(told.timestamp() * 1000)
