"""The venue on paper over a recording: it asks for nothing that the recording has not."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Final, TypeVar

import attrs

from ..errors import NotRecorded
from ..flow import Flow, Sleep
from ..models import FeeRule, Market, Position
from ..paper import Delays
from ..paper.departure import Departure
from ..recording.foresight import Foresight
from ..replaying.clock import ReplayClock
from ..replaying.paper_account import Overhearing
from ..settings import Settings
from ..venue.draft import Draft, Rules
from ..venue.drafting import Drafting
from ..venue.ticket import Ticket
from .terms import Terms
from .venue import PaperVenue

__all__ = ["PaperVenueOverRecording", "late"]

T = TypeVar("T")

_SECOND: Final = 1_000_000_000


def late(terms: Terms) -> Terms:
    """The same terms where all that the source tells is told `Delays.event` later.

    Then the account lags behind by as much: an order that was decided by what came late
    has that way behind it as well, and whatever becomes of it is told at once.
    """
    delays = terms.delays
    return attrs.evolve(terms, delays=Delays(order=delays.order + delays.event))


class PaperVenueOverRecording(PaperVenue, Overhearing):
    """As `PaperVenue`; a market is known by the first answer, and then by its stream."""

    clock: ReplayClock

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._markets: dict[str, Market] = {}
        self._fees: dict[str, FeeRule] = {}
        self._listeners: list[Callable[[object], None]] = []
        self._foresight: Foresight | None = None

    def nanoseconds(self) -> int:
        """When it was received what was told last: what a backtest goes by."""
        return self.clock.wall

    def overhear(self, listener: Callable[[object], None]) -> None:
        """Tell of what is followed before the account makes anything of it."""
        self._listeners.append(listener)

    def hear(self, event: object) -> None:
        """Take what the source's stream told."""
        for listener in self._listeners:
            listener(event)
        if self._foresight is not None:
            own = self._foresight.take(self.nanoseconds(), self.broker.has_market)
            for each in own:
                super().hear(each)
        super().hear(event)

    def foresee(self, foresight: Foresight) -> None:
        """Know what the account took that was recorded, before books and trades show it."""
        self._foresight = foresight

    @property
    def closing(self) -> int:
        """When the next market closes by the clock, as the strategy's shows it."""
        return self.broker.engine.hours.due + self.clock.lag

    def close_markets(self) -> None:
        """Close those whose time has come."""
        self.broker.land(self.nanoseconds(), 0)

    # -- what is known --------------------------------------------------------------

    @property
    def pauses_untold(self) -> bool:
        """Never: what its stream does not tell is not known."""
        return False

    def fetch_market(self, market_id: str) -> Flow[Market]:
        """One market of the source."""
        market = yield from super().fetch_market(market_id)
        self._markets[market.market_id] = market
        return market

    def fetch_fee_rule(self, market_id: str) -> Flow[FeeRule]:
        """The source's fees of one market as a rule."""
        rule = yield from super().fetch_fee_rule(market_id)
        self._fees[market_id] = rule
        return rule

    def market_to_trade(self, market_id: str) -> Flow[Market]:
        """A market as it was told; asked for where it was not."""
        known = self._markets.get(market_id)
        return known or (yield from self._by_paper(self.fetch_market(market_id)))

    def fees_to_charge(self, market_id: str) -> Flow[FeeRule]:
        """Its fees, likewise."""
        known = self._fees.get(market_id)
        return known or (yield from self._by_paper(self.fetch_fee_rule(market_id)))

    def _by_paper(self, read: Flow[T]) -> Flow[T]:
        """What paper reads by itself, and whoever was recorded need not have asked for."""
        try:
            return (yield from read)
        except NotRecorded as error:
            error.add(
                ". On paper an order needs its market, and the fees of that: a recording has "
                "them that `unified-exchanges record` made, or in which contract_of(exchange, "
                "market_id) was called"
            )
            raise

    def announced_fees(self, market_id: str) -> FeeRule | None:
        """None: over all of it one rule is charged, as by a backtest."""
        del market_id
        return None

    def look(self, market_id: str) -> Flow[None]:
        """Follow a market; what its stream does not tell is not known."""
        yield from self.admitted(market_id)
        self.attend(market_id)

    def look_around(self) -> Flow[None]:
        """What became of the orders the stream has told."""
        yield from self.awake()
        self.broker.land(self.nanoseconds(), 0)

    def marked(self, position: Position) -> Flow[Position]:
        """What the recording tells of its market, if anybody read its book then."""
        try:
            return (yield from super().marked(position))
        except NotRecorded:
            return position

    # -- orders ---------------------------------------------------------------------

    def rules(self, market_id: str, *, fresh: bool = False) -> Flow[Rules]:
        """What the market wants of an order, as far as its stream has told."""
        del fresh
        market = yield from self.admitted(market_id)
        return Rules(
            market_id=market.market_id,
            event_id=market.event_id,
            grid=market.grid,
            lot=market.lot,
            minimum_size=market.minimum_size,
            outcomes=market.outcomes,
            status=market.status,
            is_combination=market.is_combination,
            seen_at=self.clock.monotonic(),
        )

    def learn_rules(self, market: Market) -> Flow[None]:
        """What its stream does not tell is not known."""
        del market
        yield from ()

    def drafted(self, ticket: Ticket, rules: Rules, bound: Decimal | None) -> Draft:
        """An order, held against the rules of its market as its stream has told them."""
        return Drafting.drafted(self, ticket, rules, bound)

    def unseen(self, market_ids: Iterable[str]) -> list[str]:
        """None: what its stream does not tell is not known."""
        del market_ids
        return []

    def travelled(self, departure: Departure) -> Flow[None]:
        """Wait until what was just sent has arrived, also if that takes no time.

        Raises `NotRecorded` if the recording ends before.
        """
        del departure
        delay, turn = self.broker.engine.delays.order, self.broker.turn
        arrival = self.nanoseconds() + delay
        yield Sleep(delay / _SECOND)
        if self.nanoseconds() + _SLACK < arrival:
            raise NotRecorded(
                "the recording came to its end before the order, change or cancel would have "
                "arrived",
                venue=self.id,
            )
        self.broker.land(arrival, turn)


_SLACK: Final = 1_000
"""Nanoseconds by which a wait may end too early."""
