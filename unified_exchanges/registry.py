"""Exchange ids and the folders behind them; a folder is imported when it is asked for.

A venue is a package in ``venues/`` whose modules ``blocking`` and ``aio`` each define
``EXCHANGE``, the class of that flavour.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from os import PathLike, scandir
from os.path import dirname, exists, join
from types import ModuleType
from typing import TYPE_CHECKING, Final

from .errors import ArgumentsRequired, BadRequest
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

__all__ = ["REPLAY", "async_exchange", "exchange", "exchanges", "folder"]


def _ids() -> tuple[str, ...]:
    with scandir(join(dirname(__file__), "venues")) as entries:
        return tuple(sorted(e.name for e in entries if exists(f"{e.path}/blocking.py")))


exchanges: tuple[str, ...] = _ids()
"""Every venue's id, sorted; `exchange` also takes ``"replay"``, which is no venue."""

REPLAY: Final = "replay"


def folder(id: str, module: str = "") -> ModuleType:  # noqa: A002 - ccxt's word
    """Import a venue's package, or a module in it."""
    if id not in exchanges:
        known = ", ".join([*exchanges, REPLAY])
        message = f"there is no exchange {id!r}; there are: {known}"
        raise BadRequest(message)
    return import_module(f"{__package__}.venues.{id}{module and '.' + module}")


def _check_path(id: str, path: object) -> None:  # noqa: A002 - ccxt's word
    if id == REPLAY and path is None:
        raise ArgumentsRequired("a replay needs path=, of a recording or a cassette")
    if id != REPLAY and path is not None:
        raise BadRequest(
            f"path= is for {REPLAY!r}, which reads a recording, not {id!r}"
        )


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
    path: str | PathLike[str] | None = None,
) -> Exchange:
    """Make a blocking exchange by its id; the arguments are those of `Exchange`.

    ``"replay"`` with the ``path`` of a recording or cassette makes the exchange that was
    recorded, answered by the recording; see the page on replay.

    >>> exchange("kalshi", environment="demo")
    <Kalshi demo (play money)>
    """
    api_key, private_key = hide(api_key), hide(private_key)
    secret, password = hide(secret), hide(password)
    _check_path(id, path)
    if path is not None:
        from .replay import replay  # noqa: PLC0415 - few programs replay

        return replay(
            path,
            given={"clock": clock, "journal": journal, "transport": transport},
            dry_run=dry_run,
            timeout=timeout,
            retry=retry,
            limits=limits,
            stream=stream,
            guards=guards,
            alerts=alerts,
            observer=observer,
            rng=rng,
            options=options,
        )
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
    path: str | PathLike[str] | None = None,
) -> AsyncExchange:
    """Make an asynchronous exchange by its id; the arguments are those of `Exchange`.

    ``"replay"`` with the ``path`` of a recording or cassette makes the exchange that was
    recorded, answered by the recording; see the page on replay.

    >>> async_exchange("kalshi", environment="demo")
    <AsyncKalshi demo (play money)>
    """
    api_key, private_key = hide(api_key), hide(private_key)
    secret, password = hide(secret), hide(password)
    _check_path(id, path)
    if path is not None:
        from .replay import async_replay  # noqa: PLC0415 - few programs replay

        return async_replay(
            path,
            given={"clock": clock, "journal": journal, "transport": transport},
            dry_run=dry_run,
            timeout=timeout,
            retry=retry,
            limits=limits,
            stream=stream,
            guards=guards,
            alerts=alerts,
            observer=observer,
            rng=rng,
            options=options,
        )
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
