"""The lives of markets: opening, pauses, close, result and payment."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from functools import partial

from ..grid import PriceGrid
from ..money import ONE, ZERO
from .accounts import Settlement
from .floor import Floor
from .ledger import Holding
from .markets import Listing, Result
from .notices import PauseChanged, PositionChanged, Settled
from .orders import OrderReason, Refusal
from .pit import Pause, Pit

__all__ = ["Lifecycle"]

_UNFINISHED = frozenset({"initialized", "active", "inactive"})
_KNOWN = frozenset({"determined", "disputed", "amended"})


class Lifecycle:
    """What the exchange itself does to its markets, on one floor."""

    def __init__(self, floor: Floor, *, deactivates: bool) -> None:
        self._floor = floor
        self._deactivates = deactivates

    def add(self, listing: Listing) -> Pit:
        """List a market and note when it opens and closes."""
        if listing.market_id in self._floor.pits:
            message = f"market {listing.market_id} is listed"
            raise Refusal("market_already_exists", message)
        pit = self._floor.add_pit(listing)
        self._floor.emit_market(pit, "created")
        self._when(pit, pit.open_us, self._open)
        self._when(pit, pit.close_us, self._close_when_due)
        return pit

    def change_grid(self, pit: Pit, grid: PriceGrid) -> None:
        """Accept other prices from now on."""
        pit.grid = grid
        self._floor.emit_market(pit, "grid_updated")

    def change_close(self, pit: Pit, close_us: int) -> None:
        """Move the close; reopen a closed market whose close is ahead again."""
        if pit.status not in _UNFINISHED and pit.status != "closed":
            raise Refusal("market_closed", "the market has its result")
        pit.close_us = close_us
        self._floor.emit_market(pit, "close_date_updated")
        if pit.status == "closed" and close_us > self._floor.now_us:
            pit.status = "active"
            self._floor.emit_market(pit, "activated")
        self._when(pit, close_us, self._close_when_due)

    def deactivate(self, pit: Pit) -> None:
        """Take a market out of trading."""
        if pit.status != "active":
            raise Refusal("market_inactive", "only an active market can be deactivated")
        pit.status = "inactive"
        self._floor.emit_market(pit, "deactivated")
        self._halt(pit)

    def activate(self, pit: Pit) -> None:
        """Bring a market back into trading, with an empty book."""
        if pit.status != "inactive":
            raise Refusal("market_inactive", "only an inactive market can be activated")
        self._clear(pit, "reactivation")
        pit.status = "active"
        self._floor.emit_market(pit, "activated")

    def determine(self, pit: Pit, yes_value: Decimal) -> None:
        """Give or amend the result, and start the settlement timer."""
        _check_value(pit, yes_value)
        is_amended = pit.status in _KNOWN
        self._close(pit)
        self._give_result(pit, yes_value, _result(yes_value))
        pit.status = "amended" if is_amended else "determined"
        self._floor.emit_market(pit, pit.status)
        now_us = self._floor.now_us
        due_us = now_us + pit.listing.settlement_timer_us
        self._when(pit, due_us, partial(self._settle_when_due, now_us))

    def dispute(self, pit: Pit) -> None:
        """Stop the settlement timer."""
        if pit.status not in {"determined", "amended"}:
            message = "only a determined market can be disputed"
            raise Refusal("invalid_settlement", message)
        pit.status = "disputed"
        self._floor.emit_market(pit, "disputed")

    def settle(self, pit: Pit) -> list[Settlement]:
        """Pay what the result says."""
        if pit.status not in _KNOWN or pit.yes_value is None:
            raise Refusal("invalid_settlement", "the market has no result to pay")
        pit.status = "finalized"
        pit.settled_us = self._floor.now_us
        paid = [
            self._pay(pit, holding, pit.yes_value)
            for holding in pit.holdings.values()
            if holding.size
        ]
        for holding in pit.holdings.values():
            holding.is_settled = True
        pit.open_interest = ZERO
        self._floor.emit_market(pit, "settled")
        return paid

    def void(self, pit: Pit, yes_value: Decimal) -> list[Settlement]:
        """Pay a fair value now."""
        _check_value(pit, yes_value)
        self._close(pit)
        self._give_result(pit, yes_value, "scalar")
        pit.status = "determined"
        self._floor.emit_market(pit, "determined")
        return self.settle(pit)

    def pause(self, pause: Pause, until_us: int | None) -> None:
        """Begin a pause, which may end by itself."""
        self._check_scope(pause)
        if until_us is not None:
            self._floor.at(until_us, partial(self.resume, pause))
        if pause in self._floor.pauses:
            return
        if pause.market_id is not None and self._deactivates:
            pit = self._floor.pit(pause.market_id)
            if pit.status == "active":
                self.deactivate(pit)
            return
        self._floor.pauses.add(pause)
        self._tell_pause(pause, is_paused=True)
        for pit in self._pits_of(pause):
            self._halt(pit)

    def resume(self, pause: Pause) -> None:
        """End a pause."""
        self._check_scope(pause)
        if pause.market_id is not None and self._deactivates:
            pit = self._floor.pit(pause.market_id)
            if pit.status == "inactive":
                self.activate(pit)
        elif pause in self._floor.pauses:
            self._floor.pauses.remove(pause)
            self._tell_pause(pause, is_paused=False)

    def schedule_pause(self, pause: Pause, start_us: int, end_us: int) -> None:
        """Begin a pause later."""
        self._check_scope(pause)
        self._floor.at(start_us, partial(self.pause, pause, end_us))

    def _check_scope(self, pause: Pause) -> None:
        if pause.market_id is not None:
            self._floor.pit(pause.market_id)

    def _tell_pause(self, pause: Pause, *, is_paused: bool) -> None:
        self._floor.emit(
            PauseChanged(
                market_id=pause.market_id,
                shard=pause.shard,
                whole_exchange=pause.whole_exchange,
                is_paused=is_paused,
                time_us=self._floor.now_us,
            )
        )

    def _pits_of(self, pause: Pause) -> Iterator[Pit]:
        if pause.market_id is not None:
            yield self._floor.pit(pause.market_id)
            return
        for pit in self._floor.pits.values():
            if pause.shard in {None, pit.listing.shard}:
                yield pit

    def _when(self, pit: Pit, due_us: int, action: Callable[[Pit], None]) -> None:
        """Do it when it is due: now, if it is due already."""
        if due_us <= self._floor.now_us:
            action(pit)
        else:
            self._floor.at(due_us, partial(action, pit))

    def _open(self, pit: Pit) -> None:
        if pit.status == "initialized":
            pit.status = "active"
            self._floor.emit_market(pit, "opened")

    def _close_when_due(self, pit: Pit) -> None:
        if pit.close_us <= self._floor.now_us:
            self._close(pit)

    def _close(self, pit: Pit) -> None:
        if pit.status not in _UNFINISHED:
            return
        pit.status = "closed"
        self._floor.emit_market(pit, "closed")
        self._clear(pit, "close")

    def _clear(self, pit: Pit, reason: OrderReason) -> None:
        for order in self._floor.resting(pit):
            self._floor.end(order, reason)

    def _halt(self, pit: Pit) -> None:
        for order in self._floor.resting(pit):
            if order.cancel_on_pause:
                self._floor.end(order, "halt")

    def _give_result(self, pit: Pit, yes_value: Decimal, result: Result) -> None:
        pit.yes_value = yes_value
        pit.result = result
        pit.determined_us = self._floor.now_us

    def _settle_when_due(self, determined_us: int, pit: Pit) -> None:
        is_due = pit.status in {"determined", "amended"}
        if is_due and pit.determined_us == determined_us:
            self.settle(pit)

    def _pay(self, pit: Pit, holding: Holding, yes_value: Decimal) -> Settlement:
        size, cost = holding.size, holding.cost
        revenue = holding.pay(yes_value, self._floor.now_us)
        settlement = Settlement(
            owner=holding.owner,
            market_id=pit.market_id,
            event_id=pit.listing.event_id,
            shard=pit.listing.shard,
            result=pit.result,
            yes_value=yes_value,
            size=size,
            cost=cost,
            revenue=revenue,
            fees=holding.fees,
            time_us=self._floor.now_us,
            sequence=self._floor.sequence(),
        )
        self._floor.account(holding.owner.account_id).settlements.append(settlement)
        self._floor.emit(Settled(settlement=settlement))
        self._floor.emit(PositionChanged(position=holding.position()))
        return settlement


def _check_value(pit: Pit, yes_value: Decimal) -> None:
    if pit.status == "finalized":
        raise Refusal("invalid_settlement", "the market is settled")
    if not yes_value.is_finite() or not ZERO <= yes_value <= ONE:
        raise Refusal("invalid_settlement", f"{yes_value} is not between 0 and 1")


def _result(yes_value: Decimal) -> Result:
    if yes_value == ONE:
        return "yes"
    return "no" if yes_value == ZERO else "scalar"
