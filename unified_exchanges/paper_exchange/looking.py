"""How the broker on paper learns of the market: by the source's stream, or else by reading."""

from __future__ import annotations

import logging
from collections.abc import Callable, Container, Mapping, Sequence
from functools import partial
from typing import Final, TypeAlias

import attrs

from ..errors import (
    JournalError,
    MarketNotFound,
    NotSupported,
    UnifiedExchangesError,
    VenueSchemaError,
)
from ..flow import Flow, collect
from ..models import FeeRule, Market, Subject
from ..paper import Contract
from ..paper.broker import PaperBroker
from ..paper.fees import FeesInForce
from ..paper.kept import Kept, Rows, restored
from ..settings import Settings
from ..streams.line import Line
from ..streams.session import Dial
from ..tap import Taps
from .file import Source, StateFile
from .pausing import Pausing
from .source import PRIVATE
from .stream import AccountStream, connect, connect_async
from .terms import Eyes

__all__ = ["UNREADABLE", "Looking"]

_Take: TypeAlias = Callable[[str, Contract | UnifiedExchangesError], None]

_log = logging.getLogger(__name__)

_SECOND: Final = 1_000_000_000
_ENOUGH: Final = 1.0
"""Seconds for which reads of the account do with what was read of a market."""
_OFTEN: Final = 2.0
"""Seconds between two looks for who follows orders where the source has no stream."""
_RULES: Final = 60.0
"""Seconds after which a market is read again whose contracts are held, or ordered."""
UNREADABLE: Final = (MarketNotFound, NotSupported, VenueSchemaError)
"""What a market meets that the source knows no more, or of which it tells too little."""
_MALFORMED: Final = (
    ArithmeticError,
    AttributeError,
    LookupError,
    TypeError,
    UnifiedExchangesError,
    ValueError,
)
"""What a text meets that looks like a state and is none."""


class Looking(Pausing):
    """Keeps the broker up to date with what happens at the source."""

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
        self.broker = PaperBroker(
            cash=self.terms.cash,
            delays=self.terms.delays,
            now=self.nanoseconds,
            keeper=self.terms.file,
        )
        self._is_awake = False
        self._looked: dict[str, float] = {}
        self._read: dict[str, float] = {}
        self._charges: dict[str, FeesInForce] = {}
        self._unread: set[str] = set()
        """Markets of the account that are to be read before they are traded again."""
        self._lost: set[str] = set()
        self._account_taps = Taps()
        self._account_taps.connect = connect(self.broker)
        self._account_taps.async_connect = connect_async(self.broker)

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
            for market_id in self.broker.busy_markets():
                self.attend(market_id)
        return super().line_of(subject)

    def _account(self) -> AccountStream:
        return AccountStream(self.broker, clock=self.clock, first=self.first_outcome)

    # -- beginning, and keeping the state -------------------------------------------

    def awake(self) -> Flow[None]:
        """Go on with the state that was kept, once; raises in a forked child."""
        file = self.terms.file
        if file is None:
            return
        file.require_of_this_process()
        if self._is_awake:
            return
        kept = self._kept(file, file.read(self._whose()))
        found: dict[str, Contract | UnifiedExchangesError] = {}
        if kept is not None:
            busy = dict.fromkeys(kept.engine.busy_markets())
            # Of the others nothing needs to be known before they are traded again.
            wanted = {**busy, **dict.fromkeys(kept.engine.held_markets())}
            yield from self._read_markets([*wanted], busy, found.__setitem__)
            if any(x[2] != "expire" for x in kept.engine.commands):
                # What was on its way arrives as soon as this goes on.
                yield from self.heed_pause()
        # Another call may have done it while this one was reading.
        if not self._is_awake:
            self._is_awake = True
            if kept is not None:
                self._go_on(kept, found)

    def _go_on(
        self, kept: Kept, found: Mapping[str, Contract | UnifiedExchangesError]
    ) -> None:
        for read in found.values():
            if isinstance(read, Contract):
                kept.engine.pits[read.market_id].pause = self.pause_of(read.market)
        self.broker.load(kept)
        self._unread = set(kept.engine.pits).difference(found)
        for market_id, read in found.items():
            if not isinstance(read, Contract):
                self._lose(market_id, read)
        # Last: time passes with these, and the others have no fees.
        for read in found.values():
            if isinstance(read, Contract):
                self.broker.renew(read)

    def _whose(self) -> Source:
        source = self.source
        return Source(source.id, self.terms.environment or source.environment_name())

    def _kept(self, file: StateFile, rows: Rows) -> Kept | None:
        """The account that was kept; None if nothing was."""
        if not rows:
            return None
        try:
            return restored(rows, self._contract_of, self.terms.delays)
        except _MALFORMED as error:
            is_told = isinstance(error, UnifiedExchangesError | ValueError)
            raise file.refused(str(error) if is_told else repr(error)) from error

    def let_go(self) -> None:
        """Keep what is left to be kept, and let others have the file, come what may.

        Raises `JournalError` if it could not be kept; the second time there is nothing left.
        """
        file = self.terms.file
        if file is None or file.is_of_parent or file.is_closed:
            return
        try:
            self.broker.keep()
        except JournalError as error:
            message = (
                f"the exchange on paper is closed, but the last of it is not kept: {error}. "
                f"What calls and streams have told was written before; what has happened "
                "since is lost. See to the file before you go on with path="
            )
            raise JournalError(message, venue=self.id) from error
        finally:
            file.close()

    # -- looking --------------------------------------------------------------------

    def contract(self, market_id: str) -> Flow[Contract]:
        """A market with its fees, as the broker trades it."""
        market = yield from self.market_to_trade(market_id)
        yield from self._read_fees(market_id)
        return self._contract(market, charges=True)

    def _read_markets(
        self, market_ids: Sequence[str], busy: Container[str], take: _Take
    ) -> Flow[None]:
        """Hand on markets as they are now, or why they cannot be read, in few requests.

        Of those that are ``busy`` the fees are read first: nothing is asked for between what
        a listing tells and what is made of it.
        """
        left: list[str] = []
        for market_id in market_ids:
            try:
                if market_id in busy:
                    yield from self._read_fees(market_id)
            except UNREADABLE as error:
                take(market_id, error)
            else:
                left.append(market_id)
        listed = yield from self._found_together(left)
        for market in listed:
            take(market.market_id, self._made(market, busy))
        there = {market.market_id for market in listed}
        for market_id in left:
            if market_id in there:
                continue
            try:
                market = yield from self.market_to_trade(market_id)
            except UNREADABLE as error:
                take(market_id, error)
            else:
                take(market_id, self._made(market, busy))

    def _found_together(self, market_ids: list[str]) -> Flow[list[Market]]:
        """Those of several markets that are there; none if one of them cannot be read."""
        if len(market_ids) <= 1:
            return []
        try:
            return (yield from collect(self.known_markets(market_ids)))
        except UNREADABLE:
            # Which one it is, is told by asking for each.
            return []

    def _made(
        self, market: Market, busy: Container[str]
    ) -> Contract | UnifiedExchangesError:
        try:
            return self._contract(market, charges=market.market_id in busy)
        except UNREADABLE as error:
            return error

    def _contract(self, market: Market, *, charges: bool) -> Contract:
        """A market that was read, whose fees must be known if it ``charges``."""
        contract = self._contract_of(market)
        if charges:
            contract.require_fees()
        self._read[market.market_id] = self.clock.monotonic()
        self._unread.discard(market.market_id)
        self._lost.discard(market.market_id)
        return contract

    def _contract_of(self, market: Market) -> Contract:
        return Contract.of(self.facts, market, self._charged(market.market_id))

    def market_to_trade(self, market_id: str) -> Flow[Market]:
        """A market of the source."""
        return self.source.fetch_market(market_id)

    def fees_to_charge(self, market_id: str) -> Flow[FeeRule]:
        """The source's fees of it."""
        return self.source.fetch_fee_rule(market_id)

    def _charged(self, market_id: str) -> FeesInForce:
        """Its fees in force, as far as they were read."""
        announced = partial(self.announced_fees, market_id)
        return self._charges.setdefault(market_id, FeesInForce(announced))

    def _read_fees(self, market_id: str) -> Flow[None]:
        """Have fills charged by the fees of now, which the source remembers for a while."""
        rule = yield from self.fees_to_charge(market_id)
        self._charged(market_id).latest = rule

    def hear(self, event: object) -> None:
        """Take what the source's stream tells."""
        self.broker.hear(event)

    def admitted(self, market_id: str) -> Flow[Market]:
        """A market that is traded on paper, from now on if it was not."""
        yield from self.awake()
        if not self.broker.has_market(market_id):
            self.broker.admit((yield from self.contract(market_id)))
        elif market_id in self._unread:
            self.broker.renew((yield from self.contract(market_id)))
        return self.broker.market(market_id)

    def look(self, market_id: str) -> Flow[None]:
        """Let the broker know the market as it is now, before an order meets it."""
        yield from self.admitted(market_id)
        yield from self.heed_pause(market_id)
        yield from self._read_fees(market_id)
        self.broker.require_fees(market_id)
        self.attend(market_id)
        if self._sees(market_id):
            return
        yield from self._read_anew(market_id)

    def look_around(self) -> Flow[None]:
        """Let the broker know what became of its orders, before it is asked."""
        yield from self.awake()
        busy = dict.fromkeys(self.broker.busy_markets())
        wanted = {**busy, **dict.fromkeys(self.broker.held_markets())}
        stale = [x for x in wanted if self._is_stale(x)]
        yield from self._read_markets(stale, busy, self._take)
        if busy and (self.is_paused or not all(map(self._sees, busy))):
            yield from self.notice_pause()
        for market_id in self.broker.busy_markets():
            self.attend(market_id)
            looked = self._looked.get(market_id)
            is_new = looked is None or self.clock.monotonic() - looked >= _ENOUGH
            if not self._sees(market_id) and is_new:
                try:
                    yield from self._read_anew(market_id)
                except MarketNotFound as error:
                    self.broker.advance()
                    self._lose(market_id, error)
        self.broker.advance()

    def _read_anew(self, market_id: str) -> Flow[None]:
        since = self.broker.since(market_id)
        trades = yield from collect(self.source.fetch_trades(market_id, since=since))
        book = yield from self.source.fetch_order_book(market_id)
        # What the book shows by now has happened before: a trade counts first.
        self.broker.read_trades(market_id, trades)
        self.broker.hear(book)
        self._looked[market_id] = self.clock.monotonic()

    def _is_stale(self, market_id: str) -> bool:
        """Whether it is to be read again if it trades, what it pays, and what it charges."""
        read = self._read.get(market_id)
        return read is None or self.clock.monotonic() - read >= _RULES

    def _take(self, market_id: str, read: Contract | UnifiedExchangesError) -> None:
        if isinstance(read, Contract):
            self.broker.renew(read)
        else:
            self.broker.advance()
            self._lose(market_id, read)

    def _lose(self, market_id: str, error: UnifiedExchangesError) -> None:
        """Trade a market no more, and go on with the others."""
        self._read[market_id] = self.clock.monotonic()
        if market_id in self._lost:
            return
        _log.warning(
            "paper: %s is traded no more, its orders are canceled, and what is held of it "
            "stays until it can be read: %s",
            market_id,
            error,
        )
        self._lost.add(market_id)
        self._unread.add(market_id)
        self.broker.abandon(market_id)

    def attend(self, market_id: str) -> None:
        """Follow a market from now on, if that can be."""
        if self.is_streaming and self.eyes is not None:
            self.eyes.attend(market_id)

    def _sees(self, market_id: str) -> bool:
        if not self.is_streaming or self.eyes is None:
            return False
        if not self.eyes.sees(market_id):
            return False
        self.broker.is_streamed(market_id)
        return True
