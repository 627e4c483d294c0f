"""How a call reaches Kalshi: its address, signature, cost in tokens, and its refusals."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from urllib.parse import urlsplit

import msgspec

from ...errors import AuthenticationError, BadRequest, UnifiedExchangesError
from ...flow import Flow, Response, query
from ...models import AccountLimits, Params
from ...policy import TokenBucket
from ...settings import Settings
from ...venue import Call, Venue
from ...venue.raw import RawBody, read_body, require_none
from . import credentials, limits
from .arguments import LAST_SUBACCOUNT, refuse_unknown
from .description import FACTS
from .families import family_of
from .memory import Memory

__all__ = ["KalshiConnection"]

_encode = msgspec.json.Encoder().encode
_JSON = {"content-type": "application/json"}
_NONE: Mapping[str, str] = {}
_PATH = re.compile(r"/[A-Za-z0-9_.:~/-]*[A-Za-z0-9_.:~-]")
_STOPS = re.compile(
    r"/portfolio/order_groups/[^/]+/trigger|/portfolio/events/orders/[^/]+/decrease"
)
_METHODS = ("GET", "POST", "PUT", "DELETE")
_ORDERS = "/portfolio/events/orders"
_OPTIONS = ("keep_raw", "subaccount")
_BUCKET = re.compile(r"read|write(?::\d+)?")
_ENTRY_STATUS = 400
_MARGIN = 10.0
"""Tokens of a bucket that are never counted on: the cost of most requests."""


class KalshiConnection(Venue):
    """The part of the venue that every method stands on."""

    id = "kalshi"
    facts = FACTS

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        _check_words(settings)
        self._credentials = credentials.load(
            settings.api_key, settings.private_key, settings.password, settings.environ
        )
        self._key_id = self._credentials.key_id if self._credentials else ""
        self._prefix = urlsplit(self.environment.rest).path
        self._costs = limits.Costs()
        policy = settings.limits
        self._limits_known = not (policy.enabled and policy.discover)
        self._rates: dict[str, tuple[float, float]] = {}
        self._key_expires_at: datetime | None = None
        self.memory = Memory()
        self.subaccount = _subaccount(settings.options.get("subaccount"))

    @property
    def has_key(self) -> bool:
        """Whether calls can be signed."""
        return self._credentials is not None

    @property
    def key_expires_at(self) -> datetime | None:
        """When the key's location attestation lapses.

        Known once a health check or `fetch_limits` has asked, if the key may ask.
        """
        return self._key_expires_at

    def headers(self, call: Call) -> Mapping[str, str]:
        """Signature headers over time, method and path; the body is not signed."""
        if self._credentials is None:
            if call.signed:
                raise self._keyless(call)
            return _JSON if call.body is not None else _NONE
        moment = int((self.clock.now() + self.offset.seconds) * 1000)
        signed = self._credentials.headers(
            moment, call.method, self._prefix + call.path
        )
        if call.body is not None:
            signed["content-type"] = "application/json"
        return signed

    def family(self, call: Call) -> str:
        """What kind of endpoint a call asks, such as ``orders``."""
        return family_of(call.path)

    def refusal(self, call: Call, response: Response) -> UnifiedExchangesError:
        """Kalshi's answer as one of our errors."""
        from .errors import error_from  # noqa: PLC0415 - loaded with the first refusal

        return error_from(
            response.status,
            response.headers,
            response.body,
            asked=str(call.about),
            path=call.name,
            environment=self.environment.name,
            now=self.clock.now(),
            key_id=self._key_id,
        )

    def adopt_limits(self, found: AccountLimits) -> None:
        """Keep to the account's own limits from now on, where the caller set none."""
        self._limits_known = True
        chosen = self.settings.limits.buckets
        for limit in found.buckets:
            rate = float(limit.refill_rate), float(limit.capacity)  # tokens, not money
            self._rates[limit.name] = rate
            for name, bucket in list(self.buckets.items()):
                kind = name.partition(":")[0]
                if kind == limit.name and not chosen.keys() & {name, kind}:
                    bucket.configure(*_with_margin(*rate))
        self._costs.update(
            found.default_cost,
            [(*_method_and_path(key), cost) for key, cost in found.costs],
        )

    def refusal_of_entry(
        self, about: str, path: str, entry: bytes | None
    ) -> UnifiedExchangesError:
        """The refusal of one entry of a batch, which has no status of its own."""
        from .errors import error_from  # noqa: PLC0415 - loaded with the first refusal

        return error_from(
            _ENTRY_STATUS,
            _NONE,
            entry or b"",
            asked=about,
            path=path,
            environment=self.environment.name,
            now=self.clock.now(),
            key_id=self._key_id,
        )

    def bucket(self, name: str) -> TokenBucket:
        """The read bucket, the account's write bucket, or a shard's write bucket."""
        found = self.buckets.get(name)
        if found is None:
            policy = self.settings.limits
            kind = name.partition(":")[0]
            chosen = policy.buckets.get(name) or policy.buckets.get(kind)
            told = self._rates.get(kind)
            granted = _with_margin(*(told or limits.TIERS["basic"][kind]))
            found = self.limiter.bucket(
                name,
                account=self._key_id,
                chosen=chosen,
                granted=granted,
                share=policy.cancel_share,
            )
            if told and not chosen:
                # Another object of the key may have made it, and not have asked.
                found.configure(*granted)
            self.buckets[name] = found
        return found

    def request(
        self,
        method: str,
        path: str,
        *,
        query: Params | None = None,
        body: RawBody | None = None,
    ) -> Flow[Response]:
        """A raw call; anything but GET counts as a write that must not be repeated."""
        verb = method.upper()
        if verb not in _METHODS:
            message = f"method {method!r} is not one of {', '.join(_METHODS)}"
            raise BadRequest(message, venue=self.id)
        doubled = bool(self._prefix) and path.startswith(f"{self._prefix}/")
        if doubled or not _PATH.fullmatch(path) or ".." in path:
            message = (
                f"path {path!r} must start with / and be below {self.environment.rest}, "
                "without that address and without query; pass query= for the latter"
            )
            raise BadRequest(message, venue=self.id)
        if verb == "GET":
            require_none(body, f"GET {path}", venue=self.id)
            return self.send(self.read(path, query, about=f"{verb} {path}"))
        about = f"{verb} {path}"
        sent = read_body(body, about, venue=self.id, encode=_encode, takes_lists=False)
        self.require_writable(about)
        given = sent if isinstance(sent, dict) else {}
        call = self.write(
            verb,
            path,
            given,
            query=query,
            about=about,
            # What else a write may bring is not known: only what surely stops goes on.
            opens=verb != "DELETE" and not _STOPS.fullmatch(path),
        )
        if call.opens:
            self.switch.check(call.about)
            self.require_raw(call.about)
        call.heeds = call.opens
        call.charges = self._raw_charges(verb, path, {**(query or {}), **given})
        return self.send_raw(call) if call.opens else self.send(call)

    def _raw_charges(
        self, method: str, path: str, given: Mapping[str, object]
    ) -> tuple[tuple[str, float], ...]:
        """Tokens of a raw write: batches by their length, orders by their shard."""
        entries = given.get("orders")
        count = len(entries) if isinstance(entries, list) else 1
        chosen = given.get("exchange_index", None if path.startswith(_ORDERS) else 0)
        shard = chosen if isinstance(chosen, int) else None
        cost = self._costs.cost_of(method, path, count)
        names = limits.buckets_of(method, path, shard)
        return tuple((name, cost) for name in names)

    # -- building calls -------------------------------------------------------------

    def read(
        self,
        path: str,
        parameters: Mapping[str, object] | None = None,
        *,
        about: str,
        private: bool = False,
        urgent: bool = False,
    ) -> Call:
        """A call that changes nothing; ``urgent`` if a cancel waits for its answer."""
        cost = self._costs.cost_of("GET", path)
        return Call(
            method="GET",
            path=path,
            about=about,
            query=query((parameters or {}).items()),
            charges=(("read", cost),),
            urgent=urgent,
            signed=private,
        )

    def write(
        self,
        method: str,
        path: str,
        body: Mapping[str, object] | None,
        *,
        about: object,
        query: Mapping[str, object] | None = None,
        shard: int | None = 0,
        items: int = 1,
        repeatable: bool = False,
        urgent: bool = False,
        is_order: bool = False,
        deadline: float | None = None,
        client_order_id: str | None = None,
        opens: bool = False,
        heeds: bool = False,
    ) -> Call:
        """A call that changes something; ``shard`` None means that Kalshi routes it."""
        cost = self._costs.cost_of(method, path, items)
        if shard == 0:
            charges: tuple[tuple[str, float], ...] = (("write", cost),)
        else:
            charges = tuple((name, cost) for name in limits.write_buckets(shard))
        return Call(
            method=method,
            path=path,
            about=about,
            query=_query(query) if query else (),
            body=None if body is None else _encode(body),
            charges=charges,
            urgent=urgent,
            repeatable=repeatable,
            is_order=is_order,
            deadline=deadline,
            client_order_id=client_order_id,
            opens=opens,
            heeds=heeds,
        )

    def _keyless(self, call: Call) -> AuthenticationError:
        message = (
            f"{call.about} needs a key: pass api_key= and private_key= (PEM text or "
            "path), or set KALSHI_API_KEY and KALSHI_PRIVATE_KEY_PATH"
        )
        return AuthenticationError(message, venue=self.id, request=call.name)

    def note_key_expiry(self, seconds: int | None) -> None:
        """Remember when the key's location attestation lapses."""
        if seconds is not None:
            self._key_expires_at = datetime.fromtimestamp(seconds, UTC)


def _with_margin(rate: float, capacity: float) -> tuple[float, float]:
    """A bucket that holds a little less than the venue's.

    Requests that leave evenly arrive unevenly; what is kept back here is there for those
    that come early.
    """
    return rate, capacity - min(_MARGIN, capacity / 10)


def _method_and_path(key: str) -> tuple[str, str]:
    method, _, path = key.partition(" ")
    return method, path


def _query(parameters: Mapping[str, object] | None) -> tuple[tuple[str, str], ...]:
    return query((parameters or {}).items())


def _check_words(settings: Settings) -> None:
    """Refuse options and buckets that nothing would ever read."""
    for name in settings.options:
        refuse_unknown("option", name, _OPTIONS)
    for name in settings.limits.buckets:
        if not _BUCKET.fullmatch(name):
            refuse_unknown("bucket", name, ("read", "write", "write:<shard>"))
    keep = settings.options.get("keep_raw", True)
    if type(keep) is not bool:
        message = f"option keep_raw is True or False, not {keep!r}"
        raise BadRequest(message, venue="kalshi")


def _subaccount(value: object) -> int | None:
    if value is None:
        return None
    if value in range(LAST_SUBACCOUNT + 1) and type(value) is int:
        return value
    message = (
        f"option subaccount is a number from 0 to {LAST_SUBACCOUNT}, not {value!r}"
    )
    raise BadRequest(message, venue="kalshi")
