"""Exchange ids and the folders behind them; a folder is imported when it is asked for.

A venue is a package in ``venues/`` whose modules ``blocking`` and ``aio`` each define
``EXCHANGE``, the class of that flavour.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from os import path, scandir
from types import ModuleType
from typing import TYPE_CHECKING

from .errors import BadRequest
from .hidden import hide

if TYPE_CHECKING:
    from random import Random

    from .alerts import AlertPolicy
    from .clock import Clock
    from .guards import GuardPolicy
    from .journal import JournalPath
    from .observer import Observer
    from .policy import LimitPolicy, RetryPolicy, StreamPolicy
    from .settings import PrivateKey
    from .shells.aio import AsyncExchange
    from .shells.blocking import Exchange
    from .transports import AsyncTransport, Transport

__all__ = ["async_exchange", "exchange", "exchanges", "folder"]


def _ids() -> tuple[str, ...]:
    with scandir(path.join(path.dirname(__file__), "venues")) as entries:
        return tuple(
            sorted(e.name for e in entries if path.exists(f"{e.path}/blocking.py"))
        )


exchanges: tuple[str, ...] = _ids()
"""Every exchange id, sorted."""


def folder(id: str, module: str = "") -> ModuleType:  # noqa: A002 - ccxt's word
    """Import a venue's package, or a module in it."""
    if id not in exchanges:
        message = f"there is no exchange {id!r}; there are: {', '.join(exchanges)}"
        raise BadRequest(message)
    return import_module(f"{__package__}.venues.{id}{module and '.' + module}")


def exchange(
    id: str,  # noqa: A002 - ccxt's word
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
) -> Exchange:
    """Make a blocking exchange by its id; the arguments are those of `Exchange`.

    >>> exchange("kalshi", environment="demo")
    <Kalshi demo (play money)>
    """
    api_key, private_key = hide(api_key), hide(private_key)
    secret, password = hide(secret), hide(password)
    kind: type[Exchange] = folder(id, "blocking").EXCHANGE
    return kind(
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
        transport=transport,
        options=options,
        journal=journal,
    )


def async_exchange(
    id: str,  # noqa: A002 - ccxt's word
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
    transport: AsyncTransport | None = None,
    options: Mapping[str, str | int | bool] | None = None,
    journal: JournalPath | None = None,
) -> AsyncExchange:
    """Make an asynchronous exchange by its id; the arguments are those of `Exchange`.

    >>> async_exchange("kalshi", environment="demo")
    <AsyncKalshi demo (play money)>
    """
    api_key, private_key = hide(api_key), hide(private_key)
    secret, password = hide(secret), hide(password)
    kind: type[AsyncExchange] = folder(id, "aio").EXCHANGE
    return kind(
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
        transport=transport,
        options=options,
        journal=journal,
    )
