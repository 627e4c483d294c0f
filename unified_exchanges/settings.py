"""What a caller configures: one signature for every venue."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike, environ
from random import Random
from typing import Any, TypeAlias
from urllib.parse import urlsplit

import attrs

from .clock import Clock, SystemClock
from .description import Environment
from .errors import BadRequest
from .policy import LimitPolicy, RetryPolicy

__all__ = ["PrivateKey", "Settings", "resolve_environment"]

PrivateKey: TypeAlias = "str | PathLike[str]"
"""PEM text, or the path of a file that holds it."""


def _is_positive(_: object, field: attrs.Attribute[float], value: float) -> None:
    if not value > 0:
        message = f"{field.name} must be above 0 seconds, not {value!r}"
        raise BadRequest(message)


@attrs.frozen(kw_only=True)
class Settings:
    """Everything an exchange is made with; secrets stay out of its repr.

    ``environment`` is ``"production"``, ``"demo"``, ``"local"`` or a base URL.
    ``timeout`` is seconds for one request.  ``live=True`` allows orders where money is
    real.  ``options`` are venue words for the whole object, such as ``subaccount``.
    """

    api_key: str | None = attrs.field(default=None, repr=False)
    private_key: PrivateKey | None = attrs.field(default=None, repr=False)
    password: str | None = attrs.field(default=None, repr=False)
    environment: str = "production"
    live: bool = False
    timeout: float = attrs.field(default=10.0, validator=_is_positive)
    retry: RetryPolicy = attrs.field(factory=RetryPolicy)
    limits: LimitPolicy = attrs.field(factory=LimitPolicy)
    clock: Clock = attrs.field(factory=SystemClock)
    rng: Random = attrs.field(factory=Random, repr=False)
    options: Mapping[str, str | int | bool] = attrs.field(factory=dict)
    environ: Mapping[str, str] = attrs.field(default=environ, repr=False)

    @classmethod
    def of(cls, **given: Any) -> Settings:
        """Settings from what was given; None means the default."""
        return cls(
            **{name: value for name, value in given.items() if value is not None}
        )


def resolve_environment(name: str, known: Mapping[str, Environment]) -> Environment:
    """Find an environment by name, or make one of a base URL.

    A URL on this machine or of a known play-money host is play money; any other URL
    counts as real money, because a mistake there costs more.
    """
    if name in known:
        return known[name]
    parts = urlsplit(name)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        names = ", ".join(sorted(known))
        message = f"environment {name!r} is neither one of {names} nor an http(s) URL"
        raise BadRequest(message)
    if parts.query or parts.fragment or parts.username or parts.password:
        message = "an environment URL holds scheme, host, port and path only"
        raise BadRequest(message)
    play = {urlsplit(e.rest).hostname for e in known.values() if not e.is_real_money}
    local = parts.hostname in {"localhost", "127.0.0.1", "::1"}
    if parts.scheme == "http" and not local:
        message = f"refusing to send keys unencrypted to {parts.hostname}: use https"
        raise BadRequest(message)
    real = not local and parts.hostname not in play
    return Environment(name=name, rest=name.rstrip("/"), is_real_money=real)
