"""A run on paper over a recording: in the time of the recording, as a backtest goes.

Nothing waits and nobody is woken here: one thing after another happens in the thread, or
the task, of the run.  Live a slow strategy is told the newest book; here time stands still
while it decides, so that it is told every one.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, Final, Protocol, cast

from ..errors import BadRequest, InvalidOrder, NotSupported, OrderNotFound
from ..flow import Flow, JournalStep
from ..journal import MemoryJournal, performed
from ..models import (
    Balance,
    Fill,
    Gap,
    MarketChange,
    Order,
    OrderBook,
    OrderRequest,
    Position,
    Subject,
    Trade,
)
from ..paper import Contract
from ..replaying import Timeline
from ..replaying.clock import ReplayClock
from ..replaying.errands import Errand
from ..replaying.overhearing import Overhearing
from ..replaying.player import NEVER
from ..venue import Venue
from .beginning import read_subjects
from .commands import Amend, Command, Place
from .inbox import Item
from .report import RunReport
from .running import Progress, Running, of_markets, request
from .session import told
from .strategy import Strategy

__all__ = ["BREATH", "Recorded", "RecordedRun", "ground"]

BREATH: Final = 256
"""Things that happen before others are let in."""
_FED: Final = (
    (OrderBook, Subject.ORDER_BOOK),
    (Trade, Subject.TRADES),
    (MarketChange, Subject.MARKET_STATUS),
)


class Recorded(Protocol):
    """An exchange, of either flavour, on paper over a recording."""

    venue: Any

    def attend(self, market_id: str) -> None:
        """Follow a market of the recording."""
        ...

    def placing(self, order: OrderRequest) -> Flow[Order]:
        """The flow of a create."""
        ...


def ground(venues: Iterable[Venue]) -> bool:
    """Whether a run goes by the time of a recording; raises `BadRequest` if of several.

    Raises `NotSupported` for a recording without an account on paper: only whoever waits
    for the next message moves its time, and a run waits for all of them at once.
    """
    venues = list(venues)
    found = [isinstance(venue, Overhearing) for venue in venues]
    for venue, is_on_paper in zip(venues, found, strict=True):
        if venue.taps.is_replay and not is_on_paper:
            raise NotSupported(
                'no strategy is run on exchange("replay", path=…), which answers only what '
                'was asked for when it was recorded. exchange("paper", source="replay", '
                "path=…) runs the same strategy on paper in the time of the recording, and "
                "backtest(strategy, path, contracts=…) gives the report of it. Nothing was "
                "asked for",
                venue=venue.id,
            )
    if any(found) and len(found) > 1:
        raise BadRequest(
            "on paper over a recording a run is on one exchange: each recording has a time of "
            "its own. backtest(strategy, [path, …]) merges several by their time"
        )
    return any(found)


class RecordedRun:
    """One run; whoever drives it calls `begin`, `step` until it is over, and `end`."""

    def __init__(
        self,
        strategy: Strategy,
        exchange: Recorded,
        contracts: Mapping[str, Contract],
        balances: Iterable[Balance],
        positions: Iterable[Position],
        *,
        keep: int,
    ) -> None:
        venue = exchange.venue
        self._exchange = exchange
        self._venue: Overhearing = venue
        self._timeline = cast("Timeline", venue.taps.timeline)
        self._subjects = read_subjects(strategy)
        self._contracts = tuple(contracts.values())
        self._markets = tuple(contracts)
        self._running = _Running(
            strategy, venue, contracts, balances, positions, keep=keep
        )
        self._running.session.has_lasting_ids = True
        self._news = venue.house.open_session()
        self._items: deque[Item] = deque()
        self._journal = MemoryJournal()

    def begin(self, seconds: float | None) -> None:
        """Follow the markets, and let the strategy begin."""
        for subject in self._subjects:
            self._timeline.check(
                self._exchange.venue.on_the_wire, subject, self._markets
            )
        self._venue.overhear(self._hear)
        self._venue.house.hang(self._drain)
        for contract in self._contracts:
            # First, so that the account misses nothing of what is told.
            self._venue.house.admit(contract)
            self._exchange.attend(contract.market_id)
        self._running.limit(seconds)
        self._running.session.start(self._running.now())
        self._send()

    def step(self, progress: Progress | None) -> bool:
        """Let the next thing happen; False once nothing more does."""
        running = self._running
        if running.is_over:
            return False
        running.show(progress)
        if self._items:
            self._tell(self._items.popleft())
            self._send()
            return True
        if self._timeline.is_over:
            return False
        self._pass()
        self._send()
        return True

    def _pass(self) -> None:
        """Let time go on to what comes first, of those at once in the order of a backtest.

        An effect of an order comes before a timer, and after everything received by then;
        a timer comes before what is received then.
        """
        timeline, session = self._timeline, self._running.session
        line, planned = timeline.ahead
        timer = self._passed_at(session.due)
        end = self._passed_at(self._running.end)
        closing = self._passed_at(self._venue.closing)
        if closing < line and closing <= min(planned, timer, end):
            self._let_pass(closing)
            self._venue.close_markets()
        elif timer <= line and not (planned < line and planned <= timer):
            self._let_pass(min(timer, end))
            if timer <= end:
                session.ring_next(session.due)
        elif end <= min(line, planned):
            self._let_pass(end)
        else:
            timeline.step()

    def _passed_at(self, moment: int) -> int:
        """What the clock of the timeline shows when the strategy's shows a moment."""
        clock = self._venue.clock
        return min(NEVER, moment - clock.moment + clock.passed)

    def _let_pass(self, passed: int) -> None:
        with self._timeline.lock:
            self._venue.clock.move(passed)

    # -- what is told ------------------------------------------------------------------

    def _hear(self, event: object) -> None:
        # What became of orders by what was told before comes before this.
        self._drain()
        if isinstance(event, Gap):
            self._items.append(of_markets(event, self._markets))
            return
        for kind, subject in _FED:
            if isinstance(event, kind) and subject in self._subjects:
                self._items.append(cast("Item", event))

    def _drain(self) -> None:
        self._items.extend(cast("list[Order | Fill]", self._news.take(NEVER)))

    def _tell(self, item: Item) -> None:
        session = self._running.session
        session.desk.moment = max(session.desk.moment, self._running.now())
        if callable(item):
            item()
        else:
            session.take(item)

    # -- what is sent ------------------------------------------------------------------

    def _send(self) -> None:
        for command in self._running.session.ready():
            self._perform(
                command,
                partial(self._answered, command),
                partial(self._failed, command),
            )

    def _answered(self, command: Command, order: Order) -> None:
        self._put(partial(self._running.session.answered, command, order))

    def _failed(self, command: Command, error: Exception) -> None:
        if isinstance(command, Amend) and type(error) is InvalidOrder:
            order = self._venue.house.find(command.key)
            if order is not None and not order.is_open:
                # It ended by itself, which is on its way: nothing is left to change.
                self._answered(command, order)
                return
        self._put(partial(self._running.session.failed, command, told(error)))

    def _put(self, item: Callable[[], None]) -> None:
        # What the account's stream tells of it comes first.
        self._drain()
        self._items.append(item)

    def _perform(
        self,
        command: Command,
        done: Callable[[Order], None],
        failed: Callable[[Exception], None],
    ) -> None:
        errand = _Errand(
            self._flow(command),
            done,
            failed,
            self._timeline.answers,
            self._timeline,
            _pass_over,
            _nothing,
            journal=self._journal,
        )
        with self._timeline.lock:
            errand.begin()

    def _flow(self, command: Command) -> Flow[Order]:
        place, order_id = self._running.session.place_of(command)
        venue = self._exchange.venue
        if isinstance(command, Place):
            return self._exchange.placing(request(place))
        name = order_id or place.key
        if isinstance(command, Amend):
            return cast(
                "Flow[Order]",
                venue.edit_order(
                    name,
                    market_id=place.market_id,
                    outcome=place.outcome,
                    price=command.price,
                    size=command.size,
                ),
            )
        return cast("Flow[Order]", venue.cancel_order(name, market_id=place.market_id))

    # -- the end -----------------------------------------------------------------------

    def end(self, broke: BaseException | None) -> RunReport:
        """Wait for what is on its way, cancel what is open, and report."""
        session = self._running.session
        unsent = session.stop()
        try:
            broke = self._settle(broke)
            ended = self._cancel()
        finally:
            self._venue.house.take_down(self._drain)
            self._venue.house.close_session(self._news)
        return self._running.report(broke, unsent, ended)

    def _settle(self, broke: BaseException | None) -> BaseException | None:
        session = self._running.session
        while session.in_flight:
            try:
                if self._items:
                    self._tell(self._items.popleft())
                elif not self._timeline.step():
                    break
            except Exception as error:  # noqa: BLE001 - the first is raised
                broke = broke or error
        try:
            session.strategy.on_stop(session.desk)
        except Exception as error:  # noqa: BLE001 - the first is raised
            broke = broke or error
        return broke

    def _cancel(self) -> list[Order | Exception | None]:
        """Cancel what is open; what rests when the recording ends rests for ever."""
        if self._timeline.is_over:
            return []
        ended: list[Order | Exception | None] = []
        left = self._running.session.left()
        for command in left:
            self._perform(command, ended.append, ended.append)
        while len(ended) < len(left) and self._timeline.step():
            pass
        return [None if isinstance(x, OrderNotFound) else x for x in ended]


class _Running(Running):
    """By the clock of the recording, to the nanosecond."""

    def now(self) -> int:
        """Nanoseconds since 1970, as the strategy sees it."""
        return cast("ReplayClock", self._clock).moment

    @property
    def end(self) -> int:
        """When it is to end."""
        return NEVER if self._end is None else self._end


class _Errand(Errand):
    """A command on its way, written down nowhere but in memory."""

    def __init__(self, *given: Any, journal: MemoryJournal) -> None:
        super().__init__(*given)
        self._journal = journal

    def _perform(self, step: Any) -> Any:
        if isinstance(step, JournalStep):
            return performed(self._journal, step)
        return super()._perform(step)


def _pass_over(error: object) -> None:
    """The command is told."""
    del error


def _nothing() -> None:
    """Nobody waits for its end."""
