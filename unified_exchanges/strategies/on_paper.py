"""A run on paper over a recording: the market is that of then, and the account its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import cast

from ..flow import Flow, Request
from ..models import Fill, Gap, MarketChange, Order, Subject
from ..paper import Contract
from ..paper.engine import HEARD
from ..replaying.answers import Entry
from ..replaying.errands import WITHIN
from ..replaying.paper_account import Overhearing
from ..replaying.player import NEVER
from .commands import Command, Place
from .grounds import BookOf, Ground, Hear, Recorded
from .hearing import gaps_of
from .waiting import Item

__all__ = ["OnPaper"]


class OnPaper(Ground):
    """On paper over it: the market is that of the recording, and the account its own."""

    # Nothing ends but by what is told, and messages arrive in order.
    has_lasting_ids = True
    waits = True
    # As in a backtest.
    room = None

    def __init__(self, exchange: Recorded) -> None:
        super().__init__(exchange)
        self._venue: Overhearing = exchange.venue
        events = self._venue.broker.events
        self._news = events.open_session()
        self._fills, self._settled = len(events.fills), len(events.settlements)
        self._gap: Gap | None = None
        self._unjudge: Callable[[], None] = _nothing

    @property
    def closing(self) -> int:
        """When the next market closes by the clock, as the strategy's shows it."""
        return self._venue.closing

    @property
    def sent(self) -> int:
        """Counts what the account has sent."""
        return self._venue.broker.turn

    def close_markets(self) -> None:
        """Close those whose time has come."""
        self._venue.close_markets()

    def follow(
        self,
        subjects: tuple[Subject, ...],
        contracts: Mapping[str, Contract],
        hear: Hear,
        book_of: BookOf,
    ) -> None:
        """Tell what the account hears, before it makes anything of it."""
        self._hear = hear
        # As in a backtest the desk knows of changes also where the strategy is told of none.
        kinds = {kind for x, kind in HEARD.items() if x in subjects}
        self._kinds = (*(kinds | {MarketChange}),)
        self._gaps = gaps_of(subjects)
        on_the_wire = self.exchange.venue.on_the_wire
        for subject in subjects:
            self.timeline.check(on_the_wire, subject, tuple(contracts))
        self._venue.overhear(self._told)
        self._venue.broker.events.hang(self.drain)
        for contract in contracts.values():
            # First, so that the account misses nothing of what is told.
            self._venue.broker.admit(contract)
            self.exchange.attend(contract.market_id)
        if Subject.ORDER_BOOK in subjects:
            # As in a backtest, and not by one of the same moment that is told next.
            self._unjudge = self.exchange.judge_by(book_of)

    def _told(self, event: object) -> None:
        # What became of orders by what was told before comes before this.
        self.drain()
        if isinstance(event, Gap):
            # It comes to each feed of a market, one right after another.
            is_told = event is not self._gap and event.subject in self._gaps
            self._gap = event
        else:
            is_told = isinstance(event, self._kinds)
        if is_told:
            self._hear(cast("Item", event))

    def drain(self) -> None:
        """Tell what became of orders by now."""
        for news in self._news.take(NEVER):
            self._hear(cast("Item", news))
        # What a market pays the strategy sees by its change; guards go by what was paid.
        settlements = self._venue.broker.events.settlements
        for settlement in settlements[self._settled :]:
            self._hear(partial(self.exchange.learn, settlement))
        self._settled = len(settlements)

    def note(self, item: Item) -> None:
        """Have the guards know what became of orders: no stream of the exchange tells it.

        When the strategy is told, as in a backtest: what it decides before is judged without.
        """
        if isinstance(item, Order | Fill):
            self.exchange.learn(item)

    def check(self) -> None:
        """The account is told no errors of a stream: it hears no more."""

    def leave(self) -> None:
        """Tell no more; what filled while the last was canceled, the exchange knows."""
        events = self._venue.broker.events
        events.take_down(self.drain)
        events.close_session(self._news)
        self._unjudge()
        for fill in events.fills[self._fills :]:
            self.exchange.learn(fill)

    def flow(
        self,
        command: Command,
        place: Place,
        order_id: str | None,
        *,
        is_end: bool,
    ) -> Flow[Order]:
        """What a command does; the account knows its orders by our keys as well."""
        if order_id is None and not isinstance(command, Place):
            found = self._venue.broker.find_client(place.key)
            order_id = None if found is None else found.order_id
        return super().flow(command, place, order_id, is_end=is_end)

    def left_at(self, command: Command, order_id: str | None) -> int | None:
        """None did: it has this market, and these orders are new."""
        del command, order_id
        return None

    def claim(
        self,
        request: Request,
        since: int | None,
        *,
        within: tuple[int, int] | None = None,
        is_at_once: bool = False,
        is_before: bool = False,
    ) -> Entry:
        """What was recorded of a read of the market."""
        # On paper it waits for as long as messages take.
        del since, within, is_at_once, is_before
        return self.timeline.answers.claim(request, WITHIN)


def _nothing() -> None:
    """The exchange judges by its own books."""
