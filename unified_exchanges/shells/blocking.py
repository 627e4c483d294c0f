"""`Exchange`: the blocking flavour of every unified method.

A thin, hand-typed shell: each method hands the venue's flow to the driver.  The same
methods with the same arguments are on `AsyncExchange`.
"""

from __future__ import annotations

import threading
from abc import ABC
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from random import Random
from types import TracebackType
from typing import ClassVar, NoReturn, Self, TypeVar

from .. import fork
from ..alerts import AlertPolicy
from ..clock import Clock
from ..description import Description, Has
from ..drivers.blocking import BlockingDriver
from ..drivers.dry_run import DryRun
from ..drivers.tapped import Tapped
from ..flow import Flow, collect, limited
from ..guards import GUARDS, GuardPolicy
from ..hidden import hide
from ..journal import JournalPath, journal_at
from ..models import (
    AccountLimits,
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
    HaltReport,
    Health,
    Intent,
    Json,
    Market,
    Order,
    OrderBook,
    OrderPreview,
    OrderRequest,
    OrderResult,
    OrderType,
    Params,
    Period,
    Position,
    PricePoint,
    ReconcileReport,
    Series,
    Settlement,
    Side,
    Status,
    StatusFilter,
    Tag,
    Ticker,
    TimeInForce,
    Trade,
)
from ..models.record import decode_json
from ..money import Number
from ..observer import Observer
from ..policy import LimitPolicy, RetryPolicy, StreamPolicy
from ..settings import PrivateKey, Settings
from ..tracking.calls import calls_of
from ..tracking.halting import Halting
from ..transports import Transport
from ..venue import Venue
from ..venue.raw import RawBody
from .occupied import Occupied
from .tracking import Tracking

__all__ = ["Exchange"]

T = TypeVar("T")

_GOODBYE = 2.0
"""Seconds that closing waits for a check under way; its thread ends by itself."""


class Exchange(Tracking, ABC):
    """A prediction market: the same blocking methods whatever the venue.

    ``api_key``, ``secret``, ``private_key`` (text or a path) and ``password``, as far as
    the venue takes them (`describe`), default to its environment variables; without them
    public data works.
    ``environment`` is ``"production"``, ``"demo"``, ``"local"`` or a base URL.
    Orders where money is real need ``live=True``.  ``dry_run=True`` sends reads only and
    answers every write itself: see `dry_runs`.  ``timeout`` is seconds for one request;
    ``retry``, ``limits`` and ``guards`` are policies; ``clock``, ``rng`` and
    ``transport`` are for tests and replay; ``options`` are venue words such as
    ``subaccount``.  ``stream`` is how streams are kept alive and how much may wait for
    a consumer.  ``journal`` is the path of a file that keeps what became of every order,
    so that it is known after a crash; without one it is kept in memory.  ``observer`` is
    told what is measured, ``alerts`` says from where on the log warns.

    >>> import unified_exchanges as ux
    >>> with ux.exchange("kalshi", environment="demo") as kalshi:
    ...     kalshi.has["create_order"], kalshi.has["watch_order_book"]
    (True, True)
    """

    venue_type: ClassVar[type[Venue]]

    def __init__(
        self,
        *,
        api_key: str | None = None,
        private_key: PrivateKey | None = None,
        secret: str | None = None,
        password: str | None = None,
        environment: str = "production",
        live: bool = False,
        dry_run: bool = False,
        timeout: float = 10.0,
        retry: RetryPolicy | None = None,
        limits: LimitPolicy | None = None,
        stream: StreamPolicy | None = None,
        guards: GuardPolicy | None = None,
        alerts: AlertPolicy | None = None,
        observer: Observer | None = None,
        clock: Clock | None = None,
        rng: Random | None = None,
        transport: Transport | None = None,
        options: Mapping[str, str | int | bool] | None = None,
        journal: JournalPath | None = None,
    ) -> None:
        api_key, private_key = hide(api_key), hide(private_key)
        secret, password = hide(secret), hide(password)
        self.venue = self.venue_type(
            Settings.of(
                api_key=api_key,
                private_key=private_key,
                secret=secret,
                password=password,
                environment=environment,
                live=live,
                dry_run=dry_run,
                timeout=timeout,
                retry=retry,
                limits=limits,
                stream=stream,
                guards=guards,
                alerts=alerts,
                observer=observer,
                clock=clock,
                rng=rng,
                options=options,
                is_journaled=journal is not None,
            )
        )
        self._dry_run = DryRun(self.venue) if dry_run else None
        self._driver = BlockingDriver(
            Tapped(transport or _transport(), self.venue.taps),
            self._dry_run,
            journal=journal_at(journal),
        )
        self._calls = calls_of(self.venue)
        self._halting = Halting(self.venue, self._calls)
        if journal is not None:
            left = self.venue.take_over()
            self._driver.run(self._calls.remembering(left))
        self._markets: dict[str, Market] | None = None
        self._checks: _Checks | None = None
        self._hubs = {}
        self._call_off = None
        self._is_closed = False
        self.occupied = Occupied()
        fork.in_child(self, Exchange._forget_checks)
        self._making = fork.lock()

    @property
    def id(self) -> str:
        """The exchange id, such as ``"kalshi"``."""
        return self.venue.id

    @property
    def has(self) -> Has:
        """What the venue can do, by unified method: True, False, None or "emulated".

        Of guards it says which are on; see `guards`.
        """
        off = dict.fromkeys(GUARDS - self.guards.on.keys(), False)
        return {**self.describe().has, **off}

    @property
    def guards(self) -> GuardPolicy:
        """The guards of this exchange, which nothing changes any more."""
        return self.venue.guards.policy

    @property
    def is_dry_run(self) -> bool:
        """Whether it answers every write itself."""
        return self._dry_run is not None

    @property
    def dry_runs(self) -> list[DryRunReport]:
        """The writes that a dry run has answered, oldest first: the last ten thousand."""
        return [] if self._dry_run is None else self._dry_run.reports

    @classmethod
    def describe(cls) -> Description:
        """The venue in facts: environments, abilities, limits, quirks."""
        return cls.venue_type.describe()

    def __repr__(self) -> str:
        if "_is_closed" not in vars(self):  # in a traceback of its making
            return f"<{type(self).__name__} (not made)>"
        mode = "live" if self.venue.settings.live else "read-only"
        if not self.venue.environment.is_real_money:
            mode = "play money"
        if self.venue.taps.is_replay:
            mode = "replay"
        if self._dry_run is not None:
            mode += ", dry run"
        return f"<{type(self).__name__} {self.venue.environment.name} ({mode})>"

    def __reduce_ex__(self, _: object) -> NoReturn:
        raise TypeError(
            "an exchange is not pickled, since keys and connections stay in this process: "
            "make one in the other process"
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End streams and health checks, release connections; twice is allowed.

        A run of a strategy is ended first, as by its ``stop``: it cancels its orders.  Who
        closes it within a run, as in a handler of a signal, does not wait for that.
        """
        self.occupied.close(self._shut)

    def _shut(self) -> None:
        self._close_streams()
        self.stop_health_checks()
        self._driver.close()
        self.venue.monitor.close()

    def request(
        self,
        method: str,
        path: str,
        *,
        query: Params | None = None,
        body: RawBody | None = None,
    ) -> Json:
        """Make a raw call, signed, throttled and error-mapped, and get its JSON.

        For what has no unified name.  ``path`` is below the environment's base URL,
        such as ``"/milestones"``; ``body`` is sent as JSON: a mapping or, where the venue
        takes one (Polymarket), a list.  Fractional numbers come as Decimal; a listing is
        one page, with the venue's cursor in it.
        """
        response = self._driver.run(
            self.venue.request(method, path, query=query, body=body)
        )
        return decode_json(response.body) if response.body else None

    # -- health ---------------------------------------------------------------------

    @property
    def is_healthy(self) -> bool:
        """What the last health check found; True before the first."""
        return self.venue.is_healthy

    def health(self) -> Health:
        """Latency, errors, limiter and clock, from the requests made so far."""
        return self.venue.health()

    def check_health(self) -> Health:
        """Ask the venue for its status now; updates ``is_healthy``."""
        return self._driver.run(self.venue.check_health())

    def _check_within(self, seconds: float) -> None:
        """One of the checks that run by themselves: it never raises, nor takes long."""
        try:
            self._driver.run(self.venue.check_health(within=seconds))
        except Exception as error:  # noqa: BLE001 - logged, and told by the health
            self.venue.check_failed(error)

    def start_health_checks(self, interval: float = 30.0) -> None:
        """Check every ``interval`` seconds in a thread until closed.

        A check takes 5 seconds at most, and less where ``interval`` is shorter.
        """
        self.venue.read_interval(interval)
        self.stop_health_checks()
        seconds = self.venue.time_for_check(interval)
        self._checks = _Checks(partial(self._check_within, seconds), interval)
        self._checks.start()

    def stop_health_checks(self) -> None:
        """End the periodic checks."""
        checks, self._checks = self._checks, None
        if checks is not None:
            checks.stop()

    def _forget_checks(self) -> None:
        """Leave the checks to the parent of a forked child."""
        self._checks = None

    # -- unified methods ------------------------------------------------------------

    def fetch_status(self) -> Status:
        """Ask whether the venue is up and matches orders now."""
        return self._driver.run(self.venue.fetch_status())

    def load_markets(self, *, reload: bool = False) -> dict[str, Market]:
        """Get every open market by its id, fetched once and then remembered.

        ``reload=True`` fetches again.  The catalogue of a large venue takes many pages.
        """
        if self._markets is None or reload:
            found = self.fetch_markets()
            self._markets = {market.market_id: market for market in found}
        return self._markets

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
    ) -> list[Event]:
        """Get events with their markets, complete unless ``limit`` says how many.

        ``tag_id`` is one of `fetch_tags`, ``query`` words that the venue searches for, which
        goes with ``status`` only and is `NotSupported` where there is no search.
        """
        listing = self.venue.fetch_events(
            status=status,
            series_id=series_id,
            tag_id=tag_id,
            query=query,
            with_markets=with_markets,
            limit=limit,
            params=params,
            ahead=True,
        )
        return self._driver.run(collect(listing, limit))

    def iter_events(
        self,
        *,
        status: StatusFilter = "open",
        series_id: str | None = None,
        tag_id: str | None = None,
        query: str | None = None,
        with_markets: bool = True,
        limit: int | None = None,
        params: Params | None = None,
    ) -> Iterator[Event]:
        """Go through the same as `fetch_events` lazily, a page at a time."""
        return self._driver.pages(
            limited(
                self.venue.fetch_events(
                    status=status,
                    series_id=series_id,
                    tag_id=tag_id,
                    query=query,
                    with_markets=with_markets,
                    limit=limit,
                    params=params,
                ),
                limit,
            )
        )

    def fetch_event(self, event_id: str) -> Event:
        """Get one event with its markets.

        Raises `EventNotFound`.
        """
        return self._driver.run(self.venue.fetch_event(event_id))

    def fetch_series(
        self,
        series_id: str | None = None,
        *,
        category: str | None = None,
        tag_id: str | None = None,
    ) -> list[Series]:
        """Get the templates that events come from: all, filtered, or one by id.

        ``tag_id`` is one of `fetch_tags`, where series bear tags.
        """
        return self._driver.run(
            self.venue.fetch_series(series_id, category=category, tag_id=tag_id)
        )

    def fetch_tags(self) -> list[Tag]:
        """Get all labels that series or events bear: ``tag_id`` filters listings."""
        return self._driver.run(self.venue.fetch_tags())

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
    ) -> list[Market]:
        """Get markets, complete unless ``limit`` says how many.

        ``status`` is one of unopened, open, paused, closed, settled or all; settled
        markets reach back as far as the venue's archive.  ``market_ids`` gives exactly
        those, whatever their status, and takes no other filter.  ``tag_id`` is one of
        `fetch_tags`.
        """
        listing = self.venue.fetch_markets(
            status=status,
            event_id=event_id,
            series_id=series_id,
            tag_id=tag_id,
            market_ids=market_ids,
            limit=limit,
            params=params,
            ahead=True,
        )
        return self._driver.run(collect(listing, limit))

    def iter_markets(
        self,
        *,
        status: StatusFilter = "open",
        event_id: str | None = None,
        series_id: str | None = None,
        tag_id: str | None = None,
        market_ids: Sequence[str] | None = None,
        limit: int | None = None,
        params: Params | None = None,
    ) -> Iterator[Market]:
        """Go through the same as `fetch_markets` lazily, a page at a time."""
        return self._driver.pages(
            limited(
                self.venue.fetch_markets(
                    status=status,
                    event_id=event_id,
                    series_id=series_id,
                    tag_id=tag_id,
                    market_ids=market_ids,
                    limit=limit,
                    params=params,
                ),
                limit,
            )
        )

    def fetch_market(self, market_id: str) -> Market:
        """Get one market, wherever the venue keeps it, live or archived.

        Raises `MarketNotFound`.
        """
        return self._driver.run(self.venue.fetch_market(market_id))

    def fetch_ticker(self, market_id: str, *, outcome: str | None = None) -> Ticker:
        """Get best bid, best ask and last trade of one outcome; default the first (YES)."""
        return self._driver.run(self.venue.fetch_ticker(market_id, outcome=outcome))

    def fetch_tickers(
        self, market_ids: Sequence[str], *, outcome: str | None = None
    ) -> dict[str, Ticker]:
        """Get tickers of several markets in few requests, by market id."""
        return self._driver.run(self.venue.fetch_tickers(market_ids, outcome=outcome))

    def fetch_order_book(
        self, market_id: str, *, outcome: str | None = None, depth: int | None = None
    ) -> OrderBook:
        """Get the resting orders on one outcome, best first; default the first (YES).

        ``depth`` levels a side, default all.
        """
        return self._driver.run(
            self.venue.fetch_order_book(market_id, outcome=outcome, depth=depth)
        )

    def fetch_order_books(
        self,
        market_ids: Sequence[str],
        *,
        outcome: str | None = None,
        depth: int | None = None,
    ) -> dict[str, OrderBook]:
        """Get books of several markets in few requests, by market id."""
        return self._driver.run(
            self.venue.fetch_order_books(market_ids, outcome=outcome, depth=depth)
        )

    def fetch_trades(
        self,
        market_id: str | None = None,
        *,
        outcome: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int | None = None,
        params: Params | None = None,
    ) -> list[Trade]:
        """Get public trades, newest first, from live and archive as one list.

        ``since`` and ``until`` are aware datetimes; without ``limit`` the list is
        complete.
        """
        listing = self.venue.fetch_trades(
            market_id,
            outcome=outcome,
            since=since,
            until=until,
            limit=limit,
            params=params,
            ahead=True,
        )
        return self._driver.run(collect(listing, limit))

    def iter_trades(
        self,
        market_id: str | None = None,
        *,
        outcome: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int | None = None,
        params: Params | None = None,
    ) -> Iterator[Trade]:
        """Go through the same as `fetch_trades` lazily, a page at a time."""
        return self._driver.pages(
            limited(
                self.venue.fetch_trades(
                    market_id,
                    outcome=outcome,
                    since=since,
                    until=until,
                    limit=limit,
                    params=params,
                ),
                limit,
            )
        )

    def fetch_ohlcv(
        self,
        market_id: str,
        period: Period = "1h",
        *,
        outcome: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int | None = None,
    ) -> list[Candle]:
        """Get candles, oldest first, of one outcome; default the first (YES).

        ``period`` is ``1m``, ``1h`` or ``1d``; ``since`` defaults to the market's
        opening and ``until`` to now or its end. ``limit`` keeps the newest.
        """
        return self._driver.run(
            self.venue.fetch_ohlcv(
                market_id,
                period,
                outcome=outcome,
                since=since,
                until=until,
                limit=limit,
            )
        )

    def fetch_price_history(
        self,
        market_id: str,
        *,
        outcome: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        resolution: timedelta = timedelta(hours=1),
        limit: int | None = None,
    ) -> list[PricePoint]:
        """Get what one outcome was priced at, oldest first; default the first outcome (YES).

        Points of price, with neither range nor volume: `fetch_ohlcv` has candles.
        ``resolution`` is whole minutes up to a day, and ``since`` and ``until`` are both
        included; they default to the market's opening and to now.  ``limit`` keeps the
        newest.  All of the time that is asked for is read, in as many requests as that
        takes.  On Polymarket the prices are the venue's own, and raise `BadRequest` where it
        keeps only coarser ones; on Kalshi they are the last trades, and a time without a
        trade has no point.
        """
        return self._driver.run(
            self.venue.fetch_price_history(
                market_id,
                outcome=outcome,
                since=since,
                until=until,
                resolution=resolution,
                limit=limit,
            )
        )

    def create_order(
        self,
        market_id: str,
        outcome: str,
        side: Side | str,
        price: Number | None,
        size: Number,
        *,
        type: OrderType = "limit",
        time_in_force: TimeInForce | str | None = None,
        post_only: bool = False,
        reduce_only: bool = False,
        expires_at: datetime | None = None,
        client_order_id: str | None = None,
        max_slippage: Number | None = None,
        params: Params | None = None,
    ) -> Order:
        """Place an order of ``size`` contracts at ``price`` dollars for ``outcome``.

        ``outcome`` is a label or the venue's outcome id, in any case; ``side`` is buy
        or sell of that outcome. ``time_in_force`` is ``gtc`` (default), ``ioc`` or
        ``fok``. ``type="market"`` takes ``price`` as the worst price, or
        ``max_slippage`` dollars from the best opposite price, and becomes an immediate
        order (default ``ioc``). ``expires_at`` is an aware datetime.
        ``client_order_id`` is the idempotency key, made up if not given.

        A lost answer does not lose the order: it is resolved by the venue's own means
        before this returns. Raises `InvalidPrice`, `InvalidSize`, `InvalidOrder`,
        `ReadOnly` before sending; `InsufficientFunds`, `MarketClosed`, `OrderRejected`,
        `RateLimitExceeded` when refused; `OrderUnknown` when nobody could be asked.
        """
        return self._driver.run(
            self._calls.creating(
                self.venue.create_order(
                    OrderRequest(
                        market_id=market_id,
                        outcome=outcome,
                        side=side,
                        price=price,
                        size=size,
                        type=type,
                        time_in_force=time_in_force,
                        post_only=post_only,
                        reduce_only=reduce_only,
                        expires_at=expires_at,
                        client_order_id=client_order_id,
                        max_slippage=max_slippage,
                        params=params,
                    )
                )
            )
        )

    def create_orders(self, orders: Sequence[OrderRequest]) -> list[OrderResult]:
        """Place several orders in as few requests as the venue allows.

        Gives one result for each, in order: the order, or the error that it met. A
        batch is not atomic.
        """
        return self._driver.run(
            self._calls.creating_many(self.venue.create_orders(orders))
        )

    def preview_order(
        self,
        market_id: str,
        outcome: str,
        side: Side | str,
        price: Number | None,
        size: Number,
        *,
        type: OrderType = "limit",
        time_in_force: TimeInForce | str | None = None,
        post_only: bool = False,
        reduce_only: bool = False,
        expires_at: datetime | None = None,
        client_order_id: str | None = None,
        max_slippage: Number | None = None,
        params: Params | None = None,
    ) -> OrderPreview:
        """Get what `create_order` would send, and what it would cost, without sending it.

        Raises what the market's rules, the guards or a halt would refuse it with, and
        counts nowhere.  It writes nothing, so it needs no ``live=True``.
        """
        return self._driver.run(
            self._calls.following(
                self.venue.preview_order(
                    OrderRequest(
                        market_id=market_id,
                        outcome=outcome,
                        side=side,
                        price=price,
                        size=size,
                        type=type,
                        time_in_force=time_in_force,
                        post_only=post_only,
                        reduce_only=reduce_only,
                        expires_at=expires_at,
                        client_order_id=client_order_id,
                        max_slippage=max_slippage,
                        params=params,
                    )
                )
            )
        )

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
    ) -> Order:
        """Change an order's price in dollars, its total size in contracts, or its expiry.

        ``price`` is for ``outcome``, and needs it: buying NO at 0.30 is selling YES at 0.70.
        What has filled counts into the size.  ``describe().edit`` says whether the venue
        changes it in place.  What is left out stays as it is by now, whoever changed it;
        where that cannot be known the change is refused unsent.
        """
        return self._driver.run(
            self._calls.changing(
                self.venue.edit_order(
                    order_id,
                    market_id=market_id,
                    outcome=outcome,
                    price=price,
                    size=size,
                    expires_at=expires_at,
                    params=params,
                )
            )
        )

    def cancel_order(
        self,
        order_id: str,
        *,
        market_id: str | None = None,
        params: Params | None = None,
    ) -> Order:
        """Cancel an order and get it as it ended.

        An order that was already done is read and returned as it is: look at ``status``
        and ``filled``. Raises `OrderNotFound` only when the venue does not know it at
        all.
        """
        return self._driver.run(
            self._calls.cancelling(
                self.venue.cancel_order(order_id, market_id=market_id, params=params),
                order_id,
            )
        )

    def cancel_orders(
        self,
        order_ids: Sequence[str],
        *,
        market_id: str | None = None,
        params: Params | None = None,
    ) -> list[CancelResult]:
        """Cancel several orders; gives one verified result for each, in order."""
        return self._driver.run(
            self._calls.cancelling_many(
                self.venue.cancel_orders(order_ids, market_id=market_id, params=params),
                order_ids,
            )
        )

    def cancel_all_orders(
        self, *, market_id: str | None = None, params: Params | None = None
    ) -> CancelReport:
        """Cancel every open order, of one market or of all, and re-read what is left."""
        return self._driver.run(
            self._calls.cancelling_all(
                self.venue.cancel_all_orders(market_id=market_id, params=params),
                market_id,
            )
        )

    def cancel_all_orders_after(self, seconds: float | None) -> None:
        """Let the venue cancel all if it has not heard of us for so many seconds.

        A dead man's switch, for when this machine is cut off: called again before that it
        starts anew, None ends it.  Raises `NotSupported` where the venue has none.
        """
        self._driver.run(self.venue.cancel_all_orders_after(seconds))

    # -- stopping everything --------------------------------------------------------

    @property
    def halted(self) -> Halt | None:
        """Why and since when no order leaves; None if they may.

        A halt that the journal keeps is known from the start, a later one by another
        process from the next order on.
        """
        return self._halting.halt

    def stop_new_orders(self, reason: object) -> Halt:
        """Let no order leave from this moment on; `halt` does the rest.

        Without I/O, a lock or waiting: for signal handlers, callbacks and other threads.
        What is in the middle of a create sends nothing any more; what it has sent is only
        looked up.  Nothing is canceled, and no other process is told.
        """
        return self._halting.trip(reason)

    def halt(
        self, reason: object, *, cancel: bool = True, deadline: float = 60.0
    ) -> HaltReport:
        """Stop everything: no order leaves any more, and what rests is canceled.

        From the call on every create and every change of an order raises `Halted`, from
        whatever thread or task, and so they do in other processes that share the journal's
        file, also after a restart, until `resume`.  Cancels, reads and streams go on.  Then
        open orders of the account are canceled until reads show none (``cancel=False`` leaves
        them), requests under way are waited for, and orders whose end is not known are
        looked for, for up to ``deadline`` seconds.

        What goes wrong at the venue is in the report, never raised.  If it is not
        complete, call it again: it goes on with what is left.  Raises `BadRequest` for a
        wrong ``deadline``, with orders stopped all the same.
        """
        return self._driver.run(
            self._halting.stop(reason, cancel=cancel, deadline=deadline)
        )

    def resume(self, reason: str) -> Halt | None:
        """Lift a halt: orders may leave again, here and in all who share the journal.

        ``reason`` is why, for the log.  Gives the halt that was lifted, None if there was
        none.  An object that was halted itself stays halted until its own `resume`.  Raises
        `JournalError` if the journal cannot be written; then nothing is lifted.
        """
        return self._driver.run(self._halting.resume(reason))

    def reconcile(self) -> ReconcileReport:
        """Find out what became of the orders that were left open, and write it down.

        Every intent of this account in the journal whose end is not known, of this and of
        earlier processes, is looked for at the venue.  One that may still be on its way
        is waited for, at most ``RetryPolicy.order_deadline`` and ``order_grace``.  Nothing
        is ever sent again.  It runs by itself before the first order of an object; as long
        as what earlier processes left is not known, orders raise `UnresolvedOrders`.
        """
        return self._driver.run(
            self._calls.reconciling(self.venue.reconcile(), self.venue)
        )

    def unresolved_intents(self) -> list[Intent]:
        """Get the intents of this account whose end is not known, oldest first.

        Read from the journal, without asking the venue: also those on their way now.
        """
        return self._driver.run(self._calls.following(self.venue.unresolved_intents()))

    def compact_journal(self, *, days: int = 30) -> int:
        """Forget the intents that ended and are older than so many days; how many.

        What is unresolved is kept.  Orders at the venue are not touched.
        """
        return self._driver.compact(self.venue.days_ago(days))

    def close_position(
        self,
        market_id: str,
        *,
        outcome: str | None = None,
        price: Number | None = None,
        max_slippage: Number | None = None,
        client_order_id: str | None = None,
        params: Params | None = None,
    ) -> Order | None:
        """Sell what is held of a market, at once, not below ``price`` dollars.

        Without ``price``, ``max_slippage`` dollars below the best bid bounds it. Gives
        None when nothing is held: that, and how much, is read when the venue's reads
        have caught up with what happened before the call, and raises if they do not.
        Where both outcomes of a market can be held, as on Polymarket, ``outcome`` says
        which; without it holding both raises `ArgumentsRequired`.
        """
        return self._driver.run(
            self._calls.creating(
                self.venue.close_position(
                    market_id,
                    outcome=outcome,
                    price=price,
                    max_slippage=max_slippage,
                    client_order_id=client_order_id,
                    params=params,
                )
            )
        )

    def fetch_order(
        self,
        order_id: str | None = None,
        *,
        client_order_id: str | None = None,
        market_id: str | None = None,
        outcome: str | None = None,
    ) -> Order:
        """Get one of our orders by the venue's id or by ours.

        Raises `OrderNotFound`.
        """
        return self._driver.run(
            self._calls.reading_order(
                self.venue.fetch_order(
                    order_id,
                    client_order_id=client_order_id,
                    market_id=market_id,
                    outcome=outcome,
                ),
                client_order_id,
                market_id,
            )
        )

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
    ) -> list[Order]:
        """Get our orders, newest first, from live and archive as one list.

        They are said in terms of the first outcome (YES), or of ``outcome``.
        """
        listing = self.venue.fetch_orders(
            market_id=market_id,
            event_id=event_id,
            outcome=outcome,
            since=since,
            until=until,
            limit=limit,
            params=params,
            ahead=True,
        )
        return self._driver.run(collect(self._calls.listing_orders(listing), limit))

    def iter_orders(
        self,
        *,
        market_id: str | None = None,
        event_id: str | None = None,
        outcome: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int | None = None,
        params: Params | None = None,
    ) -> Iterator[Order]:
        """Go through the same as `fetch_orders` lazily, a page at a time."""
        return self._driver.pages(
            limited(
                self._calls.listing_orders(
                    self.venue.fetch_orders(
                        market_id=market_id,
                        event_id=event_id,
                        outcome=outcome,
                        since=since,
                        until=until,
                        limit=limit,
                        params=params,
                    )
                ),
                limit,
            )
        )

    def fetch_open_orders(
        self,
        *,
        market_id: str | None = None,
        event_id: str | None = None,
        outcome: str | None = None,
        limit: int | None = None,
        params: Params | None = None,
    ) -> list[Order]:
        """Get our resting orders, newest first."""
        listing = self.venue.fetch_open_orders(
            market_id=market_id,
            event_id=event_id,
            outcome=outcome,
            limit=limit,
            params=params,
            ahead=True,
        )
        return self._driver.run(collect(self._calls.listing_orders(listing), limit))

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
    ) -> list[Order]:
        """Get our orders that no longer rest: filled, cancelled or expired, newest first."""
        listing = self.venue.fetch_closed_orders(
            market_id=market_id,
            event_id=event_id,
            outcome=outcome,
            since=since,
            until=until,
            limit=limit,
            params=params,
            ahead=True,
        )
        return self._driver.run(collect(self._calls.listing_orders(listing), limit))

    def fetch_balance(self, *, params: Params | None = None) -> Balance:
        """Get cash in dollars, free to trade with."""
        return self._driver.run(self.venue.fetch_balance(params=params))

    def fetch_positions(
        self,
        *,
        market_id: str | None = None,
        event_id: str | None = None,
        mark: bool = True,
        limit: int | None = None,
        params: Params | None = None,
    ) -> list[Position]:
        """Get what we hold, complete, with entry price and P&L.

        ``mark=True`` reads quotes to value each position; ``computed`` tells what came
        from that.
        """
        return self._driver.run(
            self._calls.reading_positions(
                self.venue.fetch_positions(
                    market_id=market_id,
                    event_id=event_id,
                    mark=mark,
                    limit=limit,
                    params=params,
                ),
                self.venue,
                market_id=market_id,
                is_whole=event_id is None and limit is None and not params,
            )
        )

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
    ) -> list[Fill]:
        """Get our executions with their fees, newest first, from live and archive as one.

        Fills that failed to settle never happened, and are left out; `watch_fills` takes
        back one that it has told.
        """
        listing = self.venue.fetch_fills(
            market_id=market_id,
            order_id=order_id,
            outcome=outcome,
            since=since,
            until=until,
            limit=limit,
            params=params,
            ahead=True,
        )
        return self._driver.run(collect(self._calls.listing_fills(listing), limit))

    def iter_fills(
        self,
        *,
        market_id: str | None = None,
        order_id: str | None = None,
        outcome: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int | None = None,
        params: Params | None = None,
    ) -> Iterator[Fill]:
        """Go through the same as `fetch_fills` lazily, a page at a time."""
        return self._driver.pages(
            limited(
                self._calls.listing_fills(
                    self.venue.fetch_fills(
                        market_id=market_id,
                        order_id=order_id,
                        outcome=outcome,
                        since=since,
                        until=until,
                        limit=limit,
                        params=params,
                    )
                ),
                limit,
            )
        )

    def fetch_settlements(
        self,
        *,
        market_id: str | None = None,
        event_id: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int | None = None,
        params: Params | None = None,
    ) -> list[Settlement]:
        """Get positions that were paid out, newest first."""
        listing = self.venue.fetch_settlements(
            market_id=market_id,
            event_id=event_id,
            since=since,
            until=until,
            limit=limit,
            params=params,
            ahead=True,
        )
        return self._driver.run(
            collect(self._calls.listing_settlements(listing), limit)
        )

    def fetch_activity(
        self,
        *,
        market_id: str | None = None,
        event_id: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int | None = None,
        params: Params | None = None,
    ) -> list[Activity]:
        """Get what the account did and was given besides orders, newest first.

        Trades, splits, merges, redemptions, conversions, deposits, withdrawals, rewards and
        rebates, as far as the venue tells them: an `Activity` each, complete unless ``limit``
        says how many.  Cash is in dollars and without fees, ``cash_flow`` below zero where it
        was paid.  ``since`` and ``until`` are aware and both included.  Give a market or an
        event, not both; one that does not exist raises `MarketNotFound` or `EventNotFound`.
        A venue without such a listing raises `NotSupported`, and a row that cannot be read
        `VenueSchemaError`.  What rewards brought since a time is the sum of ``cash_flow`` of
        ``fetch_activity(since=monday, params={"type": "REWARD"})``, in Polymarket's words.
        """
        listing = self.venue.fetch_activity(
            market_id=market_id,
            event_id=event_id,
            since=since,
            until=until,
            limit=limit,
            params=params,
            ahead=True,
        )
        return self._driver.run(collect(listing, limit))

    def iter_activity(
        self,
        *,
        market_id: str | None = None,
        event_id: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int | None = None,
        params: Params | None = None,
    ) -> Iterator[Activity]:
        """Go through the same as `fetch_activity` lazily, a page at a time."""
        listing = self.venue.fetch_activity(
            market_id=market_id,
            event_id=event_id,
            since=since,
            until=until,
            limit=limit,
            params=params,
        )
        return self._driver.pages(limited(listing, limit))

    def fetch_limits(self) -> AccountLimits:
        """Get the account's rate limits, in the venue's tokens."""
        return self._driver.run(self.venue.fetch_limits())

    def estimate_fee(
        self,
        market_id: str,
        outcome: str,
        side: Side | str,
        price: Number,
        size: Number,
        *,
        maker: bool = False,
    ) -> Decimal:
        """Work out the fee in dollars of one fill, by the venue's published rule."""
        return self._driver.run(
            self.venue.estimate_fee(market_id, outcome, side, price, size, maker=maker)
        )

    def fetch_fee_rule(self, market_id: str) -> FeeRule:
        """Get a market's fees as a rule that works fees out without further requests.

        It holds as of now; announced changes and waivers are in it once they begin.
        """
        return self._driver.run(self.venue.fetch_fee_rule(market_id))

    def run(self, flow: Flow[T]) -> T:
        """Perform a flow over ``exchange.venue``: what is written once for both flavours.

        Nothing that a flow asks for leaves in another way than a method's own requests, and
        what it sends counts in `orders`.
        """
        return self._driver.run(self._calls.following(flow))


class _Checks(threading.Thread):
    """Runs a health check every so often."""

    def __init__(self, check: Callable[[], None], interval: float) -> None:
        super().__init__(name="unified-exchanges-health", daemon=True)
        self._check = check
        self._interval = interval
        self._ended = threading.Event()

    def run(self) -> None:
        while True:
            self._check()
            if self._ended.wait(self._interval):
                return

    def stop(self) -> None:
        self._ended.set()
        if self is not threading.current_thread():
            self.join(_GOODBYE)


def _transport() -> Transport:
    from ..transports.blocking import BlockingTransport  # noqa: PLC0415 - loads requests

    return BlockingTransport()
