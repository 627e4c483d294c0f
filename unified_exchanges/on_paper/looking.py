"""How the house on paper learns of the market: by the source's stream, or else by reading."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import partial
from typing import Final

import attrs

from ..errors import NotSupported
from ..flow import Flow, collect
from ..models import FeeRule, Market, Subject
from ..paper import Contract
from ..paper.house import PaperHouse
from ..paper.kept import Rows, markets_of
from ..settings import Settings
from ..streams.line import Line
from ..streams.session import Dial
from ..tap import Taps
from .fees import FeesInForce
from .file import Source, StateFile
from .source import PRIVATE, FromSource
from .stream import AccountStream, connect, connect_async
from .terms import Eyes

__all__ = ["Looking"]

_log = logging.getLogger(__name__)

_SECOND: Final = 1_000_000_000
_ENOUGH: Final = 1.0
"""Seconds for which reads of the account do with what was read of a market."""
_OFTEN: Final = 2.0
"""Seconds between two looks for who follows orders where the source has no stream."""
_RULES: Final = 60.0
"""Seconds after which a market is read again whose contracts are held, or ordered."""
_MALFORMED: Final = (
    ArithmeticError,
    AttributeError,
    LookupError,
    TypeError,
    ValueError,
)
"""What a text meets that looks like a state and is none."""


class Looking(FromSource):
    """Keeps the house up to date with what happens at the source."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self.eyes: Eyes | None = None
        self.is_streaming = self.can_stream()
        if not self.is_streaming:
            stream = settings.stream
            often = min(stream.reconcile or _OFTEN, _OFTEN)
            self.settings = attrs.evolve(
                self.settings, stream=attrs.evolve(stream, reconcile=often)
            )
        self.house = PaperHouse(
            cash=self.terms.cash,
            delays=self.terms.delays,
            now=self.nanoseconds,
            keeper=self.terms.file,
        )
        self._is_awake = self.terms.file is None
        self._looked: dict[str, float] = {}
        self._read: dict[str, float] = {}
        self._charges: dict[str, FeesInForce] = {}
        self._account_taps = Taps()
        self._account_taps.connect = connect(self.house)
        self._account_taps.async_connect = connect_async(self.house)

    def nanoseconds(self) -> int:
        """The source's time in nanoseconds since 1970."""
        return int((self.clock.now() + self.offset.seconds) * _SECOND)

    # -- streams --------------------------------------------------------------------

    def lines(self) -> tuple[Line, ...]:
        """Those of the source about markets, and one in this process for the account."""
        dial = Dial(
            url="paper:account",
            headers=dict,
            venue=self.id,
            taps=self._account_taps,
        )
        account = Line(
            name="paper",
            subjects=PRIVATE,
            open=self._account,
            dial=dial,
            is_here=True,
        )
        return (*self.source_lines(), account)

    def line_of(self, subject: Subject) -> Line:
        """The connection on which a subject is told; who follows orders wants markets too."""
        if subject in PRIVATE:
            for market_id in self.house.busy_markets():
                self.attend(market_id)
        return super().line_of(subject)

    def _account(self) -> AccountStream:
        return AccountStream(self.house, clock=self.clock, first=self.first_outcome)

    # -- beginning, and keeping the state -------------------------------------------

    def awake(self) -> Flow[None]:
        """Go on with the state that was kept, once."""
        if self._is_awake:
            return
        assert self.terms.file is not None
        rows = self.terms.file.read(self._whose())
        found: list[Contract] = []
        for name in markets_of(rows):
            contract = yield from self.contract(name)
            found.append(contract)
        # Another call may have done it while this one was reading.
        if not self._is_awake:
            self._go_on(self.terms.file, rows, found)
            self._is_awake = True

    def _whose(self) -> Source:
        source = self.source
        return Source(source.id, self.terms.environment or source.environment_name())

    def _go_on(
        self, file: StateFile, rows: Rows, contracts: Sequence[Contract]
    ) -> None:
        if not rows:
            return
        try:
            self.house.load(rows, contracts)
        except _MALFORMED as error:
            what = str(error) if isinstance(error, ValueError) else repr(error)
            raise file.no_state(what) from error
        for contract in contracts:
            self.house.read_market(contract.market)

    def let_go(self) -> None:
        """Keep what is left to be kept, and let others have the file."""
        file = self.terms.file
        if file is None or file.is_of_parent:
            return
        try:
            self.house.keep()
        finally:
            file.close()

    # -- looking --------------------------------------------------------------------

    def contract(self, market_id: str) -> Flow[Contract]:
        """A market with its fees, as the house trades it."""
        market = yield from self.market_to_trade(market_id)
        fees = yield from self._read_fees(market_id)
        self._read[market_id] = self.clock.monotonic()
        try:
            return Contract.of(self.facts, market, fees)
        except ValueError as error:
            raise NotSupported(str(error), venue=self.id) from error

    def market_to_trade(self, market_id: str) -> Flow[Market]:
        """A market of the source."""
        return self.source.fetch_market(market_id)

    def fees_to_charge(self, market_id: str) -> Flow[FeeRule]:
        """The source's fees of it."""
        return self.source.fetch_fee_rule(market_id)

    def _read_fees(self, market_id: str) -> Flow[FeeRule]:
        """Have fills charged by the fees of now, which the source remembers for a while."""
        rule = yield from self.fees_to_charge(market_id)
        known = self._charges.get(market_id)
        if known is None:
            announced = partial(self.announced_fees, market_id)
            known = self._charges[market_id] = FeesInForce(rule, announced)
        known.latest = rule
        return known

    def hear(self, event: object) -> None:
        """Take what the source's stream tells."""
        self.house.hear(event)

    def admitted(self, market_id: str) -> Flow[Market]:
        """A market that is traded on paper, from now on if it was not."""
        yield from self.awake()
        if not self.house.has_market(market_id):
            self.house.admit((yield from self.contract(market_id)))
        return self.house.market(market_id)

    def look(self, market_id: str) -> Flow[None]:
        """Let the house know the market as it is now, before an order meets it."""
        yield from self.admitted(market_id)
        yield from self._read_fees(market_id)
        self.attend(market_id)
        if self._sees(market_id):
            return
        yield from self._read_anew(market_id)

    def look_around(self) -> Flow[None]:
        """Let the house know what became of its orders, before it is asked."""
        yield from self.awake()
        for market_id in self.house.busy_markets():
            self.attend(market_id)
            looked = self._looked.get(market_id)
            is_new = looked is None or self.clock.monotonic() - looked >= _ENOUGH
            if not self._sees(market_id) and is_new:
                yield from self._read_anew(market_id)
        for market_id in {*self.house.held_markets(), *self.house.busy_markets()}:
            read = self._read.get(market_id)
            if read is None or self.clock.monotonic() - read >= _RULES:
                yield from self.look_at_rules(market_id)
        self.house.advance()

    def _read_anew(self, market_id: str) -> Flow[None]:
        since = self.house.since(market_id)
        trades = yield from collect(self.source.fetch_trades(market_id, since=since))
        book = yield from self.source.fetch_order_book(market_id)
        # What the book shows by now has happened before: a trade counts first.
        self.house.read_trades(market_id, trades)
        self.house.hear(book)
        self._looked[market_id] = self.clock.monotonic()

    def look_at_rules(self, market_id: str) -> Flow[None]:
        """Read whether a market still trades, what it pays, and what it charges."""
        if market_id in self.house.busy_markets():
            yield from self._read_fees(market_id)
        market = yield from self.source.fetch_market(market_id)
        self._read[market_id] = self.clock.monotonic()
        self.house.read_market(market)

    def attend(self, market_id: str) -> None:
        """Follow a market from now on, if that can be."""
        if self.is_streaming and self.eyes is not None:
            self.eyes.attend(market_id)

    def _sees(self, market_id: str) -> bool:
        if not self.is_streaming or self.eyes is None:
            return False
        if not self.eyes.sees(market_id):
            return False
        self.house.is_streamed(market_id)
        return True
