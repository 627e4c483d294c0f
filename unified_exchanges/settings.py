"""What a caller configures: one signature for every venue."""

from __future__ import annotations

from collections.abc import Mapping
from operator import methodcaller
from os import PathLike, environ
from random import Random, SystemRandom
from typing import Any, TypeAlias
from urllib.parse import urlsplit

import attrs

from . import fork
from .alerts import AlertPolicy
from .clock import Clock, SystemClock
from .description import Environment
from .errors import BadRequest, NotSupported
from .fields import is_a, is_flag, is_seconds, is_such
from .guards import GuardPolicy
from .observer import Observer
from .policy import LimitPolicy, RetryPolicy, StreamPolicy

__all__ = ["PrivateKey", "Settings", "resolve_environment"]

PrivateKey: TypeAlias = "str | PathLike[str]"
"""The key's text in the venue's form, or the path of a file that holds it."""


_IS_TEXT = attrs.validators.optional(is_a(str, "a text"))
_RECORDED = (".jsonl", ".jsonl.gz")
_REPLAYED = (
    'A recording is replayed by exchange("replay", path=…) and async_exchange, whose watch_* '
    "tell what its streams told; the venue's own WebSocket classes are not replayed: every "
    "frame that they would have read is given by unified_exchanges.recording.read"
)
_NEVER_NONE = {"dry_run", "environment", "live", "timeout"}


def _observes(value: object) -> bool:
    methods = ("count", "record", "follow")
    return all(callable(getattr(value, name, None)) for name in methods)


@attrs.frozen(kw_only=True)
class Settings:
    """Everything an exchange is made with; secrets stay out of its repr.

    ``secret`` and ``password`` are what some venues give out beside ``api_key``, and
    ``password`` opens an encrypted ``private_key``; a venue says in ``credentials`` of
    `Description` which it takes.
    ``environment`` is ``"production"``, ``"demo"``, ``"local"`` or a base URL.
    ``timeout`` is seconds for one request.  ``live=True`` allows orders where money is
    real; ``dry_run=True`` sends reads only, and answers writes itself.  ``options`` are
    venue words for the whole object, such as ``subaccount``.
    ``is_journaled`` says that a file keeps the orders, so that each is written down.
    """

    api_key: str | None = attrs.field(default=None, repr=False)
    private_key: PrivateKey | None = attrs.field(default=None, repr=False)
    secret: str | None = attrs.field(default=None, repr=False, validator=_IS_TEXT)
    password: str | None = attrs.field(default=None, repr=False, validator=_IS_TEXT)
    environment: str = attrs.field(
        default="production", validator=is_a(str, "a name or a base URL")
    )
    live: bool = attrs.field(default=False, validator=is_flag())
    dry_run: bool = attrs.field(default=False, validator=is_flag())
    timeout: float = attrs.field(default=10.0, validator=is_seconds())
    retry: RetryPolicy = attrs.field(
        factory=RetryPolicy, validator=is_a(RetryPolicy, "a RetryPolicy")
    )
    limits: LimitPolicy = attrs.field(
        factory=LimitPolicy, validator=is_a(LimitPolicy, "a LimitPolicy")
    )
    guards: GuardPolicy = attrs.field(
        factory=GuardPolicy, validator=is_a(GuardPolicy, "a GuardPolicy")
    )
    stream: StreamPolicy = attrs.field(
        factory=StreamPolicy, validator=is_a(StreamPolicy, "a StreamPolicy")
    )
    alerts: AlertPolicy = attrs.field(
        factory=AlertPolicy, validator=is_a(AlertPolicy, "an AlertPolicy")
    )
    observer: Observer | None = attrs.field(
        default=None,
        repr=False,
        validator=is_such(
            _observes, "an Observer, with count(), record() and follow()", or_none=True
        ),
    )
    clock: Clock = attrs.field(factory=SystemClock)
    # The system's: a generator of our own would be copied by a fork, and two processes
    # would then place different orders under one client order id.
    rng: Random = attrs.field(factory=SystemRandom, repr=False)
    options: Mapping[str, str | int | bool] = attrs.field(
        factory=dict, validator=is_a(Mapping, "a mapping of words to values")
    )
    is_journaled: bool = False
    environ: Mapping[str, str] = attrs.field(default=environ, repr=False)

    def __attrs_post_init__(self) -> None:
        # One that was given: a child must not place its orders under the parent's ids.
        fork.in_child(self.rng, methodcaller("seed"))

    @classmethod
    def of(cls, **given: Any) -> Settings:
        """Settings from what was given; None means the default where it may be None.

        A name that came out empty of somebody's configuration must not mean production.
        """
        chosen: dict[str, Any] = {
            name: value
            for name, value in given.items()
            if value is not None or name in _NEVER_NONE
        }
        return cls(**chosen)


def resolve_environment(name: str, known: Mapping[str, Environment]) -> Environment:
    """Find an environment by name, or make one of a base URL.

    A URL on this machine or of a known play-money host is play money; any other URL
    counts as real money, because a mistake there costs more.  A host that the venue has
    given up is refused, naming the one that took its place.
    """
    if name in known:
        return known[name]
    parts = urlsplit(name)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        names = ", ".join(sorted(known))
        message = f"environment {name!r} is neither one of {names} nor an http(s) URL"
        if name == "replay" or name.endswith(_RECORDED):
            raise NotSupported(f"{message}. {_REPLAYED}")
        raise BadRequest(message)
    if parts.query or parts.fragment or parts.username or parts.password:
        message = "an environment URL holds scheme, host, port and path only"
        raise BadRequest(message)
    _refuse_retired(parts.hostname, known)
    play = {
        host
        for environment in known.values()
        if not environment.is_real_money
        for host in (urlsplit(environment.rest).hostname, *environment.hosts)
    }
    local = parts.hostname in {"localhost", "127.0.0.1", "::1"}
    if parts.scheme == "http" and not local:
        message = f"refusing to send keys unencrypted to {parts.hostname}: use https"
        raise BadRequest(message)
    real = not local and parts.hostname not in play
    return Environment(name=name, rest=name.rstrip("/"), is_real_money=real)


def _refuse_retired(host: str, known: Mapping[str, Environment]) -> None:
    for environment in known.values():
        if host in environment.retired_hosts:
            message = (
                f"{host} is retired; pass environment={environment.name!r}, which is "
                f"{environment.rest}"
            )
            raise BadRequest(message)
