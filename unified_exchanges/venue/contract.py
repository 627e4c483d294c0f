"""The contract a venue fills in.

A venue is written without I/O: every unified method returns a flow (see `flow`).  A
subclass in ``venues/<id>/`` turns calls into requests and answers into models, and
overrides what its venue has; what it leaves raises `NotSupported` and is False in ``has``.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import ClassVar, NoReturn

import attrs

from ..description import METHODS, Capability, Description
from ..errors import (
    BadRequest,
    MarketNotFound,
    NotSupported,
    UnifiedExchangesError,
)
from ..flow import Flow, Pages, Request, Response
from ..guards import GUARDS
from ..models import (
    Account,
    AccountLimits,
    AccountState,
    Activity,
    Balance,
    CancelReport,
    CancelResult,
    Candle,
    DryRunReport,
    Event,
    FeeRule,
    Fill,
    Halt,
    Intent,
    Market,
    MarketChange,
    Order,
    OrderBook,
    OrderPreview,
    OrderRequest,
    OrderResult,
    Params,
    Period,
    Position,
    PricePoint,
    ReconcileReport,
    Resync,
    Series,
    Settlement,
    Side,
    Status,
    StatusFilter,
    Subject,
    Tag,
    Ticker,
    Trade,
)
from ..money import Number
from ..streams.line import Line
from ..streams.protocol import StreamProtocol
from ..streams.session import Dial
from .health import Checkup
from .paging import Paging
from .permission import Permission
from .raw import RawBody

__all__ = ["Venue"]

_CENTURY = 36_500


class Venue(Checkup, Paging, Permission):
    """A prediction market's API as flows over the unified models."""

    first_outcome: ClassVar[str | None] = None
    """The outcome in which a market's one book is told; None where each has its own."""
    positions_late: ClassVar[float | None] = None
    """Seconds by which reads of positions may be late, where that is more than of orders."""
    settles_late: ClassVar[bool] = False
    """Whether a trade that matched may still fail; else every fill is final at once."""

    def settling(
        self,
        market_id: str | None,
        since: datetime | None,
    ) -> Flow[list[Fill]]:
        """Our fills in a market, or in all, since then, also those that failed to settle.

        Asked only where fills ``settles_late``; their fees are not told.
        """
        yield from ()
        return []

    @abstractmethod
    def request(
        self,
        method: str,
        path: str,
        *,
        query: Params | None = None,
        body: RawBody | None = None,
    ) -> Flow[Response]:
        """A raw call, signed, throttled and error-mapped."""

    def __reduce_ex__(self, _: object) -> NoReturn:
        raise TypeError(
            "a venue is not pickled, since keys and connections stay in this process: make "
            "an exchange in the other process"
        )

    @property
    def account(self) -> Account:
        """Whose orders a journal tells, where the venue can tell one key from another."""
        return Account(self.id, self.environment.name, "")

    # -- describing -----------------------------------------------------------------

    @classmethod
    def describe(cls) -> Description:
        """The venue in facts; ``has`` covers every unified method."""
        has: dict[str, Capability] = {
            name: getattr(cls, name, None) is not getattr(Venue, name, None)
            for name in METHODS
        }
        has["load_markets"] = has["fetch_markets"]
        waits: Capability = "emulated" if has["fetch_order"] else False
        has["wait_filled"] = has["wait_done"] = waits
        stops: Capability = "emulated" if has["cancel_all_orders"] else False
        has["halt"] = has["resume"] = stops
        # Ours, wherever orders can be placed.
        guarded: Capability = "emulated" if has["create_order"] else False
        has.update(dict.fromkeys(GUARDS, guarded))
        has.update(cls.facts.has)
        return attrs.evolve(cls.facts, has=has)

    # -- stopping -------------------------------------------------------------------

    def keep_halt(self, halt: Halt | None) -> Flow[Halt | None]:
        """Keep a halt for other processes, or lift it, where a journal is; the one before."""
        yield from ()
        return None

    def glance(self) -> Flow[ReconcileReport]:
        """One look for orders whose end is not known, without waiting for any."""
        yield from ()
        return ReconcileReport()

    def stop_orders(self) -> Flow[CancelReport]:
        """Cancel everything open, first by what stops many at once, and re-read."""
        return self.cancel_all_orders()

    def stop_order(self, order_id: str, *, market_id: str | None = None) -> Flow[Order]:
        """Cancel one that is to stay open in no case, as patiently as `stop_orders` all."""
        return self.cancel_order(order_id, market_id=market_id)

    # -- dry runs -------------------------------------------------------------------

    def rehearse(self, request: Request) -> Flow[tuple[Response, DryRunReport]]:
        """Answer a write of ours as the venue would, without sending it; it only reads.

        The answer is in the venue's words, so that the flow that asked goes on as ever:
        an order that may rest rests unfilled under an id that begins with ``dry-run``, one
        that may not has ended unfilled.
        """
        raise self.unsupported("dry_run")

    def rehearsed(self, request: Request, response: Response | None) -> Response | None:
        """What a read shows, had the writes that were rehearsed been carried out.

        ``response`` is what the venue has answered, or None before it is asked: then
        what is returned is the answer, and the venue is not asked.
        """
        return response

    # -- accounts -------------------------------------------------------------------

    @property
    def purse(self) -> Account:
        """Whose equity is read; a subaccount is a purse of its own."""
        return Account(self.id, self.environment.name, "")

    # -- streams --------------------------------------------------------------------

    @property
    def on_the_wire(self) -> Venue:
        """Whose words go over the wire; not itself where another is asked for it."""
        return self

    def stream(self) -> StreamProtocol:
        """A new conversation with the venue's stream, not connected yet."""
        raise self.unsupported("stream")

    @property
    def stream_url(self) -> str:
        """Where the stream is."""
        raise self.unsupported("stream")

    def stream_headers(self) -> Mapping[str, str]:
        """Headers of one attempt to connect, signed now."""
        raise self.unsupported("stream")

    def lines(self) -> tuple[Line, ...]:
        """The connections over which the venue tells: one, unless it has several.

        Each subject is on one of them.
        """
        dial = Dial(
            url=self.stream_url,
            headers=self.stream_headers,
            observe=self.offset.observe,
            timeout=self.settings.timeout,
            venue=self.id,
            taps=self.taps,
        )
        everything = frozenset(Subject)
        return (Line(name="", subjects=everything, open=self.stream, dial=dial),)

    def line_of(self, subject: Subject) -> Line:
        """The connection on which a subject is told."""
        return next(line for line in self.lines() if subject in line.subjects)

    def read_watch(
        self, market_ids: str | Sequence[str] | None, outcome: str | None
    ) -> tuple[tuple[str, ...] | None, str | None]:
        """Market ids, None for all, and the outcome that a caller wants to follow, checked.

        The outcome is None where it is the first, as which streams tell everything.
        """
        raise self.unsupported("stream")

    def moves_position(self, fill: Fill) -> bool:
        """Whether a fill is surely of the account whose positions are read."""
        return True

    def told_mark(self, position: Position) -> Decimal | None:
        """What the venue itself values a contract of a position at, beside its book."""
        return None

    def resync(self, wanted: Resync) -> Flow[AccountState]:
        """Read what a stream may have lost of an account, fresh enough to rely on."""
        raise self.unsupported("stream")

    def missing_markets(self, market_ids: Sequence[str]) -> Flow[list[str]]:
        """Those among the markets that do not exist: nobody can follow them."""
        raise self.unsupported("stream")

    def settled_markets(self, market_ids: Sequence[str]) -> Flow[list[MarketChange]]:
        """How those of the markets ended that have; for a stream that may not tell it."""
        raise self.unsupported("stream")

    def unknown_markets(self, market_ids: Sequence[str]) -> MarketNotFound:
        """The error for markets that do not exist."""
        names = ", ".join(map(repr, market_ids))
        message = f"no market {names}; fetch_markets() lists the ids"
        return MarketNotFound(message, venue=self.id)

    def require_stream(self, method: str) -> None:
        """Refuse what follows a stream where the venue or the transport has none."""
        mine = type(self)
        if mine.stream is Venue.stream and mine.lines is Venue.lines:
            raise self.unsupported(method)
        if not self.taps.has_streams:
            message = (
                f"{method} follows a stream, and this transport answers in memory: reach "
                "the simulated venue over a SimulatorServer instead"
            )
            raise NotSupported(message, venue=self.id)

    def unsupported(self, method: str, instead: str = "") -> NotSupported:
        """The error for what this venue cannot do."""
        message = f"{self.id} has no {method}; exchange.has lists what it has"
        return NotSupported(f"{message}. {instead}".rstrip(". "), venue=self.id)

    # -- unified methods: a subclass overrides what its venue has --------------------

    def fetch_status(self, *, deadline: float | None = None) -> Flow[Status]:
        """Whether the venue is up and trading."""
        raise self.unsupported("fetch_status")

    def fetch_events(
        self,
        *,
        status: StatusFilter = "open",
        series_id: str | None = None,
        tag_id: str | None = None,
        query: str | None = None,
        with_markets: bool = True,
        limit: int | None = None,
        params: Params | None = None,
        ahead: bool = False,
    ) -> Pages[Event]:
        """Events, with their markets."""
        raise self.unsupported("fetch_events")

    def fetch_event(self, event_id: str) -> Flow[Event]:
        """One event with its markets."""
        raise self.unsupported("fetch_event")

    def fetch_series(
        self,
        series_id: str | None = None,
        *,
        category: str | None = None,
        tag_id: str | None = None,
    ) -> Flow[list[Series]]:
        """Series, all or one."""
        raise self.unsupported("fetch_series")

    def fetch_tags(self) -> Flow[list[Tag]]:
        """The labels that series or events bear."""
        raise self.unsupported("fetch_tags")

    def fetch_markets(
        self,
        *,
        status: StatusFilter = "open",
        event_id: str | None = None,
        series_id: str | None = None,
        tag_id: str | None = None,
        market_ids: Sequence[str] | None = None,
        limit: int | None = None,
        params: Params | None = None,
        ahead: bool = False,
    ) -> Pages[Market]:
        """Markets."""
        raise self.unsupported("fetch_markets")

    def fetch_market(self, market_id: str) -> Flow[Market]:
        """One market."""
        raise self.unsupported("fetch_market")

    def known_markets(self, ids: list[str]) -> Pages[Market]:
        """Those of the markets that there are, in few requests."""
        raise self.unsupported("fetch_markets")

    def fetch_ticker(
        self, market_id: str, *, outcome: str | None = None
    ) -> Flow[Ticker]:
        """Best quotes of one outcome."""
        raise self.unsupported("fetch_ticker")

    def fetch_tickers(
        self, market_ids: Sequence[str], *, outcome: str | None = None
    ) -> Flow[dict[str, Ticker]]:
        """Best quotes by market id."""
        raise self.unsupported("fetch_tickers")

    def fetch_order_book(
        self, market_id: str, *, outcome: str | None = None, depth: int | None = None
    ) -> Flow[OrderBook]:
        """The book of one outcome."""
        raise self.unsupported("fetch_order_book")

    def fetch_order_books(
        self,
        market_ids: Sequence[str],
        *,
        outcome: str | None = None,
        depth: int | None = None,
    ) -> Flow[dict[str, OrderBook]]:
        """Books by market id."""
        raise self.unsupported("fetch_order_books")

    def fetch_trades(
        self,
        market_id: str | None = None,
        *,
        outcome: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int | None = None,
        params: Params | None = None,
        ahead: bool = False,
    ) -> Pages[Trade]:
        """Public trades, newest first."""
        raise self.unsupported("fetch_trades")

    def fetch_ohlcv(
        self,
        market_id: str,
        period: Period = "1h",
        *,
        outcome: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int | None = None,
    ) -> Flow[list[Candle]]:
        """Candles, oldest first."""
        raise self.unsupported("fetch_ohlcv")

    def fetch_price_history(
        self,
        market_id: str,
        *,
        outcome: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        resolution: timedelta = timedelta(hours=1),
        limit: int | None = None,
    ) -> Flow[list[PricePoint]]:
        """Prices at moments, oldest first."""
        raise self.unsupported("fetch_price_history")

    def create_order(self, order: OrderRequest) -> Flow[Order]:
        """Place an order."""
        raise self.unsupported("create_order")

    def create_orders(self, orders: Sequence[OrderRequest]) -> Flow[list[OrderResult]]:
        """Place orders in one batch."""
        raise self.unsupported("create_orders")

    def preview_order(self, order: OrderRequest) -> Flow[OrderPreview]:
        """What placing an order would send; the guards are asked as by a create."""
        raise self.unsupported("preview_order")

    def preview_orders(
        self, orders: Sequence[OrderRequest], *, leave: bool
    ) -> Flow[tuple[list[OrderPreview], UnifiedExchangesError | None]]:
        """What placing all of these would send, and what refuses them together, if any."""
        raise self.unsupported("preview_order")

    def edit_order(
        self,
        order_id: str,
        *,
        market_id: str | None = None,
        outcome: str | None = None,
        price: Number | None = None,
        size: Number | None = None,
        expires_at: datetime | None = None,
        params: Params | None = None,
    ) -> Flow[Order]:
        """Change a resting order."""
        raise self.unsupported("edit_order")

    def cancel_order(
        self,
        order_id: str,
        *,
        market_id: str | None = None,
        params: Params | None = None,
    ) -> Flow[Order]:
        """Cancel one order."""
        raise self.unsupported("cancel_order")

    def cancel_orders(
        self,
        order_ids: Sequence[str],
        *,
        market_id: str | None = None,
        params: Params | None = None,
    ) -> Flow[list[CancelResult]]:
        """Cancel some orders."""
        raise self.unsupported("cancel_orders")

    def cancel_all_orders(
        self, *, market_id: str | None = None, params: Params | None = None
    ) -> Flow[CancelReport]:
        """Cancel all open orders."""
        raise self.unsupported("cancel_all_orders")

    def cancel_all_orders_after(self, seconds: float | None) -> Flow[None]:
        """A dead man's switch: the venue cancels all if it does not hear of us."""
        raise self.unsupported("cancel_all_orders_after")

    def reconcile(self) -> Flow[ReconcileReport]:
        """What became of the orders that were left open."""
        raise self.unsupported("reconcile")

    def write_owed(self) -> Flow[None]:
        """Have the journal know what is known and was not written yet, if there is any."""
        yield from ()

    def unresolved_intents(self) -> Flow[list[Intent]]:
        """The intents whose end is not known."""
        raise self.unsupported("reconcile")

    def take_over(self) -> Flow[list[Intent]]:
        """The same, as a new object learns it, with the halt that its journal keeps."""
        return self.unresolved_intents()

    def days_ago(self, days: object) -> datetime:
        """The moment so many days ago."""
        if type(days) is not int or days < 0:
            message = f"days must be a whole number, 0 or more, not {days!r}"
            raise BadRequest(message, venue=self.id)
        now = datetime.fromtimestamp(self.clock.now(), UTC)
        return now - timedelta(days=min(days, _CENTURY))

    def close_position(
        self,
        market_id: str,
        *,
        outcome: str | None = None,
        price: Number | None = None,
        max_slippage: Number | None = None,
        client_order_id: str | None = None,
        params: Params | None = None,
    ) -> Flow[Order | None]:
        """Sell what is held of a market."""
        raise self.unsupported("close_position")

    def fetch_order(
        self,
        order_id: str | None = None,
        *,
        client_order_id: str | None = None,
        market_id: str | None = None,
        outcome: str | None = None,
    ) -> Flow[Order]:
        """One order."""
        raise self.unsupported("fetch_order")

    def fetch_orders(
        self,
        *,
        market_id: str | None = None,
        event_id: str | None = None,
        outcome: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int | None = None,
        params: Params | None = None,
        ahead: bool = False,
    ) -> Pages[Order]:
        """Our orders, newest first."""
        raise self.unsupported("fetch_orders")

    def fetch_open_orders(
        self,
        *,
        market_id: str | None = None,
        event_id: str | None = None,
        outcome: str | None = None,
        limit: int | None = None,
        params: Params | None = None,
        ahead: bool = False,
    ) -> Pages[Order]:
        """Our resting orders."""
        raise self.unsupported("fetch_open_orders")

    def fetch_closed_orders(
        self,
        *,
        market_id: str | None = None,
        event_id: str | None = None,
        outcome: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int | None = None,
        params: Params | None = None,
        ahead: bool = False,
    ) -> Pages[Order]:
        """Our orders that no longer rest."""
        raise self.unsupported("fetch_closed_orders")

    def fetch_balance(self, *, params: Params | None = None) -> Flow[Balance]:
        """Cash."""
        raise self.unsupported("fetch_balance")

    def fetch_positions(
        self,
        *,
        market_id: str | None = None,
        event_id: str | None = None,
        mark: bool = True,
        limit: int | None = None,
        params: Params | None = None,
    ) -> Flow[list[Position]]:
        """What we hold."""
        raise self.unsupported("fetch_positions")

    def fetch_fills(
        self,
        *,
        market_id: str | None = None,
        order_id: str | None = None,
        outcome: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int | None = None,
        params: Params | None = None,
        ahead: bool = False,
    ) -> Pages[Fill]:
        """Our executions, newest first."""
        raise self.unsupported("fetch_fills")

    def fetch_settlements(
        self,
        *,
        market_id: str | None = None,
        event_id: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int | None = None,
        params: Params | None = None,
        ahead: bool = False,
    ) -> Pages[Settlement]:
        """Positions that were paid out."""
        raise self.unsupported("fetch_settlements")

    def fetch_activity(
        self,
        *,
        market_id: str | None = None,
        event_id: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int | None = None,
        params: Params | None = None,
        ahead: bool = False,
    ) -> Pages[Activity]:
        """What the account did and was given, newest first."""
        raise self.unsupported("fetch_activity")

    def fetch_limits(self) -> Flow[AccountLimits]:
        """The account's rate limits."""
        raise self.unsupported("fetch_limits")

    def estimate_fee(
        self,
        market_id: str,
        outcome: str,
        side: Side | str,
        price: Number,
        size: Number,
        *,
        maker: bool = False,
    ) -> Flow[Decimal]:
        """The fee of one fill."""
        raise self.unsupported("estimate_fee")

    def learn_rules(self, market: Market) -> Flow[None]:
        """Learn of a market that was just read what no order on it is to read first.

        Nothing is left to be learnt where `fetch_market` tells all.
        """
        del market
        yield from ()

    def fetch_fee_rule(self, market_id: str) -> Flow[FeeRule]:
        """The fees of one market as a rule."""
        raise self.unsupported("fetch_fee_rule")

    def announced_fees(self, market_id: str) -> FeeRule | None:
        """Its fees now by what was read of it, announced changes applied.

        Asks for nothing; None where nothing was read, or nothing is announced there.
        """
        del market_id
        return None
