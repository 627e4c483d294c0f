"""The simulated Polymarket: requests in, responses out, in the venue's own words."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from email.utils import formatdate
from functools import lru_cache, partial
from typing import Any, ClassVar
from urllib.parse import parse_qsl, urlsplit

import attrs

from ....clock import Clock, SystemClock
from ....flow import Request, Response
from ....money import Number, read_number
from ....simulator.engine import Engine
from ....simulator.founding import Foundings
from ....simulator.orderflow import FlowSettings
from . import account, books, data, data_v1, gamma, histories, keys, orders, relayer
from .authentication import check_key
from .catalog import Catalog, Listed
from .errors import Failure
from .house import House
from .records import Leg
from .routes import HOSTS, Call, Host, Operation, Routes
from .settings import Mode, PolymarketSettings
from .settlement import Settler
from .stream import MarketSession, Session, UserSession
from .wallets import ApiKey, Kind, Wallet
from .wire import JSON, SECOND, encode

__all__ = ["SimulatedPolymarket"]

_MODULES = (account, books, data, data_v1, gamma, histories, keys, orders, relayer)
_ROUTES = Routes(operation for module in _MODULES for operation in module.OPERATIONS)
_CALM = FlowSettings(actions_per_second=0.05, levels=4, catch_up_seconds=60)
_FOUNDINGS = Foundings(Leg)
_GEOBLOCK = "/api/geoblock"
_SOCKETS: dict[str, type[Session]] = {
    "/ws/market": MarketSession,
    "/ws/user": UserSession,
}


class SimulatedPolymarket:
    """Polymarket in small behind its REST wires and its sockets, without I/O.

    One address serves all hosts by the path's beginning: ``/gamma``, ``/clob``,
    ``/data`` and ``/relayer``; what has none of them is the CLOB's. Signatures of
    requests are over the path without that beginning, as if each host were alone. The
    sockets are ``/ws/market`` and ``/ws/user``.

    The same ``seed``, clock and requests give the same answers. ``clock`` is the
    machine's unless given; ``lively`` lets synthetic traders move the books with the
    clock; ``enforce_limits`` switches the rate limits; ``settings`` say how the venue
    behaves and may be changed at any time.

    ``engine``, ``catalog`` and ``settler`` are open to tests: resolve a market with
    ``engine.determine``, let settlements fail with ``settler.fail``.

    >>> from unified_exchanges.clock import VirtualClock
    >>> polymarket = SimulatedPolymarket(seed=7, clock=VirtualClock())
    >>> polymarket.handle(Request("GET", "http://127.0.0.1/clob/time")).body
    b'1795200000'
    """

    operations: ClassVar[tuple[Operation, ...]] = _ROUTES.operations
    """Every operation that is offered."""

    def __init__(
        self,
        *,
        seed: int = 7,
        clock: Clock | None = None,
        enforce_limits: bool = True,
        lively: bool = False,
        flow: FlowSettings = _CALM,
        settings: PolymarketSettings | None = None,
    ) -> None:
        self.clock = clock or SystemClock()
        self.settings = settings or PolymarketSettings()
        self._sessions: list[Session] = []
        make = partial(
            House,
            seed=seed,
            clock=self.clock,
            settings=self.settings,
            enforce_limits=enforce_limits,
            lively=lively,
            flow=flow,
        )
        terms = (seed, attrs.astuple(self.settings), enforce_limits, lively, flow)
        self._house = _FOUNDINGS.found(make, self.clock, self.settings, terms=terms)

    @property
    def engine(self) -> Engine:
        """The exchange underneath."""
        return self._house.engine

    @property
    def catalog(self) -> Catalog:
        """What is listed."""
        return self._house.catalog

    @property
    def settler(self) -> Settler:
        """What brings trades to the chain."""
        return self._house.settler

    # Members

    @property
    def resident_key(self) -> int:
        """The private key of the wallet that has a past."""
        return self._house.resident_key

    def add_account(
        self,
        private_key: int,
        *,
        kind: Kind = "deposit",
        cash: Number = 10_000,
        address: str | None = None,
    ) -> Wallet:
        """Open a funded wallet with all approvals for a key that signs; the wallet.

        ``address`` follows from the key unless given. The
        `resident_key` opens the wallet that has a past.
        """
        money = read_number(cash)
        return self._house.members.open(
            private_key, kind=kind, cash=money, address=address
        )

    def add_key(self, wallet: Wallet, *, nonce: int = 0) -> ApiKey:
        """Make the API key of the wallet's signer, as ``POST /auth/api-key`` would."""
        return self._house.members.add_key(wallet, nonce)

    def revoke_keys(self, wallet: Wallet) -> None:
        """End the API keys of the wallet's signer: 401 for them from now on.

        Another can be made as the first was (what Polymarket gives out then is assumed).
        """
        self._house.members.revoke_keys(wallet)

    def collateral(self, wallet: Wallet) -> Decimal:
        """The pUSD of a wallet."""
        return self._house.collateral(wallet)

    def tokens(self, wallet: Wallet, token: str) -> Decimal:
        """The tokens of a wallet."""
        listed, index = self._token(token)
        return self._house.vault.size(wallet.name, listed.condition_id, index)

    def bring_to(self, wallet: Wallet, cash: Number) -> None:
        """Put pUSD into a wallet or take it out; what is not covered is cancelled."""
        self._house.members.bring_to(wallet, read_number(cash))

    def split(self, wallet: Wallet, listed: Listed, size: Number) -> None:
        """Turn pUSD into pairs of tokens, as the chain does."""
        self._house.members.split(wallet, listed, read_number(size))

    def merge(self, wallet: Wallet, listed: Listed, size: Number) -> None:
        """Turn pairs of tokens into pUSD, as the chain does."""
        self._house.members.merge(wallet, listed, read_number(size))

    def reward(self, wallet: Wallet, cash: Number, *, kind: str = "REWARD") -> None:
        """Give a wallet a reward, a rebate or what else it earned beside its trades."""
        self._house.members.reward(wallet, read_number(cash), kind)

    def redeem(self, wallet: Wallet, listed: Listed) -> None:
        """Turn the tokens of a resolved market into pUSD."""
        self._house.redeem(wallet.name, listed)

    def set_tier(self, wallet: Wallet, tier: str) -> None:
        """Let a signer trade faster."""
        if self._house.limits is not None:
            self._house.limits.set_tier(wallet.signer, tier)

    def _token(self, token: str) -> tuple[Listed, int]:
        found = self.catalog.of_token(token)
        if found is None:
            raise LookupError(token)
        return found

    # The venue

    def advance(self) -> None:
        """Let happen what is due by the clock; `handle` does so first."""
        self._house.advance()

    def set_mode(self, mode: Mode, *, seconds: float | None = None) -> None:
        """Be in a mode for so long, or until the next call."""
        until_us = None
        if seconds is not None:
            until_us = self._house.now_us + round(seconds * SECOND)
        self._house.modes.set(mode, until_us)

    def restart(self, *, seconds: float = 90.0) -> None:
        """Restart the matching: 425 for so long, then two minutes of post-only."""
        self._house.modes.restart(self._house.now_us + round(seconds * SECOND))

    def list_market(self, listed: Listed) -> None:
        """List a new market of an event that is listed."""
        self._house.catalog.add_market(listed)
        self._house.list_market(listed)

    def change_tick(self, listed: Listed, tick: Number) -> None:
        """Let a market accept other prices from now on."""
        self._house.change_tick(listed, read_number(tick))

    @property
    def sessions(self) -> list[Session]:
        """The connections that are open."""
        self._sessions = [s for s in self._sessions if s.is_open]
        return list(self._sessions)

    def connect(self, request: Request) -> Response | Session:
        """Open a connection to a socket, or say that there is none."""
        self._house.advance()
        kind = _SOCKETS.get(urlsplit(request.url).path)
        if kind is None:
            payload = {"error": "not found"}
            return _respond(404, payload, self._house.now_us, {})
        session = kind(self._house)
        self._sessions = [*self.sessions, session]
        return session

    def handle(self, request: Request, *, lag: float = 0.0) -> Response:
        """Answer a request; ``lag`` (seconds) makes the Data API late by that more."""
        self._house.advance()
        now_us = self._house.now_us
        headers = {name.lower(): value for name, value in request.headers.items()}
        lag_us = round(max(lag, self.settings.data_lag) * SECOND)
        path = urlsplit(request.url).path
        if path == _GEOBLOCK:
            return _respond(200, self._geoblock(), now_us, {})
        host, path = _host(path, headers)
        try:
            call, payload = self._answer(request, host, path, headers, now_us, lag_us)
        except Failure as failure:
            return _respond(failure.status, failure.payload, now_us, failure.headers)
        if call.operation.raw:
            head = {"content-type": "text/plain", "date": _date(now_us // SECOND)}
            return Response(200, head, str(payload).encode())
        return _respond(200, payload, now_us, call.extra)

    def _answer(
        self,
        request: Request,
        host: Host,
        path: str,
        headers: Mapping[str, str],
        now_us: int,
        lag_us: int,
    ) -> tuple[Call, Any]:
        operation, values = _ROUTES.find(host, request.method, path)
        body = request.body or b""
        key = None
        if operation.level == 2:  # noqa: PLR2004
            key = check_key(
                self._house.keys,
                headers,
                method=request.method,
                path=path,
                body=body,
                now_us=now_us,
                skew=self.settings.clock_skew,
            )
        if self._house.limits is not None:
            for group in operation.groups:
                self._house.limits.pass_group(group, now_us)
        call = Call(
            operation=operation,
            path=values,
            query=_query(request),
            body=body,
            now_us=now_us,
            headers=headers,
            lag_us=lag_us,
            signer=key,
        )
        return call, operation.handler(self._house, call)

    def _geoblock(self) -> dict[str, Any]:
        country = self.settings.blocked_country
        return {
            "blocked": country is not None,
            "ip": "127.0.0.1",
            "country": country or "IE",
            "region": "",
        }


def _host(path: str, headers: Mapping[str, str]) -> tuple[Host, str]:
    """Which host a path is of, and the path that host sees.

    The CLOB has paths that begin like the Data API's prefix: signed ones are its own.
    """
    first, _, rest = path.removeprefix("/").partition("/")
    for host in HOSTS:
        if first == host and not (host == "data" and "poly_api_key" in headers):
            return host, f"/{rest}"
    return "clob", path


def _query(request: Request) -> dict[str, list[str]]:
    inline = parse_qsl(urlsplit(request.url).query, keep_blank_values=True)
    given: dict[str, list[str]] = {}
    for name, value in (*inline, *request.query):
        given.setdefault(name.removesuffix("[]"), []).append(value)
    return given


def _respond(
    status: int, payload: object, now_us: int, extra: Mapping[str, str]
) -> Response:
    headers = {"date": _date(now_us // SECOND), "content-type": JSON, **extra}
    # The body of a 425 is not documented; none is assumed.
    body = b"" if payload == {} and status >= 400 else encode(payload)  # noqa: PLR2004
    return Response(status, headers, body)


@lru_cache(maxsize=16)
def _date(seconds: int) -> str:
    return formatdate(seconds, usegmt=True)
