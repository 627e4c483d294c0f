"""How a call reaches Polymarket: its host, signature, buckets, and its refusals."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

import attrs
import msgspec

from ...errors import (
    AuthenticationError,
    BadRequest,
    ExchangeNotAvailable,
    UnifiedExchangesError,
)
from ...flow import Flow, Response
from ...models import Params
from ...settings import Settings
from ...venue import Call
from ...venue.raw import RawBody, read_body, require_none
from . import credentials, limits
from .addresses import read_address
from .arguments import asked, refuse_unknown
from .description import FACTS, SERVICES
from .memory import Memory
from .misplaced import refuse_misplaced
from .own_key import CREATE, DERIVE, OwnKey

__all__ = ["PolymarketConnection"]

_encode = msgspec.json.Encoder().encode
_JSON: Final = {"content-type": "application/json"}
_NONE: Final[Mapping[str, str]] = {}
_PATH: Final = re.compile(
    rf"/(?:{'|'.join(SERVICES)})/[A-Za-z0-9_.:~/-]*[A-Za-z0-9_.:~-]"
)
_METHODS: Final = ("GET", "POST", "DELETE")
_OPTIONS: Final = (*credentials.OPTIONS, "wallet")
_CHAINS: Final = ("chain", "chain_id")
# Asked by POST, because tokens are long and many (docs.polymarket.com, 2026-08).
_ASKING: Final = re.compile(
    r"/clob/(?:books|prices|midpoints|spreads|last-trades-prices|batch-prices-history"
    r"|orders-scoring|markets/live-activity)"
)
_STOPS: Final = re.compile(r"/clob/(?:v1/)?heartbeats")
_UNAUTHORIZED: Final = 401
_REFUSED_ANEW: Final = (
    ". No api_key= was given: the one that was derived was revoked, another was got in its "
    "place, and that is refused too"
)
_SKEW: Final = 5.0
"""Seconds by which a clock may be off and not be the reason of a refusal."""
_RESTARTING: Final = "restarting"
_POST_ONLY: Final = frozenset({_RESTARTING, "post-only"})
"""Modes during which, or right after which, post-only orders are taken and no others."""
_AGAIN: Final = 1.0
"""Seconds at least before the next try of what a restart refused (the same, 2026-08)."""
_RESTART: Final = 120.0
"""Seconds of post-only after a restart (docs.polymarket.com, restarts, 2026-08)."""


@attrs.define(slots=True)
class _Mode:
    """What the venue said last of not trading as usual, and until when that holds."""

    name: str = ""
    until: float = float("-inf")


class PolymarketConnection(OwnKey):
    """The part of the venue that every method stands on.

    Paths begin with the service that they are of: ``/gamma``, ``/clob`` or ``/data``.  In
    production each has its own host; a simulated venue serves all three at one address.
    """

    id = "polymarket"
    facts = FACTS

    def __init__(self, settings: Settings) -> None:
        refuse_misplaced(settings)
        super().__init__(settings)
        _check_words(settings)
        self.credentials = credentials.load(settings)
        self.signer = self.credentials.address if self.credentials else ""
        given = settings.options.get("wallet")
        self._wallet = None if given is None else read_address(given, "wallet").lower()
        self.memory = Memory()
        self._mode = _Mode()

    @property
    def has_key(self) -> bool:
        """Whether calls can be signed."""
        return self.credentials is not None

    @property
    def wallet(self) -> str | None:
        """The address that is read of: the option's, else where the key's money lies."""
        return self._wallet or self.own_wallet or None

    @property
    def own_wallet(self) -> str:
        """Where the key's money lies; "" without a key."""
        held = self.credentials
        return held.wallet.address.lower() if held else ""

    @property
    def mode(self) -> tuple[str, float | None]:
        """How the venue does not trade as usual, and for how many seconds that holds.

        It tells by its refusals only: nothing else is known of it.
        """
        left = self._mode.until - self.clock.monotonic()
        return (self._mode.name, left) if left > 0 else ("", None)

    # -- what a call needs ----------------------------------------------------------

    def headers(self, call: Call) -> Mapping[str, str]:
        """Signature headers over time, method, path below the service, and body."""
        if not call.signed:
            return _NONE if call.body is None else _JSON
        if self.credentials is None:
            raise self.keyless(call.about, call.name)
        moment = int(self.clock.now() + self.offset.seconds)
        if call.path == DERIVE or call.name == f"POST {CREATE}":
            return self.credentials.first_headers(moment)
        below = call.path.removeprefix("/clob")
        body = call.body or b""
        signed = self.credentials.headers(moment, call.method, below, body)
        if call.body is not None:
            signed["content-type"] = "application/json"
        return signed

    def family(self, call: Call) -> str:
        """What kind of endpoint a call asks, such as ``clob:book``."""
        if call.is_order:
            return "orders"
        return next(iter(limits.groups_of(call.path, call.method)), "clob")

    def refusal(self, call: Call, response: Response) -> UnifiedExchangesError:
        """Polymarket's answer as one of our errors."""
        from .errors import error_from  # noqa: PLC0415 - loaded with the first refusal
        from .reasons import MODES, name_of  # noqa: PLC0415 - likewise

        self.heed_limits(call, response)
        error = error_from(
            response.status,
            response.headers,
            response.body,
            asked=str(call.about),
            path=call.name,
            now=self.clock.now(),
            hidden=(self.key_id, *self.former_keys),
            is_order=call.is_order,
        )
        name = name_of(error)
        if name in MODES:
            wait = getattr(error, "retry_after", None)
            held = _RESTART if wait is None else wait
            if name == _RESTARTING and isinstance(error, ExchangeNotAvailable):
                error.retry_after = max(wait or 0.0, _AGAIN)
                # Two minutes of post-only follow, however soon it is back.
                held = max(held, _RESTART)
            self._mode = _Mode(name, self.clock.monotonic() + held)
        return error

    def taken(self, *, post_only: bool) -> None:
        """Take note that an order was taken just now, which disproves what was refused.

        A post-only one does so of all but post-only, which follows after each restart.
        """
        if not post_only or self._mode.name not in _POST_ONLY:
            self._mode = _Mode()

    def attempt(self, call: Call, deadline: float) -> Flow[Response]:
        """One try; the first that is signed gets an API key before, if none was given."""
        if call.signed and call.path not in (DERIVE, CREATE):
            response = yield from self._attempt_keyed(call, deadline)
        else:
            response = yield from self._attempt_timely(call, deadline)
        self.heed_limits(call, response)
        return response

    def _attempt_keyed(self, call: Call, deadline: float) -> Flow[Response]:
        """One try, and one more if the API key that was derived here was revoked.

        What is refused for its key was not read: an order may be sent again, which has
        the same signature and id.
        """
        yield from self.obtain_key()
        held = self.credentials
        used = held.api if held else None
        self._name_owner(call)
        try:
            response = yield from self._attempt_timely(call, deadline)
        except AuthenticationError as error:
            if error.status != _UNAUTHORIZED or not self.is_key_derived or not used:
                raise
            yield from self.renew_key(used, error)
        else:
            self.accept_key(used)
            return response
        assert held is not None
        used = held.api
        self._name_owner(call)
        try:
            response = yield from self._attempt_timely(call, deadline)
        except AuthenticationError as error:
            if error.status == _UNAUTHORIZED:
                error.add(_REFUSED_ANEW)
            raise
        self.accept_key(used)
        return response

    def _name_owner(self, call: Call) -> None:
        """Have an order name the API key that signs the call: its own signature does not."""
        for former in self.former_keys if call.body else ():
            old, new = (_encode({"owner": x})[1:-1] for x in (former, self.key_id))
            call.body = (call.body or b"").replace(old, new)

    def _attempt_timely(self, call: Call, deadline: float) -> Flow[Response]:
        """One try, and one more if it was signed by a clock that the answer shows wrong.

        A signature of another time is refused in the words for a wrong key, and nothing
        is done (what the venue allows is not documented, 2026-10).
        """
        assumed = self.offset.seconds
        try:
            return (yield from super().attempt(call, deadline))
        except AuthenticationError as error:
            is_stale = abs(self.offset.seconds - assumed) > _SKEW
            is_unknown = call.signed and error.status == _UNAUTHORIZED
            if not is_unknown or not is_stale:
                raise
        return (yield from super().attempt(call, deadline))

    def keyless(self, about: object, request: str) -> AuthenticationError:
        """The error for what needs a key where there is none."""
        message = (
            f"{about} needs a key: pass private_key= (64 hexadecimal digits or the "
            "path of a file that holds them), or set POLYMARKET_PRIVATE_KEY_PATH"
        )
        return AuthenticationError(message, venue=self.id, request=request)

    # -- building calls -------------------------------------------------------------

    def read(
        self,
        path: str,
        parameters: Mapping[str, object] | None = None,
        *,
        about: str,
        lists: tuple[str, ...] = (),
        private: bool = False,
        urgent: bool = False,
    ) -> Call:
        """A call that changes nothing; ``lists`` are parameters that are repeated."""
        return Call(
            method="GET",
            path=path,
            about=about,
            query=asked(parameters or {}, lists),
            charges=limits.charges(path),
            urgent=urgent,
            signed=private,
        )

    def ask(self, path: str, body: object, *, about: str) -> Call:
        """A call that changes nothing, though it is a POST."""
        return Call(
            method="POST",
            path=path,
            about=about,
            body=_encode(body),
            charges=limits.charges(path),
            signed=False,
            reads=True,
        )

    def write(
        self,
        method: str,
        path: str,
        body: object,
        *,
        about: object,
        query: Mapping[str, object] | None = None,
        items: int = 1,
        repeatable: bool = False,
        urgent: bool = False,
        is_order: bool = False,
        deadline: float | None = None,
        client_order_id: str | None = None,
        opens: bool = False,
        heeds: bool = False,
    ) -> Call:
        """A call that changes something; it costs the signer its ``items``."""
        signer = limits.CANCELS if method == "DELETE" else limits.ORDERS
        return Call(
            method=method,
            path=path,
            about=about,
            query=asked(query or {}),
            body=None if body is None else _encode(body),
            charges=(*limits.charges(path, method), (signer, items)),
            urgent=urgent,
            repeatable=repeatable,
            is_order=is_order,
            deadline=deadline,
            client_order_id=client_order_id,
            opens=opens,
            heeds=heeds,
        )

    def request(
        self,
        method: str,
        path: str,
        *,
        query: Params | None = None,
        body: RawBody | None = None,
    ) -> Flow[Response]:
        """A raw call; the path begins with ``/gamma``, ``/clob`` or ``/data``.

        Calls to the CLOB are signed where there is a key.  Anything but GET counts as a
        write that must not be repeated, unless it is one that only asks.
        """
        verb = method.upper()
        if verb not in _METHODS:
            message = f"method {method!r} is not one of {', '.join(_METHODS)}"
            raise BadRequest(message, venue=self.id)
        if not _PATH.fullmatch(path) or ".." in path:
            services = ", ".join(f"/{name}/…" for name in SERVICES)
            message = (
                f"path {path!r} must be one of {services}, without address and without "
                "query; pass query= for the latter"
            )
            raise BadRequest(message, venue=self.id)
        about = f"{verb} {path}"
        is_private = self.has_key and path.startswith("/clob/")
        if verb == "GET":
            require_none(body, about, venue=self.id)
            return self.send(self.read(path, query, about=about, private=is_private))
        sent = read_body(body, about, venue=self.id, encode=_encode, takes_lists=True)
        if verb == "POST" and _ASKING.fullmatch(path):
            asked_for: object = {} if sent is None else sent
            return self.send(self.ask(path, asked_for, about=about))
        self.require_writable(about)
        call = self.write(
            verb,
            path,
            sent,
            query=query,
            about=about,
            # What else a write may bring is not known: only what surely stops goes on.
            opens=verb != "DELETE" and not _STOPS.fullmatch(path),
        )
        if call.opens:
            self.switch.check(call.about)
            self.require_raw(call.about)
        call.heeds = call.opens
        return self.send(call)


def _check_words(settings: Settings) -> None:
    """Refuse options and buckets that nothing would ever read."""
    for name in settings.options:
        if name in _CHAINS:
            message = (
                f"option {name!r}: Polymarket settles on Polygon (chain 137), and there is "
                "no other to choose; leave it out, and practise on the simulated venue"
            )
            raise BadRequest(message, venue="polymarket")
        refuse_unknown("option", name, _OPTIONS)
    known = (*limits.GROUPS, limits.ORDERS, limits.CANCELS)
    for name in settings.limits.buckets:
        refuse_unknown("bucket", name, known)
