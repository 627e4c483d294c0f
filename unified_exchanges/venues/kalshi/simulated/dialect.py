"""The simulated Kalshi: requests in, responses out, in the venue's own words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from email.utils import formatdate
from functools import lru_cache, partial
from random import Random
from typing import Any, ClassVar
from urllib.parse import parse_qsl, urlsplit

from ....clock import Clock, SystemClock
from ....flow import Request, Response
from ....money import Number, read_number
from ....simulator.engine import Engine
from ....simulator.founding import Foundings
from ....simulator.orderflow import FlowSettings
from ....simulator.orders import Refusal
from . import (
    account,
    batches,
    candles,
    combos,
    events,
    exchange,
    funds,
    groups,
    markets,
    orders,
    portfolio,
    records,
    subaccounts,
    surroundings,
)
from .accounts import Account
from .authentication import (
    ApiKey,
    PublicKey,
    check_signature,
    load_public_key,
    may,
)
from .catalog import Catalog, FeeChange
from .errors import Failure, gone, missing_scope, not_found, refusal, restricted_key
from .house import House
from .limits import SHARDS
from .lives import new_id
from .routes import PREFIX, Call, Operation, Routes, read_query, read_request
from .stream import Session, StreamSettings, Viewer
from .tariff import Terms
from .wire import JSON, SECOND, Payload, encode

__all__ = ["STREAM_PATH", "SimulatedKalshi"]

STREAM_PATH = "/trade-api/ws/v2"

_ROUTES = Routes(
    operation
    for module in (
        account,
        batches,
        candles,
        combos,
        events,
        exchange,
        funds,
        groups,
        markets,
        orders,
        portfolio,
        records,
        subaccounts,
        surroundings,
    )
    for operation in module.OPERATIONS
)
_LEGACY = "/portfolio/orders"
_CALM = FlowSettings(actions_per_second=0.05, levels=4, catch_up_seconds=60)
_FOUNDINGS = Foundings()


class SimulatedKalshi:
    """Kalshi in small behind its REST wire and its stream, without I/O.

    The same ``seed``, clock and requests give the same answers. ``clock`` is the
    machine's unless given; ``read_lag`` (seconds) makes reads of orders, fills,
    positions and the balance late; ``lively`` lets synthetic traders move the books with
    the clock, otherwise books stand as they were seeded; ``enforce_limits`` switches the
    token buckets; ``stream`` says how connections behave.

    ``engine`` and ``catalog`` are open to tests: pause, determine, settle as needed.
    ``read_lag`` may be changed at any time.

    >>> from unified_exchanges.clock import VirtualClock
    >>> kalshi = SimulatedKalshi(seed=7, clock=VirtualClock())
    >>> url = "http://127.0.0.1/trade-api/v2/exchange/status"
    >>> kalshi.handle(Request("GET", url)).status
    200
    """

    operations: ClassVar[tuple[Operation, ...]] = _ROUTES.operations
    """Every operation that is offered."""

    def __init__(
        self,
        *,
        seed: int = 7,
        clock: Clock | None = None,
        enforce_limits: bool = True,
        read_lag: float = 0.0,
        lively: bool = False,
        flow: FlowSettings = _CALM,
        stream: StreamSettings | None = None,
    ) -> None:
        self.clock = clock or SystemClock()
        self.read_lag = read_lag
        self._stream = stream or StreamSettings()
        self._connections = Random(seed)  # noqa: S311 - seeded
        self._sessions: list[Session] = []
        make = partial(
            House,
            seed=seed,
            clock=self.clock,
            enforce_limits=enforce_limits,
            lively=lively,
            flow=flow,
        )
        terms = (seed, enforce_limits, lively, flow)
        self._house = _FOUNDINGS.found(make, self.clock, terms=terms)

    @property
    def engine(self) -> Engine:
        """The exchange underneath."""
        return self._house.engine

    @property
    def catalog(self) -> Catalog:
        """What is listed."""
        return self._house.catalog

    def add_account(
        self,
        *,
        public_key: PublicKey | str,
        key_id: str | None = None,
        cash: Mapping[int, Decimal] | None = None,
        tier: str = "basic",
        history: bool = False,
        scopes: Iterable[str] = ("read", "write"),
        subaccount: int | None = None,
    ) -> ApiKey:
        """Open an account with a key; the key, with its id.

        ``cash`` is dollars by shard, $10,000 on each by default. One account per
        simulated venue may come with ``history``: orders, fills, positions and
        settlements of the last two months, on both sides of the historical cutoff.
        """
        money = cash or dict.fromkeys(range(SHARDS), Decimal(10_000))
        member = self._house.open_account(cash=dict(money), tier=tier, history=history)
        return self._add_key(
            member, public_key, key_id=key_id, scopes=scopes, subaccount=subaccount
        )

    def add_key(
        self,
        account_id: str,
        *,
        public_key: PublicKey | str,
        key_id: str | None = None,
        scopes: Iterable[str] = ("read", "write"),
        subaccount: int | None = None,
    ) -> ApiKey:
        """Another key of the account that `ApiKey.user_id` names."""
        member = self.account(account_id)
        return self._add_key(
            member, public_key, key_id=key_id, scopes=scopes, subaccount=subaccount
        )

    def _add_key(
        self,
        member: Account,
        public_key: PublicKey | str,
        *,
        key_id: str | None,
        scopes: Iterable[str],
        subaccount: int | None,
    ) -> ApiKey:
        if isinstance(public_key, str):
            public_key = load_public_key(public_key)
        return self._house.add_key(
            member,
            public_key,
            name="simulated",
            key_id=key_id,
            scopes=scopes,
            subaccount=subaccount,
        )

    def account(self, account_id: str) -> Account:
        """What the dialect remembers of an account, by the `ApiKey.user_id`."""
        return self._house.accounts[account_id]

    def advance(self) -> None:
        """Let happen what is due by the clock; `handle` does so first."""
        self._house.advance()

    def change_fees(
        self, event_ticker: str, terms: Terms | None, *, time_us: int | None = None
    ) -> None:
        """Give an event fees of its own, None to end them; now unless a time is given."""
        now_us = self._house.now_us
        change = FeeChange(
            change_id=new_id(self._connections),
            ticker=event_ticker,
            terms=terms,
            time_us=now_us if time_us is None else time_us,
        )
        self._house.change_fees(change)

    def change_metadata(self, ticker: str, **fields: Any) -> None:
        """Change what is written about a market: its strikes, its ``yes_sub_title``."""
        self._house.change_metadata(ticker, fields)

    def tell_index(self, index_id: str, value: Number) -> None:
        """Let an index of CF Benchmarks have a value now, such as ``BRTI``."""
        self._house.tell_index(index_id, read_number(value))

    def tell_price(self, underlying: str, value: Number) -> None:
        """Let Pyth tell a price now, such as that of ``Metal.XAU/USD``."""
        self._house.tell_price(underlying, read_number(value))

    @property
    def sessions(self) -> list[Session]:
        """The connections that are open."""
        self._sessions = [s for s in self._sessions if s.is_open]
        return list(self._sessions)

    def connect(self, request: Request) -> Response | Session:
        """Open a connection to the stream, or say why not."""
        self._house.advance()
        now_us = self._house.now_us
        path = urlsplit(request.url).path
        headers = {name.lower(): value for name, value in request.headers.items()}
        try:
            if path != STREAM_PATH:
                raise not_found()
            key = check_signature(
                self._house.keys,
                headers,
                method=request.method,
                path=path,
                now_ms=now_us // 1000,
            )
        except Failure as failure:
            return _respond(failure.status, failure.payload, now_us, {})
        viewer = Viewer(
            house=self._house, key=key, account=self._house.accounts[key.user_id]
        )
        rng = Random(self._connections.getrandbits(64))  # noqa: S311 - seeded
        session = Session(viewer, self._stream, rng)
        self._sessions = [*self.sessions, session]
        return session

    def handle(self, request: Request, *, lag: float = 0.0) -> Response:
        """Answer a request; ``lag`` (seconds) makes this one read late."""
        self._house.advance()
        now_us = self._house.now_us
        path = urlsplit(request.url).path
        if len(path) > 1 and path.endswith("/"):
            return _respond(301, None, now_us, {"location": path.rstrip("/")})
        headers = {name.lower(): value for name, value in request.headers.items()}
        lag_us = round(max(lag, self.read_lag) * SECOND)
        extra = {} if "kalshi-access-key" in headers else _CACHED
        try:
            status, payload = self._answer(request, path, headers, now_us, lag_us)
        except Failure as failure:
            return _respond(failure.status, failure.payload, now_us, {})
        except Refusal as refused:
            known = refusal(refused)
            return _respond(known.status, known.payload, now_us, {})
        return _respond(status, payload, now_us, extra)

    def _answer(
        self,
        request: Request,
        path: str,
        headers: Mapping[str, str],
        now_us: int,
        lag_us: int,
    ) -> tuple[int, Payload | None]:
        if not path.startswith(PREFIX):
            raise not_found()
        operation, values = _find(request.method, path.removeprefix(PREFIX))
        key = self._authenticate(operation, request.method, path, headers, now_us)
        holder = self._house.accounts[key.user_id] if key else None
        self._charge(operation, holder, now_us)
        call = Call(
            operation=operation,
            path=values,
            query=read_query(operation, _pairs(request)),
            body=read_request(operation, headers, request.body),
            now_us=now_us,
            lag_us=lag_us,
            key=key,
            holder=holder,
        )
        return operation.status, operation.handler(self._house, call)

    def _authenticate(
        self,
        operation: Operation,
        method: str,
        path: str,
        headers: Mapping[str, str],
        now_us: int,
    ) -> ApiKey | None:
        if operation.scope is None and "kalshi-access-key" not in headers:
            return None
        key = check_signature(
            self._house.keys, headers, method=method, path=path, now_ms=now_us // 1000
        )
        if operation.scope is not None and not may(key, operation.scope):
            raise missing_scope(operation.scope)
        if operation.shared and key.subaccount is not None:
            raise restricted_key()
        return key

    def _charge(
        self, operation: Operation, holder: Account | None, now_us: int
    ) -> None:
        buckets = self._house.anonymous if holder is None else holder.buckets
        if buckets is None or operation.routed:
            return
        if operation.is_write:
            buckets.write_tokens(operation.cost, now_us)
        else:
            buckets.read_tokens(operation.cost, now_us)


_CACHED = {"cache-control": "public, max-age=15"}


def _find(method: str, path: str) -> tuple[Operation, dict[str, str]]:
    if method != "GET" and path.startswith(_LEGACY):
        raise gone()
    return _ROUTES.find(method, path)


def _pairs(request: Request) -> list[tuple[str, str]]:
    inline = urlsplit(request.url).query
    return [*parse_qsl(inline, keep_blank_values=True), *request.query]


def _respond(
    status: int,
    payload: Mapping[str, object] | None,
    now_us: int,
    extra: Mapping[str, str],
) -> Response:
    headers = {"date": _date(now_us // SECOND), **extra}
    if payload is None:
        return Response(status, headers)
    return Response(status, headers | {"content-type": JSON}, encode(payload))


@lru_cache(maxsize=16)
def _date(seconds: int) -> str:
    return formatdate(seconds, usegmt=True)
