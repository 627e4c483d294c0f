"""Somebody who trades on the account that is watched: rests, takes, cancels."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Sequence
from contextlib import suppress
from decimal import Decimal

from unified_exchanges import Exchange, UnifiedExchangesError
from unified_exchanges.models import Market


class Trader:
    """Places some orders a second until it is told to pause."""

    def __init__(self, venue: Exchange, markets: Sequence[Market]) -> None:
        self._venue = venue
        self._markets = markets
        self._go = threading.Event()
        self._idle = threading.Event()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._trade)
        self._idle.set()
        self.placed: list[str] = []
        self._thread.start()

    def resume(self) -> None:
        self._idle.clear()
        self._go.set()

    def pause(self) -> None:
        """Place no more; returns once nothing is under way."""
        self._go.clear()
        self._idle.wait()

    def close(self) -> None:
        self._ended.set()
        self._go.set()
        self._thread.join()

    def _trade(self) -> None:
        for number in itertools.count():
            if not self._go.is_set():
                self._idle.set()
                self._go.wait()
            if self._ended.wait(0.2):
                self._idle.set()
                return
            market = self._markets[number % len(self._markets)]
            with suppress(UnifiedExchangesError):
                self._place(market, number)

    def _place(self, market: Market, number: int) -> None:
        create, name = self._venue.create_order, market.market_id
        if number % 3:
            outcome = ("yes", "no")[number % 2]
            price = market.grid.highest
            # Whole cents at any price, where what buys at once is dollars.
            size = 100 if market.cost_step else 2
            order = create(name, outcome, "buy", price, size, time_in_force="ioc")
        else:
            least = max(Decimal(3), market.minimum_size)
            order = create(
                name, "yes", "buy", market.grid.lowest, least, post_only=True
            )
            if number % 2:
                self._venue.cancel_order(order.order_id)
        self.placed.append(order.order_id)
